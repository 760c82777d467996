/* SPDX-License-Identifier: Apache-2.0 */
/* lttng.c - what LTTng-UST takes for an event with the payload of a span, in bursts as
 * bench/span.c makes them.
 *
 * One tracepoint a span: the program reads the start from the tick counter, the event's own time
 * is the end; there are no calls for start and tags. Run it while a session records
 * divak_bench:span (run.sh does); without one it prints the cost of a disabled tracepoint.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "provider.h"

#include "../../bench.h"

enum {
    ROUNDS = 301,
    BURST = 2000,
    PAUSE_US = 500 /* for the consumer daemon: 2000 events are some 300 KiB */
};

static uint8_t ring[BENCH_LIMIT_RING] __attribute__((aligned(4096)));

static __attribute__((noinline)) void make_event(uint64_t span_id) {
    uint64_t numbers[6] = {0x463ac35c9f6413ad, 0x48485a3953bb6124, span_id, 0xa2fb4a1d1a96d312,
                           bench_ticks(),      200};
    lttng_ust_tracepoint(divak_bench, span, numbers, "get /users/:id", "GET", "/users/42/profile");
}

int main(void) {
    bool is_enabled = lttng_ust_tracepoint_enabled(divak_bench, span);
    bench_limit limit;
    bench_samples events, limits;
    bench_limit_init(&limit, ring);
    bench_samples_init(&events, ROUNDS);
    bench_samples_init(&limits, ROUNDS);
    bench_pin(bench_processor(0));
    for (int round = 0; round < ROUNDS; round++) {
        bench_samples_add(&limits, bench_limit_burst(&limit, BURST));
        uint64_t begin = bench_now();
        for (uint64_t i = 0; i < BURST; i++) make_event(i + 1);
        bench_samples_add(&events, (double)(bench_now() - begin) / BURST);
        usleep(PAUSE_US);
    }
    bench_print_row(is_enabled ? "LTTng-UST, one event with a span's payload, recorded"
                               : "LTTng-UST, tick read and disabled tracepoint",
                    &events, &limits, "");
    return 0;
}
