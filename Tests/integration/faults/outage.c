/* SPDX-License-Identifier: Apache-2.0 */
/* outage.c - what an absent collector does to its host: memory, processor time, log lines; and what
 * happens after.
 *
 *     outage quiet SECONDS RATE      without a collector: SECONDS of RATE spans a second, with
 *                                    large tags and 100,000 open spans; SECONDS of next to nothing;
 *                                    then the collector comes back
 *     outage herd CLIENTS SECONDS    so many processes before a collector that resets all
 *                                    connections: how evenly they come back
 *
 * Prints figures and a last line "rss_over N cpu_permille N lines N recovery_ms N allowed_ms N
 * in_band N unexplained N" (rss_over: KiB beyond the budget) or "connections N peak N mean N ratio
 * N" (of bins of a tenth of the time). Exit status 0 when nothing is unexplained, the loss was told
 * in band, and recovery was in time.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "driver.h"

enum { BUDGET_MIB = 32, OPEN_SPANS = 100000, BIG = 64 << 20 };

static uint64_t failures_limit_ms(uint64_t failures) {
    uint64_t limit = UINT64_C(100) << (failures < 9 ? failures : 9);
    return limit > 30000 ? 30000 : limit;
}

static int run_quiet(uint64_t seconds, uint64_t rate) {
    char path[] = "/tmp/divak-outage-XXXXXX";
    int log = mkstemp(path), standard_error = dup(2);
    unlink(path);
    ledger *book = collector_start("down", 1);
    divak_tracer *tracer =
        driver_tracer(driver_endpoint(book), "log", "warn", "buffer_bytes", "32MiB", NULL);
    char *big = malloc(BIG);
    memset(big, 'x', BIG);
    divak_span *open_spans = calloc(OPEN_SPANS, sizeof *open_spans);
    memset(open_spans, 1, OPEN_SPANS * sizeof *open_spans); /* resident before we look */
    long before = driver_rss(), most = 0;
    fflush(stderr);
    dup2(log, 2);

    uint64_t ended = 0, begin = collector_now(), now = begin, end = begin + seconds * 1000000000u;
    while (now < end) {
        uint64_t due = (now - begin) * (rate / 1000) / 1000000;
        for (; ended < due; ended++) driver_span(tracer, NULL, &divak_no_parent, ended);
        if (driver_rss() > most) most = driver_rss();
        usleep(1000);
        now = collector_now();
    }
    for (int i = 0; i < OPEN_SPANS; i++) {
        (void)divak_span_start(tracer, "open", 4, DIVAK_KIND_LOCAL, &divak_no_parent,
                               &open_spans[i]);
        if (i % 1000 == 0) (void)divak_span_tag(&open_spans[i], "big", 3, big, BIG);
    }
    if (driver_rss() > most) most = driver_rss();
    for (int i = 0; i < OPEN_SPANS; i++)
        ended += divak_span_finish(&open_spans[i]) != DIVAK_ERROR_NOT_RECORDING;
    uint64_t loud = ended;
    /* Quiet: what does trying alone cost? */
    long ticks = driver_flusher_ticks();
    begin = now;
    end = begin + seconds * 1000000000u;
    for (; now < end; now = collector_now(), ended++) {
        driver_span(tracer, NULL, &divak_no_parent, ended);
        usleep(10000);
    }
    double quiet =
        (double)(driver_flusher_ticks() - ticks) / (double)sysconf(_SC_CLK_TCK) / (double)seconds;
    divak_stats stats = driver_stats(tracer);
    uint64_t allowed = 2 * failures_limit_ms(stats.message_failures);

    collector_use(book, "202");
    begin = collector_now();
    while (driver_stats(tracer).delivered == 0 && collector_now() - begin < 70000000000u)
        usleep(1000);
    uint64_t recovery = (collector_now() - begin) / 1000000;
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    dup2(standard_error, 2);
    uint64_t lines = 0;
    char text[4096];
    lseek(log, 0, SEEK_SET);
    for (ssize_t got; (got = read(log, text, sizeof text)) > 0;) {
        for (ssize_t i = 0; i < got; i++) lines += text[i] == '\n';
        printf("  logged: %.*s", (int)got, text);
    }
    stats = driver_settled_stats(tracer);
    driver_print_stats(&stats);
    ledger_sum sum = ledger_add_up(book);
    uint64_t unexplained = stats.started != driver_accounted(&stats);
    /* None of these spans was noted, so that everything accepted is foreign: ours, and Divak's own.
     */
    unexplained += sum.foreign > stats.delivered ? sum.foreign - stats.delivered > stats.synthetic
                                                 : sum.foreign < stats.delivered;
    uint64_t in_band = sum.foreign - stats.delivered;
    collector_stop(book);
    printf("%" PRIu64 " spans in %" PRIu64 " s, then %" PRIu64
           " in as much time; 100 tags of 64 MiB, %d open spans\n",
           loud, seconds, ended - loud, OPEN_SPANS);
    printf("rss_over %ld cpu_permille %.1f lines %" PRIu64 " recovery_ms %" PRIu64
           " allowed_ms %" PRIu64 " in_band %" PRIu64 " unexplained %" PRIu64 "\n",
           most - before - BUDGET_MIB * 1024, quiet * 1000, lines, recovery, allowed, in_band,
           unexplained);
    free(big);
    free(open_spans);
    return unexplained == 0 && in_band != 0 && recovery <= allowed + 1000 ? EXIT_SUCCESS
                                                                          : EXIT_FAILURE;
}

static int run_herd(uint64_t clients, uint64_t seconds) {
    enum { BINS = 10, WARM_UP = 12 };
    ledger *book = collector_start("rst@0", 1);
    for (uint64_t i = 0; i < clients; i++) {
        if (fork() != 0) continue;
        divak_tracer *tracer = driver_tracer(driver_endpoint(book), "buffer_bytes", "1MiB",
                                             "flush_interval", "10ms", NULL);
        driver_span(tracer, NULL, &divak_no_parent, i);
        sleep((unsigned)(WARM_UP + seconds) + 1);
        _exit(0);
    }
    sleep(WARM_UP);
    uint64_t begin = collector_now(), first = book->connections, bins[BINS] = {0}, peak = 0;
    sleep((unsigned)seconds);
    uint64_t count = book->connections - first;
    for (uint64_t i = first; i < first + count && i < 4096; i++) {
        uint64_t bin = (book->connected_at[i] - begin) * BINS / (seconds * 1000000000u);
        if (bin < BINS) bins[bin]++;
    }
    for (int i = 0; i < BINS; i++) {
        printf("  %" PRIu64, bins[i]);
        if (bins[i] > peak) peak = bins[i];
    }
    printf(" connections\n");
    collector_use(book, "202");
    for (uint64_t left = clients; left > 0;) left -= wait(NULL) > 0;
    collector_stop(book);
    double mean = (double)count / BINS;
    printf("connections %" PRIu64 " peak %" PRIu64 " mean %.1f ratio %.2f\n", count, peak, mean,
           (double)peak / mean);
    return count != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 4) return 2;
    uint64_t first = strtoull(argv[2], NULL, 10), second = strtoull(argv[3], NULL, 10);
    return strcmp(argv[1], "herd") == 0 ? run_herd(first, second) : run_quiet(first, second);
}
