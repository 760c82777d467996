/* SPDX-License-Identifier: Apache-2.0 */
/* anchor_test.c - time that steps, drifts and runs backwards, through the seam of the clock. */
#include "base/clock.h"
#include "collect/anchor.h"
#include "tracing.h"

#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define YEAR (365 * 24 * HOUR)

/* Nanoseconds, all by hand; the flusher's thread reads them too. */
static uint64_t fake_ticks, fake_wall;

static uint64_t read_ticks(void) {
    return __atomic_load_n(&fake_ticks, __ATOMIC_RELAXED);
}

static uint64_t read_wall(void) {
    return __atomic_load_n(&fake_wall, __ATOMIC_RELAXED);
}

static void set(uint64_t ticks, uint64_t wall) {
    __atomic_store_n(&fake_ticks, ticks, __ATOMIC_RELAXED);
    __atomic_store_n(&fake_wall, wall, __ATOMIC_RELAXED);
}

static divak_clock_calls real_clock;

static void take_clock(void) {
    divak_clock_init();
    real_clock = divak_clock;
    set(1000 * SECOND, 40 * YEAR);
    divak_clock.ticks = read_ticks;
    divak_clock.wall_now = read_wall;
    divak_clock.use_counter = false;
}

static void give_clock_back(void) {
    divak_clock = real_clock;
}

TEST(ticks_become_microseconds_by_the_anchor_they_are_given) {
    take_clock();
    static divak_anchors anchors;
    divak_anchors_init(&anchors, false);
    divak_anchors_renew(&anchors);
    CHECK_INT(40 * YEAR / 1000, divak_anchors_convert(&anchors, 0, 1000 * SECOND));
    CHECK_INT(40 * YEAR / 1000 + 1000000, divak_anchors_convert(&anchors, 0, 1001 * SECOND));
    CHECK_INT(40 * YEAR / 1000 - 1000000, divak_anchors_convert(&anchors, 0, 999 * SECOND));
    CHECK_INT(1000, divak_anchors_convert_duration(&anchors, 0, 1000000));
    CHECK_INT(1, divak_anchors_convert_duration(&anchors, 0, 0));
    CHECK_INT(1, divak_anchors_convert_duration(&anchors, 0, 1));
    CHECK_INT(2, divak_anchors_convert_duration(&anchors, 0, 1500));
    give_clock_back();
}

TEST(an_anchor_is_renewed_when_the_wall_clock_steps_and_not_before) {
    take_clock();
    static divak_anchors anchors;
    divak_anchors_init(&anchors, false);
    divak_anchors_renew(&anchors);
    set(1001 * SECOND, 40 * YEAR + SECOND + 50000); /* 50 microseconds off: within what is borne */
    divak_anchors_renew(&anchors);
    CHECK_INT(0, divak_load_relaxed(&anchors.current));
    set(1001 * SECOND, 40 * YEAR + HOUR);
    divak_anchors_renew(&anchors);
    CHECK_INT(1, divak_load_relaxed(&anchors.current));
    CHECK_INT((40 * YEAR + HOUR) / 1000, divak_anchors_convert(&anchors, 1, 1001 * SECOND));
    /* The trace that began before goes on as it began. */
    CHECK_INT((40 * YEAR + SECOND) / 1000, divak_anchors_convert(&anchors, 0, 1001 * SECOND));
    set(1012 * SECOND, 40 * YEAR + HOUR + 11 * SECOND); /* and after ten seconds for the rate's sake */
    divak_anchors_renew(&anchors);
    CHECK_INT(2, divak_load_relaxed(&anchors.current));
    give_clock_back();
}

TEST(more_anchors_than_places_leave_no_time_without_one) {
    take_clock();
    static divak_anchors anchors;
    divak_anchors_init(&anchors, false);
    divak_anchors_renew(&anchors);
    for (uint64_t i = 1; i <= 70000; i++) {
        set(1000 * SECOND + i, 40 * YEAR + i * SECOND);
        divak_anchors_renew(&anchors);
    }
    CHECK_INT(70000, divak_load_relaxed(&anchors.current));
    uint16_t newest = (uint16_t)divak_load_relaxed(&anchors.current);
    CHECK_INT((40 * YEAR + 70000 * SECOND) / 1000,
              divak_anchors_convert(&anchors, newest, 1000 * SECOND + 70000));
    CHECK(divak_anchors_convert(&anchors, (uint16_t)(newest - 5000), 1000 * SECOND) > 1);
    give_clock_back();
}

TEST(a_time_before_1970_is_reported_as_the_first_microsecond) {
    take_clock();
    static divak_anchors anchors;
    set(1000 * SECOND, 5 * SECOND);
    divak_anchors_init(&anchors, false);
    divak_anchors_renew(&anchors);
    CHECK_INT(1, divak_anchors_convert(&anchors, 0, 900 * SECOND));
    give_clock_back();
}

TEST(an_own_clock_counts_microseconds_as_they_are) {
    static divak_anchors anchors;
    divak_anchors_init(&anchors, true);
    divak_anchors_renew(&anchors);
    CHECK_INT(0, divak_load_relaxed(&anchors.current));
    CHECK_INT(77, divak_anchors_convert(&anchors, 0, 77));
    CHECK_INT(1, divak_anchors_convert(&anchors, 9, 0));
    CHECK_INT(5, divak_anchors_convert_duration(&anchors, 0, 5));
    CHECK_INT(1, divak_anchors_convert_duration(&anchors, 0, 0));
}

/* Records a root whose wall clock steps by `step` before its end; true when start and duration are right. */
static bool survives_step(tracing *t, int64_t step) {
    uint64_t ticks = fake_ticks, wall = fake_wall;
    divak_span root = tracing_span(t->tracer, "root", &divak_no_parent);
    set(ticks + SECOND, wall + SECOND + (uint64_t)step);
    tracing_sleep_ms(250); /* the flusher renews now and then */
    divak_span child = tracing_span(t->tracer, "child", &root);
    set(ticks + 2 * SECOND, wall + 2 * SECOND + (uint64_t)step);
    divak_span_finish(&child);
    divak_span_finish(&root);
    char *json = tracing_take(t);
    char expected[3][64];
    snprintf(expected[0], 64, "\"timestamp\":%llu,\"duration\":2000000,",
             (unsigned long long)(wall / 1000));
    snprintf(expected[1], 64, "\"timestamp\":%llu,\"duration\":1000000,",
             (unsigned long long)((wall + SECOND) / 1000));
    bool right = strstr(json, expected[0]) != NULL && strstr(json, expected[1]) != NULL;
    divak_free(json);
    /* A new root lives in the new time. */
    divak_span next = tracing_span(t->tracer, "next", &divak_no_parent);
    divak_span_finish(&next);
    json = tracing_take(t);
    snprintf(expected[2], 64, "\"timestamp\":%llu,\"duration\":1,",
             (unsigned long long)((wall + 2 * SECOND + (uint64_t)step) / 1000));
    right &= strstr(json, expected[2]) != NULL;
    if (!right) printf("  step %lld: %s\n", (long long)step, json);
    divak_free(json);
    return right;
}

TEST(a_step_of_the_wall_clock_never_shows_inside_a_trace_but_in_the_next_one) {
    take_clock();
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_memory_reporter(t.config, &t.memory);
    divak_config_set(t.config, "flush_interval", "10ms");
    tracing_start(&t);
    CHECK(survives_step(&t, -(int64_t)HOUR));
    CHECK(survives_step(&t, (int64_t)HOUR));
    CHECK(survives_step(&t, (int64_t)(10 * YEAR)));
    CHECK(survives_step(&t, -(int64_t)(10 * YEAR)));
    CHECK_INT(0, tracing_stats(t.tracer).negative_duration);
    tracing_end(&t);
    give_clock_back();
}

TEST(a_counter_that_runs_backwards_gives_durations_of_one_microsecond) {
    take_clock();
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_memory_reporter(t.config, &t.memory);
    tracing_start(&t);
    enum { SPANS = 1000 };
    for (int i = 0; i < SPANS; i++) {
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        set(fake_ticks - 1000 - (uint64_t)i, fake_wall);
        divak_span_annotate(&span, "back", 4);
        divak_span_finish(&span);
    }
    char *json = tracing_take(&t);
    CHECK_INT(SPANS, tracing_count(json, "\"duration\":1,"));
    CHECK(strstr(json, "\"timestamp\":-") == NULL && strstr(json, "\"duration\":-") == NULL);
    divak_free(json);
    CHECK_INT(SPANS, tracing_stats(t.tracer).negative_duration);
    tracing_end(&t);
    give_clock_back();
}

TEST(real_spans_lie_within_a_millisecond_of_the_clock_and_last_as_long_as_they_did) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_memory_reporter(t.config, &t.memory);
    tracing_start(&t);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t before = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    uint64_t begin = tracing_now_ns();
    divak_span span = tracing_span(t.tracer, "op", NULL);
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t after = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    tracing_sleep_ms(20);
    divak_span_finish(&span);
    uint64_t took = (tracing_now_ns() - begin) / 1000;
    char *json = tracing_take(&t);
    unsigned long long timestamp = 0, duration = 0;
    const char *at = strstr(json, "\"timestamp\":");
    CHECK(at != NULL && sscanf(at, "\"timestamp\":%llu,\"duration\":%llu", &timestamp, &duration) == 2);
    CHECK(timestamp + 1000 >= before && timestamp <= after + 1000);
    CHECK(duration >= 19900 && duration <= took + took / 1000 + 10);
    divak_free(json);
    tracing_end(&t);
}

CHECK_MAIN()
