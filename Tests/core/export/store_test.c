/* SPDX-License-Identifier: Apache-2.0 */
/* store_test.c - the retained store against a plain list: every record comes out whole, in order, or is forgotten. */
#include "export/store.h"

#include "check.h"

enum { CAPACITY = 1024 };

static _Alignas(8) uint8_t bytes[CAPACITY];
static divak_store store;
/* The model: what is in the store, by serial number. */
static uint64_t first_kept, next_serial, positions[1 << 20];

static void begin(uint64_t capacity) {
    memset(bytes, 0xee, sizeof bytes);
    divak_store_init(&store, bytes, capacity);
    first_kept = next_serial = 0;
}

static void fill(divak_record *record, uint32_t length, uint64_t serial) {
    memset(record, (int)(serial & 0xff), length);
    record->length = length;
    record->span_id = serial;
}

static bool is_whole(const divak_record *record, uint64_t serial) {
    if (record->span_id != serial || record->length > CAPACITY) return false;
    const uint8_t *at = (const uint8_t *)record + sizeof(divak_record);
    for (uint32_t i = sizeof(divak_record); i < record->length; i++, at++) {
        if (*at != (serial & 0xff)) return false;
    }
    return true;
}

/* Appends, forgetting what must go; returns how many went. */
static int append(uint32_t length) {
    int forgotten = 0;
    divak_record *room;
    while ((room = divak_store_reserve(&store, length)) == NULL) {
        uint64_t position;
        if (!divak_store_forget(&store, &position)) return -1;
        CHECK_INT(positions[first_kept], position);
        first_kept++;
        forgotten++;
    }
    positions[next_serial] = store.end.position;
    fill(room, length, next_serial++);
    divak_store_append(&store, length);
    return forgotten;
}

/* Reads all from a cursor on and checks it against the model. */
static void check_all(divak_store_cursor cursor, uint64_t serial) {
    const divak_record *record;
    while ((record = divak_store_read(&store, &cursor)) != NULL) {
        CHECK(is_whole(record, serial));
        CHECK_INT(positions[serial], cursor.position);
        divak_store_step(&store, &cursor, record->length);
        serial++;
    }
    CHECK_INT(next_serial, serial);
    CHECK_INT(store.end.position, cursor.position);
}

TEST(an_empty_store_has_nothing_to_read_or_to_forget) {
    begin(CAPACITY);
    divak_store_cursor cursor = store.oldest;
    uint64_t position;
    CHECK(divak_store_read(&store, &cursor) == NULL);
    CHECK(!divak_store_forget(&store, &position));
    CHECK(divak_store_reserve(&store, CAPACITY + 8) == NULL);
    CHECK(divak_store_reserve(&store, CAPACITY) != NULL);
}

TEST(records_of_every_size_come_out_whole_and_in_order) {
    for (uint32_t length = sizeof(divak_record); length <= CAPACITY / 2; length += 8) {
        begin(CAPACITY);
        for (int i = 0; i < 60; i++) {
            CHECK(append(length) >= 0);
            check_all(store.oldest, first_kept);
        }
    }
}

TEST(random_sizes_and_capacities_against_the_model_with_two_readers) {
    uint64_t state = 0x5eed;
    printf("  seed %#llx\n", (unsigned long long)state);
    for (int round = 0; round < 300; round++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        begin(CAPACITY - (state >> 40) % 512);
        divak_store_cursor readers[2] = {{0, 0}, {0, 0}};
        uint64_t at[2] = {0, 0};
        for (int step = 0; step < 400; step++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint32_t length = sizeof(divak_record) + (uint32_t)((state >> 33) % 20) * 8;
            /* As the flusher does: who stands at the record that goes is moved on first. */
            while (divak_store_reserve(&store, length) == NULL) {
                divak_store_cursor oldest = store.oldest;
                const divak_record *record = divak_store_read(&store, &oldest);
                for (int r = 0; r < 2 && record != NULL; r++) {
                    divak_store_cursor cursor = readers[r];
                    if (divak_store_read(&store, &cursor) == record && cursor.position == oldest.position) {
                        divak_store_step(&store, &cursor, record->length);
                        readers[r] = cursor;
                        at[r]++;
                    }
                }
                uint64_t position;
                CHECK(divak_store_forget(&store, &position));
                CHECK_INT(positions[first_kept], position);
                first_kept++;
            }
            CHECK_INT(0, append(length));
            int r = (int)(state >> 60) % 3;
            if (r == 2) continue;
            const divak_record *record = divak_store_read(&store, &readers[r]);
            if (record == NULL) continue;
            CHECK(is_whole(record, at[r]));
            divak_store_step(&store, &readers[r], record->length);
            at[r]++;
        }
        for (int r = 0; r < 2; r++) {
            CHECK(at[r] >= first_kept);
            check_all(readers[r], at[r]);
        }
    }
}

CHECK_MAIN()
