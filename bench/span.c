/* SPDX-License-Identifier: Apache-2.0 */
/* span.c - what a span costs the thread that makes it: sampled and not, on one thread and on two
 * at once, and paced.
 *
 * Time is taken over bursts of 2,000 spans (some 300 KiB of a lane of 1 MiB); after each the
 * flusher is asked to take everything, so that it has caught up, with its copies of the cache
 * lines, when the next begins. A burst of the limit is measured right before each burst of
 * spans. The threads that are measured stay on one processor each.
 */
#include <semaphore.h>
#include <stdatomic.h>

#include "work.h"

enum {
    ROUNDS = 401,
    BURST = 2000,
    PACED_WARM = 100000,
    PACED_SPANS = 2000000
};

/* Nanoseconds for one of BURST. */
typedef double (*burst_function)(divak_tracer *tracer, const divak_span *parent,
                                 uint64_t *out_begin, uint64_t *out_end);

/* A function that makes BURST spans of one sort, right in its loop as a program does. */
#define DEFINE_BURST(name, make)                                                                   \
    static __attribute__((noinline)) double name(divak_tracer *tracer, const divak_span *parent,  \
                                                 uint64_t *out_begin, uint64_t *out_end) {         \
        uint64_t begin = bench_now();                                                              \
        for (int i = 0; i < BURST; i++) (void)make(tracer, parent);                                \
        uint64_t end = bench_now();                                                                \
        *out_begin = begin;                                                                        \
        *out_end = end;                                                                            \
        return (double)(end - begin) / BURST;                                                      \
    }

DEFINE_BURST(burst_copied, bench_make_copied)
DEFINE_BURST(burst_by_key, bench_make_by_key)
DEFINE_BURST(burst_by_calls, bench_make_by_calls)
DEFINE_BURST(burst_tags, bench_make_tags)

struct work {
    burst_function burst;
    divak_tracer *tracer;
    divak_span parent;
};

static uint8_t rings[2][BENCH_LIMIT_RING] __attribute__((aligned(4096)));
static bench_limit limit;

static double time_burst(const struct work *work, uint64_t *out_begin, uint64_t *out_end) {
    return work->burst(work->tracer, &work->parent, out_begin, out_end);
}

static void catch_up(divak_tracer *tracer) {
    if (tracer != NULL) divak_tracer_flush(tracer, 10000, NULL);
}

static void measure_row(const char *what, const struct work *work, const char *goal) {
    bench_samples samples, limits;
    bench_samples_init(&samples, ROUNDS);
    bench_samples_init(&limits, ROUNDS);
    uint64_t begin, end;
    time_burst(work, &begin, &end);
    for (int round = 0; round < ROUNDS; round++) {
        catch_up(work->tracer);
        bench_samples_add(&limits, bench_limit_burst(&limit, BURST));
        bench_samples_add(&samples, time_burst(work, &begin, &end));
    }
    bench_print_row(what, &samples, &limits, goal);
    free(samples.values);
    free(limits.values);
}

/* ---- two threads at once ---- */

struct helper {
    const struct work *work;
    int processor;
    sem_t go, done;
    atomic_int is_ready, is_started;
    atomic_bool is_over, is_limit;
    bench_limit limit;
    double time;
    uint64_t begin, end;
};

static void *helper_run(void *context) {
    struct helper *helper = context;
    bench_pin(helper->processor);
    for (;;) {
        while (sem_wait(&helper->go) != 0) {}
        if (atomic_load(&helper->is_over)) return NULL;
        atomic_store(&helper->is_ready, 1);
        while (!atomic_load(&helper->is_started)) {}
        if (atomic_load(&helper->is_limit)) {
            helper->time = bench_limit_burst(&helper->limit, BURST);
        } else {
            helper->time = time_burst(helper->work, &helper->begin, &helper->end);
        }
        sem_post(&helper->done);
    }
}

/* Both begin within a microsecond. */
static void helper_start(struct helper *helper, bool is_limit) {
    atomic_store(&helper->is_limit, is_limit);
    atomic_store(&helper->is_ready, 0);
    atomic_store(&helper->is_started, 0);
    sem_post(&helper->go);
    while (!atomic_load(&helper->is_ready)) {}
    atomic_store(&helper->is_started, 1);
}

static void helper_wait(struct helper *helper) {
    while (sem_wait(&helper->done) != 0) {}
}

/* In each round a burst of one thread alone, then one of both together, so that their medians
 * see the same machine. */
static void measure_two_threads(const char *what, const struct work *work) {
    struct helper helper = {.work = work, .processor = bench_processor(1)};
    pthread_t thread;
    bench_samples one, two, one_limits, two_limits;
    if (helper.processor < 0) {
        printf("| %s on 2 threads | - | - | - | - | - | - | one processor only |\n", what);
        return;
    }
    bench_samples_init(&one, ROUNDS);
    bench_samples_init(&two, 2 * ROUNDS);
    bench_samples_init(&one_limits, ROUNDS);
    bench_samples_init(&two_limits, 2 * ROUNDS);
    bench_limit_init(&helper.limit, rings[1]);
    sem_init(&helper.go, 0, 0);
    sem_init(&helper.done, 0, 0);
    if (pthread_create(&thread, NULL, helper_run, &helper) != 0) bench_check(-1, "thread");

    uint64_t begin, end;
    int together = 0;
    for (int round = -1; round < ROUNDS; round++) {
        catch_up(work->tracer);
        double one_limit = bench_limit_burst(&limit, BURST);
        double one_time = time_burst(work, &begin, &end);
        helper_start(&helper, true);
        double two_limit = bench_limit_burst(&limit, BURST);
        helper_wait(&helper);
        double helper_limit = helper.time;
        catch_up(work->tracer);
        helper_start(&helper, false);
        double two_time = time_burst(work, &begin, &end);
        helper_wait(&helper);
        if (round < 0) continue; /* the other thread's first spans */
        bench_samples_add(&one_limits, one_limit);
        bench_samples_add(&one, one_time);
        bench_samples_add(&two_limits, two_limit);
        bench_samples_add(&two_limits, helper_limit);
        uint64_t from = begin > helper.begin ? begin : helper.begin;
        uint64_t to = end < helper.end ? end : helper.end;
        /* Where one of them waited for a processor, they were not at it together. */
        if (to < from || (to - from) * 10 < (end - begin) * 8) continue;
        together++;
        bench_samples_add(&two, two_time);
        bench_samples_add(&two, helper.time);
    }
    atomic_store(&helper.is_over, true);
    sem_post(&helper.go);
    pthread_join(thread, NULL);

    char text[160];
    snprintf(text, sizeof text, "%s, 1 thread, in the same rounds as the next row", what);
    bench_print_row(text, &one, &one_limits, "");
    snprintf(text, sizeof text, "%s, 2 threads (%d rounds together)", what, together);
    bench_print_row(text, &two, &two_limits, "within 10 % of 1 thread, medians");
    printf("| %s, 2 threads over 1 thread | %.3f | %.3f | | | | | 1.10 |\n", what,
           bench_quantile(&two, 0) / bench_quantile(&one, 0),
           bench_quantile(&two, 0.5) / bench_quantile(&one, 0.5));
    free(one.values);
    free(two.values);
    free(one_limits.values);
    free(two_limits.values);
}

/* ---- paced ---- */

/* One span a microsecond, each timed alone. */
static void measure_paced(const struct work *work, double nanoseconds_per_tick) {
    bench_samples spans, empty;
    bench_samples_init(&spans, PACED_SPANS);
    bench_samples_init(&empty, PACED_SPANS);
    uint64_t period = (uint64_t)(1000 / nanoseconds_per_tick);
    uint64_t next = bench_ticks();
    uint64_t late = 0;
    for (int i = 0; i < PACED_WARM + PACED_SPANS; i++) {
        next += period;
        if (bench_ticks() > next + 100 * period) {
            /* Another process had this processor: no burst to make up for it. */
            next = bench_ticks();
            late++;
        }
        while (bench_ticks() < next) {}
        uint64_t before = bench_ticks_after();
        uint64_t begin = bench_ticks_after();
        bench_make_copied(work->tracer, &work->parent);
        uint64_t end = bench_ticks_after();
        if (i < PACED_WARM) continue;
        bench_samples_add(&spans, (double)(end - begin) * nanoseconds_per_tick);
        bench_samples_add(&empty, (double)(begin - before) * nanoseconds_per_tick);
    }
    divak_stats stats;
    divak_tracer_flush(work->tracer, 10000, NULL);
    bench_check(divak_tracer_stats(work->tracer, 0, &stats), "stats");
    bench_samples_sort(&spans);
    bench_samples_sort(&empty);
    puts("\n| one span a microsecond, each timed alone | p50 ns | p90 ns | p99 ns | p99.9 ns "
         "| goal |");
    puts("|---|---|---|---|---|---|");
    const bench_samples *rows[] = {&spans, &empty};
    const char *names[] = {"sampled, 3 tags, the pair of readings included",
                           "the pair of readings alone"};
    for (int i = 0; i < 2; i++) {
        printf("| %s | %.0f | %.0f | %.0f | %.0f | %s |\n", names[i], bench_quantile(rows[i], 0.5),
               bench_quantile(rows[i], 0.9), bench_quantile(rows[i], 0.99),
               bench_quantile(rows[i], 0.999), i == 0 ? "p50 40, p99 150" : "");
    }
    printf("\n%d spans, %llu dropped since the start of this program; the processor was taken away "
           "%llu times.\n",
           PACED_SPANS, (unsigned long long)stats.dropped[DIVAK_DROPPED_RING_FULL],
           (unsigned long long)late);
    free(spans.values);
    free(empty.values);
}

int main(void) {
    divak_tracer *tracer = bench_null_tracer();
    bench_register_keys();
    bench_limit_init(&limit, rings[0]);
    bench_pin(bench_processor(0));
    struct work copied = {burst_copied, tracer, bench_parent(tracer, true)};
    struct work by_key = {burst_by_key, tracer, copied.parent};
    struct work unsampled_calls = {burst_by_calls, tracer, bench_parent(tracer, false)};
    struct work unsampled = {burst_copied, tracer, unsampled_calls.parent};
    struct work unsampled_keys = {burst_by_key, tracer, unsampled_calls.parent};
    struct work unsampled_tags = {burst_tags, tracer, unsampled_calls.parent};
    struct work off = {burst_copied, NULL, unsampled_calls.parent};

    bench_print_heading();
    measure_row("sampled, 3 tags, keys copied", &copied, "30 ns; ratio 1.75, aim 1.5");
    measure_row("sampled, 3 tags, registered keys", &by_key, "22 ns");
    measure_row("unsampled, 3 tags, five real calls", &unsampled_calls, "13 ns; ratio 0.65");
    measure_row("unsampled, 3 tags, as a program writes it", &unsampled, "2 ns; ratio 0.1");
    measure_row("unsampled, 3 tags, registered keys", &unsampled_keys, "2 ns; ratio 0.1");
    measure_row("unsampled, the 3 tags alone", &unsampled_tags, "");
    measure_row("no tracer (NULL), 3 tags", &off, "");
    measure_two_threads("sampled, keys copied", &copied);
    measure_two_threads("sampled, registered keys", &by_key);
    measure_paced(&copied, bench_nanoseconds_per_tick());

    divak_stats stats;
    bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    printf("\nAll in all %llu spans were recorded and %llu delivered.\n",
           (unsigned long long)stats.started, (unsigned long long)stats.delivered);
    return divak_tracer_shutdown(tracer, 1000, NULL) == DIVAK_OK ? 0 : 1;
}
