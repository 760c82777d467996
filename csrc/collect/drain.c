/* SPDX-License-Identifier: Apache-2.0 */
/* drain.c - the drainer's side of the engine: records out of lanes, sleep and wake, and the counts for the identity. */
#include <sys/mman.h>

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"
#include "collect/engine.h"

static uint64_t drain_lane(divak_lane *lane, divak_take_record take, void *context) {
    divak_ring *ring = &lane->ring;
    uint64_t start = divak_load_relaxed(&ring->tail); /* ours alone */
    uint64_t head = divak_ring_peek(ring);
    uint64_t position = start;
    while (position != head) {
        uint32_t length;
        const uint8_t *frame = divak_ring_frame(ring, position, &length);
        if (frame != NULL) {
            /* Out of the lane before it is in the store: whoever reads the counts may miss it, but never sees it
             * twice. */
            divak_count(&lane->drained, 1);
            if (!take(context, (divak_record *)(uintptr_t)frame)) {
                divak_count(&lane->drained, (uint64_t)-1);
                break;
            }
        }
        position += length;
    }
    if (position != start) divak_ring_release(ring, position);
    return position - start;
}

/* Commits a slot that was ended by another thread than its owner: straight to where records go from lanes. False: its
 * owner is in it. */
static bool take_over(divak_tracer *tracer, divak_slot *slot, uint32_t number, divak_take_record take, void *context) {
    const divak_lane *owner = divak_load_relaxed(&slot->owner);
    /* Pairs with the release in divak_lane_leave_owned: not inside any more, what it wrote is ours to read. */
    if (divak_load_acquire(&owner->inside) == number) return false;
    const uint32_t generation = divak_slot_generation(slot);
    if ((divak_load_relaxed(&slot->usage) & DIVAK_SLOT_CARRIES_ONLY) == 0) {
        const uint64_t owned = divak_load_relaxed(&slot->owned);
        const uint64_t reserved = divak_load_relaxed(&slot->word) & DIVAK_SLOT_RESERVED_MASK;
        const uint32_t room = divak_load_relaxed(&slot->owned_room);
        const uint64_t others = reserved - room;
        const uint64_t meta = divak_load_relaxed(&slot->meta);
        memmove(slot->fields + owned, slot->fields + room, others);
        memset(slot->fields + owned + others, 0, 8);
        divak_record *record = &slot->record;
        record->length = (uint32_t)(DIVAK_RECORD_HEADER + owned + others + 7) & ~7u;
        record->kind = (uint8_t)meta;
        record->flags = (uint8_t)(meta >> 8);
        record->anchor = (uint16_t)(meta >> 16);
        divak_count(&tracer->counters.taken_over, 1); /* before it is in the store: see drain_lane */
        if (!take(context, record)) {
            divak_count(&tracer->counters.taken_over, (uint64_t)-1);
            /* Again the next time, whole as it is now. */
            divak_store_relaxed(&slot->owned, (uint32_t)(owned + others));
            divak_store_relaxed(&slot->word, divak_load_relaxed(&slot->word) - others);
            return false;
        }
    }
    /* Relaxed: whoever ended it has counted it as pending or dropped, by a release, when it was closed and before it came
     * here; who has seen that count does not see the slot open any more. See divak_slot_slab_count_live. */
    divak_store_relaxed(&slot->usage, 0);
    divak_slot_retire(slot, generation);
    divak_slot_slab_give(&tracer->slab, number);
    return true;
}

/* Whether those that were handed over, from the first on, may be looked at. */
static bool may_take_over(divak_tracer *tracer, uint32_t first) {
    /* What ended these slots comes before our look whether their owners are inside, on all processors: an owner who is not
     * then sees the end, and stays out. See divak_lane_enter_owned. */
    if (divak_system.barrier_everywhere() == 0) return true;
    /* It was there when the tracer was made; no more spans have an owner now. Without it a store may be seen late, by so much
     * at the very most after the last of these slots was handed over. Those that were left the last time have waited. */
    enum { STORES_ARE_SEEN = 20000000 };
    divak_lanes_set_owned_room(&tracer->lanes, 0);
    const uint64_t now = divak_clock_monotonic_now();
    uint32_t count = 0;
    for (uint32_t at = first; at != 0; at = divak_load_relaxed(&divak_slot_at(&tracer->slab, at)->next)) count++;
    if (count != tracer->handed_over_left) tracer->handed_over_until = now + STORES_ARE_SEEN;
    return now >= tracer->handed_over_until;
}

static void take_over_all(divak_tracer *tracer, divak_take_record take, void *context) {
    uint32_t next, number = divak_slot_slab_take_over(&tracer->slab), left = 0;
    const bool may = number != 0 && may_take_over(tracer, number);
    for (; number != 0; number = next) {
        divak_slot *slot = divak_slot_at(&tracer->slab, number);
        next = divak_load_relaxed(&slot->next);
        if (may && take_over(tracer, slot, number, take, context)) continue;
        (void)divak_slot_slab_hand_over(&tracer->slab, number);
        left++;
    }
    tracer->handed_over_left = left;
}

void divak_engine_give_up(divak_tracer *tracer) {
    uint32_t next;
    for (uint32_t number = divak_slot_slab_take_over(&tracer->slab); number != 0; number = next) {
        divak_slot *slot = divak_slot_at(&tracer->slab, number);
        next = divak_load_relaxed(&slot->next);
        if ((divak_load_relaxed(&slot->usage) & DIVAK_SLOT_CARRIES_ONLY) == 0) {
            divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY);
            divak_count(&tracer->counters.taken_over, 1); /* before it is dropped: see drain_lane */
            divak_add_release(&tracer->counters.dropped_after_shutdown, 1);
        }
        (void)divak_slot_slab_hand_over(&tracer->slab, number);
    }
}

uint64_t divak_engine_drain(divak_tracer *tracer, divak_take_record take, void *context) {
    uint64_t bytes = 0;
    take_over_all(tracer, take, context);
    uint32_t most = divak_load_relaxed(&tracer->lanes.leased_most);
    for (uint32_t i = 0; i < most; i++) bytes += drain_lane(&tracer->lanes.lanes[i], take, context);
    for (uint32_t i = 0; i < tracer->lanes.shard_count; i++) {
        bytes += drain_lane(&tracer->lanes.shards[i], take, context);
    }
    return bytes;
}

static uint64_t fill_of(const divak_lane *lane) {
    uint64_t tail = divak_load_relaxed(&lane->ring.tail); /* the drainer's own */
    uint64_t head = divak_load_relaxed(&lane->ring.head);
    return (head - tail) * 256 / lane->ring.capacity;
}

uint32_t divak_engine_fill(const divak_tracer *tracer) {
    /* Half of the slots that are waiting count as a full lane. */
    uint64_t fullest = (uint64_t)divak_slot_slab_count_handed_over(&tracer->slab) * 512 / tracer->slab.count;
    uint32_t most = divak_load_relaxed(&tracer->lanes.leased_most);
    for (uint32_t i = 0; i < most; i++) {
        uint64_t fill = fill_of(&tracer->lanes.lanes[i]);
        if (fill > fullest) fullest = fill;
    }
    for (uint32_t i = 0; i < tracer->lanes.shard_count; i++) {
        uint64_t fill = fill_of(&tracer->lanes.shards[i]);
        if (fill > fullest) fullest = fill;
    }
    return (uint32_t)fullest;
}

uint64_t divak_engine_declare_sleep(divak_tracer *tracer, uint64_t nanoseconds) {
    enum { SHORT = 20000000 };
    divak_store_relaxed(&tracer->is_asleep, 1);
    /* Our mark before our second look, on all processors: so that a producer who has filled its lane past half, or who
     * has made a request, either sees the mark or is seen by us. Producers pay no instruction for it, but are interrupted:
     * 1 to 10 microseconds of a span. So not a thousand times a second, while lanes fill quickly: before a short sleep, or
     * where the call is missing, our own fence suffices for requests, and a wake for a lane may come late by that sleep. */
    if (nanoseconds > SHORT && divak_system.barrier_everywhere() == 0) return nanoseconds;
    divak_fence_sequential();
    return nanoseconds < SHORT ? nanoseconds : SHORT;
}

void divak_engine_sleep(divak_tracer *tracer, uint64_t nanoseconds) {
    if (nanoseconds != 0) divak_system_sleep_on(&tracer->is_asleep, 1, nanoseconds);
    divak_store_relaxed(&tracer->is_asleep, 0);
}

void divak_engine_wake(divak_tracer *tracer) {
    uint32_t asleep = 1;
    /* What the caller has published before the look at the mark: no instruction, but what divak_engine_declare_sleep's
     * barrier pairs with; without it the compiler may look first. */
    divak_signal_fence();
    /* Whoever takes the mark away wakes, the others need not. Relaxed: the mark brings nothing along. */
    if (divak_load_relaxed(&tracer->is_asleep) == 0) return;
    if (divak_cas_relaxed(&tracer->is_asleep, &asleep, 0)) divak_system_wake(&tracer->is_asleep);
}

static void populate(divak_tracer *tracer, uint64_t lane) {
#if defined(MADV_POPULATE_WRITE)
    /* A first touch costs 2 microseconds a page, and should not cost a thread that records. */
    const divak_ring *ring = &tracer->lanes.lanes[lane].ring;
    uintptr_t begin = ((uintptr_t)ring->storage + 4095) & ~(uintptr_t)4095;
    uintptr_t end = ((uintptr_t)ring->storage + ring->capacity) & ~(uintptr_t)4095;
    if (end > begin) (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)tracer;
    (void)lane;
#endif
}

void divak_engine_maintain(divak_tracer *tracer) {
    /* One lane ahead of those that were ever leased. */
    uint64_t wanted = (uint64_t)divak_load_relaxed(&tracer->lanes.leased_most) + 1;
    if (wanted > tracer->lanes.lane_count) wanted = tracer->lanes.lane_count;
    for (; tracer->lane_populated < wanted; tracer->lane_populated++) populate(tracer, tracer->lane_populated);
    divak_lanes_reclaim(&tracer->lanes, &tracer->slab);

    uint32_t known = divak_load_relaxed(&tracer->keys->count);
    uint32_t count = divak_load_acquire(&divak_keys.count);
    if (known == count) return;
    memcpy(tracer->keys->entries, divak_keys.entries, count * sizeof *divak_keys.entries);
    const divak_key_entry *last = &divak_keys.entries[count - 1];
    tracer->keys->bytes_used = last->offset + last->length;
    memcpy(tracer->keys->bytes, divak_keys.bytes, tracer->keys->bytes_used);
    divak_store_release(&tracer->keys->count, count);
}

uint64_t divak_engine_pending(const divak_tracer *tracer) {
    uint64_t taken_over = divak_load_acquire(&tracer->counters.taken_over);
    uint64_t pending = divak_load_acquire(&tracer->counters.handed_over) - taken_over;
    for (uint32_t i = 0; i < tracer->lanes.lane_count + tracer->lanes.shard_count; i++) {
        const divak_lane *lane = &tracer->lanes.lanes[i];
        uint64_t drained = divak_load_acquire(&lane->drained);
        pending += divak_load_acquire(&lane->committed) - drained;
    }
    return pending;
}

uint64_t divak_engine_live(const divak_tracer *tracer) {
    return divak_slot_slab_count_live(&tracer->slab);
}

uint64_t divak_engine_started(const divak_tracer *tracer) {
    uint64_t started = divak_load_relaxed(&tracer->counters.started_nowhere);
    for (uint32_t i = 0; i < tracer->lanes.lane_count + tracer->lanes.shard_count; i++) {
        started += divak_load_relaxed(&tracer->lanes.lanes[i].started);
    }
    return started;
}

void divak_engine_dropped(const divak_tracer *tracer, uint64_t dropped[DIVAK_DROPPED_COUNT]) {
    const divak_engine_counters *counters = &tracer->counters;
    for (uint32_t i = 0; i < tracer->lanes.lane_count + tracer->lanes.shard_count; i++) {
        const divak_lane *lane = &tracer->lanes.lanes[i];
        dropped[DIVAK_DROPPED_RING_FULL] += divak_load_acquire(&lane->dropped_ring_full);
        dropped[DIVAK_DROPPED_NO_SLOT] += divak_load_acquire(&lane->dropped_no_slot);
    }
    dropped[DIVAK_DROPPED_AFTER_SHUTDOWN] += divak_load_acquire(&counters->dropped_after_shutdown);
    dropped[DIVAK_DROPPED_REENTRANT] += divak_load_acquire(&counters->dropped_reentrant);
    dropped[DIVAK_DROPPED_CONTENDED] += divak_load_acquire(&counters->dropped_contended);
    dropped[DIVAK_DROPPED_ABANDONED] += divak_load_acquire(&counters->dropped_abandoned);
}
