/* SPDX-License-Identifier: Apache-2.0 */
/* slot_test.c - the word of a slot case by case, the list of free slots, and both under many threads. */
#include "collect/slot.h"

#include <pthread.h>
#include <time.h>

#include "check.h"

enum { SLOT_BYTES = 512, SLOTS = 4 };

static divak_slot_slab slab;
static _Alignas(128) uint8_t bytes[SLOTS * SLOT_BYTES];

static void begin(uint32_t first_generation) {
    memset(bytes, 0, sizeof bytes);
    divak_slot_slab_init(&slab, bytes, SLOT_BYTES, SLOTS, first_generation);
}

static divak_slot *start(uint32_t *out_number, uint32_t *out_generation) {
    *out_number = divak_slot_slab_take(&slab);
    if (*out_number == 0) return NULL;
    divak_slot *slot = divak_slot_at(&slab, *out_number);
    *out_generation = divak_slot_generation(slot);
    divak_slot_publish(slot, (uint64_t)*out_generation << 32);
    return slot;
}

static void commit(divak_slot *slot, uint32_t number, uint32_t generation) {
    divak_slot_retire(slot, generation);
    divak_slot_slab_give(&slab, number);
}

TEST(every_slot_is_given_once_and_then_none) {
    begin(1);
    uint32_t taken[SLOTS];
    for (unsigned i = 0; i < SLOTS; i++) {
        taken[i] = divak_slot_slab_take(&slab);
        CHECK(taken[i] != 0);
        for (unsigned j = 0; j < i; j++) CHECK(taken[i] != taken[j]);
    }
    CHECK_INT(0, divak_slot_slab_take(&slab));
    for (unsigned i = 0; i < SLOTS; i++) divak_slot_slab_give(&slab, taken[i]);
    CHECK_INT(taken[SLOTS - 1], divak_slot_slab_take(&slab)); /* the warmest first */
}

TEST(any_number_names_some_slot_of_the_slab) {
    begin(1);
    for (uint64_t number = 0; number <= UINT32_MAX; number += 65521) {
        const uint8_t *slot = (const uint8_t *)divak_slot_at(&slab, (uint32_t)number);
        CHECK(slot >= bytes && slot < bytes + sizeof bytes && (slot - bytes) % SLOT_BYTES == 0);
    }
}

TEST(an_update_before_the_end_gets_in_and_one_after_is_refused) {
    begin(1);
    uint32_t number, generation;
    uint64_t offset = 99;
    divak_slot *slot = start(&number, &generation);
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation, 24, 64, &offset));
    CHECK_INT(0, offset);
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_leave(slot));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation, 40, 64, &offset));
    CHECK_INT(24, offset);
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_leave(slot));
    CHECK_INT(DIVAK_SLOT_NO_ROOM, divak_slot_enter(slot, generation, 1, 64, &offset));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation, 0, 64, &offset));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_leave(slot));
    CHECK_INT(1, divak_slot_slab_count_live(&slab));
    CHECK_INT(DIVAK_SLOT_LAST, divak_slot_end(slot, generation));
    CHECK_INT(0, divak_slot_slab_count_live(&slab));
    CHECK(!divak_slot_slab_is_settled(&slab));
    CHECK_INT(DIVAK_SLOT_IS_ENDED, divak_slot_enter(slot, generation, 0, 64, &offset));
    CHECK_INT(DIVAK_SLOT_IS_ENDED, divak_slot_end(slot, generation));
    commit(slot, number, generation);
    CHECK(divak_slot_slab_is_settled(&slab));
    CHECK_INT(DIVAK_SLOT_STALE, divak_slot_enter(slot, generation, 0, 64, &offset));
    CHECK_INT(DIVAK_SLOT_STALE, divak_slot_end(slot, generation));
}

TEST(the_last_to_leave_an_ended_slot_commits) {
    begin(1);
    uint32_t number, generation;
    uint64_t offset;
    divak_slot *slot = start(&number, &generation);
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation, 8, 64, &offset));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation, 8, 64, &offset));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_end(slot, generation)); /* the one who ended it counts as inside */
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_leave(slot));
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_leave(slot));
    CHECK(!divak_slot_slab_is_settled(&slab));
    CHECK_INT(DIVAK_SLOT_LAST, divak_slot_leave(slot));
    CHECK_INT(16, divak_load_relaxed(&slot->word) & DIVAK_SLOT_RESERVED_MASK);
}

TEST(a_handle_of_an_earlier_life_names_nothing) {
    for (int lives = 1; lives < 5; lives++) {
        begin(UINT32_MAX - DIVAK_SLOT_RESET_STRIDE - 1); /* generations pass the end of their type */
        uint32_t number, first, generation;
        uint64_t offset;
        divak_slot *slot = start(&number, &first);
        CHECK_INT(DIVAK_SLOT_LAST, divak_slot_end(slot, first));
        commit(slot, number, first);
        for (int life = 0; life < lives; life++) {
            uint32_t again;
            CHECK(start(&again, &generation) == slot);
            CHECK(generation != first);
            CHECK_INT(DIVAK_SLOT_STALE, divak_slot_enter(slot, first, 8, 64, &offset));
            CHECK_INT(DIVAK_SLOT_STALE, divak_slot_end(slot, first));
            CHECK_INT(DIVAK_SLOT_LAST, divak_slot_end(slot, generation));
            commit(slot, again, generation);
        }
    }
}

TEST(after_a_reset_all_are_free_and_all_handles_stale) {
    begin(1);
    uint32_t number[SLOTS], generation[SLOTS];
    uint64_t offset;
    for (unsigned i = 0; i < SLOTS; i++) CHECK(start(&number[i], &generation[i]) != NULL);
    divak_slot *slot = divak_slot_at(&slab, number[1]);
    CHECK_INT(DIVAK_SLOT_OK, divak_slot_enter(slot, generation[1], 8, 64, &offset)); /* forked with a writer inside */
    divak_slot_slab_reset(&slab);
    CHECK(divak_slot_slab_is_settled(&slab));
    CHECK_INT(0, divak_slot_slab_count_live(&slab));
    for (unsigned i = 0; i < SLOTS; i++) {
        divak_slot *one = divak_slot_at(&slab, number[i]);
        CHECK_INT(DIVAK_SLOT_STALE, divak_slot_enter(one, generation[i], 8, 64, &offset));
        CHECK(divak_slot_generation(one) - generation[i] >= DIVAK_SLOT_INHERITED);
    }
    for (unsigned i = 0; i < SLOTS; i++) CHECK(divak_slot_slab_take(&slab) != 0);
    CHECK_INT(0, divak_slot_slab_take(&slab));
}

TEST(a_carrier_of_baggage_is_not_counted_as_live) {
    begin(1);
    uint32_t number, generation;
    divak_slot *slot = start(&number, &generation);
    divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY);
    CHECK_INT(0, divak_slot_slab_count_live(&slab));
}

/* ---- many threads ---------------------------------------------------------------------------------------------------- */

enum { ROUNDS = 20000, TAGGERS = 3, FIELD = 8 };

static struct {
    divak_atomic_u64 handle;              /* generation << 32 | number, of the span at hand */
    divak_atomic_u64 accepted[TAGGERS];   /* updates that returned OK */
    divak_atomic_u32 is_over;
    /* By whoever commits; one at a time, which ThreadSanitizer sees. */
    uint64_t commits, fields, torn;
} shared;

static void commit_shared(divak_slot *slot, uint32_t number, uint32_t generation) {
    uint64_t length = divak_load_relaxed(&slot->word) & DIVAK_SLOT_RESERVED_MASK;
    shared.commits++;
    for (uint64_t i = 0; i < length; i += FIELD) {
        shared.fields++;
        for (int j = 1; j < FIELD; j++) shared.torn += slot->fields[i + (uint64_t)j] != slot->fields[i];
        shared.torn += slot->fields[i] != (uint8_t)generation;
    }
    commit(slot, number, generation);
}

static void *tag_all(void *context) {
    divak_atomic_u64 *accepted = context;
    while (divak_load_relaxed(&shared.is_over) == 0) {
        uint64_t handle = divak_load_acquire(&shared.handle), offset;
        uint32_t generation = (uint32_t)(handle >> 32), number = (uint32_t)handle;
        divak_slot *slot = divak_slot_at(&slab, number);
        divak_slot_result result = divak_slot_enter(slot, generation, FIELD, 256, &offset);
        if (result != DIVAK_SLOT_OK) {
            sched_yield();
            continue;
        }
        memset(slot->fields + offset, (int)(generation & 0xff), FIELD);
        divak_add_relaxed(accepted, 1);
        if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) commit_shared(slot, number, generation);
    }
    return NULL;
}

static void *finish_all(void *context) {
    uint64_t *ends = context;
    while (divak_load_relaxed(&shared.is_over) == 0) {
        uint64_t handle = divak_load_acquire(&shared.handle);
        uint32_t generation = (uint32_t)(handle >> 32), number = (uint32_t)handle;
        divak_slot *slot = divak_slot_at(&slab, number);
        divak_slot_result result = divak_slot_end(slot, generation);
        if (result == DIVAK_SLOT_LAST) {
            ++*ends;
            commit_shared(slot, number, generation);
        } else if (result == DIVAK_SLOT_OK) {
            ++*ends;
            if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) commit_shared(slot, number, generation);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

TEST(under_many_threads_each_span_is_committed_once_with_every_update) {
    begin(1);
    memset(&shared, 0, sizeof shared);
    pthread_t taggers[TAGGERS], finishers[2];
    uint64_t ends[2] = {0, 0};
    for (int i = 0; i < TAGGERS; i++) pthread_create(&taggers[i], NULL, tag_all, &shared.accepted[i]);
    for (int i = 0; i < 2; i++) pthread_create(&finishers[i], NULL, finish_all, &ends[i]);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t number, generation;
        divak_slot *slot = start(&number, &generation);
        CHECK(slot != NULL);
        if (slot == NULL) break;
        divak_store_release(&shared.handle, (uint64_t)generation << 32 | number);
        /* Until it is retired; then all that was committed is ours to see. */
        while ((uint32_t)(divak_load_acquire(&slot->word) >> 32) == generation) sched_yield();
    }
    divak_store_relaxed(&shared.is_over, 1);
    uint64_t accepted = 0;
    for (int i = 0; i < 2; i++) pthread_join(finishers[i], NULL);
    for (int i = 0; i < TAGGERS; i++) {
        pthread_join(taggers[i], NULL);
        accepted += divak_load_relaxed(&shared.accepted[i]);
    }
    CHECK_INT(ROUNDS, ends[0] + ends[1]);
    CHECK_INT(ROUNDS, shared.commits);
    CHECK_INT(accepted, shared.fields);
    CHECK_INT(0, shared.torn);
    CHECK(divak_slot_slab_is_settled(&slab));
}

static void *take_and_give(void *context) {
    uint64_t random = (uint64_t)(uintptr_t)context | 1;
    for (int round = 0; round < 100000; round++) {
        uint32_t number[2] = {divak_slot_slab_take(&slab), 0};
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (random >> 63 != 0) number[1] = divak_slot_slab_take(&slab);
        for (int i = 0; i < 2; i++) {
            /* Ours alone: a plain write, which ThreadSanitizer would see beside another's. */
            if (number[i] != 0) divak_slot_at(&slab, number[i])->record.span_id++;
        }
        for (int i = 0; i < 2; i++) {
            if (number[i] != 0) divak_slot_slab_give(&slab, number[i]);
        }
    }
    return NULL;
}

TEST(the_free_list_gives_each_slot_to_one_thread) {
    begin(1);
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&threads[i], NULL, take_and_give, (void *)(i * 12345 + 7));
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < SLOTS; i++) CHECK(divak_slot_slab_take(&slab) != 0);
    CHECK_INT(0, divak_slot_slab_take(&slab));
}

CHECK_MAIN()
