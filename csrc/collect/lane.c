/* SPDX-License-Identifier: Apache-2.0 */
/* lane.c - leasing lanes and locking shards. */
#include "collect/lane.h"

#include "base/system.h"

/* Entered for ever: the quick ways leave it alone, so that threads without lanes do not write to one place. */
divak_lane divak_no_lane = {
    .slots = (uint8_t *)&divak_no_slot,
    .last_slot = &divak_no_slot,
    .last_word = DIVAK_LANE_NO_WORD,
    .inside = UINT32_MAX,
};

enum { THREAD_MASK = 0xffffff, HANDS_SHIFT = 24 };

static bool try_lease(divak_lane *lane, uint32_t thread_id) {
    uint32_t expected = 0;
    if (divak_load_relaxed(&lane->owner) != 0) return false;
    /* Relaxed: it must only be another count than that of a lease under our id, by a thread that ended before we began,
     * and what happened before our beginning is seen. */
    uint32_t lease = divak_load_relaxed(&lane->hands) << HANDS_SHIFT | thread_id;
    /* Acquire, with the release in give_back: the ring's and the counters' state as the last owner left it. */
    return divak_cas_acquire(&lane->owner, &expected, lease);
}

divak_lane *divak_lanes_lease(divak_lanes *lanes) {
    uint32_t thread_id = divak_system_thread_id();
    for (uint32_t i = 0; i < lanes->lane_count; i++) {
        divak_lane *lane = &lanes->lanes[i];
        /* A lane with our own id, which we do not know of, belonged to a thread that ended and whose id we got. Its
         * writes are long done, and are ours to see: the kernel gave the id away after its end. The changed count tells
         * the drainer, which may be about to reclaim the lane, that it has an owner again. Relaxed: that is all. */
        uint32_t owner = divak_load_relaxed(&lane->owner);
        if ((owner & THREAD_MASK) == thread_id) {
            if (!divak_cas_relaxed(&lane->owner, &owner, owner + (1u << HANDS_SHIFT))) continue;
            divak_store_release(&lane->inside, 0); /* it may have ended anywhere, see give_back */
        } else if (!try_lease(lane, thread_id)) {
            continue;
        }
        uint32_t most = divak_load_relaxed(&lanes->leased_most);
        while (most < i + 1 && !divak_cas_weak_relaxed(&lanes->leased_most, &most, i + 1)) {
        }
        return lane;
    }
    return NULL;
}

bool divak_lane_prepare_last(divak_lane *lane) {
    /* Where a handler of signals comes from inside of the last span: that has to stay the last. */
    if (divak_load_relaxed(&lane->inside) != 0) return false;
    const uint32_t number = divak_lane_take_slot(lane);
    if (number == 0) return false;
    divak_slot *slot = divak_lane_slot(lane, number);
    const uint32_t generation = divak_slot_generation(slot);
    const uint32_t room = divak_lane_own(lane, slot);
    lane->last_slot = slot;
    lane->last_word = (uint64_t)generation << 32 | room;
    lane->spare_key = (uint64_t)generation << 32 | number;
    return true;
}

/* Frees a lane that is the caller's, with its slots; `lease` is what its owner word said. */
static void give_back(divak_lane *lane, divak_slot_slab *slab, uint32_t lease) {
    for (uint32_t number; (number = divak_lane_take_slot(lane)) != 0;) divak_slot_slab_give(slab, number);
    divak_lane_forget_last(lane);
    /* A thread may end anywhere, as by a long jump out of a handler of signals. Release: see divak_lane_enter_owned. */
    divak_store_release(&lane->inside, 0);
    divak_store_relaxed(&lane->hands, (lease >> HANDS_SHIFT) + 1);
    divak_store_release(&lane->owner, 0); /* see try_lease */
}

void divak_lanes_return(divak_lanes *lanes, divak_lane *lane, divak_slot_slab *slab) {
    (void)lanes;
    give_back(lane, slab, divak_load_relaxed(&lane->owner));
}

void divak_lanes_reclaim(divak_lanes *lanes, divak_slot_slab *slab) {
    uint32_t most = divak_load_relaxed(&lanes->leased_most);
    for (uint32_t i = 0; i < most; i++) {
        divak_lane *lane = &lanes->lanes[i];
        uint32_t owner = divak_load_relaxed(&lane->owner);
        if (owner == 0 || divak_system_thread_exists(owner & THREAD_MASK)) continue;
        /* The owner is no more, unless a new thread has got its id and taken the lane over, or has even given it back
         * and leased it again: then the count differs and the exchange fails. Relaxed: what the owner wrote we see
         * through the kernel, which saw it end. */
        uint32_t lease = owner;
        if (divak_cas_relaxed(&lane->owner, &owner, UINT32_MAX)) give_back(lane, slab, lease);
    }
}

divak_lane *divak_lanes_lock_shard(divak_lanes *lanes, uint32_t hint) {
    enum { ROUNDS = 4 };
    for (uint32_t i = 0; i < lanes->shard_count * ROUNDS; i++) {
        divak_lane *shard = &lanes->shards[(hint + i) % lanes->shard_count];
        if (divak_load_relaxed(&shard->owner) != 0) continue;
        uint32_t expected = 0;
        /* Acquire, with the release in divak_lane_unlock. */
        if (divak_cas_acquire(&shard->owner, &expected, 1)) return shard;
    }
    return NULL;
}

void divak_lanes_set_owned_room(divak_lanes *lanes, uint32_t bytes) {
    for (uint32_t i = 0; i < lanes->lane_count; i++) divak_store_relaxed(&lanes->lanes[i].owned_room, bytes);
}

static void reset(divak_lane *lane) {
    divak_ring_init(&lane->ring, lane->ring.storage, lane->ring.capacity);
    divak_store_relaxed(&lane->started, 0);
    divak_store_relaxed(&lane->committed, 0);
    divak_store_relaxed(&lane->dropped_ring_full, 0);
    divak_store_relaxed(&lane->dropped_no_slot, 0);
    divak_store_relaxed(&lane->drained, 0);
    divak_store_relaxed(&lane->inside, 0);
    lane->slot_count = 0;
    divak_lane_forget_last(lane);
    divak_store_release(&lane->owner, 0);
}

void divak_lanes_reset(divak_lanes *lanes) {
    for (uint32_t i = 0; i < lanes->lane_count; i++) reset(&lanes->lanes[i]);
    for (uint32_t i = 0; i < lanes->shard_count; i++) reset(&lanes->shards[i]);
    divak_store_relaxed(&lanes->leased_most, 0);
}
