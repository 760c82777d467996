/* SPDX-License-Identifier: Apache-2.0 */
/* id_test.c - ids: never zero, all bits used, never twice: not by threads, forks, seeds of the program, or clones. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "collect/thread_state.h"
#include "tracing.h"

enum { IDS = 1000000 };

TRACING_CHILDREN_HAVE_THREADS()

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void check_unique(uint64_t *ids, size_t count) {
    qsort(ids, count, sizeof *ids, compare);
    size_t twice = 0, top_bits = 0;
    for (size_t i = 0; i < count; i++) {
        twice += i > 0 && ids[i] == ids[i - 1];
        top_bits += ids[i] >> 63;
    }
    CHECK_INT(0, twice);
    CHECK(ids[0] != 0);
    /* Half of them, within ten standard deviations. */
    double off = (double)top_bits - (double)count / 2;
    CHECK(off * off < 25.0 * (double)count);
}

static void plain_tracer(tracing *t, const char *rate) {
    tracing_begin_plain(t);
    divak_config_add_null_reporter(t->config);
    if (rate != NULL) divak_config_set(t->config, "sample_rate", rate);
    tracing_start(t);
}

/* Starts and abandons `count` spans: a root, then children. */
static void collect_ids(divak_tracer *tracer, uint64_t *ids, size_t count) {
    divak_span root;
    divak_span_start(tracer, "r", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &root);
    for (size_t i = 0; i < count; i++) {
        divak_span span;
        divak_span_start(tracer, "s", 1, DIVAK_KIND_LOCAL, &root, &span);
        ids[i] = span.span_id;
        divak_span_abandon(&span);
    }
    divak_span_abandon(&root);
}

TEST(only_ids_that_divak_made_are_said_to_be_random) {
    tracing plain, own;
    divak_span span;
    plain_tracer(&plain, NULL);
    divak_span_start(plain.tracer, "r", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
    CHECK((span.flags & DIVAK_SPAN_RANDOM) != 0);
    divak_span_abandon(&span);
    tracing_end(&plain);
    tracing_begin(&own);
    tracing_start(&own);
    divak_span_start(own.tracer, "r", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
    CHECK_INT(0, span.flags & DIVAK_SPAN_RANDOM);
    divak_span_abandon(&span);
    tracing_end(&own);
}

TEST(a_million_span_ids_are_unique_not_zero_and_use_the_top_bit) {
    tracing t;
    plain_tracer(&t, NULL);
    uint64_t *ids = malloc(IDS * sizeof *ids);
    collect_ids(t.tracer, ids, IDS);
    check_unique(ids, IDS);
    free(ids);
    tracing_end(&t);
}

TEST(a_million_trace_ids_are_unique_in_both_halves) {
    tracing t;
    plain_tracer(&t, "0");
    uint64_t *low = malloc(IDS * sizeof *low), *high = malloc(IDS * sizeof *high);
    srand(1); /* the program's own generator is none of ours */
    for (size_t i = 0; i < IDS; i++) {
        divak_span span;
        divak_span_start(t.tracer, "r", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
        low[i] = span.trace_id_low;
        high[i] = span.trace_id_high;
    }
    check_unique(low, IDS);
    check_unique(high, IDS);
    free(low);
    free(high);
    tracing_end(&t);
}

typedef struct id_thread {
    divak_tracer *tracer;
    uint64_t *ids;
    size_t count;
} id_thread;

static void *collect_on_thread(void *context) {
    id_thread *thread = context;
    collect_ids(thread->tracer, thread->ids, thread->count);
    return NULL;
}

TEST(threads_never_make_the_same_id) {
    tracing t;
    plain_tracer(&t, NULL);
    enum { THREADS = 8, EACH = 20000 };
    uint64_t *ids = malloc((size_t)THREADS * EACH * sizeof *ids);
    pthread_t threads[THREADS];
    id_thread contexts[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        contexts[i] = (id_thread){t.tracer, ids + i * EACH, EACH};
        pthread_create(&threads[i], NULL, collect_on_thread, &contexts[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    check_unique(ids, (size_t)THREADS * EACH);
    free(ids);
    tracing_end(&t);
}

TEST(forked_children_and_their_parent_never_make_the_same_id) {
    tracing t;
    plain_tracer(&t, NULL);
    enum { CHILDREN = 20, EACH = 5000, ALL = (CHILDREN + 1) * EACH };
    uint64_t *ids = mmap(NULL, ALL * sizeof *ids, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ids != MAP_FAILED);
    uint64_t warm[16];
    collect_ids(t.tracer, warm, 16);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0) {
            collect_ids(t.tracer, ids + (size_t)i * EACH, EACH);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        CHECK_INT(0, status);
    }
    collect_ids(t.tracer, ids + (size_t)CHILDREN * EACH, EACH);
    check_unique(ids, ALL);
    munmap(ids, ALL * sizeof *ids);
    tracing_end(&t);
}

TEST(a_clone_with_the_same_state_diverges_within_its_first_ids) {
    tracing t;
    plain_tracer(&t, NULL);
    uint64_t ids[65 * 64];
    collect_ids(t.tracer, ids, 64);
    divak_thread snapshot = divak_this_thread;
    for (int clone = 0; clone < 65; clone++) {
        /* As a snapshot of the machine restores it: the same state, another time. */
        divak_this_thread.random_counter = snapshot.random_counter;
        divak_this_thread.random_key = snapshot.random_key;
        collect_ids(t.tracer, ids + clone * 64, 64);
    }
    check_unique(ids, 65 * 64);
    tracing_end(&t);
}

TEST(a_reseed_changes_the_seeds_of_every_thread) {
    tracing t;
    plain_tracer(&t, NULL);
    uint64_t id;
    collect_ids(t.tracer, &id, 1);
    uint64_t key = divak_this_thread.random_key;
    divak_reseed();
    collect_ids(t.tracer, &id, 1);
    CHECK(divak_this_thread.random_key != key);
    tracing_end(&t);
}

TEST(trace_ids_of_64_bits_and_with_the_time_in_front) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set(t.config, "trace_id_bits", "64");
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK(span.trace_id_high == 0 && span.trace_id_low != 0);
    divak_span_finish(&span);
    tracing_end(&t);

    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set(t.config, "trace_id_time", "true");
    tracing_start(&t);
    time_t before = time(NULL);
    span = tracing_span(t.tracer, "op", NULL);
    time_t seconds = (time_t)(span.trace_id_high >> 32);
    CHECK(seconds >= before - 1 && seconds <= time(NULL) + 1);
    divak_span_finish(&span);
    tracing_end(&t);
}

static uint64_t zero_then_five(void *context) {
    int *asked = context;
    return ++*asked % 4 == 0 ? 5 : 0;
}

static uint64_t always_zero(void *context) {
    ++*(int *)context;
    return 0;
}

TEST(an_own_generators_ids_appear_and_a_zero_is_asked_again) {
    tracing t;
    int asked = 0;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set_id_generator(t.config, zero_then_five, &asked);
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    CHECK(span.trace_id_high == 5 && span.trace_id_low == 5 && span.span_id == 5);
    CHECK_INT(12, asked);
    divak_span_finish(&span);
    tracing_end(&t);

    asked = 0;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set_id_generator(t.config, always_zero, &asked);
    tracing_start(&t);
    span = tracing_span(t.tracer, "op", NULL);
    CHECK(span.trace_id_low != 0 && span.span_id != 0);
    CHECK_INT(24, asked);
    divak_span_finish(&span);
    tracing_end(&t);
}

CHECK_MAIN()
