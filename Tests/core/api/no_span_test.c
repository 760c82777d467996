/* SPDX-License-Identifier: Apache-2.0 */
/* no_span_test.c - what names no live span of a tracer is refused by every function, and changes nothing anywhere. */
#include "collect/engine.h"
#include "tracing.h"

typedef int (*call)(divak_span *span);

static int tag(divak_span *span) { return divak_span_tag(span, "k", 1, "v", 1); }
static int tag_int(divak_span *span) { return divak_span_tag_int(span, "k", 1, -1); }
static int tag_uint(divak_span *span) { return divak_span_tag_uint(span, "k", 1, 1); }
static int tag_double(divak_span *span) { return divak_span_tag_double(span, "k", 1, 0.5); }
static int tag_bool(divak_span *span) { return divak_span_tag_bool(span, "k", 1, true); }
static int annotate(divak_span *span) { return divak_span_annotate(span, "a", 1); }
static int annotate_at(divak_span *span) { return divak_span_annotate_at(span, 5, "a", 1); }
static int error(divak_span *span) { return divak_span_error(span, "e", 1); }
static int rename_to(divak_span *span) { return divak_span_rename(span, "n", 1); }
static int set_kind(divak_span *span) { return divak_span_set_kind(span, DIVAK_KIND_CLIENT); }
static int set_start(divak_span *span) { return divak_span_set_start(span, 5); }
static int set_shared(divak_span *span) { return divak_span_set_shared(span, true); }
static int set_sampled(divak_span *span) { return divak_span_set_sampled(span, true); }
static int set_remote(divak_span *span) {
    return divak_span_set_remote(span, &(divak_endpoint){.service = "s", .service_length = 1, .port = 80});
}
static int set_local(divak_span *span) {
    return divak_span_set_local(span, &(divak_endpoint){.service = "s", .service_length = 1, .port = 80});
}
static int finish(divak_span *span) { return divak_span_finish(span); }
static int finish_at(divak_span *span) { return divak_span_finish_at(span, 5); }
static int finish_with_duration(divak_span *span) { return divak_span_finish_with_duration(span, 5); }
static int flush(divak_span *span) { return divak_span_flush(span); }
static int abandon(divak_span *span) { return divak_span_abandon(span); }
static int link_to(divak_span *span) {
    return divak_span_link(span, &(divak_span){.trace_id_low = 1, .span_id = 2});
}
static divak_key key;
static int tag_by_key(divak_span *span) { return divak_span_tag_by_key(span, key, "v", 1); }
static int tag_int_by_key(divak_span *span) { return divak_span_tag_int_by_key(span, key, -1); }
static int tag_uint_by_key(divak_span *span) { return divak_span_tag_uint_by_key(span, key, 1); }
static int tag_double_by_key(divak_span *span) { return divak_span_tag_double_by_key(span, key, 0.5); }
static int tag_bool_by_key(divak_span *span) { return divak_span_tag_bool_by_key(span, key, true); }
static int rename_by_key(divak_span *span) { return divak_span_rename_by_key(span, key); }

/* All that record, or end what is recorded. */
static const call calls[] = {tag, tag_int, tag_uint, tag_double, tag_bool, annotate, annotate_at, error, rename_to,
                             set_kind, set_start, set_shared, set_sampled, set_remote, set_local, finish, finish_at,
                             finish_with_duration, flush, abandon, tag_by_key, tag_int_by_key, tag_uint_by_key,
                             tag_double_by_key, tag_bool_by_key, rename_by_key, link_to};

/* What must stay as it is: every byte of accounts, and the entries of baggage. */
typedef struct state {
    divak_stats stats;
    uint32_t baggage_used;
    uint64_t baggage_bytes;
} state;

static state look(divak_tracer *tracer) {
    return (state){.stats = tracing_stats(tracer),
                   .baggage_used = divak_load_relaxed(&tracer->baggage.used),
                   .baggage_bytes = divak_load_relaxed(&tracer->baggage.bytes)};
}

/* Uses of a span that is no more are counted, and nothing else is. */
static void expect_unchanged(const state *before, divak_tracer *tracer) {
    state after = look(tracer);
    after.stats.double_finish = before->stats.double_finish;
    CHECK(memcmp(&before->stats, &after.stats, sizeof after.stats) == 0);
    CHECK_INT(before->baggage_used, after.baggage_used);
    CHECK_INT(before->baggage_bytes, after.baggage_bytes);
}

static void begin_one(tracing *t) {
    tracing_begin(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "propagation", "b3,baggage"));
    tracing_start(t);
}

static void begin(tracing t[2]) {
    key = divak_key_register("k", 1);
    for (int i = 0; i < 2; i++) begin_one(&t[i]);
}

static void end(tracing t[2]) {
    for (int i = 0; i < 2; i++) {
        char *json = tracing_take(&t[i]);
        CHECK_TEXT("[]", json, strlen(json));
        divak_free(json);
        tracing_end(&t[i]);
    }
}

/* Each call with its own copy of a span, all with the same answer. */
static void expect_all(tracing t[2], const divak_span *span, int expected, int expected_for_baggage) {
    state before[2] = {look(t[0].tracer), look(t[1].tracer)};
    char text[8];
    size_t length = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        divak_span copy = *span;
        int status = calls[i](&copy);
        CHECK_INT(expected, status);
        if (status != expected) printf("  call %zu\n", i);
        CHECK(memcmp(&copy, span, sizeof copy) == 0);
    }
    divak_span copy = *span;
    CHECK_INT(expected_for_baggage, divak_span_set_baggage(&copy, "k", 1, "v", 1));
    CHECK_INT(expected_for_baggage, divak_span_set_baggage(&copy, "request-id", 10, "v", 1));
    /* An ended span has nothing to take away. */
    const int when_removed = span->slot != 0 && span->tracer != 0 ? DIVAK_OK : expected_for_baggage;
    CHECK_INT(when_removed, divak_span_set_baggage(&copy, "k", 1, NULL, 0));
    CHECK_INT(DIVAK_ABSENT, divak_span_baggage(&copy, "k", 1, text, sizeof text, &length));
    CHECK_INT(DIVAK_ABSENT, divak_span_start_name(&copy, text, sizeof text, &length));
    CHECK(!divak_span_is_open(&copy) && !divak_span_is_untouched(&copy));
    divak_span_release(&copy);
    CHECK(memcmp(&copy, span, sizeof copy) == 0);
    for (int i = 0; i < 2; i++) expect_unchanged(&before[i], t[i].tracer);
}

TEST(a_zeroed_span_is_no_span_to_any_function_whichever_tracers_there_are) {
    tracing t[2];
    begin(t);
    expect_all(t, &(divak_span){.slot = 0}, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    expect_all(t, &divak_no_parent, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    divak_span current;
    CHECK_INT(DIVAK_ABSENT, divak_current(&current));
    expect_all(t, &current, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    end(t);
}

TEST(a_span_started_without_a_tracer_or_made_by_hand_belongs_to_no_tracer) {
    tracing t[2];
    begin(t);
    divak_span span;
    CHECK_INT(DIVAK_OK, divak_span_start(NULL, "op", 2, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
    expect_all(t, &span, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    const divak_span remote = {
        .trace_id_low = 7, .span_id = 8, .flags = DIVAK_SPAN_REMOTE | DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED};
    expect_all(t, &remote, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    const divak_span local = {.trace_id_low = 7, .span_id = 8, .flags = DIVAK_SPAN_DECIDED};
    expect_all(t, &local, DIVAK_ERROR_NOT_RECORDING, DIVAK_ERROR_STALE);
    const divak_span forged = {.trace_id_low = 7, .span_id = 8, .flags = DIVAK_SPAN_RECORDING | DIVAK_SPAN_SAMPLED,
                               .slot = 3, .generation = 9};
    expect_all(t, &forged, DIVAK_ERROR_STALE, DIVAK_ERROR_STALE);
    end(t);
}

TEST(null_is_no_span_to_any_function) {
    tracing t[2];
    begin(t);
    state before[2] = {look(t[0].tracer), look(t[1].tracer)};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) CHECK_INT(DIVAK_ERROR_NOT_RECORDING, calls[i](NULL));
    for (int i = 0; i < 2; i++) expect_unchanged(&before[i], t[i].tracer);
    end(t);
}

TEST(a_span_that_ended_is_refused_by_every_function_and_every_refusal_is_counted) {
    tracing t[2];
    begin(t);
    divak_span spans[2];
    for (int i = 0; i < 2; i++) {
        spans[i] = tracing_span(t[i].tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_set_baggage(&spans[i], "gone", 4, "v", 1));
        CHECK_INT(DIVAK_OK, divak_span_abandon(&spans[i]));
    }
    for (int i = 0; i < 2; i++) {
        uint64_t before = tracing_stats(t[i].tracer).double_finish;
        uint64_t other = tracing_stats(t[1 - i].tracer).double_finish;
        expect_all(t, &spans[i], DIVAK_ERROR_STALE, DIVAK_ERROR_STALE);
        CHECK_INT(sizeof calls / sizeof *calls + 2, tracing_stats(t[i].tracer).double_finish - before);
        CHECK_INT(other, tracing_stats(t[1 - i].tracer).double_finish);
    }
    end(t);
}

TEST(a_span_of_a_tracer_whose_place_another_one_took_is_refused) {
    tracing t[3];
    begin(t);
    begin_one(&t[2]);
    divak_span sampled = tracing_span(t[2].tracer, "op", &divak_no_parent);
    CHECK_INT(DIVAK_OK, divak_span_abandon(&sampled));
    tracing_end(&t[2]);
    expect_all(t, &sampled, DIVAK_ERROR_STALE, DIVAK_ERROR_STALE);
    begin_one(&t[2]);
    CHECK_INT(sampled.tracer, t[2].tracer->index);
    expect_all(t, &sampled, DIVAK_ERROR_STALE, DIVAK_ERROR_STALE);
    tracing_end(&t[2]);
    end(t);
}

TEST(a_child_belongs_to_the_tracer_that_it_was_started_on_also_unsampled) {
    tracing t[2];
    begin(t);
    const divak_span by_hand = {.trace_id_low = 7, .span_id = 8, .flags = DIVAK_SPAN_REMOTE | DIVAK_SPAN_DECIDED};
    divak_span elsewhere, child;
    CHECK_INT(DIVAK_OK, divak_span_start(t[0].tracer, "op", 2, DIVAK_KIND_LOCAL, &by_hand, &elsewhere));
    CHECK_INT(t[0].tracer->index, elsewhere.tracer);
    CHECK_INT(DIVAK_OK, divak_span_start(t[1].tracer, "op", 2, DIVAK_KIND_LOCAL, &elsewhere, &child));
    CHECK_INT(t[1].tracer->index, child.tracer);
    CHECK_INT(DIVAK_OK, divak_span_set_baggage(&child, "k", 1, "v", 1));
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t[1].tracer, &child, &block));
    CHECK_INT(2, block.count);
    CHECK_TEXT("k=v", block.headers[1].value, block.headers[1].value_length);
    CHECK_INT(DIVAK_OK, divak_span_finish(&child));
    end(t);
}

CHECK_MAIN()
