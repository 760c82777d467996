/* SPDX-License-Identifier: Apache-2.0 */
/* last_span_test.c - the span that a lane keeps at hand: where generations begin again, where a tracer is made again, where two
 * take turns, and where the lane goes to another thread. */
#include "collect/span.h"
#include "tracing.h"

static void begin(tracing *t) {
    tracing_begin_plain(t);
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t->config, &t->memory));
}

static divak_lane *lane_of(const divak_span *span) {
    return divak_this_thread.quick_lanes[span->tracer & (DIVAK_TRACERS_MAX - 1)];
}

static size_t reported(tracing *t, const char *text) {
    char *json = tracing_take(t);
    size_t count = tracing_count(json, text);
    divak_free(json);
    return count;
}

TEST(where_generations_begin_again_each_span_is_itself_and_those_before_are_no_more) {
    tracing t;
    begin(&t);
    tracing_start(&t);
    const divak_slot_slab *slab = &t.tracer->slab;
    for (uint32_t i = 0; i < slab->count; i++) {
        divak_slot *slot = divak_slot_at(slab, divak_slot_number(slab, i));
        divak_store_relaxed(&slot->word, (uint64_t)(UINT32_MAX - 1) << 32 | DIVAK_SLOT_CLOSED);
    }
    enum { SPANS = 6 };
    divak_span root = tracing_span(t.tracer, "root", &divak_no_parent), spans[SPANS];
    bool has_begun_again = false;
    for (int i = 0; i < SPANS; i++) {
        spans[i] = tracing_span(t.tracer, "op", &root);
        has_begun_again |= spans[i].generation == 0;
        CHECK_INT(spans[0].slot, spans[i].slot); /* at hand */
        CHECK_INT(DIVAK_OK, tracing_tag(&spans[i], "k", "v"));
        for (int k = 0; k < i; k++) {
            CHECK_INT(DIVAK_ERROR_STALE, tracing_tag(&spans[k], "stale", "v"));
            CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&spans[k]));
        }
        CHECK_INT(DIVAK_OK, divak_span_finish(&spans[i]));
    }
    CHECK(has_begun_again);
    CHECK_INT(DIVAK_OK, divak_span_finish(&root));
    CHECK_INT(SPANS, reported(&t, "{\"k\":\"v\"}"));
    tracing_end(&t);
}

TEST(a_tracer_that_is_made_again_with_other_limits_begins_and_ends_whole_spans) {
    static const char *const settings[][2] = {
        {"log", "off"}, {"value_bytes", "8"}, {"log", "off"}, {"tags_max", "2"}, {"late_decision", "true"}, {"log", "off"},
    };
    divak_span left_open = {.slot = 0};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        tracing t;
        begin(&t);
        CHECK_INT(DIVAK_OK, divak_config_set(t.config, settings[i][0], settings[i][1]));
        tracing_start(&t);
        if (i != 0) CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&left_open));
        divak_span root = tracing_span(t.tracer, "root", &divak_no_parent);
        for (int k = 0; k < 3; k++) {
            divak_span one = tracing_span(t.tracer, "op", &root), other = tracing_span(t.tracer, "op", &one);
            CHECK_INT(DIVAK_OK, tracing_tag(&one, "k", "v"));
            CHECK_INT(DIVAK_OK, tracing_tag(&other, "k", "v"));
            CHECK_INT(DIVAK_OK, divak_span_finish(&other));
            CHECK_INT(DIVAK_OK, divak_span_finish(&one));
        }
        CHECK_INT(DIVAK_OK, divak_span_finish(&root));
        left_open = tracing_span(t.tracer, "open", &root);
        CHECK_INT(6, reported(&t, "{\"k\":\"v\"}"));
        uint64_t lost;
        CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 20000, &lost));
        CHECK_INT(1, tracing_stats(t.tracer).live);
        tracing_check_identity(t.tracer);
        divak_memory_reporter_destroy(t.memory);
    }
}

TEST(two_tracers_that_take_turns_on_a_thread_keep_their_own_spans_at_hand) {
    tracing a, b;
    begin(&a);
    begin(&b);
    tracing_start(&a);
    tracing_start(&b);
    divak_span root = tracing_span(a.tracer, "root", &divak_no_parent);
    enum { SPANS = 100 };
    for (int i = 0; i < SPANS; i++) {
        divak_span in_a = tracing_span(a.tracer, "op", &root), in_b = tracing_span(b.tracer, "op", &in_a);
        CHECK_INT(DIVAK_OK, tracing_tag(&in_a, "k", "a"));
        CHECK_INT(DIVAK_OK, tracing_tag(&in_b, "k", "b"));
        CHECK_INT(DIVAK_OK, divak_span_finish(i % 2 == 0 ? &in_a : &in_b));
        CHECK_INT(DIVAK_OK, divak_span_finish(i % 2 == 0 ? &in_b : &in_a));
    }
    CHECK_INT(DIVAK_OK, divak_span_finish(&root));
    CHECK_INT(SPANS, reported(&a, "{\"k\":\"a\"}"));
    CHECK_INT(SPANS, reported(&b, "{\"k\":\"b\"}"));
    tracing_end(&a);
    tracing_end(&b);
}

typedef struct passing {
    tracing *t;
    const divak_span *root;
    divak_span last;
    divak_lane *lane;
} passing;

static void *begin_and_leave(void *context) {
    passing *p = context;
    p->last = tracing_span(p->t->tracer, "op", p->root);
    p->lane = lane_of(&p->last);
    CHECK_INT(DIVAK_OK, tracing_tag(&p->last, "begun", "here"));
    return NULL;
}

static void *end_what_was_left(void *context) {
    passing *p = context;
    divak_span own = tracing_span(p->t->tracer, "own", p->root);
    CHECK(lane_of(&own) == p->lane);
    CHECK_INT(DIVAK_OK, tracing_tag(&p->last, "ended", "there"));
    CHECK_INT(DIVAK_OK, tracing_tag(&own, "k", "v"));
    CHECK_INT(DIVAK_OK, divak_span_finish(&p->last));
    CHECK_INT(DIVAK_OK, divak_span_finish(&own));
    return NULL;
}

TEST(the_last_span_of_a_thread_that_ended_is_whole_when_the_lanes_next_thread_goes_on_with_it) {
    tracing t;
    begin(&t);
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", &divak_no_parent);
    passing p = {.t = &t, .root = &root};
    enum { ROUNDS = 20 };
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        CHECK_INT(0, pthread_create(&thread, NULL, begin_and_leave, &p));
        pthread_join(thread, NULL);
        CHECK_INT(0, pthread_create(&thread, NULL, end_what_was_left, &p));
        pthread_join(thread, NULL);
    }
    CHECK_INT(DIVAK_OK, divak_span_finish(&root));
    char *json = tracing_take(&t);
    CHECK_INT(ROUNDS, tracing_count(json, "{\"begun\":\"here\",\"ended\":\"there\"}"));
    CHECK_INT(ROUNDS, tracing_count(json, "{\"k\":\"v\"}"));
    divak_free(json);
    tracing_end(&t);
}

CHECK_MAIN()
