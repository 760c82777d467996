/* SPDX-License-Identifier: Apache-2.0 */
/* b3.h - reads and writes the B3 headers, in one line (`b3`) and in several (`X-B3-...`).
 *
 * One line; ids have exactly 16 lower-case digits (a trace id 16 or 32), each in its place:
 *
 *     0                                                    deny, no ids
 *     1                                                    accept, no ids
 *     d                                                    debug, no ids
 *     463ac35c9f6413ad-48485a3953bb6124                    ids, the decision is deferred
 *     463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312    a trace id of 128 bits
 *     463ac35c9f6413ad-48485a3953bb6124-1                  and a decision: 0, 1 or d
 *     463ac35c9f6413ad-48485a3953bb6124-0-00f067aa0ba902b7 and the parent
 *     463ac35c9f6413ad-48485a3953bb6124-00f067aa0ba902b7   a parent, no decision
 *
 * Several lines; ids may be shorter (2 digits at least) and are padded with zeros on the left:
 *
 *     X-B3-TraceId        2 to 32 digits
 *     X-B3-SpanId         2 to 16 digits; neither of the two goes without the other
 *     X-B3-ParentSpanId   2 to 16 digits; ignored without the two above
 *     X-B3-Sampled        1, 0, or in any case true, false
 *     X-B3-Flags          1 is debug, which beats Sampled; anything else is ignored
 *
 * A trace or span id of zero is malformed; a parent of zero is no parent. What is malformed takes
 * everything with it, the decision too: half a context would join spans that don't belong together.
 *
 * Every parser returns DIVAK_OK; DIVAK_ABSENT when no header says anything; or
 * DIVAK_ERROR_INVALID. *out is written only on DIVAK_OK. A text of NULL is an absent header; an
 * empty text is a header without value, which is malformed. */
#ifndef DIVAK_WIRE_B3_H
#define DIVAK_WIRE_B3_H

#include "model/ids.h"

typedef struct divak_b3 {
    divak_ids ids; /* parent_id is 0 when there is no parent; all are 0 without has_ids */
    bool has_ids;  /* a decision may travel without ids */
    divak_sampling sampling;
} divak_b3;

enum { DIVAK_B3_SINGLE_MAX = 32 + 1 + 16 + 1 + 1 + 1 + 16 }; /* trace-span-d-parent */

int divak_b3_parse_single(const char *text, size_t length, divak_b3 *out);

int divak_b3_parse_multi(const char *trace_id, size_t trace_id_length, const char *span_id,
                         size_t span_id_length, const char *parent_id, size_t parent_id_length,
                         const char *sampled, size_t sampled_length, const char *flags,
                         size_t flags_length, divak_b3 *out);

/* Both: the one line wins if it is well formed (so `b3: 0` denies whatever the others say),
 * otherwise the several lines count. */
int divak_b3_parse(const char *single, size_t single_length, const char *trace_id,
                   size_t trace_id_length, const char *span_id, size_t span_id_length,
                   const char *parent_id, size_t parent_id_length, const char *sampled,
                   size_t sampled_length, const char *flags, size_t flags_length, divak_b3 *out);

/* Writes the one line and returns its length: 0 when there is neither an id nor a decision to send.
 * Messages leave the parent out. */
size_t divak_b3_write_single(const divak_b3 *b3, bool with_parent, char out[DIVAK_B3_SINGLE_MAX]);

/* The values of the several lines. A length of 0 means: do not send that header. Debug sends Flags
 * and no Sampled, for it implies it; ids are sent with a deny as well, so that logs downstream
 * still name the trace. */
typedef struct divak_b3_multi {
    char trace_id[32];
    size_t trace_id_length;
    char span_id[16];
    size_t span_id_length;
    char parent_id[16];
    size_t parent_id_length;
    char sampled[1];
    size_t sampled_length;
    char flags[1];
    size_t flags_length;
} divak_b3_multi;

void divak_b3_write_multi(const divak_b3 *b3, bool with_parent, divak_b3_multi *out);

#endif
