/* SPDX-License-Identifier: Apache-2.0 */
/* baggage.c - entries are counted by compare-and-swap on their word; free ones wait in a stack. */
#include "collect/baggage.h"

#include <string.h>

#include "base/copies.h"
#include "base/memory.h"

typedef struct blob {
    uint32_t capacity;
    uint32_t length;
    unsigned char bytes[];
} blob;

enum { SMALLEST_BLOB = 240 };

static const uint64_t HELD = UINT64_C(1) << 31;
static const uint64_t REFERENCES = (UINT64_C(1) << 31) - 1;
static const uint64_t HOLDS = UINT64_C(0xffffffff);

static uint64_t free_word(uint32_t generation) {
    /* 0 is no generation, so that a handle of zeros names nothing. */
    if (generation == 0) generation = 1;
    return (uint64_t)generation << 32;
}

int divak_baggage_table_init(divak_baggage_table *table, uint32_t entries, uint64_t byte_budget) {
    memset(table, 0, sizeof *table);
    /* Of the heap, not of pages of our own: leak checkers look for pointers to the blobs here. */
    table->entries = divak_memory_allocate_zeroed(entries, sizeof(divak_baggage_entry));
    if (table->entries == NULL) return DIVAK_ERROR_MEMORY;
    table->capacity = entries;
    /* A span may become a parent under another tracer, whose table has an entry of that number too:
     * somebody else's. Generations far apart keep it from being taken for the one meant. */
    static divak_atomic_u32 tables;
    enum { STRIDE = 0x1e3779b1 };
    table->first_generation = divak_copies_salt() + divak_add_relaxed(&tables, 1) * STRIDE + 1;
    table->budget = byte_budget;
    return DIVAK_OK;
}

void divak_baggage_table_deinit(divak_baggage_table *table) {
    if (table->entries == NULL) return;
    uint32_t used = divak_load_relaxed(&table->used);
    for (uint32_t i = 0; i < used; i++) {
        divak_memory_release(divak_load_relaxed(&table->entries[i].blob));
    }
    divak_memory_release(table->entries);
    memset(table, 0, sizeof *table);
}

static divak_baggage_entry *entry_of(divak_baggage_table *table, uint32_t baggage) {
    /* An entry that was never handed out has no holds, and is refused by its word. */
    if (table == NULL || baggage == 0 || baggage > table->capacity) return NULL;
    return &table->entries[baggage - 1];
}

/* ---- The free list --------------------------------------------------------------------------- */

static void put_free(divak_baggage_table *table, uint32_t baggage) {
    divak_baggage_entry *entry = &table->entries[baggage - 1];
    uint64_t head = divak_load_relaxed(&table->free_head);
    uint64_t changed;
    do {
        divak_store_relaxed(&entry->next, (uint32_t)head);
        changed = ((head >> 32) + 1) << 32 | baggage;
        /* Pairs with the acquire in take_free: whoever pops the entry sees its next, its blob and
         * its word, and that all readers of the blob are gone. */
    } while (!divak_cas_weak_release(&table->free_head, &head, changed));
}

/* A free entry that is the caller's alone from here on, or 0. */
static uint32_t take_free(divak_baggage_table *table) {
    for (;;) {
        /* Pairs with the release in put_free: with the head comes its next, and that the entry's
         * last users are done with it. */
        uint64_t head = divak_load_acquire(&table->free_head);
        if ((uint32_t)head == 0) return 0;
        uint32_t next = divak_load_relaxed(&table->entries[(uint32_t)head - 1].next);
        /* The upper half counts changes, so that a head that was popped and pushed again meanwhile
         * is not taken for the one that we loaded. Relaxed: what it finds is that very value, and
         * the load has brought all that came with it. */
        uint64_t changed = ((head >> 32) + 1) << 32 | next;
        if (divak_cas_weak_relaxed(&table->free_head, &head, changed)) return (uint32_t)head;
    }
}

static uint32_t take_entry(divak_baggage_table *table) {
    uint32_t baggage = take_free(table);
    if (baggage != 0) return baggage;
    /* Untouched pages hold nothing that would have to be handed over: relaxed. */
    uint32_t used = divak_load_relaxed(&table->used);
    while (used < table->capacity) {
        if (!divak_cas_weak_relaxed(&table->used, &used, used + 1)) continue;
        divak_store_relaxed(&table->entries[used].word, free_word(table->first_generation));
        return used + 1;
    }
    return 0;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void free_blob(divak_baggage_table *table, divak_baggage_entry *entry) {
    blob *old = divak_load_relaxed(&entry->blob);
    if (old == NULL) return;
    uint64_t size = sizeof *old + old->capacity;
    /* The pointer goes before the memory does: a fork between the two leaves the child a leak and
     * no dangling pointer. The exchange is what keeps the two in order. */
    (void)divak_exchange_acquire_release(&entry->blob, NULL);
    divak_memory_release(old);
    divak_subtract_relaxed(&table->bytes, size);
}

static bool take_budget(divak_baggage_table *table, uint64_t amount) {
    uint64_t bytes = divak_load_relaxed(&table->bytes);
    do {
        if (amount > table->budget || bytes > table->budget - amount) return false;
    } while (!divak_cas_weak_relaxed(&table->bytes, &bytes, bytes + amount));
    return true;
}

/* Takes `amount` from the budget, and for that frees the memory that free entries kept, as far as
 * needed. */
static bool reclaim_budget(divak_baggage_table *table, uint64_t amount) {
    uint32_t taken = 0; /* a list of our own, through the same next */
    bool is_enough = take_budget(table, amount);
    while (!is_enough) {
        uint32_t baggage = take_free(table);
        if (baggage == 0) break;
        divak_baggage_entry *entry = &table->entries[baggage - 1];
        divak_store_relaxed(&entry->next, taken);
        taken = baggage;
        free_blob(table, entry);
        is_enough = take_budget(table, amount);
    }
    while (taken != 0) {
        uint32_t next = divak_load_relaxed(&table->entries[taken - 1].next);
        put_free(table, taken);
        taken = next;
    }
    return is_enough;
}

static int reserve(divak_baggage_table *table, divak_baggage_entry *entry, size_t length) {
    blob *old = divak_load_relaxed(&entry->blob);
    if (old != NULL && old->capacity >= length) return DIVAK_OK;
    free_blob(table, entry);
    size_t capacity = length < SMALLEST_BLOB ? (size_t)SMALLEST_BLOB : (length + 63) / 64 * 64;
    if (!reclaim_budget(table, sizeof(blob) + capacity)) return DIVAK_ERROR_FULL;
    blob *fresh = divak_memory_allocate(sizeof(blob) + capacity);
    if (fresh == NULL) {
        divak_subtract_relaxed(&table->bytes, sizeof(blob) + capacity);
        return DIVAK_ERROR_MEMORY;
    }
    fresh->capacity = (uint32_t)capacity;
    /* Pairs with nothing but a fork: the child finds no blob, or one whose capacity is written. */
    divak_store_release(&entry->blob, fresh);
    return DIVAK_OK;
}

/* ---- Holds ----------------------------------------------------------------------------------- */

bool divak_baggage_table_retain(divak_baggage_table *table, uint32_t baggage, uint32_t generation) {
    divak_baggage_entry *entry = entry_of(table, baggage);
    if (entry == NULL) return false;
    uint64_t word = divak_load_relaxed(&entry->word);
    do {
        if (word >> 32 != generation || (word & HOLDS) == 0) return false;
        if ((word & REFERENCES) == REFERENCES) return false;
        /* Acquire pairs with the release that published the word in create: the bytes come with
         * it, even when the handle came here without any order of its own. */
    } while (!divak_cas_weak_acquire(&entry->word, &word, word + 1));
    return true;
}

/* Takes `hold` off the word. True: it was there. `out_is_last`: the entry is the caller's, to be
 * freed. */
static bool let_go(divak_baggage_entry *entry, uint32_t generation, bool is_value,
                   bool *out_is_last) {
    uint64_t word = divak_load_relaxed(&entry->word);
    uint64_t changed;
    do {
        uint64_t present = is_value ? word & HELD : word & REFERENCES;
        if (word >> 32 != generation || present == 0) return false;
        changed = word - (is_value ? HELD : 1);
        *out_is_last = (changed & HOLDS) == 0;
        if (*out_is_last) changed = free_word((uint32_t)(word >> 32) + 1);
        /* Release: our reads of the bytes are over. Acquire, needed by the last one: so are those
         * of all who let go before, and what was written before the entry was published is here.
         * It pairs with itself. */
    } while (!divak_cas_weak_acquire_release(&entry->word, &word, changed));
    return true;
}

/* Ends a hold of the caller and, when it was the last, those of the chain behind it. */
static bool end_hold(divak_baggage_table *table, uint32_t baggage, uint32_t generation,
                     bool is_value) {
    divak_baggage_entry *entry = entry_of(table, baggage);
    bool is_last;
    if (entry == NULL || !let_go(entry, generation, is_value, &is_last)) return false;
    while (is_last) {
        uint32_t previous = entry->previous;
        uint32_t previous_generation = entry->previous_generation;
        put_free(table, baggage);
        entry = entry_of(table, previous);
        if (entry == NULL) break;
        baggage = previous;
        if (!let_go(entry, previous_generation, false, &is_last)) break;
    }
    return true;
}

bool divak_baggage_table_release(divak_baggage_table *table, uint32_t baggage,
                                 uint32_t generation) {
    return end_hold(table, baggage, generation, false);
}

bool divak_baggage_table_disown(divak_baggage_table *table, uint32_t baggage, uint32_t generation) {
    return end_hold(table, baggage, generation, true);
}

bool divak_baggage_table_open(divak_baggage_table *table, uint32_t baggage, uint32_t generation,
                              const unsigned char **out_bytes, size_t *out_length) {
    if (!divak_baggage_table_retain(table, baggage, generation)) return false;
    /* Relaxed: the acquire in retain has brought pointer and bytes. */
    const blob *content = divak_load_relaxed(&table->entries[baggage - 1].blob);
    *out_bytes = content->bytes;
    *out_length = content->length;
    return true;
}

/* ---- Making and forgetting ------------------------------------------------------------------- */

/* Writes down which entry a new one replaces, with a reference on it. */
static void link_previous(divak_baggage_table *table, divak_baggage_entry *entry, uint32_t previous,
                          uint32_t generation) {
    entry->previous = 0;
    entry->depth = 0;
    if (!divak_baggage_table_retain(table, previous, generation)) return;
    uint32_t depth = table->entries[previous - 1].depth + 1;
    if (depth > DIVAK_BAGGAGE_DEPTH) {
        divak_baggage_table_release(table, previous, generation);
        return;
    }
    entry->previous = previous;
    entry->previous_generation = generation;
    entry->depth = depth;
}

int divak_baggage_table_create(divak_baggage_table *table, const void *bytes, size_t length,
                               divak_baggage_holder holder, uint32_t previous,
                               uint32_t previous_generation, uint32_t *out_baggage,
                               uint32_t *out_generation) {
    if (table == NULL) return DIVAK_ERROR_FULL;
    uint32_t baggage = length > DIVAK_BAGGAGE_BLOB_MAX ? 0 : take_entry(table);
    if (baggage == 0) {
        divak_add_relaxed(&table->refused, 1);
        return DIVAK_ERROR_FULL;
    }
    divak_baggage_entry *entry = &table->entries[baggage - 1];
    int status = reserve(table, entry, length);
    if (status != DIVAK_OK) {
        put_free(table, baggage);
        divak_add_relaxed(&table->refused, 1);
        return status;
    }
    blob *content = divak_load_relaxed(&entry->blob);
    if (length != 0) memcpy(content->bytes, bytes, length);
    content->length = (uint32_t)length;
    link_previous(table, entry, previous, previous_generation);

    /* Nobody else writes the word of an entry without holds. */
    uint64_t word = divak_load_relaxed(&entry->word);
    /* Pairs with the acquire in retain: who can retain sees the bytes. */
    divak_store_release(&entry->word, word | (holder == DIVAK_BAGGAGE_BY_VALUE ? HELD : 1));
    *out_baggage = baggage;
    *out_generation = (uint32_t)(word >> 32);
    return DIVAK_OK;
}

void divak_baggage_table_forget_all(divak_baggage_table *table) {
    uint32_t used = divak_load_relaxed(&table->used);
    uint64_t bytes = 0;
    /* Everything is relaxed: a forked child is one thread. Other threads of the parent may have
     * been anywhere, so nothing but the words and the blobs is believed; an entry that was being
     * made has neither half written. */
    for (uint32_t i = 0; i < used; i++) {
        divak_baggage_entry *entry = &table->entries[i];
        uint32_t generation = (uint32_t)(divak_load_relaxed(&entry->word) >> 32);
        divak_store_relaxed(&entry->word, free_word(generation + 1));
        divak_store_relaxed(&entry->next, i); /* the number of the entry before */
        const blob *kept = divak_load_relaxed(&entry->blob);
        if (kept != NULL) bytes += sizeof *kept + kept->capacity;
    }
    uint64_t changes = divak_load_relaxed(&table->free_head) >> 32;
    divak_store_relaxed(&table->free_head, (changes + 1) << 32 | used);
    divak_store_relaxed(&table->bytes, bytes);
}
