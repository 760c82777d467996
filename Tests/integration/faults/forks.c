/* SPDX-License-Identifier: Apache-2.0 */
/* forks.c - children of a busy program: none hangs, what they record arrives, and nothing of the
 * parent comes twice.
 *
 *     forks COUNT THREADS [HTTPS_ENDPOINT CA_FILE]
 *
 * THREADS threads record all the time while the main thread forks COUNT children, some of them in
 * the middle of a flush, some that fork again. Each child records one span, flushes, and leaves by
 * _exit or, one of four, by exit. With https the collector is another server's business: then only
 * hangs and the children's own counts are looked at. Prints "forks N hung N failed N delivered N
 * lost N duplicates N unexplained N".
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "driver.h"

enum { AT_ONCE = 4, HANG_SECONDS = 30, THREADS_MAX = 64 };

typedef struct shared {
    uint64_t delivered, lost, ended;
} shared;

static ledger *book;
static divak_tracer *tracer;
static shared *sums;
static int is_over;

static void *keep_busy(void *context) {
    uint64_t *ended = context;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        for (int i = 0; i < 20; i++, ++*ended) driver_span(tracer, book, &divak_no_parent, *ended);
        usleep(20000);
    }
    return NULL;
}

static void live_and_die(uint64_t number) {
    if (number % 8 == 7) { /* a child of a child; the middle one leaves at once */
        if (fork() != 0) _exit(0);
    }
    driver_span(tracer, book, &divak_no_parent, number);
    uint64_t lost = 0;
    int status = divak_tracer_flush(tracer, 10000, &lost);
    divak_stats stats = driver_stats(tracer);
    __atomic_add_fetch(&sums->ended, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&sums->delivered, stats.delivered, __ATOMIC_RELAXED);
    __atomic_add_fetch(&sums->lost, driver_dropped(&stats), __ATOMIC_RELAXED);
    bool is_fine =
        stats.started == 1 && driver_accounted(&stats) == 1 &&
        (status == DIVAK_OK ? stats.delivered == 1
                            : status == DIVAK_ERROR_LOST || status == DIVAK_ERROR_TIMEOUT);
    if (number % 4 == 1) exit(is_fine ? 0 : 3);
    _exit(is_fine ? 0 : 3);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3 && argc != 5) return 2;
    uint64_t count = strtoull(argv[1], NULL, 10), threads = strtoull(argv[2], NULL, 10), hung = 0,
             failed = 0, busy[THREADS_MAX] = {0};
    if (threads > THREADS_MAX) return 2;
    bool is_tls = argc == 5;
    sums = mmap(NULL, sizeof *sums, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    book = collector_start("202", 1);
    const char *ca_name = is_tls ? "ca_file" : NULL, *ca_value = is_tls ? argv[4] : NULL;
    tracer = driver_tracer(is_tls ? argv[3] : driver_endpoint(book), "close_timeout", "200ms",
                           "flush_interval", "5ms", "timeout", "2s", "buffer_bytes", "4MiB",
                           "ring_bytes", "64KiB", ca_name, ca_value, NULL);
    pthread_t recorders[THREADS_MAX];
    for (uint64_t i = 0; i < threads; i++) pthread_create(&recorders[i], NULL, keep_busy, &busy[i]);

    pid_t children[AT_ONCE] = {0};
    for (uint64_t done = 0, begun = 0; done < count;) {
        for (int i = 0; i < AT_ONCE; i++) {
            if (children[i] == 0 && begun < count) {
                if (begun % 16 == 3)
                    (void)divak_tracer_flush(tracer, 0, NULL); /* it is under way while we fork */
                if ((children[i] = fork()) == 0) live_and_die(begun);
                begun++;
            }
        }
        int status;
        uint64_t limit = collector_now() + HANG_SECONDS * 1000000000u;
        pid_t child;
        while ((child = waitpid(-1, &status, WNOHANG)) == 0 && collector_now() < limit) usleep(200);
        for (int i = 0; i < AT_ONCE; i++) {
            if (child == 0 && children[i] != 0) {
                printf("  child %d hangs\n", children[i]);
                hung++;
                kill(children[i], SIGKILL);
                waitpid(children[i], NULL, 0);
            }
            if (child == 0 ? children[i] != 0 : children[i] == child) {
                children[i] = 0;
                done++;
                failed += child > 0 && status != 0;
            }
        }
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    uint64_t ended = 0;
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(recorders[i], NULL);
        ended += busy[i];
    }
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    for (int tries = 0;
         tries < 5000 && __atomic_load_n(&sums->ended, __ATOMIC_RELAXED) < count - hung; tries++)
        usleep(1000);
    divak_stats stats = driver_settled_stats(tracer);
    uint64_t unexplained = stats.started != ended || driver_accounted(&stats) != ended,
             duplicates = 0;
    if (!is_tls) {
        ledger_sum sum = ledger_add_up(book);
        duplicates = sum.repeated > stats.maybe_duplicate ? sum.repeated : 0;
        uint64_t told = stats.delivered + sums->delivered;
        unexplained += told > sum.delivered ? told - sum.delivered : sum.delivered - told;
    }
    if (unexplained != 0) driver_print_stats(&stats);
    collector_stop(book);
    printf("forks %" PRIu64 " hung %" PRIu64 " failed %" PRIu64 " delivered %" PRIu64
           " lost %" PRIu64 " duplicates %" PRIu64 " unexplained %" PRIu64 "\n",
           count, hung, failed, sums->delivered, sums->lost, duplicates, unexplained);
    return hung == 0 && failed == 0 && duplicates == 0 && unexplained == 0 ? EXIT_SUCCESS
                                                                           : EXIT_FAILURE;
}
