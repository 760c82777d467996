/* SPDX-License-Identifier: Apache-2.0 */
/* tracing.h - a tracer for tests whose every byte is foreseeable: own clock, own ids, spans kept in memory.
 *
 *     tracing t;
 *     tracing_begin(&t);                       // a config; set more on t.config
 *     tracing_start(&t);
 *     ... record; t.clock is microseconds since 1970 and moves only by hand ...
 *     tracing_expect(&t, "[{'traceId':'" ID(1) "','id':'" ID(2) "',...}]");   // ' stands for "
 *     tracing_end(&t);                         // shuts down, checks the accounts, frees
 *
 * Ids are 64 bits and count up from 1: a root takes two (trace and span), a child one.
 */
#ifndef DIVAK_TEST_TRACING_H
#define DIVAK_TEST_TRACING_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "divak/divak.h"

#define ID(n) "000000000000000" #n
/* Beginnings and ends of the expected JSON. */
#define LOCAL "'localEndpoint':{'serviceName':'tests'}"
#define ROOT_1 "{'traceId':'" ID(1) "','id':'" ID(2) "',"

typedef struct tracing {
    divak_config *config;
    divak_tracer *tracer;
    divak_memory_reporter *memory; /* NULL when the test adds reporters of its own */
    uint64_t clock;
    uint64_t last_id;
} tracing;

static inline uint64_t tracing_read_clock(void *context) {
    return __atomic_load_n(&((tracing *)context)->clock, __ATOMIC_RELAXED);
}

static inline uint64_t tracing_make_id(void *context) {
    return __atomic_add_fetch(&((tracing *)context)->last_id, 1, __ATOMIC_RELAXED);
}

/* A config that no environment reaches, small and silent; no reporter yet. */
static inline divak_config *tracing_config(void) {
    divak_config *config = divak_config_create_without_environment();
    static const char *const settings[][2] = {
        {"service_name", "tests"}, {"service_ip", "none"},   {"log", "off"},
        {"buffer_bytes", "8MiB"},  {"ring_bytes", "128KiB"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        CHECK_INT(DIVAK_OK, divak_config_set(config, settings[i][0], settings[i][1]));
    }
    return config;
}

/* Without clock, ids and reporters of its own. */
static inline void tracing_begin_plain(tracing *t) {
    *t = (tracing){.config = tracing_config()};
}

static inline void tracing_begin(tracing *t) {
    tracing_begin_plain(t);
    t->clock = 1000000;
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "trace_id_bits", "64"));
    CHECK_INT(DIVAK_OK, divak_config_set_clock(t->config, tracing_read_clock, t));
    CHECK_INT(DIVAK_OK, divak_config_set_id_generator(t->config, tracing_make_id, t));
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(t->config, &t->memory));
}

static inline void tracing_start(tracing *t) {
    int status = divak_tracer_create(t->config, &t->tracer);
    CHECK_INT(DIVAK_OK, status);
    if (status != DIVAK_OK) printf("  %s\n", divak_config_error(t->config));
    divak_config_destroy(t->config);
    t->config = NULL;
}

static inline divak_stats tracing_stats(divak_tracer *tracer) {
    divak_stats stats;
    CHECK_INT(DIVAK_OK, divak_tracer_stats(tracer, 0, &stats));
    return stats;
}

static inline uint64_t tracing_dropped(const divak_stats *stats) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) sum += stats->dropped[i];
    return sum;
}

/* What stats.h promises when nothing moves, for every reporter. */
static inline void tracing_check_identity(divak_tracer *tracer) {
    divak_stats stats;
    for (size_t i = 0; divak_tracer_stats(tracer, i, &stats) == DIVAK_OK; i++) {
        uint64_t rest =
            stats.delivered + stats.pending + stats.live + tracing_dropped(&stats);
        CHECK_INT(rest, stats.started + stats.recovered);
        if (rest == stats.started + stats.recovered) continue;
        printf("  reporter %zu: started %llu delivered %llu pending %llu live %llu dropped", i,
               (unsigned long long)stats.started, (unsigned long long)stats.delivered,
               (unsigned long long)stats.pending, (unsigned long long)stats.live);
        for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) {
            if (stats.dropped[reason] == 0) continue;
            printf(" %s %llu", divak_dropped_text(reason),
                   (unsigned long long)stats.dropped[reason]);
        }
        printf("\n");
    }
}

/* All that was reported since the last look, as a JSON list; release it with divak_free. */
static inline char *tracing_take(tracing *t) {
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t->tracer, 20000, NULL));
    size_t length;
    char *json = divak_memory_reporter_take(t->memory, &length);
    CHECK(json != NULL && strlen(json) == length);
    return json;
}

static inline void tracing_expect(tracing *t, const char *expected) {
    char text[16384];
    size_t length = strlen(expected);
    CHECK(length < sizeof text);
    for (size_t i = 0; i <= length; i++) text[i] = expected[i] == '\'' ? '"' : expected[i];
    char *json = tracing_take(t);
    CHECK_TEXT(text, json, strlen(json));
    divak_free(json);
}

static inline void tracing_end(tracing *t) {
    uint64_t lost;
    int status = divak_tracer_shutdown(t->tracer, 20000, &lost);
    CHECK(status == DIVAK_OK || status == DIVAK_ERROR_LOST);
    tracing_check_identity(t->tracer);
    divak_memory_reporter_destroy(t->memory);
}

/* How often `needle` stands in `text`. */
static inline size_t tracing_count(const char *text, const char *needle) {
    size_t count = 0, length = strlen(needle);
    const char *end = text + strlen(text);
    while ((text = memmem(text, (size_t)(end - text), needle, length)) != NULL) {
        text += length;
        count++;
    }
    return count;
}

/* What a child of fork or a hanging test has to come to, in seconds; alarm() ends what hangs. */
enum { TRACING_HANG_SECONDS = 120 };

/* In a program whose forked children have threads: ThreadSanitizer refuses those unless it is told that they are meant. */
#define TRACING_CHILDREN_HAVE_THREADS()                                                            \
    const char *__tsan_default_options(void);                                                      \
    const char *__tsan_default_options(void) { return "die_after_fork=0"; }

static inline void tracing_sleep_ms(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static inline uint64_t tracing_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline divak_span tracing_span(divak_tracer *tracer, const char *name,
                                      const divak_span *parent) {
    divak_span span;
    CHECK_INT(DIVAK_OK, divak_span_start(tracer, name, strlen(name), DIVAK_KIND_LOCAL, parent,
                                         &span));
    return span;
}

static inline int tracing_tag(const divak_span *span, const char *key, const char *value) {
    return divak_span_tag(span, key, strlen(key), value, strlen(value));
}

#endif
