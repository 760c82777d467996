/* SPDX-License-Identifier: Apache-2.0 */
/* latency.c - what one span costs its thread, at its worst, while the collector is there and while
 * it is away; and a paced producer for strace to watch.
 *
 *     latency ROUNDS SPANS       ROUNDS times five blocks of SPANS spans with either, in turns
 *     latency paced SPANS        says "TID n", reads a line, and records between two getppid()
 *
 * A span every two microseconds, paced by the clock in user space. A block's figure is its 99.99th
 * percentile. What the machine does meanwhile is left out of it: spans in which the kernel gave the
 * processor to somebody else, and those right after, which find their caches gone; how many those
 * were is said. A span that gives the processor away by itself, or takes its time in a system
 * call, is not left out. Blocks are short, and rounds go up, down, down, up, so that what else the
 * machine does falls on both alike; the figure is the median of what pairs of one round say.
 * A processor that falls asleep and wakes costs its neighbours on a virtual machine microseconds,
 * and while the collector is away the others would be asleep: an idle thread each keeps them awake.
 *
 * Prints "up_ns N down_ns N permille N left_out N flusher_up_ms N flusher_down_ms N unexplained N".
 */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "driver.h"

enum {
    FINE = 1 << 16,
    PERIOD = 2000,
    AWAY = 5000, /* two readings of the clock with nothing between them are never so far apart */
    COLD = 16,   /* spans until caches are as before */
    ROUNDS_MAX = 1000,
    BLOCKS = 5 /* the machine's own doings vary threefold from block to block: it takes hundreds of pairs */
};

/* Latencies in nanoseconds; the last one is for all that are longer. */
static uint32_t histogram[FINE];
static uint64_t left_out;

static void note(uint64_t latency) {
    histogram[latency < FINE ? latency : FINE - 1]++;
}

static uint64_t percentile_9999(uint64_t count) {
    uint64_t above = 0, allowed = count / 10000, at = FINE;
    while (at > 0 && above <= allowed) above += histogram[--at];
    return at;
}

/* How often the kernel took the processor away from this thread. */
static long times_away(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

/* Records until so many spans have counted; `asks`: looks whether the processor was away, which is
 * a system call. */
static uint64_t run_block(divak_tracer *tracer, uint64_t spans, bool asks) {
    memset(histogram, 0, sizeof histogram);
    uint64_t next = collector_now(), last = next, cold = 0, counted = 0;
    long away = asks ? times_away() : 0;
    for (uint64_t i = 0; counted < spans && i < 4 * spans; i++) {
        next += PERIOD;
        uint64_t before = collector_now();
        if (asks && before > last + AWAY) cold = COLD;
        for (last = before; before < next; last = before) {
            before = collector_now();
            if (asks && before > last + AWAY) cold = COLD;
        }
        /* Behind by more than a few: the processor was away. No burst to make up for it. */
        if (before > next + 8 * PERIOD) next = before;
        driver_span(tracer, NULL, &divak_no_parent, i);
        last = collector_now();
        uint64_t latency = last - before;
        if (asks && latency > AWAY) {
            long now_away = times_away();
            if (now_away != away) cold = COLD;
            away = now_away;
            last = collector_now();
        }
        if (cold != 0) {
            cold--;
            left_out++;
            continue;
        }
        note(latency);
        counted++;
    }
    return percentile_9999(counted);
}

static bool stay_on(int processor) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

static void *keep_awake(void *processor) {
    struct sched_param none = {0};
    if (!stay_on((int)(intptr_t)processor) || sched_setscheduler(0, SCHED_IDLE, &none) != 0) return NULL;
    for (;;) __asm__ volatile("" ::: "memory");
}

/* This thread on the last processor, and the others kept awake until the program ends. */
static bool stay_here(void) {
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return false;
    int last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &all)) last--;
    for (int i = 0; i < last; i++) {
        pthread_t thread;
        if (CPU_ISSET(i, &all) && pthread_create(&thread, NULL, keep_awake, (void *)(intptr_t)i) != 0) return false;
    }
    return stay_on(last);
}

static int paced(uint64_t spans) {
    divak_config *config = divak_config_create_without_environment();
    divak_tracer *tracer;
    divak_config_add_null_reporter(config);
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return 2;
    divak_config_destroy(config);
    driver_span(tracer, NULL, &divak_no_parent, 0);
    printf("TID %ld\n", (long)syscall(SYS_gettid));
    fflush(stdout);
    if (getchar() == EOF) return 2;
    (void)getppid();
    (void)run_block(tracer, spans, false);
    (void)getppid();
    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    divak_stats stats = driver_stats(tracer);
    printf("started %" PRIu64 " delivered %" PRIu64 " status %d\n", stats.started, stats.delivered,
           status);
    return 0;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t median(uint64_t *values, long count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* Goes on when the tracer knows how the collector is: has sent all that waits, or failed to. */
static bool settle(divak_tracer *tracer, bool is_down) {
    int status = DIVAK_ERROR_TIMEOUT;
    for (int tries = 0; tries < 600; tries++) {
        driver_span(tracer, NULL, &divak_no_parent, 0);
        uint64_t failures = driver_stats(tracer).message_failures;
        status = divak_tracer_flush(tracer, is_down ? 20 : 100, NULL);
        if (is_down && driver_stats(tracer).message_failures != failures) return true;
        if (!is_down && status != DIVAK_ERROR_TIMEOUT) return true;
    }
    printf("the tracer does not notice that the collector is %s: %s\n", is_down ? "down" : "up",
           divak_status_text(status));
    return false;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    uint64_t spans = strtoull(argv[2], NULL, 10);
    if (strcmp(argv[1], "paced") == 0) return paced(spans);
    long rounds = strtol(argv[1], NULL, 10);
    if (rounds < 1 || rounds > ROUNDS_MAX) return 2;
    ledger *book = collector_start("202", 1);
    divak_tracer *tracer = driver_tracer(driver_endpoint(book), "timeout", "1s", NULL);
    if (!stay_here()) return 2;
    (void)run_block(tracer, spans, true);
    static uint64_t worst[2][ROUNDS_MAX * BLOCKS], permille[ROUNDS_MAX * BLOCKS];
    const long pairs = rounds * BLOCKS;
    long ticks[2] = {0, 0};
    left_out = 0;
    for (long round = 0; round < rounds; round++) {
        for (int turn = 0; turn < 2; turn++) {
            bool is_down = (turn != 0) != (round % 2 != 0);
            collector_use(book, is_down ? "down" : "202");
            if (!settle(tracer, is_down)) return 1;
            long before = driver_flusher_ticks();
            for (long i = 0; i < BLOCKS; i++) worst[is_down][round * BLOCKS + i] = run_block(tracer, spans, true);
            ticks[is_down] += driver_flusher_ticks() - before;
        }
    }
    for (long i = 0; i < pairs; i++) permille[i] = worst[1][i] * 1000 / (worst[0][i] == 0 ? 1 : worst[0][i]);
    collector_use(book, "202");
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    divak_stats stats = driver_settled_stats(tracer);
    long tick_ms = 1000 / sysconf(_SC_CLK_TCK);
    printf("up_ns %" PRIu64 " down_ns %" PRIu64 " permille %" PRIu64 " left_out %" PRIu64
           " flusher_up_ms %ld flusher_down_ms %ld unexplained %" PRId64 "\n",
           median(worst[0], pairs), median(worst[1], pairs), median(permille, pairs), left_out,
           ticks[0] * tick_ms, ticks[1] * tick_ms,
           (int64_t)(stats.started - driver_accounted(&stats)));
    collector_stop(book);
    return 0;
}
