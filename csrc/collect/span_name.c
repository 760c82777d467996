/* SPDX-License-Identifier: Apache-2.0 */
/* span_name.c - the name that a span started with, read out of its slot while the span is open. */
#include <string.h>

#include "collect/span.h"

/* The name is the first field, or one that says nothing, and was written before anybody had the handle: unlike the fields
 * behind it, nobody can just be writing it. A span that only carries baggage has no field. */
static const char *first_name(const divak_slot *slot, uint64_t reserved, size_t *out_length) {
    if (reserved < DIVAK_FIELD_HEADER) return NULL;
    const uint8_t *head = slot->fields;
    const uint8_t *key = head + DIVAK_FIELD_HEADER;
    *out_length = (size_t)head[2] | (size_t)head[3] << 8;
    if (head[0] == DIVAK_FIELD_NAME) return (const char *)key;
    if (head[0] != (DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID)) return NULL;
    uint32_t id;
    memcpy(&id, key, sizeof id);
    const divak_key_entry *entry = divak_key_table_find(&divak_keys, id);
    if (entry == NULL) return NULL;
    *out_length = entry->length;
    return divak_keys.bytes + entry->offset;
}

int divak_span_start_name(const divak_span *span, char *out, size_t capacity, size_t *out_length) {
    if (!divak_span_is_open(span)) return DIVAK_ABSENT;
    divak_tracer *tracer = divak_tracer_of(span);
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    uint64_t reserved;
    /* From inside, so that the slot is not used again while its name is copied. */
    if (divak_slot_enter(slot, span->generation, 0, tracer->field_limit, &reserved) != DIVAK_SLOT_OK) return DIVAK_ABSENT;
    int status = DIVAK_ABSENT;
    size_t length = 0;
    const char *name = first_name(slot, reserved, &length);
    if (name != NULL) {
        size_t copied = length < capacity ? length : capacity;
        if (copied != 0) memcpy(out, name, copied);
        if (copied < capacity) out[copied] = '\0';
        *out_length = length;
        status = length > capacity ? DIVAK_ERROR_TRUNCATED : DIVAK_OK;
    }
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) (void)divak_span_commit(tracer, slot);
    return status;
}
