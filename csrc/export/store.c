/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - see store.h. Records never wrap: what is left at the end of the ring is padding, marked as in base/ring.h. */
#include "export/store.h"

#include <stddef.h>
#include <string.h>

#include "base/ring.h"

void divak_store_init(divak_store *store, uint8_t *bytes, uint64_t capacity) {
    *store = (divak_store){.bytes = bytes, .capacity = capacity & ~(uint64_t)7};
}

void divak_store_step(const divak_store *store, divak_store_cursor *cursor, uint32_t length) {
    cursor->position += length;
    cursor->offset += length;
    if (cursor->offset == store->capacity) cursor->offset = 0;
}

static uint32_t length_at(const divak_store *store, const divak_store_cursor *cursor) {
    uint32_t length;
    memcpy(&length, store->bytes + cursor->offset, sizeof length);
    return length;
}

divak_record *divak_store_reserve(divak_store *store, uint32_t length) {
    uint64_t to_edge = store->capacity - store->end.offset;
    uint64_t padding = length > to_edge ? to_edge : 0;
    uint64_t used = store->end.position - store->oldest.position;
    if (used + padding + length > store->capacity) return NULL;
    if (padding != 0) {
        uint32_t mark = (uint32_t)padding | DIVAK_RING_PADDING;
        memcpy(store->bytes + store->end.offset, &mark, sizeof mark);
        divak_store_step(store, &store->end, (uint32_t)padding);
    }
    return (divak_record *)(void *)(store->bytes + store->end.offset);
}

void divak_store_append(divak_store *store, uint32_t length) {
    divak_store_step(store, &store->end, length);
}

const divak_record *divak_store_read(const divak_store *store, divak_store_cursor *cursor) {
    while (cursor->position != store->end.position) {
        uint32_t length = length_at(store, cursor);
        if ((length & DIVAK_RING_PADDING) == 0) return (const divak_record *)(const void *)(store->bytes + cursor->offset);
        divak_store_step(store, cursor, length & ~DIVAK_RING_PADDING);
    }
    return NULL;
}

bool divak_store_forget(divak_store *store, uint64_t *out_forgotten) {
    divak_store_cursor cursor = store->oldest;
    const divak_record *record = divak_store_read(store, &cursor);
    if (record == NULL) {
        bool moved = store->oldest.position != store->end.position; /* nothing but padding was left */
        store->oldest = store->end;
        *out_forgotten = UINT64_MAX;
        return moved;
    }
    *out_forgotten = cursor.position;
    divak_store_step(store, &cursor, record->length);
    store->oldest = cursor;
    return true;
}
