/* SPDX-License-Identifier: Apache-2.0 */
/* thread_churn_test.c - threads that come and go, record in their destructors, and read the accounts meanwhile. */
#include <dirent.h>

#include "tracing.h"

static divak_tracer *traced;

static size_t resident_kib(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    size_t size, resident = 0;
    if (fscanf(file, "%zu %zu", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident * 4;
}

static size_t open_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return 0;
    size_t count = 0;
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static size_t count_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* The first test of this file, so that none before it has left threads behind. */
TEST(there_is_no_thread_before_a_tracer_is_made_and_one_after) {
    size_t before = count_threads();
#if !defined(__SANITIZE_THREAD__)
    CHECK_INT(1, before);
#endif
    divak_config *config = tracing_config();
    divak_sampler *rate;
    divak_memory_reporter *memory;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rate(10, &rate));
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(config, rate));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "endpoint", "http://127.0.0.1:9/"));
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(config, NULL));
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(config, &memory));
    CHECK(divak_tracer_current() == NULL);
    CHECK_INT(before, count_threads());
    divak_tracer *tracer;
    CHECK_INT(DIVAK_OK, divak_tracer_create(config, &tracer));
    divak_config_destroy(config);
#if !defined(__SANITIZE_THREAD__) /* which may start a thread of its own beside a program's first one */
    CHECK_INT(before + 1, count_threads());
#endif
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 20000, NULL));
    divak_memory_reporter_destroy(memory);
    divak_sampler_destroy(rate);
}

static void record_one(const char *name) {
    divak_span span;
    (void)divak_span_start(traced, name, strlen(name), DIVAK_KIND_LOCAL, &divak_no_parent, &span);
    (void)divak_span_tag_int(&span, "n", 1, 1);
    (void)divak_span_finish(&span);
}

static void *one_span(void *context) {
    (void)context;
    record_one("short-lived");
    return NULL;
}

static void run_threads(int count, int at_once, void *(*body)(void *)) {
    pthread_t threads[64];
    for (int i = 0; i < count; i += at_once) {
        int started = 0;
        while (started < at_once && pthread_create(&threads[started], NULL, body, NULL) == 0) {
            started++;
        }
        CHECK_INT(at_once, started);
        for (int j = 0; j < started; j++) pthread_join(threads[j], NULL);
    }
}

static void begin(tracing *t) {
    tracing_begin_plain(t);
    divak_config_add_null_reporter(t->config);
    tracing_start(t);
    traced = t->tracer;
}

static void expect_started(tracing *t, uint64_t expected) {
    int status = divak_tracer_flush(t->tracer, 20000, NULL);
    CHECK(status == DIVAK_OK || status == DIVAK_ERROR_LOST);
    divak_stats stats = tracing_stats(t->tracer);
    CHECK_INT(expected, stats.started);
    CHECK_INT(expected, stats.delivered + tracing_dropped(&stats));
}

TEST(ten_thousand_threads_of_one_span_each_are_all_accounted_for_in_bounded_memory) {
    tracing t;
    begin(&t);
    run_threads(640, 16, one_span);
    size_t files = open_files(), before = resident_kib();
    run_threads(10000 - 640, 16, one_span);
    size_t after = resident_kib();
    CHECK_INT(files, open_files());
    expect_started(&t, 10000);
    printf("  resident %zu KiB before, %zu KiB after\n", before, after);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(after < before + 9 * 1024); /* the budget, and no more */
#endif
    CHECK(tracing_stats(t.tracer).lanes <= 1); /* lanes of ended threads are free again */
    tracing_end(&t);
}

TEST(more_threads_at_once_than_lanes_share_what_there_is) {
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_null_reporter(t.config);
    divak_config_set(t.config, "buffer_bytes", "1MiB");
    divak_config_set(t.config, "ring_bytes", "64KiB");
    tracing_start(&t);
    traced = t.tracer;
    run_threads(960, 48, one_span);
    expect_started(&t, 960);
    tracing_end(&t);
}

/* ThreadSanitizer forgets a thread in its own destructor: what runs in later rounds is none it knows. */
#if defined(__SANITIZE_THREAD__)
enum { ROUNDS = 1 };
#else
enum { ROUNDS = 4 };
#endif
static pthread_key_t keys[2];
static uint64_t from_destructors;

/* Asks for another round until the last. */
static void record_in_destructor(void *value) {
    uintptr_t round = (uintptr_t)value;
    record_one("destructor");
    __atomic_add_fetch(&from_destructors, 1, __ATOMIC_RELAXED);
    if (round < ROUNDS) pthread_setspecific(keys[0], (void *)(round + 1));
}

static void *with_destructor(void *context) {
    pthread_setspecific(keys[0], (void *)(uintptr_t)1);
    if (context == NULL) record_one("body");
    return NULL;
}

static void *only_in_destructor(void *context) {
    (void)context;
    pthread_setspecific(keys[0], (void *)(uintptr_t)1);
    return NULL;
}

TEST(spans_from_destructors_of_threads_are_kept_in_every_round) {
#if defined(__SANITIZE_THREAD__)
    const bool is_possible = false; /* the sanitizer has taken its own state of the thread away before the last rounds */
#else
    const bool is_possible = true;
#endif
    if (!is_possible) return;
    tracing t;
    begin(&t);
    CHECK_INT(0, pthread_key_create(&keys[0], record_in_destructor));
    from_destructors = 0;
    run_threads(512, 16, with_destructor);
    CHECK(from_destructors + 512 >= 512 * ROUNDS);
    expect_started(&t, 512 + from_destructors);
    uint64_t before = from_destructors;
    run_threads(512, 16, only_in_destructor);
    CHECK(from_destructors > before);
    expect_started(&t, 512 + from_destructors);
    pthread_key_delete(keys[0]);
    tracing_end(&t);
}

static divak_span passed[4096];

static void *finish_passed(void *context) {
    (void)context;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        (void)divak_span_tag(&passed[i], "by", 2, "other", 5);
        (void)divak_span_finish(&passed[i]); /* the main thread does as well: one of both succeeds */
    }
    return NULL;
}

TEST(spans_started_on_one_thread_and_ended_on_another_are_reported_once) {
    tracing t;
    begin(&t);
    enum { ROUNDS_OF_BOTH = 20, AT_ONCE = 512 };
    for (int round = 0; round < ROUNDS_OF_BOTH; round++) {
        memset(passed, 0, sizeof passed);
        for (int i = 0; i < AT_ONCE; i++) passed[i] = tracing_span(t.tracer, "op", &divak_no_parent);
        pthread_t thread;
        pthread_create(&thread, NULL, finish_passed, NULL);
        for (int i = AT_ONCE - 1; i >= 0; i--) {
            (void)divak_span_tag(&passed[i], "by", 2, "main", 4);
            (void)divak_span_finish(&passed[i]);
        }
        pthread_join(thread, NULL);
        expect_started(&t, (uint64_t)(round + 1) * AT_ONCE);
        CHECK_INT(0, tracing_stats(t.tracer).live);
    }
    tracing_end(&t);
}

static uint64_t is_over;

static void *record_until_over(void *context) {
    uint64_t *spans = context;
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 64; i++, ++*spans) record_one("busy");
        divak_span span;
        (void)divak_span_start(traced, "gone", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
        (void)divak_span_abandon(&span);
        ++*spans;
    }
    return NULL;
}

TEST(at_no_instant_do_the_accounts_show_more_than_was_started) {
    tracing t;
    begin(&t);
    is_over = 0;
    uint64_t spans[2] = {0, 0}, looks = 0, wrong = 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, record_until_over, &spans[i]);
    uint64_t end = tracing_now_ns() + 2000000000u;
    while (tracing_now_ns() < end) {
        divak_stats stats;
        CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 0, &stats));
        uint64_t rest = stats.delivered + stats.pending + stats.live + tracing_dropped(&stats);
        wrong += rest > stats.started + stats.recovered;
        if (looks++ % 64 == 0) (void)divak_tracer_flush(t.tracer, 20000, NULL);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("  %llu looks at %llu spans\n", (unsigned long long)looks,
           (unsigned long long)(spans[0] + spans[1]));
    CHECK_INT(0, wrong);
    expect_started(&t, spans[0] + spans[1]);
    tracing_end(&t);
}

TEST(a_tracer_has_one_thread_and_none_after_its_end) {
    alarm(TRACING_HANG_SECONDS);
    /* Flushers of the tests before may be ending just now: they have when the count stands still. */
    size_t before = count_threads();
    for (int still = 0; still < 50; still++) {
        tracing_sleep_ms(2);
        size_t now = count_threads();
        if (now != before) still = 0;
        before = now;
    }
    tracing t;
    begin(&t);
    CHECK_INT(before + 1, count_threads());
    tracing_end(&t);
    while (count_threads() != before) tracing_sleep_ms(1);
    alarm(0);
}

CHECK_MAIN()
