/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_tracer.c - one thread makes a tracer while others look for it: whoever finds it finds it whole. */
#include <string.h>

#include "api/propagation.h"
#include "base/memory.h"
#include "divak/scope.h"
#include "divak/tracer.h"
#include "export/flusher_state.h"
#include "simulator.h"

#define SECOND UINT64_C(1000000000)
enum { BUFFER = 384 << 10 };

static divak_tracer *tracer;
static divak_propagation *propagation;

static const divak_engine_options options = {.ring_bytes = 1024, .buffer_bytes = BUFFER, .span_bytes = 4096,
                                             .name_bytes = 128, .key_bytes = 128, .value_bytes = 128};

static void prepare(void) {
    tracer = &divak_tracers[0];
    CLAIM(divak_process_init() == DIVAK_OK);
    CLAIM(divak_engine_prepare(tracer, 0, &options) == DIVAK_OK);
    CLAIM(tracer->lanes.lane_count >= 4 && tracer->lanes.lane_count < 32); /* each thread has one */
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
    propagation = divak_tracer_propagation(tracer);
    divak_engine_set_mode(tracer, DIVAK_TRACER_NONE);
    CLAIM(propagation != NULL && divak_tracer_propagation(tracer) == NULL);
}

static int start_no_thread(void *(*run)(void *), void *context, const char *name, size_t stack_size) {
    (void)run;
    (void)context;
    (void)name;
    (void)stack_size;
    return 0;
}

/* The part of making a tracer that others depend on: the flusher, the headers' settings, then the mode. */
static void make(void) {
    int (*start_thread)(void *(*)(void *), void *, const char *, size_t) = divak_system.start_thread;
    divak_system.start_thread = start_no_thread;
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_NULL};
    divak_flusher_options wanted = {.encode = {.service = "s", .service_length = 1}, .message_bytes = 4096,
                                    .flush_interval = SECOND, .timeout = SECOND, .close_timeout = SECOND,
                                    .connections = 1, .reporters = &spec, .reporter_count = 1,
                                    .memory_for_messages = 8192};
    char error[160];
    CLAIM(divak_flusher_start(tracer, &wanted, error, sizeof error) == DIVAK_OK);
    divak_system.start_thread = start_thread;
    propagation->declared_count = 1;
    memset(&tracer->counters, 0, sizeof tracer->counters);
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
}

static void find_stats(void) {
    for (int i = 0; i < 3; i++) {
        divak_stats stats;
        (void)divak_tracer_stats(tracer, 0, &stats);
    }
}

static void find_current(void) {
    for (int i = 0; i < 3; i++) {
        divak_tracer *found = divak_tracer_current();
        if (found == NULL) continue;
        CLAIM(found == tracer);
        (void)divak_flusher_close_timeout(found);
        return;
    }
}

static void find_open(void) {
    for (int i = 0; i < 3; i++) {
        int status = divak_tracer_flush(tracer, 0, NULL);
        CLAIM(status == DIVAK_ERROR_ENDED || status == DIVAK_ERROR_TIMEOUT);
    }
}

static void find_failure(void) {
    for (int i = 0; i < 3; i++) {
        char text[8];
        int status = divak_tracer_failure(tracer, 0, text, sizeof text);
        CLAIM(status == DIVAK_ERROR_INVALID || status == DIVAK_ABSENT);
    }
}

static void make_engine(void) {
    CLAIM(divak_engine_prepare(tracer, 0, &options) == DIVAK_OK);
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
}

/* By its place in the array, without having been told that it is there. */
static void start_early(void) {
    for (int i = 0; i < 3; i++) {
        divak_span span;
        if (divak_span_start_recorded(&divak_tracers[0], "a", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &span) != DIVAK_OK) continue;
        (void)divak_span_abandon(&span);
    }
}

static void find_propagation(void) {
    for (int i = 0; i < 3; i++) {
        const divak_propagation *found = divak_tracer_propagation(tracer);
        CLAIM(found == NULL || found->declared_count == 1);
    }
}

static void misuse_scope(void) {
    divak_scope scope = {.is_open = 0};
    for (int i = 0; i < 3; i++) CLAIM(divak_scope_close(&scope) == DIVAK_ERROR_ORDER);
}

SCENARIO(tracer_found, .prepare = prepare, .threads = {make, find_stats, find_current, find_propagation}, .cost = 100)
SCENARIO(tracer_found_open, .prepare = prepare, .threads = {make, find_open, find_failure, misuse_scope},
         .patience = SECOND, .cost = 100)
SCENARIO(tracer_started_early, .prepare = prepare, .threads = {make_engine, start_early}, .patience = SECOND, .cost = 100)
