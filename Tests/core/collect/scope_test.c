/* SPDX-License-Identifier: Apache-2.0 */
/* scope_test.c - the current span of a thread: nesting, clearing, misuse, and the provider behind. */
#include <stdlib.h>

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
    uint64_t mark;
    int status, asked;
} provided;

static int provide(void *context, const uint64_t *scope_mark, divak_span *out_span) {
    provided *p = context;
    p->asked++;
    /* A provider that asks for the current span itself does not go round in circles. */
    divak_span current;
    divak_current(&current);
    CHECK(current.span_id != p->span.span_id);
    if (scope_mark != NULL && (p->mark == 0 || p->mark == *scope_mark)) return DIVAK_ABSENT;
    *out_span = p->span;
    return p->status;
}

static uint64_t give_mark(void *context) {
    return ((provided *)context)->mark;
}

TEST(a_provider_is_asked_where_no_scope_is_open) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    provided p = {.span = {.trace_id_low = 7, .span_id = 8}};
    divak_current_provider provider = {.current = provide, .context = &p};
    divak_set_current_provider(&provider);
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
    p.span.flags = DIVAK_SPAN_NEW_ROOT; /* "none" as an answer */
    CHECK(current_is(NULL));
    p.status = DIVAK_ABSENT;
    CHECK(current_is(NULL));
    for (int i = 0; i < 20; i++) CHECK_INT(DIVAK_OK, divak_set_current_provider(&provider)); /* more often than places */
    CHECK(current_is(NULL));
    CHECK_INT(asked + 3, p.asked);
    divak_set_current_provider(NULL);
    CHECK(current_is(NULL));
    CHECK_INT(asked + 3, p.asked);
    tracing_end(&t);
}

TEST(what_a_provider_made_current_inside_of_a_scope_hides_the_scope_until_it_is_gone) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    provided p = {.span = {.trace_id_low = 7, .span_id = 8}, .mark = 100};
    divak_set_current_provider(&(divak_current_provider){.current = provide, .mark = give_mark, .context = &p});
    divak_span outer = tracing_span(t.tracer, "outer", &divak_no_parent), inner = tracing_span(t.tracer, "inner", NULL);
    divak_scope first, second;
    divak_scope_open(&outer, &first);
    divak_span innermost;
    uint64_t mark;
    CHECK(divak_scope_innermost(&innermost, &mark));
    CHECK_INT(outer.span_id, innermost.span_id);
    CHECK_INT(100, mark);
    CHECK(current_is(&outer)); /* what was around when it was opened is further out */
    p.mark = 101;
    CHECK(current_is(&p.span));
    divak_scope_open(&inner, &second);
    CHECK(divak_scope_innermost(&innermost, &mark));
    CHECK_INT(inner.span_id, innermost.span_id);
    CHECK_INT(101, mark);
    CHECK(current_is(&inner));
    p.mark = 0; /* nothing of the provider's */
    CHECK(current_is(&inner));
    p.mark = 101;
    CHECK_INT(DIVAK_OK, divak_scope_close(&second));
    CHECK(current_is(&p.span));
    p.mark = 100;
    CHECK(current_is(&outer));
    CHECK_INT(DIVAK_OK, divak_scope_close(&first));
    CHECK(!divak_scope_innermost(&innermost, &mark));
    CHECK(current_is(&p.span));
    divak_set_current_provider(NULL);
    divak_span_finish(&inner);
    divak_span_finish(&outer);
    tracing_end(&t);
}

enum { MARKS = 3000, MARKING_THREADS = 4 };

static void *make_marks(void *context) {
    uint64_t *marks = context;
    for (int i = 0; i < MARKS; i++) marks[i] = divak_current_make_mark();
    return NULL;
}

static int compare_marks(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

TEST(no_two_marks_are_the_same_and_none_is_0) {
    static uint64_t marks[MARKING_THREADS * MARKS];
    pthread_t threads[MARKING_THREADS];
    for (int i = 0; i < MARKING_THREADS; i++) {
        CHECK_INT(0, pthread_create(&threads[i], NULL, make_marks, marks + i * MARKS));
    }
    for (int i = 0; i < MARKING_THREADS; i++) pthread_join(threads[i], NULL);
    qsort(marks, MARKING_THREADS * MARKS, sizeof *marks, compare_marks);
    CHECK(marks[0] != 0);
    for (int i = 1; i < MARKING_THREADS * MARKS; i++) CHECK(marks[i] != marks[i - 1]);
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

/* The last test, since places are never given back. */
TEST(of_different_providers_a_process_takes_eight_and_keeps_the_last_of_them) {
    static provided many[16];
    int taken = 0;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_set_current_provider(&(divak_current_provider){.context = many}));
    for (int i = 0; i < 16; i++) {
        many[i].span = (divak_span){.trace_id_low = 7, .span_id = 100 + (uint64_t)i};
        int status = divak_set_current_provider(&(divak_current_provider){.current = provide, .context = &many[i]});
        CHECK(status == DIVAK_OK || status == DIVAK_ERROR_FULL);
        CHECK(status == DIVAK_ERROR_FULL || taken == i); /* none once there was no place */
        taken += status == DIVAK_OK;
    }
    CHECK(taken > 0 && taken <= 8);
    CHECK(current_is(&many[taken - 1].span));
    CHECK_INT(DIVAK_OK, divak_set_current_provider(&(divak_current_provider){.current = provide, .context = many}));
    CHECK(current_is(&many[0].span)); /* one that was there before needs no place */
    CHECK_INT(DIVAK_OK, divak_set_current_provider(NULL));
    CHECK(current_is(NULL));
}

CHECK_MAIN()
