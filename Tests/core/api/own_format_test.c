/* SPDX-License-Identifier: Apache-2.0 */
/* own_format_test.c - headers of the user's own format, and headers of responses. */
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
    .inject = write_own_header, .extract = read_own_header, .headers = own_names, .header_count = 2};

static void add(fixture *f, const divak_propagator *propagator) {
    CHECK_INT(DIVAK_OK, divak_propagation_own_format(propagator, &f->propagation.own[f->propagation.own_count++]));
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
    add(&f, &(divak_propagator){.inject = write_own_header}); /* reads nothing */
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
    divak_config *config = tracing_config();
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(NULL, &own));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &(divak_propagator){.header_count = 0}));
    divak_propagator bad = {.inject = write_own_header, .headers = bad_names, .header_count = 1};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &bad));
    CHECK(strstr(divak_config_error(config), "propagator") != NULL);
    bad = (divak_propagator){.inject = write_own_header, .headers = own_names, .header_count = 9};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_propagator(config, &bad));
    for (int i = 0; i < 4; i++) CHECK_INT(DIVAK_OK, divak_config_add_propagator(config, &own));
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_propagator(config, &own));
    divak_config_destroy(config);
}

static void put_text(void *context, const char *name, size_t name_length, const char *value, size_t value_length) {
    put_line(context, name, name_length, value, value_length);
}

TEST(a_tracer_uses_an_own_format_for_headers_in_and_out) {
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_propagator(t.config, &own));
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "propagation", "none"));
    tracing_start(&t);
    divak_header header = {"X-Own", 5, "5:6:1", 5};
    divak_span parent;
    CHECK_INT(DIVAK_OK, divak_extract_headers(t.tracer, &header, 1, &parent));
    divak_span span = tracing_span(t.tracer, "op", &parent);
    CHECK(span.trace_id_low == 5 && span.parent_id == 6 && divak_span_is_sampled(&span));
    text_carrier carrier = {.length = 0};
    CHECK_INT(DIVAK_OK, divak_inject(t.tracer, &span, put_text, &carrier));
    expect_text("x-own: 5:r\nx-empty: \n", carrier.lines);
    divak_span_finish(&span);
    tracing_end(&t);
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

CHECK_MAIN()
