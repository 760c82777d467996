/* SPDX-License-Identifier: Apache-2.0 */
/* span_view_test.c - what a record says, resolved by the rules of span_view.h. */
#include "model/span_view.h"

#include <inttypes.h>
#include <time.h>

#include "check.h"
#include "divak/status.h"
#include "wire/record_build.h"

static divak_span_view view;
static divak_key_table keys;

static int read_with(const divak_key_table *table, const divak_record *record) {
    divak_span_view_init(&view, table);
    return divak_span_view_read(&view, record);
}

/* The tags as "key=value key=value ", text only, in the order of the view. */
static const char *tags_as_text(void) {
    static char text[4096];
    size_t length = 0;
    for (size_t i = 0; i < view.tag_count; i++) {
        divak_field field;
        divak_span_view_field(&view, view.tags[i], &field);
        size_t key_length;
        const char *key = divak_span_view_key(&view, &field, &key_length);
        length +=
            (size_t)snprintf(text + length, sizeof text - length, "%.*s=%.*s ", (int)key_length,
                             key, (int)field.value_length, (const char *)field.value);
    }
    text[length] = 0;
    return text;
}

static const char *annotations_as_text(void) {
    static char text[4096];
    size_t length = 0;
    for (size_t i = 0; i < view.annotation_count; i++) {
        divak_field field;
        divak_span_view_field(&view, view.annotations[i], &field);
        length += (size_t)snprintf(text + length, sizeof text - length, "%" PRIu64 ":%.*s ",
                                   divak_annotation_time(&field), (int)field.value_length - 8,
                                   (const char *)field.value + 8);
    }
    text[length] = 0;
    return text;
}

#define CHECK_TAGS(expected) CHECK_TEXT(expected, tags_as_text(), strlen(tags_as_text()))
#define CHECK_ANNOTATIONS(expected)                                                                \
    CHECK_TEXT(expected, annotations_as_text(), strlen(annotations_as_text()))

TEST(a_record_without_fields_has_nothing_but_its_header) {
    divak_record *header = build_begin(DIVAK_KIND_CLIENT, 1, 2);
    header->start = 5;
    header->duration = 7;
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(DIVAK_KIND_CLIENT, view.kind);
    CHECK_INT(5, view.timestamp);
    CHECK_INT(7, view.duration);
    CHECK_INT(0, view.name | view.local_service | view.local_address | view.remote_service |
                     view.remote_address);
    CHECK_INT(0, view.tag_count + view.annotation_count + view.skipped);
}

TEST(what_can_not_be_a_span_is_refused) {
    CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, NULL));
    build_begin(DIVAK_KIND_LOCAL, 0, 2);
    CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, build_end()));
    build_begin(DIVAK_KIND_LOCAL, 1, 0);
    CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, build_end()));
    build_begin(DIVAK_KIND_LOCAL, 0, 2)->trace_id_high = 1;
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    divak_record record = *build_header();
    for (uint32_t length = 0; length < DIVAK_RECORD_HEADER; length++) {
        record.length = length;
        CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, &record));
    }
    record.length = DIVAK_RECORD_HEADER + 4;
    CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, &record));
    record.length = DIVAK_RECORD_MAX + 8;
    CHECK_INT(DIVAK_ERROR_INVALID, read_with(NULL, &record));
}

TEST(the_last_value_of_a_tag_stays_but_the_first_error) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_text_tag("a", "1");
    build_text_tag("error", "first");
    build_text_tag("a", "2");
    build_text_tag("b", "3");
    build_text_tag("error", "");
    build_text_tag("a", "4");
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_TAGS("a=4 error=first b=3 ");
}

TEST(a_key_by_number_and_the_same_text_are_one) {
    uint32_t path = divak_key_table_add(&keys, "http.path", 9);
    uint32_t error = divak_key_table_add(&keys, "error", 5);
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_id_tag(path, "/old");
    build_text_tag("http.path", "/new");
    build_text_tag("error", "first");
    build_id_tag(error, "second");
    CHECK_INT(DIVAK_OK, read_with(&keys, build_end()));
    CHECK_TAGS("http.path=/new error=first ");
    CHECK_INT(9 + 5, view.key_bytes);
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_text_tag("http.path", "/old");
    build_id_tag(path, "/new");
    CHECK_INT(DIVAK_OK, read_with(&keys, build_end()));
    CHECK_TAGS("http.path=/new ");
}

TEST(a_key_registered_after_the_view_was_made_is_found) {
    static divak_key_table table;
    divak_span_view_init(&view, &table);
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_id_tag(1, "x");
    const divak_record *record = build_end();
    CHECK_INT(DIVAK_OK, divak_span_view_read(&view, record));
    CHECK_INT(0, view.tag_count);
    CHECK_INT(1, view.skipped);
    CHECK_INT(1, divak_key_table_add(&table, "late", 4));
    CHECK_INT(DIVAK_OK, divak_span_view_read(&view, record));
    CHECK_TAGS("late=x ");
    CHECK_INT(0, view.skipped);
}

TEST(unknown_keys_and_wrong_lengths_are_left_out_and_counted) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_id_tag(0, "none");
    build_id_tag(DIVAK_KEYS_MAX, "not yet");
    build_id_tag(DIVAK_KEYS_MAX + 1, "never");
    build_id_tag(UINT32_MAX, "never");
    build_field(DIVAK_FIELD_TAG_INT, "i", 1, "1234567", 7);
    build_field(DIVAK_FIELD_TAG_BOOL, "b", 1, "", 0);
    build_field(DIVAK_FIELD_TAG_DOUBLE, "d", 1, "123456789", 9);
    build_field(DIVAK_FIELD_TAG_TEXT | DIVAK_FIELD_KEY_ID, "abc", 3, "v", 1);
    build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, "abcd", 4, NULL, 0);
    build_field(DIVAK_FIELD_ANNOTATION, NULL, 0, "1234567", 7);
    build_field(DIVAK_FIELD_LOCAL_ADDRESS, NULL, 0, "x", 1);
    build_field(DIVAK_FIELD_REMOTE_ADDRESS, NULL, 0, NULL, 0);
    build_text_tag("kept", "yes");
    CHECK_INT(DIVAK_OK, read_with(&keys, build_end()));
    CHECK_TAGS("kept=yes ");
    CHECK_INT(12, view.skipped);
    CHECK_INT(0, view.name | view.local_address | view.remote_address);
}

TEST(a_field_that_does_not_fit_ends_the_record) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_text_tag("a", "1");
    size_t place = build_length;
    build_text_tag("b", "2");
    build_text_tag("c", "3");
    build_end();
    for (unsigned length = 0; length <= UINT16_MAX; length += 17) {
        build_bytes[place + 2] = (uint8_t)length;
        build_bytes[place + 3] = (uint8_t)(length >> 8);
        CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
        CHECK(view.tag_count >= 1);
        if (length > 16) CHECK_INT(1, view.skipped);
        if (length > 16) CHECK_TAGS("a=1 ");
    }
}

TEST(the_last_name_stays) {
    uint32_t id = divak_key_table_add(&keys, "registered", 10);
    for (int registered_last = 0; registered_last < 2; registered_last++) {
        build_begin(DIVAK_KIND_LOCAL, 1, 2);
        build_text(DIVAK_FIELD_NAME, "first");
        if (!registered_last) build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &id, 4, NULL, 0);
        build_text(DIVAK_FIELD_NAME, "second");
        if (registered_last) build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &id, 4, NULL, 0);
        CHECK_INT(DIVAK_OK, read_with(&keys, build_end()));
        size_t length;
        const char *name = divak_span_view_name(&view, &length);
        CHECK_TEXT(registered_last ? "registered" : "second", name, length);
    }
}

TEST(an_empty_name_takes_the_name_away) {
    size_t length;
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_text(DIVAK_FIELD_NAME, "first");
    build_text(DIVAK_FIELD_NAME, "");
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK(divak_span_view_name(&view, &length) == NULL);
    CHECK_INT(0, length);
}

TEST(annotations_are_ordered_by_time_and_unique) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_annotation(30, "c", 1);
    build_annotation(10, "z", 1);
    build_annotation(20, "b", 1);
    build_annotation(10, "a", 1);
    build_annotation(10, "z", 1);
    build_annotation(0, "no time", 7);
    build_annotation(UINT64_MAX, "before 1970", 11);
    build_annotation(30, "", 0);
    build_annotation(INT64_MAX, "late", 4);
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_ANNOTATIONS("10:z 10:a 20:b 30:c 30: 9223372036854775807:late ");
    CHECK_INT(2, view.skipped);
}

TEST(times_and_durations_are_those_that_zipkin_takes) {
    static const struct {
        uint64_t start, duration;
        uint8_t flags;
        uint64_t want_start, want_duration;
    } cases[] = {
        {0, 0, 0, 0, 0},
        {5, 0, 0, 5, 1},
        {0, 9, 0, 0, 9},
        {5, 9, DIVAK_RECORD_NO_DURATION, 5, 0},
        {0, 0, DIVAK_RECORD_NO_DURATION, 0, 0},
        {INT64_MAX, INT64_MAX, 0, INT64_MAX, INT64_MAX},
        {(uint64_t)INT64_MAX + 1, 9, 0, 0, 9},
        {5, (uint64_t)-3, 0, 5, 1},
        {UINT64_MAX, UINT64_MAX, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        divak_record *header = build_begin(DIVAK_KIND_LOCAL, 1, 2);
        header->start = cases[i].start;
        header->duration = cases[i].duration;
        header->flags = cases[i].flags;
        CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
        CHECK_INT(cases[i].want_start, view.timestamp);
        CHECK_INT(cases[i].want_duration, view.duration);
    }
}

TEST(kinds_shared_and_parents_are_those_that_zipkin_takes) {
    for (unsigned kind = 0; kind < 256; kind++) {
        build_begin((uint8_t)kind, 1, 2)->flags = DIVAK_RECORD_SHARED | DIVAK_RECORD_DEBUG;
        CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
        unsigned wanted = kind == DIVAK_KIND_PERIODIC ? DIVAK_KIND_SERVER
                          : kind > 5                  ? DIVAK_KIND_LOCAL
                                                      : kind;
        CHECK_INT(wanted, view.kind);
        CHECK_INT(kind > 5, view.skipped);
        CHECK_INT(kind != DIVAK_KIND_CLIENT, view.is_shared);
        CHECK(view.is_debug);
    }
    build_begin(DIVAK_KIND_LOCAL, 1, 2)->parent_id = 2;
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(0, view.parent_id);
    build_begin(DIVAK_KIND_LOCAL, 1, 2)->parent_id = 3;
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(3, view.parent_id);
}

/* ---- many fields, against the plainest way to resolve them ---- */

static uint64_t state;

static uint32_t next_random(uint32_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}

static int number_in(const uint8_t *text, size_t length) {
    char copy[16] = {0};
    memcpy(copy, text, length < sizeof copy ? length : sizeof copy - 1);
    return atoi(copy);
}

static void check_random_record(uint32_t fields, uint32_t different) {
    static int last[4096], annotation_seen[4096];
    memset(last, 0xff, sizeof last);
    memset(annotation_seen, 0, sizeof annotation_seen);
    size_t tags = 0, annotations = 0;
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    for (uint32_t i = 0; i < fields; i++) {
        char key[16], value[16];
        uint32_t n = next_random(different);
        bool is_error = n == 0;
        snprintf(key, sizeof key, is_error ? "error" : "k%u", n);
        snprintf(value, sizeof value, "%u", i);
        build_text_tag(key, value);
        if (last[n] < 0) tags++;
        if (!is_error || last[n] < 0) last[n] = (int)i;
        uint32_t time = 1 + next_random(different);
        build_annotation(time, "x", 1);
        annotations += !annotation_seen[time];
        annotation_seen[time] = 1;
    }
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(tags, view.tag_count);
    CHECK_INT(annotations, view.annotation_count);
    int wrong = 0;
    for (size_t i = 0; i < view.tag_count; i++) {
        divak_field field;
        divak_span_view_field(&view, view.tags[i], &field);
        int n = field.key[0] == 'e' ? 0 : number_in(field.key + 1, field.key_length - 1);
        wrong += number_in(field.value, field.value_length) != last[n];
    }
    uint64_t before = 0;
    for (size_t i = 0; i < view.annotation_count; i++) {
        divak_field field;
        divak_span_view_field(&view, view.annotations[i], &field);
        wrong += divak_annotation_time(&field) <= before;
        before = divak_annotation_time(&field);
    }
    CHECK_INT(0, wrong);
}

TEST(few_and_many_fields_are_resolved_alike) {
    state = (uint64_t)time(NULL);
    const char *given = getenv("DIVAK_TEST_SEED");
    if (given != NULL) state = strtoull(given, NULL, 10);
    printf("  seed %" PRIu64 "\n", state);
    for (uint32_t fields = 0; fields < 200; fields++)
        check_random_record(fields, 1 + next_random(300));
    check_random_record(1500, 3000);
    check_random_record(1500, 1);
}

TEST(many_annotations_of_one_microsecond_stay_in_recorded_order) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    for (int i = 0; i < 300; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", 999 - i);
        build_annotation(7, text, strlen(text));
        if (i % 3 == 0) build_annotation(7, text, strlen(text));
    }
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(300, view.annotation_count);
    for (int i = 0; i < view.annotation_count; i++) {
        divak_field field;
        divak_span_view_field(&view, view.annotations[i], &field);
        CHECK_INT(999 - i, number_in(field.value + 8, field.value_length - 8));
    }
}

TEST(the_fullest_records_are_read) {
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    while (build_field(DIVAK_FIELD_TAG_TEXT, "", 0, "", 0)) {
    }
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(1, view.tag_count);
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    int count = 0;
    for (char key[3] = "aa"; build_field(DIVAK_FIELD_TAG_TEXT, key, 2, "", 0); count++) {
        key[0] = (char)(count >> 8);
        key[1] = (char)count;
    }
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(count, view.tag_count);
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    count = 0;
    while (build_annotation((uint64_t)(1000000 - count), "", 0)) count++;
    CHECK_INT(DIVAK_OK, read_with(NULL, build_end()));
    CHECK_INT(count, view.annotation_count);
    CHECK(count <= DIVAK_VIEW_ANNOTATIONS_MAX);
}

CHECK_MAIN()
