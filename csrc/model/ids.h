/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h - the ids of a span, the sampling decision that travels with them, and their hex text.
 *
 *     char text[DIVAK_HEX_SIZE];
 *     divak_hex_write(text, ids.span_id);                  // "00f067aa0ba902b7", not terminated
 *
 *     uint64_t id;
 *     if (divak_hex_parse(text, 16, &id)) ...              // lower-case only
 */
#ifndef DIVAK_MODEL_IDS_H
#define DIVAK_MODEL_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zero means "none" in every field: a span without parent, a trace id of 64 bits (high is 0). */
typedef struct divak_ids {
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint64_t span_id;
    uint64_t parent_id;
} divak_ids;

/* What is known of the decision to sample a trace. It is made once and never changes downstream. */
typedef enum divak_sampling {
    DIVAK_SAMPLING_DEFER = 0, /* nobody has decided yet */
    DIVAK_SAMPLING_DENY = 1,
    DIVAK_SAMPLING_ACCEPT = 2,
    DIVAK_SAMPLING_DEBUG = 3 /* accepted, and no sampler on the way may say otherwise */
} divak_sampling;

enum { DIVAK_HEX_SIZE = 16 }; /* characters of a 64-bit id */

/* Eight hex digits of the low 32 bits, most significant digit in the most significant byte.
 *
 * The three steps move each nibble into a byte of its own. A nibble n of 10 to 15 gives
 * (n + 6) >> 4 == 1, others 0; so '0' + n + 39 * that is the digit ('a' - '0' - 10 == 39), and no
 * sum leaves its byte, for the largest is 0x66. */
static inline uint64_t divak_hex_spread(uint32_t value) {
    uint64_t x = value;
    x = ((x << 16) | x) & UINT64_C(0x0000ffff0000ffff);
    x = ((x << 8) | x) & UINT64_C(0x00ff00ff00ff00ff);
    x = ((x << 4) | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t is_letter =
        ((x + UINT64_C(0x0606060606060606)) >> 4) & UINT64_C(0x0101010101010101);
    return x + UINT64_C(0x3030303030303030) + is_letter * 39;
}

/* Writes exactly DIVAK_HEX_SIZE lower-case digits, leading zeros included. In the header, because
 * encoders write three or four ids a span. */
static inline void divak_hex_write(char *out, uint64_t value) {
    uint64_t high = divak_hex_spread((uint32_t)(value >> 32));
    uint64_t low = divak_hex_spread((uint32_t)value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    high = __builtin_bswap64(high);
    low = __builtin_bswap64(low);
#endif
    memcpy(out, &high, sizeof high);
    memcpy(out + 8, &low, sizeof low);
}

/* Reads 1 to 16 lower-case hex digits. False, and *out_value as it was, for anything else: another
 * length, upper case, a sign, white space. Zero is a number like others here. */
bool divak_hex_parse(const char *text, size_t length, uint64_t *out_value);

/* Writes a trace id as 16 digits, or as 32 when its high half is not zero; returns how many. */
size_t divak_trace_id_write(char out[2 * DIVAK_HEX_SIZE], const divak_ids *ids);

#endif
