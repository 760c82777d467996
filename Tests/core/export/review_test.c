/* SPDX-License-Identifier: Apache-2.0 */
/* review_test.c - several tracers, reporters and threads at once: what each must not take from another. */
#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "sink.h"

/* All tracers here have the same sizes, so that each may take the place of any; the rings hold all that a test records. */
static void begin(tracing *t, sink *s) {
    sink_begin(t, s);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "buffer_bytes", "32MiB"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "ring_bytes", "1MiB"));
}

/* Threads of this process that are flushers. */
static int count_flushers(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(name, sizeof name, file) != NULL) count += strncmp(name, "divak-flusher", 13) == 0;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

static int child_result(pid_t child) {
    int status = -1;
    CHECK_INT(child, waitpid(child, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

TEST(a_child_that_makes_a_tracer_in_the_place_of_a_closed_one_has_one_flusher) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    begin(&t, &s);
    tracing_start(&t);
    tracing_end(&t);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(TRACING_HANG_SECONDS);
        sink own = {.answer = DIVAK_OK};
        begin(&t, &own);
        tracing_start(&t);
        sink_record(&t, "op", 1);
        CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
        tracing_sleep_ms(50);
        CHECK_INT(1, count_flushers());
        tracing_end(&t);
        fflush(stdout);
        _exit(check_failures);
    }
    CHECK_INT(0, child_result(child));
}

static int (*real_start_thread)(void *(*)(void *), void *, const char *, size_t);
static uint32_t refusals; /* so many threads are refused */

static int start_thread_later(void *(*run)(void *), void *context, const char *name, size_t stack_size) {
    if (refusals == 0) return real_start_thread(run, context, name, stack_size);
    refusals--;
    return -1;
}

TEST(a_flush_where_no_thread_could_be_started_tries_again_and_never_says_that_the_tracer_has_ended) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    begin(&t, &s);
    tracing_start(&t);
    fflush(stdout);
    real_start_thread = divak_system.start_thread;
    divak_system.start_thread = start_thread_later;
    refusals = UINT32_MAX;
    pid_t child = fork();
    if (child == 0) {
        alarm(TRACING_HANG_SECONDS);
        sink_record(&t, "op", 1);
        const uint64_t begun = tracing_now_ns();
        CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 100, NULL));
        CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_check(t.tracer, 100));
        CHECK(tracing_now_ns() - begun >= 200000000);
        CHECK_INT(1, tracing_stats(t.tracer).pending);
        refusals = 2;
        CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 60000, NULL));
        CHECK_INT(0, refusals);
        CHECK_INT(1, s.spans);
        tracing_end(&t);
        fflush(stdout);
        _exit(check_failures);
    }
    divak_system.start_thread = real_start_thread;
    CHECK_INT(0, child_result(child));
    tracing_end(&t);
}

static uint32_t is_making, may_make;

static int start_thread_at_leisure(void *(*run)(void *), void *context, const char *name, size_t stack_size) {
    __atomic_store_n(&is_making, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&may_make, __ATOMIC_ACQUIRE) == 0) tracing_sleep_ms(1);
    return real_start_thread(run, context, name, stack_size);
}

static void *make_a_tracer(void *context) {
    tracing_start(context);
    return NULL;
}

static void inject_nothing(void *context, const divak_span *span, bool is_message, divak_put_header put, void *to) {
    (void)context, (void)span, (void)is_message, (void)put, (void)to;
}

enum { FIRST_CALLS = 5 };

/* Calls that take locks, each of which may be the first of a child. */
static void call_first(int which, tracing *t) {
    const divak_propagator propagator = {.name = "nothing", .inject = inject_nothing};
    sink own = {.answer = DIVAK_OK};
    tracing more;
    switch (which) {
    case 0: CHECK(divak_key_register("first", 5) != DIVAK_NO_KEY); break;
    case 1: divak_tracer_set_enabled(t->tracer, false); break;
    case 2: CHECK_INT(DIVAK_OK, divak_propagator_register(&propagator)); break;
    case 3:
        begin(&more, &own);
        tracing_start(&more);
        tracing_end(&more);
        break;
    default: CHECK_INT(0, divak_memory_reporter_count(t->memory));
    }
}

TEST(a_child_of_a_bare_clone_is_held_up_by_no_lock_of_its_parents_whatever_it_calls_first) {
#if defined(__SANITIZE_THREAD__)
    const bool is_possible = false; /* the sanitizer takes the child for one more thread of the parent */
#else
    const bool is_possible = true;
#endif
    if (!is_possible) return;
    sink s = {.answer = DIVAK_OK}, second = {.answer = DIVAK_OK};
    tracing t, other;
    begin(&t, &s);
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
    tracing_start(&t);
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, divak_memory_reporter_count(t.memory));
    begin(&other, &second);
    fflush(stdout);
    real_start_thread = divak_system.start_thread;
    divak_system.start_thread = start_thread_at_leisure;
    pthread_t thread;
    pthread_create(&thread, NULL, make_a_tracer, &other);
    while (__atomic_load_n(&is_making, __ATOMIC_ACQUIRE) == 0) tracing_sleep_ms(1);
    divak_system.start_thread = real_start_thread;
    for (int i = 0; i < FIRST_CALLS; i++) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) {
            alarm(20);
            call_first(i, &t);
            fflush(stdout);
            _exit(check_failures);
        }
        CHECK_INT(0, child_result(child));
    }
    __atomic_store_n(&may_make, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    tracing_end(&other);
    tracing_end(&t);
}

TEST(a_flush_tells_what_any_reporter_lost_since_the_last_one) {
    sink first = {.answer = DIVAK_ERROR_UNSUPPORTED}, second = {.answer = DIVAK_OK};
    tracing t;
    begin(&t, &first);
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(t.config, sink_send, &second));
    tracing_start(&t);
    uint64_t lost = 0;
    sink_record(&t, "op", 5);
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(5, lost);
    __atomic_store_n(&first.answer, DIVAK_OK, __ATOMIC_RELAXED);
    __atomic_store_n(&second.answer, DIVAK_ERROR_UNSUPPORTED, __ATOMIC_RELAXED);
    sink_record(&t, "op", 3); /* fewer than the first has lost altogether */
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(3, lost);
    __atomic_store_n(&second.answer, DIVAK_OK, __ATOMIC_RELAXED);
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(0, lost);
    __atomic_store_n(&second.answer, DIVAK_ERROR_UNSUPPORTED, __ATOMIC_RELAXED);
    sink_record(&t, "op", 2);
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_shutdown(t.tracer, 20000, &lost));
    CHECK_INT(2, lost);
    tracing_check_identity(t.tracer);
}

/* Holds the flusher up right after a growth of its memory, before it can have written down where that is now. */
static struct {
    uint32_t growths_left; /* 0: not armed */
    uint32_t arrived, is_open;
} growth;

static void *grow(void *memory, size_t size) {
    void *grown = realloc(memory, size);
    if (__atomic_load_n(&growth.growths_left, __ATOMIC_ACQUIRE) == 0 || syscall(SYS_gettid) == getpid()) return grown;
    if (__atomic_sub_fetch(&growth.growths_left, 1, __ATOMIC_ACQ_REL) != 0) return grown;
    __atomic_store_n(&growth.arrived, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&growth.is_open, __ATOMIC_ACQUIRE) == 0) tracing_sleep_ms(1);
    return grown;
}

static void record_keys(tracing *t, int count) {
    static divak_key keys[200];
    for (int i = 0; i < count; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "key-%d", i);
        if (keys[i] == DIVAK_NO_KEY) keys[i] = divak_key_register(name, (size_t)length);
        divak_span span = tracing_span(t->tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_tag_by_key(&span, keys[i], "a value for a key", 17));
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
}

TEST(a_fork_while_the_flusher_grows_its_memory_leaves_the_child_with_memory_that_is_there) {
    alarm(TRACING_HANG_SECONDS);
    divak_system_calls before = divak_system;
    divak_system.resize = grow;
    uint32_t forks = 0;
    for (uint32_t round = 0; round < 5; round++) {
        sink s = {.answer = DIVAK_OK};
        tracing t;
        begin(&t, &s);
        divak_config_set(t.config, "flush_interval", "50ms");
        CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
        tracing_start(&t);
        record_keys(&t, 1);
        CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
        growth.arrived = growth.is_open = 0;
        __atomic_store_n(&growth.growths_left, 1 + round % 2, __ATOMIC_RELEASE);
        /* More in each round: buffers stay as large as they once were. */
        const uint64_t spans = UINT64_C(200) << round;
        for (uint64_t i = 0; i < spans; i += 200) record_keys(&t, 200);
        while (__atomic_load_n(&growth.arrived, __ATOMIC_ACQUIRE) == 0 &&
               __atomic_load_n(&s.spans, __ATOMIC_ACQUIRE) < 1 + spans) {
            tracing_sleep_ms(1);
        }
        bool is_held = __atomic_load_n(&growth.arrived, __ATOMIC_ACQUIRE) != 0;
        fflush(stdout);
        pid_t child = is_held ? fork() : 0;
        if (is_held && child == 0) {
            growth.growths_left = 0;
            s.spans = s.malformed = 0;
            record_keys(&t, 100);
            CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
            CHECK_INT(100, s.spans);
            CHECK_INT(0, s.malformed);
            CHECK_INT(100, divak_memory_reporter_count(t.memory));
            fflush(stdout);
            _exit(check_failures);
        }
        growth.growths_left = 0;
        __atomic_store_n(&growth.is_open, 1, __ATOMIC_RELEASE);
        if (is_held) CHECK_INT(0, child_result(child));
        forks += is_held;
        tracing_end(&t);
    }
    divak_system = before;
    printf("  %u forks\n", forks);
    CHECK(forks >= 2);
    alarm(0);
}

TEST(a_fork_after_shutdown_does_not_touch_a_memory_reporter_that_is_destroyed) {
    enum { BLOCKS = 64 };
    sink s = {.answer = DIVAK_OK};
    tracing t;
    begin(&t, &s);
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
    tracing_start(&t);
    tracing_end(&t);
    /* One of these gets its memory. */
    unsigned char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(16 + i * 8);
        memset(blocks[i], 0xab, 16 + i * 8);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < BLOCKS; i++) {
            for (size_t at = 0; at < 16 + i * 8; at++) {
                if (blocks[i][at] != 0xab) _exit(1);
            }
        }
        _exit(0);
    }
    CHECK_INT(0, child_result(child));
    for (size_t i = 0; i < BLOCKS; i++) free(blocks[i]);
}

TEST(exit_waits_for_all_tracers_at_once_and_not_for_one_after_the_other) {
    enum { TRACERS = 4 };
    fflush(stdout);
    uint64_t before = tracing_now_ns();
    pid_t child = fork();
    if (child == 0) {
        static sink sinks[TRACERS];
        static tracing t[TRACERS];
        for (int i = 0; i < TRACERS; i++) {
            sinks[i].answer = DIVAK_ERROR_SYSTEM; /* away for ever */
            begin(&t[i], &sinks[i]);
            CHECK_INT(DIVAK_OK, divak_config_set(t[i].config, "close_timeout", "1s"));
            tracing_start(&t[i]);
            sink_record(&t[i], "op", 1);
        }
        exit(check_failures);
    }
    CHECK_INT(0, child_result(child));
    uint64_t took = tracing_now_ns() - before;
    printf("  %.0f ms\n", (double)took / 1e6);
    CHECK(took >= 900000000u && took < 3000000000u);
}

/* The last one here: it takes all places, for tracers of these sizes. */
TEST(fifteen_tracers_exist_side_by_side_and_each_sends_its_own) {
    enum { TRACERS = 15 };
    static sink sinks[TRACERS];
    static tracing t[TRACERS];
    for (int i = 0; i < TRACERS; i++) {
        begin(&t[i], &sinks[i]);
        tracing_start(&t[i]);
        if (t[i].tracer == NULL) return;
    }
    divak_config *config = tracing_config();
    CHECK_INT(DIVAK_OK, divak_config_set(config, "buffer_bytes", "32MiB"));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "ring_bytes", "1MiB"));
    divak_tracer *one_more;
    CHECK_INT(DIVAK_ERROR_FULL, divak_tracer_create(config, &one_more));
    divak_config_destroy(config);
    for (int i = 0; i < TRACERS; i++) sink_record(&t[i], "op", i + 1);
    for (int i = 0; i < TRACERS; i++) {
        CHECK_INT(DIVAK_OK, divak_tracer_flush(t[i].tracer, 20000, NULL));
        CHECK_INT(i + 1, sinks[i].spans);
    }
    for (int i = 0; i < TRACERS; i++) tracing_end(&t[i]);
}

CHECK_MAIN()
