/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time: the tick counter for spans, the monotonic clock for deadlines, the wall clock for anchors.
 *
 * The only place that includes <time.h> is clock.c. All functions go through divak_clock, so that a test can scale,
 * step or freeze every kind of time.
 */
#ifndef DIVAK_BASE_CLOCK_H
#define DIVAK_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct divak_clock_calls {
    uint64_t (*ticks)(void);        /* used where the counter can't be read directly, or in tests */
    uint64_t (*wall_now)(void);     /* nanoseconds since 1970 */
    uint64_t (*monotonic_now)(void);/* nanoseconds, never backwards; what deadlines are measured in */
    bool use_counter;               /* true: divak_clock_ticks reads the processor's counter inline */
} divak_clock_calls;

extern __attribute__((visibility("hidden"))) divak_clock_calls divak_clock;

/* Decides whether the processor's counter may be used (Linux: clock source tsc, and prctl allows it) and reads it for
 * the first time. Called once, before the first tracer. Harmless to repeat. */
void divak_clock_init(void);
/* Nanoseconds a tick, as measured since divak_clock_init; 1.0 when ticks are nanoseconds. It takes 2 ms to measure one:
 * whoever asks earlier waits, so it is for the drainer, which has the time. */
double divak_clock_nanoseconds_per_tick(void);
/* Reads the tick counter and the wall clock as nearly at once as can be. */
void divak_clock_read_pair(uint64_t *out_ticks, uint64_t *out_wall);
/* As above, with the monotonic clock. */
void divak_clock_read_monotonic_pair(uint64_t *out_ticks, uint64_t *out_monotonic);

static inline uint64_t divak_clock_wall_now(void) {
    return divak_clock.wall_now();
}

static inline uint64_t divak_clock_monotonic_now(void) {
    return divak_clock.monotonic_now();
}

/* The processor's counter itself, for callers that know that it serves. */
static inline uint64_t divak_clock_counter(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return divak_clock.ticks();
#endif
}

/* The time of now in ticks: 10 ns to read where the processor's counter serves, 23 ns otherwise. */
static inline uint64_t divak_clock_ticks(void) {
    if (__builtin_expect(divak_clock.use_counter, 1)) return divak_clock_counter();
    return divak_clock.ticks();
}

#endif
