/* SPDX-License-Identifier: Apache-2.0 */
/* slot.c - the list of free slots, and what is read across all of them. */
#include "collect/slot.h"

_Static_assert(offsetof(divak_slot, record) == 64, "the control part of a slot is one cache line");

/* What an owner may write at first: eight tags or so. What it does not use of that, nobody can. */
enum { OWNED_MOST = 256 };

divak_slot divak_no_slot = {.word = DIVAK_SLOT_CLOSED};

void divak_slot_slab_init(divak_slot_slab *slab, uint8_t *bytes, uint32_t slot_bytes, uint32_t count,
                          uint32_t first_generation) {
    slab->bytes = bytes;
    slab->slot_bytes = slot_bytes;
    slab->count = count;
    slab->byte_mask = (uint64_t)(count - 1) * slot_bytes;
    slab->field_bytes = slot_bytes - (uint32_t)offsetof(divak_slot, fields);
    if (slab->field_bytes > DIVAK_RECORD_MAX - DIVAK_RECORD_HEADER - 8) {
        slab->field_bytes = DIVAK_RECORD_MAX - DIVAK_RECORD_HEADER - 8;
    }
    /* Blocks are copied whole: fields may be read up to 32 bytes beyond their end, still inside of their slot. */
    slab->field_bytes -= 32;
    slab->owned_room = slab->field_bytes / 2 < OWNED_MOST ? slab->field_bytes / 2 : OWNED_MOST;
    for (uint32_t i = 0; i < count; i++) {
        divak_slot *slot = divak_slot_at(slab, divak_slot_number(slab, i));
        divak_store_relaxed(&slot->word, (uint64_t)first_generation << 32 | DIVAK_SLOT_CLOSED);
    }
    divak_slot_slab_reset(slab);
}

void divak_slot_slab_reset(divak_slot_slab *slab) {
    for (uint32_t i = 0; i < slab->count; i++) {
        divak_slot *slot = divak_slot_at(slab, divak_slot_number(slab, i));
        uint32_t generation = divak_slot_generation(slot) + DIVAK_SLOT_RESET_STRIDE;
        divak_store_relaxed(&slot->word, (uint64_t)generation << 32 | DIVAK_SLOT_CLOSED);
        divak_store_relaxed(&slot->usage, 0);
        divak_store_relaxed(&slot->baggage, 0);
        divak_store_relaxed(&slot->owner, NULL);
        divak_store_relaxed(&slot->next, i + 1 == slab->count ? 0 : divak_slot_number(slab, i + 1));
    }
    divak_store_relaxed(&slab->handed_over, 0);
    divak_store_release(&slab->free_list, 1);
}

uint32_t divak_slot_slab_take(divak_slot_slab *slab) {
    for (;;) {
        /* Acquire, with the release in divak_slot_slab_give: `next` and the slot as the giver left them. */
        uint64_t list = divak_load_acquire(&slab->free_list);
        uint32_t number = (uint32_t)list;
        if (number == 0) return 0;
        /* May be read after someone else took the slot: then the change count differs and the exchange fails. */
        uint64_t next = divak_load_relaxed(&divak_slot_at(slab, number)->next);
        uint64_t changed = ((list >> 32) + 1) << 32 | next;
        /* Relaxed: what it finds is that very value, of which the load has brought all. The slots behind need no release:
         * their givers' stores are in the release sequence of the list. */
        if (divak_cas_weak_relaxed(&slab->free_list, &list, changed)) return number;
    }
}

void divak_slot_slab_give(divak_slot_slab *slab, uint32_t number) {
    uint64_t list = divak_load_relaxed(&slab->free_list);
    uint64_t changed;
    do {
        divak_store_relaxed(&divak_slot_at(slab, number)->next, (uint32_t)list);
        changed = ((list >> 32) + 1) << 32 | number;
        /* Release: the slot, retired, and its `next` go to whoever takes it. */
    } while (!divak_cas_weak_release(&slab->free_list, &list, changed));
}

uint32_t divak_slot_slab_hand_over(divak_slot_slab *slab, uint32_t number) {
    uint64_t list = divak_load_relaxed(&slab->handed_over);
    uint64_t changed;
    do {
        divak_store_relaxed(&divak_slot_at(slab, number)->next, (uint32_t)list);
        /* No count of changes is needed: the drainer takes all at once or nothing. */
        changed = ((list >> 32) + 1) << 32 | number;
        /* Release: the end that was noted and the fields of all but the owner, to divak_slot_slab_take_over. */
    } while (!divak_cas_weak_release(&slab->handed_over, &list, changed));
    return (uint32_t)(changed >> 32);
}

uint32_t divak_slot_slab_take_over(divak_slot_slab *slab) {
    if (divak_load_relaxed(&slab->handed_over) == 0) return 0;
    /* Acquire: see divak_slot_slab_hand_over. Those further down the list are in its release sequence. */
    return (uint32_t)divak_exchange_acquire(&slab->handed_over, 0);
}

uint64_t divak_slot_slab_count_live(const divak_slot_slab *slab) {
    uint64_t live = 0;
    for (uint32_t i = 0; i < slab->count; i++) {
        const divak_slot *slot = divak_slot_at(slab, divak_slot_number(slab, i));
        uint64_t word = divak_load_acquire(&slot->word);
        if ((word & DIVAK_SLOT_CLOSED) != 0) continue;
        uint32_t usage = divak_load_acquire(&slot->usage);
        if ((usage & DIVAK_SLOT_CARRIES_ONLY) != 0) continue;
        /* A carrier that ended meanwhile has its mark taken away, by a release, before its word is free: looked at
         * again, the word is not open any more. */
        if (divak_slot_is_open(divak_load_relaxed(&slot->word), (uint32_t)(word >> 32))) live++;
    }
    return live;
}

bool divak_slot_slab_is_settled(const divak_slot_slab *slab) {
    for (uint32_t i = 0; i < slab->count; i++) {
        /* Pairs with the release in divak_slot_retire: seen free, its record is in a lane. */
        uint64_t word = divak_load_acquire(&divak_slot_at(slab, divak_slot_number(slab, i))->word);
        if ((word & DIVAK_SLOT_ENDING) != 0) return false;
    }
    return true;
}
