/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - a thread's own way to the drainer: a ring, a few free slots, and counters that only that thread writes.
 *
 * A thread leases a lane at its first span and gives it back at its end. When all are leased, threads share shards:
 * lanes that are entered by a try-lock which is never waited for. The same struct serves both.
 */
#ifndef DIVAK_COLLECT_LANE_H
#define DIVAK_COLLECT_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/ring.h"
#include "collect/slot.h"
#include "collect/thread_state.h"

enum {
    DIVAK_LANE_SLOTS = 16,
    DIVAK_LANE_NO_WORD = 1 /* no slot's: no field is as short */
};

typedef struct divak_lane {
    divak_ring ring;
    /* The writer's: the leasing thread's, or whoever holds the shard. Never reset but by a fork. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u64 started;
    divak_atomic_u64 committed; /* records written */
    divak_atomic_u64 dropped_ring_full;
    divak_atomic_u64 dropped_no_slot;
    uint32_t slot_count;        /* of free_slots */
    uint32_t free_slots[DIVAK_LANE_SLOTS];
    divak_atomic_u32 inside;    /* the slot that the writer is in as its owner, read by the drainer; 0: none */
    divak_atomic_u32 shy;       /* so many spans are begun without an owner: the last ones were ended by other threads */
    divak_atomic_u32 owned_room; /* what a slot's owner may write at first; 0: spans of this lane have no owner */
    uint8_t *slots;             /* the slab's bytes and byte_mask */
    uint64_t slot_mask;
    /* The span that was begun last, as its owner's quick ways find it: most tags and most ends are of that one. Looking a
     * slot up by its number, and telling whose it is, took a third of a tag. */
    divak_slot *last_slot;
    uint64_t last_word;         /* the slot's word while its owner alone has written; DIVAK_LANE_NO_WORD: not to be used */
    uint64_t last_key;          /* divak_span_key */
    uint64_t spare_key;         /* the next key of last_slot, when that is free and this lane's to begin a span in; 0: no */
    /* The drainer's. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u64 drained; /* records taken out */
    /* The lease: 0 free, else hands << 24 | the kernel's id of the thread (at most 2^22); a shard's lock: 0 or 1. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u32 owner;
    divak_atomic_u32 hands; /* how often it was given back or taken over, so that no two leases of one id look alike */
    uint32_t is_shard;
} divak_lane;

/* A lane that is nobody's: no slot to take, no room to write. What the quick ways find before a thread has its own. */
extern DIVAK_HIDDEN divak_lane divak_no_lane;

typedef struct divak_lanes {
    divak_lane *lanes;
    uint32_t lane_count;
    divak_lane *shards;
    uint32_t shard_count;
    divak_atomic_u32 leased_most; /* lanes beyond this index were never leased: the drainer need not look. A number and
                                   * nothing else: lanes are laid out before there are threads, and whoever must see
                                   * a record is told of it after the lease (a request, a slot's word, the barrier) */
} divak_lanes;

/* The slot a number names; see divak_slot_at. */
static inline divak_slot *divak_lane_slot(const divak_lane *lane, uint32_t number) {
    return (divak_slot *)(void *)(lane->slots + (((uint64_t)number - 1) * DIVAK_SLOT_UNIT & lane->slot_mask));
}

/* Enters a slot as its owner, the calling thread, by no more than plain stores: true, and the caller writes behind
 * slot->owned and leaves. False where it is not that: another's, no more that span's, ended, or written into by others,
 * behind whom the owner has to queue like everyone, since the last value of a tag counts; then divak_slot_enter tells. */
static inline bool divak_lane_enter_owned(divak_lane *lane, divak_slot *slot, uint32_t number, uint32_t generation) {
    /* Relaxed: whoever has the handle has it from the start, which wrote this. For a stale handle the word differs. */
    if (__builtin_expect(divak_load_relaxed(&slot->owner) != lane, 0)) return false;
    /* Not 0 for a handler of signals that interrupted this thread in here: it takes the way of the others. */
    if (__builtin_expect(divak_load_relaxed(&lane->inside) != 0, 0)) return false;
    /* Release, like every store of it: whichever the drainer reads last tells it of the fields that were written into another
     * slot before, be it by the thread that had the lane before. Pairs with the acquire in take_over, in drain.c. */
    divak_store_release(&lane->inside, number);
    /* The mark before the look at the word, for the drainer: it sees the mark or we see the end. No instruction here, its
     * barrier does the work: see may_take_over, in drain.c. */
    divak_signal_fence();
    if (__builtin_expect(divak_load_relaxed(&slot->word) != divak_slot_owned_word(slot, generation), 0)) {
        divak_store_release(&lane->inside, 0);
        return false;
    }
    return true;
}

/* Inside: makes room for `owned` bytes. False: others have written behind the room there is, or `limit` is less. */
static inline bool divak_lane_widen_owned(divak_slot *slot, uint32_t generation, uint64_t owned, uint64_t limit) {
    enum { STEP = 256 };
    uint64_t word = divak_slot_owned_word(slot, generation), room = (owned + STEP - 1) / STEP * STEP;
    if (owned > limit) return false;
    if (room > limit) room = limit;
    /* Relaxed: what lies in between nobody has written. The two may be seen to differ by the owner alone: who ends the span
     * meanwhile leaves it to the drainer, who waits until the owner is out. */
    if (!divak_cas_relaxed(&slot->word, &word, (uint64_t)generation << 32 | room)) return false;
    divak_store_relaxed(&slot->owned_room, (uint32_t)room);
    return true;
}

/* Leaves it, with fields up to `owned` written. */
static inline void divak_lane_leave_owned(divak_lane *lane, divak_slot *slot, uint32_t owned) {
    /* Release: the fields, to whoever asks from inside whether the span is untouched. The drainer gets them by the next. */
    divak_store_release(&slot->owned, owned);
    /* Release: see divak_lane_enter_owned. */
    divak_store_release(&lane->inside, 0);
}

/* Slot and generation of a handle in one number. */
static inline uint64_t divak_span_key(const divak_span *span) {
    return (uint64_t)span->generation << 32 | span->slot;
}

/* Enters the slot of the span that was begun last in this lane, as divak_lane_enter_owned does; `out_word` is the slot's word.
 * False: it is not that span, or not to be entered that way. */
static inline bool divak_lane_enter_last(divak_lane *lane, uint64_t key, divak_slot **out_slot, uint64_t *out_word) {
    if (__builtin_expect(divak_load_relaxed(&lane->inside) != 0, 0)) return false;
    /* The mark before the looks, and its orders: see divak_lane_enter_owned. */
    divak_store_release(&lane->inside, (uint32_t)key);
    divak_signal_fence();
    divak_slot *slot = *out_slot = lane->last_slot;
    const uint64_t word = *out_word = lane->last_word;
    if (__builtin_expect(divak_load_relaxed(&slot->word) == word, 1)) {
        /* A handler of signals may have begun another span since the mark: last_key tells, hence last. */
        divak_signal_fence();
        if (__builtin_expect(lane->last_key == key, 1)) return true;
    }
    divak_store_release(&lane->inside, 0);
    return false;
}

/* No span is the last one any more. */
static inline void divak_lane_forget_last(divak_lane *lane) {
    lane->last_word = DIVAK_LANE_NO_WORD;
    lane->last_key = 0;
    lane->spare_key = 0;
}

/* Takes one of the slots that the lane keeps; 0: it has none. The caller is in the lane. */
static inline uint32_t divak_lane_take_slot(divak_lane *lane) {
    const uint32_t spare = (uint32_t)lane->spare_key;
    if (spare != 0) {
        divak_lane_forget_last(lane);
        return spare;
    }
    return lane->slot_count == 0 ? 0 : lane->free_slots[--lane->slot_count];
}

/* The last span, which was its owner's alone, is committed: its slot is at hand for the next one. The caller is in the lane. */
static inline void divak_lane_keep_last(divak_lane *lane, divak_slot *slot) {
    const uint64_t next_generation = (uint64_t)1 << 32;
    lane->last_word += next_generation;
    divak_slot_retire_as(slot, lane->last_word);
    lane->spare_key = lane->last_key + next_generation;
}

/* Makes the lane the owner of a slot that is about to be begun, unless its spans should have none for now; returns what the
 * owner may write at first, 0: the slot has no owner. By the writer of the lane. */
static inline uint32_t divak_lane_own(divak_lane *lane, divak_slot *slot) {
    const uint32_t shy = divak_load_relaxed(&lane->shy);
    const uint32_t room = shy != 0 ? 0 : divak_load_relaxed(&lane->owned_room);
    if (shy != 0) divak_store_relaxed(&lane->shy, shy - 1); /* another thread may be setting it: a hint */
    divak_store_relaxed(&slot->owner, room != 0 ? lane : NULL);
    divak_store_relaxed(&slot->owned_room, room);
    return room;
}

/* Makes the next of the lane's slots the one that the span to be begun will have, and gives it an owner unless it should not
 * have one; false: the lane has no slot, or is entered already. The caller is in the lane. */
bool divak_lane_prepare_last(divak_lane *lane);

/* A free lane for the calling thread, or NULL when there is none. Async-signal-safe. */
divak_lane *divak_lanes_lease(divak_lanes *lanes);
/* Gives the lane back with its cached slots; by its owner, or for an owner that is no more. */
void divak_lanes_return(divak_lanes *lanes, divak_lane *lane, divak_slot_slab *slab);
/* Takes back the lanes of threads that ended without saying so. For the drainer, now and then. */
void divak_lanes_reclaim(divak_lanes *lanes, divak_slot_slab *slab);
/* Enters some shard, or NULL when all are busy. Leave it with divak_lane_unlock. */
divak_lane *divak_lanes_lock_shard(divak_lanes *lanes, uint32_t hint);

static inline void divak_lane_unlock(divak_lane *shard) {
    /* Pairs with the acquire in divak_lanes_lock_shard: ring and counters go to the next holder. */
    divak_store_release(&shard->owner, 0);
}

/* How much of their slots owners may write at first, in spans that begin from now on; 0: these have no owner. */
void divak_lanes_set_owned_room(divak_lanes *lanes, uint32_t bytes);
/* Empties lanes and counters: a forked child starts from nothing. */
void divak_lanes_reset(divak_lanes *lanes);

#endif
