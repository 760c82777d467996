/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - the append-only table of registered names and tag keys; a number stands for its text in a record.
 *
 * One writer at a time (the caller holds a lock), any number of readers without one. Nothing is ever removed or
 * moved, so a text that was found stays valid for the life of the table. The struct is position independent: a copy
 * lies in each tracer's mapping.
 */
#ifndef DIVAK_MODEL_KEYS_H
#define DIVAK_MODEL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"

enum {
    DIVAK_KEYS_MAX = 2048,
    DIVAK_KEYS_BYTES = 64 * 1024,
    DIVAK_KEY_NONE = 0 /* never a registered key */
};

typedef struct divak_key_entry {
    uint32_t offset;
    uint16_t length;
    uint8_t is_plain; /* printable ASCII without '"' and '\': goes into JSON as it is */
    uint8_t is_error; /* the text is "error" */
} divak_key_entry;

typedef struct divak_key_table {
    divak_atomic_u32 count; /* ids 1..count are valid */
    uint32_t bytes_used;
    divak_key_entry entries[DIVAK_KEYS_MAX];
    char bytes[DIVAK_KEYS_BYTES];
} divak_key_table;

/* The table of this process. */
extern DIVAK_HIDDEN divak_key_table divak_keys;

/* A divak_key of the interface is an id and this: 0, or far from that of other copies of the library in the process, so
 * that a key of theirs is none of ours. Written before anyone registers one. */
extern DIVAK_HIDDEN uint32_t divak_keys_before;

static inline uint32_t divak_key_id(uint32_t key) {
    return key - divak_keys_before;
}

/* The id of `text`, registered now if it was not; DIVAK_KEY_NONE when the table is full or the text empty or longer
 * than 255 bytes. The caller holds the lock of the table. */
uint32_t divak_key_table_add(divak_key_table *table, const char *text, size_t length);

/* The entry of an id, or NULL when there is no such key. */
static inline const divak_key_entry *divak_key_table_find(const divak_key_table *table, uint32_t id) {
    /* Pairs with the release in divak_key_table_add: an id below the count has its entry and bytes written. */
    if (id == DIVAK_KEY_NONE || id > divak_load_acquire(&table->count)) return NULL;
    return &table->entries[id - 1];
}

#endif
