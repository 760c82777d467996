/* SPDX-License-Identifier: Apache-2.0 */
/* hot_path.c - many spans at a fixed pace: what was dropped, and what the producer asked of the
 * heap and the kernel.
 *
 *     hot_path [--spans 10000000] [--rate 500000] [--threads 1]
 *
 * Prints one line of JSON. Spans are spread over the threads. Each waits for the time of its
 * next span by reading the tick counter, which is no system call, so that every one that is
 * counted is the library's. A null reporter: what a collector takes is not the question here.
 */
#include <getopt.h>

#include "count_calls.h"
#include "work.h"

enum { THREADS_MAX = 64 };

struct producer {
    pthread_t thread;
    divak_tracer *tracer;
    uint64_t spans;
    uint64_t period;      /* ticks */
    int processor;
    bool is_counted;
    bool is_by_key;
    uint64_t refused;     /* finishes that were not DIVAK_OK */
    uint64_t interrupted; /* times that the processor was away for more than 1 ms */
    uint64_t longest;     /* ticks of the longest such absence */
    uint64_t nanoseconds;
    bench_call_counts calls;
};

static void *produce(void *context) {
    struct producer *producer = context;
    divak_tracer *tracer = producer->tracer;
    divak_span parent = bench_parent(tracer, true);
    bench_pin(producer->processor);
    producer->is_counted = bench_count_calls() == 0;
    /* The first span of a thread may lease its lane. */
    bench_span(tracer, &parent);

    uint64_t period = producer->period, refused = 0, interrupted = 0, longest = 0;
    uint64_t begin_ns = bench_now();
    bench_calls.last_other = -1;
    bench_call_counts before = bench_calls;
    uint64_t next = bench_ticks(), last = next;
    for (uint64_t i = 0; i < producer->spans; i++) {
        next += period;
        uint64_t now = bench_ticks();
        while (now < next) {
            last = now;
            now = bench_ticks();
        }
        if (now - last > 500 * period) {
            interrupted++;
            if (now - last > longest) longest = now - last;
        }
        int status = producer->is_by_key ? bench_span_by_key(tracer, &parent)
                                         : bench_span(tracer, &parent);
        refused += status != DIVAK_OK;
        last = bench_ticks();
    }
    bench_call_counts after = bench_calls;
    producer->nanoseconds = bench_now() - begin_ns;
    producer->refused = refused;
    producer->interrupted = interrupted;
    producer->longest = longest;
    producer->calls = (bench_call_counts){
        .allocations = after.allocations - before.allocations,
        .releases = after.releases - before.releases,
        .system_calls = after.system_calls - before.system_calls,
        .futex_wakes = after.futex_wakes - before.futex_wakes,
        .last_other = after.last_other,
    };
    return NULL;
}

static void print(const struct producer *producers, size_t count, const divak_stats *stats,
                  uint64_t spans, double nanoseconds_per_tick) {
    struct producer sum = {.is_counted = true, .calls = {.last_other = -1}};
    for (size_t i = 0; i < count; i++) {
        const struct producer *one = &producers[i];
        sum.is_counted &= one->is_counted;
        sum.refused += one->refused;
        sum.interrupted += one->interrupted;
        if (one->longest > sum.longest) sum.longest = one->longest;
        if (one->nanoseconds > sum.nanoseconds) sum.nanoseconds = one->nanoseconds;
        sum.calls.allocations += one->calls.allocations;
        sum.calls.releases += one->calls.releases;
        sum.calls.system_calls += one->calls.system_calls;
        sum.calls.futex_wakes += one->calls.futex_wakes;
        if (one->calls.last_other != -1) sum.calls.last_other = one->calls.last_other;
    }
    uint64_t dropped = 0;
    for (int i = 0; i < DIVAK_DROPPED_COUNT; i++) dropped += stats->dropped[i];
    printf("{\"spans\":%llu,\"threads\":%zu,\"rate\":%.0f,\"started\":%llu,\"delivered\":%llu,"
           "\"dropped\":%llu,\"refused\":%llu,\"is_counted\":%s,\"allocations\":%llu,"
           "\"releases\":%llu,\"system_calls\":%llu,\"wakes\":%llu,\"other_system_calls\":%llu,"
           "\"last_other\":%ld,\"interrupted\":%llu,\"longest_ms\":%.1f}\n",
           (unsigned long long)spans, count, (double)spans * 1e9 / (double)sum.nanoseconds,
           (unsigned long long)stats->started, (unsigned long long)stats->delivered,
           (unsigned long long)dropped, (unsigned long long)sum.refused,
           sum.is_counted ? "true" : "false", (unsigned long long)sum.calls.allocations,
           (unsigned long long)sum.calls.releases, (unsigned long long)sum.calls.system_calls,
           (unsigned long long)sum.calls.futex_wakes,
           (unsigned long long)(sum.calls.system_calls - sum.calls.futex_wakes),
           sum.calls.last_other, (unsigned long long)sum.interrupted,
           (double)sum.longest * nanoseconds_per_tick / 1e6);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"spans", required_argument, NULL, 's'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"keys", no_argument, NULL, 'k'},
                                            {0}};
    static struct producer producers[THREADS_MAX];
    uint64_t spans = 10000000, rate = 500000;
    size_t threads = 1;
    bool is_by_key = false;
    for (int option; (option = getopt_long(argc, argv, "s:r:t:k", options, NULL)) != -1;) {
        switch (option) {
        case 's': spans = strtoull(optarg, NULL, 10); break;
        case 'r': rate = strtoull(optarg, NULL, 10); break;
        case 't': threads = strtoull(optarg, NULL, 10); break;
        case 'k': is_by_key = true; break;
        default: return 2;
        }
    }
    if (rate == 0 || threads == 0 || threads > THREADS_MAX || spans < threads) {
        fputs("hot_path: a rate, 1 to 64 threads, and a span for each of them\n", stderr);
        return 2;
    }
    double nanoseconds_per_tick = bench_nanoseconds_per_tick();
    divak_tracer *tracer = bench_null_tracer();
    bench_register_keys();
    for (size_t i = 0; i < threads; i++) {
        producers[i] = (struct producer){
            .tracer = tracer,
            .spans = spans / threads,
            .period = (uint64_t)(1e9 * (double)threads / (double)rate / nanoseconds_per_tick),
            .processor = bench_processor((int)i),
            .is_by_key = is_by_key};
        if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]) != 0) {
            bench_check(DIVAK_ERROR_SYSTEM, "thread");
        }
    }
    for (size_t i = 0; i < threads; i++) pthread_join(producers[i].thread, NULL);
    divak_stats stats;
    divak_tracer_flush(tracer, 10000, NULL);
    bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    print(producers, threads, &stats, spans / threads * threads, nanoseconds_per_tick);
    divak_tracer_shutdown(tracer, 1000, NULL);
    return 0;
}
