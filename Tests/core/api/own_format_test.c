/* SPDX-License-Identifier: Apache-2.0 */
/* own_format_test.c - headers of the user's own format, and headers of responses. */
#include <stdlib.h>

#include "api/own_formats.h"
#include "api/propagation_fixture.h"
#include "tracing.h"

/* "x-own: <trace>:<span>:<decision>" with ids of one digit and the decisions 0, 1, d and ?. */
static int read_own_header(void *context, divak_get_header find, void *get_context, divak_span *out_parent) {
    (void)context;
    const char *value;
    size_t length;
    if (!find(get_context, "x-own", 5, 0, &value, &length)) return DIVAK_ABSENT;
    if (length != 5 || value[1] != ':' || value[3] != ':') return DIVAK_ERROR_INVALID;
    out_parent->trace_id_low = (uint64_t)(value[0] - '0');
    out_parent->span_id = (uint64_t)(value[2] - '0');
    if (value[4] == '0') out_parent->flags = DIVAK_SPAN_DECIDED;
    if (value[4] == '1') out_parent->flags = DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED;
    if (value[4] == 'd') out_parent->flags = DIVAK_SPAN_DECIDED | DIVAK_SPAN_DEBUG;
    if (value[4] == 'x') out_parent->flags = DIVAK_SPAN_RECORDING | DIVAK_SPAN_SHARED | DIVAK_SPAN_NEW_ROOT;
    out_parent->slot = 17; /* no field but ids and decision is taken over */
    return DIVAK_OK;
}

static void write_own_header(void *context, const divak_span *span, bool is_message, divak_put_header put,
                             void *put_context) {
    (void)context;
    char value[3] = {(char)('0' + (span->trace_id_low & 7)), ':', is_message ? 'm' : 'r'};
    put(put_context, "x-own", 5, value, sizeof value);
    put(put_context, "x-empty", 7, NULL, 0);
    put(put_context, "x own", 5, value, sizeof value);
    put(put_context, "x-split", 7, "a\r\nb", 4);
    put(put_context, "x-null", 6, NULL, 3);
}

static const char *const own_names[] = {"X-Own", "x-empty"};
static const divak_propagator own = {
    .name = "own", .inject = write_own_header, .extract = read_own_header, .headers = own_names, .header_count = 2};

static void add(fixture *f, const divak_propagator *propagator) {
    const char *refused, *reason;
    f->propagation.inject.own |= UINT32_C(1) << f->propagation.own_count;
    CHECK_INT(DIVAK_OK, divak_own_format_make(propagator, &f->propagation.own[f->propagation.own_count++], &refused,
                                              &reason));
}

#define ONE "0000000000000001"
#define TWO "0000000000000002"

TEST(an_own_format_is_read_where_no_configured_one_is_well_formed) {
    static const char *const rows[][2] = {
        {"x-own: 1:2:1", ONE "/" TWO "/- accept"},
        {"x-own: 1:2:0", ONE "/" TWO "/- deny"},
        {"x-own: 1:2:d", ONE "/" TWO "/- debug"},
        {"x-own: 1:2:?", ONE "/" TWO "/- defer"},
        {"x-own: 1:2:x", ONE "/" TWO "/- defer"},
        {"x-own: 0:0:1", "//- accept"},
        {"x-own: 1:0:1", "absent"},
        {"x-own: 0:2:1", "absent"},
        {"x-own: what", "absent"},
        {"b3: 0\nx-own: 1:2:1", "//- deny"},
        {"b3: bad\nx-own: 1:2:1", ONE "/" TWO "/- accept"},
        {"accept: text/html", "absent"},
    };
    fixture f;
    fixture_init(&f);
    add(&f, &(divak_propagator){.name = "mute", .inject = write_own_header}); /* reads nothing */
    add(&f, &own);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) expect_extract(&f, rows[i][0], rows[i][1]);
    CHECK_INT(4, divak_load_relaxed(&f.propagation.bad_header));
    f.propagation.trust = DIVAK_TRUST_NONE;
    expect_extract(&f, "x-own: 1:2:1", ONE "/" TWO "/- defer");
    fixture_deinit(&f);
}

TEST(an_own_format_is_written_behind_the_others_and_what_is_no_header_is_left_out_and_counted) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.b3 = true};
    add(&f, &own);
    divak_span span = {.trace_id_low = 1, .span_id = 2, .flags = DIVAK_SPAN_DECIDED};
    expect_text("b3: " ONE "-" TWO "-0\nx-own: 1:r\nx-empty: \n", injected(&f, &span));
    expect_text("b3: " ONE "-" TWO "-0\nx-own: 1:m\nx-empty: \n", injected_as(&f, &span, true));
    CHECK_INT(6, divak_load_relaxed(&f.propagation.truncated));
    fixture_deinit(&f);
}

TEST(the_names_of_an_own_format_are_among_those_to_clear) {
    fixture f;
    fixture_init(&f);
    add(&f, &own);
    size_t count = 0, found = 0;
    for (const char *name; (name = divak_propagation_header_at(&f.propagation, count)) != NULL; count++) {
        found += strcmp(name, "x-own") == 0 || strcmp(name, "x-empty") == 0;
    }
    CHECK_INT(2, found);
    fixture_deinit(&f);
}

TEST(a_config_takes_four_own_formats_and_refuses_those_that_are_none) {
    static const char *const bad_names[] = {"two words"};
    static const char *const names[] = {"own", "a", "b-2", "thirty-one_characters-are-enough"};
    static const char *const bad[] = {"", "b3", "b3multi", "tracecontext", "baggage", "request-id", "none", "Upper",
                                      "with space", "a,b", "x\"", "thirty-two-characters-are-too-many"};
    divak_config *config = tracing_config();
    divak_propagator format = own;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(NULL, &own));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &(divak_propagator){.name = "own"}));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[80];
        format.name = bad[i];
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &format));
        snprintf(expected, sizeof expected, "propagator: \"%s\" is not accepted: ", bad[i]);
        CHECK(strstr(divak_config_error(config), expected) == divak_config_error(config));
        CHECK_INT(DIVAK_ERROR_INVALID, divak_propagator_register(&format));
    }
    format.name = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &format));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagator_register(&format));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagator_register(NULL));
    divak_propagator no_header = {.name = "own", .inject = write_own_header, .headers = bad_names, .header_count = 1};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &no_header));
    expect_text("propagator: \"two words\" is not accepted: a header's name is a token of up to 63 bytes",
                divak_config_error(config));
    no_header.headers = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &no_header));
    no_header = (divak_propagator){.name = "own", .inject = write_own_header, .headers = own_names, .header_count = 9};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &no_header));
    for (int i = 0; i < 4; i++) {
        format.name = names[i];
        CHECK_INT(i == 3 ? DIVAK_ERROR_INVALID : DIVAK_OK, divak_config_add_propagator(config, &format));
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &format)); /* taken, or none */
    }
    format.name = "thirty-one_characters-are-enoug";
    CHECK_INT(31, strlen(format.name));
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(config, &format));
    format.name = "fifth";
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_propagator(config, &format));
    expect_text("propagator: \"fifth\" is not accepted: there are 4 already", divak_config_error(config));
    divak_config_destroy(config);
}

static void put_text(void *context, const char *name, size_t name_length, const char *value, size_t value_length) {
    put_line(context, name, name_length, value, value_length);
}

/* The headers that a new span of the tracer is sent with, without the values. */
static const char *written(divak_tracer *tracer) {
    static char names[400];
    names[0] = '\0';
    divak_header_block block;
    divak_span span = tracing_span(tracer, "op", &divak_no_parent);
    (void)divak_inject_headers(tracer, &span, &block);
    for (size_t i = 0; i < block.count; i++) {
        strcat(strcat(names, i == 0 ? "" : " "), block.headers[i].name);
    }
    divak_span_finish(&span);
    return names;
}

static bool reads(divak_tracer *tracer, const char *name, const char *value) {
    divak_header header = {name, strlen(name), value, strlen(value)};
    divak_span parent;
    return divak_extract_headers(tracer, &header, 1, &parent) == DIVAK_OK;
}

#define B3 "000000000000000a-000000000000000b-1"

TEST(a_tracer_uses_an_own_format_for_headers_in_and_out) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(t.config, &own));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "own"));
    tracing_start(&t);
    divak_header header = {"X-Own", 5, "5:6:1", 5};
    divak_span parent;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &parent));
    divak_span span = tracing_span(t.tracer, "op", &parent);
    CHECK(span.trace_id_low == 5 && span.parent_id == 6 && divak_span_is_sampled(&span));
    text_carrier carrier = {.length = 0};
    CHECK_INT(DIVAK_OK, divak_inject(t.tracer, &span, put_text, &carrier));
    expect_text("x-own: 5:r\nx-empty: \n", carrier.lines);
    CHECK(!reads(t.tracer, "b3", B3));
    divak_span_finish(&span);
    tracing_end(&t);
}

TEST(the_setting_chooses_among_own_formats_and_the_others_in_any_order) {
    static const struct {
        const char *propagation, *written;
        bool reads_own, reads_b3;
    } rows[] = {
        {NULL, "X-B3-TraceId X-B3-SpanId X-B3-Sampled traceparent x-own x-empty", true, true},
        {"b3", "b3", false, true},
        {"own,b3", "b3 x-own x-empty", true, true},
        {" b3 , OWN ", "b3 x-own x-empty", true, true},
        {"own", "x-own x-empty", true, false},
        {"none", "", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tracing t;
        tracing_begin(&t);
        CHECK_INT(DIVAK_OK, divak_config_add_propagator(t.config, &own));
        if (rows[i].propagation != NULL) {
            CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", rows[i].propagation));
        }
        tracing_start(&t);
        expect_text(rows[i].written, written(t.tracer));
        CHECK_INT(rows[i].reads_own, reads(t.tracer, "x-own", "5:6:1"));
        CHECK_INT(rows[i].reads_b3, reads(t.tracer, "b3", B3));
        bool is_listed = false;
        for (size_t k = 0; divak_propagation_header(t.tracer, k) != NULL; k++) {
            is_listed |= strcmp(divak_propagation_header(t.tracer, k), "x-empty") == 0;
        }
        CHECK_INT(rows[i].reads_own, is_listed);
        tracing_end(&t);
    }
}

TEST(a_format_that_nobody_knows_is_named_together_with_those_that_are_accepted) {
    divak_config *config = tracing_config();
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "propagation", "b3,own"));
    expect_text("propagation: \"b3,own\" is not accepted: \"own\" is unknown: a list of b3, b3multi, tracecontext, "
                "baggage, request-id; or none", divak_config_error(config));
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(config, &own));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "propagation", "b3,own"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "propagation", "owner"));
    expect_text("propagation: \"owner\" is not accepted: a list of b3, b3multi, tracecontext, baggage, request-id, "
                "own; or none", divak_config_error(config));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "propagation", "own,b4\n,x"));
    CHECK(strstr(divak_config_error(config), "\"b4") != NULL && strchr(divak_config_error(config), '\n') == NULL);
    divak_setting setting;
    for (size_t i = 0; divak_config_setting(config, i, &setting) == DIVAK_OK; i++) {
        if (strcmp(setting.name, "propagation") == 0) expect_text("b3,own", setting.value);
    }
    divak_config_destroy(config);
}

/* A config whose environment says so, silent and without a server. */
static divak_config *from_environment(const char *variable, const char *value) {
    setenv(variable, value, 1);
    divak_config *config = divak_config_create();
    unsetenv(variable);
    CHECK_INT(DIVAK_OK, divak_config_set(config, "log", "off"));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "buffer_bytes", "8MiB"));
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
    return config;
}

static divak_tracer *made(divak_config *config) {
    divak_tracer *tracer;
    CHECK_INT(DIVAK_OK, divak_tracer_create(config, &tracer));
    divak_config_destroy(config);
    return tracer;
}

TEST(a_variable_may_name_a_format_that_is_added_before_the_tracer_is_made) {
    static const char *const variables[] = {"DIVAK_PROPAGATION", "OTEL_PROPAGATORS"};
    for (int i = 0; i < 2; i++) {
        char expected[200];
        divak_config *config = from_environment(variables[i], "own,b3");
        divak_tracer *tracer;
        CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_create(config, &tracer));
        snprintf(expected, sizeof expected, "%s: \"own,b3\" is not accepted: \"own\" is unknown: a list of b3, b3multi, "
                 "tracecontext, baggage%s; or none", variables[i], i == 0 ? ", request-id" : "");
        expect_text(expected, divak_config_error(config));
        CHECK_INT(DIVAK_OK, divak_config_add_propagator(config, &own));
        tracer = made(config);
        expect_text("b3 x-own x-empty", written(tracer));
        CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 20000, NULL));
    }
}

TEST(code_decides_over_a_variable_that_names_what_nobody_knows) {
    divak_config *config = from_environment("DIVAK_PROPAGATION", "own");
    CHECK_INT(DIVAK_OK, divak_config_set(config, "propagation", "b3"));
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(config, &own));
    divak_tracer *tracer = made(config);
    expect_text("b3", written(tracer));
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 20000, NULL));
}

static const char *response(divak_tracer *tracer, const divak_span *span, uint32_t headers) {
    static text_carrier carrier;
    carrier.length = carrier.count = 0;
    carrier.lines[0] = '\0';
    int status = divak_inject_response(tracer, span, headers, put_text, &carrier);
    CHECK_INT(carrier.count > 0 ? DIVAK_OK : DIVAK_ABSENT, status);
    return carrier.lines;
}

TEST(a_response_gets_the_headers_asked_for_with_the_request_id_as_it_is_by_then) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "request_id_header", "x-correlation"));
    tracing_start(&t);
    divak_header header = {"X-Correlation", 13, "first", 5};
    divak_span parent;
    CHECK_INT(DIVAK_ABSENT, divak_extract_headers(t.tracer, &header, 1, &parent));
    divak_span span = tracing_span(t.tracer, "op", &parent);
    divak_span_release(&parent);
    expect_text("x-correlation: first\n", response(t.tracer, &span, DIVAK_RESPONSE_REQUEST_ID));
    CHECK_INT(DIVAK_OK, divak_span_set_baggage(&span, "request-id", 10, "second", 6));
    expect_text("b3: " ONE "-" TWO "-1\nx-correlation: second\n",
                response(t.tracer, &span, DIVAK_RESPONSE_REQUEST_ID | DIVAK_RESPONSE_B3));
    expect_text("X-B3-TraceId: " ONE "\nX-B3-SpanId: " TWO "\nX-B3-Sampled: 1\n",
                response(t.tracer, &span, DIVAK_RESPONSE_B3_MULTI));
    expect_text("", response(t.tracer, &span, 0));
    expect_text("", response(t.tracer, NULL, DIVAK_RESPONSE_B3));
    expect_text("", response(NULL, &span, DIVAK_RESPONSE_B3));
    divak_span_finish(&span);
    tracing_end(&t);
}

static void write_other(void *context, const divak_span *span, bool is_message, divak_put_header put_header,
                        void *put_context) {
    (void)span;
    (void)is_message;
    put_header(put_context, context, strlen(context), "1", 1);
}

/* The last one of these: what is registered stays for the process. */
TEST(a_registered_format_is_known_to_every_config_and_read_but_not_written_unless_it_is_named) {
    static char x_first[] = "x-first", x_own[] = "x-own-too";
    divak_config *before = from_environment("DIVAK_PROPAGATION", "first");
    divak_propagator format = {.name = "first", .inject = write_other, .context = x_first};
    CHECK_INT(DIVAK_OK, divak_propagator_register(&format));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagator_register(&format));
    divak_tracer *tracer = made(before);
    expect_text("x-first", written(tracer));
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 20000, NULL));

    format = own;
    CHECK_INT(DIVAK_OK, divak_propagator_register(&format));
    tracing t;
    tracing_begin(&t);
    tracing_start(&t);
    expect_text("X-B3-TraceId X-B3-SpanId X-B3-Sampled traceparent", written(t.tracer));
    CHECK(reads(t.tracer, "x-own", "5:6:1"));
    tracing_end(&t);

    tracing_begin(&t);
    format = (divak_propagator){.name = "own", .inject = write_other, .context = x_own};
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(t.config, &format)); /* goes before the registered one */
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "first,own"));
    tracing_start(&t);
    expect_text("x-own-too x-first", written(t.tracer));
    tracing_end(&t);

    char name[] = "more-0";
    for (int i = 0; i < 3; i++) {
        name[5] = (char)('0' + i);
        format.name = name;
        CHECK_INT(i < 2 ? DIVAK_OK : DIVAK_ERROR_FULL, divak_propagator_register(&format));
    }
}

CHECK_MAIN()
