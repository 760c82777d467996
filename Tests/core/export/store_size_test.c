/* SPDX-License-Identifier: Apache-2.0 */
/* store_size_test.c - how many bytes of the store a span takes that waits for a collector. */
#include "collect/engine.h"
#include "sink.h"

enum { GOAL = 160 };

/* A child of a remote parent with name, kind, two tags of text and a number: that of bench/work.h. */
static void record_one(tracing *t, const divak_span *parent) {
    divak_span span;
    CHECK_INT(DIVAK_OK, divak_span_start(t->tracer, "get /users/:id", 14, DIVAK_KIND_CLIENT, parent, &span));
    (void)divak_span_tag(&span, "http.method", 11, "GET", 3);
    (void)divak_span_tag(&span, "http.path", 9, "/users/42/profile", 17);
    (void)divak_span_tag_int(&span, "http.status_code", 16, 200);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
}

/* Spans in the message that could not be sent. */
typedef struct away {
    uint64_t spans;
} away;

static int refuse(void *context, const char *body, size_t length, size_t span_count) {
    (void)body;
    (void)length;
    __atomic_store_n(&((away *)context)->spans, span_count, __ATOMIC_RELAXED);
    return DIVAK_ERROR_SYSTEM;
}

TEST(a_span_of_three_copied_tags_takes_160_bytes_of_the_store_at_most) {
    away collector = {0};
    tracing t;
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "1ms"));
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(t.config, refuse, &collector));
    tracing_start(&t);
    divak_header header = {"b3", 2, "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1", 51};
    divak_span parent;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &parent));
    divak_stats stats = {0};
    alarm(TRACING_HANG_SECONDS);
    /* Until the oldest is given up: the store is full then. Never more than half of a lane at once. */
    while (stats.dropped[DIVAK_DROPPED_BUDGET] == 0) {
        for (int i = 0; i < 400; i++) record_one(&t, &parent);
        while (divak_engine_pending(t.tracer) != 0) tracing_sleep_ms(1);
        CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 0, &stats));
    }
    alarm(0);
    CHECK_INT(0, stats.dropped[DIVAK_DROPPED_RING_FULL]);
    uint64_t in_store = stats.pending - __atomic_load_n(&collector.spans, __ATOMIC_RELAXED);
    uint64_t capacity = t.tracer->store_capacity;
    printf("  %llu spans in %llu bytes\n", (unsigned long long)in_store, (unsigned long long)capacity);
    CHECK(in_store >= capacity / GOAL);
    (void)divak_tracer_shutdown(t.tracer, 0, NULL);
}

CHECK_MAIN()
