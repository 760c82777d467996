/* SPDX-License-Identifier: Apache-2.0 */
/* span_name_test.c - the name that a span started with, and who hears of scopes that were closed where they may not. */
#include "tracing.h"

static void expect_name(const divak_span *span, int expected_status, const char *expected) {
    char name[16];
    size_t length = 99;
    int status = divak_span_start_name(span, name, sizeof name, &length);
    CHECK_INT(expected_status, status);
    if (status == DIVAK_OK && expected != NULL) CHECK_TEXT(expected, name, length);
    if (status == DIVAK_ABSENT) CHECK_INT(99, length);
}

TEST(an_open_span_says_the_name_that_it_started_with_and_no_other_does) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span text = tracing_span(t.tracer, "text", NULL), nameless = tracing_span(t.tracer, "", NULL), by_key;
    divak_span_start_by_key(t.tracer, divak_key_register("by key", 6), DIVAK_KIND_LOCAL, NULL, &by_key);
    divak_span_rename(&text, "other", 5);
    tracing_tag(&nameless, "key", "value");
    expect_name(&text, DIVAK_OK, "text");
    expect_name(&by_key, DIVAK_OK, "by key");
    expect_name(&nameless, DIVAK_ABSENT, NULL);
    expect_name(NULL, DIVAK_ABSENT, NULL);
    expect_name(&(divak_span){.slot = 0}, DIVAK_ABSENT, NULL);
    divak_span_finish(&text);
    expect_name(&text, DIVAK_ABSENT, NULL);
    CHECK_INT(0, tracing_stats(t.tracer).double_finish);
    divak_span_finish(&by_key);
    divak_span_finish(&nameless);
    tracing_end(&t);
}

TEST(a_span_without_a_name_has_not_the_one_of_whoever_had_its_slot_before) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    for (int i = 0; i < 3; i++) {
        divak_span before = tracing_span(t.tracer, "before", NULL);
        divak_span_finish(&before);
        divak_span nameless = tracing_span(t.tracer, "", NULL);
        CHECK_INT(before.slot, nameless.slot);
        expect_name(&nameless, DIVAK_ABSENT, NULL);
        CHECK(divak_span_is_untouched(&nameless));
        CHECK_INT(DIVAK_OK, divak_span_rename(&nameless, "later", 5));
        expect_name(&nameless, DIVAK_ABSENT, NULL);
        CHECK_INT(DIVAK_OK, tracing_tag(&nameless, "key", "value"));
        CHECK(!divak_span_is_untouched(&nameless));
        divak_span_finish(&nameless);
    }
    tracing_end(&t);
}

TEST(a_name_without_room_is_cut_and_its_length_is_told) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "twelve chars", NULL);
    char name[13] = "............";
    size_t length;
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_start_name(&span, name, 6, &length));
    CHECK_TEXT("twelve......", name, 12);
    CHECK_INT(12, length);
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_start_name(&span, NULL, 0, &length));
    CHECK_INT(DIVAK_OK, divak_span_start_name(&span, name, 12, &length));
    CHECK_TEXT("twelve chars", name, 12);
    divak_span_finish(&span);
    tracing_end(&t);
}

typedef struct refusal {
    int count;
    uint64_t span_id;
    bool is_other_thread;
} refusal;

static void note(void *context, uint64_t span_id, bool is_other_thread) {
    refusal *r = context;
    r->count++;
    r->span_id = span_id;
    r->is_other_thread = is_other_thread;
}

static void *close_scope(void *scope) {
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(scope));
    return NULL;
}

TEST(a_refused_close_tells_whose_scope_it_was_and_why) {
    refusal r = {0};
    divak_set_scope_refused(note, &r);
    divak_span a = {.span_id = 5}, b = {.span_id = 6};
    divak_scope outer, inner, none;
    divak_scope_open(&a, &outer);
    divak_scope_open(&b, &inner);
    divak_scope_open(NULL, &none);
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&outer));
    CHECK(r.count == 1 && r.span_id == 5 && !r.is_other_thread);
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, close_scope, &inner));
    pthread_join(thread, NULL);
    CHECK(r.count == 2 && r.span_id == 6 && r.is_other_thread);
    CHECK_INT(DIVAK_OK, divak_scope_close(&none));
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&none));
    CHECK(r.count == 3 && r.span_id == 0 && !r.is_other_thread);
    divak_set_scope_refused(NULL, NULL);
    CHECK_INT(DIVAK_OK, divak_scope_close(&inner));
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&inner));
    CHECK_INT(DIVAK_OK, divak_scope_close(&outer));
    CHECK_INT(3, r.count);
}

CHECK_MAIN()
