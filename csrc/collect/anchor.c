/* SPDX-License-Identifier: Apache-2.0 */
/* anchor.c - see anchor.h. */
#include "collect/anchor.h"

#include "base/clock.h"

enum {
    TOLERANCE = 100 * 1000,                /* ns that the wall clock may be off before a new anchor is made */
};
#define RENEW_AFTER 10000000000.0          /* ns after which the rate is measured anew */

static void make(divak_anchors *anchors, uint32_t number, double rate) {
    divak_anchor *anchor = &anchors->ring[number % DIVAK_ANCHORS];
    divak_clock_read_pair(&anchor->ticks, &anchor->wall);
    anchor->rate = rate;
    /* Relaxed: producers take the number along, only the drainer reads what it stands for. */
    divak_store_relaxed(&anchors->current, number);
}

void divak_anchors_init(divak_anchors *anchors, bool is_external) {
    anchors->is_external = is_external;
    make(anchors, 0, 0); /* the program that makes a tracer does not wait for a rate: divak_anchors_renew will */
    for (int i = 1; i < DIVAK_ANCHORS; i++) anchors->ring[i] = anchors->ring[0];
}

static double wall_at(const divak_anchor *anchor, uint64_t ticks) {
    return (double)(int64_t)(ticks - anchor->ticks) * anchor->rate;
}

void divak_anchors_renew(divak_anchors *anchors) {
    if (anchors->is_external) return;
    uint32_t number = divak_load_relaxed(&anchors->current);
    const divak_anchor *anchor = &anchors->ring[number % DIVAK_ANCHORS];
    if (anchor->rate == 0) {
        double rate = divak_clock_nanoseconds_per_tick();
        for (int i = 0; i < DIVAK_ANCHORS; i++) anchors->ring[i].rate = rate;
        return;
    }
    uint64_t ticks, wall;
    divak_clock_read_pair(&ticks, &wall);
    double passed = wall_at(anchor, ticks);
    double off = (double)(int64_t)(wall - anchor->wall) - passed;
    if (off < TOLERANCE && off > -TOLERANCE && passed < RENEW_AFTER) return;
    make(anchors, number + 1, divak_clock_nanoseconds_per_tick());
}

static const divak_anchor *find(const divak_anchors *anchors, uint16_t anchor) {
    /* One that is overwritten has its place taken by a newer one, which is good enough for a trace that old. */
    return &anchors->ring[anchor % DIVAK_ANCHORS];
}

uint64_t divak_anchors_convert(const divak_anchors *anchors, uint16_t number, uint64_t ticks) {
    if (anchors->is_external) return ticks == 0 ? 1 : ticks;
    const divak_anchor *anchor = find(anchors, number);
    int64_t wall = (int64_t)anchor->wall + (int64_t)wall_at(anchor, ticks);
    return wall < 1000 ? 1 : (uint64_t)wall / 1000;
}

uint64_t divak_anchors_convert_duration(const divak_anchors *anchors, uint16_t number, uint64_t ticks) {
    if (anchors->is_external) return ticks == 0 ? 1 : ticks;
    /* Rounded to the nearest; under a microsecond counts as one. */
    uint64_t nanoseconds = (uint64_t)((double)ticks * find(anchors, number)->rate);
    uint64_t microseconds = (nanoseconds + 500) / 1000;
    return microseconds == 0 ? 1 : microseconds;
}
