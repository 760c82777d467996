/* SPDX-License-Identifier: Apache-2.0 */
/* ids.c - reads the hex text of ids. */
#include "model/ids.h"

enum { NOT_A_DIGIT = 0x80 }; /* a bit that no digit has: one test at the end finds any stranger */

static inline unsigned hex_digit(char character) {
    unsigned from_zero = (unsigned char)character - (unsigned)'0';
    if (from_zero < 10) return from_zero;
    unsigned from_a = (unsigned char)character - (unsigned)'a';
    return from_a < 6 ? from_a + 10 : NOT_A_DIGIT;
}

bool divak_hex_parse(const char *text, size_t length, uint64_t *out_value) {
    if (text == NULL || length == 0 || length > DIVAK_HEX_SIZE) return false;
    uint64_t value = 0;
    unsigned seen = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = hex_digit(text[i]);
        seen |= digit;
        value = (value << 4) | (digit & 0x0f);
    }
    if (seen & NOT_A_DIGIT) return false;
    *out_value = value;
    return true;
}

size_t divak_trace_id_write(char out[2 * DIVAK_HEX_SIZE], const divak_ids *ids) {
    if (ids->trace_id_high == 0) {
        divak_hex_write(out, ids->trace_id_low);
        return DIVAK_HEX_SIZE;
    }
    divak_hex_write(out, ids->trace_id_high);
    divak_hex_write(out + DIVAK_HEX_SIZE, ids->trace_id_low);
    return (size_t)2 * DIVAK_HEX_SIZE;
}
