/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c - what it costs to encode a span as JSON and as proto3, beside a plain encoder made of
 * snprintf.
 *
 *     bench_encode [rounds]
 *
 * The span is a realistic one: trace id of 128 bits, parent, kind, name, times, local endpoint,
 * four tags, one annotation; 64 of them with different ids and times, so that branches have
 * something to guess. Once name and keys are registered, once they are copied text. Before anything
 * is timed, the snprintf encoder must write the same bytes.
 */
#include "bench.h"

#include <inttypes.h>

#include "divak/span.h"
#include "wire/json.h"
#include "wire/proto3.h"

enum {
    RECORDS = 64,
    RECORD_ROOM = 512,
    BATCH = 1024, /* spans a burst: about one message */
    ROUNDS = 201
};

typedef union record_room {
    divak_record record;
    uint8_t bytes[RECORD_ROOM];
} record_room;

static divak_key_table keys;
static divak_encode_context context;
static record_room by_key[RECORDS], by_text[RECORDS];

static const char *const tag_keys[3] = {"http.method", "http.path", "http.route"};
static const char *const tag_values[3] = {"GET", "/api/users/42", "/api/users/{id}"};
static const char name[] = "get /api/users/{id}", status_key[] = "http.status_code";

/* ---- input ---- */

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint8_t *put_keyed(uint8_t *at, int type, const char *key, bool registered,
                          const void *value, size_t length) {
    if (!registered) return divak_field_write(at, (uint8_t)type, key, strlen(key), value, length);
    uint32_t id = divak_key_table_add(&keys, key, strlen(key));
    return divak_field_write(at, (uint8_t)(type | DIVAK_FIELD_KEY_ID), &id, 4, value, length);
}

static void make_record(record_room *room, uint64_t seed, bool registered) {
    uint64_t state = seed;
    memset(room, 0, sizeof *room);
    room->record = (divak_record){
        .kind = DIVAK_KIND_SERVER,
        .flags = DIVAK_RECORD_SAMPLED,
        .trace_id_high = next_random(&state),
        .trace_id_low = next_random(&state),
        .span_id = next_random(&state),
        .parent_id = next_random(&state),
        .start = UINT64_C(1753275600000000) + next_random(&state) % 1000000000,
        .duration = 1 + next_random(&state) % 2000000,
    };
    uint8_t *at = room->bytes + DIVAK_RECORD_HEADER;
    if (registered)
        at = put_keyed(at, DIVAK_FIELD_NAME, name, true, NULL, 0);
    else
        at = divak_field_write(at, DIVAK_FIELD_NAME, NULL, 0, name, strlen(name));
    for (int i = 0; i < 3; i++) {
        at = put_keyed(at, DIVAK_FIELD_TAG_TEXT, tag_keys[i], registered, tag_values[i],
                       strlen(tag_values[i]));
    }
    int64_t status = 200;
    at = put_keyed(at, DIVAK_FIELD_TAG_INT, status_key, registered, &status, sizeof status);
    uint8_t annotation[8 + 10];
    uint64_t time = room->record.start + 57;
    memcpy(annotation, &time, 8);
    memcpy(annotation + 8, "cache.miss", 10);
    at = divak_field_write(at, DIVAK_FIELD_ANNOTATION, NULL, 0, annotation, sizeof annotation);
    room->record.length = (uint32_t)((size_t)(at - room->bytes) + 7) & ~UINT32_C(7);
}

/* ---- the plain encoder ---- */

static char *escape(char *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\') {
            *out++ = '\\';
            *out++ = (char)byte;
        } else if (byte < 0x20) {
            out += snprintf(out, 7, "\\u%04x", byte);
        } else {
            *out++ = (char)byte;
        }
    }
    *out = 0;
    return out;
}

static const char *key_text(const divak_field *field, size_t *out_length) {
    *out_length = field->key_length;
    if (!field->key_is_id) return (const char *)field->key;
    const divak_key_entry *entry = divak_key_table_find(&keys, field->key_id);
    *out_length = entry->length;
    return keys.bytes + entry->offset;
}

/* One span by snprintf, from the same record; for the fields of this benchmark. */
static size_t plain_encode(char *out, size_t room, const divak_record *record) {
    char escaped[2][1024], annotations[1024], tags[2048], span_name[1024] = "";
    size_t annotations_length = 0, tags_length = 0, length;
    static const char *const kinds[] = {"", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"};
    const uint8_t *at = divak_record_fields(record);
    divak_field field;
    while (divak_field_next(record, &at, &field)) {
        const char *key = key_text(&field, &length);
        escape(escaped[0], key, length);
        const char *separator = tags_length == 0 ? "" : ",";
        if (field.type == DIVAK_FIELD_NAME) {
            if (field.key_is_id)
                escape(span_name, key, length);
            else
                escape(span_name, (const char *)field.value, field.value_length);
        } else if (field.type == DIVAK_FIELD_TAG_TEXT) {
            escape(escaped[1], (const char *)field.value, field.value_length);
            tags_length += (size_t)snprintf(tags + tags_length, sizeof tags - tags_length,
                                            "%s\"%s\":\"%s\"", separator, escaped[0], escaped[1]);
        } else if (field.type == DIVAK_FIELD_TAG_INT) {
            int64_t value;
            memcpy(&value, field.value, sizeof value);
            tags_length +=
                (size_t)snprintf(tags + tags_length, sizeof tags - tags_length,
                                 "%s\"%s\":\"%" PRId64 "\"", separator, escaped[0], value);
        } else if (field.type == DIVAK_FIELD_ANNOTATION) {
            uint64_t time;
            memcpy(&time, field.value, sizeof time);
            escape(escaped[1], (const char *)field.value + 8, field.value_length - 8);
            annotations_length += (size_t)snprintf(
                annotations + annotations_length, sizeof annotations - annotations_length,
                "%s{\"timestamp\":%" PRIu64 ",\"value\":\"%s\"}",
                annotations_length == 0 ? "" : ",", time, escaped[1]);
        }
    }
    return (size_t)snprintf(
        out, room,
        "{\"traceId\":\"%016" PRIx64 "%016" PRIx64 "\",\"parentId\":\"%016" PRIx64
        "\",\"id\":\"%016" PRIx64 "\",\"kind\":\"%s\",\"name\":\"%s\",\"timestamp\":%" PRIu64
        ",\"duration\":%" PRIu64 ",\"localEndpoint\":{\"serviceName\":\"%s\",\"ipv4\":"
        "\"%d.%d.%d.%d\",\"port\":%d},\"annotations\":[%s],\"tags\":{%s}}",
        record->trace_id_high, record->trace_id_low, record->parent_id, record->span_id,
        kinds[record->kind], span_name, record->start, record->duration, "frontend", 10, 0, 12, 34,
        8080, annotations, tags);
}

/* ---- measuring ---- */

typedef void (*encode_batch)(divak_buffer *out, const record_room *records);

static void batch_json(divak_buffer *out, const record_room *records) {
    divak_json_begin_list(out);
    for (size_t i = 0; i < BATCH; i++) {
        if (i != 0) divak_json_separate(out);
        divak_json_append_span(out, &context, &records[i % RECORDS].record);
    }
    divak_json_end_list(out);
}

static void batch_plain(divak_buffer *out, const record_room *records) {
    divak_json_begin_list(out);
    for (size_t i = 0; i < BATCH; i++) {
        if (i != 0) divak_json_separate(out);
        char *end = divak_buffer_reserve(out, 4096);
        if (end != NULL) out->length += plain_encode(end, 4096, &records[i % RECORDS].record);
    }
    divak_json_end_list(out);
}

static void batch_proto3(divak_buffer *out, const record_room *records) {
    for (size_t i = 0; i < BATCH; i++)
        divak_proto3_append_span(out, &context, &records[i % RECORDS].record);
}

static void require(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "encode: %s\n", what);
    exit(1);
}

static bool same_bytes(const divak_buffer *a, const divak_buffer *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

typedef struct row {
    const char *what, *goal;
    encode_batch encode;
    const record_room *records;
    divak_buffer body;
    bench_samples samples;
} row;

static double burst(row *one) {
    one->body.length = 0;
    uint64_t begin = bench_now();
    one->encode(&one->body, one->records);
    return (double)(bench_now() - begin) / BATCH;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    require(rounds > 0, "rounds: a number from 1");
    bench_pin(bench_processor(0));
    for (size_t i = 0; i < RECORDS; i++) {
        make_record(&by_key[i], i, true);
        make_record(&by_text[i], i, false);
    }
    divak_encode_settings settings = {
        .keys = &keys,
        .service = "frontend",
        .service_length = 8,
        .address = {.has_ipv4 = 1, .port = 8080, .ipv4 = {10, 0, 12, 34}},
    };
    require(divak_encode_context_init(&context, &settings) == DIVAK_OK, "no memory");

    row rows[] = {
        {.what = "JSON, registered keys", .goal = "80", .encode = batch_json, .records = by_key},
        {.what = "JSON, copied keys", .goal = "80", .encode = batch_json, .records = by_text},
        {.what = "proto3, registered keys",
         .goal = "50",
         .encode = batch_proto3,
         .records = by_key},
        {.what = "proto3, copied keys", .goal = "50", .encode = batch_proto3, .records = by_text},
        {.what = "JSON by snprintf", .goal = "", .encode = batch_plain, .records = by_text},
    };
    enum { ROWS = sizeof rows / sizeof *rows, PLAIN = ROWS - 1 };
    for (size_t i = 0; i < ROWS; i++) {
        bench_samples_init(&rows[i].samples, (size_t)rounds);
        burst(&rows[i]);
        require(!rows[i].body.failed, "no memory");
    }
    require(same_bytes(&rows[0].body, &rows[PLAIN].body),
            "JSON with registered keys is not what snprintf wrote");
    require(same_bytes(&rows[1].body, &rows[PLAIN].body),
            "JSON with copied keys is not what snprintf wrote");
    require(same_bytes(&rows[2].body, &rows[3].body),
            "proto3 differs between registered and copied keys");
    require(context.sanitized == 0, "something was sanitized");

    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ROWS; i++) bench_samples_add(&rows[i].samples, burst(&rows[i]));
    }
    for (size_t i = 0; i < ROWS; i++) bench_samples_sort(&rows[i].samples);
    double plain = bench_quantile(&rows[PLAIN].samples, 0),
           plain_median = bench_quantile(&rows[PLAIN].samples, 0.5);
    puts("| a span | min ns | median ns | goal | bytes | MB/s | times as fast as snprintf: min | "
         "median |");
    puts("|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < ROWS; i++) {
        double minimum = bench_quantile(&rows[i].samples, 0),
               median = bench_quantile(&rows[i].samples, 0.5);
        size_t bytes = rows[i].body.length / BATCH;
        printf("| %s | %.1f | %.1f | %s | %zu | %.0f | %.1f | %.1f |\n", rows[i].what, minimum,
               median, rows[i].goal, bytes, (double)bytes * 1000 / minimum, plain / minimum,
               plain_median / median);
        divak_buffer_deinit(&rows[i].body);
        free(rows[i].samples.values);
    }
    divak_encode_context_deinit(&context);
    return 0;
}
