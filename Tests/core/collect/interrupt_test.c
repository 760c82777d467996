/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt_test.c - a handler of signals between any two instructions of a thread that records.
 *
 * The processor traps after each instruction; at the n-th trap the handler does one thing, for each n. What it did and what
 * the interrupted code did must both come out whole.
 */
#include "check.h"

/* ThreadSanitizer delivers signals where it likes. */
#if !defined(__x86_64__) || !defined(__linux__) || defined(__SANITIZE_THREAD__)
TEST(nothing_is_interrupted_where_the_processor_does_not_trap_as_this_test_knows_it) {
    CHECK(1);
}
#else

#include <signal.h>
#include <ucontext.h>
#include <x86intrin.h>

#include "tracing.h"

#if defined(__SANITIZE_ADDRESS__)
enum { STEP = 17 }; /* ten times the instructions */
#else
enum { STEP = 1 };
#endif

enum { TRAP_FLAG = 0x100, MAIN_SPANS = 3, SPANS = 6 };

/* What one of the two has done to a span, the interrupted code or the handler: neither writes into the other's. */
typedef struct share {
    char tags[4]; /* a letter each */
    size_t tag_count;
    int ends, abandons; /* that succeeded */
} share;

/* A span as it must come out. */
typedef struct expected {
    divak_span span;
    char name[24];
    bool is_there; /* its start has returned */
    share shares[2];
} expected;

static tracing t;
static divak_span root;
static expected spans[SPANS];
static long traps, trap_at; /* of the call that is interrupted */
static int call, interrupted_call;
static bool has_acted, is_in_handler;
static void (*act)(void);

static void start(int i, const divak_span *parent) {
    expected *one = &spans[i];
    (void)divak_span_start(t.tracer, one->name, strlen(one->name), DIVAK_KIND_LOCAL, parent, &one->span);
    one->is_there = true;
}

static void tagged(int i, char letter, int status) {
    share *own = &spans[i].shares[is_in_handler];
    if (status == DIVAK_OK) own->tags[own->tag_count++] = letter;
}

static void tag(int i, char letter) {
    if (spans[i].is_there) tagged(i, letter, divak_span_tag(&spans[i].span, &letter, 1, "said", 4));
}

static void tag_number(int i, char letter) {
    if (spans[i].is_there) tagged(i, letter, divak_span_tag_int(&spans[i].span, &letter, 1, 7));
}

static void finish(int i) {
    if (spans[i].is_there) spans[i].shares[is_in_handler].ends += divak_span_finish(&spans[i].span) == DIVAK_OK;
}

static void abandon(int i) {
    if (spans[i].is_there) spans[i].shares[is_in_handler].abandons += divak_span_abandon(&spans[i].span) == DIVAK_OK;
}

/* ---- what the handler does ---- */

static void begin_some_and_end_some(void) {
    start(3, &root);
    start(4, &spans[3].span);
    tag(3, 'h');
    finish(4);
    start(5, &root);
    tag_number(5, 'i');
    finish(3);
}

static void tag_all(void) {
    for (int i = 0; i < MAIN_SPANS; i++) tag(i, 'x');
}

static void end_all_and_begin_one(void) {
    for (int i = MAIN_SPANS - 1; i >= 0; i--) finish(i);
    start(3, &root);
    tag(3, 'h');
}

static void abandon_all(void) {
    for (int i = 0; i < MAIN_SPANS; i++) abandon(i);
}

static void trapped(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    (void)info;
    if (traps++ != trap_at) return;
    has_acted = is_in_handler = true;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(long long)TRAP_FLAG;
    act();
    is_in_handler = false;
}

/* ---- what is interrupted ---- */

/* One call after the other; one of them traps. */
#define CALL(what)                                                                                                        \
    do {                                                                                                                  \
        if (call++ == interrupted_call) __writeeflags(__readeflags() | TRAP_FLAG);                                        \
        what;                                                                                                             \
        __writeeflags(__readeflags() & ~(unsigned long long)TRAP_FLAG);                                                   \
    } while (0)

static void record(void) {
    CALL(start(0, &root));
    CALL(tag(0, 'a'));
    CALL(start(1, &spans[0].span));
    CALL(tag(0, 'b'));
    CALL(tag_number(1, 'a'));
    CALL(finish(1));
    CALL(start(2, &root));
    CALL(tag(2, 'a'));
    CALL(finish(2));
    CALL(finish(0));
}

static bool is_tagged(const char *json, const char *end, char letter) {
    char text[8];
    snprintf(text, sizeof text, "\"%c\":\"", letter);
    const char *found = strstr(json, text);
    return found != NULL && found < end;
}

static void check_one(const expected *one, const char *json) {
    const share *ours = &one->shares[0], *handlers = &one->shares[1];
    char text[64];
    snprintf(text, sizeof text, "\"name\":\"%s\"", one->name);
    const char *found = strstr(json, text);
    bool is_sent = ours->ends + handlers->ends == 1, is_abandoned = ours->abandons + handlers->abandons == 1;
    bool holds = is_sent != is_abandoned && is_sent == (found != NULL);
    if (found != NULL) {
        const char *end = strstr(found, "\"traceId\"");
        if (end == NULL) end = found + strlen(found);
        for (char letter = 'a'; letter <= 'z'; letter++) {
            bool is_said = memchr(ours->tags, letter, ours->tag_count) != NULL ||
                           memchr(handlers->tags, letter, handlers->tag_count) != NULL;
            holds &= is_said == is_tagged(found, end, letter);
        }
    }
    if (holds) return;
    check_failures++;
    printf("  call %d interrupted at %ld: %s ended %d+%d times, abandoned %d+%d, tagged \"%.*s\" and \"%.*s\": %s\n",
           interrupted_call, trap_at, one->name, ours->ends, handlers->ends, ours->abandons, handlers->abandons,
           (int)ours->tag_count, ours->tags, (int)handlers->tag_count, handlers->tags, found == NULL ? "none" : found);
}

static void begin(void) {
    tracing_begin_plain(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "1ms"));
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t.config, &t.memory));
    tracing_start(&t);
    root = tracing_span(t.tracer, "root", &divak_no_parent);
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    CHECK_INT(0, sigaction(SIGTRAP, &action, NULL));
}

/* Interrupts the call at the trap, if it has as many. */
static void interrupt(void) {
    static long run_number;
    memset(spans, 0, sizeof spans);
    run_number++;
    for (int i = 0; i < SPANS; i++) snprintf(spans[i].name, sizeof spans[i].name, "%d.%ld", i, run_number);
    traps = 0;
    call = 0;
    has_acted = false;
    record();
    for (int i = MAIN_SPANS; i < SPANS; i++) {
        if (spans[i].shares[1].ends == 0) finish(i);
    }
}

static void interrupt_everywhere(void (*what)(void)) {
    begin();
    act = what;
    long interruptions = 0;
    for (interrupted_call = 0, call = 1; interrupted_call < call && check_failures < 20; interrupted_call++) {
        for (trap_at = 0, has_acted = true; has_acted && check_failures < 20; trap_at += STEP) {
            interrupt();
            char *json = tracing_take(&t);
            for (int i = 0; i < SPANS; i++) {
                if (spans[i].is_there) check_one(&spans[i], json);
            }
            divak_free(json);
        }
        CHECK(trap_at > 20);
        interruptions += trap_at / STEP - 1;
    }
    divak_stats stats = tracing_stats(t.tracer);
    printf("  %ld interruptions: %llu spans, %llu of them dropped\n", interruptions, (unsigned long long)stats.started,
           (unsigned long long)tracing_dropped(&stats));
    CHECK_INT(1, stats.live);
    CHECK_INT(DIVAK_OK, divak_span_finish(&root));
    tracing_end(&t);
}

TEST(spans_that_begin_and_end_in_between_disturb_nobody) {
    interrupt_everywhere(begin_some_and_end_some);
}

TEST(what_is_tagged_in_between_is_kept_beside_what_was_just_being_tagged) {
    interrupt_everywhere(tag_all);
}

TEST(spans_that_are_ended_in_between_end_once_with_all_that_was_said_before_and_the_next_one_is_whole) {
    interrupt_everywhere(end_all_and_begin_one);
}

TEST(spans_that_are_abandoned_in_between_are_not_sent) {
    interrupt_everywhere(abandon_all);
}

#endif

CHECK_MAIN()
