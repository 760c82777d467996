/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_test.c - headers into parents and spans into headers: the tables of both formats row
 * by row, what is read when several formats come, whom we trust, and that what is written is read
 * as it was. */
#include "propagation_fixture.h"

#define T64 "463ac35c9f6413ad"
#define T128 "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "48485a3953bb6124"
#define PARENT "00f067aa0ba902b7"

/* ---- B3 -------------------------------------------------------------------------------------- */

TEST(the_single_line_is_read_as_its_table_says) {
    static const char *const rows[][2] = {
        {"b3: 0", "//- deny"},
        {"b3: 1", "//- accept"},
        {"b3: d", "//- debug"},
        {"b3: " T64 "-" SPAN, T64 "/" SPAN "/- defer"},
        {"b3: " T128 "-" SPAN "-1", T128 "/" SPAN "/- accept"},
        {"b3: " T64 "-" SPAN "-0", T64 "/" SPAN "/- deny"},
        {"b3: " T64 "-" SPAN "-d", T64 "/" SPAN "/- debug"},
        {"B3: " T64 "-" SPAN "-1-" PARENT, T64 "/" SPAN "/" PARENT " accept"},
        {"b3: " T64 "-" SPAN "-" PARENT, T64 "/" SPAN "/" PARENT " defer"},
        {"b3: " T64 "-" SPAN "-1-0000000000000000", T64 "/" SPAN "/- accept"},
        {"b3: 0000000000000000" T64 "-" SPAN, T64 "/" SPAN "/- defer"},
        {"b3: ", "absent"},
        {"b3: x", "absent"},
        {"b3: true", "absent"},
        {"b3: " T64 "-" SPAN "-", "absent"},
        {"b3: " T64 "--" SPAN, "absent"},
        {"b3: " T64 "-" SPAN "-1-" PARENT "-1", "absent"},
        {"b3: 463AC35C9F6413AD-" SPAN, "absent"},
        {"b3:  " T64 "-" SPAN, "absent"},
        {"b3: 0000000000000000-" SPAN, "absent"},
        {"b3: " T64 "-0000000000000000", "absent"},
        {"b3: 463ac35c9f6413a-" SPAN, "absent"},
        {"b3: 0123456789abcdef0123456789abcdef-0123456789abcd", "absent"}, /* 47 characters */
        {"b3: 0\nb3: 0", "//- deny"},
        {"b3: 0\nb3: 1", "absent"},
    };
    fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bad = divak_load_relaxed(&f.propagation.bad_header);
        expect_extract(&f, rows[i][0], rows[i][1]);
        bad = divak_load_relaxed(&f.propagation.bad_header) - bad;
        CHECK_INT(strcmp(rows[i][1], "absent") == 0, bad);
    }
    fixture_deinit(&f);
}

#define MULTI(trace, span) "X-B3-TraceId: " trace "\nX-B3-SpanId: " span

TEST(the_several_lines_are_read_as_their_table_says) {
    static const char *const rows[][2] = {
        {MULTI(T64, SPAN), T64 "/" SPAN "/- defer"},
        {MULTI(T128, SPAN) "\nX-B3-ParentSpanId: " PARENT, T128 "/" SPAN "/" PARENT " defer"},
        {MULTI(T64, SPAN) "\nX-B3-Sampled: 1", T64 "/" SPAN "/- accept"},
        {MULTI(T64, SPAN) "\nX-B3-Sampled: 0", T64 "/" SPAN "/- deny"},
        {MULTI(T64, SPAN) "\nx-b3-sampled: True", T64 "/" SPAN "/- accept"},
        {MULTI(T64, SPAN) "\nX-B3-Flags: 1\nX-B3-Sampled: 0", T64 "/" SPAN "/- debug"},
        {MULTI(T64, SPAN) "\nX-B3-Flags: 0", T64 "/" SPAN "/- defer"},
        {MULTI(T64, SPAN) "\nX-B3-Flags: 7\nX-B3-Sampled: 1", T64 "/" SPAN "/- accept"},
        {MULTI("ab", "cd"), "00000000000000ab/00000000000000cd/- defer"},
        {"X-B3-Sampled: 0", "//- deny"},
        {"X-B3-Sampled: 1", "//- accept"},
        {"X-B3-Flags: 1", "//- debug"},
        {"X-B3-Flags: 0", "absent"},
        {"X-B3-ParentSpanId: " PARENT, "absent"},
        {"X-B3-TraceId: " T64, "absent"},
        {"X-B3-SpanId: " SPAN, "absent"},
        {MULTI("a", SPAN), "absent"},
        {MULTI("463AC35C9F6413AD", SPAN) "\nX-B3-Sampled: 1", "absent"},
        {MULTI("0000000000000000", SPAN), "absent"},
        {MULTI("-", SPAN), "absent"},
        {MULTI(T64, SPAN) "\nX-B3-Sampled: 2", "absent"},
        {MULTI(T64, SPAN) "\nX-B3-Sampled: ", "absent"},
        {MULTI(T64, SPAN) "\nX-B3-ParentSpanId: zz", "absent"},
        {MULTI(T64, SPAN) "\nX-B3-SpanId: " PARENT, "absent"},
    };
    fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_extract(&f, rows[i][0], rows[i][1]);
    }
    fixture_deinit(&f);
}

/* ---- W3C ------------------------------------------------------------------------------------- */

TEST(traceparent_is_read_as_its_table_says) {
    static const char *const rows[][2] = {
        {"traceparent: 00-" T128 "-" SPAN "-01", T128 "/" SPAN "/- accept"},
        {"Traceparent: 00-" T128 "-" SPAN "-00", T128 "/" SPAN "/- deny"},
        {"traceparent: 00-" T128 "-" SPAN "-03", T128 "/" SPAN "/- accept random"},
        {"traceparent: 00-" T128 "-" SPAN "-ff", T128 "/" SPAN "/- accept random"},
        {"traceparent: 00-0000000000000000" T64 "-" SPAN "-01", T64 "/" SPAN "/- accept"},
        {"traceparent: cc-" T128 "-" SPAN "-01-more", T128 "/" SPAN "/- accept"},
        {"traceparent: cc-" T128 "-" SPAN "-01more", "absent"},
        {"traceparent: 00-" T128 "-" SPAN "-01-more", "absent"},
        {"traceparent: ff-" T128 "-" SPAN "-01", "absent"},
        {"traceparent: 00-00000000000000000000000000000000-" SPAN "-01", "absent"},
        {"traceparent: 00-" T128 "-0000000000000000-01", "absent"},
        {"traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", "absent"},
        {"traceparent: 00_" T128 "-" SPAN "-01", "absent"},
        {"traceparent: 00-" T128 "-" SPAN, "absent"},
        {"traceparent: ", "absent"},
        {"traceparent: 00-" T128 "-" SPAN "-01\ntraceparent: 00-" T128 "-" SPAN "-01", "absent"},
    };
    fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bad = divak_load_relaxed(&f.propagation.bad_header);
        expect_extract(&f, rows[i][0], rows[i][1]);
        bad = divak_load_relaxed(&f.propagation.bad_header) - bad;
        CHECK_INT(strcmp(rows[i][1], "absent") == 0, bad);
    }
    fixture_deinit(&f);
}

/* What came as tracestate, and what goes on; NULL: nothing. */
static void expect_tracestate(fixture *f, const char *lines, const char *expected) {
    divak_span span;
    CHECK_INT(DIVAK_OK, extract_lines(f, lines, &span));
    const char *sent = strstr(injected(f, &span), "tracestate: ");
    CHECK((sent != NULL) == (expected != NULL));
    if (sent != NULL && expected != NULL) {
        CHECK_TEXT(expected, sent + 12, strcspn(sent + 12, "\n"));
    }
    divak_propagation_release(&f->propagation, &span);
}

#define PARENTED "traceparent: 00-" T128 "-" SPAN "-01\n"

TEST(tracestate_goes_on_as_it_came_or_not_at_all) {
    fixture f;
    fixture_init(&f);
    expect_tracestate(&f, PARENTED "tracestate: rojo=1,congo=t61", "rojo=1,congo=t61");
    expect_tracestate(&f, PARENTED "tracestate: rojo=1\ntracestate: congo=2", "rojo=1,congo=2");
    expect_tracestate(&f, PARENTED "tracestate: fw529a3039@dt=1, 0a@b@c=2 ,,",
                      "fw529a3039@dt=1, 0a@b@c=2 ,,");
    expect_tracestate(&f, PARENTED "tracestate: ,", NULL);
    expect_tracestate(&f, PARENTED "tracestate: Rojo=1", NULL);
    expect_tracestate(&f, PARENTED "tracestate: rojo=1\ntracestate: x", NULL);
    char many[4096] = PARENTED "tracestate: a0=0", *end = many + strlen(many);
    for (int i = 1; i < 32; i++) end += sprintf(end, ",a%d=%d", i, i);
    expect_tracestate(&f, many, strchr(strstr(many, "tracestate:"), ' ') + 1);
    sprintf(end, ",a32=32");
    expect_tracestate(&f, many, NULL);
    fixture_deinit(&f);
}

TEST(tracestate_of_another_trace_is_not_mixed_in) {
    fixture f;
    fixture_init(&f);
    expect_tracestate(&f, "b3: " T128 "-" PARENT "-1\n" PARENTED "tracestate: rojo=1", "rojo=1");
    expect_tracestate(&f, "b3: " T64 "-" PARENT "-1\n" PARENTED "tracestate: rojo=1", NULL);
    expect_tracestate(&f, "b3: " T64 "-" PARENT "-1\ntracestate: rojo=1", NULL);
    const char *high = "b3: 00f067aa0ba902b7a3ce929d0e0e4736-" PARENT "-1\n";
    char lines[400];
    snprintf(lines, sizeof lines, "%s%s", high, PARENTED "tracestate: rojo=1");
    expect_tracestate(&f, lines, NULL);
    const char *low = "b3: 4bf92f3577b34da600f067aa0ba902b7-" PARENT "-1\n";
    snprintf(lines, sizeof lines, "%s%s", low, PARENTED "tracestate: rojo=1");
    expect_tracestate(&f, lines, NULL);
    f.propagation.inject = (divak_formats){.b3 = true};
    expect_tracestate(&f, PARENTED "tracestate: rojo=1", NULL);
    divak_span span;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "tracestate: rojo=1", &span));
    CHECK_INT(0, span.baggage);
    fixture_deinit(&f);
}

/* ---- Several formats ------------------------------------------------------------------------- */

TEST(the_first_well_formed_format_wins_and_malformed_ones_fall_through) {
    fixture f;
    fixture_init(&f);
    const char *other = "00000000000000ab/00000000000000cd/- defer";
    expect_extract(&f, MULTI("ab", "cd") "\nb3: " T64 "-" SPAN "-1", T64 "/" SPAN "/- accept");
    expect_extract(&f, MULTI("ab", "cd") "\nb3: bad", other);
    expect_extract(&f, MULTI("ab", "cd") "\nb3: 0", "//- deny");
    expect_extract(&f, PARENTED MULTI("ab", "cd"), other);
    CHECK_INT(1, divak_load_relaxed(&f.propagation.bad_header));
    expect_extract(&f, PARENTED MULTI("zz", "cd") "\nb3: ", T128 "/" SPAN "/- accept");
    CHECK_INT(3, divak_load_relaxed(&f.propagation.bad_header));
    f.propagation.extract.b3 = false;
    expect_extract(&f, MULTI("ab", "cd") "\nb3: " T64 "-" SPAN "-1", other);
    f.propagation.extract.b3multi = false;
    expect_extract(&f, MULTI("ab", "cd") "\nb3: " T64 "-" SPAN "-1", "absent");
    f.propagation.extract.tracecontext = false;
    expect_extract(&f, PARENTED MULTI("ab", "cd"), "absent");
    fixture_deinit(&f);
}

#define IDS T64 "/" SPAN "/- "

TEST(what_headers_may_decide_depends_on_trust) {
    static const char *const rows[][4] = {
        /* headers, all, limited, none */
        {"b3: 0", "//- deny", "//- deny", "absent"},
        {"b3: 1", "//- accept", "//- wish", "absent"},
        {"b3: d", "//- debug", "//- wish", "absent"},
        {"b3: ab", "absent", "absent", "absent"},
        {"b3: " T64 "-" SPAN "-0", IDS "deny", IDS "deny", IDS "defer"},
        {"b3: " T64 "-" SPAN "-d", IDS "debug", IDS "wish", IDS "defer"},
        {PARENTED, T128 "/" SPAN "/- accept", T128 "/" SPAN "/- wish", T128 "/" SPAN "/- defer"},
    };
    fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int trust = 0; trust < 3; trust++) {
            f.propagation.trust = (divak_trust)trust;
            expect_extract(&f, rows[i][0], rows[i][1 + trust]);
        }
    }
    fixture_deinit(&f);
}

TEST(malformed_headers_do_what_the_policy_says) {
    fixture f;
    fixture_init(&f);
    divak_span span;
    f.propagation.extract_failure = DIVAK_EXTRACT_ERROR;
    CHECK_INT(DIVAK_ERROR_INVALID, extract_lines(&f, "b3: bad", &span));
    CHECK_INT(DIVAK_ERROR_INVALID, extract_lines(&f, "b3: bad\ntraceparent: bad", &span));
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "accept: text/html", &span));
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: bad\nX-B3-Sampled: 1", &span));
    f.propagation.trust = DIVAK_TRUST_NONE;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "b3: 1\ntraceparent: bad", &span));
    f.propagation.trust = DIVAK_TRUST_ALL;
    f.propagation.extract_failure = DIVAK_EXTRACT_TAG;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "b3: bad", &span));
    CHECK_INT(DIVAK_SPAN_EXTRACT_FAILED, span.flags);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "accept: text/html", &span));
    CHECK_INT(0, span.flags);
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: bad\nX-B3-Sampled: 1", &span));
    CHECK_INT(0, span.flags & DIVAK_SPAN_EXTRACT_FAILED);
    fixture_deinit(&f);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static divak_span span_with(uint32_t flags, uint64_t parent) {
    return (divak_span){.trace_id_low = UINT64_C(0x463ac35c9f6413ad),
                        .span_id = UINT64_C(0x48485a3953bb6124),
                        .parent_id = parent,
                        .flags = flags};
}

#define W3C64 "traceparent: 00-0000000000000000" T64 "-" SPAN

TEST(every_decision_is_written_in_every_format) {
    static const struct {
        uint32_t flags;
        const char *headers;
    } rows[] = {
        {0, "b3: " T64 "-" SPAN "\n" MULTI(T64, SPAN) "\n" W3C64 "-00\n"},
        {DIVAK_SPAN_DECIDED,
         "b3: " T64 "-" SPAN "-0\n" MULTI(T64, SPAN) "\nX-B3-Sampled: 0\n" W3C64 "-00\n"},
        {DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED | DIVAK_SPAN_RANDOM,
         "b3: " T64 "-" SPAN "-1\n" MULTI(T64, SPAN) "\nX-B3-Sampled: 1\n" W3C64 "-03\n"},
        {DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DEBUG,
         "b3: " T64 "-" SPAN "-d\n" MULTI(T64, SPAN) "\nX-B3-Flags: 1\n" W3C64 "-01\n"},
        {DIVAK_SPAN_SAMPLED | DIVAK_SPAN_REMOTE,
         "b3: " T64 "-" SPAN "\n" MULTI(T64, SPAN) "\n" W3C64 "-00\n"},
    };
    fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_span span = span_with(rows[i].flags, 0);
        expect_text(rows[i].headers, injected(&f, &span));
    }
    divak_span span = span_with(DIVAK_SPAN_DECIDED, UINT64_C(0x00f067aa0ba902b7));
    expect_text("b3: " T64 "-" SPAN "-0-" PARENT "\n" MULTI(T64, SPAN)
                "\nX-B3-ParentSpanId: " PARENT "\nX-B3-Sampled: 0\n" W3C64 "-00\n",
                injected(&f, &span));
    span = (divak_span){.flags = DIVAK_SPAN_DECIDED};
    expect_text("b3: 0\nX-B3-Sampled: 0\n", injected(&f, &span));
    expect_text("", injected(&f, &(divak_span){.flags = 0}));
    fixture_deinit(&f);
}

TEST(a_message_gets_one_line_without_a_parent) {
    fixture f;
    fixture_init(&f);
    divak_span span = span_with(DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED, 1);
    f.propagation.inject = (divak_formats){.b3multi = true};
    expect_text("b3: " T64 "-" SPAN "-1\n", injected_as(&f, &span, true));
    f.propagation.inject.tracecontext = true;
    expect_text("b3: " T64 "-" SPAN "-1\n" W3C64 "-01\n", injected_as(&f, &span, true));
    f.propagation.inject = (divak_formats){.tracecontext = true};
    expect_text(W3C64 "-01\n", injected_as(&f, &span, true));
    fixture_deinit(&f);
}

TEST(nothing_given_is_nothing_read_or_written) {
    fixture f;
    fixture_init(&f);
    divak_span span;
    divak_header strange[] = {{NULL, 2, "0", 1}, {"b3", 2, NULL, 5}, {"", 0, "x", 1}};
    CHECK_INT(DIVAK_ABSENT, divak_propagation_extract_headers(&f.propagation, NULL, 3, &span));
    CHECK_INT(DIVAK_ABSENT, divak_propagation_extract_headers(&f.propagation, strange, 3, &span));
    CHECK_INT(DIVAK_ABSENT, divak_propagation_extract_headers(NULL, strange, 3, &span));
    CHECK_INT(0, span.tracer);
    CHECK_INT(DIVAK_ABSENT, divak_propagation_extract(&f.propagation, NULL, NULL, &span));
    CHECK_INT(DIVAK_ERROR_INVALID,
              divak_propagation_extract_headers(&f.propagation, strange, 3, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_propagation_inject(&f.propagation, NULL, false, put_line, NULL));
    span = span_with(0, 0);
    CHECK_INT(DIVAK_ABSENT, divak_propagation_inject(&f.propagation, &span, false, NULL, NULL));
    CHECK_INT(DIVAK_ABSENT, divak_propagation_inject(NULL, &span, false, put_line, NULL));
    static divak_header_block block;
    CHECK_INT(DIVAK_ABSENT, divak_propagation_inject_block(NULL, &span, &block));
    CHECK_INT(0, block.count);
    divak_propagation_release(&f.propagation, NULL);
    divak_propagation_release(&f.propagation, &span);
    divak_propagation_release(NULL, &span);
    char text[33];
    divak_span_trace_id_text(NULL, text);
    CHECK_TEXT("", text, strlen(text));
    divak_span_id_text(&(divak_span){.flags = 0}, text);
    CHECK_TEXT("", text, strlen(text));
    fixture_deinit(&f);
}

/* ---- What is written is read as it was ------------------------------------------------------- */

static divak_span random_span(uint64_t *state) {
    enum { ACCEPT = DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED };
    static const uint32_t decisions[] = {0, DIVAK_SPAN_DECIDED, ACCEPT, ACCEPT | DIVAK_SPAN_DEBUG};
    uint64_t choice = fixture_random(state);
    divak_span span = {.flags = decisions[choice % 4] | DIVAK_SPAN_REMOTE,
                       .tracer = FIXTURE_TRACER};
    if (choice >> 8 & 7) {
        span.trace_id_low = fixture_random(state) >> (choice >> 16 & 31);
        if (choice >> 11 & 1) span.trace_id_high = fixture_random(state);
        span.span_id = fixture_random(state);
        if (choice >> 12 & 1) span.parent_id = fixture_random(state);
    }
    return span;
}

TEST(all_combinations_of_formats_give_back_what_they_were_given) {
    fixture f;
    fixture_init(&f);
    uint64_t state = UINT64_C(0x853c49e6748fea9b);
    printf("  seed %llu\n", (unsigned long long)state);
    for (int i = 0; i < 8 * 2000; i++) {
        divak_formats formats = {i & 1, i >> 1 & 1, i >> 2 & 1, false, false, 0};
        f.propagation.inject = formats;
        f.propagation.extract = (divak_formats){true, true, true, true, true, 0};
        if (fixture_random(&state) % 2) f.propagation.extract = formats;
        divak_span sent = random_span(&state), expected = sent, read;
        const divak_span nothing = {.tracer = FIXTURE_TRACER};
        bool has_b3 = formats.b3 || formats.b3multi, has_ids = sent.span_id != 0;
        if (!has_b3) {
            /* traceparent knows no parent, no debug and no "not decided". */
            expected.parent_id = 0;
            expected.flags &= ~(uint32_t)DIVAK_SPAN_DEBUG;
            expected.flags |= DIVAK_SPAN_DECIDED;
            if (!has_ids || !formats.tracecontext) expected = nothing;
        } else if (!has_ids && !(sent.flags & DIVAK_SPAN_DECIDED)) {
            expected = nothing;
        }
        const char *lines = injected(&f, &sent);
        int status = extract_lines(&f, lines, &read);
        CHECK_INT(expected.flags == 0 ? DIVAK_ABSENT : DIVAK_OK, status);
        bool is_same = memcmp(&expected, &read, sizeof read) == 0;
        if (!is_same) printf("  round %d: %s\n%s", i, described(&sent), lines);
        CHECK(is_same);
        if (!is_same) break;
    }
    CHECK_INT(0, divak_load_relaxed(&f.propagation.bad_header));
    fixture_deinit(&f);
}

CHECK_MAIN()
