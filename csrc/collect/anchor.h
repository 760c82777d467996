/* SPDX-License-Identifier: Apache-2.0 */
/* anchor.h - how ticks become microseconds since 1970.
 *
 * An anchor is one reading of the wall clock together with the tick counter, and the counter's rate. Every span of a
 * local root is converted with the anchor that was current at the root's start, so that a step of the wall clock never
 * shows inside of a trace. Anchors are numbered and never change; the drainer makes a new one when the wall clock has
 * moved away from what the last one predicts, and now and then to get the rate better. The last 256 are kept.
 */
#ifndef DIVAK_COLLECT_ANCHOR_H
#define DIVAK_COLLECT_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

enum { DIVAK_ANCHORS = 256 };

typedef struct divak_anchor {
    uint64_t ticks;
    uint64_t wall; /* nanoseconds since 1970 */
    double rate;   /* nanoseconds a tick */
} divak_anchor;

typedef struct divak_anchors {
    divak_atomic_u32 current; /* number; its low 16 bits travel in handles and records */
    uint32_t is_external;     /* a clock given by the user: ticks are microseconds since 1970 as they are */
    divak_anchor ring[DIVAK_ANCHORS]; /* read and written by the drainer alone */
} divak_anchors;

void divak_anchors_init(divak_anchors *anchors, bool is_external);
/* For the drainer, before it converts anything: finds the rate that the first anchor lacks (which may take 2 ms), and
 * makes a new anchor when the clocks say so. */
void divak_anchors_renew(divak_anchors *anchors);

/* For the drainer: microseconds since 1970 of a tick, never 0. */
uint64_t divak_anchors_convert(const divak_anchors *anchors, uint16_t anchor, uint64_t ticks);
/* For the drainer: microseconds of a span of ticks, rounded to the nearest, at least 1. */
uint64_t divak_anchors_convert_duration(const divak_anchors *anchors, uint16_t anchor, uint64_t ticks);

#endif
