/* SPDX-License-Identifier: Apache-2.0 */
/* span_check.h - reads encoded spans back, strictly, and shares no code with the encoders.
 *
 *     checked_texts texts = {0};
 *     if (!check_json_list(bytes, length, &texts)) ...             // where: texts.problem
 *
 * Accepted is only what a Zipkin server takes and what our encoders promise: for JSON the members
 * in their order, no byte outside of UTF-8, no escape but those documented, lower-case ids that are
 * not zero; for proto3 the fields in order, minimal lengths, UTF-8 strings. Both collect all free
 * texts of the spans in the same order (name, services, annotations with time, tags), so that the
 * two encodings of a span can be compared.
 */
#ifndef DIVAK_TEST_SPAN_CHECK_H
#define DIVAK_TEST_SPAN_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct checked_texts {
    char *bytes;
    size_t length, capacity;
    size_t spans;
    const char *problem;
    const uint8_t *at, *end; /* where reading is */
} checked_texts;

static inline void checked_texts_free(checked_texts *texts) {
    free(texts->bytes);
    *texts = (checked_texts){0};
}

static inline bool check_no(checked_texts *texts, const char *problem) {
    if (texts->problem == NULL) texts->problem = problem;
    return false;
}

static inline void check_keep(checked_texts *texts, const void *bytes, size_t length) {
    if (length > texts->capacity - texts->length) {
        texts->capacity = (texts->length + length) * 2 + 64;
        texts->bytes = realloc(texts->bytes, texts->capacity);
        if (texts->bytes == NULL) abort();
    }
    if (length != 0) memcpy(texts->bytes + texts->length, bytes, length);
    texts->length += length;
}

static inline bool check_utf8(const uint8_t *at, size_t length) {
    const uint8_t *end = at + length;
    while (at < end) {
        uint32_t code = *at, rest = code < 0x80   ? 0
                                    : code < 0xc2 ? 9
                                    : code < 0xe0 ? 1
                                    : code < 0xf0 ? 2
                                    : code < 0xf5 ? 3
                                                  : 9;
        if (rest == 9 || (size_t)(end - at) <= rest) return false;
        if (rest > 0) code &= 0x3fu >> rest;
        for (uint32_t i = 1; i <= rest; i++) {
            if ((at[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (at[i] & 0x3f);
        }
        if (rest == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) return false;
        if (rest == 3 && (code < 0x10000 || code > 0x10ffff)) return false;
        at += rest + 1;
    }
    return true;
}

/* ---- JSON ---- */

static inline bool check_takes(checked_texts *texts, const char *literal) {
    size_t length = strlen(literal);
    if ((size_t)(texts->end - texts->at) < length || memcmp(texts->at, literal, length) != 0)
        return false;
    texts->at += length;
    return true;
}

static inline bool check_hex_digit(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

/* An id of 16, or where allowed 32, digits, not zero, and the quote behind it. */
static inline bool check_json_id(checked_texts *texts, bool may_be_long) {
    size_t digits = 0, zeros = 0;
    while (texts->at < texts->end && check_hex_digit(*texts->at)) {
        zeros += *texts->at == '0';
        digits++;
        texts->at++;
    }
    if (digits != 16 && !(may_be_long && digits == 32)) return check_no(texts, "id length");
    if (zeros == digits) return check_no(texts, "id of zero");
    return check_takes(texts, "\"") || check_no(texts, "id end");
}

/* A number above 0 that fits a positive int64. */
static inline bool check_json_number(checked_texts *texts, uint64_t *out_value) {
    const uint8_t *start = texts->at;
    uint64_t value = 0;
    while (texts->at < texts->end && *texts->at >= '0' && *texts->at <= '9' &&
           texts->at - start < 19) {
        value = value * 10 + (uint64_t)(*texts->at++ - '0');
    }
    *out_value = value;
    return (texts->at != start && *start != '0' && value <= INT64_MAX) || check_no(texts, "number");
}

/* The rest of a string behind its opening quote; its unescaped bytes are kept, and a separator. */
static inline bool check_json_string(checked_texts *texts) {
    const uint8_t *first = texts->at;
    for (;;) {
        if (texts->at == texts->end) return check_no(texts, "string end");
        uint8_t byte = *texts->at++;
        if (byte == '"') break;
        if (byte < 0x20) return check_no(texts, "control character");
        if (byte != '\\') {
            check_keep(texts, &byte, 1);
            continue;
        }
        if (texts->at == texts->end) return check_no(texts, "escape end");
        const char *plain = "\"\\\b\t\n\f\r", *escapes = "\"\\btnfr", *found;
        byte = *texts->at++;
        if (byte != 0 && (found = strchr(escapes, byte)) != NULL) {
            check_keep(texts, plain + (found - escapes), 1);
            continue;
        }
        if (byte != 'u' || texts->end - texts->at < 4) return check_no(texts, "escape");
        char digits[5] = {0};
        for (int i = 0; i < 4; i++) {
            if (!check_hex_digit(*texts->at)) return check_no(texts, "escape digits");
            digits[i] = (char)*texts->at++;
        }
        unsigned long code = strtoul(digits, NULL, 16);
        if (code == 0x2028 || code == 0x2029) {
            check_keep(texts, code == 0x2028 ? "\xe2\x80\xa8" : "\xe2\x80\xa9", 3);
        } else if (code < 0x20 || code == 's') {
            char character = (char)code;
            check_keep(texts, &character, 1);
        } else {
            return check_no(texts, "needless escape");
        }
    }
    if (!check_utf8(first, (size_t)(texts->at - first))) return check_no(texts, "UTF-8");
    if (texts->at - first >= 13 && memcmp(texts->at - 13, "yAnnotations\"", 13) == 0) {
        return check_no(texts, "looks like the old format");
    }
    check_keep(texts, "\0", 1);
    return true;
}

static inline bool check_json_endpoint(checked_texts *texts) {
    uint64_t number;
    const char *comma = "";
    char member[32];
    bool is_empty = true;
    snprintf(member, sizeof member, "\"serviceName\":\"");
    if (check_takes(texts, member)) {
        const uint8_t *start = texts->at;
        if (!check_json_string(texts)) return false;
        if (texts->at - start == 1) return check_no(texts, "empty service");
        comma = ",";
        is_empty = false;
    }
    static const char *const addresses[2] = {"\"ipv4\":\"", "\"ipv6\":\""};
    for (int i = 0; i < 2; i++) {
        snprintf(member, sizeof member, "%s%s", comma, addresses[i]);
        if (!check_takes(texts, member)) continue;
        const char *allowed = i == 0 ? "0123456789." : "0123456789abcdef:";
        const uint8_t *start = texts->at;
        while (texts->at < texts->end && *texts->at != 0 && strchr(allowed, *texts->at) != NULL)
            texts->at++;
        if (texts->at - start < 2 || !check_takes(texts, "\"")) return check_no(texts, "address");
        comma = ",";
        is_empty = false;
    }
    snprintf(member, sizeof member, "%s\"port\":", comma);
    if (check_takes(texts, member)) {
        if (!check_json_number(texts, &number) || number > 65535) return check_no(texts, "port");
        is_empty = false;
    }
    if (is_empty) return check_no(texts, "empty endpoint");
    return check_takes(texts, "}") || check_no(texts, "endpoint end");
}

static inline bool check_json_annotations(checked_texts *texts) {
    do {
        uint64_t time;
        if (!check_takes(texts, "{\"timestamp\":") || !check_json_number(texts, &time))
            return check_no(texts, "annotation");
        check_keep(texts, &time, sizeof time);
        if (!check_takes(texts, ",\"value\":\"") || !check_json_string(texts))
            return check_no(texts, "annotation");
        if (!check_takes(texts, "}")) return check_no(texts, "annotation end");
    } while (check_takes(texts, ","));
    return check_takes(texts, "]") || check_no(texts, "annotations end");
}

static inline bool check_json_tags(checked_texts *texts) {
    do {
        if (!check_takes(texts, "\"") || !check_json_string(texts))
            return check_no(texts, "tag key");
        if (!check_takes(texts, ":\"") || !check_json_string(texts))
            return check_no(texts, "tag value");
    } while (check_takes(texts, ","));
    return check_takes(texts, "}") || check_no(texts, "tags end");
}

static inline bool check_json_span(checked_texts *texts) {
    uint64_t number;
    if (!check_takes(texts, "{\"traceId\":\"") || !check_json_id(texts, true))
        return check_no(texts, "trace id");
    if (check_takes(texts, ",\"parentId\":\"") && !check_json_id(texts, false)) return false;
    if (!check_takes(texts, ",\"id\":\"") || !check_json_id(texts, false))
        return check_no(texts, "span id");
    if (check_takes(texts, ",\"kind\":\"") && !check_takes(texts, "CLIENT\"") &&
        !check_takes(texts, "SERVER\"") && !check_takes(texts, "PRODUCER\"") &&
        !check_takes(texts, "CONSUMER\"")) {
        return check_no(texts, "kind");
    }
    if (check_takes(texts, ",\"name\":\"")) {
        const uint8_t *start = texts->at;
        if (!check_json_string(texts)) return false;
        if (texts->at - start == 1) return check_no(texts, "empty name");
    }
    if (check_takes(texts, ",\"timestamp\":") && !check_json_number(texts, &number)) return false;
    if (check_takes(texts, ",\"duration\":") && !check_json_number(texts, &number)) return false;
    if (check_takes(texts, ",\"localEndpoint\":{") && !check_json_endpoint(texts)) return false;
    if (check_takes(texts, ",\"remoteEndpoint\":{") && !check_json_endpoint(texts)) return false;
    if (check_takes(texts, ",\"annotations\":[") && !check_json_annotations(texts)) return false;
    if (check_takes(texts, ",\"tags\":{") && !check_json_tags(texts)) return false;
    check_takes(texts, ",\"debug\":true");
    check_takes(texts, ",\"shared\":true");
    check_keep(texts, "\n", 1);
    texts->spans++;
    return check_takes(texts, "}") || check_no(texts, "span end");
}

static inline bool check_json_list(const void *bytes, size_t length, checked_texts *texts) {
    texts->at = bytes;
    texts->end = texts->at + length;
    if (!check_takes(texts, "[")) return check_no(texts, "list");
    if (!check_takes(texts, "]")) {
        do {
            if (!check_json_span(texts)) return false;
        } while (check_takes(texts, ","));
        if (!check_takes(texts, "]")) return check_no(texts, "list end");
    }
    return texts->at == texts->end || check_no(texts, "bytes behind the list");
}

/* ---- proto3 ---- */

static inline bool check_varint(checked_texts *texts, const uint8_t *end, uint64_t *out_value) {
    uint64_t value = 0;
    for (int shift = 0; texts->at < end && shift < 64; shift += 7) {
        uint8_t byte = *texts->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) != 0) continue;
        if (byte == 0 && shift != 0) return check_no(texts, "varint not minimal");
        *out_value = value;
        return true;
    }
    return check_no(texts, "varint");
}

/* Takes the field's tag if it is next; *out_end is set for a field with a length. */
static inline bool check_field(checked_texts *texts, const uint8_t *end, uint32_t tag,
                               const uint8_t **out_end) {
    uint64_t length;
    if (texts->at == end || *texts->at != tag) return false;
    texts->at++;
    *out_end = texts->at; /* a bad length shows as a field of no bytes, or as bytes left over */
    if ((tag & 7) != 2) return true;
    if (!check_varint(texts, end, &length) || length > (uint64_t)(end - texts->at))
        return check_no(texts, "length");
    *out_end = texts->at + length;
    return true;
}

static inline bool check_proto3_string(checked_texts *texts, const uint8_t *end) {
    size_t length = (size_t)(end - texts->at);
    if (!check_utf8(texts->at, length)) return check_no(texts, "UTF-8");
    check_keep(texts, texts->at, length);
    check_keep(texts, "\0", 1);
    texts->at = end;
    return true;
}

static inline bool check_proto3_bytes(checked_texts *texts, const uint8_t *end, size_t length,
                                      size_t other_length) {
    size_t actual = (size_t)(end - texts->at);
    texts->at = end;
    return actual == length || actual == other_length || check_no(texts, "length of bytes");
}

static inline bool check_proto3_endpoint(checked_texts *texts, const uint8_t *end) {
    const uint8_t *inner;
    uint64_t port;
    if (texts->at == end) return check_no(texts, "empty endpoint");
    if (check_field(texts, end, 0x0a, &inner) &&
        (inner == texts->at || !check_proto3_string(texts, inner))) {
        return check_no(texts, "service");
    }
    if (check_field(texts, end, 0x12, &inner) && !check_proto3_bytes(texts, inner, 4, 4))
        return false;
    if (check_field(texts, end, 0x1a, &inner) && !check_proto3_bytes(texts, inner, 16, 16))
        return false;
    if (check_field(texts, end, 0x20, &inner) &&
        (!check_varint(texts, end, &port) || port == 0 || port > 65535)) {
        return check_no(texts, "port");
    }
    return texts->at == end || check_no(texts, "endpoint end");
}

static inline bool check_proto3_time(checked_texts *texts, const uint8_t *end, uint64_t *out_time) {
    if (end - texts->at < 8) return check_no(texts, "fixed64");
    *out_time = 0;
    for (int i = 0; i < 8; i++) *out_time |= (uint64_t)*texts->at++ << (8 * i);
    return (*out_time != 0 && *out_time <= INT64_MAX) || check_no(texts, "time");
}

static inline bool check_proto3_span(checked_texts *texts, const uint8_t *end) {
    const uint8_t *inner, *text;
    uint64_t value;
    if (!check_field(texts, end, 0x0a, &inner) || !check_proto3_bytes(texts, inner, 8, 16))
        return check_no(texts, "trace id");
    if (check_field(texts, end, 0x12, &inner) && !check_proto3_bytes(texts, inner, 8, 8))
        return false;
    if (!check_field(texts, end, 0x1a, &inner) || !check_proto3_bytes(texts, inner, 8, 8))
        return check_no(texts, "span id");
    if (check_field(texts, end, 0x20, &inner) &&
        (!check_varint(texts, end, &value) || value == 0 || value > 4)) {
        return check_no(texts, "kind");
    }
    if (check_field(texts, end, 0x2a, &inner) &&
        (inner == texts->at || !check_proto3_string(texts, inner))) {
        return check_no(texts, "name");
    }
    if (check_field(texts, end, 0x31, &inner) && !check_proto3_time(texts, end, &value))
        return false;
    if (check_field(texts, end, 0x38, &inner) &&
        (!check_varint(texts, end, &value) || value == 0 || value > INT64_MAX)) {
        return check_no(texts, "duration");
    }
    if (check_field(texts, end, 0x42, &inner) && !check_proto3_endpoint(texts, inner)) return false;
    if (check_field(texts, end, 0x4a, &inner) && !check_proto3_endpoint(texts, inner)) return false;
    while (check_field(texts, end, 0x52, &inner)) {
        if (texts->at == inner || *texts->at++ != 0x09 ||
            !check_proto3_time(texts, inner, &value)) {
            return check_no(texts, "annotation");
        }
        check_keep(texts, &value, sizeof value);
        if (!check_field(texts, inner, 0x12, &text) || text != inner ||
            !check_proto3_string(texts, text)) {
            return check_no(texts, "annotation value");
        }
    }
    while (check_field(texts, end, 0x5a, &inner)) {
        if (!check_field(texts, inner, 0x0a, &text) || !check_proto3_string(texts, text))
            return check_no(texts, "tag key");
        if (!check_field(texts, inner, 0x12, &text) || text != inner ||
            !check_proto3_string(texts, text)) {
            return check_no(texts, "tag value");
        }
    }
    if (check_field(texts, end, 0x60, &inner) && (texts->at == end || *texts->at++ != 1))
        return check_no(texts, "debug");
    if (check_field(texts, end, 0x68, &inner) && (texts->at == end || *texts->at++ != 1))
        return check_no(texts, "shared");
    check_keep(texts, "\n", 1);
    texts->spans++;
    return (texts->problem == NULL && texts->at == end) || check_no(texts, "span end");
}

static inline bool check_proto3_list(const void *bytes, size_t length, checked_texts *texts) {
    const uint8_t *inner;
    texts->at = bytes;
    texts->end = texts->at + length;
    while (texts->at < texts->end) {
        if (!check_field(texts, texts->end, 0x0a, &inner)) return check_no(texts, "no span");
        if (!check_proto3_span(texts, inner)) return false;
    }
    return true;
}

#endif
