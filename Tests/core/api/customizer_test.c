/* SPDX-License-Identifier: Apache-2.0 */
/* customizer_test.c - a span in the hands of others: they add to it, and do no more. */
#include "tracing.h"

/* Somebody's code, which gets no more than this. */
static void describe(const divak_customizer *span, divak_key key) {
    CHECK(divak_customizer_is_recording(span));
    CHECK_INT(DIVAK_OK, divak_customizer_rename(span, "get /users/{id}", 15));
    CHECK_INT(DIVAK_OK, divak_customizer_annotate(span, "parsed", 6));
    CHECK_INT(DIVAK_OK, divak_customizer_tag(span, "text", 4, "a", 1));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_int(span, "int", 3, -5));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_uint(span, "uint", 4, UINT64_MAX));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_double(span, "double", 6, 0.5));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_bool(span, "bool", 4, true));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_int_by_key(span, key, 1));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_uint_by_key(span, key, 2));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_double_by_key(span, key, 2.5));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_bool_by_key(span, key, false));
    CHECK_INT(DIVAK_OK, divak_customizer_tag_by_key(span, key, "last", 4));
}

TEST(a_customizer_tags_annotates_and_renames_and_the_span_goes_on) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "get", NULL);
    divak_customizer customizer = divak_span_customizer(&span);
    describe(&customizer, divak_key_register("by.key", 6));
    CHECK(divak_span_is_open(&span));
    CHECK_INT(DIVAK_OK, tracing_tag(&span, "own", "b"));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_customizer_tag(&customizer, "late", 4, "c", 1));
    tracing_expect(&t, "[" ROOT_1 "'name':'get /users/{id}','timestamp':1000000,'duration':1," LOCAL ","
                       "'annotations':[{'timestamp':1000000,'value':'parsed'}],"
                       "'tags':{'text':'a','int':'-5','uint':'18446744073709551615','double':'0.5','bool':'true',"
                       "'by.key':'last','own':'b'}}]");
    tracing_end(&t);
}

TEST(a_customizer_of_no_span_records_nothing_and_one_of_an_ended_span_is_refused) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_key name = divak_key_register("renamed", 7);
    divak_customizer none = divak_span_customizer(NULL);
    const divak_customizer *nothing[] = {&none, NULL};
    for (int i = 0; i < 2; i++) {
        CHECK(!divak_customizer_is_recording(nothing[i]));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_customizer_tag(nothing[i], "k", 1, "v", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_customizer_annotate(nothing[i], "a", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_customizer_rename(nothing[i], "n", 1));
        CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_customizer_rename_by_key(nothing[i], name));
    }
    divak_span span = tracing_span(t.tracer, "get", NULL);
    divak_customizer customizer = divak_span_customizer(&span);
    CHECK_INT(DIVAK_OK, divak_customizer_rename_by_key(&customizer, name));
    CHECK_INT(DIVAK_OK, divak_span_abandon(&span));
    CHECK_INT(DIVAK_ERROR_STALE, divak_customizer_rename_by_key(&customizer, name));
    tracing_end(&t);
}

/* To the compiler it is no span, so that no function that ends, moves or parents one takes it. */
TEST(a_customizer_is_no_span_to_the_compiler) {
    divak_customizer customizer = divak_span_customizer(NULL);
    CHECK_INT(1, _Generic(&customizer, const divak_span *: 0, divak_span *: 0, const void *: 0, default: 1));
}

CHECK_MAIN()
