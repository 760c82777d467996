/* SPDX-License-Identifier: Apache-2.0 */
/* tracer_test.c - which tracer is the current one, its kill switch, and what a whole tracer makes of headers. */
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

/* ---- The kill switch ------------------------------------------------------------------------- */

TEST(switched_off_nothing_is_recorded_and_ids_pass_and_switched_on_it_goes_on) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "b3,baggage"));
    tracing_start(&t);
    CHECK(divak_tracer_is_enabled(t.tracer));
    divak_span open = tracing_span(t.tracer, "open", NULL);
    divak_tracer_set_enabled(t.tracer, false);
    CHECK(!divak_tracer_is_enabled(t.tracer));
    divak_tracer_set_enabled(t.tracer, false); /* twice is as once */

    /* What came in goes on, with its baggage, under the caller's ids. */
    divak_header headers[] = {{"b3", 2, ID(a) "-" ID(b) "-1", 35}, {"baggage", 7, "k=v", 3}};
    divak_span incoming, span, child, alone;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, headers, 2, &incoming));
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &span));
    divak_span_release(&incoming);
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "call", 4, DIVAK_KIND_CLIENT, &span, &child));
    CHECK(!divak_span_is_recording(&child));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, tracing_tag(&child, "k", "v"));
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &child, &block));
    CHECK_INT(2, block.count);
    CHECK_TEXT(ID(a) "-" ID(b) "-1", block.headers[0].value, block.headers[0].value_length);
    CHECK_TEXT("k=v", block.headers[1].value, block.headers[1].value_length);
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "alone", 5, DIVAK_KIND_LOCAL, &divak_no_parent, &alone));
    CHECK_INT(DIVAK_ABSENT, divak_inject_headers(t.tracer, &alone, &block));
    (void)divak_span_finish(&alone);
    (void)divak_span_finish(&child);
    (void)divak_span_finish(&span);
    CHECK_INT(1, tracing_stats(t.tracer).started);

    /* What was open stays open, and is reported. */
    CHECK_INT(DIVAK_OK, tracing_tag(&open, "still", "here"));
    CHECK_INT(DIVAK_OK, divak_span_finish(&open));
    tracing_expect(&t, "[" ROOT_1 "'name':'open','timestamp':1000000,'duration':1," LOCAL
                       ",'tags':{'still':'here'}}]");
    divak_tracer_set_enabled(t.tracer, true);
    CHECK(divak_tracer_is_enabled(t.tracer));
    divak_span again = tracing_span(t.tracer, "again", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&again));
    char *json = tracing_take(&t);
    CHECK_INT(1, tracing_count(json, "\"name\":\"again\""));
    divak_free(json);
    tracing_end(&t);
}

TEST(the_setting_enabled_is_where_the_kill_switch_begins) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "enabled", "false"));
    tracing_start(&t);
    CHECK(!divak_tracer_is_enabled(t.tracer));
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK(!divak_span_is_recording(&span));
    divak_tracer_set_enabled(t.tracer, true);
    span = tracing_span(t.tracer, "op", NULL);
    CHECK(divak_span_is_recording(&span));
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    tracing_end(&t);
    divak_tracer_set_enabled(t.tracer, true); /* what is shut down stays so */
    CHECK(!divak_tracer_is_enabled(t.tracer));
}

/* ---- Join, and debug from far away ------------------------------------------------------------ */

TEST(a_server_joins_shares_or_is_a_child_as_decision_and_setting_say) {
    static const struct {
        const char *join, *decision;
        bool is_joined, is_shared;
    } rows[] = {
        {NULL, "-1", true, true},
        {NULL, "-d", true, true},
        {NULL, "", true, false}, /* deferred: the same id, and nobody else has it */
        {"false", "-1", false, false},
        {"false", "", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tracing t;
        char b3[64];
        tracing_begin(&t);
        if (rows[i].join != NULL) CHECK_INT(DIVAK_OK, divak_config_set(t.config, "join", rows[i].join));
        tracing_start(&t);
        snprintf(b3, sizeof b3, ID(a) "-" ID(b) "%s", rows[i].decision);
        divak_header header = {"b3", 2, b3, strlen(b3)};
        divak_span incoming, server;
        CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &incoming));
        CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
        CHECK_INT(0xa, server.trace_id_low);
        CHECK_INT(rows[i].is_joined, server.span_id == 0xb);
        CHECK_INT(rows[i].is_joined ? 0 : 0xb, server.parent_id);
        CHECK_INT(DIVAK_OK, divak_span_finish(&server));
        char *json = tracing_take(&t);
        CHECK_INT(rows[i].is_shared, tracing_count(json, "\"shared\":true"));
        divak_free(json);
        tracing_end(&t);
    }
}

TEST(debug_that_came_in_goes_out_and_is_said_on_every_span_whatever_the_sampler_says) {
    static const char *const forms[][2] = {{"b3", ID(a) "-" ID(b) "-d"}, {"x-b3-flags", "1"}};
    for (size_t i = 0; i < 2; i++) {
        tracing t;
        tracing_begin(&t);
        CHECK_INT(DIVAK_OK, divak_config_set(t.config, "sample_rate", "0"));
        CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "b3,b3multi"));
        tracing_start(&t);
        divak_header header = {forms[i][0], strlen(forms[i][0]), forms[i][1], strlen(forms[i][1])};
        divak_span incoming, server;
        CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &incoming));
        CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
        divak_span child = tracing_span(t.tracer, "child", &server);
        divak_header_block block;
        CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &child, &block));
        CHECK(block.headers[0].value[34] == 'd');
        size_t flags = 0;
        for (size_t k = 0; k < block.count; k++) {
            if (strcmp(block.headers[k].name, "X-B3-Flags") != 0) continue;
            CHECK_TEXT("1", block.headers[k].value, block.headers[k].value_length);
            flags++;
        }
        CHECK_INT(1, flags);
        CHECK_INT(DIVAK_OK, divak_span_finish(&child));
        CHECK_INT(DIVAK_OK, divak_span_finish(&server));
        char *json = tracing_take(&t);
        CHECK_INT(2, tracing_count(json, "\"debug\":true"));
        divak_free(json);
        tracing_end(&t);
    }
}

static uint64_t count_up(void *context) {
    return ++*(uint64_t *)context;
}

TEST(a_closed_tracer_bears_late_calls_also_when_none_could_be_made_in_its_place) {
    tracing t;
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "sample_rate", "0.5"));
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
    tracing_start(&t);
    divak_tracer *closed = t.tracer;
    tracing_end(&t);
    for (int i = 0; i < 3; i++) {
        divak_config *config = tracing_config();
        divak_tracer *none;
        uint64_t *ours = malloc(sizeof *ours);
        *ours = 1;
        CHECK_INT(DIVAK_OK, divak_config_set(config, "sample_rate", "0.25"));
        CHECK_INT(DIVAK_OK, divak_config_set_id_generator(config, count_up, ours));
        CHECK_INT(DIVAK_OK, divak_config_set_clock(config, count_up, ours));
        for (int k = 0; k < 9; k++) CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
        CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_create(config, &none));
        divak_config_destroy(config);
        free(ours);
        divak_span late;
        CHECK_INT(DIVAK_ERROR_ENDED, divak_span_start(closed, "late", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &late));
        CHECK(!divak_span_is_recording(&late));
    }
}

CHECK_MAIN()
