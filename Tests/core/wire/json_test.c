/* SPDX-License-Identifier: Apache-2.0 */
/* json_test.c - spans as JSON: what is left out, lower-cased, escaped, mended, and that memory may
 * fail. */
#include "wire/json.h"

#include <math.h>

#include "base/memory.h"
#include "check.h"
#include "divak/status.h"
#include "wire/record_build.h"
#include "wire/span_check.h"

static divak_key_table keys;
static divak_encode_context context;

#define HEAD "{\"traceId\":\"0000000000000001\",\"id\":\"0000000000000002\""

static const divak_encode_settings plain_settings = {.keys = &keys};

/* Encodes what has been built with a context of its own, checks the form, and compares. */
static void check_with(const divak_encode_settings *settings, const char *expected,
                       uint64_t sanitized) {
    divak_buffer out = {0};
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, settings));
    divak_json_begin_list(&out);
    CHECK_INT(DIVAK_OK, divak_json_append_span(&out, &context, build_end()));
    divak_json_end_list(&out);
    CHECK_INT(sanitized, context.sanitized);
    /* Once more: now registered keys and names are copied and not made. */
    divak_buffer again = {0};
    CHECK_INT(DIVAK_OK, divak_json_append_span(&again, &context, build_end()));
    CHECK_TEXT(expected, again.bytes, again.length);
    divak_buffer_deinit(&again);
    checked_texts texts = {0};
    bool is_good = check_json_list(out.bytes, out.length, &texts);
    CHECK(is_good);
    if (!is_good) printf("  %s\n", texts.problem);
    CHECK_TEXT(expected, out.bytes + 1, out.length - 2);
    checked_texts_free(&texts);
    divak_buffer_deinit(&out);
    divak_encode_context_deinit(&context);
}

#define CHECK_SPAN(expected) check_with(&plain_settings, expected, 0)

static divak_record *begin(void) {
    return build_begin(DIVAK_KIND_LOCAL, 1, 2);
}

static void text_tag(const char *key, size_t key_length, const char *value, size_t value_length) {
    build_field(DIVAK_FIELD_TAG_TEXT, key, key_length, value, value_length);
}

TEST(names_are_lower_cased_but_for_letters_beyond_ascii) {
    begin();
    build_text(DIVAK_FIELD_NAME,
               "GET /Users/{ID} @[`{ \xc3\x84\xc3\xa4 and more than ONE block of it");
    build_text(DIVAK_FIELD_REMOTE_SERVICE, "MySQL");
    CHECK_SPAN(HEAD
               ",\"name\":\"get /users/{id} @[`{ \xc3\x84\xc3\xa4 and more than one block of it\","
               "\"remoteEndpoint\":{\"serviceName\":\"mysql\"}}");
}

TEST(a_registered_name_and_key_are_written_like_any) {
    uint32_t name = divak_key_table_add(&keys, "Load \"X\"", 8),
             key = divak_key_table_add(&keys, "k\n", 2);
    for (int again = 0; again < 2; again++) {
        begin();
        build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &name, 4, NULL, 0);
        build_id_tag(key, "v");
        build_id_tag(name, "w");
        CHECK_SPAN(
            HEAD
            ",\"name\":\"load \\\"x\\\"\",\"tags\":{\"k\\n\":\"v\",\"Load \\\"X\\\"\":\"w\"}}");
    }
}

TEST(tags_of_every_type_are_text) {
    int64_t negative = INT64_MIN;
    uint64_t large = UINT64_MAX;
    double tenth = 0.1, nan = (double)NAN, infinity = -(double)INFINITY;
    begin();
    build_text_tag("t", "x");
    build_number_tag(DIVAK_FIELD_TAG_INT, "i", &negative);
    build_number_tag(DIVAK_FIELD_TAG_UINT, "u", &large);
    build_number_tag(DIVAK_FIELD_TAG_DOUBLE, "d", &tenth);
    build_number_tag(DIVAK_FIELD_TAG_DOUBLE, "n", &nan);
    build_number_tag(DIVAK_FIELD_TAG_DOUBLE, "f", &infinity);
    build_field(DIVAK_FIELD_TAG_BOOL, "b", 1, "\1", 1);
    build_field(DIVAK_FIELD_TAG_BOOL, "c", 1, "\0", 1);
    CHECK_SPAN(
        HEAD ",\"tags\":{\"t\":\"x\",\"i\":\"-9223372036854775808\",\"u\":\"18446744073709551615\","
             "\"d\":\"0.1\",\"n\":\"NaN\",\"f\":\"-Infinity\",\"b\":\"true\",\"c\":\"false\"}}");
}

TEST(text_that_looks_like_the_old_format_is_written_with_an_escape) {
    uint32_t key = divak_key_table_add(&keys, "myAnnotations", 13);
    begin();
    build_annotation(1, "yAnnotations", 12);
    build_id_tag(key, "yAnnotations");
    build_text_tag("a longer key that ends in myAnnotations", "a longer value, too: myAnnotations");
    build_text_tag("yannotations", "Annotations");
    build_text_tag("yAnnotationsx", "yAnnotation");
    CHECK_SPAN(HEAD
               ",\"annotations\":[{\"timestamp\":1,\"value\":\"yAnnotation\\u0073\"}],\"tags\":{"
               "\"myAnnotation\\u0073\":\"yAnnotation\\u0073\","
               "\"a longer key that ends in myAnnotation\\u0073\":\"a longer value, too: "
               "myAnnotation\\u0073\","
               "\"yannotations\":\"Annotations\",\"yAnnotationsx\":\"yAnnotation\"}}");
}

TEST(default_tags_give_way_to_those_of_the_span) {
    static const divak_default_tag tags[] = {{"env", 3, "prod", 4},
                                             {"zone", 4, "a", 1},
                                             {"env", 3, "myAnnotations", 13},
                                             {"", 0, "", 0},
                                             {"q\"", 2, "\xff", 1}};
    divak_encode_settings settings = {.keys = &keys, .tags = tags, .tag_count = 5};
    begin();
    check_with(&settings,
               HEAD ",\"tags\":{\"env\":\"myAnnotation\\u0073\",\"zone\":\"a\",\"\":\"\",\"q\\\"\":"
                    "\"\xef\xbf\xbd\"}}",
               1);
    begin();
    build_text_tag("zone", "b");
    build_text_tag("q\"", "");
    check_with(
        &settings,
        HEAD ",\"tags\":{\"zone\":\"b\",\"q\\\"\":\"\",\"env\":\"myAnnotation\\u0073\",\"\":\"\"}}",
        1);
    uint32_t env = divak_key_table_add(&keys, "env", 3);
    settings.tag_count = 1;
    begin();
    build_id_tag(env, "test");
    check_with(&settings, HEAD ",\"tags\":{\"env\":\"test\"}}", 0);
}

TEST(the_local_endpoint_is_the_tracers_but_for_what_the_span_says) {
    divak_encode_settings settings = {
        .keys = &keys,
        .service = "Front\"End",
        .service_length = 9,
        .address = {.has_ipv4 = 1,
                    .has_ipv6 = 1,
                    .port = 8080,
                    .ipv4 = {10, 0, 0, 1},
                    .ipv6 = {0xfe, 0x80, [15] = 1}},
    };
    begin();
    check_with(&settings,
               HEAD ",\"localEndpoint\":{\"serviceName\":\"front\\\"end\",\"ipv4\":\"10.0.0.1\","
                    "\"ipv6\":\"fe80::1\",\"port\":8080}}",
               0);
    begin();
    build_text(DIVAK_FIELD_LOCAL_SERVICE, "Other");
    check_with(&settings,
               HEAD ",\"localEndpoint\":{\"serviceName\":\"other\",\"ipv4\":\"10.0.0.1\","
                    "\"ipv6\":\"fe80::1\",\"port\":8080}}",
               0);
    begin();
    divak_record_address address = {.has_ipv4 = 1, .ipv4 = {255, 0, 99, 100}};
    build_address(DIVAK_FIELD_LOCAL_ADDRESS, &address);
    check_with(
        &settings,
        HEAD ",\"localEndpoint\":{\"serviceName\":\"front\\\"end\",\"ipv4\":\"255.0.99.100\"}}", 0);
    begin();
    build_text(DIVAK_FIELD_LOCAL_SERVICE, "");
    address = (divak_record_address){0};
    build_address(DIVAK_FIELD_LOCAL_ADDRESS, &address);
    build_text(DIVAK_FIELD_REMOTE_SERVICE, "");
    build_address(DIVAK_FIELD_REMOTE_ADDRESS, &address);
    check_with(&settings, HEAD "}", 0);
}

TEST(ipv6_addresses_are_shortened_as_usual) {
    static const struct {
        uint16_t groups[8];
        const char *text;
    } cases[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0}, "::"},
        {{0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
        {{1, 0, 0, 0, 0, 0, 0, 0}, "1::"},
        {{0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}, "2001:db8:0:1:1:1:1:1"},
        {{0x2001, 0, 0, 1, 0, 0, 0, 1}, "2001:0:0:1::1"},
        {{0x2001, 0, 0, 1, 0, 0, 1, 1}, "2001::1:0:0:1:1"},
        {{0, 0, 1, 2, 3, 4, 5, 6}, "::1:2:3:4:5:6"},
        {{1, 2, 3, 4, 5, 6, 0, 0}, "1:2:3:4:5:6::"},
        {{0xffff, 0xfff, 0xff, 0xf, 0xabcd, 0x10, 0x100, 0x1000}, "ffff:fff:ff:f:abcd:10:100:1000"},
        {{0, 1, 0, 1, 0, 1, 0, 1}, "0:1:0:1:0:1:0:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        divak_record_address address = {.has_ipv6 = 1};
        for (int group = 0; group < 8; group++) {
            address.ipv6[2 * group] = (uint8_t)(cases[i].groups[group] >> 8);
            address.ipv6[2 * group + 1] = (uint8_t)cases[i].groups[group];
        }
        char expected[128];
        snprintf(expected, sizeof expected, "%s,\"remoteEndpoint\":{\"ipv6\":\"%s\"}}", HEAD,
                 cases[i].text);
        begin();
        build_address(DIVAK_FIELD_REMOTE_ADDRESS, &address);
        CHECK_SPAN(expected);
    }
}

TEST(a_periodic_job_is_a_server) {
    build_begin(DIVAK_KIND_PERIODIC, 1, 2)->start = 3;
    CHECK_SPAN(HEAD ",\"kind\":\"SERVER\",\"timestamp\":3,\"duration\":1}");
}

/* ---- every byte, every place ---- */

static void expect_byte(char *out, unsigned byte) {
    static const struct {
        unsigned byte;
        const char *escape;
    } escapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\b', "\\b"}, {'\t', "\\t"},
                   {'\n', "\\n"}, {'\f', "\\f"},  {'\r', "\\r"}};
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (escapes[i].byte == byte) {
            strcpy(out, escapes[i].escape);
            return;
        }
    }
    if (byte < 0x20)
        sprintf(out, "\\u%04x", byte);
    else if (byte < 0x80)
        sprintf(out, "%c", (int)byte);
    else
        strcpy(out, "\xef\xbf\xbd");
}

TEST(every_byte_at_every_place_of_every_short_text_is_written_right) {
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &plain_settings));
    divak_buffer out = {0};
    char text[80], expected[256], wanted[8];
    size_t wrong = 0;
    for (size_t length = 1; length < 70; length += length < 34 ? 1 : 7) {
        for (size_t place = 0; place < length; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                memset(text, 'a', length);
                text[place] = (char)byte;
                expect_byte(wanted, byte);
                int expected_length = snprintf(
                    expected, sizeof expected, "%s,\"tags\":{\"k\":\"%.*s%s%.*s\"}}", HEAD,
                    (int)place,
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                    wanted, (int)(length - place - 1),
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
                begin();
                text_tag("k", 1, text, length);
                divak_buffer_clear(&out);
                context.sanitized = 0;
                CHECK_INT(DIVAK_OK, divak_json_append_span(&out, &context, build_end()));
                bool is_right = (int)out.length == expected_length &&
                                memcmp(out.bytes, expected, out.length) == 0 &&
                                context.sanitized == (byte >= 0x80);
                if (!is_right && wrong++ == 0) CHECK_TEXT(expected, out.bytes, out.length);
            }
        }
    }
    CHECK_INT(0, wrong);
    divak_buffer_deinit(&out);
    divak_encode_context_deinit(&context);
}

TEST(code_points_stay_whole_and_two_are_escaped) {
    begin();
    build_text_tag("a", "caf\xc3\xa9 \xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa "
                        "\xf0\x9f\x98\x80 0123456789abcdef0123456789abcdef \xef\xbf\xbf");
    CHECK_SPAN(HEAD ",\"tags\":{\"a\":\"caf\xc3\xa9 \xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa "
                    "\xf0\x9f\x98\x80 0123456789abcdef0123456789abcdef \xef\xbf\xbf\"}}");
}

TEST(what_is_not_utf8_is_replaced_and_counted_once_a_text) {
    begin();
    build_text(DIVAK_FIELD_NAME, "\xc3");
    text_tag("\xff\xff", 2, "\xed\xa0\x80 \xf0\x9f\x98", 7);
    build_text_tag("fine", "\xc3\xa4");
    check_with(&plain_settings,
               HEAD ",\"name\":\"\xef\xbf\xbd\",\"tags\":{\"\xef\xbf\xbd\xef\xbf\xbd\":\""
                    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\",\"fine\":\"\xc3\xa4\"}}",
               3);
}

/* ---- size and memory ---- */

TEST(the_worst_record_stays_within_the_bound) {
    static char worst[UINT16_MAX];
    memset(worst, 1, sizeof worst);
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &plain_settings));
    for (size_t length = 0; length < 65000; length = length * 2 + 1) {
        begin();
        for (int i = 0; build_field(DIVAK_FIELD_TAG_TEXT, &i, 2, worst, length); i++) {
        }
        const divak_record *record = build_end();
        CHECK_INT(DIVAK_OK, divak_span_view_read(&context.view, record));
        size_t bound = divak_json_span_bound(&context, &context.view);
        divak_buffer out = {.bytes = malloc(bound), .capacity = bound};
        CHECK_INT(DIVAK_OK, divak_json_append_span(&out, &context, record));
        CHECK_INT(bound, out.capacity);
        checked_texts texts = {.at = (const uint8_t *)out.bytes,
                               .end = (const uint8_t *)out.bytes + out.length};
        CHECK(check_json_span(&texts));
        checked_texts_free(&texts);
        free(out.bytes);
    }
    divak_encode_context_deinit(&context);
}

TEST(a_record_that_is_no_span_appends_nothing) {
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &plain_settings));
    divak_buffer out = {0};
    divak_buffer_append(&out, "x", 1);
    build_begin(DIVAK_KIND_LOCAL, 0, 2);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_json_append_span(&out, &context, build_end()));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_json_append_span(&out, &context, NULL));
    CHECK_TEXT("x", out.bytes, out.length);
    divak_buffer_deinit(&out);
    divak_encode_context_deinit(&context);
}

static int allocations_left;
static divak_system_calls real_calls;

static void *failing_allocate(size_t size) {
    return allocations_left-- > 0 ? real_calls.allocate(size) : NULL;
}

static void *failing_resize(void *memory, size_t size) {
    return allocations_left-- > 0 ? real_calls.resize(memory, size) : NULL;
}

TEST(without_memory_nothing_is_appended_and_later_all_is_well) {
    static divak_key_table table;
    static const divak_default_tag tags[] = {{"env", 3, "prod", 4}};
    static char filler[5000];
    uint32_t ids[3] = {divak_key_table_add(&table, "one", 3), divak_key_table_add(&table, "two", 3),
                       0};
    for (int i = 0; i < 300; i++) { /* so that the table of fragments must grow once more */
        snprintf(filler, sizeof filler, "filler%d", i);
        ids[2] = divak_key_table_add(&table, filler, strlen(filler));
    }
    divak_encode_settings settings = {
        .keys = &table, .service = "s", .service_length = 1, .tags = tags, .tag_count = 1};
    memset(filler, 'x', sizeof filler);
    begin();
    build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &ids[0], 4, NULL, 0);
    build_id_tag(ids[1], "v");
    build_id_tag(ids[2], "v");
    text_tag("k", 1, filler, sizeof filler);
    const divak_record *record = build_end();
    real_calls = divak_system;
    divak_system.allocate = failing_allocate;
    divak_system.resize = failing_resize;
    int refused = 0, attempts = 0;
    for (bool is_done = false; !is_done; attempts++) {
        allocations_left = attempts;
        if (divak_encode_context_init(&context, &settings) != DIVAK_OK) {
            refused++;
            continue;
        }
        divak_buffer out = {0};
        int status = divak_json_append_span(&out, &context, record);
        is_done = status == DIVAK_OK;
        if (!is_done) {
            CHECK_INT(DIVAK_ERROR_MEMORY, status);
            CHECK_INT(0, out.length);
            refused++;
            allocations_left = 100;
            divak_buffer_clear(&out);
            CHECK_INT(DIVAK_OK, divak_json_append_span(&out, &context, record));
        }
        checked_texts texts = {.at = (const uint8_t *)out.bytes,
                               .end = (const uint8_t *)out.bytes + out.length};
        CHECK(check_json_span(&texts));
        checked_texts_free(&texts);
        divak_buffer_deinit(&out);
        divak_encode_context_deinit(&context);
    }
    divak_system = real_calls;
    CHECK(refused >= 5);
    CHECK_INT(refused + 1, attempts);
}

TEST(an_empty_list_is_a_list) {
    divak_buffer out = {0};
    divak_json_begin_list(&out);
    divak_json_end_list(&out);
    CHECK_TEXT("[]", out.bytes, out.length);
    divak_buffer_deinit(&out);
}

CHECK_MAIN()
