/* SPDX-License-Identifier: Apache-2.0 */
/* decision_test.c - what headers, the trust in who sent them, and the sampler together make of a whole tracer's trace. */
#include "tracing.h"

#define B3(decision) ID(a) "-" ID(b) decision

/* The server's span of a request with that header. NULL: with none. */
static divak_span serve(divak_tracer *tracer, const char *b3, divak_start_options options) {
    divak_span incoming, server;
    divak_header header = {"b3", 2, b3, b3 == NULL ? 0 : strlen(b3)};
    (void)divak_extract_headers(tracer, &header, b3 != NULL, &incoming);
    options.kind = DIVAK_KIND_SERVER;
    options.parent = &incoming;
    CHECK_INT(DIVAK_OK, divak_span_start_with(tracer, &options, &server));
    return server;
}

static bool is_kept(divak_tracer *tracer, const char *b3, divak_start_options options) {
    divak_span server = serve(tracer, b3, options);
    bool sampled = divak_span_is_sampled(&server);
    CHECK_INT(sampled ? DIVAK_OK : DIVAK_ERROR_NOT_RECORDING, divak_span_abandon(&server));
    return sampled;
}

/* ---- Malformed headers ---- */

TEST(malformed_headers_restart_the_trace_are_an_error_or_become_a_tag_as_the_setting_says) {
    static const struct {
        const char *setting;
        int status;
        const char *tags;
    } rows[] = {
        {NULL, DIVAK_ABSENT, ""},
        {"restart", DIVAK_ABSENT, ""},
        {"error", DIVAK_ERROR_INVALID, ""},
        {"tag", DIVAK_ABSENT, ",'tags':{'error.extract':'malformed headers'}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tracing t;
        char expected[512];
        tracing_begin(&t);
        if (rows[i].setting != NULL) {
            CHECK_INT(DIVAK_OK, divak_config_set(t.config, "extract_failure", rows[i].setting));
        }
        tracing_start(&t);
        divak_header bad = {"b3", 2, "nonsense", 8};
        divak_span incoming, server, child;
        CHECK_INT(rows[i].status, divak_extract_headers(t.tracer, &bad, 1, &incoming));
        CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
        child = tracing_span(t.tracer, "child", &server); /* has no such tag */
        CHECK_INT(DIVAK_OK, divak_span_finish(&child));
        CHECK_INT(DIVAK_OK, divak_span_finish(&server));
        snprintf(expected, sizeof expected,
                 "[{'traceId':'" ID(1) "','parentId':'" ID(2) "','id':'" ID(3) "','name':'child','timestamp':1000000,"
                 "'duration':1," LOCAL "}," ROOT_1 "'kind':'SERVER','name':'get','timestamp':1000000,'duration':1," LOCAL
                 "%s}]", rows[i].tags);
        tracing_expect(&t, expected);
        CHECK_INT(1, tracing_stats(t.tracer).bad_header);

        /* Well-formed ones and none at all are no failure. */
        divak_header good = {"b3", 2, B3("-1"), strlen(B3("-1"))};
        CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &good, 1, &incoming));
        CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
        CHECK_INT(DIVAK_OK, divak_span_finish(&server));
        CHECK_INT(DIVAK_ABSENT, divak_extract_headers(t.tracer, NULL, 0, &incoming));
        CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "get", 3, DIVAK_KIND_SERVER, &incoming, &server));
        CHECK_INT(DIVAK_OK, divak_span_finish(&server));
        char *json = tracing_take(&t);
        CHECK_INT(2, tracing_count(json, "\"traceId\":"));
        CHECK_INT(0, tracing_count(json, "error.extract"));
        divak_free(json);
        tracing_end(&t);
    }
}

/* ---- A peer that is not trusted ---- */

/* Sampled, of ten requests by a peer that sends this. */
static int sampled_of_ten(const char *trust, const char *name, const char *value, const char *b3) {
    tracing t;
    int sampled = 0;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "trust", trust));
    if (name != NULL) CHECK_INT(DIVAK_OK, divak_config_set(t.config, name, value));
    tracing_start(&t);
    for (int i = 0; i < 10; i++) {
        divak_span server = serve(t.tracer, b3, (divak_start_options){.name = "get", .name_length = 3});
        CHECK_INT(0xa, server.trace_id_low); /* the ids are taken all the same */
        bool now = divak_span_is_sampled(&server);
        CHECK_INT(now ? DIVAK_OK : DIVAK_ERROR_NOT_RECORDING, divak_span_finish(&server));
        sampled += now;
    }
    char *json = tracing_take(&t);
    CHECK_INT(sampled, tracing_count(json, "\"traceId\":\"" ID(a) "\""));
    if (strcmp(trust, "all") != 0) CHECK_INT(0, tracing_count(json, "\"debug\""));
    divak_free(json);
    tracing_end(&t);
    return sampled;
}

TEST(what_a_peer_of_limited_trust_accepts_passes_through_the_sampler_and_what_it_denies_stands) {
    static const char *const accepted[] = {B3("-1"), B3("-d")};
    for (int i = 0; i < 2; i++) {
        CHECK_INT(10, sampled_of_ten("all", "sample_rate", "0", accepted[i]));
        CHECK_INT(0, sampled_of_ten("limited", "sample_rate", "0", accepted[i]));
        CHECK_INT(10, sampled_of_ten("limited", "sample_rate", "1", accepted[i]));
        /* Ten take no second, but may fall into two. */
        int some = sampled_of_ten("limited", "sample_per_second", "2", accepted[i]);
        CHECK(some >= 2 && some <= 4);
        CHECK_INT(10, sampled_of_ten("all", "sample_per_second", "2", accepted[i]));
    }
    CHECK_INT(0, sampled_of_ten("limited", NULL, NULL, B3("-0")));
}

TEST(of_a_peer_without_trust_the_ids_are_taken_and_no_decision) {
    static const char *const any[] = {B3("-0"), B3("-1"), B3("-d"), B3("")};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(0, sampled_of_ten("none", "sample_rate", "0", any[i]));
        CHECK_INT(10, sampled_of_ten("none", "sample_rate", "1", any[i]));
    }
}

/* ---- The sampler's request ---- */

typedef struct asked {
    int count;
    divak_sampling_request request; /* its texts as they are while the sampler is asked */
    char text[128];
    divak_span parent;
} asked;

static divak_decision note(void *context, const divak_sampling_request *request) {
    asked *seen = context;
    seen->count++;
    seen->request = *request;
    seen->parent = request->parent != NULL ? *request->parent : divak_no_parent;
    snprintf(seen->text, sizeof seen->text, "%d %.*s %.*s %.*s %.*s", (int)request->kind,
             (int)request->name_length, request->name == NULL ? "" : request->name,
             (int)request->method_length, request->method == NULL ? "" : request->method,
             (int)request->path_length, request->path == NULL ? "" : request->path,
             (int)request->route_length, request->route == NULL ? "" : request->route);
    return DIVAK_SAMPLE;
}

static divak_start_options request_of(const char *name, const char *method, const char *path, const char *route) {
    return (divak_start_options){
        .name = name, .name_length = strlen(name), .method = method, .method_length = strlen(method),
        .path = path, .path_length = strlen(path), .route = route, .route_length = strlen(route),
    };
}

TEST(a_sampler_is_asked_once_a_trace_with_ids_kind_name_method_path_route_and_parent) {
    tracing t;
    asked seen = {0};
    divak_sampler *sampler;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_sampler_create_custom(note, &seen, &sampler));
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(t.config, sampler));
    tracing_start(&t);
    divak_start_options options = request_of("get", "GET", "/users/42", "/users/{id}");

    divak_span server = serve(t.tracer, NULL, options);
    CHECK_INT(1, seen.count);
    CHECK(server.trace_id_low != 0 && seen.request.trace_id_low == server.trace_id_low);
    CHECK(seen.request.parent == NULL);
    char expected[128];
    snprintf(expected, sizeof expected, "%d get GET /users/42 /users/{id}", (int)DIVAK_KIND_SERVER);
    CHECK_TEXT(expected, seen.text, strlen(seen.text));
    divak_span child = tracing_span(t.tracer, "child", &server);
    CHECK_INT(1, seen.count); /* decided */
    CHECK_INT(DIVAK_OK, divak_span_finish(&child));
    CHECK_INT(DIVAK_OK, divak_span_finish(&server));

    server = serve(t.tracer, B3(""), options); /* left open upstream */
    CHECK_INT(2, seen.count);
    CHECK_INT(0xa, seen.request.trace_id_low);
    CHECK_INT(0xb, seen.parent.span_id);
    CHECK_TEXT(expected, seen.text, strlen(seen.text));
    CHECK_INT(DIVAK_OK, divak_span_finish(&server));

    CHECK(is_kept(t.tracer, B3("-1"), options) && !is_kept(t.tracer, B3("-0"), options));
    CHECK_INT(2, seen.count); /* decided upstream */

    divak_span plain; /* of a plain start only kind and name are known */
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "call", 4, DIVAK_KIND_CLIENT, &divak_no_parent, &plain));
    CHECK_INT(3, seen.count);
    snprintf(expected, sizeof expected, "%d call   ", (int)DIVAK_KIND_CLIENT);
    CHECK_TEXT(expected, seen.text, strlen(seen.text));
    CHECK(seen.request.method == NULL && seen.request.path == NULL && seen.request.route == NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&plain));
    tracing_end(&t);
    divak_sampler_destroy(sampler);
}

TEST(rules_decide_about_new_traces_in_their_order_and_upstream_goes_before_all_but_those_that_may_override) {
    tracing t;
    divak_sampler *few, *rules;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_sampler_create_counting(0, &few));
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(divak_sampler_never(), &rules));
    const divak_rule in_order[] = {
        {.path_prefix = "/favicon"},
        {.path_prefix = "/force", .may_override = true},
        {.path_prefix = "/mute", .may_override = true},
        {.method = "POST"},
        {.route = "/users/{id}"},
        {.name = "named"},
        {.is_kind_set = 1, .kind = DIVAK_KIND_CLIENT},
    };
    divak_sampler *const then[] = {divak_sampler_never(), divak_sampler_always(), few, divak_sampler_always(),
                                   divak_sampler_always(), divak_sampler_always(), divak_sampler_always()};
    for (size_t i = 0; i < sizeof in_order / sizeof in_order[0]; i++) {
        CHECK_INT(DIVAK_OK, divak_sampler_add_rule(rules, &in_order[i], then[i]));
    }
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(t.config, rules));
    tracing_start(&t);

    static const struct {
        const char *name, *method, *path, *route;
        bool is_new_sampled, is_denied_sampled, is_accepted_sampled;
    } rows[] = {
        {"get", "POST", "/favicon.ico", "", false, false, true},
        {"get", "POST", "/other", "", true, false, true},
        {"get", "GET", "/other", "", false, false, true},
        {"get", "GET", "/users/42", "/users/{id}", true, false, true},
        {"get", "GET", "/users/42", "", false, false, true},
        {"named", "GET", "/other", "", true, false, true},
        {"get", "GET", "/force/it", "", true, true, true},
        {"get", "POST", "/mute/it", "", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_start_options options = request_of(rows[i].name, rows[i].method, rows[i].path, rows[i].route);
        CHECK_INT(rows[i].is_new_sampled, is_kept(t.tracer, NULL, options));
        CHECK_INT(rows[i].is_new_sampled, is_kept(t.tracer, B3(""), options));
        CHECK_INT(rows[i].is_denied_sampled, is_kept(t.tracer, B3("-0"), options));
        CHECK_INT(rows[i].is_accepted_sampled, is_kept(t.tracer, B3("-1"), options));
        CHECK(is_kept(t.tracer, B3("-d"), options)); /* debug always stands */
    }
    divak_span client;
    CHECK_INT(DIVAK_OK, divak_span_start(t.tracer, "call", 4, DIVAK_KIND_CLIENT, &divak_no_parent, &client));
    CHECK(divak_span_is_sampled(&client));
    CHECK_INT(DIVAK_OK, divak_span_abandon(&client));
    tracing_end(&t);
    divak_sampler_destroy(rules);
    divak_sampler_destroy(few);
}

CHECK_MAIN()
