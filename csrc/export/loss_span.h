/* SPDX-License-Identifier: Apache-2.0 */
/* loss_span.h - the span by which Divak tells in Zipkin itself that spans were lost. */
#ifndef DIVAK_EXPORT_LOSS_SPAN_H
#define DIVAK_EXPORT_LOSS_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "divak/stats.h"
#include "model/record.h"

enum { DIVAK_LOSS_SPAN_WORDS = 192 }; /* a header, and a tag for each reason there is */

/* A root span "divak.lost" that happened now, with the tags divak.lost (since the last report), for each reason of them
 * divak.lost.REASON, and divak.lost.total. Built in `storage`. `lost` are the numbers by reason. `random` is the state
 * of a generator and moves on. */
divak_record *divak_loss_span_make(uint64_t storage[DIVAK_LOSS_SPAN_WORDS], const uint64_t lost[DIVAK_DROPPED_COUNT],
                                   uint64_t total, uint64_t *random);

/* The next number of a small generator (not for spans of users). */
uint64_t divak_next_random(uint64_t *state);

#endif
