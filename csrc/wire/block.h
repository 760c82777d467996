/* SPDX-License-Identifier: Apache-2.0 */
/* block.h - sixteen bytes at a time: load, store, and questions about all of them at once.
 *
 * Two bodies for one set of functions: SSE2, which every x86-64 has, and plain 64-bit arithmetic
 * for all else. DIVAK_WIRE_PORTABLE chooses the plain one everywhere, and its functions are always
 * there under their own names, so that a test compares both. A mask has bit i set for byte i, the
 * byte with the lowest address being number 0.
 */
#ifndef DIVAK_WIRE_BLOCK_H
#define DIVAK_WIRE_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(DIVAK_WIRE_PORTABLE)
#define DIVAK_WIRE_SSE2 1
#include <emmintrin.h>
#else
#define DIVAK_WIRE_SSE2 0
#endif

enum { DIVAK_BLOCK_SIZE = 16 };

#define DIVAK_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t divak_load_little64(const void *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline void divak_store_little64(void *out, uint64_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(out, &value, sizeof value);
}

static inline void divak_store_big64(void *out, uint64_t value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(out, &value, sizeof value);
}

/* ---- plain arithmetic ---- */

typedef struct divak_block_plain {
    uint64_t low, high; /* byte 0 is the least significant of low */
} divak_block_plain;

static inline divak_block_plain divak_block_plain_load(const void *bytes) {
    return (divak_block_plain){divak_load_little64(bytes),
                               divak_load_little64((const char *)bytes + 8)};
}

static inline void divak_block_plain_store(void *out, divak_block_plain block) {
    divak_store_little64(out, block.low);
    divak_store_little64((char *)out + 8, block.high);
}

/* The top bit of each byte, gathered. The factor moves bit 8i to bit 56 + i, and no two of the
 * products that land in the upper byte meet in one bit, so that nothing carries. */
static inline uint32_t divak_word_tops(uint64_t word) {
    uint64_t bits = (word >> 7) & DIVAK_EACH_BYTE(1);
    return (uint32_t)((bits * UINT64_C(0x0102040810204080)) >> 56);
}

static inline uint32_t divak_block_plain_high(divak_block_plain block) {
    return divak_word_tops(block.low) | divak_word_tops(block.high) << 8;
}

/* In the top bit of each byte: is it below 0x20, above 0x7f, a quote or a backslash? All sums stay
 * within their byte, since they start from seven bits: at most 0x7f + 0x7f. */
static inline uint64_t divak_word_escapes(uint64_t word) {
    const uint64_t low7 = DIVAK_EACH_BYTE(0x7f);
    uint64_t seven = word & low7;
    uint64_t not_control = seven + DIVAK_EACH_BYTE(0x60);
    uint64_t not_quote = (seven ^ DIVAK_EACH_BYTE('"')) + low7;
    uint64_t not_backslash = (seven ^ DIVAK_EACH_BYTE('\\')) + low7;
    return word | ~(not_control & not_quote & not_backslash);
}

static inline uint32_t divak_block_plain_escapes(divak_block_plain block) {
    return divak_word_tops(divak_word_escapes(block.low)) |
           divak_word_tops(divak_word_escapes(block.high)) << 8;
}

static inline uint64_t divak_word_lower(uint64_t word) {
    uint64_t seven = word & DIVAK_EACH_BYTE(0x7f);
    uint64_t from_a = seven + DIVAK_EACH_BYTE(0x80 - 'A');
    uint64_t after_z = seven + DIVAK_EACH_BYTE(0x80 - 'Z' - 1);
    uint64_t is_upper = from_a & ~after_z & ~word & DIVAK_EACH_BYTE(0x80);
    return word | is_upper >> 2; /* 0x80 >> 2 is 0x20, the difference between the cases */
}

static inline divak_block_plain divak_block_plain_lower(divak_block_plain block) {
    return (divak_block_plain){divak_word_lower(block.low), divak_word_lower(block.high)};
}

/* ---- what the encoders use ---- */

#if DIVAK_WIRE_SSE2

typedef __m128i divak_block;

static inline divak_block divak_block_load(const void *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

static inline void divak_block_store(void *out, divak_block block) {
    _mm_storeu_si128((__m128i *)out, block);
}

/* Bytes above 0x7f. */
static inline uint32_t divak_block_high(divak_block block) {
    return (uint32_t)_mm_movemask_epi8(block);
}

/* Bytes that JSON text can't hold as they are, or that begin or continue a longer code point. The
 * comparison is signed, so that bytes above 0x7f are less than 0x20 too. */
static inline uint32_t divak_block_escapes(divak_block block) {
    __m128i low_or_high = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low_or_high, _mm_or_si128(quote, backslash)));
}

/* A to Z become a to z; other bytes stay. */
static inline divak_block divak_block_lower(divak_block block) {
    __m128i is_upper = _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('A' - 1)),
                                     _mm_cmplt_epi8(block, _mm_set1_epi8('Z' + 1)));
    return _mm_or_si128(block, _mm_and_si128(is_upper, _mm_set1_epi8(0x20)));
}

/* Sixteen lower-case hex digits of a number. */
static inline void divak_block_hex(char *out, uint64_t value) {
    __m128i bytes = _mm_cvtsi64_si128((long long)__builtin_bswap64(value));
    __m128i nibble = _mm_set1_epi8(0x0f);
    __m128i upper = _mm_and_si128(_mm_srli_epi64(bytes, 4), nibble);
    __m128i digits = _mm_unpacklo_epi8(upper, _mm_and_si128(bytes, nibble));
    __m128i is_letter = _mm_cmpgt_epi8(digits, _mm_set1_epi8(9));
    __m128i text = _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')),
                                _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
    _mm_storeu_si128((__m128i *)(void *)out, text);
}

#else

#include "model/ids.h"

typedef divak_block_plain divak_block;
#define divak_block_load    divak_block_plain_load
#define divak_block_store   divak_block_plain_store
#define divak_block_high    divak_block_plain_high
#define divak_block_escapes divak_block_plain_escapes
#define divak_block_lower   divak_block_plain_lower
#define divak_block_hex     divak_hex_write

#endif

/* The first 0 to 16 bits of a mask. */
static const uint16_t divak_block_masks[DIVAK_BLOCK_SIZE + 1] = {
    0x0000, 0x0001, 0x0003, 0x0007, 0x000f, 0x001f, 0x003f, 0x007f, 0x00ff,
    0x01ff, 0x03ff, 0x07ff, 0x0fff, 0x1fff, 0x3fff, 0x7fff, 0xffff,
};

/* The first `length` (0 to 16) bits of a mask. */
static inline uint32_t divak_block_first(uint32_t mask, size_t length) {
    return mask & divak_block_masks[length];
}

/* The block at `bytes` when only those before `end`, fewer than 16 of them, may be read: the last
 * 16 of those, shifted down; what is behind the end is 0. The 16 bytes before `end` must be
 * readable. */
static inline divak_block divak_block_load_tail(const char *bytes, const char *end) {
    uint64_t low = divak_load_little64(end - DIVAK_BLOCK_SIZE), high = divak_load_little64(end - 8);
    uint32_t shift = 8 * (uint32_t)(DIVAK_BLOCK_SIZE - (end - bytes)); /* 8 to 128 */
    if (shift >= 64) {
        low = shift == 128 ? 0 : high >> (shift - 64);
        high = 0;
    } else {
        low = low >> shift | high << (64 - shift);
        high >>= shift;
    }
#if DIVAK_WIRE_SSE2
    return _mm_set_epi64x((long long)high, (long long)low);
#else
    return (divak_block){low, high};
#endif
}

#endif
