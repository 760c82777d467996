/* SPDX-License-Identifier: Apache-2.0 */
/* span_state_test.c - what a span tells of itself without being touched: open, untouched. */
#include "tracing.h"

TEST(a_span_is_open_until_it_ends_in_whatever_way_and_asking_counts_nothing) {
    int (*const ends[])(const divak_span *) = {divak_span_finish, divak_span_flush, divak_span_abandon};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        tracing t;
        tracing_begin(&t);
        tracing_start(&t);
        divak_span span = tracing_span(t.tracer, "op", NULL);
        CHECK(divak_span_is_open(&span));
        CHECK_INT(DIVAK_OK, ends[i](&span));
        CHECK(!divak_span_is_open(&span));
        CHECK(!divak_span_is_untouched(&span));
        divak_span next = tracing_span(t.tracer, "next", NULL);
        CHECK(!divak_span_is_open(&span)); /* its slot is another's now */
        divak_span_finish(&next);
        CHECK_INT(0, tracing_stats(t.tracer).double_finish);
        tracing_end(&t);
    }
}

TEST(a_span_is_untouched_until_something_is_said_about_it) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span named = tracing_span(t.tracer, "a name", NULL), nameless = tracing_span(t.tracer, "", NULL);
    divak_span by_key;
    divak_span_start_by_key(t.tracer, divak_key_register("name", 4), DIVAK_KIND_CLIENT, NULL, &by_key);
    divak_span *spans[] = {&named, &nameless, &by_key};
    for (size_t i = 0; i < 3; i++) {
        CHECK(divak_span_is_untouched(spans[i]));
        CHECK_INT(DIVAK_OK, i == 0   ? tracing_tag(spans[i], "k", "v")
                            : i == 1 ? divak_span_annotate(spans[i], "event", 5)
                                     : divak_span_error(spans[i], "", 0));
        CHECK(!divak_span_is_untouched(spans[i]));
        CHECK(divak_span_is_open(spans[i]));
        divak_span_finish(spans[i]);
    }
    tracing_end(&t);
}

TEST(what_is_not_recorded_is_neither_open_nor_untouched) {
    divak_span none = {0};
    CHECK(!divak_span_is_open(NULL));
    CHECK(!divak_span_is_untouched(NULL));
    CHECK(!divak_span_is_open(&none));
    CHECK(!divak_span_is_untouched(&none));
    none.flags = DIVAK_SPAN_RECORDING;
    none.slot = 7;
    CHECK(!divak_span_is_open(&none));
    CHECK(!divak_span_is_untouched(&none));
}

CHECK_MAIN()
