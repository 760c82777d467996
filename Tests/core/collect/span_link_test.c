/* SPDX-License-Identifier: Apache-2.0 */
/* span_link_test.c - a span with several parents: the first is sent as such, the others are tags. */
#include "tracing.h"

TEST(of_several_parents_the_first_is_sent_and_the_others_are_tags) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span parents[3];
    for (int i = 0; i < 3; i++) parents[i] = tracing_span(t.tracer, "part", &divak_no_parent);
    divak_span merge = tracing_span(t.tracer, "merge", &parents[0]);
    CHECK_INT(DIVAK_OK, divak_span_link(&merge, &parents[1]));
    CHECK_INT(DIVAK_OK, divak_span_link(&merge, &parents[2]));
    CHECK_INT(DIVAK_OK, divak_span_link(&merge, &parents[2])); /* said twice, told once */
    for (int i = 0; i < 3; i++) CHECK_INT(DIVAK_OK, divak_span_abandon(&parents[i]));
    CHECK_INT(DIVAK_OK, divak_span_finish(&merge));
    tracing_expect(&t, "[{'traceId':'" ID(1) "','parentId':'" ID(2) "','id':'" ID(7) "','name':'merge',"
                       "'timestamp':1000000,'duration':1," LOCAL ",'tags':{'link." ID(4) "':'" ID(3) "-" ID(4) "',"
                       "'link." ID(6) "':'" ID(5) "-" ID(6) "'}}]");
    tracing_end(&t);
}

TEST(a_link_names_ended_unsampled_and_remote_spans_with_the_whole_of_their_trace_id) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL), incoming;
    divak_header header = {"b3", 2, "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0", 51};
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &incoming));
    CHECK_INT(DIVAK_OK, divak_span_link(&span, &incoming));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL ",'tags':{"
                       "'link.e457b5a2e4d86bd1':'80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1'}}]");
    tracing_end(&t);
}

TEST(a_link_is_whole_where_tags_are_cut_and_left_out_where_no_more_are_kept) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "key_bytes", "20"));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "value_bytes", "48"));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "tags_max", "1"));
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    const divak_span other = {.trace_id_high = UINT64_MAX, .trace_id_low = 1, .span_id = UINT64_MAX};
    CHECK_INT(DIVAK_OK, divak_span_link(&span, &other));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_link(&span, &other));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL ",'tags':{"
                       "'link.ffffffffffffffff':'ffffffffffffffff" ID(1) "-ffffffffffffffff'}}]");
    CHECK_INT(1, tracing_stats(t.tracer).truncated);
    tracing_end(&t);
}

TEST(a_link_to_no_span_and_one_of_no_span_are_refused) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    const divak_span nothing = {.slot = 0}, half = {.span_id = 1}, other_half = {.trace_id_low = 1};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_link(&span, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_link(&span, &nothing));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_link(&span, &half));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_link(&span, &other_half));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_link(NULL, &span));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_link(&nothing, &span));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_link(&span, &span));
    tracing_expect(&t, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&t);
}

CHECK_MAIN()
