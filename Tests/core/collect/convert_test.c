/* SPDX-License-Identifier: Apache-2.0 */
/* convert_test.c - a record's times: every way in which start and end can have been said, in one table. */
#include "collect/convert.h"

#include "check.h"
#include "model/record.h"

enum {
    START = DIVAK_RECORD_START_GIVEN,
    LASTS = DIVAK_RECORD_DURATION_GIVEN,
    END = DIVAK_RECORD_END_GIVEN,
    NO_END = DIVAK_RECORD_NO_DURATION
};

static divak_tracer tracer;
static divak_anchors anchors;

/* A tick is two nanoseconds here, and tick 1,000,000 was at microsecond 5,000,000. */
static void init(void) {
    memset(&tracer.counters, 0, sizeof tracer.counters);
    anchors = (divak_anchors){.is_external = 0};
    for (int i = 0; i < DIVAK_ANCHORS; i++) {
        anchors.ring[i] = (divak_anchor){.ticks = 1000000, .wall = 5000000000, .rate = 2.0};
    }
    tracer.anchors = &anchors;
}

TEST(every_way_of_saying_start_and_end) {
    static const struct {
        unsigned flags;
        uint64_t start, end, expected_start, expected_duration;
        unsigned negative;
    } cases[] = {
        {0, 1000000, 1000500, 5000000, 1, 0},
        {0, 1000000, 1001000, 5000000, 2, 0},
        {0, 1500000, 1500000, 5001000, 1, 0},
        {0, 1500000, 1499999, 5001000, 1, 1},
        {0, 500000, 1000000, 4999000, 1000, 0},
        {START, 77, 1000000, 77, 4999923, 0},
        {START, 5000000, 1000000, 5000000, 1, 0},
        {START, 6000000, 1000000, 6000000, 1, 1},
        {END, 1000000, 5000009, 5000000, 9, 0},
        {END, 1000000, 4999999, 5000000, 1, 1},
        {START | END, 5, 9, 5, 4, 0},
        {START | END, 9, 5, 9, 1, 1},
        {START | END, 9, 9, 9, 1, 0},
        {LASTS, 1000000, 33, 5000000, 33, 0},
        {START | LASTS, 44, 33, 44, 33, 0},
        {NO_END, 1000000, 0, 5000000, 0, 0},
        {START | NO_END, 44, 0, 44, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        init();
        divak_record record = {
            .length = sizeof record,
            .flags = (uint8_t)(cases[i].flags | DIVAK_RECORD_SAMPLED | DIVAK_RECORD_DEBUG),
            .start = cases[i].start,
            .duration = cases[i].end,
        };
        divak_record_convert_times(&tracer, &record);
        CHECK_INT(cases[i].expected_start, record.start);
        CHECK_INT(cases[i].expected_duration, record.duration);
        CHECK_INT(cases[i].negative, divak_load_relaxed(&tracer.counters.negative_duration));
        CHECK_INT(DIVAK_RECORD_SAMPLED | DIVAK_RECORD_DEBUG | (cases[i].flags & NO_END),
                  record.flags);
    }
}

TEST(annotations_are_converted_and_given_ones_are_kept) {
    init();
    uint64_t storage[32];
    divak_record *record = (divak_record *)(void *)storage;
    *record = (divak_record){.start = 1000000, .duration = 1000500};
    uint8_t *end = (uint8_t *)record + DIVAK_RECORD_HEADER;
    char measured[10], given[10], name[] = "name";
    uint64_t ticks = 1000500, time = 123;
    memcpy(measured, &ticks, 8);
    memcpy(measured + 8, "ab", 2);
    memcpy(given, &time, 8);
    memcpy(given + 8, "cd", 2);
    end = divak_field_write(end, DIVAK_FIELD_NAME, NULL, 0, name, 4);
    end = divak_field_write(end, DIVAK_FIELD_ANNOTATION, NULL, 0, measured, sizeof measured);
    end = divak_field_write(end, DIVAK_FIELD_ANNOTATION_AT, NULL, 0, given, sizeof given);
    end = divak_field_write(end, DIVAK_FIELD_ANNOTATION, NULL, 0, "short", 5); /* not ours: left alone */
    size_t length = (size_t)(end - (uint8_t *)record);
    while (length % 8 != 0) ((uint8_t *)record)[length++] = 0;
    record->length = (uint32_t)length;
    divak_record_convert_times(&tracer, record);

    const uint8_t *at = divak_record_fields(record);
    divak_field field;
    uint64_t found[2] = {0, 0};
    int annotations = 0;
    while (divak_field_next(record, &at, &field)) {
        if (field.type != DIVAK_FIELD_ANNOTATION || field.value_length != 10) continue;
        if (annotations < 2) memcpy(&found[annotations], field.value, 8);
        CHECK_TEXT(annotations == 0 ? "ab" : "cd", field.value + 8, 2);
        annotations++;
    }
    CHECK_INT(2, annotations);
    CHECK_INT(5000001, found[0]);
    CHECK_INT(123, found[1]);
}

TEST(anything_as_a_record_is_converted_without_reaching_beyond_it) {
    uint64_t state = 0x5eed;
    printf("  seed %#llx\n", (unsigned long long)state);
    for (int round = 0; round < 20000; round++) {
        init();
        size_t length = DIVAK_RECORD_HEADER + 8 * (size_t)(round % 9);
        divak_record *record = malloc(length);
        for (size_t i = 0; i < length; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            ((uint8_t *)record)[i] = (uint8_t)(state >> 56) & (round % 2 == 0 ? 0x0f : 0xff);
        }
        record->length = (uint32_t)length;
        divak_record_convert_times(&tracer, record);
        CHECK((record->flags & NO_END) != 0 || record->duration >= 1 ||
              (record->flags & LASTS) == 0);
        free(record);
    }
}

CHECK_MAIN()
