/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent.c - reads and writes the `traceparent` header. */
#include "wire/traceparent.h"

#include "divak/status.h"

/* 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 * 0  3               19              35|              52|  55 */
enum { AT_TRACE = 3, AT_TRACE_LOW = 19, AT_PARENT = 36, AT_FLAGS = 53 };
enum { VERSION_NEVER = 0xff, FLAG_SAMPLED = 0x01, FLAG_RANDOM = 0x02 };

int divak_traceparent_parse(const char *text, size_t length, divak_traceparent *out) {
    if (text == NULL) return DIVAK_ABSENT;
    if (length < DIVAK_TRACEPARENT_SIZE) return DIVAK_ERROR_INVALID;
    uint64_t version, flags;
    divak_ids ids = {.parent_id = 0};
    if (text[AT_TRACE - 1] != '-' || text[AT_PARENT - 1] != '-' || text[AT_FLAGS - 1] != '-' ||
        !divak_hex_parse(text, 2, &version) ||
        !divak_hex_parse(text + AT_TRACE, DIVAK_HEX_SIZE, &ids.trace_id_high) ||
        !divak_hex_parse(text + AT_TRACE_LOW, DIVAK_HEX_SIZE, &ids.trace_id_low) ||
        !divak_hex_parse(text + AT_PARENT, DIVAK_HEX_SIZE, &ids.span_id) ||
        !divak_hex_parse(text + AT_FLAGS, 2, &flags)) {
        return DIVAK_ERROR_INVALID;
    }
    if (version == VERSION_NEVER) return DIVAK_ERROR_INVALID;
    if (length > DIVAK_TRACEPARENT_SIZE && (version == 0 || text[DIVAK_TRACEPARENT_SIZE] != '-')) {
        return DIVAK_ERROR_INVALID;
    }
    if ((ids.trace_id_high | ids.trace_id_low) == 0 || ids.span_id == 0) return DIVAK_ERROR_INVALID;
    *out = (divak_traceparent){
        .ids = ids,
        .is_sampled = (flags & FLAG_SAMPLED) != 0,
        .is_random = (flags & FLAG_RANDOM) != 0,
    };
    return DIVAK_OK;
}

void divak_traceparent_write(const divak_traceparent *traceparent,
                             char out[DIVAK_TRACEPARENT_SIZE]) {
    memcpy(out, "00-", 3);
    divak_hex_write(out + AT_TRACE, traceparent->ids.trace_id_high);
    divak_hex_write(out + AT_TRACE_LOW, traceparent->ids.trace_id_low);
    out[AT_PARENT - 1] = '-';
    divak_hex_write(out + AT_PARENT, traceparent->ids.span_id);
    out[AT_FLAGS - 1] = '-';
    out[AT_FLAGS] = '0';
    out[AT_FLAGS + 1] = (char)('0' + (traceparent->is_sampled ? FLAG_SAMPLED : 0) +
                               (traceparent->is_random ? FLAG_RANDOM : 0));
}
