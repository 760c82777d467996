/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - copies of few bytes without a call: a library's memcpy costs more than the bytes. */
#ifndef DIVAK_BASE_COPY_H
#define DIVAK_BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIVAK_COPY_SHORT_LIMIT = 32 };

/* Copies 0 to 32 bytes; writes exactly those. Overlapping moves cover every length of a class, the likeliest first. */
static inline __attribute__((always_inline)) void divak_copy_short(uint8_t *to, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    if (__builtin_expect(length >= 8, 1)) {
        /* One after the other: in one register, where callers have none to spare. */
        uint64_t part;
        memcpy(&part, from, 8);
        memcpy(to, &part, 8);
        memcpy(&part, from + length - 8, 8);
        memcpy(to + length - 8, &part, 8);
        if (length > 16) {
            memcpy(&part, from + 8, 8);
            memcpy(to + 8, &part, 8);
            memcpy(&part, from + length - 16, 8);
            memcpy(to + length - 16, &part, 8);
        }
    } else if (length >= 4) {
        uint32_t a, b;
        memcpy(&a, from, 4);
        memcpy(&b, from + length - 4, 4);
        memcpy(to, &a, 4);
        memcpy(to + length - 4, &b, 4);
    } else if (length >= 2) {
        uint16_t a, b;
        memcpy(&a, from, 2);
        memcpy(&b, from + length - 2, 2);
        memcpy(to, &a, 2);
        memcpy(to + length - 2, &b, 2);
    } else if (length != 0) {
        *to = *from;
    }
}

/* Stores a number by itself. gcc gathers neighbours in a vector register otherwise, by way of the stack, which is more
 * instructions than stores. */
static inline void divak_put(uint64_t *to, uint64_t value) {
    *(volatile uint64_t *)to = value;
}

typedef uint64_t divak_block __attribute__((vector_size(16), aligned(8), may_alias));

/* Copies 16 bytes. */
static inline __attribute__((always_inline)) void divak_copy_block(uint8_t *to, const uint8_t *from) {
    *(divak_block *)to = *(const divak_block *)from;
}

static inline __attribute__((always_inline)) void divak_copy_two_blocks(uint8_t *to, const uint8_t *from) {
    divak_block a = *(const divak_block *)from;
    divak_block b = *(const divak_block *)(from + 16);
    *(divak_block *)to = a;
    *(divak_block *)(to + 16) = b;
}

enum { DIVAK_COPY_AT_LEAST = 96 };

/* Copies `length` bytes in blocks of 32, DIVAK_COPY_AT_LEAST at the least: up to 31 bytes more are read and written, or what
 * is missing. */
static inline __attribute__((always_inline)) void divak_copy_blocks(uint8_t *to, const uint8_t *from, size_t length) {
    /* Without a loop for what every record has: 12 instructions fewer a span. */
    divak_copy_two_blocks(to, from);
    divak_copy_two_blocks(to + 32, from + 32);
    divak_copy_two_blocks(to + 64, from + 64);
    for (size_t i = DIVAK_COPY_AT_LEAST; i < length; i += 32) divak_copy_two_blocks(to + i, from + i);
}

#endif
