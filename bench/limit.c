/* SPDX-License-Identifier: Apache-2.0 */
/* limit.c - prints the limit of this machine: two tick reads and a copy of 128 bytes, and each
 * of them alone. */
#include "bench.h"

enum {
    ROUNDS = 301,
    BURST = 2000
};

static uint8_t ring[BENCH_LIMIT_RING] __attribute__((aligned(4096)));

static __attribute__((noinline)) double ticks_burst(size_t count) {
    uint64_t begin = bench_now();
    for (size_t i = 0; i < count; i++) {
        uint64_t ticks = bench_ticks();
        __asm__ volatile("" : : "r"(ticks));
    }
    return (double)(bench_now() - begin) / (double)count;
}

static __attribute__((noinline)) double copy_burst(size_t count) {
    static const uint64_t record[BENCH_LIMIT_RECORD / 8] = {1, 2, 3, 4};
    uint64_t begin = bench_now();
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(ring + at, record, sizeof record);
        at = (at + BENCH_LIMIT_RECORD) & (BENCH_LIMIT_RING - 1);
        __asm__ volatile("" : : "r"(ring) : "memory");
    }
    return (double)(bench_now() - begin) / (double)count;
}

static void print(const char *what, bench_samples *samples) {
    bench_samples_sort(samples);
    printf("| %s | %.2f | %.2f |\n", what, bench_quantile(samples, 0),
           bench_quantile(samples, 0.5));
}

int main(void) {
    bench_limit limit;
    bench_samples both, ticks, copy;
    bench_limit_init(&limit, ring);
    bench_samples_init(&both, ROUNDS);
    bench_samples_init(&ticks, ROUNDS);
    bench_samples_init(&copy, ROUNDS);
    bench_pin(bench_processor(0));
    for (int round = 0; round < ROUNDS; round++) {
        bench_samples_add(&both, bench_limit_burst(&limit, BURST));
        bench_samples_add(&ticks, ticks_burst(BURST));
        bench_samples_add(&copy, copy_burst(BURST));
    }
    puts("| the limit | min ns | median ns |\n|---|---|---|");
    print("two tick reads and a copy of 128 bytes into a warm ring of 1 MiB", &both);
    print("one tick read", &ticks);
    print("the copy", &copy);
    return 0;
}
