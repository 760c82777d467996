/* SPDX-License-Identifier: Apache-2.0 */
/* handler_test.c - code of the user's that sees every span begin and end, in order, and may change or drop it. */
#include "tracing.h"

static const char head[] = ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL;

static bool redact(void *context, divak_ended_span *span) {
    (void)context;
    if (divak_ended_span_has_tag(span, "password", 8)) {
        CHECK_INT(DIVAK_OK, divak_ended_span_remove_tag(span, "password", 8));
    }
    return true;
}

static bool drop_health(void *context, divak_ended_span *span) {
    (void)context;
    size_t length;
    const char *name = divak_ended_span_name(span, &length);
    return !(length == 6 && memcmp(name, "health", 6) == 0);
}

TEST(a_handler_redacts_a_tag) {
    tracing t;
    tracing_begin(&t);
    divak_config_add_handler(t.config, &(divak_handler){.end = redact});
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    tracing_tag(&span, "password", "secret");
    tracing_tag(&span, "user", "me");
    tracing_tag(&span, "password", "more");
    divak_span_finish(&span);
    char expected[512];
    snprintf(expected, sizeof expected, "[%s,'tags':{'user':'me'}}]", head);
    tracing_expect(&t, expected);
    tracing_end(&t);
}

static bool count_span(void *context, divak_ended_span *span) {
    (void)span;
    ++*(int *)context;
    return true;
}

TEST(a_handler_drops_by_name_for_those_after_it_and_all_reporters) {
    tracing t;
    tracing_begin(&t);
    int before = 0, after = 0;
    divak_config_add_handler(t.config, &(divak_handler){.end = count_span, .context = &before});
    divak_config_add_handler(t.config, &(divak_handler){.end = drop_health});
    divak_config_add_handler(t.config, &(divak_handler){.end = count_span, .context = &after});
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "health", NULL);
    divak_span_finish(&span);
    span = tracing_span(t.tracer, "work", NULL);
    divak_span_finish(&span);
    char *json = tracing_take(&t); /* a drop that was wanted is no loss */
    CHECK_INT(1, sizeof "work" == 5 && strstr(json, "work") != NULL && strstr(json, "health") == NULL);
    divak_free(json);
    CHECK_INT(2, before);
    CHECK_INT(1, after);
    CHECK_INT(1, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_FILTERED]);
    tracing_end(&t);
}

typedef struct children {
    int begun, roots, ended;
    uint64_t parent, local_root;
} children;

static void child_begins(void *context, const divak_span *span, const divak_span *parent) {
    children *c = context;
    c->begun++;
    if (parent == NULL) {
        c->roots++;
    } else {
        CHECK(parent->span_id == span->parent_id);
        c->parent = parent->span_id;
    }
    CHECK_INT(DIVAK_OK, divak_span_tag(span, "begun", 5, "yes", 3));
}

static bool child_ends(void *context, divak_ended_span *span) {
    children *c = context;
    c->ended++;
    divak_span ids;
    divak_ended_span_ids(span, &ids);
    c->local_root = ids.local_root_id;
    size_t length;
    const char *value = divak_ended_span_tag(span, "begun", 5, &length);
    CHECK_TEXT("yes", value, length);
    return true;
}

TEST(begin_handlers_count_children_and_local_roots_are_known_at_the_end) {
    tracing t;
    children c = {0};
    tracing_begin(&t);
    divak_config_add_handler(
        t.config, &(divak_handler){.begin = child_begins, .end = child_ends, .context = &c});
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", NULL);
    for (int i = 0; i < 3; i++) {
        divak_span child = tracing_span(t.tracer, "child", &root);
        divak_span grandchild = tracing_span(t.tracer, "grandchild", &child);
        divak_span_finish(&grandchild);
        divak_span_finish(&child);
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK(c.local_root == root.span_id);
    divak_span_finish(&root);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(7, c.begun);
    CHECK_INT(1, c.roots);
    CHECK_INT(7, c.ended);
    tracing_end(&t);
}

static bool note_order(void *context, divak_ended_span *span) {
    size_t length;
    const char *so_far = divak_ended_span_tag(span, "order", 5, &length);
    char text[16] = "";
    if (so_far != NULL) memcpy(text, so_far, length);
    strcat(text, context);
    return divak_ended_span_set_tag(span, "order", 5, text, strlen(text)) == DIVAK_OK;
}

static bool rename_it(void *context, divak_ended_span *span) {
    (void)context;
    uint64_t timestamp;
    const char *text;
    size_t length;
    CHECK_INT(DIVAK_KIND_CLIENT, divak_ended_span_kind(span));
    CHECK_INT(1000000, divak_ended_span_start(span));
    CHECK_INT(3, divak_ended_span_duration(span));
    CHECK_INT(DIVAK_CAUSE_FINISHED, divak_ended_span_cause(span));
    CHECK(divak_ended_span_annotation_at(span, 0, &timestamp, &text, &length));
    CHECK_INT(55, timestamp);
    CHECK_TEXT("gone", text, length);
    CHECK(!divak_ended_span_annotation_at(span, 1, &timestamp, &text, &length));
    CHECK_INT(DIVAK_OK, divak_ended_span_remove_annotation(span, 0));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_remove_annotation(span, 0));
    return divak_ended_span_set_name(span, "renamed", 7) == DIVAK_OK;
}

TEST(handlers_run_in_order_and_each_sees_what_the_one_before_has_changed) {
    tracing t;
    tracing_begin(&t);
    static char a[] = "a", b[] = "b";
    divak_config_add_handler(t.config, &(divak_handler){.end = note_order, .context = a});
    divak_config_add_handler(t.config, &(divak_handler){.end = note_order, .context = b});
    divak_config_add_handler(t.config, &(divak_handler){.end = rename_it});
    tracing_start(&t);
    divak_span span;
    divak_span_start(t.tracer, "op", 2, DIVAK_KIND_CLIENT, NULL, &span);
    divak_span_annotate_at(&span, 55, "gone", 4);
    t.clock += 3;
    divak_span_finish(&span);
    tracing_expect(&t, "[" ROOT_1 "'kind':'CLIENT','name':'renamed','timestamp':1000000,"
                       "'duration':3," LOCAL ",'tags':{'order':'ab'}}]");
    tracing_end(&t);
}

static bool see_cause(void *context, divak_ended_span *span) {
    *(uint32_t *)context = divak_ended_span_cause(span);
    return true;
}

TEST(the_cause_tells_a_flushed_span_from_a_finished_one) {
    tracing t;
    uint32_t cause = 99;
    tracing_begin(&t);
    divak_config_add_handler(t.config, &(divak_handler){.end = see_cause, .context = &cause});
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    divak_span_flush(&span);
    divak_free(tracing_take(&t));
    CHECK_INT(DIVAK_CAUSE_FLUSHED, cause);
    span = tracing_span(t.tracer, "op", NULL);
    divak_span_finish(&span);
    divak_free(tracing_take(&t));
    CHECK_INT(DIVAK_CAUSE_FINISHED, cause);
    tracing_end(&t);
}

TEST(a_firehose_sees_all_while_zipkin_gets_the_sampled_share) {
    tracing t;
    int all = 0, sampled = 0;
    tracing_begin_plain(&t);
    divak_config_add_memory_reporter(t.config, &t.memory);
    divak_config_set(t.config, "sample_rate", "0.01");
    divak_config_add_handler(
        t.config, &(divak_handler){.end = count_span, .context = &all, .wants_unsampled = true});
    divak_config_add_handler(t.config, &(divak_handler){.end = count_span, .context = &sampled});
    tracing_start(&t);
    enum { SPANS = 10000 };
    for (int i = 0; i < SPANS; i++) {
        divak_span root = tracing_span(t.tracer, "op", &divak_no_parent);
        divak_span child = tracing_span(t.tracer, "kid", &root);
        CHECK(child.span_id != root.span_id && child.parent_id == root.span_id);
        divak_span_finish(&child);
        divak_span_finish(&root);
        if (i % 256 == 0) CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(2 * SPANS, all);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(2 * SPANS, stats.started);
    CHECK_INT(sampled, stats.delivered);
    CHECK_INT(2 * SPANS - sampled, stats.dropped[DIVAK_DROPPED_FILTERED]);
    CHECK(sampled > 0 && sampled < SPANS / 10);
    tracing_end(&t);
}

static bool trace_itself(void *context, divak_ended_span *span) {
    tracing *t = context;
    size_t length;
    const char *name = divak_ended_span_name(span, &length);
    if (length == 5 && memcmp(name, "inner", 5) == 0) return true;
    divak_span inner = tracing_span(t->tracer, "inner", &divak_no_parent);
    divak_span_finish(&inner);
    return true;
}

TEST(a_handler_may_trace_itself_and_others_see_no_harm) {
    tracing t;
    int seen = 0;
    tracing_begin(&t);
    divak_config_add_handler(t.config, &(divak_handler){.end = trace_itself, .context = &t});
    divak_config_add_handler(t.config, &(divak_handler){.end = count_span, .context = &seen});
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    divak_span_finish(&span);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(2, seen);
    CHECK_INT(2, divak_memory_reporter_count(t.memory));
    tracing_end(&t);
}

CHECK_MAIN()
