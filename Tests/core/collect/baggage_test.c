/* SPDX-License-Identifier: Apache-2.0 */
/* baggage_test.c - the table of shared byte strings: holds, chains, budget, forks, threads.
 *
 * Under ThreadSanitizer the two tests with threads turn red when an order is weakened: the store
 * that publishes an entry, the compare-and-swap of retain, that of let_go (either half), that of
 * put_free, and the load of take_free. The store in reserve orders for a forked child only. */
#include "collect/baggage.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "check.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ---- Calls to the system, counted and refused ------------------------------------------------ */

static divak_system_calls real_system;
static int allocations, allocations_allowed, releases;

static void *counted_allocate(size_t size) {
    allocations++;
    if (allocations_allowed == 0) return NULL;
    if (allocations_allowed > 0) allocations_allowed--;
    return real_system.allocate(size);
}

static void counted_release(void *memory) {
    releases++;
    real_system.release(memory);
}

static void watch_system(int allowed) {
    real_system = divak_system;
    allocations = releases = 0;
    allocations_allowed = allowed;
    divak_system.allocate = counted_allocate;
    divak_system.release = counted_release;
}

static void unwatch_system(void) {
    divak_system = real_system;
}

/* ---- One thread ------------------------------------------------------------------------------ */

typedef struct handle {
    uint32_t baggage;
    uint32_t generation;
} handle;

static int create(divak_baggage_table *table, const char *text, divak_baggage_holder holder,
                  handle previous, handle *out) {
    return divak_baggage_table_create(table, text, strlen(text), holder, previous.baggage,
                                      previous.generation, &out->baggage, &out->generation);
}

static void check_content(divak_baggage_table *table, handle of, const char *expected) {
    const unsigned char *bytes;
    size_t length;
    bool is_there = divak_baggage_table_open(table, of.baggage, of.generation, &bytes, &length);
    CHECK(is_there);
    if (!is_there) return;
    CHECK_TEXT(expected, bytes, length);
    CHECK(divak_baggage_table_release(table, of.baggage, of.generation));
}

static bool is_alive(divak_baggage_table *table, handle of) {
    if (!divak_baggage_table_retain(table, of.baggage, of.generation)) return false;
    return divak_baggage_table_release(table, of.baggage, of.generation);
}

static const handle none;

TEST(an_entry_lives_until_its_last_reference_goes) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 8, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "country=at", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    check_content(&table, one, "country=at");
    CHECK(divak_baggage_table_retain(&table, one.baggage, one.generation));
    CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    check_content(&table, one, "country=at");
    CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    CHECK(!divak_baggage_table_release(&table, one.baggage, one.generation));
    CHECK(!divak_baggage_table_retain(&table, one.baggage, one.generation));

    handle next;
    CHECK_INT(DIVAK_OK, create(&table, "", DIVAK_BAGGAGE_BY_REFERENCE, none, &next));
    CHECK_INT(one.baggage, next.baggage);
    CHECK(one.generation != next.generation);
    check_content(&table, next, "");
    CHECK(!is_alive(&table, one));
    CHECK(!divak_baggage_table_release(&table, one.baggage, one.generation));
    check_content(&table, next, "");
    divak_baggage_table_deinit(&table);
}

TEST(stale_and_forged_handles_are_refused) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 4, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    uint64_t seed = 88172645463325252u;
    const unsigned char *bytes;
    size_t length;
    for (int i = 0; i < 100000; i++) {
        uint64_t random = next_random(&seed);
        uint32_t baggage = (uint32_t)(i % 2 == 0 ? random % 7 : random);
        uint32_t generation = (uint32_t)(random >> 32) % (i % 3 == 0 ? 3u : UINT32_MAX);
        if (baggage == one.baggage && generation == one.generation) continue;
        CHECK(!divak_baggage_table_retain(&table, baggage, generation));
        CHECK(!divak_baggage_table_release(&table, baggage, generation));
        CHECK(!divak_baggage_table_disown(&table, baggage, generation));
        CHECK(!divak_baggage_table_open(&table, baggage, generation, &bytes, &length));
    }
    check_content(&table, one, "x");
    CHECK(!divak_baggage_table_retain(NULL, one.baggage, one.generation));
    divak_baggage_table_deinit(&table);
    CHECK(!divak_baggage_table_retain(&table, one.baggage, one.generation));
}

TEST(generations_skip_zero_when_they_wrap) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 1, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    divak_store_relaxed(&table.entries[0].word, UINT64_C(0xffffffff00000001));
    CHECK(divak_baggage_table_release(&table, 1, 0xffffffff));
    CHECK_INT(DIVAK_OK, create(&table, "y", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    CHECK_INT(1, one.generation);
    CHECK(!divak_baggage_table_retain(&table, 1, 0));
    divak_baggage_table_deinit(&table);
}

TEST(a_count_of_references_never_overflows) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 1, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    divak_store_relaxed(&table.entries[0].word, UINT64_C(0x000000017ffffffe));
    CHECK(divak_baggage_table_retain(&table, 1, 1));
    CHECK(!divak_baggage_table_retain(&table, 1, 1));
    CHECK_INT(UINT64_C(0x000000017fffffff), divak_load_relaxed(&table.entries[0].word));
    divak_baggage_table_deinit(&table);
}

TEST(letting_go_of_a_value_twice_takes_nothing_from_a_slot) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 4, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_VALUE, none, &one));
    CHECK(!divak_baggage_table_release(&table, one.baggage, one.generation));
    CHECK(divak_baggage_table_retain(&table, one.baggage, one.generation));
    CHECK(divak_baggage_table_disown(&table, one.baggage, one.generation));
    CHECK(!divak_baggage_table_disown(&table, one.baggage, one.generation));
    check_content(&table, one, "x");
    CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    CHECK(!is_alive(&table, one));

    CHECK_INT(DIVAK_OK, create(&table, "y", DIVAK_BAGGAGE_BY_VALUE, none, &one));
    CHECK(divak_baggage_table_disown(&table, one.baggage, one.generation));
    CHECK(!is_alive(&table, one));
    divak_baggage_table_deinit(&table);
}

TEST(what_was_replaced_lives_as_long_as_what_replaced_it) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 64, 65536));
    handle first, second, third;
    CHECK_INT(DIVAK_OK, create(&table, "1", DIVAK_BAGGAGE_BY_REFERENCE, none, &first));
    CHECK_INT(DIVAK_OK, create(&table, "2", DIVAK_BAGGAGE_BY_REFERENCE, first, &second));
    CHECK(divak_baggage_table_release(&table, first.baggage, first.generation));
    CHECK_INT(DIVAK_OK, create(&table, "3", DIVAK_BAGGAGE_BY_REFERENCE, second, &third));
    CHECK(divak_baggage_table_release(&table, second.baggage, second.generation));
    check_content(&table, first, "1");
    check_content(&table, second, "2");
    CHECK(divak_baggage_table_release(&table, third.baggage, third.generation));
    CHECK(!is_alive(&table, first));
    CHECK(!is_alive(&table, second));
    CHECK(!is_alive(&table, third));
    divak_baggage_table_deinit(&table);
}

TEST(a_span_that_changes_its_baggage_for_ever_holds_a_bounded_chain) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, DIVAK_BAGGAGE_DEPTH + 2, 1 << 20));
    handle now = none;
    for (int i = 0; i < 1000; i++) {
        handle next;
        int status = create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, now, &next);
        CHECK_INT(DIVAK_OK, status);
        if (status != DIVAK_OK) break;
        divak_baggage_table_release(&table, now.baggage, now.generation);
        now = next;
    }
    check_content(&table, now, "x");
    CHECK(divak_baggage_table_release(&table, now.baggage, now.generation));
    divak_baggage_table_deinit(&table);
}

TEST(a_full_table_refuses_counts_and_recovers) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 3, 65536));
    handle entries[3], more;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &entries[i]));
    }
    CHECK_INT(DIVAK_ERROR_FULL, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &more));
    CHECK_INT(1, divak_load_relaxed(&table.refused));
    CHECK(divak_baggage_table_release(&table, entries[1].baggage, entries[1].generation));
    CHECK_INT(DIVAK_OK, create(&table, "y", DIVAK_BAGGAGE_BY_REFERENCE, none, &more));
    check_content(&table, more, "y");
    divak_baggage_table_deinit(&table);
}

TEST(the_byte_budget_holds_and_counts_memory_that_free_entries_keep) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 16, 4096));
    char big[3001];
    memset(big, 'b', 3000);
    big[3000] = '\0';
    handle small[8], one;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(DIVAK_OK, create(&table, "s", DIVAK_BAGGAGE_BY_REFERENCE, none, &small[i]));
    }
    CHECK_INT(DIVAK_ERROR_FULL, create(&table, big, DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    CHECK_INT(1, divak_load_relaxed(&table.refused));
    for (int i = 0; i < 8; i++) {
        check_content(&table, small[i], "s");
        CHECK(divak_baggage_table_release(&table, small[i].baggage, small[i].generation));
    }
    /* Free entries keep their memory, which has to give way now. */
    CHECK(divak_load_relaxed(&table.bytes) > 1096);
    CHECK_INT(DIVAK_OK, create(&table, big, DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    CHECK(divak_load_relaxed(&table.bytes) <= 4096);
    check_content(&table, one, big);
    CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    char huge[DIVAK_BAGGAGE_BLOB_MAX + 1] = {0};
    CHECK_INT(DIVAK_ERROR_FULL,
              divak_baggage_table_create(&table, huge, sizeof huge, DIVAK_BAGGAGE_BY_REFERENCE, 0,
                                         0, &one.baggage, &one.generation));
    divak_baggage_table_deinit(&table);
}

TEST(memory_of_free_entries_is_used_again) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 16, 65536));
    handle one;
    CHECK_INT(DIVAK_OK, create(&table, "warm", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    watch_system(-1);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(DIVAK_OK, create(&table, "again", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
        CHECK(divak_baggage_table_release(&table, one.baggage, one.generation));
    }
    CHECK_INT(0, allocations);
    CHECK_INT(0, releases);
    unwatch_system();
    divak_baggage_table_deinit(&table);
}

TEST(without_memory_nothing_is_created_and_nothing_leaks) {
    divak_baggage_table table;
    watch_system(0);
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_baggage_table_init(&table, 2, 65536));
    unwatch_system();
    handle one, two;
    CHECK_INT(DIVAK_ERROR_FULL, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    CHECK(!divak_baggage_table_retain(&table, 1, 1));
    divak_baggage_table_deinit(&table);

    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 2, 65536));
    watch_system(1);
    CHECK_INT(DIVAK_OK, create(&table, "x", DIVAK_BAGGAGE_BY_REFERENCE, none, &one));
    uint64_t bytes = divak_load_relaxed(&table.bytes);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(DIVAK_ERROR_MEMORY, create(&table, "y", DIVAK_BAGGAGE_BY_REFERENCE, one, &two));
    }
    CHECK_INT(10, divak_load_relaxed(&table.refused));
    CHECK_INT(bytes, divak_load_relaxed(&table.bytes));
    unwatch_system();
    CHECK_INT(DIVAK_OK, create(&table, "y", DIVAK_BAGGAGE_BY_REFERENCE, none, &two));
    check_content(&table, two, "y");
    divak_baggage_table_deinit(&table);
}

TEST(a_forked_child_starts_with_an_empty_table_and_no_trip_to_the_heap) {
    divak_baggage_table table;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&table, 8, 65536));
    handle held, freed, taken[8];
    CHECK_INT(DIVAK_OK, create(&table, "held", DIVAK_BAGGAGE_BY_VALUE, none, &held));
    CHECK_INT(DIVAK_OK, create(&table, "freed", DIVAK_BAGGAGE_BY_REFERENCE, none, &freed));
    CHECK(divak_baggage_table_release(&table, freed.baggage, freed.generation));
    uint64_t bytes = divak_load_relaxed(&table.bytes);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        watch_system(-1);
        divak_baggage_table_forget_all(&table);
        CHECK_INT(0, allocations + releases);
        CHECK_INT(bytes, divak_load_relaxed(&table.bytes));
        CHECK(!is_alive(&table, held));
        CHECK(!divak_baggage_table_disown(&table, held.baggage, held.generation));
        CHECK(!is_alive(&table, freed));
        for (int i = 0; i < 8; i++) {
            CHECK_INT(DIVAK_OK, create(&table, "c", DIVAK_BAGGAGE_BY_REFERENCE, none, &taken[i]));
        }
        CHECK_INT(6, allocations);
        CHECK_INT(DIVAK_ERROR_FULL, create(&table, "c", DIVAK_BAGGAGE_BY_VALUE, none, &freed));
        for (int i = 0; i < 8; i++) {
            check_content(&table, taken[i], "c");
            for (int k = 0; k < i; k++) CHECK(taken[i].baggage != taken[k].baggage);
        }
        fflush(stdout);
        _exit(check_failures == 0 ? 0 : 1);
    }
    int result = -1;
    CHECK_INT(child, waitpid(child, &result, 0));
    CHECK_INT(0, result);
    check_content(&table, held, "held");
    divak_baggage_table_deinit(&table);
}

/* ---- Several threads ------------------------------------------------------------------------- */

enum { THREADS = 4, BOARD = 8, ROUNDS = 100000 };

typedef struct crowd {
    divak_baggage_table table;
    divak_atomic_u64 board[BOARD]; /* handles, relaxed: all order comes from the table */
    divak_atomic_u64 read;
    divak_atomic_u64 torn;
} crowd;

typedef struct member {
    crowd *crowd;
    uint64_t seed;
    pthread_t thread;
} member;

/* All words of an entry are the same one. */
static size_t fill(uint64_t *words, uint64_t value) {
    size_t count = 1 + value % 60;
    for (size_t i = 0; i < count; i++) words[i] = value;
    return count * sizeof *words;
}

static bool is_whole(const unsigned char *bytes, size_t length) {
    uint64_t first, word;
    if (length < sizeof first) return false;
    memcpy(&first, bytes, sizeof first);
    if (length != (1 + first % 60) * sizeof first) return false;
    for (size_t at = 0; at < length; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if (word != first) return false;
    }
    return true;
}

static uint64_t packed(handle of) {
    return (uint64_t)of.generation << 32 | of.baggage;
}

static handle unpacked(uint64_t word) {
    return (handle){.baggage = (uint32_t)word, .generation = (uint32_t)(word >> 32)};
}

static void *exchange(void *context) {
    member *self = context;
    crowd *all = self->crowd;
    uint64_t words[60];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t random = next_random(&self->seed);
        divak_atomic_u64 *place = &all->board[random % BOARD];
        if (random >> 60 < 6) {
            /* Puts a new entry on the board, and lets go of the one that was there. */
            handle previous = unpacked(random >> 40 & 1 ? divak_load_relaxed(place) : 0), fresh;
            size_t length = fill(words, random);
            divak_baggage_holder holder =
                (random >> 41 & 1) != 0 ? DIVAK_BAGGAGE_BY_VALUE : DIVAK_BAGGAGE_BY_REFERENCE;
            int status = divak_baggage_table_create(
                &all->table, words, length, holder, previous.baggage, previous.generation,
                &fresh.baggage, &fresh.generation);
            if (status != DIVAK_OK) continue;
            uint64_t old = divak_load_relaxed(place);
            while (!divak_cas_weak_relaxed(place, &old, packed(fresh))) {}
            handle out = unpacked(old);
            if (!divak_baggage_table_disown(&all->table, out.baggage, out.generation)) {
                divak_baggage_table_release(&all->table, out.baggage, out.generation);
            }
        } else {
            handle seen = unpacked(divak_load_relaxed(place));
            const unsigned char *bytes;
            size_t length;
            if (!divak_baggage_table_open(&all->table, seen.baggage, seen.generation, &bytes,
                                          &length)) {
                continue;
            }
            if (!is_whole(bytes, length)) divak_add_relaxed(&all->torn, 1);
            divak_add_relaxed(&all->read, 1);
            divak_baggage_table_release(&all->table, seen.baggage, seen.generation);
        }
    }
    return NULL;
}

/* Runs the crowd, then lets go of the board: everything must be free again. */
static void run_crowd(uint32_t entries, uint64_t budget) {
    crowd all;
    memset(&all, 0, sizeof all);
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&all.table, entries, budget));
    member members[THREADS];
    uint64_t seed = 0x9e3779b97f4a7c15u ^ (uint64_t)getpid();
    printf("  seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (member){.crowd = &all, .seed = seed + (uint64_t)i * 7919};
        CHECK_INT(0, pthread_create(&members[i].thread, NULL, exchange, &members[i]));
    }
    for (int i = 0; i < THREADS; i++) pthread_join(members[i].thread, NULL);
    CHECK_INT(0, divak_load_relaxed(&all.torn));
    CHECK(divak_load_relaxed(&all.read) > ROUNDS / 10);
    for (int i = 0; i < BOARD; i++) {
        handle left = unpacked(divak_load_relaxed(&all.board[i]));
        if (!divak_baggage_table_disown(&all.table, left.baggage, left.generation)) {
            divak_baggage_table_release(&all.table, left.baggage, left.generation);
        }
    }
    for (uint32_t i = 0; i < entries; i++) {
        CHECK_INT(0, (uint32_t)divak_load_relaxed(&all.table.entries[i].word));
    }
    uint32_t waiting = 0;
    for (uint32_t at = (uint32_t)divak_load_relaxed(&all.table.free_head); at != 0;
         at = divak_load_relaxed(&all.table.entries[at - 1].next)) {
        if (++waiting > entries) break;
    }
    CHECK_INT(divak_load_relaxed(&all.table.used), waiting);
    divak_baggage_table_deinit(&all.table);
}

TEST(threads_that_share_entries_read_whole_ones_and_leave_none) {
    run_crowd(64, 1 << 20);
}

TEST(threads_that_fight_for_few_entries_and_bytes_lose_none) {
    run_crowd(12, 3000);
}

CHECK_MAIN()
