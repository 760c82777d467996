/* SPDX-License-Identifier: Apache-2.0 */
/* limit.h - the cost below which no recorder of spans can go on this machine, and how to measure
 * it beside one.
 *
 * The limit is what remains when everything that a library does is taken away: reading the time
 * twice, unfenced, and copying 128 bytes into a warm ring of 1 MiB. It is compiled with the
 * flags of the library, and measured in bursts in between those of what it is compared with, so
 * that both see the same machine, shared and throttled as it may be.
 */
#ifndef DIVAK_BENCH_LIMIT_H
#define DIVAK_BENCH_LIMIT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* The processor's counter, unfenced: what a recorder of spans reads twice. */
static inline uint64_t bench_ticks(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* The same after everything before it is done: for the cost of a single call. */
static inline uint64_t bench_ticks_after(void) {
#if defined(__x86_64__)
    unsigned processor;
    return __builtin_ia32_rdtscp(&processor);
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
    return bench_ticks();
#else
    return bench_ticks();
#endif
}

/* Nanoseconds, monotonic. */
static inline uint64_t bench_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

enum {
    BENCH_LIMIT_RECORD = 128,
    BENCH_LIMIT_RING = 1 << 20
};

typedef struct bench_limit {
    uint8_t *ring; /* BENCH_LIMIT_RING bytes */
    size_t at;
} bench_limit;

/* Makes the pages of `ring` present and, as far as they fit, cached. */
static inline void bench_limit_init(bench_limit *limit, uint8_t *ring) {
    memset(ring, 1, BENCH_LIMIT_RING);
    *limit = (bench_limit){.ring = ring, .at = 0};
}

/* Nanoseconds for one of `count`. */
static __attribute__((noinline, unused)) double bench_limit_burst(bench_limit *limit,
                                                                  size_t count) {
    static const uint64_t record[BENCH_LIMIT_RECORD / 8] = {1, 2, 3, 4};
    uint8_t *ring = limit->ring;
    size_t at = limit->at;
    uint64_t begin = bench_now();
    for (size_t i = 0; i < count; i++) {
        uint64_t start = bench_ticks();
        uint8_t *place = ring + at;
        memcpy(place, record, sizeof record);
        uint64_t end = bench_ticks();
        memcpy(place + 40, &start, 8);
        memcpy(place + 48, &end, 8);
        at = (at + BENCH_LIMIT_RECORD) & (BENCH_LIMIT_RING - 1);
        /* Every copy is made: the compiler may not merge two of them, nor leave one out. */
        __asm__ volatile("" : : "r"(ring) : "memory");
    }
    uint64_t end = bench_now();
    limit->at = at;
    return (double)(end - begin) / (double)count;
}

#endif
