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

/* Empties lanes and counters: a forked child starts from nothing. */
void divak_lanes_reset(divak_lanes *lanes);

#endif
