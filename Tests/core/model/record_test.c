/* SPDX-License-Identifier: Apache-2.0 */
/* record_test.c - fields written and read again, and readers that stay inside of whatever they are given. */
#include "check.h"
#include "model/flags.h"
#include "model/record.h"
#include "model/text_limit.h"

static uint64_t state = 0x5eed;

static uint64_t random_below(uint64_t limit) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % limit;
}

TEST(fields_are_read_as_they_were_written) {
    printf("  seed %#llx\n", (unsigned long long)state);
    for (int round = 0; round < 2000; round++) {
        uint8_t *bytes = calloc(1, 65536);
        divak_record *record = (divak_record *)(void *)bytes;
        struct {
            uint8_t type;
            size_t key_length, value_length;
        } written[40];
        uint8_t text[1024];
        for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)random_below(256);
        uint8_t *end = bytes + DIVAK_RECORD_HEADER;
        size_t count = random_below(40);
        for (size_t i = 0; i < count; i++) {
            written[i].type = (uint8_t)(1 + random_below(14));
            written[i].key_length = random_below(256);
            written[i].value_length = random_below(1024);
            uint8_t *next = divak_field_write(end, written[i].type, text, written[i].key_length, text,
                                              written[i].value_length);
            CHECK_INT(divak_field_size(written[i].key_length, written[i].value_length), next - end);
            end = next;
        }
        record->length = (uint32_t)((end - bytes + 7) & ~7);
        const uint8_t *at = divak_record_fields(record);
        divak_field field;
        size_t read = 0;
        while (divak_field_next(record, &at, &field)) {
            if (read == count) break;
            CHECK_INT(written[read].type, field.type);
            CHECK(!field.key_is_id);
            CHECK(field.key_length == written[read].key_length &&
                  memcmp(field.key, text, field.key_length) == 0);
            CHECK(field.value_length == written[read].value_length &&
                  memcmp(field.value, text, field.value_length) == 0);
            read++;
        }
        CHECK_INT(count, read);
        free(bytes);
    }
}

TEST(a_key_by_number_comes_back_as_that_number) {
    _Alignas(8) uint8_t bytes[128] = {0};
    divak_record *record = (divak_record *)(void *)bytes;
    uint32_t id = 0x12345678;
    uint8_t *end = divak_field_write(bytes + DIVAK_RECORD_HEADER, DIVAK_FIELD_TAG_BOOL | DIVAK_FIELD_KEY_ID, &id,
                                     sizeof id, "\1", 1);
    record->length = (uint32_t)((end - bytes + 7) & ~7);
    const uint8_t *at = divak_record_fields(record);
    divak_field field;
    CHECK(divak_field_next(record, &at, &field));
    CHECK_INT(DIVAK_FIELD_TAG_BOOL, field.type);
    CHECK(field.key_is_id && field.key_id == id && field.value_length == 1 && field.value[0] == 1);
    CHECK(!divak_field_next(record, &at, &field));
    bytes[DIVAK_RECORD_HEADER + 1] = 3; /* a number of another size is none */
    at = divak_record_fields(record);
    CHECK(!divak_field_next(record, &at, &field));
}

TEST(the_head_of_a_field_is_the_same_bytes_in_one_store_or_four) {
    for (int i = 0; i < 1000; i++) {
        uint32_t type = (uint32_t)random_below(256);
        size_t key = random_below(256), value = random_below(65536);
        uint32_t head = divak_field_head(type, key, value);
        uint8_t bytes[4];
        memcpy(bytes, &head, 4);
        CHECK(bytes[0] == type && bytes[1] == key && bytes[2] == (value & 255) && bytes[3] == value >> 8);
    }
}

TEST(no_reader_leaves_a_record_whatever_its_bytes_are) {
    for (int round = 0; round < 50000; round++) {
        size_t length = DIVAK_RECORD_HEADER + 8 * random_below(12);
        uint8_t *bytes = malloc(length);
        for (size_t i = 0; i < length; i++) {
            bytes[i] = (uint8_t)random_below(round % 2 == 0 ? 16 : 256);
        }
        divak_record *record = (divak_record *)(void *)bytes;
        record->length = (uint32_t)length;
        const uint8_t *at = divak_record_fields(record);
        divak_field field;
        size_t fields = 0;
        while (divak_field_next(record, &at, &field)) {
            CHECK(field.key >= bytes && field.value + field.value_length <= bytes + length);
            CHECK(at <= bytes + length && ++fields <= length);
        }
        free(bytes);
    }
}

TEST(a_text_is_cut_at_a_code_point_and_never_reads_past_its_limit) {
    static const struct {
        const char *text;
        size_t limit, kept;
    } cases[] = {
        {"abc", 3, 3},   {"abc", 2, 2},   {"abc", 0, 0},
        {"\xc3\xa9", 1, 0},               {"a\xc3\xa9z", 2, 1},
        {"\xf0\x9f\x98\x80z", 4, 4},      {"\xf0\x9f\x98\x80z", 3, 0},
        {"\xf0\x9f\x98\x80z", 2, 0},      {"\xf0\x9f\x98\x80z", 1, 0},
        {"\x80\x80\x80\x80\x80\x80", 5, 5}, /* no UTF-8: at the limit */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].text), original = length;
        char *copy = malloc(length);
        memcpy(copy, cases[i].text, length);
        bool is_cut = divak_text_limit(copy, &length, cases[i].limit);
        CHECK_INT(original > cases[i].limit, is_cut);
        if (length != cases[i].kept && is_cut) printf("  case %zu\n", i);
        CHECK_INT(cases[i].kept, length);
        free(copy);
    }
}

CHECK_MAIN()
