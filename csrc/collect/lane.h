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

enum { DIVAK_LANE_SLOTS = 16 };

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
