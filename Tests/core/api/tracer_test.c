/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_test.c - which tracer is the current one, and what one tracer does with headers that it wrote itself. */
#include "tracing.h"

TEST(the_current_tracer_is_the_live_one_and_none_after_its_shutdown) {
    tracing first, second;
    CHECK(divak_tracer_current() == NULL);
    tracing_begin(&first);
    CHECK(divak_tracer_current() == NULL); /* a config is no tracer */
    tracing_start(&first);
    CHECK(divak_tracer_current() == first.tracer);
    tracing_begin(&second);
    tracing_start(&second);
    CHECK(divak_tracer_current() == first.tracer); /* the first one, of several */
    divak_tracer_set_enabled(first.tracer, false);
    CHECK(divak_tracer_current() == first.tracer); /* off, but alive */
    tracing_end(&first);
    CHECK(divak_tracer_current() == second.tracer);
    tracing_end(&second);
    CHECK(divak_tracer_current() == NULL);
    tracing_begin(&first);
    tracing_start(&first);
    CHECK(divak_tracer_current() == first.tracer);
    divak_span span = tracing_span(divak_tracer_current(), "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    tracing_expect(&first, "[" ROOT_1 "'name':'op','timestamp':1000000,'duration':1," LOCAL "}]");
    tracing_end(&first);
    CHECK(divak_tracer_current() == NULL);
}

TEST(closing_a_scope_clears_the_current_span_also_when_its_span_has_ended_first) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL), current;
    divak_scope scope;
    CHECK_INT(DIVAK_OK, divak_scope_open(&span, &scope));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_OK, divak_scope_close(&scope));
    CHECK_INT(DIVAK_ABSENT, divak_current(&current));
    CHECK_INT(0, current.span_id);
    divak_span next = tracing_span(t.tracer, "next", NULL);
    CHECK(next.parent_id == 0 && next.trace_id_low != span.trace_id_low);
    CHECK_INT(DIVAK_OK, divak_span_finish(&next));
    tracing_end(&t);
}

/* A client's half and a server's half of one call within one process, ended in either order. */
static void call_itself(bool client_ends_first) {
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    divak_span client, incoming, server;
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_CLIENT, NULL, &client));
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &client, &block));
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, block.headers, block.count, &incoming));
    t.clock += 10;
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get /", 5, DIVAK_KIND_SERVER, &incoming, &server));
    divak_span_release(&incoming);
    CHECK_INT(client.span_id, server.span_id);
    CHECK_INT(DIVAK_OK, tracing_tag(&client, "half", "client"));
    CHECK_INT(DIVAK_OK, tracing_tag(&server, "half", "server"));
    divak_span child = tracing_span(t.tracer, "query", &server);
    CHECK_INT(server.span_id, child.parent_id);
    CHECK_INT(DIVAK_OK, divak_span_abandon(&child));
    t.clock += 10;
    CHECK_INT(DIVAK_OK, divak_span_finish(client_ends_first ? &client : &server));
    CHECK(divak_span_is_open(client_ends_first ? &server : &client));
    t.clock += 10;
    CHECK_INT(DIVAK_OK, divak_span_finish(client_ends_first ? &server : &client));
    char *json = tracing_take(&t);
    CHECK_INT(2, tracing_count(json, "\"id\":\"" ID(2) "\""));
    CHECK_INT(1, tracing_count(json, "\"shared\":true"));
    const char *halves[2] = {
        client_ends_first ? "\"kind\":\"CLIENT\",\"name\":\"get\",\"timestamp\":1000000,\"duration\":20"
                          : "\"kind\":\"CLIENT\",\"name\":\"get\",\"timestamp\":1000000,\"duration\":30",
        client_ends_first ? "\"kind\":\"SERVER\",\"name\":\"get /\",\"timestamp\":1000010,\"duration\":20"
                          : "\"kind\":\"SERVER\",\"name\":\"get /\",\"timestamp\":1000010,\"duration\":10"};
    CHECK_INT(1, tracing_count(json, halves[0]));
    CHECK_INT(1, tracing_count(json, halves[1]));
    CHECK_INT(1, tracing_count(json, "\"tags\":{\"half\":\"server\"},\"shared\":true"));
    CHECK_INT(1, tracing_count(json, "\"tags\":{\"half\":\"client\"}}"));
    divak_free(json);
    tracing_end(&t);
}

TEST(the_two_halves_of_a_call_to_oneself_are_kept_apart_and_one_is_shared) {
    call_itself(true);
    call_itself(false);
}

/* What becomes of a trace that upstream did not sample, at a sampler that takes all. */
static void roll_again(const char *resample, bool expected, const char *b3, bool has_ids) {
    tracing t;
    tracing_begin(&t);
    if (resample != NULL) CHECK_INT(DIVAK_OK, divak_config_set(t.config, "resample", resample));
    tracing_start(&t);
    divak_header header = {"b3", 2, b3, strlen(b3)};
    divak_span incoming, server;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &incoming));
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
    CHECK_INT(expected, divak_span_is_sampled(&server));
    if (has_ids) CHECK_INT(0xa, server.trace_id_low);
    divak_span child = tracing_span(t.tracer, "child", &server);
    CHECK_INT(expected, divak_span_is_sampled(&child));
    CHECK_INT(server.trace_id_low, child.trace_id_low);
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &child, &block));
    CHECK_INT(expected, block.headers[block.count - 1].value[54] & 1); /* the flags of traceparent */
    (void)divak_span_finish(&child);
    (void)divak_span_finish(&server);
    char *json = tracing_take(&t);
    CHECK_INT(expected ? 2 : 0, tracing_count(json, "\"traceId\":"));
    divak_free(json);
    tracing_end(&t);
}

TEST(what_upstream_did_not_sample_is_sampled_again_only_when_asked_for_and_keeps_its_trace_id) {
    roll_again(NULL, false, ID(a) "-" ID(b) "-0", true);
    roll_again("false", false, ID(a) "-" ID(b) "-0", true);
    roll_again("true", true, ID(a) "-" ID(b) "-0", true);
    roll_again("true", true, ID(a) "-" ID(b) "-1", true);
    roll_again("true", true, "0", false);
    roll_again("false", false, "0", false);
}

/* Asked each time; takes the second. */
static divak_decision take_second(void *context, const divak_sampling_request *request) {
    (void)request;
    return ++*(int *)context == 1 ? DIVAK_DROP : DIVAK_SAMPLE;
}

TEST(what_this_process_did_not_sample_is_never_sampled_again) {
    tracing t;
    tracing_begin(&t);
    int asked = 0;
    divak_sampler *sampler;
    CHECK_INT(DIVAK_OK, divak_sampler_create_custom(take_second, &asked, &sampler));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "resample", "true"));
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(t.config, sampler));
    tracing_start(&t);
    divak_span root = tracing_span(t.tracer, "root", NULL);
    divak_span child = tracing_span(t.tracer, "child", &root);
    CHECK(!divak_span_is_sampled(&root) && !divak_span_is_sampled(&child));
    CHECK_INT(root.trace_id_low, child.trace_id_low);
    CHECK_INT(1, asked);
    tracing_end(&t);
    divak_sampler_destroy(sampler);
}

CHECK_MAIN()
