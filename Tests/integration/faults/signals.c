/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - handlers of signals that record at 10 kHz each, broken pipes, and what Divak leaves
 * alone.
 *
 *     signals SECONDS RESETS
 *
 * SIGPROF and SIGALRM come 10,000 times a second each for SECONDS, their handlers record, while
 * four threads record and flush; then RESETS requests meet a connection that the collector has
 * reset, with SIGPIPE as the system has it. Every signal's disposition must be as before, no child
 * may appear, and the flusher must block what is not its business. Prints "handled N recorded N
 * refused N reentrant N resets N unexplained N mask N handlers N children N".
 */
#include <pthread.h>
#include <signal.h>

#include "driver.h"

enum { THREADS = 4 };

static divak_tracer *tracer;
static uint64_t handled, recorded, refused;
static int is_over;

static void on_signal(int number) {
    (void)number;
    divak_span span;
    bool is_refused = divak_span_start(tracer, "handler", 7, DIVAK_KIND_LOCAL, &divak_no_parent,
                                       &span) == DIVAK_ERROR_REENTRANT;
    (void)divak_span_tag_int(&span, "signal", 6, number);
    is_refused |= divak_span_finish(&span) == DIVAK_ERROR_REENTRANT;
    if (is_refused) __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void *keep_busy(void *context) {
    (void)context;
    for (uint64_t i = 0; !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE); i++) {
        driver_span(tracer, NULL, &divak_no_parent, i);
        __atomic_add_fetch(&recorded, 1, __ATOMIC_RELAXED);
        if (i % 4096 == 0) (void)divak_tracer_flush(tracer, 5, NULL);
        if (i % 64 == 0) usleep(100);
    }
    return NULL;
}

static timer_t start_timer(int number, long period) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
    struct itimerspec times = {{0, period}, {0, period}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) exit(2);
    timer_settime(timer, 0, &times, NULL);
    return timer;
}

/* Bits in the flusher's mask that are not as they should be. */
static int look_at_masks(void) {
    DIR *tasks = opendir("/proc/self/task");
    int wrong = 0, found = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[320], line[256];
        bool is_flusher = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = fopen(path, "r");
        for (unsigned long long mask; file != NULL && fgets(line, sizeof line, file) != NULL;) {
            is_flusher |= strncmp(line, "Name:\tdivak-flusher", 19) == 0;
            if (!is_flusher || sscanf(line, "SigBlk: %llx", &mask) != 1) continue;
            static const int open[] = {SIGPROF, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
            static const int blocked[] = {SIGTERM, SIGINT,  SIGALRM, SIGPIPE, SIGCHLD,
                                          SIGHUP,  SIGUSR1, SIGUSR2, SIGIO};
            for (size_t i = 0; i < sizeof open / sizeof *open; i++)
                wrong += (mask >> (open[i] - 1) & 1) != 0;
            for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
                wrong += (mask >> (blocked[i] - 1) & 1) == 0;
            found++;
        }
        if (file != NULL) fclose(file);
    }
    closedir(tasks);
    return found == 0 ? 100 : wrong;
}

static int count_children(void) {
    FILE *pipe = NULL;
    char path[64];
    int count = 0, child;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    pipe = fopen(path, "r");
    while (pipe != NULL && fscanf(pipe, "%d", &child) == 1) count++;
    if (pipe != NULL) fclose(pipe);
    return count;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3) return 2;
    uint64_t seconds = strtoull(argv[1], NULL, 10), resets = strtoull(argv[2], NULL, 10);
    ledger *book = collector_start("202", 1);
    struct sigaction before[65], after, handler = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (int i = 1; i < 65; i++) {
        memset(&before[i], 0, sizeof before[i]);
        (void)sigaction(i, NULL, &before[i]);
    }
    int children = count_children();
    tracer = driver_tracer(driver_endpoint(book), "flush_interval", "20ms", "timeout", "2s", NULL);
    driver_span(tracer, NULL, &divak_no_parent, 0);
    (void)divak_tracer_flush(tracer, 5000, NULL);
    int handlers = 0;
    for (int i = 1; i < 65; i++) {
        memset(&after, 0, sizeof after);
        handlers += sigaction(i, NULL, &after) == 0 && after.sa_handler != before[i].sa_handler;
    }
    children = count_children() - children;
    int mask = look_at_masks();

    sigaction(SIGPROF, &handler, NULL);
    sigaction(SIGALRM, &handler, NULL);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, keep_busy, NULL);
    timer_t first = start_timer(SIGPROF, 100000), second = start_timer(SIGALRM, 100000);
    uint64_t end = collector_now() + seconds * 1000000000u;
    while (collector_now() < end) {
        driver_span(tracer, NULL, &divak_no_parent, 1);
        __atomic_add_fetch(&recorded, 1, __ATOMIC_RELAXED);
    }
    timer_delete(first);
    timer_delete(second);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    collector_use(book, "reply-rst");
    uint64_t requests = book->requests, tries = 0;
    for (; book->requests - requests < resets && tries < resets * 2; tries++) {
        driver_span(tracer, NULL, &divak_no_parent, tries);
        (void)divak_tracer_flush(tracer, 1000, NULL);
    }
    uint64_t met = book->requests - requests;
    collector_use(book, "202");
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    divak_stats stats = driver_settled_stats(tracer);
    uint64_t unexplained = stats.started != driver_accounted(&stats);
    if (stats.started > handled + recorded + tries + 1) unexplained++;
    driver_print_stats(&stats);
    collector_stop(book);
    printf("handled %" PRIu64 " recorded %" PRIu64 " refused %" PRIu64 " reentrant %" PRIu64
           " resets %" PRIu64 " unexplained %" PRIu64 " mask %d handlers %d children %d\n",
           handled, recorded, refused, stats.reentrant, met, unexplained, mask, handlers, children);
    return unexplained + (uint64_t)(mask + handlers + children) == 0 && met >= resets
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
