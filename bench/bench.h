/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the benchmarks share: samples and their minimum, median and percentiles,
 * processors, table rows.
 *
 * Nothing here asserts a time: figures are printed beside the limit of the same run and the
 * goal, for people to judge.
 */
#ifndef DIVAK_BENCH_BENCH_H
#define DIVAK_BENCH_BENCH_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "limit.h"

#define BENCH_UNUSED __attribute__((unused))

/* ---- samples ---- */

typedef struct bench_samples {
    double *values;
    size_t count;
    size_t capacity;
} bench_samples;

/* Ends the program when there is no memory: a benchmark can't go on, and nobody depends on it. */
static inline void *bench_allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    return memory;
}

static inline void bench_samples_init(bench_samples *samples, size_t capacity) {
    *samples = (bench_samples){.values = bench_allocate(capacity * sizeof(double)),
                               .capacity = capacity};
    /* Touched now: the first sample of a page must not pay for it. */
    memset(samples->values, 0, capacity * sizeof(double));
}

static inline void bench_samples_add(bench_samples *samples, double value) {
    if (samples->count < samples->capacity) samples->values[samples->count++] = value;
}

static BENCH_UNUSED int bench_compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Once before bench_quantile; the order of arrival is lost. */
static inline void bench_samples_sort(bench_samples *samples) {
    qsort(samples->values, samples->count, sizeof(double), bench_compare);
}

/* The smallest sample that `share` of all are at most; 0: the minimum, 0.5: the median. */
static inline double bench_quantile(const bench_samples *samples, double share) {
    if (samples->count == 0) return 0;
    size_t index = (size_t)(share * (double)samples->count);
    return samples->values[index < samples->count ? index : samples->count - 1];
}

/* ---- processors ---- */

/* The `index`-th from the end of the processors that this process may use, or -1; interrupts like
 * the first ones. What it may use is asked once, before any thread is pinned. */
static BENCH_UNUSED int bench_processor(int index) {
    static cpu_set_t allowed;
    if (CPU_COUNT(&allowed) == 0 && sched_getaffinity(0, sizeof allowed, &allowed) != 0) return -1;
    for (int processor = CPU_SETSIZE - 1; processor >= 0; processor--) {
        if (CPU_ISSET(processor, &allowed) && index-- == 0) return processor;
    }
    return -1;
}

/* Keeps the calling thread, and no other, on one processor. */
static inline void bench_pin(int processor) {
    if (processor < 0) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

/* Nanoseconds a tick, over 20 ms. */
static BENCH_UNUSED double bench_nanoseconds_per_tick(void) {
    uint64_t ticks = bench_ticks(), begin = bench_now(), now;
    do {
        now = bench_now();
    } while (now - begin < 20000000);
    return (double)(now - begin) / (double)(bench_ticks() - ticks);
}

/* ---- rows ---- */

static inline void bench_print_heading(void) {
    puts("| what | min ns | median ns | limit min | limit median | ratio of min | ratio of median "
         "| goal |");
    puts("|---|---|---|---|---|---|---|---|");
}

/* Sorts both. `goal` in words. */
static inline void bench_print_row(const char *what, bench_samples *samples, bench_samples *limit,
                                   const char *goal) {
    bench_samples_sort(samples);
    bench_samples_sort(limit);
    double minimum = bench_quantile(samples, 0), median = bench_quantile(samples, 0.5);
    double limit_minimum = bench_quantile(limit, 0), limit_median = bench_quantile(limit, 0.5);
    printf("| %s | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f | %s |\n", what, minimum, median,
           limit_minimum, limit_median, minimum / limit_minimum, median / limit_median, goal);
    fflush(stdout);
}

#endif
