/* SPDX-License-Identifier: Apache-2.0 */
/* message_test.c - messages built of a store, their limits, and each part as a message of its own. */
#include "base/memory.h"
#include "export/reporter.h"
#include "sink.h"

typedef struct bench {
    divak_store store;
    divak_encode_context encoder;
    divak_reporter *reporter;
    divak_delivery delivery;
} bench;

static _Alignas(8) uint8_t store_bytes[1 << 16];

static void begin(bench *b, bool is_json, uint64_t message_bytes) {
    *b = (bench){.reporter = calloc(1, sizeof(divak_reporter))};
    divak_store_init(&b->store, store_bytes, sizeof store_bytes);
    divak_encode_settings settings = {.service = "s", .service_length = 1};
    CHECK_INT(DIVAK_OK, divak_encode_context_init(&b->encoder, &settings));
    b->reporter->is_json = is_json;
    b->reporter->message_bytes = message_bytes;
    b->reporter->accepted_bytes = UINT64_MAX;
    b->delivery = (divak_delivery){.store = &b->store, .encoder = &b->encoder, .random = 1};
}

static void end(bench *b) {
    divak_encode_context_deinit(&b->encoder);
    for (int i = 0; i < DIVAK_MESSAGES_MAX; i++) {
        divak_buffer_deinit(&b->reporter->messages[i].body);
        divak_buffer_deinit(&b->reporter->messages[i].offsets);
    }
    free(b->reporter);
}

static void put(bench *b, uint64_t id, size_t name_length) {
    uint32_t length = (uint32_t)(DIVAK_RECORD_HEADER + DIVAK_FIELD_HEADER + name_length + 7) & ~7u;
    divak_record *record = divak_store_reserve(&b->store, length);
    CHECK(record != NULL);
    memset(record, 0, length);
    *record = (divak_record){.length = length, .flags = DIVAK_RECORD_SAMPLED, .trace_id_low = 1, .span_id = id};
    char name[4096];
    memset(name, 'n', sizeof name);
    divak_field_write((uint8_t *)record + DIVAK_RECORD_HEADER, DIVAK_FIELD_NAME, NULL, 0, name, name_length);
    divak_store_append(&b->store, length);
    divak_reporter_appended(b->reporter, 1);
}

static uint64_t pending(const bench *b) {
    return divak_load_relaxed(&b->reporter->counters.pending);
}

TEST(a_message_holds_as_many_spans_as_fit_and_the_next_one_goes_on) {
    bench b;
    begin(&b, true, 600);
    divak_message *message = &b.reporter->messages[0];
    CHECK(!divak_message_build(message, b.reporter, &b.delivery)); /* nothing there */
    for (uint64_t i = 1; i <= 20; i++) put(&b, i, 10);
    uint64_t first = 1;
    int messages = 0;
    while (divak_message_build(message, b.reporter, &b.delivery)) {
        size_t length;
        const char *bytes = divak_message_part(message, true, &length);
        CHECK(length <= 600);
        CHECK_INT(message->count, sink_count(bytes, length));
        char id[64];
        snprintf(id, sizeof id, "[{\"traceId\":\"0000000000000001\",\"id\":\"%016llx\"", (unsigned long long)first);
        CHECK(memcmp(bytes, id, strlen(id)) == 0);
        first += message->count;
        messages++;
    }
    CHECK_INT(21, first);
    CHECK(messages > 2);
    CHECK_INT(20, pending(&b)); /* built is not delivered */
    end(&b);
}

TEST(every_part_of_a_json_message_is_a_list_of_its_own) {
    bench b;
    begin(&b, true, 60000);
    enum { SPANS = 9 };
    for (uint64_t i = 0; i < SPANS; i++) put(&b, i + 1, (size_t)(i * 7));
    divak_message *message = &b.reporter->messages[0];
    CHECK(divak_message_build(message, b.reporter, &b.delivery));
    /* In the order of splitting: a part is never sent again once it has been split. */
    static const struct {
        uint32_t first, end;
    } parts[] = {{0, 9}, {0, 4}, {4, 9}, {0, 2}, {2, 4}, {4, 6}, {6, 9}, {0, 1},
                                             {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 9}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        message->parts[0] = (divak_span_range){.first = parts[i].first, .end = parts[i].end};
        size_t length;
        const char *bytes = divak_message_part(message, true, &length);
        CHECK_INT(parts[i].end - parts[i].first, sink_count(bytes, length));
        char id[32];
        snprintf(id, sizeof id, "\"id\":\"%016x\"", parts[i].first + 1);
        CHECK(sink_contains(bytes, length, id));
        snprintf(id, sizeof id, "\"id\":\"%016x\"", parts[i].end);
        CHECK(sink_contains(bytes, length, id));
    }
    end(&b);
}

TEST(parts_of_a_proto3_message_are_the_spans_one_after_the_other) {
    bench b;
    begin(&b, false, 60000);
    for (uint64_t i = 1; i <= 5; i++) put(&b, i, (size_t)i);
    divak_message *message = &b.reporter->messages[0];
    CHECK(divak_message_build(message, b.reporter, &b.delivery));
    size_t whole, sum = 0;
    const char *all = divak_message_part(message, false, &whole);
    for (uint32_t i = 0; i < 5; i++) {
        message->parts[0] = (divak_span_range){.first = i, .end = i + 1};
        size_t length;
        const char *bytes = divak_message_part(message, false, &length);
        CHECK(bytes == all + sum);
        CHECK_INT(0x0a, bytes[0]); /* field 1 of the list */
        CHECK_INT(length - 2, (uint8_t)bytes[1]);
        sum += length;
    }
    CHECK_INT(whole, sum);
    end(&b);
}

TEST(a_span_over_the_limit_is_dropped_alone_at_any_place) {
    for (uint64_t big = 0; big < 5; big++) {
        bench b;
        begin(&b, true, 1000);
        for (uint64_t i = 0; i < 5; i++) put(&b, i + 1, i == big ? 2000 : 5);
        uint64_t spans = 0;
        divak_message *message = &b.reporter->messages[0];
        for (int tries = 0; tries < 10; tries++) {
            if (divak_message_build(message, b.reporter, &b.delivery)) spans += message->count - message->synthetic;
        }
        CHECK_INT(4, spans);
        CHECK_INT(1, divak_load_relaxed(&b.reporter->counters.dropped[DIVAK_DROPPED_TOO_BIG]));
        CHECK_INT(4, pending(&b));
        end(&b);
    }
}

static int allowed;
static bool fails_once;
static void *(*real_resize)(void *, size_t);

static void *scarce_resize(void *memory, size_t size) {
    int left = allowed--;
    return left > 0 || (fails_once && left < 0) ? real_resize(memory, size) : NULL;
}

TEST(without_memory_building_ends_and_every_span_is_counted) {
    real_resize = divak_system.resize;
    for (int point = 0; point < 24; point++) {
        int count = point / 2;
        fails_once = point % 2 != 0;
        for (int is_json = 0; is_json < 2; is_json++) {
            bench b;
            begin(&b, is_json, 60000);
            for (uint64_t i = 1; i <= 100; i++) put(&b, i, 300);
            divak_message *message = &b.reporter->messages[0];
            divak_system.resize = scarce_resize;
            allowed = count;
            uint64_t built = 0;
            /* Each round either builds something or gives something up: it can't go on for ever. */
            int rounds = 0;
            while (b.reporter->next.position != b.store.end.position && rounds < 300) {
                if (divak_message_build(message, b.reporter, &b.delivery)) {
                    built += message->count - message->synthetic;
                    size_t length;
                    const char *bytes = divak_message_part(message, is_json, &length);
                    if (is_json) {
                        CHECK(bytes >= message->body.bytes);
                        CHECK_INT('[', bytes[0]);
                        CHECK_INT(message->count, sink_count(bytes, length));
                    }
                }
                rounds++;
            }
            divak_system.resize = real_resize;
            CHECK(rounds < 300);
            CHECK_INT(100, built + divak_load_relaxed(&b.reporter->counters.dropped[DIVAK_DROPPED_ENCODE]));
            CHECK_INT(built, pending(&b));
            end(&b);
        }
    }
}

CHECK_MAIN()
