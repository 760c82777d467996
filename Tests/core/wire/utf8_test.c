/* SPDX-License-Identifier: Apache-2.0 */
/* utf8_test.c - UTF-8, against an encoder: well formed is what encodes some code point. */
#include "wire/utf8.h"

#include <stdbool.h>

#include "check.h"

/* The only way to write a code point; 0 bytes for what is none. */
static size_t encode(uint32_t code, unsigned char out[4]) {
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; code >>= 6) out[i] = (unsigned char)(0x80 | (code & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (unsigned char)(lead[size] | code);
    return size;
}

/* For two, three and four bytes: which sequences are, and which begin, a code point. */
static unsigned char *is_whole_3, *is_begin_2, *is_begin_3;

static void fill_tables(void) {
    static unsigned char begin_2[1 << 16], whole_3[1 << 24 >> 3], begin_3[1 << 24 >> 3];
    is_begin_2 = begin_2;
    is_whole_3 = whole_3;
    is_begin_3 = begin_3;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        unsigned char b[4] = {0};
        size_t size = encode(code, b);
        if (size < 2) continue;
        if (size > 2) begin_2[b[0] << 8 | b[1]] = 1;
        size_t at = (size_t)b[0] << 16 | (size_t)b[1] << 8 | b[2];
        if (size == 3) whole_3[at >> 3] |= (unsigned char)(1u << (at & 7));
        if (size == 4) begin_3[at >> 3] |= (unsigned char)(1u << (at & 7));
    }
}

/* Reference: the longest run that is or begins a code point, found in what the encoder makes. */
static size_t reference(const unsigned char *b, size_t length, bool *out_is_good) {
    *out_is_good = true;
    if (b[0] < 0x80) return 1;
    unsigned char whole[4];
    if (length >= 2 && (b[0] & 0xe0) == 0xc0 &&
        encode((b[0] & 0x1fu) << 6 | (b[1] & 0x3fu), whole) == 2 && memcmp(whole, b, 2) == 0) {
        return 2;
    }
    *out_is_good = false;
    if (length < 2 || b[0] < 0xe0 || !is_begin_2[b[0] << 8 | b[1]]) return 1;
    if (length < 3) return 2;
    size_t at = (size_t)b[0] << 16 | (size_t)b[1] << 8 | b[2];
    if (is_whole_3[at >> 3] >> (at & 7) & 1) {
        *out_is_good = true;
        return 3;
    }
    if (!(is_begin_3[at >> 3] >> (at & 7) & 1)) return 2;
    if (length < 4 || (b[3] & 0xc0) != 0x80) return 3;
    *out_is_good = true;
    return 4;
}

static bool agrees(const unsigned char *bytes, size_t length) {
    bool is_good;
    size_t expected = reference(bytes, length, &is_good);
    uint32_t code;
    size_t size = divak_utf8_decode((const char *)bytes, length, &code);
    if (size != expected || is_good != (code != DIVAK_UTF8_BAD)) return false;
    if (!is_good) return true;
    unsigned char again[4];
    return encode(code, again) == size && memcmp(again, bytes, size) == 0;
}

TEST(every_code_point_is_read_back) {
    int wrong = 0;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        unsigned char bytes[4];
        size_t size = encode(code, bytes);
        if (size == 0) continue;
        uint32_t read;
        if (divak_utf8_decode((char *)bytes, size, &read) != size || read != code) wrong++;
        if (divak_utf8_sanitize((char *)bytes, size) != size) wrong++;
        for (size_t cut = 1; cut < size; cut++) { /* cut off, all of it is one maximal subpart */
            if (divak_utf8_decode((char *)bytes, cut, &read) != cut || read != DIVAK_UTF8_BAD) {
                wrong++;
            }
        }
    }
    CHECK_INT(0, wrong);
}

TEST(every_sequence_of_up_to_three_bytes_is_judged_as_by_the_encoder) {
    fill_tables();
    int wrong = 0;
    for (uint32_t all = 0; all < 1u << 24; all++) {
        unsigned char bytes[3] = {(unsigned char)(all >> 16), (unsigned char)(all >> 8),
                                  (unsigned char)all};
        if (!agrees(bytes, 3)) wrong++;
        if ((all & 0xff) == 0 && !agrees(bytes, 2)) wrong++;
        if ((all & 0xffff) == 0 && !agrees(bytes, 1)) wrong++;
    }
    CHECK_INT(0, wrong);
}

TEST(every_sequence_of_four_bytes_at_the_edges_is_judged_as_by_the_encoder) {
    fill_tables();
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                          0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    enum { COUNT = sizeof edges };
    int wrong = 0;
    for (int all = 0; all < COUNT * COUNT * COUNT * COUNT; all++) {
        unsigned char bytes[4];
        for (int i = 0, rest = all; i < 4; i++, rest /= COUNT) bytes[i] = edges[rest % COUNT];
        if (!agrees(bytes, 4)) wrong++;
        size_t valid = 0;
        for (bool is_good = true; valid < 4;) {
            size_t size = reference(bytes + valid, 4 - valid, &is_good);
            if (!is_good) break;
            valid += size;
        }
        if (divak_utf8_sanitize((char *)bytes, 4) != valid) wrong++;
    }
    CHECK_INT(0, wrong);
}

TEST(a_stranger_is_found_at_every_place_of_a_long_text) {
    for (size_t length = 0; length < 70; length++) {
        for (size_t at = 0; at <= length; at++) {
            char *text = malloc(length + 1);
            if (text == NULL) abort();
            memset(text, 'x', length + 1);
            if (at < length) text[at] = (char)0xff;
            CHECK_INT(at, divak_utf8_sanitize(text, length));
            if (at + 2 <= length) {
                memcpy(text + at, "\xc3\xa9", 2);
                CHECK_INT(length, divak_utf8_sanitize(text, length));
            }
            free(text);
        }
    }
    CHECK_INT(0, divak_utf8_sanitize(NULL, 0));
    uint32_t code;
    CHECK_INT(0, divak_utf8_decode(NULL, 0, &code));
}

TEST(a_cut_never_splits_a_code_point_and_keeps_as_much_as_it_can) {
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 2 3 4 1 bytes */
    static const size_t ends[] = {0, 1, 3, 6, 10, 11};
    for (size_t max = 0; max <= 14; max++) {
        size_t expected = 0;
        for (size_t i = 0; i < 6; i++) expected = ends[i] <= max ? ends[i] : expected;
        CHECK_INT(expected, divak_utf8_cut(text, 11, max));
    }
    /* A code point at the very start is given up whole. */
    for (size_t max = 0; max < 4; max++) {
        CHECK_INT(0, divak_utf8_cut("\xf0\x9f\x98\x80", 4, max));
        CHECK_INT(max == 3 ? 3 : 0, divak_utf8_cut("\xe2\x82\xac", 3, max));
    }
    CHECK_INT(0, divak_utf8_cut(NULL, 0, 0));
    CHECK_INT(0, divak_utf8_cut(NULL, 0, 5));
}

TEST(a_cut_in_bytes_that_are_no_text_is_made_where_it_was_asked_for) {
    CHECK_INT(3, divak_utf8_cut("\x80\x80\x80\x80\x80", 5, 3));
    CHECK_INT(2, divak_utf8_cut("\x80\x80\x80\x80\x80", 5, 2));
    CHECK_INT(4, divak_utf8_cut("\x80\x80\x80\x80\x80", 5, 4));
    CHECK_INT(1, divak_utf8_cut("\xe2\x82", 2, 1));         /* cut off before: no code point */
    CHECK_INT(2, divak_utf8_cut("a\xc0\x80z", 4, 2));       /* overlong */
    CHECK_INT(2, divak_utf8_cut("\xed\xa0\x80", 3, 2));     /* a surrogate */
    CHECK_INT(2, divak_utf8_cut("\xc3\xa9\x80", 3, 2));     /* a continuation too many */
    CHECK_INT(3, divak_utf8_cut("\xff\xff\xff\xff", 4, 3));
    CHECK_INT(1, divak_utf8_cut("a\xf0\x9f\x98\x80", 5, 4)); /* three bytes before the cut */
}

CHECK_MAIN()
