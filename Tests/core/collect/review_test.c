/* SPDX-License-Identifier: Apache-2.0 */
/* review_test.c - spans of several tracers, threads and kinds that meet. */
#include "base/clock.h"
#include "tracing.h"

/* A tracer keeps the memory of baggage for ever, in pages that leak checkers do not look into. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

/* What a remote parent with baggage becomes in a tracer. */
static divak_span extract(tracing *t, const char *baggage) {
    if (__lsan_disable != NULL) __lsan_disable();
    const char *b3 = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1";
    divak_header headers[] = {{"b3", 2, b3, strlen(b3)}, {"baggage", 7, baggage, strlen(baggage)}};
    divak_span parent;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t->tracer, headers, 2, &parent));
    if (__lsan_enable != NULL) __lsan_enable();
    return parent;
}

static bool is_injected(tracing *t, const divak_span *span, const char *text) {
    static divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t->tracer, span, &block));
    for (size_t i = 0; i < block.count; i++) {
        if (strstr(block.headers[i].value, text) != NULL) return true;
    }
    return false;
}

TEST(a_child_under_another_tracer_carries_nobody_elses_baggage) {
    tracing t[2];
    divak_span incoming[2], span[2], child, unsampled_child;
    for (int i = 0; i < 2; i++) {
        tracing_begin_plain(&t[i]);
        CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t[i].config, &t[i].memory));
        CHECK_INT(DIVAK_OK, divak_config_set(t[i].config, "propagation", "b3,baggage"));
        tracing_start(&t[i]);
        incoming[i] = extract(&t[i], i == 0 ? "user=alice" : "user=bob");
        CHECK_INT(DIVAK_OK, divak_span_start(t[i].tracer, "s", 1, DIVAK_KIND_SERVER, &incoming[i],
                                             &span[i]));
        divak_span_release(&incoming[i]);
        CHECK(is_injected(&t[i], &span[i], i == 0 ? "alice" : "bob"));
    }
    child = tracing_span(t[1].tracer, "c", &span[0]);
    CHECK(!is_injected(&t[1], &child, "bob"));
    CHECK(!is_injected(&t[1], &span[0], "bob"));
    divak_tracer_set_enabled(t[1].tracer, false);
    CHECK_INT(DIVAK_OK, divak_span_start(t[1].tracer, "c", 1, DIVAK_KIND_LOCAL, &span[0],
                                         &unsampled_child));
    CHECK(!is_injected(&t[1], &unsampled_child, "bob"));
    divak_span_finish(&unsampled_child);
    divak_tracer_set_enabled(t[1].tracer, true);
    CHECK_INT(DIVAK_OK, divak_span_finish(&child));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(DIVAK_OK, divak_span_finish(&span[i]));
        tracing_end(&t[i]);
    }
}

/* A deferred span that one thread finishes with a duration while another one flushes it. */
enum { ROUNDS = 100000, EARLIER = 777, LATER = 12345 };

typedef struct race {
    divak_span span;
    uint32_t round, flushed; /* which one is on, and which one the other thread is through with */
    uint64_t others, finished, unfinished;
} race;

static bool look_at_duration(void *context, divak_ended_span *span) {
    race *r = context;
    size_t length;
    if (divak_ended_span_name(span, &length)[0] != 'r') return true;
    uint64_t duration = divak_ended_span_duration(span);
    r->finished += duration == LATER;
    r->unfinished += duration == 0;
    r->others += duration != 0 && duration != LATER;
    return true;
}

static void *flush_spans(void *context) {
    race *r = context;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (__atomic_load_n(&r->round, __ATOMIC_ACQUIRE) != round) {
        }
        divak_span span = r->span;
        for (volatile uint32_t i = 0; i < round * 7 % 40; i++) {
        }
        (void)divak_span_flush(&span);
        __atomic_store_n(&r->flushed, round, __ATOMIC_RELEASE);
    }
    return NULL;
}

TEST(a_deferred_span_flushed_while_it_is_finished_has_its_own_duration_or_none) {
    static race r;
    tracing t;
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(t.config));
    divak_handler handler = {.end = look_at_duration, .context = &r};
    CHECK_INT(DIVAK_OK, divak_config_add_handler(t.config, &handler));
    tracing_start(&t);
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, flush_spans, &r));
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        divak_start_options options = {
            .name = "e", .name_length = 1, .parent = &divak_no_parent, .defer_report = true};
        divak_span earlier; /* leaves its end in the slot */
        (void)divak_span_start_with(t.tracer, &options, &earlier);
        (void)divak_span_finish_with_duration(&earlier, EARLIER);
        (void)divak_span_flush(&earlier);
        options.name = "r";
        (void)divak_span_start_with(t.tracer, &options, &r.span);
        divak_span span = r.span;
        __atomic_store_n(&r.round, round, __ATOMIC_RELEASE);
        for (volatile uint32_t i = 0; i < round * 13 % 60; i++) {
        }
        (void)divak_span_finish_with_duration(&span, LATER);
        while (__atomic_load_n(&r.flushed, __ATOMIC_ACQUIRE) != round) {
        }
    }
    pthread_join(thread, NULL);
    (void)divak_tracer_flush(t.tracer, 20000, NULL);
    printf("  %llu with their duration, %llu without\n", (unsigned long long)r.finished,
           (unsigned long long)r.unfinished);
    CHECK_INT(0, r.others);
    tracing_end(&t);
}

static void note_parent(void *context, const divak_span *span, const divak_span *parent) {
    (void)span;
    *(bool *)context = parent != NULL;
}

TEST(a_job_by_the_clock_has_no_parent_for_handlers_and_no_baggage_of_what_runs) {
    bool has_parent = true;
    tracing t;
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(t.config));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "b3,baggage"));
    divak_handler handler = {.begin = note_parent, .context = &has_parent};
    CHECK_INT(DIVAK_OK, divak_config_add_handler(t.config, &handler));
    tracing_start(&t);
    divak_span parent = extract(&t, "user=alice"), request, job;
    CHECK_INT(DIVAK_OK,
              divak_span_start(t.tracer, "s", 1, DIVAK_KIND_SERVER, &parent, &request));
    CHECK(has_parent);
    divak_span_release(&parent);
    CHECK_INT(DIVAK_OK,
              divak_span_start(t.tracer, "job", 3, DIVAK_KIND_PERIODIC, &request, &job));
    CHECK(!has_parent);
    CHECK_INT(0, job.parent_id);
    CHECK(!is_injected(&t, &job, "alice"));
    CHECK_INT(DIVAK_OK, divak_span_finish(&job));
    CHECK_INT(DIVAK_OK, divak_span_finish(&request));
    tracing_end(&t);
}

TEST(a_name_that_has_no_room_in_its_span_is_cut_at_a_code_point_and_counted) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "span_bytes", "512"));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "name_bytes", "65535"));
    tracing_start(&t);
    for (size_t shift = 0; shift < 2; shift++) {
        char name[1001] = "x";
        for (size_t i = shift; i + 2 <= 1000; i += 2) memcpy(name + i, "\xc3\xa9", 2);
        divak_span span;
        CHECK_INT(DIVAK_ERROR_TRUNCATED,
                  divak_span_start(t.tracer, name, 999, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
    CHECK_INT(2, tracing_stats(t.tracer).truncated);
    char *json = tracing_take(&t);
    CHECK(strstr(json, "\xc3\xa9\xc3\xa9") != NULL);
    CHECK(strstr(json, "\xef\xbf\xbd") == NULL);
    CHECK_INT(0, tracing_stats(t.tracer).sanitized);
    divak_free(json);
    tracing_end(&t);
}

static uint64_t (*monotonic_before)(void);

/* As after a suspend of a tenth of a second, through which only the counter went on. */
static uint64_t monotonic_after_suspend(void) {
    return monotonic_before() - 100000000u;
}

TEST(a_suspend_that_the_counter_counts_does_not_bend_the_rate) {
    divak_clock_init();
    tracing_sleep_ms(200);
    double before = divak_clock_nanoseconds_per_tick();
    monotonic_before = divak_clock.monotonic_now;
    divak_clock.monotonic_now = monotonic_after_suspend;
    double after = divak_clock_nanoseconds_per_tick();
    divak_clock.monotonic_now = monotonic_before;
    CHECK(after > before * 0.999 && after < before * 1.001);
}

CHECK_MAIN()
