/* SPDX-License-Identifier: Apache-2.0 */
/* proto3_test.c - spans as proto3: lengths that need one byte, two and three, mended text, memory
 * that fails. */
#include "wire/proto3.h"

#include <inttypes.h>
#include <time.h>

#include "base/memory.h"
#include "check.h"
#include "divak/status.h"
#include "wire/json.h"
#include "wire/record_build.h"
#include "wire/span_check.h"

static divak_key_table keys;
static divak_encode_context context;
static const divak_encode_settings plain_settings = {.keys = &keys};

/* Encodes in both formats into memory of the promised size; both must be well formed and say the
 * same texts. The length of the proto3 span. */
static size_t check_both(const divak_encode_settings *settings, const divak_record *record) {
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, settings));
    CHECK_INT(DIVAK_OK, divak_span_view_read(&context.view, record));
    size_t json_bound = divak_json_span_bound(&context, &context.view);
    size_t bound = divak_proto3_span_bound(&context, &context.view);
    divak_buffer json = {.bytes = malloc(json_bound), .capacity = json_bound};
    divak_buffer proto3 = {.bytes = malloc(bound), .capacity = bound};
    CHECK_INT(DIVAK_OK, divak_json_append_span(&json, &context, record));
    CHECK_INT(DIVAK_OK, divak_proto3_append_span(&proto3, &context, record));
    CHECK(json.capacity == json_bound && proto3.capacity == bound);
    /* Once more: now registered keys and names are copied and not made. */
    divak_buffer again = {.bytes = malloc(bound), .capacity = bound};
    CHECK_INT(DIVAK_OK, divak_proto3_append_span(&again, &context, record));
    CHECK(again.length == proto3.length && memcmp(again.bytes, proto3.bytes, again.length) == 0);
    free(again.bytes);
    checked_texts json_texts = {.at = (const uint8_t *)json.bytes,
                                .end = (const uint8_t *)json.bytes + json.length};
    checked_texts texts = {0};
    CHECK(check_json_span(&json_texts));
    bool is_good = check_proto3_list(proto3.bytes, proto3.length, &texts);
    CHECK(is_good);
    if (!is_good) printf("  %s\n", texts.problem);
    CHECK_INT(1, texts.spans);
    CHECK(texts.length == json_texts.length &&
          memcmp(texts.bytes, json_texts.bytes, texts.length) == 0);
    size_t length = proto3.length;
    checked_texts_free(&texts);
    checked_texts_free(&json_texts);
    free(json.bytes);
    free(proto3.bytes);
    divak_encode_context_deinit(&context);
    return length;
}

static char *filled(char byte, size_t length) {
    static char text[UINT16_MAX + 1];
    memset(text, byte, length);
    text[length] = 0;
    return text;
}

TEST(texts_of_every_length_have_the_right_lengths_around_them) {
    for (size_t length = 0; length < 400; length++) {
        for (int bad = 0; bad < 2; bad++) {
            char *text = filled(bad ? '\xff' : 'x', length);
            build_begin(DIVAK_KIND_LOCAL, 1, 2);
            build_field(DIVAK_FIELD_NAME, NULL, 0, text, length);
            build_field(DIVAK_FIELD_LOCAL_SERVICE, NULL, 0, text, length);
            build_field(DIVAK_FIELD_TAG_TEXT, "k", 1, text, length);
            build_field(DIVAK_FIELD_TAG_TEXT, text, length < 256 ? length : 255, "v", 1);
            build_annotation(7, text, length);
            check_both(&plain_settings, build_end());
        }
    }
}

TEST(spans_of_every_size_of_length_are_whole) {
    static const size_t lengths[] = {0, 80, 100, 16000, 16300, 16320, 16384, 60000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t more = 0; more < 64; more++) {
            build_begin(DIVAK_KIND_LOCAL, 1, 2);
            build_field(DIVAK_FIELD_TAG_TEXT, "k", 1, filled('x', lengths[i] + more),
                        lengths[i] + more);
            check_both(&plain_settings, build_end());
        }
    }
}

TEST(registered_keys_of_every_length_are_like_copied_ones) {
    static divak_key_table table;
    divak_encode_settings settings = {.keys = &table};
    for (size_t length = 1; length <= 255; length++) {
        uint32_t id = divak_key_table_add(&table, filled('k', length), length);
        CHECK(id != DIVAK_KEY_NONE);
        build_begin(DIVAK_KIND_LOCAL, 1, 2);
        build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &id, 4, NULL, 0);
        build_id_tag(id, "value");
        size_t by_id = check_both(&settings, build_end());
        build_begin(DIVAK_KIND_LOCAL, 1, 2);
        build_field(DIVAK_FIELD_NAME, NULL, 0, filled('k', length), length);
        build_text_tag(filled('k', length), "value");
        CHECK_INT(by_id, check_both(&settings, build_end()));
    }
}

TEST(the_worst_text_stays_within_the_bound) {
    for (size_t length = 0; length < 65000; length = length * 2 + 1) {
        build_begin(DIVAK_KIND_LOCAL, 1, 2);
        for (uint32_t i = 0x8080;
             build_field(DIVAK_FIELD_TAG_TEXT, &i, 2, filled('\xff', length), length); i++) {
        }
        check_both(&plain_settings, build_end());
    }
}

TEST(default_tags_and_endpoint_come_as_in_json) {
    static const divak_default_tag tags[] = {
        {"env", 3, "\xff", 1}, {"zone", 4, "a", 1}, {"env", 3, "prod", 4}};
    divak_encode_settings settings = {
        .keys = &keys, .service = "\xc3", .service_length = 1, .tags = tags, .tag_count = 3};
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    size_t alone = check_both(&settings, build_end());
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_text_tag("zone", "b");
    CHECK_INT(alone, check_both(&settings, build_end()));
}

TEST(messages_one_after_the_other_are_a_message) {
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &plain_settings));
    divak_buffer out = {0};
    for (int i = 0; i < 1000; i++) {
        build_begin(DIVAK_KIND_SERVER, 1, 2);
        build_text_tag("k", filled('x', (size_t)i));
        CHECK_INT(DIVAK_OK, divak_proto3_append_span(&out, &context, build_end()));
    }
    checked_texts texts = {0};
    CHECK(check_proto3_list(out.bytes, out.length, &texts));
    CHECK_INT(1000, texts.spans);
    build_begin(DIVAK_KIND_LOCAL, 1, 0);
    size_t before = out.length;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_proto3_append_span(&out, &context, build_end()));
    CHECK_INT(before, out.length);
    checked_texts_free(&texts);
    divak_buffer_deinit(&out);
    divak_encode_context_deinit(&context);
}

/* ---- random ---- */

static uint64_t state;

static uint32_t next_random(uint32_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}

/* ASCII mostly; or else any bytes, or pieces of UTF-8. */
static size_t random_text(char *out, size_t limit) {
    size_t length = next_random(8) == 0 ? next_random((uint32_t)limit) : next_random(40);
    uint32_t kind = next_random(4);
    for (size_t i = 0; i < length; i++) {
        static const char pieces[] =
            "\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\xed\xa0\"\\\n\0yAnnotations";
        out[i] = kind < 2    ? (char)(' ' + next_random(95))
                 : kind == 2 ? (char)next_random(256)
                             : pieces[next_random(sizeof pieces)];
    }
    if (length >= 12 && next_random(4) == 0) memcpy(out + length - 12, "yAnnotations", 12);
    return length;
}

TEST(random_spans_say_the_same_in_both_formats) {
    static char key[256], value[2048];
    state = (uint64_t)time(NULL);
    const char *given = getenv("DIVAK_TEST_SEED");
    if (given != NULL) state = strtoull(given, NULL, 10);
    printf("  seed %" PRIu64 "\n", state);
    for (int round = 0; round < 20000; round++) {
        divak_record *header = build_begin((uint8_t)next_random(7), 1, 2);
        header->flags = (uint8_t)next_random(256);
        header->start = (uint64_t)1 << next_random(64);
        header->duration = next_random(100000);
        header->parent_id = next_random(4);
        for (uint32_t fields = next_random(10); fields > 0; fields--) {
            size_t key_length = random_text(key, 255),
                   value_length = random_text(value, sizeof value);
            int type = 1 + (int)next_random(14);
            if (type == DIVAK_FIELD_ANNOTATION)
                build_annotation(next_random(5), value, value_length);
            else if (type == DIVAK_FIELD_NAME || type == DIVAK_FIELD_TAG_TEXT) {
                uint32_t id = next_random(2) == 0 ? divak_key_table_add(&keys, key, key_length)
                                                  : DIVAK_KEY_NONE;
                if (id == DIVAK_KEY_NONE)
                    build_field(type, key, key_length, value, value_length);
                else
                    build_field(type | DIVAK_FIELD_KEY_ID, &id, 4, value, value_length);
            } else {
                size_t size = type >= DIVAK_FIELD_TAG_INT && type <= DIVAK_FIELD_TAG_DOUBLE
                                  ? 8
                                  : value_length;
                build_field(type, key, key_length, value, size);
            }
        }
        check_both(&plain_settings, build_end());
    }
}

static int allocations_left;
static divak_system_calls real_calls;

static void *failing_resize(void *memory, size_t size) {
    return allocations_left-- > 0 ? real_calls.resize(memory, size) : NULL;
}

TEST(without_memory_nothing_is_appended_and_later_all_is_well) {
    static divak_key_table table;
    static char text[5000];
    uint32_t id = 0;
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "key%d", i);
        id = divak_key_table_add(&table, text, strlen(text));
    }
    memset(text, 'x', sizeof text);
    divak_encode_settings settings = {.keys = &table};
    build_begin(DIVAK_KIND_LOCAL, 1, 2);
    build_field(DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &id, 4, NULL, 0);
    build_id_tag(id, "v");
    build_field(DIVAK_FIELD_TAG_TEXT, "k", 1, text, sizeof text);
    const divak_record *record = build_end();
    real_calls = divak_system;
    int refused = 0;
    for (int attempt = 0;; attempt++) {
        CHECK_INT(DIVAK_OK, divak_encode_context_init(&context, &settings));
        divak_buffer out = {0};
        divak_system.resize = failing_resize;
        allocations_left = attempt;
        int status = divak_proto3_append_span(&out, &context, record);
        divak_system = real_calls;
        if (status != DIVAK_OK) {
            CHECK_INT(DIVAK_ERROR_MEMORY, status);
            CHECK_INT(0, out.length);
            refused++;
            divak_buffer_clear(&out);
            CHECK_INT(DIVAK_OK, divak_proto3_append_span(&out, &context, record));
        }
        checked_texts texts = {0};
        CHECK(check_proto3_list(out.bytes, out.length, &texts));
        checked_texts_free(&texts);
        divak_buffer_deinit(&out);
        divak_encode_context_deinit(&context);
        if (status == DIVAK_OK) break;
    }
    CHECK(refused >= 2);
}

CHECK_MAIN()
