/* SPDX-License-Identifier: Apache-2.0 */
/* scope_test.c - the current span of a thread: nesting, clearing, misuse, and the provider behind. */
#include "tracing.h"

static bool current_is(const divak_span *span) {
    divak_span current;
    int status = divak_current(&current);
    if (span == NULL) return status == DIVAK_ABSENT && current.span_id == 0;
    return status == DIVAK_OK && memcmp(&current, span, sizeof current) == 0;
}

TEST(nested_scopes_restore_what_was_current_before) {
    divak_span a = {.trace_id_low = 1, .span_id = 2}, b = {.trace_id_low = 1, .span_id = 3};
    divak_scope outer, inner;
    CHECK(current_is(NULL));
    CHECK_INT(DIVAK_OK, divak_scope_open(&a, &outer));
    CHECK(current_is(&a));
    CHECK_INT(DIVAK_OK, divak_scope_open(&b, &inner));
    CHECK(current_is(&b));
    CHECK_INT(DIVAK_OK, divak_scope_close(&inner));
    CHECK(current_is(&a));
    CHECK_INT(DIVAK_OK, divak_scope_close(&outer));
    CHECK(current_is(NULL));
}

TEST(null_and_no_parent_clear_until_they_are_closed) {
    divak_span a = {.trace_id_low = 1, .span_id = 2};
    const divak_span *clears[] = {NULL, &divak_no_parent};
    for (int i = 0; i < 2; i++) {
        divak_scope outer, inner;
        divak_scope_open(&a, &outer);
        CHECK_INT(DIVAK_OK, divak_scope_open(clears[i], &inner));
        CHECK(current_is(NULL));
        CHECK_INT(DIVAK_OK, divak_scope_close(&inner));
        CHECK(current_is(&a));
        divak_scope_close(&outer);
    }
}

static void *close_elsewhere(void *context) {
    CHECK(current_is(NULL)); /* a new thread has none */
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(context));
    return NULL;
}

TEST(a_scope_closed_out_of_order_twice_or_elsewhere_is_refused_and_counted) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span a = {.trace_id_low = 1, .span_id = 2}, b = {.trace_id_low = 1, .span_id = 3};
    divak_scope outer, inner;
    divak_scope_open(&a, &outer);
    divak_scope_open(&b, &inner);
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&outer));
    CHECK(current_is(&b));
    pthread_t thread;
    pthread_create(&thread, NULL, close_elsewhere, &inner);
    pthread_join(thread, NULL);
    CHECK(current_is(&b));
    CHECK_INT(DIVAK_OK, divak_scope_close(&inner));
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&inner));
    CHECK_INT(DIVAK_OK, divak_scope_close(&outer));
    divak_scope zeroed = {.is_open = 0};
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&zeroed));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_scope_close(NULL));
    CHECK_INT(4, tracing_stats(t.tracer).scope_misuse);
    CHECK(current_is(NULL));
    tracing_end(&t);
}

typedef struct provided {
    divak_span span;
    int status, asked;
} provided;

static int provide(void *context, divak_span *out_span) {
    provided *p = context;
    p->asked++;
    /* A provider that asks for the current span itself does not go round in circles. */
    divak_span current;
    CHECK_INT(DIVAK_ABSENT, divak_current(&current));
    *out_span = p->span;
    return p->status;
}

TEST(a_provider_is_asked_where_no_scope_is_open) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    provided p = {.span = {.trace_id_low = 7, .span_id = 8}};
    divak_set_current_provider(provide, &p);
    CHECK(current_is(&p.span));
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK_INT(7, span.trace_id_low);
    CHECK_INT(8, span.parent_id);
    divak_span_abandon(&span);
    int asked = p.asked;
    divak_scope scope;
    divak_scope_open(&divak_no_parent, &scope); /* an open scope hides it, also an empty one */
    CHECK(current_is(NULL));
    divak_scope_close(&scope);
    CHECK_INT(asked, p.asked);
    p.status = DIVAK_ABSENT;
    CHECK(current_is(NULL));
    for (int i = 0; i < 20; i++) divak_set_current_provider(provide, &p); /* more often than places */
    CHECK(current_is(NULL));
    CHECK_INT(asked + 2, p.asked);
    divak_set_current_provider(NULL, NULL);
    CHECK(current_is(NULL));
    CHECK_INT(asked + 2, p.asked);
    tracing_end(&t);
}

TEST(a_span_in_scope_after_its_end_still_parents) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span a = tracing_span(t.tracer, "a", NULL);
    divak_scope scope;
    divak_scope_open(&a, &scope);
    divak_span_finish(&a);
    divak_span b = tracing_span(t.tracer, "b", NULL);
    CHECK(b.parent_id == a.span_id && b.trace_id_low == a.trace_id_low);
    divak_span_finish(&b);
    divak_scope_close(&scope);
    tracing_end(&t);
}

CHECK_MAIN()
