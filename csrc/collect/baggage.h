/* SPDX-License-Identifier: Apache-2.0 */
/* baggage.h - a table of byte strings that many spans share: what travels beside the ids.
 *
 * A span names an entry by a number (its index + 1; 0 is none) and a generation. The bytes of an
 * entry never change while anybody holds it; what they mean is the business of whoever writes and
 * reads them. An entry is one word and a pointer:
 *
 *      63            32 31    30             0
 *     +----------------+------+---------------+    +-----------------------------+
 *     |   generation   | held |  references   | -> | capacity | length | bytes   | kept
 *     +----------------+------+---------------+    +-----------------------------+
 *
 * `references` counts the slots (and readers) that hold the entry. `held` is the one hold of a
 * divak_span value that owns its baggage, such as what extract gives: a bit and not a count,
 * because values are copied freely and letting go of two copies must not take away what a slot
 * holds. When references and held are 0 the generation moves on, all handles are stale, and the
 * entry is free.
 *
 * retain, release, disown and open are lock-free, allocate nothing, make no system call and bear
 * any handle, stale or forged: they are for the hot path and for signal handlers. create may
 * allocate. */
#ifndef DIVAK_COLLECT_BAGGAGE_H
#define DIVAK_COLLECT_BAGGAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "divak/span.h"

enum {
    DIVAK_BAGGAGE_ENTRIES = 4096,   /* a tracer's by default: 128 KiB, touched as they are used */
    DIVAK_BAGGAGE_BLOB_MAX = 65536, /* longest string of an entry */
    DIVAK_BAGGAGE_DEPTH = 32        /* longest chain of entries that replaced one another */
};

typedef struct divak_baggage_entry {
    divak_atomic_u64 word;     /* generation, held, references: as drawn above */
    divak_atomic_pointer blob; /* written by whoever creates, while nobody else knows the entry */
    divak_atomic_u32 next;     /* in the free list: number of the next one, 0 at the end */
    /* The entry that this one replaced and keeps alive; 0: none. Written before the word is. */
    uint32_t previous;
    uint32_t previous_generation;
    uint32_t depth; /* how many there are behind this one */
} divak_baggage_entry;

typedef struct divak_baggage_table {
    divak_baggage_entry *entries;
    uint32_t capacity;
    uint32_t first_generation;  /* of each entry: another one in each table */
    uint64_t budget;
    divak_atomic_u64 free_head; /* changes << 32 | number of the first free entry, 0: none */
    divak_atomic_u32 used;      /* entries that were ever handed out; those behind are untouched */
    divak_atomic_u64 bytes;     /* memory of all blobs, free entries included; at most budget */
    divak_atomic_u64 refused;   /* creates that found no entry, no budget or no memory */
} divak_baggage_table;

/* An empty table of 1 or more entries; DIVAK_ERROR_MEMORY: the table then refuses everything. */
int divak_baggage_table_init(divak_baggage_table *table, uint32_t entries, uint64_t byte_budget);
/* Frees everything. Nobody may use the table while or after. */
void divak_baggage_table_deinit(divak_baggage_table *table);

/* Who holds a new entry. */
typedef enum divak_baggage_holder {
    DIVAK_BAGGAGE_BY_REFERENCE, /* one reference, which the caller has */
    DIVAK_BAGGAGE_BY_VALUE      /* a divak_span value, which lets go by disown */
} divak_baggage_holder;

/* Copies `length` bytes into a new entry. `previous` (0: none) is the entry that it replaces: it
 * stays alive as long as the new one, so that copies of a span made before the change keep what
 * they name; but after DIVAK_BAGGAGE_DEPTH changes in a row the whole chain is let go.
 * DIVAK_ERROR_FULL: no free entry, or over the byte budget; DIVAK_ERROR_MEMORY; both counted. Any
 * thread, not for signal handlers. */
int divak_baggage_table_create(divak_baggage_table *table, const void *bytes, size_t length,
                               divak_baggage_holder holder, uint32_t previous,
                               uint32_t previous_generation, uint32_t *out_baggage,
                               uint32_t *out_generation);

/* One more reference; false when there is no such entry (any more), as for baggage 0. */
bool divak_baggage_table_retain(divak_baggage_table *table, uint32_t baggage, uint32_t generation);
/* One reference less; false, and nothing happens, when there is none. */
bool divak_baggage_table_release(divak_baggage_table *table, uint32_t baggage,
                                 uint32_t generation);
/* Ends the hold of the value; false, and nothing happens, when it has ended before. */
bool divak_baggage_table_disown(divak_baggage_table *table, uint32_t baggage, uint32_t generation);
/* Retains, and gives the bytes, which stay as they are until the caller's release. */
bool divak_baggage_table_open(divak_baggage_table *table, uint32_t baggage, uint32_t generation,
                              const unsigned char **out_bytes, size_t *out_length);

/* For a forked child, before any other thread: every handle is stale, everything is free, memory
 * is kept for reuse. Neither allocates nor frees. */
void divak_baggage_table_forget_all(divak_baggage_table *table);

/* ---- Said by the slots (collect/span.c) ------------------------------------------------------ */

/* The slot of a live span lets go of the baggage that it held and takes over the caller's
 * reference on this one. DIVAK_OK; anything negative (stale, ended): the caller still has its
 * reference. */
int divak_span_replace_baggage(const divak_span *span, uint32_t baggage, uint32_t generation);
/* As above for a local span without a slot (unsampled, or without baggage so far): it gets a slot,
 * put into `span`, so that its end lets go of the baggage. DIVAK_ERROR_FULL: there is none. */
int divak_span_adopt_baggage(divak_span *span, uint32_t baggage, uint32_t generation);

#endif
