/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - one ended span as bytes: the only format that collect writes and wire reads.
 *
 *     +--------------------------- 56 bytes, 8-aligned ---------------------------+-----------------+-----+
 *     | length kind flags anchor | trace id | span id | parent id | start | duration | field field ... | pad |
 *     +---------------------------------------------------------------------------+-----------------+-----+
 *
 * A field is a 4-byte head, then the key, then the value, with nothing in between and no alignment:
 *
 *     type (1)  key_length (1)  value_length (2)   key bytes   value bytes
 *
 * Where type has DIVAK_FIELD_KEY_ID set, the key is 4 bytes, the number that divak_key gave, and key_length is 4.
 * Numbers stay numbers (8 bytes as the host has them); whoever drains formats them. All integers are in host order: the
 * record never leaves the machine. A later field of the same meaning replaces an earlier one (rename, tag set again),
 * but for the tag "error", whose first value stays.
 */
#ifndef DIVAK_MODEL_RECORD_H
#define DIVAK_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct divak_record {
    uint32_t length; /* the whole record, this header included; a multiple of 8 */
    uint8_t kind;    /* divak_kind */
    uint8_t flags;   /* DIVAK_RECORD_... */
    uint16_t anchor; /* number of the local root's time anchor */
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    uint64_t span_id;
    uint64_t parent_id; /* 0: none */
    uint64_t start;     /* in a lane ticks, or as flags say; in the store microseconds since 1970, 0: unknown */
    uint64_t duration;  /* in a lane the end in ticks, or as flags say; in the store microseconds, 0: none */
} divak_record;

enum {
    /* These three are bits of divak_span.flags as they are. */
    DIVAK_RECORD_SAMPLED = 1,        /* for Zipkin; without it only firehose handlers see the span */
    DIVAK_RECORD_DEBUG = 4,
    DIVAK_RECORD_SHARED = 8,
    DIVAK_RECORD_START_GIVEN = 2,    /* start is already microseconds */
    DIVAK_RECORD_DURATION_GIVEN = 16, /* duration is already microseconds */
    DIVAK_RECORD_NO_DURATION = 32,   /* flushed unfinished: none is reported */
    DIVAK_RECORD_SYNTHETIC = 64,     /* made by Divak itself, to report a loss */
    DIVAK_RECORD_END_GIVEN = 128     /* in a lane: the end is microseconds since 1970, by the caller */
};

enum {
    DIVAK_FIELD_NAME = 1,         /* value: text; or by id: no value */
    DIVAK_FIELD_TAG_TEXT = 2,
    DIVAK_FIELD_TAG_INT = 3,      /* value: int64_t */
    DIVAK_FIELD_TAG_UINT = 4,     /* value: uint64_t */
    DIVAK_FIELD_TAG_DOUBLE = 5,   /* value: double, NaN and infinities included */
    DIVAK_FIELD_TAG_BOOL = 6,     /* value: 1 byte */
    DIVAK_FIELD_ANNOTATION = 7,   /* value: uint64_t time, then text; ticks in a lane, microseconds in the store */
    DIVAK_FIELD_ANNOTATION_AT = 8, /* the same with microseconds given by the caller; in the store all are type 7 */
    DIVAK_FIELD_LOCAL_SERVICE = 9, /* value: text */
    DIVAK_FIELD_LOCAL_ADDRESS = 10, /* value: divak_record_address */
    DIVAK_FIELD_REMOTE_SERVICE = 11,
    DIVAK_FIELD_REMOTE_ADDRESS = 12,
    DIVAK_FIELD_SKIP = 14,        /* nothing: a field that was over a limit when its room was reserved already, or the first
                                   * one of a span that began without a name */
    DIVAK_FIELD_LOCAL_ROOT = 13,  /* value: uint64_t span id of the first span of this trace in this process */
    DIVAK_FIELD_KEY_ID = 128
};

enum {
    DIVAK_RECORD_HEADER = 56,
    DIVAK_FIELD_HEADER = 4,
    DIVAK_FIELD_KEY_MAX = 255,
    DIVAK_RECORD_MAX = 65528 /* the largest length of a record */
};

_Static_assert(sizeof(divak_record) == DIVAK_RECORD_HEADER, "the header of a record has no holes");

typedef struct divak_record_address {
    uint8_t has_ipv4, has_ipv6;
    uint16_t port; /* host order; 0: none */
    uint8_t ipv4[4];
    uint8_t ipv6[16];
} divak_record_address;

/* The first 4 bytes of a field, as a number of the host. */
static inline uint32_t divak_field_head(uint32_t type, size_t key_length, size_t value_length) {
    uint32_t head = type | (uint32_t)key_length << 8 | (uint32_t)value_length << 16;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    head = __builtin_bswap32(head);
#endif
    return head;
}

/* Writes those 4 bytes: three stores are less than what makes a number of them. */
static inline void divak_field_write_head(uint8_t *out, uint32_t type, size_t key_length, size_t value_length) {
    uint16_t length = (uint16_t)value_length;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    length = __builtin_bswap16(length); /* as divak_field_head has it, and divak_field_next reads it */
#endif
    out[0] = (uint8_t)type;
    out[1] = (uint8_t)key_length;
    memcpy(out + 2, &length, sizeof length);
}

/* Writes a field at `out`, which has room for divak_field_size; returns the byte after it. */
static inline uint8_t *divak_field_write(uint8_t *out, uint8_t type, const void *key,
                                         size_t key_length, const void *value,
                                         size_t value_length) {
    uint32_t head = divak_field_head(type, key_length, value_length);
    memcpy(out, &head, DIVAK_FIELD_HEADER);
    out += DIVAK_FIELD_HEADER;
    if (key_length != 0) memcpy(out, key, key_length);
    out += key_length;
    if (value_length != 0) memcpy(out, value, value_length);
    return out + value_length;
}

static inline size_t divak_field_size(size_t key_length, size_t value_length) {
    return DIVAK_FIELD_HEADER + key_length + value_length;
}

typedef struct divak_field {
    uint8_t type; /* without DIVAK_FIELD_KEY_ID */
    bool key_is_id;
    uint32_t key_id;     /* when key_is_id */
    const uint8_t *key;  /* else */
    size_t key_length;
    const uint8_t *value;
    size_t value_length;
} divak_field;

/* Steps through the fields of a record:
 *     const uint8_t *at = divak_record_fields(record);
 *     divak_field field;
 *     while (divak_field_next(record, &at, &field)) ...
 * Ends, false, at the end or at the first field that would reach past it (bytes not written by us). A field that is
 * padding (type 0) ends it too. */
static inline const uint8_t *divak_record_fields(const divak_record *record) {
    return (const uint8_t *)record + DIVAK_RECORD_HEADER;
}

static inline bool divak_field_next(const divak_record *record, const uint8_t **at,
                                    divak_field *out) {
    const uint8_t *end = (const uint8_t *)record + record->length;
    const uint8_t *head = *at;
    if ((size_t)(end - head) < DIVAK_FIELD_HEADER || head[0] == 0) return false;
    size_t key_length = head[1];
    size_t value_length = (size_t)head[2] | (size_t)head[3] << 8;
    if ((size_t)(end - head) < divak_field_size(key_length, value_length)) return false;
    out->type = head[0] & 127;
    out->key_is_id = (head[0] & DIVAK_FIELD_KEY_ID) != 0;
    out->key = head + DIVAK_FIELD_HEADER;
    out->key_length = key_length;
    out->key_id = 0;
    if (out->key_is_id) {
        if (key_length != 4) return false;
        memcpy(&out->key_id, out->key, 4);
    }
    out->value = out->key + key_length;
    out->value_length = value_length;
    *at = out->value + value_length;
    return true;
}

#endif
