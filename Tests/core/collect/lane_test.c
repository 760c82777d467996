/* SPDX-License-Identifier: Apache-2.0 */
/* lane_test.c - lanes leased, given back and taken back; shards that are tried and never waited for. */
#include "collect/lane.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/system.h"
#include "check.h"

enum { LANES = 3, SHARDS = 2, SLOT_BYTES = 512, SLOTS = 64, RING = 1024 };

static _Alignas(DIVAK_RING_LINE) divak_lane all[LANES + SHARDS];
static divak_lanes lanes;
static divak_slot_slab slab;
static _Alignas(128) uint8_t slots[SLOTS * SLOT_BYTES];
static uint8_t rings[LANES + SHARDS][RING + DIVAK_RING_SLACK];

static void begin(void) {
    memset(all, 0, sizeof all);
    memset(slots, 0, sizeof slots);
    lanes = (divak_lanes){.lanes = all, .lane_count = LANES, .shards = all + LANES, .shard_count = SHARDS};
    for (int i = 0; i < LANES + SHARDS; i++) {
        divak_ring_init(&all[i].ring, rings[i], RING);
        all[i].is_shard = i >= LANES;
    }
    divak_slot_slab_init(&slab, slots, SLOT_BYTES, SLOTS, 1);
}

static unsigned count_free_slots(void) {
    unsigned count = 0;
    while (divak_slot_slab_take(&slab) != 0) count++;
    return count;
}

/* In a thread of its own, for the id that it has. */
static void *lease_in_thread(void *context) {
    divak_lane *lane = divak_lanes_lease(&lanes);
    if (lane != NULL) {
        for (int i = 0; i < 5; i++) lane->free_slots[lane->slot_count++] = divak_slot_slab_take(&slab);
    }
    bool gives_back = *(bool *)context;
    if (lane != NULL && gives_back) divak_lanes_return(&lanes, lane, &slab);
    return lane;
}

static divak_lane *lease_elsewhere(bool gives_back) {
    pthread_t thread;
    void *lane = NULL;
    if (pthread_create(&thread, NULL, lease_in_thread, &gives_back) == 0) pthread_join(thread, &lane);
    return lane;
}

TEST(a_lane_given_back_is_leased_again_with_its_slots_returned) {
    begin();
    divak_lane *first = lease_elsewhere(true);
    CHECK(first == &all[0]);
    CHECK_INT(0, divak_load_relaxed(&first->owner));
    CHECK(lease_elsewhere(true) == first);
    CHECK_INT(SLOTS, count_free_slots());
    CHECK_INT(1, divak_load_relaxed(&lanes.leased_most));
}

TEST(two_leases_of_one_thread_never_look_alike) {
    begin();
    uint32_t seen[50];
    for (int i = 0; i < 50; i++) {
        divak_lane *lane = divak_lanes_lease(&lanes);
        seen[i] = divak_load_relaxed(&lane->owner);
        CHECK_INT(divak_system_thread_id(), seen[i] & 0xffffff);
        for (int j = 0; j < i; j++) CHECK(seen[i] != seen[j]);
        /* Every third is not given back but found again, as by a thread that got the id of an ended one. */
        if (i % 3 != 0) divak_lanes_return(&lanes, lane, &slab);
    }
}

TEST(a_lane_found_under_ones_own_id_is_not_inside_of_what_an_ended_thread_was) {
    begin();
    divak_lane *lane = divak_lanes_lease(&lanes);
    divak_store_relaxed(&lane->inside, 5); /* as a thread leaves it that ends in a handler of signals, in a tag */
    CHECK(divak_lanes_lease(&lanes) == lane);
    CHECK_INT(0, divak_load_relaxed(&lane->inside));
    divak_lanes_return(&lanes, lane, &slab);
}

TEST(lanes_of_threads_that_ended_silently_are_taken_back) {
    begin();
    divak_lane *mine = divak_lanes_lease(&lanes);
    /* The ids of ended threads may come again at once: then the same lane is found, and none is lost either. */
    for (int i = 0; i < 8; i++) (void)lease_elsewhere(false);
    divak_lanes_reclaim(&lanes, &slab);
    unsigned owned = 0;
    for (int i = 0; i < LANES; i++) owned += divak_load_relaxed(&all[i].owner) != 0;
    CHECK_INT(1, owned);
    CHECK(divak_load_relaxed(&mine->owner) != 0);
    CHECK_INT(SLOTS, count_free_slots());
}

static void *hold_lane(void *context) {
    pthread_barrier_t *barrier = context;
    divak_lane *lane = divak_lanes_lease(&lanes);
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    if (lane != NULL) divak_lanes_return(&lanes, lane, &slab);
    return lane;
}

TEST(when_all_are_leased_there_is_none_and_a_living_owner_keeps_its_own) {
    begin();
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, LANES + 1);
    pthread_t threads[LANES];
    for (int i = 0; i < LANES; i++) pthread_create(&threads[i], NULL, hold_lane, &barrier);
    pthread_barrier_wait(&barrier);
    CHECK(divak_lanes_lease(&lanes) == NULL);
    divak_lanes_reclaim(&lanes, &slab);
    CHECK(divak_lanes_lease(&lanes) == NULL);
    pthread_barrier_wait(&barrier);
    void *held[LANES];
    for (int i = 0; i < LANES; i++) {
        pthread_join(threads[i], &held[i]);
        CHECK(held[i] != NULL);
        for (int j = 0; j < i; j++) CHECK(held[i] != held[j]);
    }
    pthread_barrier_destroy(&barrier);
    CHECK(divak_lanes_lease(&lanes) != NULL);
}

TEST(a_shard_is_entered_by_one_and_never_waited_for) {
    begin();
    divak_lane *first = divak_lanes_lock_shard(&lanes, 0), *second = divak_lanes_lock_shard(&lanes, 0);
    CHECK(first != NULL && second != NULL && first != second);
    CHECK(divak_lanes_lock_shard(&lanes, 1) == NULL);
    divak_lane_unlock(first);
    CHECK(divak_lanes_lock_shard(&lanes, 7) == first);
}

TEST(after_a_reset_every_lane_is_free_and_empty) {
    begin();
    divak_lane *lane = divak_lanes_lease(&lanes);
    divak_lane *shard = divak_lanes_lock_shard(&lanes, 0);
    uint64_t end;
    CHECK(divak_ring_reserve(&lane->ring, 64, &end) != NULL);
    divak_ring_commit(&lane->ring, end);
    divak_count(&lane->committed, 1);
    lane->free_slots[lane->slot_count++] = divak_slot_slab_take(&slab);
    divak_lanes_reset(&lanes);
    CHECK_INT(0, divak_load_relaxed(&lane->owner));
    CHECK_INT(0, divak_load_relaxed(&shard->owner));
    CHECK_INT(0, divak_load_relaxed(&lane->committed));
    CHECK_INT(0, lane->slot_count);
    CHECK_INT(0, divak_ring_peek(&lane->ring));
    CHECK_INT(0, divak_load_relaxed(&lanes.leased_most));
}

/* ---- many threads ---------------------------------------------------------------------------------------------------- */

enum { THREADS = 6, ROUNDS = 300 };

/* Short-lived threads, some of which give back and some of which do not; plain counters in the lane, which
 * ThreadSanitizer would see two of them at. */
static void *live_shortly(void *context) {
    divak_lane *lane = divak_lanes_lease(&lanes);
    if (lane == NULL) {
        lane = divak_lanes_lock_shard(&lanes, 0);
        if (lane == NULL) return NULL;
        lane->slot_count++;
        lane->slot_count--;
        divak_lane_unlock(lane);
        return NULL;
    }
    uint32_t number = divak_slot_slab_take(&slab);
    if (number != 0 && lane->slot_count < DIVAK_LANE_SLOTS) {
        lane->free_slots[lane->slot_count++] = number;
    } else if (number != 0) {
        divak_slot_slab_give(&slab, number);
    }
    divak_count(&lane->started, 1);
    if (*(const bool *)context) divak_lanes_return(&lanes, lane, &slab);
    return NULL;
}

static divak_atomic_u32 is_over;

static void *reclaim_all(void *context) {
    (void)context;
    while (divak_load_relaxed(&is_over) == 0) {
        divak_lanes_reclaim(&lanes, &slab);
        sched_yield();
    }
    return NULL;
}

TEST(threads_that_come_and_go_lose_no_lane_and_no_slot) {
    begin();
    divak_store_relaxed(&is_over, 0);
    pthread_t reclaimer;
    CHECK(pthread_create(&reclaimer, NULL, reclaim_all, NULL) == 0);
    /* Where the kernel's ids order an ended thread and its successor, ThreadSanitizer needs the join for it: the next
     * round begins when the last one's threads are joined, and those that keep silent are one a round. */
    static bool gives_back[2] = {true, true};
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, live_shortly, &gives_back[i & 1]);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    }
    divak_store_relaxed(&is_over, 1);
    pthread_join(reclaimer, NULL);
    for (int i = 0; i < LANES; i++) CHECK_INT(0, divak_load_relaxed(&all[i].owner));
    CHECK_INT(SLOTS, count_free_slots());
}

CHECK_MAIN()
