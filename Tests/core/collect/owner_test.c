/* SPDX-License-Identifier: Apache-2.0 */
/* owner_test.c - spans of which their owner writes the tags by plain stores: ended by others, interrupted in a tag by a
 * handler that does everything, and on systems without a barrier for all processors. */
#include <signal.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "collect/span.h"
#include "tracing.h"

static const void *owner_of(const divak_span *span) {
    return divak_load_relaxed(&divak_slot_at(&divak_tracer_of(span)->slab, span->slot)->owner);
}

/* Begins one that the calling thread owns if there is a barrier, even where spans before were ended by others. */
static divak_span begin_owned(tracing *t) {
    divak_span span = tracing_span(t->tracer, "first", NULL);
    divak_span_abandon(&span);
    divak_lane *lane = divak_this_thread.quick_lanes[span.tracer & (DIVAK_TRACERS_MAX - 1)];
    CHECK(lane != &divak_no_lane);
    divak_store_relaxed(&lane->shy, 0);
    span = tracing_span(t->tracer, "op", NULL);
    CHECK(divak_system.barrier_everywhere() != 0 || owner_of(&span) == lane);
    return span;
}

static bool is_no_more(int status) {
    return status == DIVAK_ERROR_ENDED || status == DIVAK_ERROR_STALE;
}

static void *finish(void *span) {
    CHECK_INT(DIVAK_OK, divak_span_finish(span));
    return NULL;
}

/* By a handle of its own. */
static void finish_on_another_thread(const divak_span *span) {
    divak_span copy = *span;
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, finish, &copy));
    pthread_join(thread, NULL);
}

static int (*barrier)(void);
static bool is_barrier_gone;

static int barrier_or_none(void) {
    return __atomic_load_n(&is_barrier_gone, __ATOMIC_RELAXED) ? -1 : barrier();
}

static int no_barrier(void) {
    return -1;
}

TEST(a_flush_waits_for_spans_that_another_thread_than_their_owner_ended) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    for (int i = 0; i < 200; i++) {
        divak_span span = begin_owned(&t);
        CHECK_INT(DIVAK_OK, tracing_tag(&span, "k", "v"));
        finish_on_another_thread(&span);
        CHECK(is_no_more(tracing_tag(&span, "late", "v")));
        char *json = tracing_take(&t);
        CHECK_INT(1, tracing_count(json, "{\"k\":\"v\"}"));
        divak_free(json);
        CHECK_INT(i + 1, tracing_stats(t.tracer).delivered);
    }
    tracing_end(&t);
}

/* ---- interrupted in a tag ------------------------------------------------------------------------------------------------ */

static tracing handled;
static divak_span interrupted;
static void *value_page;
static size_t page_bytes;
static int interruptions;

/* The tag's value cannot be read: the owner faults while it copies it, inside of the slot. */
static void on_fault(int signal_number) {
    (void)signal_number;
    interruptions++;
    if (mprotect(value_page, page_bytes, PROT_READ | PROT_WRITE) != 0) _exit(1);
    divak_span own = tracing_span(handled.tracer, "handler", &interrupted);
    CHECK_INT(DIVAK_OK, tracing_tag(&own, "in", "handler"));
    CHECK_INT(DIVAK_OK, divak_span_finish(&own));
    CHECK_INT(DIVAK_OK, tracing_tag(&interrupted, "second", "handler"));
    divak_span copy = interrupted;
    CHECK_INT(DIVAK_OK, divak_span_finish(&copy));
    CHECK(is_no_more(tracing_tag(&interrupted, "late", "handler")));
}

TEST(a_handler_of_signals_may_end_a_span_inside_of_its_owners_tag) {
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    value_page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(value_page != MAP_FAILED);
    memset(value_page, 'v', page_bytes);
    struct sigaction action = {.sa_handler = on_fault}, before;
    CHECK_INT(0, sigaction(SIGSEGV, &action, &before));
    tracing_begin(&handled);
    tracing_start(&handled);
    enum { ROUNDS = 100 };
    for (int i = 0; i < ROUNDS; i++) {
        interrupted = begin_owned(&handled);
        CHECK_INT(DIVAK_OK, tracing_tag(&interrupted, "first", "x"));
        CHECK_INT(0, mprotect(value_page, page_bytes, PROT_NONE));
        CHECK_INT(DIVAK_OK, divak_span_tag(&interrupted, "torn", 4, value_page, 8));
        CHECK(is_no_more(divak_span_finish(&interrupted)));
        CHECK_INT(DIVAK_OK, divak_tracer_flush(handled.tracer, 20000, NULL));
    }
    CHECK_INT(ROUNDS, interruptions);
    char *json = tracing_take(&handled);
    CHECK_INT(ROUNDS, tracing_count(json, "\"first\":\"x\""));
    CHECK_INT(ROUNDS, tracing_count(json, "\"torn\":\"vvvvvvvv\""));
    CHECK_INT(ROUNDS, tracing_count(json, "\"second\":\"handler\""));
    CHECK_INT(ROUNDS, tracing_count(json, "\"in\":\"handler\""));
    CHECK_INT(0, tracing_count(json, "late"));
    divak_free(json);
    tracing_end(&handled);
    CHECK_INT(0, sigaction(SIGSEGV, &before, NULL));
    munmap(value_page, page_bytes);
}

/* ---- stopped in a tag ------------------------------------------------------------------------------------------------------ */

static int reached[2], go_on[2];
static divak_span stopped;

static void stop_on_fault(int signal_number) {
    (void)signal_number;
    char byte = 0;
    if (mprotect(value_page, page_bytes, PROT_READ | PROT_WRITE) != 0 || write(reached[1], &byte, 1) != 1) _exit(1);
    while (read(go_on[0], &byte, 1) < 0) {
    }
}

static void *stop_in_tag(void *context) {
    tracing *t = context;
    stopped = begin_owned(t);
    CHECK_INT(DIVAK_OK, divak_span_tag(&stopped, "torn", 4, value_page, 8));
    CHECK(is_no_more(tracing_tag(&stopped, "late", "v")));
    return NULL;
}

TEST(an_owner_that_stands_still_in_a_tag_holds_nobody_up_beyond_a_deadline) {
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    value_page = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(value_page != MAP_FAILED);
    CHECK(pipe(reached) == 0 && pipe(go_on) == 0);
    struct sigaction action = {.sa_handler = stop_on_fault}, before;
    CHECK_INT(0, sigaction(SIGSEGV, &action, &before));
    alarm(TRACING_HANG_SECONDS);
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    const divak_slot_slab *slab = &t.tracer->slab;
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, stop_in_tag, &t));
    char byte;
    CHECK_INT(1, read(reached[0], &byte, 1));

    CHECK_INT(DIVAK_OK, divak_span_finish(&stopped));
    divak_span other = tracing_span(t.tracer, "other", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&other));
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 100, NULL));
    CHECK(!divak_slot_slab_is_settled(slab));
    const int status = divak_tracer_shutdown(t.tracer, 100, NULL);
    if (divak_system.barrier_everywhere() == 0) {
        CHECK_INT(DIVAK_ERROR_LOST, status);
        const divak_stats stats = tracing_stats(t.tracer);
        CHECK_INT(1, stats.delivered); /* the other one */
        CHECK_INT(0, stats.pending);
        CHECK_INT(1, stats.dropped[DIVAK_DROPPED_AFTER_SHUTDOWN]);
        tracing_check_identity(t.tracer);
    }

    /* The tracer that takes its place gets the slot back, once the owner is out of it. */
    tracing next;
    tracing_begin(&next);
    tracing_start(&next);
    CHECK(next.tracer == t.tracer);
    CHECK(!divak_slot_slab_is_settled(slab));
    CHECK_INT(1, write(go_on[1], &byte, 1));
    pthread_join(thread, NULL);
    char *json = tracing_take(&next);
    CHECK_INT(0, tracing_count(json, "torn"));
    divak_free(json);
    CHECK(divak_slot_slab_is_settled(slab));
    tracing_end(&next);
    divak_memory_reporter_destroy(t.memory);
    CHECK_INT(0, sigaction(SIGSEGV, &before, NULL));
    munmap(value_page, page_bytes);
    alarm(0);
}

/* ---- without a barrier ---------------------------------------------------------------------------------------------------- */

TEST(where_no_barrier_is_to_be_had_no_span_has_an_owner_and_all_come) {
    int (*const kept)(void) = divak_system.barrier_everywhere;
    divak_system.barrier_everywhere = no_barrier;
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    for (int i = 0; i < 10; i++) {
        divak_span span = begin_owned(&t);
        CHECK(owner_of(&span) == NULL);
        CHECK_INT(DIVAK_OK, tracing_tag(&span, "k", "v"));
        finish_on_another_thread(&span);
    }
    char *json = tracing_take(&t);
    CHECK_INT(10, tracing_count(json, "{\"k\":\"v\"}"));
    divak_free(json);
    tracing_end(&t);
    divak_system.barrier_everywhere = kept;
}

TEST(where_the_barrier_is_lost_later_what_others_ended_comes_a_moment_later) {
    int (*const kept)(void) = divak_system.barrier_everywhere;
    barrier = kept;
    divak_system.barrier_everywhere = barrier_or_none;
    for (int i = 0; i < 10; i++) {
        __atomic_store_n(&is_barrier_gone, false, __ATOMIC_RELAXED);
        tracing t;
        tracing_begin(&t);
        tracing_start(&t);
        divak_span span = begin_owned(&t);
        CHECK_INT(DIVAK_OK, tracing_tag(&span, "k", "v"));
        __atomic_store_n(&is_barrier_gone, true, __ATOMIC_RELAXED);
        finish_on_another_thread(&span);
        char *json = tracing_take(&t);
        CHECK_INT(1, tracing_count(json, "{\"k\":\"v\"}"));
        divak_free(json);
        tracing_end(&t);
    }
    divak_system.barrier_everywhere = kept;
}

CHECK_MAIN()
