/* SPDX-License-Identifier: Apache-2.0 */
/* span_end_test.c - how spans end: once, with which duration, deferred, flushed, abandoned, or too late. */
#include "tracing.h"

TEST(a_second_finish_reports_nothing_and_is_counted) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish_at(&span, 5));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_flush(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_abandon(&span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL "}]");
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(4, stats.double_finish);
    CHECK_INT(1, stats.delivered);
    tracing_end(&t);
}

TEST(use_after_finish_is_harmless_and_counted) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    divak_span_finish(&span);
    /* The slot goes to the next span at once: nothing of the old one may reach it. */
    t.last_id = 0;
    divak_span next = tracing_span(t.tracer, "next", &divak_no_parent);
    divak_endpoint endpoint = {.service = "s", .service_length = 1};
    CHECK_INT(DIVAK_ERROR_STALE, tracing_tag(&span, "late", "tag"));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_tag_int(&span, "late", 4, 1));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_annotate(&span, "late", 4));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_rename(&span, "late", 4));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_set_kind(&span, DIVAK_KIND_CLIENT));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_set_start(&span, 1));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_set_shared(&span, true));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_error(&span, "late", 4));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_set_remote(&span, &endpoint));
    CHECK_INT(9, tracing_stats(t.tracer).double_finish);
    char *json = tracing_take(&t);
    CHECK(strstr(json, "late") == NULL);
    divak_free(json);
    divak_span_finish(&next);
    tracing_expect(&t, "[" ROOT_1 "'name':'next','timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&t);
}

TEST(a_flushed_span_has_no_duration_and_its_later_finish_is_ignored) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    tracing_tag(&span, "k", "v");
    CHECK_INT(DIVAK_OK, divak_span_flush(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000," LOCAL ",'tags':{'k':'v'}}]");
    tracing_end(&t);
}

TEST(an_abandoned_span_is_not_reported_but_accounted_for) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(1, tracing_stats(t.tracer).live);
    CHECK_INT(DIVAK_OK, divak_span_abandon(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&span));
    tracing_expect(&t, "[]");
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(1, stats.dropped[DIVAK_DROPPED_ABANDONED]);
    CHECK_INT(0, stats.live);
    tracing_end(&t);
}

TEST(a_deferred_span_is_sent_by_flush_alone_with_the_duration_of_its_finish) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span;
    divak_start_options options = {.name = "op", .name_length = 2, .defer_report = true};
    CHECK_INT(DIVAK_OK, divak_span_start_with(t.tracer, &options, &span));
    t.clock += 40;
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    t.clock += 1000;
    tracing_expect(&t, "[]");
    CHECK_INT(1, tracing_stats(t.tracer).live);
    CHECK_INT(DIVAK_ERROR_ENDED, divak_span_finish(&span));
    CHECK_INT(DIVAK_OK, tracing_tag(&span, "after", "finish"));
    CHECK_INT(DIVAK_OK, divak_span_flush(&span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':40," LOCAL
                       ",'tags':{'after':'finish'}}]");
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_flush(&span));
    tracing_end(&t);
}

TEST(a_deferred_span_keeps_a_given_end_or_duration) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_start_options options = {.name = "op", .name_length = 2, .defer_report = true};
    divak_span span;
    divak_span_start_with(t.tracer, &options, &span);
    CHECK_INT(DIVAK_OK, divak_span_finish_at(&span, 1000033));
    divak_span_flush(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':33," LOCAL "}]");
    t.last_id = 0;
    divak_span_start_with(t.tracer, &options, &span);
    CHECK_INT(DIVAK_OK, divak_span_finish_with_duration(&span, 44));
    divak_span_flush(&span);
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':44," LOCAL "}]");
    t.last_id = 0;
    divak_span_start_with(t.tracer, &options, &span);
    divak_span_flush(&span); /* never finished */
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000," LOCAL "}]");
    divak_span_start_with(t.tracer, &options, &span);
    divak_span_finish(&span);
    CHECK_INT(DIVAK_OK, divak_span_abandon(&span));
    tracing_expect(&t, "[]");
    tracing_end(&t);
}

TEST(a_duration_is_at_least_one_microsecond_and_a_negative_one_is_counted) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    /* zero; sub-microsecond can't be told from it by this clock */
    divak_span span = tracing_span(t.tracer, "a", NULL);
    divak_span_finish(&span);
    span = tracing_span(t.tracer, "b", NULL);
    divak_span_finish_with_duration(&span, 0);
    span = tracing_span(t.tracer, "c", NULL);
    divak_span_finish_at(&span, 1000000);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(0, tracing_stats(t.tracer).negative_duration);
    /* the clock goes back, or the caller's end lies before the start */
    span = tracing_span(t.tracer, "d", NULL);
    t.clock -= 500;
    divak_span_finish(&span);
    t.clock += 500;
    span = tracing_span(t.tracer, "e", NULL);
    divak_span_finish_at(&span, 1);
    span = tracing_span(t.tracer, "f", NULL);
    divak_span_set_start(&span, 2000000);
    divak_span_finish(&span);
    char *json = tracing_take(&t);
    CHECK_INT(6, tracing_count(json, "\"duration\":1,"));
    CHECK_INT(6, tracing_count(json, "\"duration\":"));
    divak_free(json);
    CHECK_INT(3, tracing_stats(t.tracer).negative_duration);
    tracing_end(&t);
}

TEST(a_span_that_ends_after_shutdown_is_counted_and_the_call_returns) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span open = tracing_span(t.tracer, "open", NULL);
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 20000, NULL));
    CHECK_INT(1, tracing_stats(t.tracer).live);
    CHECK_INT(DIVAK_ERROR_ENDED, divak_span_finish(&open));
    divak_span late;
    CHECK_INT(DIVAK_ERROR_ENDED,
              divak_span_start(t.tracer, "late", 4, DIVAK_KIND_LOCAL, NULL, &late));
    CHECK(late.span_id != 0 && !divak_span_is_recording(&late));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish(&late));
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(2, stats.dropped[DIVAK_DROPPED_AFTER_SHUTDOWN]);
    CHECK_INT(0, stats.live);
    tracing_check_identity(t.tracer);
    divak_memory_reporter_destroy(t.memory);
}

TEST(a_new_tracer_in_a_closed_ones_place_owes_nothing_for_spans_left_open) {
    tracing first, second;
    tracing_begin(&first);
    tracing_start(&first);
    divak_span left_open = tracing_span(first.tracer, "left open", NULL);
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(first.tracer, 20000, NULL));
    tracing_begin(&second);
    tracing_start(&second);
    CHECK_INT(0, tracing_stats(second.tracer).live);
    tracing_check_identity(second.tracer);
    /* The old handle is nobody's in the new tracer. */
    CHECK_INT(DIVAK_ERROR_STALE, tracing_tag(&left_open, "k", "v"));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_finish(&left_open));
    tracing_expect(&second, "[]");
    tracing_end(&second);
    divak_memory_reporter_destroy(first.memory);
}

CHECK_MAIN()
