/* SPDX-License-Identifier: Apache-2.0 */
/* ended_span_test.c - an ended span in a handler's hands: reading, changing, and running out of room. */
#include "export/ended_span.h"

#include "check.h"

enum { STORAGE = 512 };

static _Alignas(8) uint8_t source[STORAGE], storage[STORAGE];
static size_t source_length;

static void begin(void) {
    memset(source, 0, sizeof source);
    *(divak_record *)(void *)source = (divak_record){.flags = DIVAK_RECORD_SAMPLED,
                                                     .kind = DIVAK_KIND_SERVER,
                                                     .trace_id_low = 1,
                                                     .span_id = 2,
                                                     .parent_id = 3,
                                                     .start = 4,
                                                     .duration = 5};
    source_length = DIVAK_RECORD_HEADER;
}

static void add(uint8_t type, const char *key, const void *value, size_t length) {
    uint8_t *end = divak_field_write(source + source_length, type, key, key == NULL ? 0 : strlen(key), value, length);
    source_length = (size_t)(end - source);
}

static void add_by_key(uint8_t type, uint32_t key, const void *value, size_t length) {
    uint8_t *end = divak_field_write(source + source_length, type | DIVAK_FIELD_KEY_ID, &key, 4, value, length);
    source_length = (size_t)(end - source);
}

static void (*body)(divak_ended_span *);

static bool run(void *context, divak_ended_span *span) {
    (void)context;
    body(span);
    return true;
}

static bool handle(void (*with)(divak_ended_span *)) {
    divak_record *record = (divak_record *)(void *)source;
    record->length = (uint32_t)((source_length + 7) & ~(size_t)7);
    body = with;
    divak_handler handlers[2] = {{.end = run}, {.end = NULL}};
    bool kept = divak_ended_span_handle(handlers, 2, &divak_keys, record, storage, sizeof storage);
    CHECK_INT(0, ((divak_record *)(void *)storage)->length % 8);
    return kept;
}

static void expect_tag(divak_ended_span *span, const char *key, const char *expected) {
    size_t length = 0;
    const char *value = divak_ended_span_tag(span, key, strlen(key), &length);
    CHECK_INT(expected != NULL, divak_ended_span_has_tag(span, key, strlen(key)));
    if (expected == NULL) {
        CHECK(value == NULL);
    } else {
        CHECK_TEXT(expected, value, length);
    }
}

static void read_all(divak_ended_span *span) {
    divak_span ids;
    divak_ended_span_ids(span, &ids);
    CHECK(ids.trace_id_low == 1 && ids.span_id == 2 && ids.parent_id == 3 && ids.local_root_id == 2);
    CHECK_INT(DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED, ids.flags);
    CHECK_INT(DIVAK_KIND_SERVER, divak_ended_span_kind(span));
    CHECK_INT(4, divak_ended_span_start(span));
    CHECK_INT(5, divak_ended_span_duration(span));
    expect_tag(span, "text", "x");
    expect_tag(span, "int", "-5");
    expect_tag(span, "uint", "18446744073709551615");
    expect_tag(span, "double", "0.25");
    expect_tag(span, "bool", "true");
    expect_tag(span, "twice", "second");
    expect_tag(span, "error", "first");
    expect_tag(span, "by key", "7");
    expect_tag(span, "absent", NULL);
    expect_tag(span, "tex", NULL);
    static const char *const order[] = {"text", "int", "uint", "double", "bool", "error", "twice", "by key"};
    const char *key, *value;
    size_t key_length, value_length, count = 0;
    while (divak_ended_span_tag_at(span, count, &key, &key_length, &value, &value_length)) {
        CHECK_TEXT(order[count % 8], key, key_length);
        count++;
    }
    CHECK_INT(8, count); /* each key once */
    size_t length;
    const char *name = divak_ended_span_name(span, &length);
    CHECK_TEXT("last", name, length);
}

TEST(everything_is_read_as_it_counts) {
    begin();
    int64_t minus = -5;
    uint64_t most = UINT64_MAX, seven = 7;
    double quarter = 0.25;
    uint32_t by_key = divak_key_table_add(&divak_keys, "by key", 6);
    add(DIVAK_FIELD_NAME, NULL, "first", 5);
    add(DIVAK_FIELD_TAG_TEXT, "text", "x", 1);
    add(DIVAK_FIELD_TAG_INT, "int", &minus, 8);
    add(DIVAK_FIELD_TAG_UINT, "uint", &most, 8);
    add(DIVAK_FIELD_TAG_DOUBLE, "double", &quarter, 8);
    add(DIVAK_FIELD_TAG_BOOL, "bool", "\1", 1);
    add(DIVAK_FIELD_TAG_TEXT, "twice", "first", 5);
    add(DIVAK_FIELD_TAG_TEXT, "error", "first", 5);
    add(DIVAK_FIELD_TAG_TEXT, "twice", "second", 6);
    add(DIVAK_FIELD_TAG_TEXT, "error", "second", 6);
    add_by_key(DIVAK_FIELD_TAG_UINT, by_key, &seven, 8);
    add(DIVAK_FIELD_SKIP, "skipped", "x", 1);
    add(DIVAK_FIELD_NAME, NULL, "last", 4);
    CHECK(handle(read_all));
}

static void change_all(divak_ended_span *span) {
    CHECK_INT(DIVAK_OK, divak_ended_span_set_tag(span, "error", 5, "new", 3)); /* also what else keeps its first */
    expect_tag(span, "error", "new");
    CHECK_INT(DIVAK_OK, divak_ended_span_set_tag(span, "added", 5, NULL, 0));
    expect_tag(span, "added", "");
    CHECK_INT(DIVAK_OK, divak_ended_span_remove_tag(span, "twice", 5));
    expect_tag(span, "twice", NULL);
    CHECK_INT(DIVAK_OK, divak_ended_span_remove_tag(span, "never", 5));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, NULL, 5, "x", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, "", 0, "x", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, "k", 1, NULL, 1));
    CHECK_INT(DIVAK_OK, divak_ended_span_set_name(span, "", 0));
    size_t length;
    (void)divak_ended_span_name(span, &length);
    CHECK_INT(0, length);
    /* A value that lies in the span itself. */
    const char *value = divak_ended_span_tag(span, "error", 5, &length);
    CHECK_INT(DIVAK_OK, divak_ended_span_set_tag(span, "copy", 4, value, length));
    expect_tag(span, "copy", "new");
}

TEST(changes_count_whatever_the_rule_of_the_key) {
    begin();
    add(DIVAK_FIELD_TAG_TEXT, "error", "first", 5);
    add(DIVAK_FIELD_TAG_TEXT, "twice", "1", 1);
    add(DIVAK_FIELD_TAG_TEXT, "twice", "2", 1);
    CHECK(handle(change_all));
}

static void fill_up(divak_ended_span *span) {
    char key[4] = "k00", value[50];
    memset(value, 'v', sizeof value);
    int kept = 0, status;
    while ((status = divak_ended_span_set_tag(span, key, 3, value, sizeof value)) == DIVAK_OK && kept < 100) {
        kept++;
        key[1] = (char)('0' + kept / 10);
        key[2] = (char)('0' + kept % 10);
    }
    CHECK_INT(DIVAK_ERROR_TRUNCATED, status);
    CHECK(kept >= 5 && kept < 10);
    expect_tag(span, key, NULL);
    expect_tag(span, "text", "x");
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_ended_span_set_name(span, value, 70000));
    static char long_key[300];
    memset(long_key, 'k', sizeof long_key);
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_ended_span_set_tag(span, long_key, sizeof long_key, "", 0));
}

TEST(a_span_without_room_is_left_as_it_was) {
    begin();
    add(DIVAK_FIELD_TAG_TEXT, "text", "x", 1);
    CHECK(handle(fill_up));
}

static void say_null(divak_ended_span *span) {
    size_t length;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_name(span, NULL, 5));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, NULL, 4, "x", 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, "key", 3, NULL, 1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_tag(span, "", 0, "x", 1));
    CHECK(!divak_ended_span_has_tag(span, NULL, 4));
    CHECK(divak_ended_span_tag(span, NULL, 4, &length) == NULL);
    CHECK_INT(DIVAK_OK, divak_ended_span_remove_tag(span, NULL, 4));
    expect_tag(span, "text", "x");
}

TEST(null_in_a_handler_is_refused_and_changes_nothing) {
    begin();
    add(DIVAK_FIELD_TAG_TEXT, "text", "x", 1);
    CHECK(handle(say_null));
}

/* Reads and changes everything; what comes of it is not the point. */
static void touch_all(divak_ended_span *span) {
    const char *key, *value;
    size_t key_length, value_length;
    uint64_t time, sum = 0;
    for (size_t i = 0; divak_ended_span_tag_at(span, i, &key, &key_length, &value, &value_length); i++) {
        for (size_t j = 0; j < key_length; j++) sum += (uint8_t)key[j];
        for (size_t j = 0; j < value_length; j++) sum += (uint8_t)value[j];
    }
    for (size_t i = 0; divak_ended_span_annotation_at(span, i, &time, &value, &value_length); i++) {
        for (size_t j = 0; j < value_length; j++) sum += (uint8_t)value[j];
    }
    divak_span ids;
    divak_ended_span_ids(span, &ids);
    (void)divak_ended_span_name(span, &value_length);
    (void)divak_ended_span_set_tag(span, "error", 5, (const char *)&sum, sizeof sum);
    (void)divak_ended_span_remove_annotation(span, 0);
    (void)divak_ended_span_remove_tag(span, "error", 5);
    (void)divak_ended_span_set_name(span, "name", 4);
}

TEST(any_bytes_as_a_record_are_handled_inside_of_it) {
    uint64_t state = 0x5eed;
    printf("  seed %#llx\n", (unsigned long long)state);
    for (int round = 0; round < 20000; round++) {
        size_t length = DIVAK_RECORD_HEADER + 8 * (size_t)(round % 40);
        uint8_t *bytes = malloc(length);
        for (size_t i = 0; i < length; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)((state >> 56) & (round % 2 == 0 ? 0x0f : 0xff));
        }
        divak_record *record = (divak_record *)(void *)bytes;
        record->length = (uint32_t)length;
        record->flags |= DIVAK_RECORD_SAMPLED;
        body = touch_all;
        divak_handler handler = {.end = run};
        (void)divak_ended_span_handle(&handler, 1, &divak_keys, record, storage, sizeof storage);
        free(bytes);
    }
}

static size_t count_fields(const divak_ended_span *span, uint8_t type) {
    size_t count = 0;
    const uint8_t *at = divak_record_fields(span->record);
    divak_field field;
    while (divak_field_next(span->record, &at, &field)) count += field.type == type;
    return count;
}

static void change_remote(divak_ended_span *span) {
    divak_endpoint endpoint = {.service = "db", .service_length = 2, .has_ipv4 = true, .ipv4 = {192, 0, 2, 7}};
    CHECK_INT(DIVAK_OK, divak_ended_span_set_remote(span, &endpoint));
    CHECK_INT(1, count_fields(span, DIVAK_FIELD_REMOTE_SERVICE));
    CHECK_INT(1, count_fields(span, DIVAK_FIELD_REMOTE_ADDRESS));
    CHECK_INT(DIVAK_OK, divak_ended_span_set_remote(span, &(divak_endpoint){.port = 80}));
    CHECK_INT(0, count_fields(span, DIVAK_FIELD_REMOTE_SERVICE));
    CHECK_INT(1, count_fields(span, DIVAK_FIELD_REMOTE_ADDRESS));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_remote(span, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_ended_span_set_remote(span, &(divak_endpoint){.service_length = 1}));
    static const char long_name[STORAGE] = "x";
    divak_endpoint too_long = {.service = long_name, .service_length = sizeof long_name, .port = 1};
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_ended_span_set_remote(span, &too_long));
    CHECK_INT(0, count_fields(span, DIVAK_FIELD_REMOTE_SERVICE));
    CHECK_INT(1, count_fields(span, DIVAK_FIELD_REMOTE_ADDRESS));
    expect_tag(span, "key", "value");
    CHECK_INT(DIVAK_OK, divak_ended_span_set_remote(span, &(divak_endpoint){.port = 0}));
    CHECK_INT(0, count_fields(span, DIVAK_FIELD_REMOTE_ADDRESS));
}

TEST(a_remote_endpoint_replaces_the_old_one_whole_or_not_at_all) {
    begin();
    add(DIVAK_FIELD_REMOTE_SERVICE, NULL, "old", 3);
    add(DIVAK_FIELD_TAG_TEXT, "key", "value", 5);
    CHECK(handle(change_remote));
}

CHECK_MAIN()
