/* SPDX-License-Identifier: Apache-2.0 */
/* process_parent_test.c - a span without parent is a child of what the environment names. */
#include <stdlib.h>

#include "../tracing.h"
#include "collect/engine.h"

#define TRACE "80f198ee56343ba864fe8b2a57d3eff7"
#define SPAN "e457b5a2e4d86bd1"
#define OTHER "05e3ac9a4f6e3b90"
#define NO_PARENT "none"

/* A tracer that has seen these variables: names and values after one another, up to a NULL. */
static divak_tracer *traced(const char *const *variables, const char *process_parent) {
    static const char *const names[] = {"TRACEPARENT", "TRACESTATE", "BAGGAGE", "B3"};
    for (size_t i = 0; i < 4; i++) unsetenv(names[i]);
    for (; *variables != NULL; variables += 2) setenv(variables[0], variables[1], 1);
    divak_config *config = divak_config_create();
    for (size_t i = 0; i < 4; i++) unsetenv(names[i]);
    CHECK_INT(DIVAK_OK, divak_config_set(config, "buffer_bytes", "8MiB"));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "propagation", "b3,tracecontext,baggage"));
    if (process_parent != NULL) {
        CHECK_INT(DIVAK_OK, divak_config_set(config, "process_parent", process_parent));
    }
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
    divak_tracer *tracer = NULL;
    CHECK_INT(DIVAK_OK, divak_tracer_create(config, &tracer));
    divak_config_destroy(config);
    return tracer;
}

#define TRACED(...) traced((const char *const[]){__VA_ARGS__, NULL}, NULL)

static void end(divak_tracer *tracer) {
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 10000, NULL));
    tracing_check_identity(tracer);
}

static divak_span start(divak_tracer *tracer, divak_kind kind, const divak_span *parent) {
    divak_span span;
    CHECK_INT(DIVAK_OK, divak_span_start(tracer, "x", 1, kind, parent, &span));
    return span;
}

/* Whether a span of this kind is under the span `expected`, or begins a trace of its own. */
static void check_parent(divak_tracer *tracer, divak_kind kind, const char *expected) {
    divak_span span = start(tracer, kind, NULL);
    char id[17] = NO_PARENT;
    if (span.parent_id != 0) snprintf(id, sizeof id, "%016llx", (unsigned long long)span.parent_id);
    CHECK_TEXT(expected, id, strlen(id));
    divak_span_finish(&span);
}

TEST(only_kinds_that_this_process_begins_by_itself_have_the_environments_parent) {
    divak_tracer *tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01");
    check_parent(tracer, DIVAK_KIND_LOCAL, SPAN);
    check_parent(tracer, DIVAK_KIND_CLIENT, SPAN);
    check_parent(tracer, DIVAK_KIND_PRODUCER, SPAN);
    check_parent(tracer, DIVAK_KIND_SERVER, NO_PARENT);
    check_parent(tracer, DIVAK_KIND_CONSUMER, NO_PARENT);
    check_parent(tracer, DIVAK_KIND_PERIODIC, NO_PARENT);
    end(tracer);
}

TEST(a_current_span_and_the_wish_for_a_new_trace_come_first) {
    divak_tracer *tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01");
    divak_span outer = start(tracer, DIVAK_KIND_LOCAL, NULL), inner;
    CHECK_INT(0x80f198ee56343ba8, outer.trace_id_high);
    CHECK_INT(0x64fe8b2a57d3eff7, outer.trace_id_low);
    CHECK_INT(outer.span_id, outer.local_root_id);
    divak_scope scope;
    divak_scope_open(&outer, &scope);
    inner = start(tracer, DIVAK_KIND_LOCAL, NULL);
    CHECK_INT(outer.span_id, inner.parent_id);
    divak_scope_close(&scope);
    divak_span other = start(tracer, DIVAK_KIND_LOCAL, &divak_no_parent);
    CHECK_INT(0, other.parent_id);
    CHECK(other.trace_id_low != outer.trace_id_low);
    divak_span_finish(&inner), divak_span_finish(&outer), divak_span_finish(&other);
    end(tracer);
}

TEST(start_with_options_has_it_too) {
    divak_tracer *tracer = TRACED("B3", TRACE "-" SPAN "-1");
    divak_span span;
    const divak_start_options options = {.kind = DIVAK_KIND_LOCAL};
    CHECK_INT(DIVAK_OK, divak_span_start_with(tracer, &options, &span));
    CHECK_INT(0xe457b5a2e4d86bd1, span.parent_id);
    divak_span_finish(&span);
    end(tracer);
}

TEST(of_two_that_differ_traceparent_counts_and_b3_adds_debug_where_they_agree) {
    divak_tracer *tracer =
        TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01", "B3", TRACE "-" OTHER "-d");
    check_parent(tracer, DIVAK_KIND_LOCAL, SPAN);
    divak_span span = start(tracer, DIVAK_KIND_LOCAL, NULL);
    CHECK_INT(0, span.flags & DIVAK_SPAN_DEBUG);
    divak_span_finish(&span);
    end(tracer);

    tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01", "B3", TRACE "-" SPAN "-d");
    span = start(tracer, DIVAK_KIND_LOCAL, NULL);
    CHECK_INT(0xe457b5a2e4d86bd1, span.parent_id);
    CHECK_INT(DIVAK_SPAN_DEBUG, span.flags & DIVAK_SPAN_DEBUG);
    divak_span_finish(&span);
    end(tracer);
}

TEST(a_decision_is_taken_over_and_may_come_alone) {
    divak_tracer *tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-00");
    divak_span span = start(tracer, DIVAK_KIND_LOCAL, NULL);
    CHECK(!divak_span_is_recording(&span));
    CHECK_INT(0x64fe8b2a57d3eff7, span.trace_id_low);
    end(tracer);

    tracer = TRACED("B3", "0");
    span = start(tracer, DIVAK_KIND_LOCAL, NULL);
    CHECK(!divak_span_is_recording(&span));
    divak_span server = start(tracer, DIVAK_KIND_SERVER, NULL);
    CHECK(divak_span_is_recording(&server));
    divak_span_finish(&server);
    end(tracer);
}

TEST(baggage_and_tracestate_come_along) {
    divak_tracer *tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01", "TRACESTATE",
                                  "vendor=value", "BAGGAGE", "country-code=nl");
    divak_span span = start(tracer, DIVAK_KIND_LOCAL, NULL);
    char value[8];
    size_t length;
    CHECK_INT(DIVAK_OK, divak_span_baggage(&span, "country-code", 12, value, sizeof value, &length));
    CHECK_TEXT("nl", value, length);
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(tracer, &span, &block));
    bool has_state = false;
    for (size_t i = 0; i < block.count; i++) {
        if (strcmp(block.headers[i].name, "tracestate") != 0) continue;
        has_state = true;
        CHECK_TEXT("vendor=value", block.headers[i].value, strlen(block.headers[i].value));
    }
    CHECK(has_state);
    divak_span_finish(&span);
    end(tracer);
}

TEST(tracers_one_after_the_other_hold_the_environments_baggage_once) {
    for (int i = 0; i < 5; i++) {
        divak_tracer *tracer = TRACED("TRACEPARENT", "00-" TRACE "-" SPAN "-01", "BAGGAGE", "country-code=nl");
        divak_span span = start(tracer, DIVAK_KIND_LOCAL, NULL);
        CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_baggage(&span, "country-code", 12, NULL, 0, NULL));
        divak_span_finish(&span);
        CHECK_INT(1, divak_load_relaxed(&tracer->baggage.used));
        end(tracer);
    }
}

TEST(nonsense_is_counted_and_otherwise_as_if_it_were_not_set) {
    divak_tracer *tracer = TRACED("TRACEPARENT", "00-nonsense", "B3", "", "BAGGAGE", "country=nl");
    check_parent(tracer, DIVAK_KIND_LOCAL, NO_PARENT);
    CHECK_INT(1, tracing_stats(tracer).bad_header);
    end(tracer);
}

TEST(it_can_be_turned_off_and_stays_out_where_no_environment_is_read) {
    const char *const variables[] = {"TRACEPARENT", "00-" TRACE "-" SPAN "-01", NULL};
    divak_tracer *tracer = traced(variables, "none");
    check_parent(tracer, DIVAK_KIND_LOCAL, NO_PARENT);
    end(tracer);

    setenv("TRACEPARENT", "00-" TRACE "-" SPAN "-01", 1);
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    unsetenv("TRACEPARENT");
    check_parent(t.tracer, DIVAK_KIND_LOCAL, NO_PARENT);
    tracing_end(&t);
}

CHECK_MAIN()
