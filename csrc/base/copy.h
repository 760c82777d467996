/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h - copies of few bytes without a call: a library's memcpy costs more than the bytes. */
#ifndef DIVAK_BASE_COPY_H
#define DIVAK_BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIVAK_COPY_SHORT_LIMIT = 32 };

/* Copies 0 to 32 bytes; writes exactly those. Two overlapping moves cover every length of a class. */
static inline __attribute__((always_inline)) void divak_copy_short(uint8_t *to, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    if (length >= 16) {
        uint64_t a, b, c, d;
        memcpy(&a, from, 8);
        memcpy(&b, from + 8, 8);
        memcpy(&c, from + length - 16, 8);
        memcpy(&d, from + length - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + 8, &b, 8);
        memcpy(to + length - 16, &c, 8);
        memcpy(to + length - 8, &d, 8);
    } else if (length >= 8) {
        uint64_t a, b;
        memcpy(&a, from, 8);
        memcpy(&b, from + length - 8, 8);
        memcpy(to, &a, 8);
        memcpy(to + length - 8, &b, 8);
    } else if (length >= 4) {
        uint32_t a, b;
        memcpy(&a, from, 4);
        memcpy(&b, from + length - 4, 4);
        memcpy(to, &a, 4);
        memcpy(to + length - 4, &b, 4);
    } else if (length != 0) {
        uint8_t a = from[0], b = from[length >> 1], c = from[length - 1];
        to[0] = a;
        to[length >> 1] = b;
        to[length - 1] = c;
    }
}

typedef uint64_t divak_block __attribute__((vector_size(16), aligned(8), may_alias));

/* Copies `length` bytes in blocks of 32: up to 31 bytes more are read and written. */
static inline __attribute__((always_inline)) void divak_copy_blocks(uint8_t *to, const uint8_t *from, size_t length) {
    for (size_t i = 0; i < length; i += 32) {
        divak_block a = *(const divak_block *)(from + i);
        divak_block b = *(const divak_block *)(from + i + 16);
        *(divak_block *)(to + i) = a;
        *(divak_block *)(to + i + 16) = b;
    }
}

#endif
