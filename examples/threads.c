/* threads.c - threads work under one span, tag it at once, and the counts come out even. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     threads 4 1000
 *
 *     4 threads, 4001 spans started, 4001 delivered, 0 dropped
 *
 * The spans go nowhere: the null reporter. A span is a value, so threads get a copy; what is
 * current is each thread's own business, so the parent is named. Keys are registered at start.
 */
#include <divak/divak.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

static divak_tracer *tracer;
static divak_key step_name, number_key;

typedef struct job {
    pthread_t thread;
    divak_span parent;
    long number;
    long steps;
} job;

static void *work(void *context) {
    const job *mine = context;
    for (long i = 0; i < mine->steps; i++) {
        divak_span step;
        divak_span_start_by_key(tracer, step_name, DIVAK_KIND_LOCAL, &mine->parent, &step);
        divak_span_tag_int_by_key(&step, number_key, i);
        divak_span_finish(&step);
    }
    char key[32];
    int length = snprintf(key, sizeof key, "thread.%ld", mine->number);
    divak_span_tag_int(&mine->parent, key, (size_t)length, mine->steps);
    return NULL;
}

int main(int argc, char **argv) {
    long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 4;
    long steps = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
    if (threads < 1 || threads > THREADS_MAX || steps < 0) {
        fprintf(stderr, "threads [1 to %d] [STEPS]\n", THREADS_MAX);
        return EXIT_FAILURE;
    }
    divak_config *config = divak_config_create();
    divak_config_add_null_reporter(config);
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return EXIT_FAILURE;
    divak_config_destroy(config);
    step_name = divak_key_register("step", strlen("step"));
    number_key = divak_key_register("number", strlen("number"));

    divak_span all;
    divak_span_start(tracer, "all", 3, DIVAK_KIND_LOCAL, &divak_no_parent, &all);
    static job jobs[THREADS_MAX];
    long started = 0;
    for (; started < threads; started++) {
        jobs[started] = (job){.parent = all, .number = started, .steps = steps};
        if (pthread_create(&jobs[started].thread, NULL, work, &jobs[started]) != 0) break;
    }
    for (long i = 0; i < started; i++) pthread_join(jobs[i].thread, NULL);
    divak_span_finish(&all);

    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    divak_stats stats;
    divak_tracer_stats(tracer, 0, &stats);
    unsigned long long dropped = 0;
    for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) {
        dropped += stats.dropped[reason];
        if (stats.dropped[reason] != 0) printf("dropped: %s\n", divak_dropped_text(reason));
    }
    printf("%ld threads, %llu spans started, %llu delivered, %llu dropped\n", started,
           (unsigned long long)stats.started, (unsigned long long)stats.delivered, dropped);
    return status == DIVAK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
