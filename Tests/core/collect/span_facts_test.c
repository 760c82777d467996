/* SPDX-License-Identifier: Apache-2.0 */
/* span_facts_test.c - what is said about a span: tags, annotations, errors, endpoints. */
#include "tracing.h"

static const char head[] = ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL;

/* Finishes the span and expects `rest` after the usual beginning. */
static void expect_rest(tracing *t, const divak_span *span, const char *rest) {
    CHECK_INT(DIVAK_OK, divak_span_finish(span));
    char expected[4096];
    snprintf(expected, sizeof expected, "[%s%s}]", head, rest);
    tracing_expect(t, expected);
}

static divak_span begin(tracing *t) {
    t->last_id = 0;
    return tracing_span(t->tracer, "op", &divak_no_parent);
}

TEST(tags_of_every_type_are_sent_as_text) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    CHECK_INT(DIVAK_OK, divak_span_tag(&span, "s", 1, "x", 1));
    CHECK_INT(DIVAK_OK, divak_span_tag_int(&span, "i", 1, INT64_MIN));
    CHECK_INT(DIVAK_OK, divak_span_tag_uint(&span, "u", 1, UINT64_MAX));
    CHECK_INT(DIVAK_OK, divak_span_tag_double(&span, "d", 1, 0.5));
    CHECK_INT(DIVAK_OK, divak_span_tag_bool(&span, "t", 1, true));
    CHECK_INT(DIVAK_OK, divak_span_tag_bool(&span, "f", 1, false));
    CHECK_INT(DIVAK_OK, divak_span_tag(&span, "e", 1, NULL, 0));
    expect_rest(&t, &span,
                ",'tags':{'s':'x','i':'-9223372036854775808','u':'18446744073709551615',"
                "'d':'0.5','t':'true','f':'false','e':''}");
    tracing_end(&t);
}

TEST(tags_by_registered_key_read_the_same) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    CHECK_INT(DIVAK_OK, divak_span_tag_by_key(&span, divak_key_register("s", 1), "x", 1));
    CHECK_INT(DIVAK_OK, divak_span_tag_by_key(&span, divak_key_register("n", 1), NULL, 0));
    CHECK_INT(DIVAK_OK, divak_span_tag_int_by_key(&span, divak_key_register("i", 1), -5));
    CHECK_INT(DIVAK_OK, divak_span_tag_uint_by_key(&span, divak_key_register("u", 1), 5));
    CHECK_INT(DIVAK_OK, divak_span_tag_double_by_key(&span, divak_key_register("d", 1), 1e300));
    CHECK_INT(DIVAK_OK, divak_span_tag_bool_by_key(&span, divak_key_register("t", 1), true));
    expect_rest(&t, &span,
                ",'tags':{'s':'x','n':'','i':'-5','u':'5','d':'1e300','t':'true'}");
    tracing_end(&t);
}

TEST(the_last_value_of_a_tag_wins_whatever_its_type) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    divak_span_tag_int(&span, "k", 1, 5);
    tracing_tag(&span, "k", "x");
    expect_rest(&t, &span, ",'tags':{'k':'x'}");
    span = begin(&t);
    tracing_tag(&span, "k", "x");
    divak_span_tag_int_by_key(&span, divak_key_register("k", 1), 5);
    expect_rest(&t, &span, ",'tags':{'k':'5'}");
    tracing_end(&t);
}

TEST(the_first_error_stays_in_both_orders) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    CHECK_INT(DIVAK_OK, divak_span_error(&span, "first", 5));
    CHECK_INT(DIVAK_OK, tracing_tag(&span, "error", "second"));
    expect_rest(&t, &span, ",'tags':{'error':'first'}");
    span = begin(&t);
    tracing_tag(&span, "error", "second");
    divak_span_error(&span, "first", 5);
    expect_rest(&t, &span, ",'tags':{'error':'second'}");
    span = begin(&t);
    divak_span_tag_int_by_key(&span, divak_key_register("error", 5), 500);
    divak_span_error(&span, NULL, 9);
    expect_rest(&t, &span, ",'tags':{'error':'500'}");
    span = begin(&t);
    divak_span_error(&span, "", 0); /* empty is a failure too */
    expect_rest(&t, &span, ",'tags':{'error':''}");
    tracing_end(&t);
}

TEST(default_tags_are_on_every_span_and_give_way_to_its_own) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "tags", "env=prod,zone=a");
    tracing_start(&t);
    divak_span span = begin(&t);
    expect_rest(&t, &span, ",'tags':{'env':'prod','zone':'a'}");
    span = begin(&t);
    tracing_tag(&span, "env", "test");
    expect_rest(&t, &span, ",'tags':{'env':'test','zone':'a'}");
    tracing_end(&t);
}

TEST(annotations_have_their_own_time_and_zero_is_refused) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    t.clock = 1000003;
    CHECK_INT(DIVAK_OK, divak_span_annotate(&span, "now", 3));
    CHECK_INT(DIVAK_OK, divak_span_annotate_at(&span, 77, "then", 4));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_annotate_at(&span, 0, "never", 5));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_annotate(&span, NULL, 5));
    CHECK_INT(DIVAK_OK, divak_span_annotate(&span, "sr", 2)); /* a plain one */
    t.clock = 1000000;
    char *json;
    divak_span_finish(&span);
    json = tracing_take(&t);
    CHECK(strstr(json, "{\"timestamp\":1000003,\"value\":\"now\"}") != NULL);
    CHECK(strstr(json, "{\"timestamp\":77,\"value\":\"then\"}") != NULL);
    CHECK(strstr(json, "{\"timestamp\":1000003,\"value\":\"sr\"}") != NULL);
    CHECK(strstr(json, "\"kind\"") == NULL && strstr(json, "never") == NULL);
    divak_free(json);
    tracing_end(&t);
}

TEST(the_local_endpoint_is_on_every_span) {
    tracing t;
    tracing_begin(&t);
    divak_config_set(t.config, "service_ip", "10.1.2.3");
    divak_config_set(t.config, "service_port", "8080");
    tracing_start(&t);
    divak_span a = begin(&t), b = tracing_span(t.tracer, "kid", &a);
    divak_span_finish(&b);
    divak_span_finish(&a);
    char *json = tracing_take(&t);
    CHECK_INT(2, tracing_count(json, "\"localEndpoint\":{\"serviceName\":\"tests\","
                                     "\"ipv4\":\"10.1.2.3\",\"port\":8080}"));
    divak_free(json);
    tracing_end(&t);
}

TEST(a_span_may_have_another_local_endpoint_which_children_do_not_inherit) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span a = begin(&t);
    divak_endpoint other = {.service = "other", .service_length = 5, .port = 0};
    CHECK_INT(DIVAK_OK, divak_span_set_local(&a, &other));
    divak_span b = tracing_span(t.tracer, "kid", &a);
    divak_span_finish(&b);
    char *json = tracing_take(&t);
    CHECK(strstr(json, "\"localEndpoint\":{\"serviceName\":\"tests\"}") != NULL);
    divak_free(json);
    divak_span_finish(&a);
    json = tracing_take(&t);
    CHECK(strstr(json, "\"localEndpoint\":{\"serviceName\":\"other\"}") != NULL);
    divak_free(json);
    tracing_end(&t);
}

TEST(a_remote_endpoint_has_name_both_addresses_and_port) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    divak_endpoint remote = {.service = "Mysql", .service_length = 5};
    CHECK_INT(DIVAK_OK, divak_endpoint_set_address(&remote, "192.0.2.1:3306", 14));
    CHECK_INT(DIVAK_OK, divak_endpoint_set_address(&remote, "2001:db8::1", 11));
    CHECK_INT(DIVAK_OK, divak_span_set_remote(&span, &remote));
    expect_rest(&t, &span, ",'remoteEndpoint':{'serviceName':'mysql','ipv4':'192.0.2.1',"
                           "'ipv6':'2001:db8::1','port':3306}");
    span = begin(&t);
    divak_endpoint nothing = {.service = NULL};
    CHECK_INT(DIVAK_OK, divak_span_set_remote(&span, &nothing));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_remote(&span, NULL));
    expect_rest(&t, &span, ""); /* and port 0 is left out */
    tracing_end(&t);
}

TEST(a_span_that_failed_says_so_and_is_finished_like_others) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    divak_scope scope;
    divak_scope_open(&span, &scope);
    divak_span_error(&span, "connection refused", 18);
    divak_scope_close(&scope);
    divak_span current;
    CHECK_INT(DIVAK_ABSENT, divak_current(&current));
    expect_rest(&t, &span, ",'tags':{'error':'connection refused'}");
    tracing_end(&t);
}

TEST(shared_can_be_said_and_unsaid) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    CHECK_INT(DIVAK_OK, divak_span_set_shared(&span, true));
    expect_rest(&t, &span, ",'shared':true");
    span = begin(&t);
    divak_span_set_shared(&span, true);
    CHECK_INT(DIVAK_OK, divak_span_set_shared(&span, false));
    expect_rest(&t, &span, "");
    tracing_end(&t);
}

TEST(text_that_is_missing_or_a_key_that_is_empty_is_refused) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = begin(&t);
    divak_key key = divak_key_register("k", 1);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, NULL, 1, "v", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, NULL, 0, "v", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, "", 0, "v", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, "k", 1, NULL, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_int(&span, NULL, 3, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_uint(&span, "", 0, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_double(&span, NULL, 0, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_bool(&span, NULL, 0, true));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_by_key(&span, key, NULL, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_rename(&span, NULL, 1));
    expect_rest(&t, &span, "");
    tracing_end(&t);
}

CHECK_MAIN()
