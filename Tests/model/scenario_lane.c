/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_lane.c - lanes change hands: lease, return, reclaim, a thread's id that comes again; shards; sleep and wake. */
#include <string.h>

#include "base/memory.h"
#include "collect/engine.h"
#include "simulator.h"

enum { LANES = 2, SHARDS = 1, RING = 256, SLOT_BYTES = 512, SLOTS = 2, FRAME = 24 };

static divak_tracer *tracer;
static unsigned frames[SIM_THREADS_MAX]; /* written by a thread */
static unsigned drained;

static void prepare(void) {
    tracer = sim_allocate(sizeof *tracer);
    divak_lane *lanes = sim_allocate((LANES + SHARDS) * sizeof *lanes + DIVAK_RING_LINE);
    lanes = (divak_lane *)(((uintptr_t)lanes + DIVAK_RING_LINE - 1) & ~(uintptr_t)(DIVAK_RING_LINE - 1));
    tracer->lanes = (divak_lanes){.lanes = lanes, .lane_count = LANES, .shards = lanes + LANES, .shard_count = SHARDS};
    for (unsigned i = 0; i < LANES + SHARDS; i++) {
        divak_ring_init(&lanes[i].ring, sim_allocate(RING + DIVAK_RING_SLACK), RING);
        lanes[i].is_shard = i >= LANES;
    }
    divak_slot_slab_init(&tracer->slab, sim_allocate(SLOTS * SLOT_BYTES), SLOT_BYTES, SLOTS, 1);
}

/* A record into a lane that the caller may write, and a slot into its cache. */
static bool write_frame(divak_lane *lane) {
    uint64_t end;
    uint32_t size = FRAME;
    uint8_t *frame = divak_ring_reserve(&lane->ring, size, &end);
    if (frame == NULL) return false;
    memset(frame, sim_thread(), size);
    memcpy(frame, &size, sizeof size);
    divak_ring_commit(&lane->ring, end);
    divak_count(&lane->committed, 1);
    frames[sim_thread()]++;
    return true;
}

static void cache_slot(divak_lane *lane) {
    uint32_t number = divak_slot_slab_take(&tracer->slab);
    if (number == 0) return;
    divak_slot_at(&tracer->slab, number)->record.span_id = 1;
    CLAIM(lane->slot_count < DIVAK_LANE_SLOTS);
    lane->free_slots[lane->slot_count++] = number;
}

static void use_and_return(void) {
    divak_lane *lane = divak_lanes_lease(&tracer->lanes);
    if (lane == NULL) return;
    cache_slot(lane);
    (void)write_frame(lane);
    divak_lanes_return(&tracer->lanes, lane, &tracer->slab);
}

static void use_and_die(void) {
    divak_lane *lane = divak_lanes_lease(&tracer->lanes);
    if (lane == NULL) return;
    cache_slot(lane);
    (void)write_frame(lane);
}

static bool take(void *context, divak_record *record) {
    (void)context;
    const uint8_t *bytes = (const uint8_t *)record;
    CLAIM(record->length == FRAME && bytes[4] == bytes[FRAME - 1]);
    drained++;
    return true;
}

static void drain_and_reclaim(void) {
    for (int i = 0; i < 3; i++) {
        (void)divak_engine_drain(tracer, take, NULL);
        divak_lanes_reclaim(&tracer->lanes, &tracer->slab);
        sim_yield();
    }
}

/* When all is over: every record is there, every lane free, every slot back in the list. */
static void end(void) {
    divak_lanes_reclaim(&tracer->lanes, &tracer->slab);
    (void)divak_engine_drain(tracer, take, NULL);
    unsigned written = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) written += frames[i];
    CLAIM(drained == written);
    for (unsigned i = 0; i < LANES; i++) CLAIM((divak_load_relaxed(&tracer->lanes.lanes[i].owner)) == 0);
    CLAIM(divak_slot_slab_take(&tracer->slab) != 0 && divak_slot_slab_take(&tracer->slab) != 0);
    CLAIM(divak_slot_slab_take(&tracer->slab) == 0);
}

SCENARIO(lane_lease, .prepare = prepare, .end = end,
         .threads = {use_and_return, use_and_return, use_and_die, drain_and_reclaim})

/* ---- ids that come again ---------------------------------------------------------------------------------------------- */

static void one_id(void) {
    sim_set_thread_id(1, 500);
    sim_set_thread_id(2, 500);
    sim_set_thread_id(3, 500);
}

SCENARIO(lane_id_reused, .prepare = prepare, .begin = one_id, .end = end,
         .threads = {use_and_die, use_and_return, use_and_die, drain_and_reclaim}, .starts_after = {0, 1, 2})

/* ---- shards ------------------------------------------------------------------------------------------------------------- */

static void use_shard(void) {
    for (int i = 0; i < 2; i++) {
        divak_lane *shard = divak_lanes_lock_shard(&tracer->lanes, 0);
        if (shard == NULL) continue;
        shard->slot_count++;
        (void)write_frame(shard);
        shard->slot_count--;
        divak_lane_unlock(shard);
    }
}

static void drain_only(void) {
    for (int i = 0; i < 3; i++) {
        (void)divak_engine_drain(tracer, take, NULL);
        sim_yield();
    }
}

SCENARIO(lane_shards, .prepare = prepare, .end = end, .threads = {use_shard, use_shard, drain_only})

/* ---- sleep and wake ----------------------------------------------------------------------------------------------------- */

static divak_atomic_u64 requests;

/* What follows a commit (span_end.c): the drainer is woken when the lane is more than half full. */
static void fill_lane(void) {
    divak_lane *lane = divak_lanes_lease(&tracer->lanes);
    for (int i = 0; i < 9; i++) {
        if (!write_frame(lane)) continue;
        if (divak_ring_used_at_most(&lane->ring) > RING / 2) {
            lane->ring.tail_seen = divak_load_acquire(&lane->ring.tail);
            if (divak_ring_used_at_most(&lane->ring) > RING / 2) divak_engine_wake(tracer);
        }
    }
    divak_store_relaxed(&requests, 1);
}

/* Sleeps without a limit: a wake that gets lost stays lost. */
static void sleep_until_filled(void) {
    while (divak_load_relaxed(&requests) == 0) {
        (void)divak_engine_drain(tracer, take, NULL);
        uint64_t allowed = divak_engine_declare_sleep(tracer, UINT64_MAX);
        bool is_needed = divak_engine_fill(tracer) >= 128;
        divak_engine_sleep(tracer, is_needed ? 0 : allowed);
    }
}

/* Asleep is right while no lane is more than half full. */
static bool is_half_empty(void) {
    const divak_ring *ring = &tracer->lanes.lanes[0].ring;
    return divak_load_relaxed(&ring->head) - divak_load_relaxed(&ring->tail) <= RING / 2;
}

SCENARIO(lane_wake_when_filled, .prepare = prepare, .threads = {fill_lane, sleep_until_filled},
         .may_time_out = is_half_empty)

static void request(void) {
    divak_add_release(&requests, 1);
    divak_fence_sequential();
    divak_engine_wake(tracer);
}

static void sleep_until_asked(void) {
    uint64_t served = 0;
    while (served < 2) {
        uint64_t allowed = divak_engine_declare_sleep(tracer, UINT64_MAX);
        bool is_needed = divak_load_acquire(&requests) != served;
        divak_engine_sleep(tracer, is_needed ? 0 : allowed);
        served = divak_load_acquire(&requests);
    }
}

SCENARIO(lane_wake_when_asked, .prepare = prepare, .threads = {request, request, sleep_until_asked})

/* Where there is no barrier for all processors, the drainer's own fence serves requests as well. */
static int no_barrier(void) { return -1; }

static void prepare_without_barrier(void) {
    prepare();
    divak_system.barrier_everywhere = no_barrier;
}

SCENARIO(lane_wake_without_barrier, .prepare = prepare_without_barrier,
         .threads = {request, request, sleep_until_asked})
