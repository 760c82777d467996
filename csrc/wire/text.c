/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. Plain text goes by blocks; a special byte is dealt with alone, then blocks
 * go on. */
#include "wire/text.h"

#include "wire/utf8.h"

static char *put_replacement(char *out) {
    memcpy(out, DIVAK_UTF8_REPLACEMENT, DIVAK_UTF8_REPLACEMENT_SIZE);
    return out + DIVAK_UTF8_REPLACEMENT_SIZE;
}

static char *put_unicode_escape(char *out, uint32_t code) {
    static const char digits[] = "0123456789abcdef";
    memcpy(out, "\\u", 2);
    out[2] = digits[code >> 12 & 15];
    out[3] = digits[code >> 8 & 15];
    out[4] = digits[code >> 4 & 15];
    out[5] = digits[code & 15];
    return out + 6;
}

/* One ASCII character that JSON wants escaped. */
static char *put_escape(char *out, unsigned char byte) {
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = byte < 0x20 ? letters[byte] : (char)byte;
    if (letter == 0) return put_unicode_escape(out, byte);
    out[0] = '\\';
    out[1] = letter;
    return out + 2;
}

/* Copies the code point at *at, which is not ASCII, or puts U+FFFD for what is none. */
static char *put_code_point(char *out, const char **at, size_t length, bool for_json,
                            bool *is_bad) {
    uint32_t code;
    size_t size = divak_utf8_decode(*at, length, &code);
    const char *bytes = *at;
    *at += size;
    if (code == DIVAK_UTF8_BAD) {
        *is_bad = true;
        return put_replacement(out);
    }
    if (for_json && (code == 0x2028 || code == 0x2029)) return put_unicode_escape(out, code);
    memcpy(out, bytes, size);
    return out + size;
}

char *divak_text_write_json_any(char *out, const char *text, size_t length,
                                const char *readable_end, bool lower, uint64_t *mended) {
    const char *at = text, *end = text + length;
    bool is_bad = false;
    while (at < end) {
        size_t left = (size_t)(end - at);
        divak_block block = divak_text_load(at, readable_end);
        divak_block_store(out, lower ? divak_block_lower(block) : block);
        uint32_t special = divak_block_escapes(block);
        if (left < DIVAK_BLOCK_SIZE) special = divak_block_first(special, left);
        if (special == 0) {
            size_t plain = left < DIVAK_BLOCK_SIZE ? left : DIVAK_BLOCK_SIZE;
            out += plain;
            at += plain;
            continue;
        }
        unsigned plain = (unsigned)__builtin_ctz(special);
        out += plain;
        at += plain;
        /* A run of these mostly goes on, as in text that isn't English. */
        while (at < end) {
            unsigned char byte = (unsigned char)*at;
            if (byte >= 0x80) {
                out = put_code_point(out, &at, (size_t)(end - at), true, &is_bad);
            } else if (byte < 0x20 || byte == '"' || byte == '\\') {
                out = put_escape(out, byte);
                at++;
            } else {
                break;
            }
        }
    }
    *mended += is_bad;
    if (!lower && divak_text_ends_badly(text, length)) out = put_unicode_escape(out - 1, 's');
    return out;
}

char *divak_text_write_utf8(char *out, const char *text, size_t length, const char *readable_end,
                            bool lower, uint64_t *mended) {
    const char *at = text, *end = text + length;
    bool is_bad = false;
    while (at < end) {
        size_t left = (size_t)(end - at);
        divak_block block = divak_text_load(at, readable_end);
        divak_block_store(out, lower ? divak_block_lower(block) : block);
        uint32_t special = divak_block_high(block);
        if (left < DIVAK_BLOCK_SIZE) special = divak_block_first(special, left);
        if (special == 0) {
            size_t plain = left < DIVAK_BLOCK_SIZE ? left : DIVAK_BLOCK_SIZE;
            out += plain;
            at += plain;
            continue;
        }
        unsigned plain = (unsigned)__builtin_ctz(special);
        out += plain;
        at += plain;
        while (at < end && (unsigned char)*at >= 0x80) {
            out = put_code_point(out, &at, (size_t)(end - at), false, &is_bad);
        }
    }
    *mended += is_bad;
    return out;
}
