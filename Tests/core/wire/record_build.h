/* SPDX-License-Identifier: Apache-2.0 */
/* record_build.h - makes records by hand, one at a time, for tests and fuzz targets.
 *
 *     build_begin(DIVAK_KIND_CLIENT, 0x1, 0x2);
 *     build_text_tag("http.path", "/");
 *     const divak_record *record = build_end();
 *
 * The record lies at the end of memory of exactly its size, so that a sanitizer sees any read
 * behind it.
 */
#ifndef DIVAK_TEST_RECORD_BUILD_H
#define DIVAK_TEST_RECORD_BUILD_H

#include <stdlib.h>
#include <string.h>

#include "divak/span.h"
#include "model/record.h"

static _Alignas(8) uint8_t build_bytes[DIVAK_RECORD_MAX];
static size_t build_length;
static void *build_exact;

static inline divak_record *build_header(void) {
    return (divak_record *)(void *)build_bytes;
}

static inline divak_record *build_begin(uint8_t kind, uint64_t trace_id_low, uint64_t span_id) {
    divak_record *header = build_header();
    *header = (divak_record){.kind = kind,
                             .flags = DIVAK_RECORD_SAMPLED,
                             .trace_id_low = trace_id_low,
                             .span_id = span_id};
    build_length = DIVAK_RECORD_HEADER;
    return header;
}

/* Left out when the record has no room for it. */
static inline bool build_field(int type, const void *key, size_t key_length, const void *value,
                               size_t value_length) {
    if (divak_field_size(key_length, value_length) > DIVAK_RECORD_MAX - build_length) return false;
    uint8_t *end = divak_field_write(build_bytes + build_length, (uint8_t)type, key, key_length,
                                     value, value_length);
    build_length = (size_t)(end - build_bytes);
    return true;
}

static inline void build_text(int type, const char *text) {
    build_field(type, NULL, 0, text, strlen(text));
}

static inline void build_text_tag(const char *key, const char *value) {
    build_field(DIVAK_FIELD_TAG_TEXT, key, strlen(key), value, strlen(value));
}

static inline void build_number_tag(int type, const char *key, const void *value) {
    build_field(type, key, strlen(key), value, 8);
}

static inline void build_id_tag(uint32_t id, const char *value) {
    build_field(DIVAK_FIELD_TAG_TEXT | DIVAK_FIELD_KEY_ID, &id, 4, value, strlen(value));
}

static inline bool build_annotation(uint64_t time, const char *text, size_t length) {
    static uint8_t value[UINT16_MAX];
    if (length > sizeof value - 8) return false;
    memcpy(value, &time, 8);
    if (length != 0) memcpy(value + 8, text, length);
    return build_field(DIVAK_FIELD_ANNOTATION, NULL, 0, value, length + 8);
}

static inline void build_address(int type, const divak_record_address *address) {
    build_field(type, NULL, 0, address, sizeof *address);
}

/* The record, valid until the next build_end. */
static inline const divak_record *build_end(void) {
    while (build_length % 8 != 0) build_bytes[build_length++] = 0;
    build_header()->length = (uint32_t)build_length;
    free(build_exact);
    build_exact = malloc(build_length);
    if (build_exact == NULL) abort();
    memcpy(build_exact, build_bytes, build_length);
    return build_exact;
}

#endif
