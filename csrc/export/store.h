/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the retained store: ended spans in order, until every reporter has taken them or their place is needed.
 *
 *     oldest                reporter B          reporter A      end
 *       [record][record][record][record][record][record][record]          a ring of whole records, in the mapping
 *
 * The flusher alone touches it. Reporters are cursors: a slow one holds nobody up, for when there is no room the oldest
 * records go, and each reporter whose cursor stood there is told so. What a reporter has put into a message is its own
 * from then on.
 */
#ifndef DIVAK_EXPORT_STORE_H
#define DIVAK_EXPORT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"

/* A place between two records. Positions only grow; the offset is where that is in the ring. */
typedef struct divak_store_cursor {
    uint64_t position;
    uint64_t offset;
} divak_store_cursor;

typedef struct divak_store {
    uint8_t *bytes;
    uint64_t capacity; /* a multiple of 8 */
    divak_store_cursor oldest;
    divak_store_cursor end;
} divak_store;

void divak_store_init(divak_store *store, uint8_t *bytes, uint64_t capacity);

/* Room for a record of `length` bytes at the end, or NULL when that is more than is free: call divak_store_forget and
 * try again. After writing: divak_store_append. */
divak_record *divak_store_reserve(divak_store *store, uint32_t length);
void divak_store_append(divak_store *store, uint32_t length);
/* Gives up the oldest record: its cursor moves on. False when the store is empty. `out_forgotten` is where it stood. */
bool divak_store_forget(divak_store *store, uint64_t *out_forgotten);

/* The record at the cursor, or NULL when the cursor is at the end. Steps over padding. */
const divak_record *divak_store_read(const divak_store *store, divak_store_cursor *cursor);
void divak_store_step(const divak_store *store, divak_store_cursor *cursor, uint32_t length);

#endif
