/* SPDX-License-Identifier: Apache-2.0 */
/* json_fuzz.c - any record and any text become JSON and proto3 that a strict reader takes, and both
 * say the same.
 *
 * The first byte chooses: even, the rest is a record as it is (only length and ids are made legal);
 * odd, the rest gives texts and numbers from which fields of all types, registered keys, service
 * and default tags are made.
 */
#include <stddef.h>
#include <stdint.h>

#include "divak/status.h"
#include "wire/json.h"
#include "wire/proto3.h"
#include "wire/record_build.h"
#include "wire/span_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t input_left;

static uint8_t next_byte(void) {
    if (input_left == 0) return 0;
    input_left--;
    return *input++;
}

/* Up to `limit` bytes of input; lengths are mostly short, and now and then all that is left. */
static const char *next_text(size_t limit, size_t *out_length) {
    size_t length = next_byte();
    if (length == 255) length = input_left;
    if (length > input_left) length = input_left;
    if (length > limit) length = limit;
    const char *text = (const char *)input;
    input += length;
    input_left -= length;
    *out_length = length;
    return length == 0 ? "" : text;
}

static divak_key_table keys;

static void add_field(void) {
    size_t key_length, value_length;
    uint8_t type = next_byte();
    const char *key = next_text(DIVAK_FIELD_KEY_MAX, &key_length),
               *value = next_text(UINT16_MAX, &value_length);
    uint8_t number[8] = {0};
    switch (type % 16) {
    case DIVAK_FIELD_ANNOTATION:
    case DIVAK_FIELD_ANNOTATION_AT: {
        uint64_t time = type < 128 ? 1 + (uint64_t)type : UINT64_C(1) << (type % 64);
        build_annotation(time, value, value_length);
        return;
    }
    case DIVAK_FIELD_TAG_INT:
    case DIVAK_FIELD_TAG_UINT:
    case DIVAK_FIELD_TAG_DOUBLE:
        memcpy(number, value, value_length < sizeof number ? value_length : sizeof number);
        build_field(type % 16, key, key_length, number, sizeof number);
        return;
    case DIVAK_FIELD_TAG_BOOL:
        build_field(DIVAK_FIELD_TAG_BOOL, key, key_length, number, 1);
        return;
    case DIVAK_FIELD_LOCAL_ADDRESS:
    case DIVAK_FIELD_REMOTE_ADDRESS: {
        uint8_t address[sizeof(divak_record_address)] = {0};
        memcpy(address, value, value_length < sizeof address ? value_length : sizeof address);
        build_field(type % 16, NULL, 0, address, sizeof address);
        return;
    }
    case DIVAK_FIELD_NAME:
    case DIVAK_FIELD_TAG_TEXT: {
        uint32_t id = divak_key_table_add(&keys, key, key_length);
        if (type < 128 || id == DIVAK_KEY_NONE) break;
        build_field(type % 16 | DIVAK_FIELD_KEY_ID, &id, 4, value, value_length);
        return;
    }
    default:
        break;
    }
    build_field(type % 16, key, key_length, value, value_length);
}

static const divak_record *make_record(void) {
    divak_record *header = build_begin(next_byte(), 1, 2);
    header->flags = next_byte();
    header->parent_id = next_byte();
    header->trace_id_high = next_byte();
    header->start = UINT64_C(1) << (next_byte() % 64);
    header->duration = next_byte();
    while (input_left != 0) add_field();
    return build_end();
}

static const divak_record *take_record(void) {
    build_begin(0, 1, 1);
    size_t length = input_left + 4 > DIVAK_RECORD_MAX ? DIVAK_RECORD_MAX - 4 : input_left;
    if (length < DIVAK_RECORD_HEADER) return NULL;
    memcpy(build_bytes + 4, input, length);
    build_length = length + 4;
    build_header()->span_id |= 1;
    build_header()->trace_id_low |= 1;
    return build_end();
}

static void require(bool holds, const char *what, const char *problem) {
    if (holds) return;
    fprintf(stderr, "%s: %s\n", what, problem == NULL ? "" : problem);
    abort();
}

/* Encodes into memory of just the promised size, so that a sanitizer sees a promise that was too
 * small. */
typedef int (*append)(divak_buffer *out, divak_encode_context *context, const divak_record *record);

static divak_buffer encode_once(append append_span, divak_encode_context *context,
                                const divak_record *record, size_t bound) {
    divak_buffer out = {.bytes = malloc(bound), .capacity = bound};
    require(out.bytes != NULL, "no memory", NULL);
    char *before = out.bytes;
    require(append_span(&out, context, record) == DIVAK_OK, "refused", NULL);
    require(out.bytes == before, "grew beyond the bound", NULL);
    return out;
}

/* Twice, for then registered keys and names are copied and not made. */
static divak_buffer encode(append append_span, divak_encode_context *context,
                           const divak_record *record, size_t bound) {
    divak_buffer first = encode_once(append_span, context, record, bound);
    divak_buffer second = encode_once(append_span, context, record, bound);
    bool is_same =
        first.length == second.length && memcmp(first.bytes, second.bytes, first.length) == 0;
    require(is_same, "the second time differs", NULL);
    free(second.bytes);
    return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    input_left = size;
    static divak_encode_context context;
    divak_encode_settings settings = {.keys = &keys};
    divak_default_tag tags[2];
    const divak_record *record;
    keys = (divak_key_table){0};
    if ((next_byte() & 1) != 0) {
        for (int i = 0; i < 2; i++) {
            tags[i].key = next_text(255, &tags[i].key_length);
            tags[i].value = next_text(64, &tags[i].value_length);
        }
        settings.service = next_text(64, &settings.service_length);
        settings.tags = tags;
        settings.tag_count = next_byte() % 3;
        record = make_record();
    } else {
        divak_key_table_add(&keys, "plain", 5);
        divak_key_table_add(&keys, "\"\n\xff", 3);
        divak_key_table_add(&keys, "yAnnotations", 12);
        record = take_record();
    }
    if (record == NULL) return 0;
    require(divak_encode_context_init(&context, &settings) == DIVAK_OK, "no memory", NULL);
    require(divak_span_view_read(&context.view, record) == DIVAK_OK, "not a span", NULL);
    divak_buffer json = encode(divak_json_append_span, &context, record,
                               divak_json_span_bound(&context, &context.view));
    divak_buffer proto3 = encode(divak_proto3_append_span, &context, record,
                                 divak_proto3_span_bound(&context, &context.view));

    checked_texts json_texts = {0}, proto3_texts = {0};
    json_texts.at = (const uint8_t *)json.bytes;
    json_texts.end = json_texts.at + json.length;
    bool is_json = check_json_span(&json_texts) && json_texts.at == json_texts.end;
    require(is_json, "JSON", json_texts.problem);
    require(check_proto3_list(proto3.bytes, proto3.length, &proto3_texts), "proto3",
            proto3_texts.problem);
    require(proto3_texts.spans == 1, "proto3 spans", NULL);
    bool is_same = json_texts.length == proto3_texts.length &&
                   memcmp(json_texts.bytes, proto3_texts.bytes, json_texts.length) == 0;
    require(is_same, "JSON and proto3 differ", NULL);

    checked_texts_free(&json_texts);
    checked_texts_free(&proto3_texts);
    free(json.bytes);
    free(proto3.bytes);
    divak_encode_context_deinit(&context);
    return 0;
}
