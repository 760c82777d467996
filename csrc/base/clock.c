/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - reads the clocks of the system and finds out whether the processor's counter can stand in for them. */
#include "base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "base/atomics.h"

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t wall_now(void) {
    return read_clock(CLOCK_REALTIME);
}

static uint64_t monotonic_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

divak_clock_calls divak_clock = {
    .ticks = monotonic_now,
    .wall_now = wall_now,
    .monotonic_now = monotonic_now,
    .use_counter = false,
};

/* Where the counter was first read together with the monotonic clock: the longer ago, the better the rate. */
static uint64_t first_ticks, first_monotonic;
static divak_atomic_u64 first_rate; /* the bits of a double, nanoseconds a tick; 0: not measured yet */
static divak_atomic_u32 initialized;

/* Two milliseconds give the rate to about 50 parts in a million; it gets better with every later reading. */
#define FIRST_MEASURE UINT64_C(2000000)
#define GOOD_MEASURE UINT64_C(10000000)

static uint64_t bits_of(double rate) {
    uint64_t bits;
    memcpy(&bits, &rate, sizeof bits);
    return bits;
}

static double rate_of(uint64_t bits) {
    double rate;
    memcpy(&rate, &bits, sizeof rate);
    return rate;
}

#if defined(__x86_64__) && defined(__linux__)
/* The kernel has checked the counter's invariance before it keeps time by it; so its choice is our proof. */
static bool counter_is_usable(void) {
    int allowed = 0;
    if (prctl(PR_GET_TSC, &allowed) != 0 || allowed != PR_TSC_ENABLE) return false;
    int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                    O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    char name[16] = {0};
    ssize_t length = read(file, name, sizeof name - 1);
    close(file);
    return length >= 3 && memcmp(name, "tsc", 3) == 0 && (name[3] == '\n' || name[3] == 0);
}
#elif defined(__aarch64__)
static bool counter_is_usable(void) {
    return true;
}
#else
static bool counter_is_usable(void) {
    return false;
}
#endif

void divak_clock_read_monotonic_pair(uint64_t *out_ticks, uint64_t *out_monotonic) {
    /* Of a few tries the one in which the two reads lay closest together. */
    uint64_t closest = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        uint64_t before = divak_clock_ticks();
        uint64_t monotonic = divak_clock_monotonic_now();
        uint64_t after = divak_clock_ticks();
        if (after - before >= closest) continue;
        closest = after - before;
        *out_ticks = before + (after - before) / 2;
        *out_monotonic = monotonic;
    }
    if (closest == UINT64_MAX) {
        *out_ticks = divak_clock_ticks();
        *out_monotonic = divak_clock_monotonic_now();
    }
}

void divak_clock_read_pair(uint64_t *out_ticks, uint64_t *out_wall) {
    uint64_t closest = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        uint64_t before = divak_clock_ticks();
        uint64_t wall = divak_clock_wall_now();
        uint64_t after = divak_clock_ticks();
        if (after - before >= closest) continue;
        closest = after - before;
        *out_ticks = before + (after - before) / 2;
        *out_wall = wall;
    }
    if (closest == UINT64_MAX) {
        *out_ticks = divak_clock_ticks();
        *out_wall = divak_clock_wall_now();
    }
}

void divak_clock_init(void) {
    if (divak_load_acquire(&initialized) != 0) return;
    if (!counter_is_usable()) {
        divak_store_release(&initialized, 1);
        return;
    }
    divak_clock.use_counter = true;
    divak_clock_read_monotonic_pair(&first_ticks, &first_monotonic);
#if defined(__aarch64__)
    uint64_t frequency;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    divak_store_relaxed(&first_rate, bits_of(1e9 / (double)frequency));
#endif
    /* Pairs with the acquire above: whoever sees 1 sees the first reading. */
    divak_store_release(&initialized, 1);
}

#define MOST_OFF 5e-4

double divak_clock_nanoseconds_per_tick(void) {
    if (!divak_clock.use_counter) return 1.0;
    /* Relaxed, as all of it: the number says all there is to know. */
    uint64_t first = divak_load_relaxed(&first_rate);
    uint64_t ticks, monotonic;
    do {
        divak_clock_read_monotonic_pair(&ticks, &monotonic);
    } while (first == 0 && monotonic - first_monotonic < FIRST_MEASURE);
    const bool is_usable = ticks > first_ticks && monotonic > first_monotonic;
    double rate = is_usable ? (double)(monotonic - first_monotonic) / (double)(ticks - first_ticks) : 1.0;
    /* Of two that measure at once either will do, as long as everyone goes by the same. */
    if (first == 0 && divak_cas_relaxed(&first_rate, &first, bits_of(rate))) first = bits_of(rate);
    if (!is_usable || monotonic - first_monotonic < GOOD_MEASURE) return rate_of(first);
    /* No crystal is that far off: the counter went on while the machine, and with it the monotonic clock, was suspended. */
    const double off = rate / rate_of(first) - 1;
    return off < MOST_OFF && off > -MOST_OFF ? rate : rate_of(first);
}
