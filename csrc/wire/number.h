/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - numbers as text, the same in every locale.
 *
 *     char text[DIVAK_NUMBER_SIZE];
 *     char *end = divak_number_write_int(text, -42);           // "-42", not terminated
 *
 * A double becomes the shortest decimal that reads back as the same double: 0.1, 12.25, 3, -0,
 * 1e21, 1.5e-7, NaN, Infinity, -Infinity. An exponent appears from 1e21 up and below 1e-6, as in
 * JavaScript.
 */
#ifndef DIVAK_WIRE_NUMBER_H
#define DIVAK_WIRE_NUMBER_H

#include <stdint.h>

#include "wire/block.h"

enum {
    DIVAK_NUMBER_SIZE = 32, /* bytes that must be writable; the text of any number is shorter */
    DIVAK_NUMBER_EIGHT = 100000000 /* the least number of nine digits */
};

/* Each returns the end of the text. Bytes up to DIVAK_NUMBER_SIZE may be overwritten. */
static inline char *divak_number_write_uint(char *out, uint64_t value);
static inline char *divak_number_write_int(char *out, int64_t value);
char *divak_number_write_double(char *out, double value);

/* Eight decimal digits of a number below 10^8, the first one in the least significant byte. Each
 * step splits all parts in two halves at once; the factors are 2^k / 100 and 2^k / 10 rounded up,
 * exact for parts below 10^4 and 10^2. */
static inline uint64_t divak_number_eight_digits(uint32_t value) {
    uint64_t fours = (uint64_t)(value / 10000) | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = ((fours * 10486) >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = ((twos * 103) >> 10) & UINT64_C(0x000f000f000f000f);
    return tens | (twos - tens * 10) << 8;
}

/* How many digits a number below 10^8 has; 1 for 0. The product is log10(2) times the bits, rounded
 * down, which is that number or one less. Found apart from the digits, so that what comes next need
 * not wait for them. */
static inline uint32_t divak_number_length(uint32_t value) {
    static const uint32_t powers[9] = {1,      10,      100,      1000,     10000,
                                       100000, 1000000, 10000000, 100000000};
    uint32_t bits = 32 - (uint32_t)__builtin_clz(value | 1);
    uint32_t length = (bits * 1233) >> 12;
    return length + ((value | 1) >= powers[length]);
}

/* Writes a number below 10^8 without leading zeros. */
static inline char *divak_number_write_short(char *out, uint32_t value) {
    uint32_t length = divak_number_length(value);
    uint64_t text = divak_number_eight_digits(value) + DIVAK_EACH_BYTE('0');
    divak_store_little64(out, text >> (64 - 8 * length));
    return out + length;
}

static inline char *divak_number_write_eight(char *out, uint32_t value) {
    divak_store_little64(out, divak_number_eight_digits(value) + DIVAK_EACH_BYTE('0'));
    return out + 8;
}

/* Any number; the two lengths that occur most are dealt with in place below. */
char *divak_number_write_long(char *out, uint64_t value);

static inline char *divak_number_write_uint(char *out, uint64_t value) {
    if (value < DIVAK_NUMBER_EIGHT) return divak_number_write_short(out, (uint32_t)value);
    return divak_number_write_long(out, value);
}

/* Writes a number below 10^16 as 16 digits. */
static inline void divak_number_write_sixteen(char *out, uint64_t value) {
    uint32_t upper = (uint32_t)(value / DIVAK_NUMBER_EIGHT),
             lower = (uint32_t)(value % DIVAK_NUMBER_EIGHT);
#if DIVAK_WIRE_SSE2
    /* The steps of divak_number_eight_digits for both halves, with the factors that these
     * instructions allow: 2^45 / 10^4, 2^19 / 100 and 2^16 / 10 rounded up, exact for parts below
     * 2^32, 10^4 and 10^2. */
    __m128i eights = _mm_set_epi64x(lower, upper);
    __m128i tops = _mm_srli_epi64(_mm_mul_epu32(eights, _mm_set1_epi64x(3518437209)), 45);
    __m128i rests = _mm_sub_epi64(eights, _mm_mul_epu32(tops, _mm_set1_epi64x(10000)));
    __m128i fours = _mm_or_si128(tops, _mm_slli_epi64(rests, 32));
    __m128i hundreds = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)), 3);
    rests = _mm_sub_epi16(fours, _mm_mullo_epi16(hundreds, _mm_set1_epi16(100)));
    __m128i twos = _mm_or_si128(hundreds, _mm_slli_epi32(rests, 16));
    __m128i tens = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554));
    rests = _mm_sub_epi16(twos, _mm_mullo_epi16(tens, _mm_set1_epi16(10)));
    __m128i digits = _mm_or_si128(tens, _mm_slli_epi16(rests, 8));
    divak_block_store(out, _mm_add_epi8(digits, _mm_set1_epi8('0')));
#else
    divak_number_write_eight(divak_number_write_eight(out, upper), lower);
#endif
}

/* The same for what is mostly a time in microseconds: 16 digits, from 2001 to 2286. */
static inline char *divak_number_write_time(char *out, uint64_t value) {
    const uint64_t least = UINT64_C(1000000000000000);
    if (value - least >= 9 * least) return divak_number_write_long(out, value);
    divak_number_write_sixteen(out, value);
    return out + 16;
}

static inline char *divak_number_write_int(char *out, int64_t value) {
    uint64_t size = (uint64_t)value;
    if (value < 0) {
        *out++ = '-';
        size = 0 - size;
    }
    return divak_number_write_uint(out, size);
}

#endif
