/* SPDX-License-Identifier: Apache-2.0 */
/* baggage_api_test.c - what travels beside the ids: declared fields, W3C members, request ids, over
 * hops, through copies, and what setting one changes. */
#include "propagation_fixture.h"
#include "wire/request_id.h"

/* ---- Declared fields ------------------------------------------------------------------------- */

TEST(a_declared_field_crosses_two_hops_and_an_undeclared_header_does_not) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.b3 = true};
    declare(&f, "country-code, user = x-user-id | X-Uid , X-Amzn-Trace-Id");
    const char *lines = "b3: 1\ncountry-code: FO\nX-UID: amelie\nsecret: no\n"
                        "x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678;Sampled=1\n";
    const char *sent = "b3: 1\ncountry-code: FO\nx-user-id: amelie\n"
                       "x-amzn-trace-id: Root=1-67891233-abcdef012345678912345678;Sampled=1\n";
    divak_span first, second;
    CHECK_INT(DIVAK_OK, extract_lines(&f, lines, &first));
    expect_baggage(&f, &first, "Country-Code", "FO");
    expect_baggage(&f, &first, "user", "amelie");
    expect_baggage(&f, &first, "x-uid", NULL);
    expect_baggage(&f, &first, "secret", NULL);
    expect_text(sent, injected(&f, &first));
    CHECK_INT(DIVAK_OK, extract_lines(&f, sent, &second));
    divak_propagation_release(&f.propagation, &first);
    expect_text(sent, injected(&f, &second));
    divak_propagation_release(&f.propagation, &second);
    expect_baggage(&f, &second, "user", NULL);
    fixture_deinit(&f);
}

TEST(a_local_field_is_never_on_the_wire) {
    fixture f;
    fixture_init(&f);
    declare(&f, "-local");
    divak_span span;
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 1\nlocal: from outside", &span));
    expect_baggage(&f, &span, "local", NULL);
    CHECK_INT(DIVAK_OK, set(&f, &span, "local", "caf\xc3\xa9\r\n"));
    expect_baggage(&f, &span, "local", "caf\xc3\xa9\r\n");
    expect_text("b3: 1\nX-B3-Sampled: 1\n", injected(&f, &span));
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

TEST(a_child_inherits_baggage_and_its_parent_does_not_see_its_changes) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.b3 = true};
    declare(&f, "a,b");
    divak_span incoming;
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 0\na: 1", &incoming));
    divak_span child = start(&f, &incoming, true);
    divak_span copy = child;
    CHECK_INT(DIVAK_OK, set(&f, &child, "b", "2"));
    CHECK_INT(DIVAK_OK, set(&f, &child, "a", "3"));
    expect_baggage(&f, &child, "a", "3");
    expect_baggage(&f, &child, "b", "2");
    expect_baggage(&f, &incoming, "a", "1");
    expect_baggage(&f, &incoming, "b", NULL);
    divak_propagation_release(&f.propagation, &incoming);
    divak_propagation_release(&f.propagation, &incoming);
    expect_baggage(&f, &copy, "a", "1");
    CHECK_INT(DIVAK_OK, set(&f, &child, "a", NULL));
    expect_baggage(&f, &child, "a", NULL);
    expect_baggage(&f, &copy, "a", "1");
    /* Unsampled, and carried all the same. */
    expect_text("b3: 0000000000000001-0000000000000002-0\nb: 2\n", injected(&f, &child));
    divak_propagation_release(&f.propagation, &child); /* owns nothing: harmless */
    expect_baggage(&f, &child, "b", "2");
    finish(&f);
    expect_baggage(&f, &child, "b", NULL);
    expect_baggage(&f, &copy, "a", NULL);
    fixture_deinit(&f);
}

TEST(letting_go_of_copies_of_a_parent_takes_nothing_from_its_child) {
    fixture f;
    fixture_init(&f);
    declare(&f, "a");
    divak_span incoming;
    CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 0\na: 1", &incoming));
    divak_span child = start(&f, &incoming, true), copy = incoming;
    CHECK_INT(DIVAK_OK, set(&f, &incoming, "a", "2"));
    expect_baggage(&f, &copy, "a", "1");
    divak_propagation_release(&f.propagation, &incoming);
    divak_propagation_release(&f.propagation, &copy);
    CHECK_INT(0, copy.baggage);
    expect_baggage(&f, &child, "a", "1");
    finish(&f);
    fixture_deinit(&f);
}

TEST(a_span_without_a_slot_gets_one_to_hold_its_baggage) {
    fixture f;
    fixture_init(&f);
    declare(&f, "a");
    divak_span span = start(&f, NULL, false);
    CHECK_INT(DIVAK_OK, set(&f, &span, "a", NULL));
    CHECK_INT(0, slot.adopted);
    slot.status = DIVAK_ERROR_FULL;
    CHECK_INT(DIVAK_ERROR_FULL, set(&f, &span, "a", "1"));
    CHECK_INT(0, span.baggage);
    slot.status = DIVAK_OK;
    CHECK_INT(DIVAK_OK, set(&f, &span, "a", "1"));
    CHECK_INT(1, slot.adopted);
    slot.status = DIVAK_ERROR_ENDED;
    CHECK_INT(DIVAK_ERROR_ENDED, set(&f, &span, "a", "2"));
    expect_baggage(&f, &span, "a", "1");
    finish(&f);
    fixture_deinit(&f);
}

TEST(a_span_that_was_started_without_ids_is_held_by_a_slot_all_the_same) {
    fixture f;
    fixture_init(&f);
    declare(&f, "a");
    (void)start(&f, NULL, false);
    divak_span span = {.tracer = FIXTURE_TRACER, .flags = DIVAK_SPAN_STARTED};
    CHECK_INT(DIVAK_OK, set(&f, &span, "a", "1"));
    CHECK_INT(1, slot.adopted);
    CHECK_INT(0, span.flags & DIVAK_SPAN_OWNS_BAGGAGE);
    span.flags = 0; /* one with a slot is never the value's own business */
    CHECK_INT(DIVAK_OK, set(&f, &span, "a", "2"));
    CHECK_INT(0, span.flags & DIVAK_SPAN_OWNS_BAGGAGE);
    expect_baggage(&f, &span, "a", "2");
    finish(&f);
    fixture_deinit(&f);
}

TEST(fields_are_declared_as_the_setting_says_or_not_at_all) {
    static const struct {
        const char *text;
        int status;
        size_t fields;
    } rows[] = {
        {"", DIVAK_OK, 0},
        {" none ", DIVAK_OK, 0},
        {"a", DIVAK_OK, 1},
        {"a,b=x|y,-c", DIVAK_OK, 3},
        {"a,A", DIVAK_ERROR_INVALID, 0},
        {"a=x,b=X", DIVAK_ERROR_INVALID, 0},
        {"a=x|x", DIVAK_ERROR_INVALID, 0},
        {"a,,b", DIVAK_ERROR_INVALID, 0},
        {"a,", DIVAK_ERROR_INVALID, 0},
        {"a=", DIVAK_ERROR_INVALID, 0},
        {"a=x|", DIVAK_ERROR_INVALID, 0},
        {"=x", DIVAK_ERROR_INVALID, 0},
        {"-a=x", DIVAK_ERROR_INVALID, 0},
        {"-", DIVAK_ERROR_INVALID, 0},
        {"a b", DIVAK_ERROR_INVALID, 0},
        {"a\r\nb", DIVAK_ERROR_INVALID, 0},
        {"caf\xc3\xa9", DIVAK_ERROR_INVALID, 0},
        {"B3", DIVAK_ERROR_INVALID, 0},
        {"a=x-b3-traceid", DIVAK_ERROR_INVALID, 0},
        {"a=tracestate", DIVAK_ERROR_INVALID, 0},
        {"a=X-Request-Id", DIVAK_ERROR_INVALID, 0},
        {"request-id=x", DIVAK_ERROR_INVALID, 0},
        {"a=1|2|3|4", DIVAK_OK, 1},
        {"a=1|2|3|4|5", DIVAK_ERROR_FULL, 0},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o", DIVAK_OK, 15},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", DIVAK_ERROR_FULL, 0},
        {"a234567890123456789012345678901234567890123456789012345678901234", DIVAK_ERROR_INVALID,
         0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_propagation propagation;
        divak_propagation_init(&propagation);
        int status = divak_propagation_add_fields(&propagation, rows[i].text, strlen(rows[i].text));
        if (status != rows[i].status) printf("  row %zu: %s\n", i, rows[i].text);
        CHECK_INT(rows[i].status, status);
        CHECK_INT(rows[i].fields, propagation.declared_count);
    }
    divak_propagation propagation;
    divak_propagation_init(&propagation);
    CHECK_INT(DIVAK_OK, divak_propagation_add_fields(&propagation, NULL, 5));
    CHECK_INT(DIVAK_OK, divak_propagation_add_fields(&propagation, "a", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_set_request_id_header(&propagation, "A", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_set_request_id_header(&propagation, "B3", 2));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_set_request_id_header(&propagation, "a b", 3));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_propagation_set_request_id_header(&propagation, NULL, 0));
    CHECK_INT(DIVAK_OK,
              divak_propagation_set_request_id_header(&propagation, "Correlation-ID", 14));
    CHECK_TEXT("correlation-id", propagation.request_id_header.text, 14);
}

TEST(all_header_names_are_listed_for_clearing) {
    fixture f;
    fixture_init(&f);
    declare(&f, "country-code,user=x-user-id|x-uid,-local");
    static const char *const names[] = {
        "b3",         "X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId", "X-B3-Sampled",
        "X-B3-Flags", "traceparent",  "tracestate",  "baggage",           "x-request-id",
        "country-code", "x-user-id",  "x-uid"};
    for (size_t i = 0; i < 13; i++) {
        const char *name = divak_propagation_header_at(&f.propagation, i);
        expect_text(names[i], name == NULL ? "" : name);
    }
    CHECK(divak_propagation_header_at(&f.propagation, 13) == NULL);
    CHECK(divak_propagation_header_at(&f.propagation, SIZE_MAX) == NULL);
    CHECK(divak_propagation_header_at(NULL, 0) == NULL);
    f.propagation.extract = f.propagation.inject = (divak_formats){.tracecontext = true};
    expect_text("traceparent", divak_propagation_header_at(&f.propagation, 0));
    expect_text("country-code", divak_propagation_header_at(&f.propagation, 2));
    fixture_deinit(&f);
}

/* ---- W3C baggage ----------------------------------------------------------------------------- */

TEST(members_cross_with_their_properties_and_are_read_decoded) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.baggage = true};
    divak_span span;
    const char *lines = "baggage: user=Am%C3%A9lie , tenant = 7 ;ttl=30;pin\n"
                        "baggage: bad one,x=\"\nbaggage: e=";
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, lines, &span));
    CHECK_INT(DIVAK_SPAN_OWNS_BAGGAGE, span.flags);
    CHECK_INT(2, divak_load_relaxed(&f.propagation.baggage_dropped));
    expect_baggage(&f, &span, "user", "Am\xc3\xa9lie");
    expect_baggage(&f, &span, "tenant", "7");
    expect_baggage(&f, &span, "e", "");
    expect_baggage(&f, &span, "User", NULL);
    expect_text("baggage: user=Am%C3%A9lie,tenant=7;ttl=30;pin,e=\n", injected(&f, &span));
    divak_span before = span;
    CHECK_INT(DIVAK_OK, set(&f, &span, "tenant", "a, b;\r\nx: y"));
    CHECK_INT(DIVAK_OK, set(&f, &span, "new", "1"));
    CHECK_INT(DIVAK_OK, set(&f, &span, "e", NULL));
    expect_text("baggage: user=Am%C3%A9lie,tenant=a%2C%20b%3B%0D%0Ax:%20y,new=1\n",
                injected(&f, &span));
    expect_baggage(&f, &span, "tenant", "a, b;\r\nx: y");
    expect_text("baggage: user=Am%C3%A9lie,tenant=7;ttl=30;pin,e=\n", injected(&f, &before));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "a b", "1"));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "", "1"));
    CHECK_INT(DIVAK_OK, set(&f, &span, "user", NULL));
    CHECK_INT(DIVAK_OK, set(&f, &span, "tenant", NULL));
    CHECK_INT(DIVAK_OK, set(&f, &span, "new", NULL));
    expect_text("", injected(&f, &span));
    f.propagation.inject.baggage = false;
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "user", "1"));
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

TEST(a_value_is_copied_as_far_as_there_is_room_and_its_length_told) {
    fixture f;
    fixture_init(&f);
    divak_span span;
    extract_lines(&f, "baggage: user=Am%C3%A9lie,plain=abcdef", &span);
    char out[8];
    size_t length = 0;
    memset(out, 'x', sizeof out);
    CHECK_INT(DIVAK_ERROR_TRUNCATED, get(&f, &span, "user", out, 3, &length));
    CHECK_INT(7, length);
    CHECK_TEXT("Am", out, 2); /* not half of the letter behind */
    CHECK_INT(0, out[2]);
    CHECK_INT(DIVAK_OK, get(&f, &span, "plain", out, 6, &length));
    CHECK_TEXT("abcdefxx", out, 8);
    CHECK_INT(DIVAK_ERROR_TRUNCATED, get(&f, &span, "plain", NULL, 9, &length));
    CHECK_INT(6, length);
    CHECK_INT(DIVAK_OK, get(&f, &span, "plain", out, 8, NULL));
    CHECK_TEXT("abcdef", out, strlen(out));
    CHECK_INT(DIVAK_ABSENT, get(&f, &span, NULL, out, 8, NULL));
    CHECK_INT(DIVAK_ABSENT, get(&f, NULL, "a", out, 8, NULL));
    CHECK_INT(DIVAK_ABSENT, get(NULL, &span, "a", out, 8, NULL));
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

TEST(a_member_gives_way_to_the_declared_field_of_its_name) {
    fixture f;
    fixture_init(&f);
    f.propagation.inject = (divak_formats){.baggage = true};
    declare(&f, "user=x-user");
    divak_span span;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "baggage: user=old,b=1", &span));
    expect_baggage(&f, &span, "user", "old");
    CHECK_INT(DIVAK_OK, set(&f, &span, "user", "new"));
    expect_text("x-user: new\nbaggage: b=1\n", injected(&f, &span));
    CHECK_INT(DIVAK_OK, set(&f, &span, "user", NULL));
    expect_baggage(&f, &span, "user", NULL);
    divak_propagation_release(&f.propagation, &span);
    fixture_deinit(&f);
}

/* ---- Request ids ----------------------------------------------------------------------------- */

TEST(a_request_id_is_copied_and_a_bad_one_is_none) {
    fixture f;
    fixture_init(&f);
    CHECK_INT(DIVAK_OK,
              divak_propagation_set_request_id_header(&f.propagation, "Correlation-ID", 14));
    divak_span span;
    CHECK_INT(DIVAK_ABSENT,
              extract_lines(&f, "correlation-id: req:42/west\nx-request-id: 7", &span));
    expect_baggage(&f, &span, "request-id", "req:42/west");
    expect_text("correlation-id: req:42/west\n", injected(&f, &span));
    CHECK_INT(DIVAK_OK, set(&f, &span, "request-id", "other"));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "request-id", "a b"));
    CHECK_INT(DIVAK_ERROR_INVALID, set(&f, &span, "request-id", ""));
    expect_text("correlation-id: other\n", injected(&f, &span));
    divak_propagation_release(&f.propagation, &span);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "correlation-id: a b", &span));
    CHECK_INT(0, span.baggage);
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "correlation-id: a\ncorrelation-id: b", &span));
    CHECK_INT(0, span.baggage);
    CHECK_INT(2, divak_load_relaxed(&f.propagation.bad_header));
    fixture_deinit(&f);
}

TEST(a_request_id_is_made_where_none_came_when_asked_for) {
    fixture f;
    fixture_init(&f);
    uint64_t state = 88172645463325252u;
    f.propagation.does_generate_request_id = true;
    divak_span span;
    CHECK_INT(DIVAK_ABSENT, extract_lines(&f, "", &span));
    CHECK_INT(0, span.baggage); /* no source of randomness */
    f.propagation.random = fixture_random;
    f.propagation.random_context = &state;
    char ids[3][64];
    static const char *const incoming[] = {"b3: 1", "b3: 1\nx-request-id: \x01",
                                           "b3: 1\nX-Request-ID: mine"};
    for (int i = 0; i < 3; i++) {
        size_t length = 0;
        CHECK_INT(DIVAK_OK, extract_lines(&f, incoming[i], &span));
        CHECK_INT(DIVAK_OK, get(&f, &span, "request-id", ids[i], 64, &length));
        if (i < 2) {
            CHECK_INT(36, length);
            CHECK_INT('4', ids[i][14]);
            CHECK(strchr("89ab", ids[i][19]) != NULL);
        }
        divak_propagation_release(&f.propagation, &span);
    }
    CHECK(strcmp(ids[0], ids[1]) != 0);
    expect_text("mine", ids[2]);
    fixture_deinit(&f);
}

/* What a generator is to say, and how often it was asked. */
typedef struct said {
    const char *id;
    size_t length;
    int asked;
} said;

static size_t say(void *context, char *out, size_t room) {
    said *what = context;
    what->asked++;
    memcpy(out, what->id, what->length < room ? what->length : room);
    return what->length;
}

TEST(a_generator_makes_the_request_id_and_a_uuid_takes_the_place_of_what_may_be_none) {
    fixture f;
    fixture_init(&f);
    uint64_t state = 88172645463325252u;
    f.propagation.random = fixture_random;
    f.propagation.random_context = &state;
    static char longest[DIVAK_REQUEST_ID_MAX + 1];
    memset(longest, 'a', sizeof longest);
    static const struct {
        const char *id;
        size_t length, expected;
    } cases[] = {{"order-7", 7, 7}, {longest, 128, 128}, {longest, 129, 36}, {"a b", 3, 36},
                 {"a\0b", 3, 36},   {"\xc3\xa9", 2, 36}, {"", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        said what = {cases[i].id, cases[i].length, 0};
        f.propagation.make_request_id = say;
        f.propagation.make_request_id_context = &what;
        divak_span span;
        char id[DIVAK_REQUEST_ID_MAX + 1];
        size_t length = 0;
        CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 1", &span));
        int status = get(&f, &span, "request-id", id, sizeof id, &length);
        CHECK_INT(cases[i].expected == 0 ? DIVAK_ABSENT : DIVAK_OK, status);
        if (status == DIVAK_OK) {
            CHECK_INT(cases[i].expected, length);
            if (length == cases[i].length) CHECK(memcmp(id, cases[i].id, length) == 0);
        }
        CHECK_INT(1, what.asked);
        divak_propagation_release(&f.propagation, &span);

        /* One that came is kept. */
        CHECK_INT(DIVAK_OK, extract_lines(&f, "b3: 1\nx-request-id: theirs", &span));
        CHECK_INT(DIVAK_OK, get(&f, &span, "request-id", id, sizeof id, &length));
        expect_text("theirs", id);
        CHECK_INT(1, what.asked);
        divak_propagation_release(&f.propagation, &span);
    }
    CHECK_INT(0, divak_load_relaxed(&f.propagation.bad_header));
    fixture_deinit(&f);
}

CHECK_MAIN()
