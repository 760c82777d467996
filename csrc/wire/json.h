/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - spans as Zipkin v2 JSON, in the field order of Zipkin's own codec.
 *
 *     divak_json_begin_list(&body);                            // [
 *     divak_json_append_span(&body, &context, first);          // [{...}
 *     divak_json_separate(&body);                              // [{...},
 *     divak_json_append_span(&body, &context, second);         // [{...},{...}
 *     divak_json_end_list(&body);                              // [{...},{...}]
 *
 * Whatever bytes the record holds, what is appended is one JSON object in valid UTF-8 that a Zipkin
 * server takes: names in lower case (A to Z; other letters stay), nothing empty, zero or false,
 * numbers in tags as text.
 */
#ifndef DIVAK_WIRE_JSON_H
#define DIVAK_WIRE_JSON_H

#include "wire/encode_context.h"

/* Appends one span; the record has its times in microseconds. Returns DIVAK_OK; DIVAK_ERROR_INVALID
 * when the record is no span (see divak_span_view_read) or DIVAK_ERROR_MEMORY, and then nothing is
 * appended (but `failed` of the buffer is set if it was the buffer that could not grow). */
int divak_json_append_span(divak_buffer *out, divak_encode_context *context,
                           const divak_record *record);

/* The most bytes that a span with this view takes; what append_span reserves. */
size_t divak_json_span_bound(const divak_encode_context *context, const divak_span_view *view);

static inline void divak_json_put_mark(divak_buffer *out, char mark) {
    char *end = divak_encode_reserve(out, 1);
    if (end == NULL) return;
    *end = mark;
    out->length++;
}
static inline void divak_json_begin_list(divak_buffer *out) {
    divak_json_put_mark(out, '[');
}
static inline void divak_json_separate(divak_buffer *out) {
    divak_json_put_mark(out, ',');
}
static inline void divak_json_end_list(divak_buffer *out) {
    divak_json_put_mark(out, ']');
}

/* Encodes what never changes; called by divak_encode_context_init. DIVAK_OK or DIVAK_ERROR_MEMORY.
 */
int divak_json_prepare(divak_encode_context *context);

#endif
