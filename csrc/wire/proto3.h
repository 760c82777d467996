/* SPDX-License-Identifier: Apache-2.0 */
/* proto3.h - spans as zipkin.proto3.ListOfSpans.
 *
 *     divak_proto3_append_span(&body, &context, first);
 *     divak_proto3_append_span(&body, &context, second);       // body is a message: a list of both
 *
 * Each span is appended with the tag and length of its place in the list, so that spans need no
 * frame around them and two messages one after the other are a message. The rules are those of
 * json.h; ids are bytes, and text that was not UTF-8 carries U+FFFD here too, for proto3 strings
 * must be UTF-8.
 */
#ifndef DIVAK_WIRE_PROTO3_H
#define DIVAK_WIRE_PROTO3_H

#include "wire/encode_context.h"

/* Appends one span; the record has its times in microseconds. Returns DIVAK_OK; DIVAK_ERROR_INVALID
 * when the record is no span (see divak_span_view_read) or DIVAK_ERROR_MEMORY, and then nothing is
 * appended (but `failed` of the buffer is set if it was the buffer that could not grow). */
int divak_proto3_append_span(divak_buffer *out, divak_encode_context *context,
                             const divak_record *record);

/* The most bytes that a span with this view takes; what append_span reserves. */
size_t divak_proto3_span_bound(const divak_encode_context *context, const divak_span_view *view);

/* Encodes what never changes; called by divak_encode_context_init. DIVAK_OK or DIVAK_ERROR_MEMORY.
 */
int divak_proto3_prepare(divak_encode_context *context);

#endif
