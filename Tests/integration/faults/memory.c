/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - a tracer's whole life while one allocation after the other fails: once, and for good.
 *
 *     memory WHOSE ENDPOINT CA_FILE|- STRIDE
 *
 * WHOSE is `ours` (Divak's allocations, and libcurl's through curl_global_init_mem) or `all` (every
 * malloc of the process: those two, the C library, the TLS library). Each life is a child process
 * that begins with nothing made: config, tracer, extracted headers and baggage, spans with long
 * tags, flush, statistics, shutdown. The Nth allocation of it fails, or all from the Nth on; N goes
 * from 1 by STRIDE until a life needs fewer. A life must end by itself, in time, without a crash,
 * with documented results and with accounts that add up; what a flush calls delivered has to be.
 * Prints "runs N points N crashed N hung N wrong N delivered N".
 */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "driver.h"

enum { HANG_SECONDS = 30, AT_ONCE = 8, FLUSH_TIME = 400, SHUTDOWN_TIME = 300 };

/* What a life says at its end. */
enum { DELIVERED_ALL = 0, LOST_SOME = 11, WRONG = 12, REACHED_NONE = 13 };

/* ---- failing ---------------------------------------------------------------------------------- */

static uint64_t allocations, failing, *needed;
static bool is_for_good, is_counting;

static bool may_allocate(void) {
    if (!__atomic_load_n(&is_counting, __ATOMIC_RELAXED)) return true;
    uint64_t number = __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    if (failing == 0 || (is_for_good ? number < failing : number != failing)) return true;
    errno = ENOMEM; /* as the real ones say it; the C library looks */
    return false;
}

static void *fail_allocate(size_t size) {
    return may_allocate() ? malloc(size) : NULL;
}

static void *fail_resize(void *memory, size_t size) {
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void *fail_zeroed(size_t count, size_t size) {
    return may_allocate() ? calloc(count, size) : NULL;
}

static char *fail_copy(const char *text) {
    return may_allocate() ? strdup(text) : NULL;
}

#ifdef MEMORY_OF_ALL
/* Before those of glibc, whose own names stay. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
static bool is_of_all;

void *malloc(size_t size) {
    return is_of_all && !may_allocate() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return is_of_all && !may_allocate() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return is_of_all && size != 0 && !may_allocate() ? NULL : __libc_realloc(memory, size);
}
#endif

static void fail_from_here(const char *whose) {
#ifdef MEMORY_OF_ALL
    is_of_all = strcmp(whose, "all") == 0;
    if (is_of_all) {
        __atomic_store_n(&is_counting, true, __ATOMIC_RELAXED);
        return;
    }
#endif
    (void)whose;
    divak_system.allocate = fail_allocate;
    divak_system.resize = fail_resize;
    /* Without it libcurl's own initialisation would be no part of it. */
    __atomic_store_n(&is_counting, true, __ATOMIC_RELAXED);
    (void)curl_global_init_mem(CURL_GLOBAL_DEFAULT, fail_allocate, free, fail_resize, fail_copy,
                               fail_zeroed);
}

/* Guards against waiting for ever; how late exactly is measured by deadlines.c. */
#define LATE UINT64_C(8000000000)

/* ---- a life ----------------------------------------------------------------------------------- */

#define REQUIRE(claim)                                                                             \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            static const char said[] = "not true: " #claim "\n";                                   \
            (void)!write(2, said, sizeof said - 1);                                                \
            is_fine = false;                                                                       \
        }                                                                                          \
    } while (0)

static divak_tracer *make(const char *endpoint, const char *authorities, bool *out_is_fine) {
    bool is_fine = true;
    divak_tracer *tracer = NULL;
    divak_config *config = divak_config_create_without_environment();
    if (config == NULL) return NULL;
    const char *const settings[][2] = {
        {"log", "off"}, {"service_name", "memory"}, {"endpoint", endpoint}, {"timeout", "1s"},
        {"headers", "x-key=secret,y=z"}, {"tags", "env=test,zone=a"}, {"buffer_bytes", "8MiB"},
        {"close_timeout", "200ms"}, {"propagation", "b3,tracecontext,baggage,request-id"},
        {"baggage_fields", "user=x-user,-local"}, {"ca_file", authorities}};
    int status = DIVAK_OK;
    for (size_t i = 0; status == DIVAK_OK && i < sizeof settings / sizeof *settings; i++) {
        status = divak_config_set(config, settings[i][0], settings[i][1]);
    }
    if (status == DIVAK_OK) status = divak_config_add_zipkin_reporter(config, endpoint);
    if (status == DIVAK_OK) status = divak_tracer_create(config, &tracer);
    REQUIRE(status == DIVAK_OK || status == DIVAK_ERROR_MEMORY || status == DIVAK_ERROR_SYSTEM);
    REQUIRE((status == DIVAK_OK) == (tracer != NULL));
    (void)divak_config_error(config);
    divak_config_destroy(config);
    *out_is_fine &= is_fine;
    return tracer;
}

static void record(divak_tracer *tracer, uint64_t number) {
    static char value[3000];
    memset(value, 'v', sizeof value);
    static const divak_header headers[] = {
        {"traceparent", 11, "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01", 55},
        {"baggage", 7, "a=b,c=%41", 9},
        {"x-user", 6, "42", 2}};
    static divak_header_block block;
    divak_span parent, span;
    (void)divak_extract_headers(tracer, headers, 3, &parent);
    (void)divak_span_start(tracer, "work", 4, DIVAK_KIND_SERVER, &parent, &span);
    divak_span_release(&parent);
    (void)divak_span_tag(&span, "long", 4, value, sizeof value);
    (void)divak_span_tag_uint(&span, "number", 6, number);
    (void)divak_span_set_baggage(&span, "c", 1, "changed", 7);
    (void)divak_inject_headers(tracer, &span, &block);
    (void)divak_span_finish(&span);
}

static int live(const char *endpoint, const char *authorities, const char *whose) {
    enum { SPANS = 40 };
    bool is_fine = true;
    fail_from_here(whose);
    divak_tracer *tracer = make(endpoint, authorities, &is_fine);
    for (uint64_t i = 0; i < SPANS; i++) record(tracer, i);
    uint64_t lost = 0, before = collector_now();
    int flushed = divak_tracer_flush(tracer, failing == 0 ? 5000 : FLUSH_TIME, &lost);
    REQUIRE(collector_now() - before < LATE);
    REQUIRE(flushed == DIVAK_OK || flushed == DIVAK_ERROR_LOST || flushed == DIVAK_ERROR_TIMEOUT);
    if (tracer != NULL) {
        divak_stats stats = driver_stats(tracer);
        REQUIRE(stats.started == SPANS);
        REQUIRE(flushed != DIVAK_OK || stats.delivered == SPANS);
        REQUIRE(flushed != DIVAK_ERROR_LOST || driver_dropped(&stats) >= lost);
        record(tracer, SPANS);
        before = collector_now();
        int closed = divak_tracer_shutdown(tracer, SHUTDOWN_TIME, &lost);
        REQUIRE(collector_now() - before < LATE);
        REQUIRE(closed == DIVAK_OK || closed == DIVAK_ERROR_LOST || closed == DIVAK_ERROR_TIMEOUT);
        stats = driver_settled_stats(tracer);
        REQUIRE(stats.started == SPANS + 1 && driver_accounted(&stats) == stats.started);
        REQUIRE(stats.pending == 0 && stats.live == 0);
        REQUIRE(closed != DIVAK_OK || driver_dropped(&stats) == 0 || flushed != DIVAK_OK);
    }
    __atomic_store_n(&is_counting, false, __ATOMIC_RELAXED);
    *needed = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
    if (!is_fine) return WRONG;
    if (failing > *needed) return REACHED_NONE;
    return flushed == DIVAK_OK && tracer != NULL ? DELIVERED_ALL : LOST_SOME;
}

/* ---- all of them ------------------------------------------------------------------------------ */

typedef struct counts {
    uint64_t runs, points, crashed, hung, wrong, delivered;
} counts;

typedef struct running {
    pid_t pid; /* 0: free */
    uint64_t number;
    bool is_for_good;
} running;

static void start_life(char **argv, running *place, uint64_t number, bool for_good) {
    *place = (running){.number = number, .is_for_good = for_good};
    fflush(stdout);
    place->pid = fork();
    if (place->pid != 0) return;
    failing = number;
    is_for_good = for_good;
    alarm(HANG_SECONDS);
    exit(live(argv[2], strcmp(argv[3], "-") == 0 ? "none" : argv[3], argv[1]));
}

static void note_end(char **argv, running *places, size_t count, counts *sum) {
    int status;
    pid_t pid = wait(&status);
    running *place = places;
    while (place < places + count && place->pid != pid) place++;
    if (place == places + count) return;
    place->pid = 0;
    sum->runs++;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == REACHED_NONE) return;
    bool is_hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    bool is_known = code == LOST_SOME || code == DELIVERED_ALL || code == WRONG;
    sum->points++;
    sum->hung += is_hung;
    sum->crashed += !is_hung && !is_known;
    sum->wrong += code == WRONG;
    sum->delivered += code == DELIVERED_ALL;
    if (code == LOST_SOME || code == DELIVERED_ALL) return;
    printf("  %s, %s: allocation %" PRIu64 " failing %s: status %#x\n", argv[1], argv[2],
           place->number, place->is_for_good ? "for good" : "once", (unsigned)status);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    uint64_t stride = strtoull(argv[4], NULL, 10), most = 0;
    running places[AT_ONCE] = {{0}};
    counts sum = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    needed = mmap(NULL, sizeof *needed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* How many allocations a life has; threads make it differ from one to the next. */
    for (int i = 0; i < 5; i++) {
        start_life(argv, &places[0], 0, false);
        note_end(argv, places, 1, &sum);
        if (*needed > most) most = *needed;
    }
    if (sum.delivered != 5) {
        printf("not all is delivered with all the memory there is\n");
        return 2;
    }
    most += most / 20 + 2;
    sum = (counts){0};
    for (uint64_t life = 0, at_once = 0; life < 2 * most || at_once > 0;) {
        size_t place = 0;
        while (place < AT_ONCE && places[place].pid != 0) place++;
        if (life < 2 * most && place < AT_ONCE) {
            start_life(argv, &places[place], 1 + life / 2, life % 2 != 0);
            life += life % 2 == 0 ? 1 : 2 * stride - 1;
            at_once++;
        } else {
            note_end(argv, places, AT_ONCE, &sum);
            at_once--;
        }
    }
    printf("runs %" PRIu64 " points %" PRIu64 " crashed %" PRIu64 " hung %" PRIu64 " wrong %" PRIu64
           " delivered %" PRIu64 "\n",
           sum.runs, sum.points, sum.crashed, sum.hung, sum.wrong, sum.delivered);
    return sum.crashed + sum.hung + sum.wrong == 0 && sum.points > 0 ? 0 : 1;
}
