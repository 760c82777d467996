/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c - checks, cuts and decodes UTF-8. */
#include "wire/utf8.h"

#include <stdbool.h>
#include <string.h>

static inline bool is_continuation(unsigned char byte) {
    return (byte & 0xc0) == 0x80;
}

/* Decodes a code point of two bytes or more. The second byte's range depends on the first and
 * alone rules out overlong forms, surrogates and what is above U+10FFFF; later ones are plain. */
static size_t decode_long(const unsigned char *bytes, size_t length, uint32_t *out_code) {
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    size_t size;
    uint32_t code;
    *out_code = DIVAK_UTF8_BAD;
    if (first < 0xc2 || first > 0xf4) return 1;
    if (first < 0xe0) {
        size = 2;
        code = first & 0x1fu;
    } else if (first < 0xf0) {
        size = 3;
        code = first & 0x0fu;
        if (first == 0xe0) low = 0xa0;  /* below: overlong */
        if (first == 0xed) high = 0x9f; /* above: surrogates */
    } else {
        size = 4;
        code = first & 0x07u;
        if (first == 0xf0) low = 0x90;  /* below: overlong */
        if (first == 0xf4) high = 0x8f; /* above: beyond U+10FFFF */
    }
    if (length < 2 || bytes[1] < low || bytes[1] > high) return 1;
    code = (code << 6) | (bytes[1] & 0x3fu);
    for (size_t i = 2; i < size; i++) {
        if (i == length || !is_continuation(bytes[i])) return i;
        code = (code << 6) | (bytes[i] & 0x3fu);
    }
    *out_code = code;
    return size;
}

size_t divak_utf8_decode(const char *text, size_t length, uint32_t *out_code) {
    if (length == 0) {
        *out_code = DIVAK_UTF8_BAD;
        return 0;
    }
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] >= 0x80) return decode_long(bytes, length, out_code);
    *out_code = bytes[0];
    return 1;
}

size_t divak_utf8_sanitize(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t i = 0;
    while (i < length) {
        /* Nearly all text is ASCII, and eight bytes of it have no top bit set. */
        uint64_t word;
        while (length - i >= sizeof word) {
            memcpy(&word, bytes + i, sizeof word);
            if (word & UINT64_C(0x8080808080808080)) break;
            i += sizeof word;
        }
        while (i < length && bytes[i] < 0x80) i++;
        while (i < length && bytes[i] >= 0x80) {
            uint32_t code;
            size_t size = decode_long(bytes + i, length - i, &code);
            if (code == DIVAK_UTF8_BAD) return i;
            i += size;
        }
    }
    return length;
}

size_t divak_utf8_cut(const char *text, size_t length, size_t max) {
    if (length <= max) return length;
    const unsigned char *bytes = (const unsigned char *)text;
    if (!is_continuation(bytes[max])) return max;
    /* The byte after the cut continues something. It began at most three bytes before; if that is a
     * whole code point that reaches over the cut, the cut moves before it. */
    for (size_t back = 1; back <= 3 && back <= max; back++) {
        size_t start = max - back;
        if (is_continuation(bytes[start])) continue;
        uint32_t code;
        size_t size = divak_utf8_decode(text + start, length - start, &code);
        return code != DIVAK_UTF8_BAD && size > back ? start : max;
    }
    return max;
}
