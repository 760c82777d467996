/* SPDX-License-Identifier: Apache-2.0 */
/* fork_test.c - children of fork, double fork, daemon and a bare clone: their spans arrive, their parent's not again.
 *
 * All processes send to one pipe, through a callback reporter that writes a line "pid name" for each span. A line is
 * short enough to be written whole. Only the parent reads.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "collect/span.h"
#include "tracing.h"

TRACING_CHILDREN_HAVE_THREADS()

/* LeakSanitizer counts what only threads of the parent process point to as leaked in its children. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0";
}

/* The sanitizers' own allocators are not made ready for a fork beside threads that allocate (gcc 12): there the parent is
 * quiet when it forks. ThreadSanitizer takes the child of a bare clone for one more thread. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static int pipe_ends[2];
static char *lines;
static size_t lines_length;

/* The name of each span of the message: the tests' names need no escape. */
static int send_to_pipe(void *context, const char *body, size_t length, size_t span_count) {
    (void)context;
    (void)span_count;
    const char *at = body, *end = body + length;
    while ((at = memmem(at, (size_t)(end - at), "\"name\":\"", 8)) != NULL) {
        at += 8;
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL) break;
        char line[128];
        int size = snprintf(line, sizeof line, "%d %.*s\n", (int)getpid(), (int)(quote - at), at);
        if (write(pipe_ends[1], line, (size_t)size) != size) return DIVAK_ERROR_SYSTEM;
        at = quote;
    }
    return DIVAK_OK;
}

static void *read_pipe(void *context) {
    (void)context;
    size_t capacity = 1 << 16;
    lines = malloc(capacity);
    lines_length = 0;
    for (;;) {
        if (capacity - lines_length < 4097) lines = realloc(lines, capacity *= 2);
        ssize_t got = read(pipe_ends[0], lines + lines_length, 4096);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        lines_length += (size_t)got;
        lines[lines_length] = 0;
        size_t fresh = (size_t)got + 8 < lines_length ? (size_t)got + 8 : lines_length;
        if (strstr(lines + lines_length - fresh, "0 end\n") != NULL) break;
    }
    return NULL;
}

typedef struct family {
    tracing t;
    pthread_t reader;
} family;

static void family_begin(family *f) {
    alarm(TRACING_HANG_SECONDS); /* children inherit no alarm: theirs is set in become_child */
    CHECK_INT(0, pipe(pipe_ends));
    pthread_create(&f->reader, NULL, read_pipe, NULL);
    tracing_begin_plain(&f->t);
    divak_config_add_callback_reporter(f->t.config, send_to_pipe, NULL);
    tracing_start(&f->t);
}

/* Ends the parent's tracer and waits until all has been read. */
static void family_end(family *f) {
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(f->t.tracer, 60000, NULL));
    tracing_check_identity(f->t.tracer);
    CHECK_INT(6, write(pipe_ends[1], "0 end\n", 6));
    pthread_join(f->reader, NULL);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    alarm(0);
}

static void family_free(void) {
    free(lines);
    lines = NULL;
}

static void record(divak_tracer *tracer, const char *name) {
    divak_span span;
    (void)divak_span_start(tracer, name, strlen(name), DIVAK_KIND_LOCAL, &divak_no_parent, &span);
    (void)divak_span_finish(&span);
}

static pid_t fork_family(family *f) {
    if (IS_SANITIZED) CHECK_INT(DIVAK_OK, divak_tracer_flush(f->t.tracer, 60000, NULL));
    return fork();
}

static bool identity_holds(divak_tracer *tracer) {
    divak_stats stats;
    if (divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) return false;
    return stats.started == stats.delivered + stats.pending + stats.live + tracing_dropped(&stats);
}

static void wait_for(pid_t child) {
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    CHECK(WIFEXITED(status));
    CHECK_INT(0, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/* What a child does; returns its exit status. */
static int live_as_child(divak_tracer *tracer, const divak_span *inherited) {
    alarm(TRACING_HANG_SECONDS);
    if (inherited != NULL) {
        /* The parent's span is still a parent, but not ours to end. */
        divak_span child;
        if (divak_span_start(tracer, "child-of-open", 13, DIVAK_KIND_LOCAL, inherited, &child) != DIVAK_OK) return 10;
        if (child.trace_id_low != inherited->trace_id_low || child.parent_id != inherited->span_id) return 11;
        if (divak_span_finish(&child) != DIVAK_OK) return 12;
        if (divak_span_finish(inherited) == DIVAK_OK) return 13;
        if (divak_span_tag(inherited, "k", 1, "v", 1) == DIVAK_OK) return 14;
    }
    record(tracer, "child");
    int flushed = divak_tracer_flush(tracer, 60000, NULL);
    if (flushed != DIVAK_OK) return 40 - flushed;
    divak_stats stats;
    if (divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) return 16;
    if (inherited != NULL && stats.inherited_by_fork != 2) return 17;
    if (stats.started != (inherited != NULL ? 2 : 1) || stats.delivered != stats.started) return 18;
    return identity_holds(tracer) ? 0 : 19;
}

TEST(two_hundred_children_deliver_their_own_spans_and_none_of_their_parents) {
    family f;
    family_begin(&f);
    enum { CHILDREN = 200 };
    divak_span open = tracing_span(f.t.tracer, "open", &divak_no_parent);
    for (int i = 0; i < CHILDREN; i++) {
        record(f.t.tracer, "parent"); /* mostly still on its way when we fork */
        pid_t child = fork_family(&f);
        if (child == 0) _exit(live_as_child(f.t.tracer, &open));
        wait_for(child);
    }
    CHECK_INT(DIVAK_OK, divak_span_finish(&open));
    family_end(&f);
    CHECK_INT(CHILDREN, tracing_count(lines, " parent\n"));
    CHECK_INT(CHILDREN, tracing_count(lines, " child\n"));
    CHECK_INT(CHILDREN, tracing_count(lines, " child-of-open\n"));
    CHECK_INT(1, tracing_count(lines, " open\n"));
    family_free();
}

typedef struct busy_thread {
    divak_tracer *tracer;
    uint64_t *is_over;
    uint64_t spans;
} busy_thread;

/* Spans a millisecond of each thread: no more than a starved flusher can take later. */
#if defined(__SANITIZE_THREAD__)
enum { BURST = 1 };
#else
enum { BURST = 4 };
#endif

static void *stay_busy(void *context) {
    busy_thread *busy = context;
    while (!__atomic_load_n(busy->is_over, __ATOMIC_RELAXED)) {
        record(busy->tracer, "busy");
        if (++busy->spans % BURST == 0) tracing_sleep_ms(1);
    }
    return NULL;
}

TEST(forks_beside_eight_busy_threads_neither_hang_nor_lose) {
    if (IS_SANITIZED) return;
    family f;
    family_begin(&f);
    enum { THREADS = 8, CHILDREN = 100 };
    uint64_t is_over = 0;
    busy_thread busy[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        busy[i] = (busy_thread){.tracer = f.t.tracer, .is_over = &is_over};
        pthread_create(&threads[i], NULL, stay_busy, &busy[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork_family(&f);
        if (child == 0) _exit(live_as_child(f.t.tracer, NULL));
        wait_for(child);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    uint64_t spans = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        spans += busy[i].spans;
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(f.t.tracer, 60000, NULL));
    CHECK_INT(spans, tracing_stats(f.t.tracer).delivered);
    family_end(&f);
    CHECK_INT(spans, tracing_count(lines, " busy\n"));
    CHECK_INT(CHILDREN, tracing_count(lines, " child\n"));
    family_free();
}

TEST(a_grandchild_of_a_double_fork_delivers_and_the_middle_process_ends_at_once) {
    family f;
    family_begin(&f);
    for (int i = 0; i < 20; i++) {
        record(f.t.tracer, "parent");
        pid_t child = fork_family(&f);
        if (child == 0) {
            pid_t grandchild = fork_family(&f); /* its flusher is just starting */
            if (grandchild == 0) _exit(live_as_child(f.t.tracer, NULL));
            int status;
            waitpid(grandchild, &status, 0);
            if (status != 0) _exit(1);
            /* Shut down with nothing done: nothing to wait for, nothing to send. */
            _exit(divak_tracer_shutdown(f.t.tracer, 60000, NULL) == DIVAK_OK ? 0 : 2);
        }
        wait_for(child);
    }
    family_end(&f);
    CHECK_INT(20, tracing_count(lines, " parent\n"));
    CHECK_INT(20, tracing_count(lines, " child\n"));
    family_free();
}

TEST(exit_in_a_child_sends_what_is_left_and_does_not_hang) {
    family f;
    family_begin(&f);
    for (int i = 0; i < 20; i++) {
        fflush(stdout);
        pid_t child = fork_family(&f);
        if (child == 0) {
            alarm(TRACING_HANG_SECONDS);
            record(f.t.tracer, "at-exit");
            exit(0);
        }
        wait_for(child);
    }
    family_end(&f);
    CHECK_INT(20, tracing_count(lines, " at-exit\n"));
    family_free();
}

TEST(a_daemon_traces_on) {
    family f;
    family_begin(&f);
    fflush(stdout);
    pid_t child = fork_family(&f); /* so that it is not the test that ends */
    if (child == 0) {
        alarm(TRACING_HANG_SECONDS);
        record(f.t.tracer, "before");
        if (divak_tracer_flush(f.t.tracer, 60000, NULL) != DIVAK_OK) _exit(1);
        int ready[2];
        if (pipe(ready) != 0) _exit(2);
        pid_t middle = fork();
        if (middle == 0) {
            /* Its flusher is just starting, and allocates. */
            if (IS_SANITIZED && divak_tracer_flush(f.t.tracer, 60000, NULL) != DIVAK_OK) _exit(5);
            if (daemon(1, 1) != 0) _exit(3); /* whose parent calls _exit */
            record(f.t.tracer, "daemon");
            char status = (char)divak_tracer_flush(f.t.tracer, 60000, NULL);
            _exit(write(ready[1], &status, 1) == 1 ? 0 : 1);
        }
        close(ready[1]);
        char status = 1;
        _exit(read(ready[0], &status, 1) == 1 && status == DIVAK_OK ? 0 : 4);
    }
    wait_for(child);
    family_end(&f);
    CHECK_INT(1, tracing_count(lines, " before\n"));
    CHECK_INT(1, tracing_count(lines, " daemon\n"));
    family_free();
}

static size_t count_threads(void) {
    DIR *folder = opendir("/proc/self/task");
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

TEST(a_child_of_a_bare_clone_is_noticed_without_any_hook) {
#if defined(__SANITIZE_THREAD__)
    const bool is_possible = false; /* the sanitizer has not seen this fork, and takes the child for a thread of ours */
#else
    const bool is_possible = true;
#endif
    if (!is_possible) return;
    family f;
    family_begin(&f);
    enum { CHILDREN = 20 };
    divak_span open = tracing_span(f.t.tracer, "open", &divak_no_parent);
    record(f.t.tracer, "parent");
    CHECK_INT(DIVAK_OK, divak_tracer_flush(f.t.tracer, 60000, NULL));
    /* No hook means none of the C library's either: a thread that is just ending may hold a lock of its allocator. */
    while (count_threads() != 3) tracing_sleep_ms(1);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) _exit(live_as_child(f.t.tracer, i % 2 == 0 ? &open : NULL));
        wait_for(child);
    }
    divak_span_abandon(&open);
    family_end(&f);
    CHECK_INT(1, tracing_count(lines, " parent\n"));
    CHECK_INT(CHILDREN, tracing_count(lines, " child\n"));
    CHECK_INT(CHILDREN / 2, tracing_count(lines, " child-of-open\n"));
    family_free();
}

/* ---- threads of a child ------------------------------------------------------------------------------------------------- */

typedef struct other_thread {
    divak_tracer *tracer;
    divak_span span;
    pthread_barrier_t barrier;
} other_thread;

static void *begin_span(void *context) {
    other_thread *other = context;
    other->span = tracing_span(other->tracer, "others", &divak_no_parent);
    pthread_barrier_wait(&other->barrier);
    pthread_barrier_wait(&other->barrier); /* keeps its lane meanwhile */
    return NULL;
}

/* The span of a thread of this child is not the one's that forked, though that had the same lane in the parent; exit status. */
static int tag_span_of_another_thread(divak_tracer *tracer) {
    alarm(TRACING_HANG_SECONDS);
    other_thread other = {.tracer = tracer};
    pthread_barrier_init(&other.barrier, NULL, 2);
    pthread_t thread;
    if (pthread_create(&thread, NULL, begin_span, &other) != 0) return 10;
    pthread_barrier_wait(&other.barrier);
    const divak_slot *slot = divak_slot_at(&divak_tracer_of(&other.span)->slab, other.span.slot);
    const uint32_t owned = divak_load_relaxed(&slot->owned);
    if (divak_span_tag(&other.span, "k", 1, "v", 1) != DIVAK_OK) return 11;
    if (divak_load_relaxed(&slot->owner) != NULL && divak_load_relaxed(&slot->owned) != owned) return 12;
    if (divak_span_finish(&other.span) != DIVAK_OK) return 13;
    pthread_barrier_wait(&other.barrier);
    pthread_join(thread, NULL);
    if (divak_tracer_flush(tracer, 60000, NULL) != DIVAK_OK) return 14;
    return identity_holds(tracer) ? 0 : 15;
}

TEST(in_a_child_nobody_takes_another_threads_span_for_its_own) {
#if defined(__SANITIZE_THREAD__)
    const bool is_possible = false; /* the sanitizer takes a child's thread for the parent's that had its id */
#else
    const bool is_possible = true;
#endif
    if (!is_possible) return;
    family f;
    family_begin(&f);
    enum { CHILDREN = 10 };
    record(f.t.tracer, "parent"); /* this thread has a lane now */
    CHECK_INT(DIVAK_OK, divak_tracer_flush(f.t.tracer, 60000, NULL));
    while (count_threads() != 3) tracing_sleep_ms(1); /* see the test before */
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork_family(&f);
        if (child == 0) _exit(tag_span_of_another_thread(f.t.tracer));
        wait_for(child);
        child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) _exit(tag_span_of_another_thread(f.t.tracer));
        wait_for(child);
    }
    family_end(&f);
    CHECK(tracing_count(lines, " others\n") >= CHILDREN);
    family_free();
}

TEST(a_child_that_execs_or_ends_at_once_costs_nobody_anything) {
    family f;
    family_begin(&f);
    record(f.t.tracer, "parent");
    for (int i = 0; i < 20; i++) {
        pid_t child = fork_family(&f);
        if (child == 0) {
            if (i % 2 == 0) _exit(0);
            execl("/bin/true", "true", (char *)NULL);
            _exit(127);
        }
        wait_for(child);
    }
    family_end(&f);
    CHECK_INT(1, tracing_count(lines, " parent\n"));
    family_free();
}

/* What the parent has counted of headers is no news of the child's; exit status. */
static int count_headers_from_zero(divak_tracer *tracer) {
    alarm(TRACING_HANG_SECONDS);
    const divak_header malformed = {.name = "b3", .name_length = 2, .value = "x", .value_length = 1};
    divak_span parent;
    divak_stats stats;
    if (divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) return 10;
    if (stats.bad_header != 0 || stats.baggage_dropped != 0 || stats.truncated != 0) return 11;
    (void)divak_extract_headers(tracer, &malformed, 1, &parent);
    if (divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) return 12;
    return stats.bad_header == 1 ? 0 : 13;
}

TEST(a_child_counts_headers_from_zero_too) {
    family f;
    family_begin(&f);
    const divak_header headers[] = {
        {.name = "b3", .name_length = 2, .value = "x", .value_length = 1},
        {.name = "baggage", .name_length = 7, .value = "no member", .value_length = 9},
    };
    divak_span parent;
    (void)divak_extract_headers(f.t.tracer, headers, 2, &parent);
    CHECK_INT(1, tracing_stats(f.t.tracer).bad_header);
    CHECK_INT(1, tracing_stats(f.t.tracer).baggage_dropped);
    pid_t child = fork_family(&f);
    if (child == 0) _exit(count_headers_from_zero(f.t.tracer));
    wait_for(child);
    CHECK_INT(1, tracing_stats(f.t.tracer).bad_header);
    family_end(&f);
    family_free();
}

TEST(a_child_sees_its_tracer_as_it_was_set) {
    family f;
    family_begin(&f);
    divak_tracer_set_enabled(f.t.tracer, false);
    pid_t child = fork_family(&f);
    if (child == 0) {
        if (divak_tracer_is_enabled(f.t.tracer)) _exit(1);
        divak_tracer_set_enabled(f.t.tracer, true);
        _exit(live_as_child(f.t.tracer, NULL));
    }
    wait_for(child);
    divak_tracer_set_enabled(f.t.tracer, true);
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(f.t.tracer, 60000, NULL));
    child = fork();
    if (child == 0) {
        divak_span span;
        int status = divak_span_start(f.t.tracer, "late", 4, DIVAK_KIND_LOCAL, NULL, &span);
        if (status != DIVAK_ERROR_ENDED) _exit(2);
        _exit(divak_tracer_flush(f.t.tracer, 1000, NULL) == DIVAK_ERROR_ENDED ? 0 : 3);
    }
    wait_for(child);
    CHECK_INT(6, write(pipe_ends[1], "0 end\n", 6));
    pthread_join(f.reader, NULL);
    CHECK_INT(1, tracing_count(lines, " child\n"));
    CHECK_INT(0, tracing_count(lines, " late\n"));
    family_free();
    alarm(0);
}

CHECK_MAIN()
