/* SPDX-License-Identifier: Apache-2.0 */
/* span_link.c - what a span follows from beside its parent, kept as a tag. */
#include <string.h>

#include "collect/span.h"
#include "model/ids.h"

int divak_span_link(const divak_span *span, const divak_span *other) {
    static const char prefix[5] = {'l', 'i', 'n', 'k', '.'};
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    if (other == NULL || other->span_id == 0 || (other->trace_id_high | other->trace_id_low) == 0) {
        return DIVAK_ERROR_INVALID;
    }
    const divak_ids ids = {.trace_id_high = other->trace_id_high, .trace_id_low = other->trace_id_low};
    char key[sizeof prefix + DIVAK_HEX_SIZE], value[2 * DIVAK_HEX_SIZE + 1 + DIVAK_HEX_SIZE];
    memcpy(key, prefix, sizeof prefix);
    divak_hex_write(key + sizeof prefix, other->span_id);
    size_t length = divak_trace_id_write(value, &ids);
    value[length++] = '-';
    divak_hex_write(value + length, other->span_id);
    /* Past the limits of tags: an id that is cut is another one. */
    return divak_span_add_field(span, DIVAK_FIELD_TAG_TEXT, key, sizeof key, value, length + DIVAK_HEX_SIZE, NULL);
}
