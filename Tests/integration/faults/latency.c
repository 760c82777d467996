/* SPDX-License-Identifier: Apache-2.0 */
/* latency.c - what one span costs its thread, at its worst, while the collector is there and while
 * it is away; and a paced producer for strace to watch.
 *
 *     latency BLOCKS SPANS       BLOCKS times SPANS spans with either
 *     latency paced SPANS        says "TID n", reads a line, and records between two getppid()
 *
 * A span every two microseconds, paced by the clock in user space. A block's figure is its 99.99th
 * percentile; other programs of the machine only ever make it worse, so that of the best block
 * counts. Prints "up_ns N down_ns N permille N unexplained N".
 */
#include <sched.h>
#include <sys/syscall.h>

#include "driver.h"

enum { FINE = 1 << 16, PERIOD = 2000 };

/* Latencies in nanoseconds; the last one is for all that are longer. */
static uint32_t histogram[FINE];

static void note(uint64_t latency) {
    histogram[latency < FINE ? latency : FINE - 1]++;
}

static uint64_t percentile_9999(uint64_t count) {
    uint64_t above = 0, allowed = count / 10000, at = FINE;
    while (at > 0 && above <= allowed) above += histogram[--at];
    return at;
}

static uint64_t run_block(divak_tracer *tracer, uint64_t spans) {
    memset(histogram, 0, sizeof histogram);
    uint64_t next = collector_now();
    for (uint64_t i = 0; i < spans; i++) {
        next += PERIOD;
        uint64_t before = collector_now();
        while (before < next) before = collector_now();
        /* Behind by more than a few: the processor was away. No burst to make up for it. */
        if (before > next + 8 * PERIOD) next = before;
        driver_span(tracer, NULL, &divak_no_parent, i);
        note(collector_now() - before);
    }
    return percentile_9999(spans);
}

static void stay_here(void) {
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return;
    int last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET(last, &all)) last--;
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
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
    (void)run_block(tracer, spans);
    (void)getppid();
    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    divak_stats stats = driver_stats(tracer);
    printf("started %" PRIu64 " delivered %" PRIu64 " status %d\n", stats.started, stats.delivered,
           status);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    uint64_t spans = strtoull(argv[2], NULL, 10), best[2] = {UINT64_MAX, UINT64_MAX};
    if (strcmp(argv[1], "paced") == 0) return paced(spans);
    ledger *book = collector_start("202", 1);
    divak_tracer *tracer = driver_tracer(driver_endpoint(book), "timeout", "1s", NULL);
    stay_here();
    (void)run_block(tracer, spans);
    for (long block = strtol(argv[1], NULL, 10) * 2; block-- > 0;) {
        bool is_down = block % 2 != 0;
        collector_use(book, is_down ? "down" : "202");
        (void)divak_tracer_flush(tracer, is_down ? 100 : 3000, NULL);
        uint64_t worst = run_block(tracer, spans);
        if (worst < best[is_down]) best[is_down] = worst;
    }
    collector_use(book, "202");
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    divak_stats stats = driver_settled_stats(tracer);
    printf("up_ns %" PRIu64 " down_ns %" PRIu64 " permille %" PRIu64 " unexplained %" PRId64 "\n",
           best[0], best[1], best[1] * 1000 / (best[0] == 0 ? 1 : best[0]),
           (int64_t)(stats.started - driver_accounted(&stats)));
    collector_stop(book);
    return 0;
}
