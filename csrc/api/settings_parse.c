/* settings_parse.c - reads the text of a setting into its member of divak_settings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings_table.h"

#include <arpa/inet.h>
#include <string.h>

#include "api/own_formats.h"
#include "base/memory.h"
#include "wire/url.h"
#include "wire/value.h"

typedef struct slice {
    const char *text;
    size_t length;
} slice;

/* Case does not matter in `text`; `word` is lower-case. */
static bool equals(slice text, const char *word) {
    if (text.length != strlen(word)) return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.text[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c != word[i]) return false;
    }
    return true;
}

static bool is_printable(slice text) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.text[i];
        if (c < 0x20 || c == 0x7f) return false;
    }
    return text.length > 0;
}

static char *copy(slice text) {
    char *memory = divak_memory_allocate(text.length + 1);
    if (memory == NULL) return NULL;
    if (text.length > 0) memcpy(memory, text.text, text.length);
    memory[text.length] = '\0';
    return memory;
}

static int parse_copy(slice text, char **out) {
    *out = copy(text);
    return *out == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

static int parse_word(slice text, const divak_setting_word *words, uint32_t *out) {
    for (; words->word != NULL; words++) {
        if (!equals(text, words->word)) continue;
        *out = words->value;
        return DIVAK_OK;
    }
    return DIVAK_ERROR_INVALID;
}

static int parse_size(const divak_setting_row *row, slice text, uint64_t *out) {
    uint64_t bytes;
    if (divak_value_size(text.text, text.length, &bytes) != DIVAK_OK) return DIVAK_ERROR_INVALID;
    if (bytes < row->least || bytes > row->most) return DIVAK_ERROR_INVALID;
    if (row->kind == DIVAK_SETTING_POWER && (bytes & (bytes - 1)) != 0) return DIVAK_ERROR_INVALID;
    *out = bytes;
    return DIVAK_OK;
}

static int parse_duration(const divak_setting_row *row, slice text, uint64_t *out) {
    uint64_t time;
    if (divak_value_duration(text.text, text.length, &time) != DIVAK_OK) return DIVAK_ERROR_INVALID;
    if (time < row->least || time > row->most) return DIVAK_ERROR_INVALID;
    *out = time;
    return DIVAK_OK;
}

static int parse_short_size(const divak_setting_row *row, slice text, uint32_t *out) {
    uint64_t bytes;
    int status = parse_size(row, text, &bytes);
    if (status == DIVAK_OK) *out = (uint32_t)bytes;
    return status;
}

static int parse_number(const divak_setting_row *row, slice text, uint32_t *out) {
    uint64_t number;
    int status = divak_value_unsigned(text.text, text.length, row->least, row->most, &number);
    if (status == DIVAK_OK) *out = (uint32_t)number;
    return status;
}

static int parse_name(slice text, char out[DIVAK_SERVICE_NAME_SIZE]) {
    if (text.length >= DIVAK_SERVICE_NAME_SIZE || !is_printable(text)) return DIVAK_ERROR_INVALID;
    memcpy(out, text.text, text.length);
    out[text.length] = '\0';
    return DIVAK_OK;
}

/* An IPv4 address in the clothes of IPv6 is IPv4, as everywhere in Divak. */
static int parse_address(slice text, divak_record_address *out) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char address[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (equals(text, "none")) return DIVAK_OK;
    if (text.length >= sizeof address || memchr(text.text, '\0', text.length) != NULL) {
        return DIVAK_ERROR_INVALID;
    }
    memcpy(address, text.text, text.length);
    address[text.length] = '\0';
    if (inet_pton(AF_INET, address, bytes) == 1) {
        out->has_ipv4 = 1;
        memcpy(out->ipv4, bytes, 4);
    } else if (inet_pton(AF_INET6, address, bytes) != 1) {
        return DIVAK_ERROR_INVALID;
    } else if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        out->has_ipv4 = 1;
        memcpy(out->ipv4, bytes + sizeof mapped, 4);
    } else {
        out->has_ipv6 = 1;
        memcpy(out->ipv6, bytes, 16);
    }
    return DIVAK_OK;
}

int divak_setting_parse_url(const char *text, size_t length, char **out_full, char **out_display,
                            const char **out_reason) {
    char buffer[DIVAK_URL_BUFFER_SIZE];
    divak_url url;
    int status = divak_url_parse(text, length, buffer, sizeof buffer, &url, out_reason);
    if (status != DIVAK_OK) return status;
    char *full = copy((slice){url.full, url.full_length});
    char *display = copy((slice){url.display, url.display_length});
    if (full == NULL || display == NULL) {
        divak_memory_release(full);
        divak_memory_release(display);
        return DIVAK_ERROR_MEMORY;
    }
    *out_full = full;
    *out_display = display;
    return DIVAK_OK;
}

static int parse_per_second(const divak_setting_row *row, slice text, divak_settings *settings) {
    uint32_t number = 0;
    bool is_none = equals(text, "none");
    int status = is_none ? DIVAK_OK : parse_number(row, text, &number);
    if (status != DIVAK_OK) return status;
    settings->has_sample_per_second = !is_none;
    settings->sample_per_second = number;
    return DIVAK_OK;
}

static int parse_formats(slice text, divak_settings *settings) {
    divak_formats formats = {.b3 = false};
    size_t count = 0;
    slice item;
    if (equals(text, "none")) {
        settings->inject = formats;
        return DIVAK_OK;
    }
    divak_value_list list = {.text = text.text, .length = text.length};
    for (; divak_value_next(&list, &item.text, &item.length); count++) {
        if (equals(item, "b3")) formats.b3 = true;
        else if (equals(item, "b3multi")) formats.b3multi = true;
        else if (equals(item, "tracecontext")) formats.tracecontext = true;
        else if (equals(item, "baggage")) formats.baggage = true;
        else if (equals(item, "request-id")) formats.request_id = true;
        else {
            int own = divak_own_format_find(settings->propagators, settings->propagator_count,
                                            item.text, item.length);
            if (own < 0) return DIVAK_ERROR_INVALID;
            formats.own |= UINT32_C(1) << own;
        }
    }
    if (count == 0) return DIVAK_ERROR_INVALID;
    settings->inject = formats;
    return DIVAK_OK;
}

/* A header's name, by RFC 9110. */
static bool is_token(slice text) {
    for (size_t i = 0; i < text.length; i++) {
        char c = text.text[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
    }
    return text.length > 0;
}

static int add_header(divak_settings *settings, const divak_value_pair *pair) {
    if (!is_token((slice){pair->name, pair->name_length})) return DIVAK_ERROR_INVALID;
    char **headers = divak_memory_resize(settings->headers,
                                         (settings->header_count + 1) * sizeof *headers);
    if (headers == NULL) return DIVAK_ERROR_MEMORY;
    settings->headers = headers;
    char *line = divak_memory_allocate(pair->name_length + pair->value_length + 3);
    if (line == NULL) return DIVAK_ERROR_MEMORY;
    memcpy(line, pair->name, pair->name_length);
    memcpy(line + pair->name_length, ": ", 2);
    memcpy(line + pair->name_length + 2, pair->value, pair->value_length);
    line[pair->name_length + 2 + pair->value_length] = '\0';
    headers[settings->header_count++] = line;
    return DIVAK_OK;
}

static int add_tag(divak_settings *settings, const divak_value_pair *pair) {
    if (pair->name_length > DIVAK_FIELD_KEY_MAX) return DIVAK_ERROR_INVALID;
    divak_setting_tag *tags = divak_memory_resize(settings->tags,
                                                  (settings->tag_count + 1) * sizeof *tags);
    if (tags == NULL) return DIVAK_ERROR_MEMORY;
    settings->tags = tags;
    divak_setting_tag tag = {
        .key = copy((slice){pair->name, pair->name_length}),
        .key_length = pair->name_length,
        .value = copy((slice){pair->value, pair->value_length}),
        .value_length = pair->value_length,
    };
    tags[settings->tag_count++] = tag; /* also half made: deinit knows */
    return tag.key == NULL || tag.value == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

static int parse_pairs(slice text, divak_settings *settings,
                       int (*add)(divak_settings *, const divak_value_pair *)) {
    if (equals(text, "none")) return DIVAK_OK;
    divak_value_list list = {.text = text.text, .length = text.length};
    divak_value_pair pair;
    int status, count = 0;
    while ((status = divak_value_next_pair(&list, &pair)) == DIVAK_OK) {
        status = add(settings, &pair);
        if (status != DIVAK_OK) return status;
        count++;
    }
    return status == DIVAK_ABSENT && count > 0 ? DIVAK_OK : DIVAK_ERROR_INVALID;
}

static int parse_path(slice text, char **out) {
    if (equals(text, "none")) return DIVAK_OK;
    return is_printable(text) ? parse_copy(text, out) : DIVAK_ERROR_INVALID;
}

/* Asks those who will use the text. They only say no: out of room is as bad as out of form. The
 * header of the request id may yet be another one; whether both go together is asked at the end. */
static int parse_fields(slice text, char **out) {
    divak_propagation propagation;
    divak_propagation_init(&propagation);
    propagation.request_id_header = (divak_header_name){.length = 0};
    if (divak_propagation_add_fields(&propagation, text.text, text.length) != DIVAK_OK) {
        return DIVAK_ERROR_INVALID;
    }
    return parse_copy(text, out);
}

static int parse_header_name(slice text, char **out) {
    divak_propagation propagation;
    divak_propagation_init(&propagation);
    if (divak_propagation_set_request_id_header(&propagation, text.text, text.length) != DIVAK_OK) {
        return DIVAK_ERROR_INVALID;
    }
    return parse_copy(text, out);
}

int divak_setting_parse(const divak_setting_row *row, const char *bytes, size_t length,
                        divak_settings *settings, const char **out_reason) {
    void *place = (char *)settings + row->offset;
    slice text = {bytes, length};
    *out_reason = row->hint;
    if (length == 0 || length > DIVAK_SETTING_TEXT_MAX) return DIVAK_ERROR_INVALID;
    switch (row->kind) {
    case DIVAK_SETTING_BOOL:
        return divak_value_bool(bytes, length, place);
    case DIVAK_SETTING_NUMBER:
        return parse_number(row, text, place);
    case DIVAK_SETTING_SIZE:
        return parse_size(row, text, place);
    case DIVAK_SETTING_SHORT_SIZE:
    case DIVAK_SETTING_POWER:
        return parse_short_size(row, text, place);
    case DIVAK_SETTING_DURATION:
        return parse_duration(row, text, place);
    case DIVAK_SETTING_WORD:
        return parse_word(text, row->words, place);
    case DIVAK_SETTING_PROBABILITY:
        return divak_value_probability(bytes, length, place);
    case DIVAK_SETTING_NAME:
        return parse_name(text, place);
    case DIVAK_SETTING_ADDRESS:
        return parse_address(text, place);
    case DIVAK_SETTING_PORT: {
        uint32_t port = 0;
        int status = parse_number(row, text, &port);
        settings->local_address.port = (uint16_t)port;
        return status;
    }
    case DIVAK_SETTING_URL:
        return divak_setting_parse_url(bytes, length, &settings->endpoint,
                                       &settings->endpoint_display, out_reason);
    case DIVAK_SETTING_PER_SECOND:
        return parse_per_second(row, text, settings);
    case DIVAK_SETTING_FORMATS:
        return parse_formats(text, settings);
    case DIVAK_SETTING_HEADERS:
        return parse_pairs(text, settings, add_header);
    case DIVAK_SETTING_TAGS:
        return parse_pairs(text, settings, add_tag);
    case DIVAK_SETTING_PATH:
        return parse_path(text, place);
    case DIVAK_SETTING_FIELDS:
        return parse_fields(text, place);
    case DIVAK_SETTING_HEADER_NAME:
        return parse_header_name(text, place);
    }
    return DIVAK_ERROR_INVALID;
}
