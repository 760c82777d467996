/* SPDX-License-Identifier: Apache-2.0 */
/* late_decision_test.c - the decision about a span changes before its end; samplers see registered names. */
#include "tracing.h"

static void begin_late(tracing *t, const char *rate) {
    tracing_begin(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "late_decision", "true"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "sample_rate", rate));
    tracing_start(t);
}

TEST(an_unsampled_span_that_is_sampled_late_is_reported_whole_and_so_are_its_later_children) {
    tracing t;
    begin_late(&t, "0");
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK(!divak_span_is_sampled(&span) && divak_span_is_recording(&span));
    tracing_tag(&span, "early", "yes");
    divak_span before = tracing_span(t.tracer, "before", &span);
    CHECK_INT(DIVAK_OK, divak_span_set_sampled(&span, true));
    divak_span after = tracing_span(t.tracer, "after", &span);
    CHECK(divak_span_is_sampled(&span) && divak_span_is_sampled(&after) && !divak_span_is_sampled(&before));
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &span, &block));
    CHECK(strcmp(block.headers[2].name, "X-B3-Sampled") == 0 && strcmp(block.headers[2].value, "1") == 0);
    divak_span_finish(&before);
    divak_span_finish(&after);
    divak_span_finish(&span);
    tracing_expect(&t, "[{'traceId':'" ID(1) "','parentId':'" ID(2) "','id':'" ID(4)
                       "','name':'after','timestamp':1000000,'duration':1," LOCAL "},"
                       ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL ",'tags':{'early':'yes'}}]");
    CHECK_INT(1, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_FILTERED]);
    tracing_end(&t);
}

TEST(a_sampled_span_that_is_unsampled_late_is_filtered_and_says_so_to_others) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_set_sampled(&span, false));
    divak_span child = tracing_span(t.tracer, "child", &span);
    CHECK(!divak_span_is_sampled(&child) && child.slot == 0 && (child.flags & DIVAK_SPAN_DECIDED) != 0);
    divak_span_finish(&span);
    tracing_expect(&t, "[]");
    CHECK_INT(1, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_FILTERED]);
    tracing_end(&t);
}

TEST(a_late_decision_is_refused_where_it_can_not_hold) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "sample_rate", "0"));
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    const uint32_t flags = span.flags;
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_sampled(&span, true));
    CHECK_INT(flags, span.flags);
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_set_sampled(NULL, true));
    divak_start_options options = {.name = "debug", .name_length = 5, .parent = &divak_no_parent, .debug = true};
    CHECK_INT(DIVAK_OK, divak_span_start_with(t.tracer, &options, &span));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_sampled(&span, false));
    CHECK(divak_span_is_sampled(&span));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK(divak_span_set_sampled(&span, true) == DIVAK_ERROR_STALE);
    tracing_end(&t);
}

TEST(a_rule_on_a_name_also_matches_the_registered_name) {
    divak_sampler *rules;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(NULL, &rules));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(rules, &(divak_rule){.name = "late.kept"}, divak_sampler_always()));
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(t.config, rules));
    tracing_start(&t);
    divak_span span;
    divak_key kept = divak_key_register("late.kept", 9), other = divak_key_register("late.other", 10);
    CHECK_INT(DIVAK_OK, divak_span_start_by_key(t.tracer, kept, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
    CHECK(divak_span_is_sampled(&span));
    divak_span_finish(&span);
    CHECK_INT(DIVAK_OK, divak_span_start_by_key(t.tracer, other, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
    CHECK(!divak_span_is_sampled(&span));
    tracing_end(&t);
    divak_sampler_destroy(rules);
}

CHECK_MAIN()
