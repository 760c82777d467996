/* SPDX-License-Identifier: Apache-2.0 */
/* null_test.c - NULL in the place of any input, and text that is far too long, harm nobody. */
#include "tracing.h"

TEST(null_in_place_of_any_handle_is_tracing_that_is_off) {
    divak_span span, parent;
    divak_stats stats;
    divak_header_block block;
    divak_scope scope;
    char trace[33] = "x", id[17] = "x";
    size_t length;
    CHECK_INT(DIVAK_OK, divak_tracer_flush(NULL, 1, NULL));
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(NULL, 1, NULL));
    CHECK_INT(DIVAK_ERROR_ENDED, divak_tracer_check(NULL, 1));
    divak_tracer_set_enabled(NULL, true);
    CHECK(!divak_tracer_is_enabled(NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_stats(NULL, 0, &stats));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_stats(NULL, 0, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_create(NULL, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_extract_headers(NULL, NULL, 3, &parent));
    CHECK_INT(DIVAK_ABSENT, divak_extract(NULL, NULL, NULL, &parent));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_extract(NULL, NULL, NULL, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_inject_headers(NULL, NULL, &block));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_inject_headers(NULL, NULL, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_inject(NULL, NULL, NULL, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_inject_message(NULL, NULL, NULL, NULL));
    CHECK(divak_propagation_header(NULL, 0) == NULL);
    divak_span_release(NULL);
    CHECK_INT(DIVAK_ABSENT, divak_span_baggage(NULL, "a", 1, NULL, 0, &length));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_baggage(NULL, "a", 1, "b", 1));
    divak_span_trace_id_text(NULL, trace);
    divak_span_id_text(NULL, id);
    CHECK_TEXT("", trace, strlen(trace));
    CHECK_TEXT("", id, strlen(id));
    divak_span_start(NULL, NULL, 0, DIVAK_KIND_LOCAL, NULL, &span);
    divak_span_start_by_key(NULL, DIVAK_NO_KEY, DIVAK_KIND_LOCAL, NULL, &span);
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish(NULL));
    CHECK_INT(DIVAK_OK, divak_scope_open(NULL, &scope));
    CHECK_INT(DIVAK_OK, divak_scope_close(&scope));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_scope_close(NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_scope_open(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_current(NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(NULL, "127.0.0.1", 9));
    CHECK(divak_key_register(NULL, 3) == DIVAK_NO_KEY);
    CHECK_INT(0, divak_memory_reporter_count(NULL));
    divak_memory_reporter_destroy(NULL);
    divak_free(NULL);
}

TEST(null_in_place_of_any_text_or_part_is_refused_by_a_live_tracer) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span, other;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_start_with(t.tracer, NULL, &other));
    (void)divak_span_start(t.tracer, NULL, 9, DIVAK_KIND_LOCAL, NULL, &span);
    CHECK(divak_span_is_recording(&span));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_rename(&span, NULL, 9));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, NULL, 9, "v", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag(&span, "k", 1, NULL, 9));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_tag_int(&span, NULL, 9, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_annotate(&span, NULL, 9));
    CHECK_INT(DIVAK_OK, divak_span_error(&span, NULL, 9)); /* that it failed is not lost */
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_remote(&span, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_local(&span, NULL));
    divak_endpoint endpoint = {.service = NULL, .service_length = 9}; /* left out, as documented */
    CHECK_INT(DIVAK_OK, divak_span_set_remote(&span, &endpoint));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(&endpoint, NULL, 9));
    divak_header header = {NULL, 9, NULL, 9};
    CHECK_INT(DIVAK_ABSENT, divak_extract_headers(t.tracer, &header, 1, &other));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_stats(t.tracer, 0, NULL));
    divak_span_finish(&span);
    tracing_expect(&t, "[{'traceId':'" ID(1) "','id':'" ID(2) "','timestamp':1000000,"
                       "'duration':1," LOCAL ",'tags':{'error':''}}]");
    tracing_end(&t);
}

TEST(null_in_a_config_or_sampler_is_refused) {
    divak_sampler *sampler = NULL;
    divak_memory_reporter *memory;
    divak_setting setting;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(NULL, "enabled", "1"));
    CHECK_TEXT("", divak_config_error(NULL), 0);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_zipkin_reporter(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_memory_reporter(NULL, &memory));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_console_reporter(NULL, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_null_reporter(NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_callback_reporter(NULL, NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_handler(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_setting(NULL, 0, &setting));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_print(NULL, 1));
    divak_config_destroy(NULL);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_probability(0.5, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_counting(5, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rate(5, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_modulo(5, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_custom(NULL, NULL, &sampler));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rules(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(NULL, NULL, NULL));
    CHECK(divak_sampler_ask(NULL, NULL) == DIVAK_DROP);
    divak_sampler_destroy(NULL);
    CHECK(sampler == NULL);
}

TEST(text_that_is_far_too_long_is_cut_or_refused_and_never_harms) {
    enum { HUGE_BYTES = 8 << 20 };
    char *text = malloc(HUGE_BYTES);
    memset(text, 'x', HUGE_BYTES);
    text[HUGE_BYTES - 1] = '\0';
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(t.config, text, "1"));
    CHECK(strlen(divak_config_error(t.config)) < 2048);
    static const char *const settings[] = {"service_name", "endpoint", "sample_rate", "propagation",
                                           "headers", "tags", "ca_file", "baggage_fields",
                                           "request_id_header", "service_ip", "timeout"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(t.config, settings[i], text));
        CHECK(strstr(divak_config_error(t.config), settings[i]) == divak_config_error(t.config));
        CHECK(strlen(divak_config_error(t.config)) < 2048);
    }
    tracing_start(&t);
    divak_span span, parent;
    divak_endpoint endpoint = {.service = text, .service_length = HUGE_BYTES};
    CHECK_INT(DIVAK_ERROR_TRUNCATED,
              divak_span_start(t.tracer, text, HUGE_BYTES, DIVAK_KIND_LOCAL, NULL, &span));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_tag(&span, text, HUGE_BYTES, "v", 1));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_annotate(&span, text, HUGE_BYTES));
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_span_set_remote(&span, &endpoint));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(&endpoint, text, HUGE_BYTES));
    CHECK(divak_key_register(text, HUGE_BYTES) == DIVAK_NO_KEY);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_span_set_baggage(&span, text, HUGE_BYTES, "v", 1));
    static const char *const names[] = {"b3", "x-b3-traceid", "traceparent", "tracestate",
                                        "baggage", "x-request-id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        divak_header header = {names[i], strlen(names[i]), text, HUGE_BYTES};
        CHECK_INT(DIVAK_ABSENT, divak_extract_headers(t.tracer, &header, 1, &parent));
        CHECK_INT(0, parent.span_id | parent.baggage);
    }
    divak_span_finish(&span);
    char *json = tracing_take(&t);
    CHECK_INT(1, tracing_count(json, "\"id\":"));
    divak_free(json);
    tracing_end(&t);
    free(text);
}

CHECK_MAIN()
