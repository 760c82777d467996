/* SPDX-License-Identifier: Apache-2.0 */
/* churn.c - threads that come, record one span and go: all accounted for, no memory and no
 * descriptor left behind.
 *
 *     churn THREADS ALIVE
 *
 * First ALIVE threads that live at once, then THREADS one after the other, eight at a time; one of
 * eight records its span in a destructor of thread-specific data, in each of the four rounds in
 * turn. The collector accepts everything. Prints "threads N alive N delivered N dropped N
 * unexplained N rss_over N fds N" (rss_over: KiB beyond the budget;
 * fds: descriptors that are still open after the shutdown).
 */
#include <pthread.h>

#include "driver.h"

enum { BUDGET_MIB = 8, AT_ONCE = 8 };

static divak_tracer *tracer;
static pthread_key_t key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static uint64_t arrived;
static int may_go;

static void at_thread_end(void *value) {
    uintptr_t rounds = (uintptr_t)value;
    if (rounds > 1)
        pthread_setspecific(key, (void *)(rounds - 1));
    else
        driver_span(tracer, NULL, &divak_no_parent, rounds);
}

static void *record(void *context) {
    uintptr_t number = (uintptr_t)context;
    if (number % 8 == 0)
        pthread_setspecific(key, (void *)(1 + number / 8 % 4));
    else
        driver_span(tracer, NULL, &divak_no_parent, number);
    return NULL;
}

static void *record_and_stay(void *context) {
    if (context != NULL) driver_span(tracer, NULL, &divak_no_parent, 0);
    pthread_mutex_lock(&lock);
    arrived++;
    pthread_cond_broadcast(&change);
    while (!may_go) pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Up to `wanted` threads that live at once; returns how many. */
static uint64_t crowd(uint64_t wanted, pthread_attr_t *attributes, void *context) {
    uint64_t alive = 0;
    pthread_t *many = calloc(wanted, sizeof *many);
    arrived = 0;
    may_go = 0;
    while (alive < wanted &&
           pthread_create(&many[alive], attributes, record_and_stay, context) == 0)
        alive++;
    pthread_mutex_lock(&lock);
    while (arrived < alive) pthread_cond_wait(&change, &lock);
    may_go = 1;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    for (uint64_t i = 0; i < alive; i++) pthread_join(many[i], NULL);
    free(many);
    return alive;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 3) return 2;
    uint64_t threads = strtoull(argv[1], NULL, 10), wanted = strtoull(argv[2], NULL, 10), alive = 0;
    ledger *book = collector_start("202", 1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_key_create(&key, at_thread_end);
    const int descriptors = driver_descriptors();
    tracer = driver_tracer(driver_endpoint(book), "buffer_bytes", "8MiB", "ring_bytes", "64KiB",
                           "flush_interval", "20ms", "batch_bytes", "100000", NULL);
    /* What the first request makes once. */
    driver_span(tracer, NULL, &divak_no_parent, 0);
    (void)divak_tracer_flush(tracer, 5000, NULL);
    /* What so many threads leave behind by themselves. */
    (void)crowd(wanted, &attributes, NULL);
    long before = driver_rss();
    alive = crowd(wanted, &attributes, &lock);
    for (uint64_t done = 0; done < threads; done += AT_ONCE) {
        pthread_t some[AT_ONCE];
        for (uint64_t i = 0; i < AT_ONCE; i++) {
            if (pthread_create(&some[i], &attributes, record, (void *)(uintptr_t)(done + i)) != 0)
                return 3;
        }
        for (uint64_t i = 0; i < AT_ONCE; i++) pthread_join(some[i], NULL);
    }
    threads = (threads + AT_ONCE - 1) / AT_ONCE * AT_ONCE;
    (void)divak_tracer_flush(tracer, 10000, NULL);
    long over = driver_rss() - before - BUDGET_MIB * 1024;
    (void)divak_tracer_shutdown(tracer, 10000, NULL);
    /* Until then there are as many connections as were of use last. */
    const int left = driver_descriptors() - descriptors;
    divak_stats stats = driver_settled_stats(tracer);
    uint64_t unexplained =
        stats.started != threads + alive + 1 || driver_accounted(&stats) != stats.started;
    ledger_sum sum = ledger_add_up(book);
    unexplained += sum.foreign < stats.delivered || sum.foreign > stats.delivered + stats.synthetic;
    if (unexplained != 0) driver_print_stats(&stats);
    collector_stop(book);
    printf("threads %" PRIu64 " alive %" PRIu64 " delivered %" PRIu64 " dropped %" PRIu64
           " unexplained %" PRIu64 " rss_over %ld fds %d\n",
           threads, alive, stats.delivered, driver_dropped(&stats), unexplained, over, left);
    return unexplained == 0 && left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
