/* SPDX-License-Identifier: Apache-2.0 */
/* signal_test.c - spans made inside of signal handlers that interrupt the same thread anywhere, also inside of Divak. */
#include <signal.h>
#include <sys/time.h>

#include "tracing.h"

static divak_tracer *traced;
static _Thread_local divak_span shared; /* the span that the interrupted code is working on */
static _Thread_local volatile sig_atomic_t is_shared_set;
static uint64_t handled, refused;

static void use_everything(int signal_number) {
    (void)signal_number;
    divak_span span, child;
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
    int status = divak_span_start(traced, "handler", 7, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
    if (status != DIVAK_OK) __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
    divak_scope scope;
    divak_scope_open(&span, &scope);
    divak_span_start(traced, "inner", 5, DIVAK_KIND_LOCAL, NULL, &child);
    divak_span_tag(&child, "in", 2, "handler", 7);
    divak_span_tag_int(&span, "n", 1, 1);
    divak_span_annotate(&span, "hit", 3);
    divak_span_finish(&child);
    divak_scope_close(&scope);
    divak_span_finish(&span);
    if (is_shared_set) divak_span_tag_int(&shared, "h", 1, 1);
}

static void interval(int which, long microseconds) {
    struct itimerval timer = {.it_interval.tv_usec = microseconds, .it_value.tv_usec = microseconds};
    CHECK_INT(0, setitimer(which, &timer, NULL));
}

static void handle(int signal_number, int flags) {
    struct sigaction action = {.sa_handler = use_everything, .sa_flags = SA_RESTART | flags};
    CHECK_INT(0, sigaction(signal_number, &action, NULL));
}

static void record_for(double seconds, uint64_t *out_spans) {
    uint64_t end = tracing_now_ns() + (uint64_t)(seconds * 1e9), spans = 0;
    while (tracing_now_ns() < end) {
        divak_span root, child;
        (void)divak_span_start(traced, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root);
        shared = root;
        is_shared_set = 1;
        (void)divak_span_start(traced, "child", 5, DIVAK_KIND_LOCAL, &root, &child);
        (void)divak_span_tag(&child, "k", 1, "v", 1);
        (void)divak_span_finish(&child);
        (void)divak_span_finish(&root);
        spans += 2;
        is_shared_set = 0;
    }
    *out_spans += spans;
}

static void *record_on_thread(void *context) {
    record_for(2, context);
    return NULL;
}

static void run(tracing *t) {
    traced = t->tracer;
    handled = refused = 0;
    handle(SIGPROF, 0);
    handle(SIGALRM, SA_NODEFER); /* interrupts itself as well */
    interval(ITIMER_PROF, 100);
    interval(ITIMER_REAL, 97);
    uint64_t spans = 0, spans_beside = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, record_on_thread, &spans_beside);
    record_for(2, &spans);
    pthread_join(thread, NULL);
    interval(ITIMER_PROF, 0);
    interval(ITIMER_REAL, 0);
    spans += spans_beside;
    int status = divak_tracer_flush(t->tracer, 20000, NULL);
    CHECK(status == DIVAK_OK || status == DIVAK_ERROR_LOST);
    divak_stats stats = tracing_stats(t->tracer);
    printf("  %llu signals, %llu spans beside; %llu dropped, %llu reentrant, %llu refused\n",
           (unsigned long long)handled, (unsigned long long)spans,
           (unsigned long long)tracing_dropped(&stats), (unsigned long long)stats.reentrant,
           (unsigned long long)refused);
    CHECK(handled > 100);
    CHECK_INT(spans + 2 * handled, stats.started);
    CHECK_INT(0, stats.live);
    CHECK_INT(0, stats.pending);
    tracing_check_identity(t->tracer);
}

TEST(handlers_record_on_threads_with_lanes_without_deadlock_and_every_span_is_accounted_for) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    tracing_start(&t);
    run(&t);
    tracing_end(&t);
}

TEST(handlers_record_where_all_threads_share_shards) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set(t.config, "buffer_bytes", "1MiB");
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "ring_bytes", "256KiB"));
    tracing_start(&t);
    if (t.tracer != NULL) run(&t);
    tracing_end(&t);
}

static int blocked_in_flusher = -1;

static int look_at_mask(void *context, const char *body, size_t length, size_t span_count) {
    (void)context;
    (void)body;
    (void)length;
    (void)span_count;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    blocked_in_flusher = sigismember(&mask, SIGALRM) && sigismember(&mask, SIGTERM) &&
                         sigismember(&mask, SIGCHLD) && !sigismember(&mask, SIGPROF) &&
                         !sigismember(&mask, SIGSEGV);
    return DIVAK_OK;
}

TEST(the_flusher_leaves_the_programs_signals_to_its_own_threads) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_callback_reporter(t.config, look_at_mask, NULL);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    tracing_start(&t);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < 32; i++) CHECK_INT(sigismember(&before, i), sigismember(&after, i));
    divak_span span = tracing_span(t.tracer, "op", NULL);
    divak_span_finish(&span);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, blocked_in_flusher);
    tracing_end(&t);
}

TEST(no_handler_is_installed) {
    tracing t;
    tracing_begin_plain(&t);
    struct sigaction before[32], after;
    for (int i = 1; i < 32; i++) sigaction(i, NULL, &before[i]);
    divak_config_add_null_reporter(t.config);
    tracing_start(&t);
    for (int i = 1; i < 32; i++) {
        sigaction(i, NULL, &after);
        CHECK(before[i].sa_handler == after.sa_handler);
    }
    tracing_end(&t);
}

CHECK_MAIN()
