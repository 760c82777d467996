/* SPDX-License-Identifier: Apache-2.0 */
/* request_id.c - checks and writes the ids of requests. */
#include "wire/request_id.h"

#include <string.h>

#include "divak/status.h"
#include "model/ids.h"

int divak_request_id_check(const char *text, size_t length) {
    if (text == NULL || length == 0) return DIVAK_ABSENT;
    if (length > DIVAK_REQUEST_ID_MAX) return DIVAK_ERROR_INVALID;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c <= 0x20 || c >= 0x7f || memchr("\"'`\\<>,", c, 7) != NULL) {
            return DIVAK_ERROR_INVALID;
        }
    }
    return DIVAK_OK;
}

void divak_request_id_write(uint64_t random_high, uint64_t random_low, char out[DIVAK_UUID_SIZE]) {
    uint64_t high = (random_high & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
    uint64_t low = (random_low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    char digits[2 * DIVAK_HEX_SIZE];
    divak_hex_write(digits, high);
    divak_hex_write(digits + DIVAK_HEX_SIZE, low);
    static const unsigned char groups[] = {8, 4, 4, 4, 12};
    const char *from = digits;
    for (size_t i = 0; i < sizeof groups; i++) {
        if (i > 0) *out++ = '-';
        memcpy(out, from, groups[i]);
        from += groups[i];
        out += groups[i];
    }
}
