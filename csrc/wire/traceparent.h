/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent.h - the `traceparent` header of W3C Trace Context (level 2), read and written.
 *
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01      version 00 is exactly 55 bytes
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00      not sampled
 *     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03      sampled, and the id is random
 *     cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new  a later version may say more
 *
 * Lower-case hex only; version ff, an all-zero trace id and an all-zero parent id are malformed.
 * A carrier that holds two such headers has none: that is for its reader to see. */
#ifndef DIVAK_WIRE_TRACEPARENT_H
#define DIVAK_WIRE_TRACEPARENT_H

#include "model/ids.h"

typedef struct divak_traceparent {
    divak_ids ids; /* span_id is what the header calls parent id: the sender's; parent_id is 0 */
    bool is_sampled;
    bool is_random; /* the lower 56 bits of the trace id were chosen at random */
} divak_traceparent;

enum { DIVAK_TRACEPARENT_SIZE = 55 };

/* DIVAK_OK, DIVAK_ABSENT for NULL, or DIVAK_ERROR_INVALID; *out is written only on DIVAK_OK.
 * Flags that are not known here are not kept: the next hop may give them a meaning we broke. */
int divak_traceparent_parse(const char *text, size_t length, divak_traceparent *out);

/* Writes version 00, always 128 bits of trace id. The trace id and span_id must not be zero. */
void divak_traceparent_write(const divak_traceparent *traceparent,
                             char out[DIVAK_TRACEPARENT_SIZE]);

#endif
