/* SPDX-License-Identifier: Apache-2.0 */
/* id_text.c - ids as hexadecimal text, for log lines and links. */
#include "divak/propagation.h"
#include "model/ids.h"

void divak_span_trace_id_text(const divak_span *span, char out[33]) {
    size_t length = 0;
    if (span != NULL && (span->trace_id_high | span->trace_id_low) != 0) {
        divak_ids ids = {.trace_id_high = span->trace_id_high, .trace_id_low = span->trace_id_low};
        length = divak_trace_id_write(out, &ids);
    }
    out[length] = '\0';
}

void divak_span_id_text(const divak_span *span, char out[17]) {
    size_t length = 0;
    if (span != NULL && span->span_id != 0) {
        divak_hex_write(out, span->span_id);
        length = DIVAK_HEX_SIZE;
    }
    out[length] = '\0';
}
