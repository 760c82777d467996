/* SPDX-License-Identifier: Apache-2.0 */
/* proto3_parts.h - what a zipkin.proto3 message is made of: tags, varints, lengths, text. Used by
 * proto3.c alone.
 *
 * A length comes before what it measures, so that it is guessed: room is left for as many bytes as
 * the guess needs, and what follows is moved in the rare case that it needed more or fewer.
 */
#ifndef DIVAK_WIRE_PROTO3_PARTS_H
#define DIVAK_WIRE_PROTO3_PARTS_H

#include "wire/text.h"

/* Tags: field number times 8, plus 0 for a varint, 1 for eight bytes, 2 for a length and bytes. */
enum {
    LIST_SPAN = 1 << 3 | 2,
    SPAN_TRACE_ID = 1 << 3 | 2,
    SPAN_PARENT_ID = 2 << 3 | 2,
    SPAN_ID = 3 << 3 | 2,
    SPAN_KIND = 4 << 3 | 0,
    SPAN_NAME = 5 << 3 | 2,
    SPAN_TIMESTAMP = 6 << 3 | 1,
    SPAN_DURATION = 7 << 3 | 0,
    SPAN_LOCAL_ENDPOINT = 8 << 3 | 2,
    SPAN_REMOTE_ENDPOINT = 9 << 3 | 2,
    SPAN_ANNOTATION = 10 << 3 | 2,
    SPAN_TAG = 11 << 3 | 2,
    SPAN_DEBUG = 12 << 3 | 0,
    SPAN_SHARED = 13 << 3 | 0,
    ENDPOINT_SERVICE = 1 << 3 | 2,
    ENDPOINT_IPV4 = 2 << 3 | 2,
    ENDPOINT_IPV6 = 3 << 3 | 2,
    ENDPOINT_PORT = 4 << 3 | 0,
    ANNOTATION_TIMESTAMP = 1 << 3 | 1,
    ANNOTATION_VALUE = 2 << 3 | 2,
    TAG_KEY = 1 << 3 | 2,
    TAG_VALUE = 2 << 3 | 2
};

static inline char *put_varint(char *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

static inline size_t varint_size(size_t value) {
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

/* A length was left out at `length_at`, for which `guessed` bytes of room are; what it measures
 * ends at `end`. */
static inline char *close_length(char *length_at, size_t guessed, char *end) {
    size_t length = (size_t)(end - length_at) - guessed;
    size_t size = varint_size(length);
    if (size != guessed) memmove(length_at + size, length_at + guessed, length);
    put_varint(length_at, length);
    return length_at + size + length;
}

/* A field of any text: mending may change its length. */
static inline char *put_any_text(char *at, uint8_t tag, const char *text, size_t length,
                                 const char *readable_end, bool lower, uint64_t *mended) {
    *at++ = (char)tag;
    size_t guessed = varint_size(length);
    char *end = divak_text_write_utf8(at + guessed, text, length, readable_end, lower, mended);
    return close_length(at, guessed, end);
}

enum { SHORT_TEXT = 2 * DIVAK_BLOCK_SIZE }; /* what divak_text_copy_ascii takes */

/* A field of short ASCII; NULL when it is something else. */
static inline char *put_short_text(char *at, uint8_t tag, const char *text, size_t length,
                                   const char *readable_end, bool lower) {
    at[0] = (char)tag;
    at[1] = (char)length;
    return divak_text_copy_ascii(at + 2, text, length, readable_end, lower) ? at + 2 + length
                                                                            : NULL;
}

static inline char *put_text(char *at, uint8_t tag, const char *text, size_t length,
                             const char *readable_end, bool lower, uint64_t *mended) {
    char *end = put_short_text(at, tag, text, length, readable_end, lower);
    return end != NULL ? end : put_any_text(at, tag, text, length, readable_end, lower, mended);
}

static inline char *put_id(char *at, uint8_t tag, uint64_t id) {
    at[0] = (char)tag;
    at[1] = 8;
    divak_store_big64(at + 2, id);
    return at + 10;
}

static inline char *put_fixed64(char *at, uint8_t tag, uint64_t value) {
    *at = (char)tag;
    divak_store_little64(at + 1, value);
    return at + 9;
}

#endif
