/* SPDX-License-Identifier: Apache-2.0 */
/* loss_span.h - the span by which Divak tells in Zipkin itself that spans were lost. */
#ifndef DIVAK_EXPORT_LOSS_SPAN_H
#define DIVAK_EXPORT_LOSS_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

/* A root span "divak.lost" that happened now, with the tags divak.lost (since the last report) and divak.lost.total,
 * built in `storage` of `capacity` bytes (512 or more). `random` is the state of a generator and moves on. */
divak_record *divak_loss_span_make(uint64_t *storage, size_t capacity, uint64_t lost, uint64_t total, uint64_t *random);

/* The next number of a small generator (not for spans of users). */
uint64_t divak_next_random(uint64_t *state);

#endif
