/* SPDX-License-Identifier: Apache-2.0 */
/* baggage.c - reads and writes the W3C `baggage` header. */
#include "wire/baggage.h"

#include <stdint.h>
#include <string.h>

#include "divak/status.h"
#include "wire/utf8.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static bool is_token_character(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c > 0x20 && c < 0x7f && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL;
}

static bool is_value_character(char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

static bool is_token(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!is_token_character(text[i])) return false;
    }
    return length > 0;
}

static bool is_value(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!is_value_character(text[i])) return false;
    }
    return true;
}

typedef struct slice {
    const char *text;
    size_t length;
} slice;

static slice trim(const char *text, size_t length) {
    while (length > 0 && is_space(text[0])) {
        text++;
        length--;
    }
    while (length > 0 && is_space(text[length - 1])) length--;
    return (slice){text, length};
}

/* Cuts off what comes before the separator (all of it, if there is none), trimmed, and moves rest
 * behind the separator. Returns whether there was one. */
static bool cut(slice *rest, char separator, slice *out_before) {
    const char *found = rest->length == 0 ? NULL : memchr(rest->text, separator, rest->length);
    size_t before = found == NULL ? rest->length : (size_t)(found - rest->text);
    *out_before = trim(rest->text, before);
    if (found == NULL) return false;
    rest->text += before + 1;
    rest->length -= before + 1;
    return true;
}

/* "a=1;b;c = 2": keys with or without a value. */
static bool are_properties(slice rest) {
    for (bool is_more = true; is_more;) {
        slice property, key;
        is_more = cut(&rest, ';', &property);
        bool has_value = cut(&property, '=', &key);
        if (!is_token(key.text, key.length)) return false;
        if (!has_value) continue;
        slice value = trim(property.text, property.length);
        if (!is_value(value.text, value.length)) return false;
    }
    return true;
}

static bool parse_member(slice text, divak_baggage_member *out) {
    slice head, key;
    bool has_properties = cut(&text, ';', &head);
    if (!cut(&head, '=', &key) || !is_token(key.text, key.length)) return false;
    slice value = trim(head.text, head.length);
    if (!is_value(value.text, value.length)) return false;
    slice properties = {value.text + value.length, 0};
    if (has_properties) {
        properties = trim(text.text, text.length);
        if (!are_properties(properties)) return false;
    }
    *out = (divak_baggage_member){
        .key = key.text,
        .key_length = key.length,
        .value = value.text,
        .value_length = value.length,
        .properties = properties.text,
        .properties_length = properties.length,
    };
    return true;
}

divak_baggage_reader divak_baggage_reader_over(const char *text, size_t length) {
    return (divak_baggage_reader){.text = text, .length = text == NULL ? 0 : length};
}

/* Beyond the limits members are counted in one pass over the bytes, and not looked into. */
static void drop_rest(divak_baggage_reader *reader) {
    bool is_empty = true;
    for (; reader->offset < reader->length; reader->offset++) {
        char c = reader->text[reader->offset];
        if (c == ',') {
            is_empty = true;
        } else if (is_empty && !is_space(c)) {
            is_empty = false;
            reader->dropped++;
        }
    }
}

bool divak_baggage_next(divak_baggage_reader *reader, divak_baggage_member *out) {
    while (reader->offset < reader->length) {
        size_t left = DIVAK_BAGGAGE_BYTES;
        left -= reader->offset < left ? reader->offset : left;
        size_t window = reader->length - reader->offset;
        bool is_cut = window > left;
        if (is_cut) window = left + 1; /* a comma may stand right behind the last legal byte */
        const char *text = reader->text + reader->offset;
        const char *comma = memchr(text, ',', window);
        if (reader->scanned == DIVAK_BAGGAGE_MEMBERS || (comma == NULL && is_cut)) {
            drop_rest(reader);
            return false;
        }
        size_t length = comma == NULL ? window : (size_t)(comma - text);
        reader->offset += length + (comma != NULL);
        reader->scanned++;
        slice one = trim(text, length);
        if (one.length == 0) continue;
        if (parse_member(one, out)) return true;
        reader->dropped++;
    }
    return false;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte that value begins with, decoded; returns how many characters stand for it. */
static size_t decode_byte(const char *value, size_t length, char *out_byte) {
    if (value[0] == '%' && length >= 3) {
        int high = hex_value(value[1]), low = hex_value(value[2]);
        if (high >= 0 && low >= 0) {
            *out_byte = (char)(unsigned char)(high << 4 | low);
            return 3;
        }
    }
    *out_byte = value[0];
    return 1;
}

int divak_baggage_decode(const char *value, size_t length, char *out, size_t capacity,
                         size_t *out_length) {
    size_t written = 0;
    int status = DIVAK_OK;
    for (size_t i = 0; i < length;) {
        /* A window of four decoded bytes holds any code point. */
        char window[4];
        size_t width[4], have = 0;
        for (size_t at = i; have < sizeof window && at < length; at += width[have++]) {
            width[have] = decode_byte(value + at, length - at, &window[have]);
            if (have == 0 && (unsigned char)window[0] < 0x80) {
                have = 1;
                break;
            }
        }
        uint32_t code;
        size_t size = divak_utf8_decode(window, have, &code);
        const char *source = code == DIVAK_UTF8_BAD ? DIVAK_UTF8_REPLACEMENT : window;
        size_t needed = code == DIVAK_UTF8_BAD ? (size_t)DIVAK_UTF8_REPLACEMENT_SIZE : size;
        if (needed > capacity - written) {
            status = DIVAK_ERROR_TRUNCATED;
            break;
        }
        memcpy(out + written, source, needed);
        written += needed;
        for (size_t k = 0; k < size; k++) i += width[k];
    }
    *out_length = written;
    return status;
}

int divak_baggage_encode(const char *text, size_t length, char *out, size_t capacity,
                         size_t *out_length) {
    static const char digits[] = "0123456789ABCDEF";
    size_t written = 0;
    int status = DIVAK_OK;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t size = divak_utf8_decode(text + i, length - i, &code);
        const char *source = text + i;
        size_t count = size;
        if (code == DIVAK_UTF8_BAD) {
            source = DIVAK_UTF8_REPLACEMENT;
            count = DIVAK_UTF8_REPLACEMENT_SIZE;
        }
        bool is_plain = count == 1 && is_value_character(source[0]) && source[0] != '%';
        size_t needed = is_plain ? 1 : 3 * count;
        if (needed > capacity - written) {
            status = DIVAK_ERROR_TRUNCATED;
            break;
        }
        if (is_plain) out[written++] = source[0];
        for (size_t k = 0; k < count && !is_plain; k++) {
            unsigned char byte = (unsigned char)source[k];
            out[written++] = '%';
            out[written++] = digits[byte >> 4];
            out[written++] = digits[byte & 0x0f];
        }
        i += size;
    }
    *out_length = written;
    return status;
}

static int refuse(divak_baggage_writer *writer, int status) {
    writer->dropped++;
    return status;
}

/* Adds a member whose value is plain text (must_encode) or wire text. Nothing of it counts until
 * writer->length is moved at the end. */
static int add(divak_baggage_writer *writer, const divak_baggage_member *member, bool must_encode) {
    if (!is_token(member->key, member->key_length)) return refuse(writer, DIVAK_ERROR_INVALID);
    slice properties = {member->properties, member->properties_length};
    if (properties.length > 0 && !are_properties(properties)) {
        return refuse(writer, DIVAK_ERROR_INVALID);
    }
    if (!must_encode && !is_value(member->value, member->value_length)) {
        return refuse(writer, DIVAK_ERROR_INVALID);
    }
    size_t capacity = writer->capacity;
    if (capacity > DIVAK_BAGGAGE_BYTES) capacity = DIVAK_BAGGAGE_BYTES;
    if (writer->members == DIVAK_BAGGAGE_MEMBERS) return refuse(writer, DIVAK_ERROR_FULL);
    size_t left = capacity - writer->length;
    size_t frame = (size_t)(writer->members > 0) + 1 + (properties.length > 0); /* , = ; */
    /* Each part is compared alone before the sum, so that no sum can wrap. */
    if (frame > left || member->key_length > left || properties.length > left ||
        frame + member->key_length + properties.length > left) {
        return refuse(writer, DIVAK_ERROR_FULL);
    }
    left -= frame + member->key_length + properties.length;

    char *at = writer->out + writer->length;
    if (writer->members > 0) *at++ = ',';
    memcpy(at, member->key, member->key_length);
    at += member->key_length;
    *at++ = '=';
    size_t value_length = member->value_length;
    if (must_encode) {
        int status =
            divak_baggage_encode(member->value, member->value_length, at, left, &value_length);
        if (status != DIVAK_OK) return refuse(writer, DIVAK_ERROR_FULL);
    } else {
        if (value_length > left) return refuse(writer, DIVAK_ERROR_FULL);
        if (value_length > 0) memcpy(at, member->value, value_length);
    }
    at += value_length;
    if (properties.length > 0) {
        *at++ = ';';
        memcpy(at, properties.text, properties.length);
        at += properties.length;
    }
    writer->length = (size_t)(at - writer->out);
    writer->members++;
    return DIVAK_OK;
}

int divak_baggage_add(divak_baggage_writer *writer, const char *key, size_t key_length,
                      const char *value, size_t value_length, const char *properties,
                      size_t properties_length) {
    divak_baggage_member member = {
        .key = key,
        .key_length = key_length,
        .value = value,
        .value_length = value_length,
        .properties = properties,
        .properties_length = properties == NULL ? 0 : properties_length,
    };
    return add(writer, &member, true);
}

int divak_baggage_forward(divak_baggage_writer *writer, const divak_baggage_member *member) {
    return add(writer, member, false);
}
