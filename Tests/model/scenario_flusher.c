/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_flusher.c - the flusher's thread, those who ask it for something, and a supervisor that gives it up; over a
 * transport of our own, which answers at once, or hangs. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "collect/engine.h"
#include "divak/span.h"
#include "export/flusher_state.h"
#include "export/http.h"
#include "simulator.h"

#define SECOND UINT64_C(1000000000)
enum { BUFFER = 384 << 10 };

/* ---- the transport -------------------------------------------------------------------------------------------------------- */

struct divak_http_pool {
    void *tag; /* of the one request under way */
    bool is_used;
};
struct divak_http_target {
    divak_http_pool *pool;
};

static bool may_hang;
static divak_outcome outcome; /* of all messages; DELIVERED is 0 */
static divak_atomic_u32 sent; /* messages */
static unsigned told; /* written by who asks for a check, before it; read by what the program brings along */

int divak_http_pool_create(divak_http_pool **out_pool) {
    *out_pool = divak_memory_allocate_zeroed(1, sizeof **out_pool);
    return *out_pool == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}
const char *divak_http_unsupported_text(void) { return NULL; }
void divak_http_pool_destroy(divak_http_pool *pool) { divak_memory_release(pool); }
void divak_http_pool_abandon(divak_http_pool *pool) { (void)pool; }
int divak_http_target_create(divak_http_pool *pool, const divak_http_options *options, divak_http_target **out_target,
                             char *error, size_t error_capacity) {
    (void)options;
    (void)error;
    (void)error_capacity;
    *out_target = divak_memory_allocate_zeroed(1, sizeof **out_target);
    (*out_target)->pool = pool;
    return DIVAK_OK;
}
void divak_http_target_destroy(divak_http_target *target) { (void)target; }
int divak_http_send(divak_http_target *target, const void *body, size_t length, void *tag) {
    (void)length;
    CLAIM(*(const char *)body == '[' && told <= 1);
    if (target->pool->tag != NULL) return DIVAK_ERROR_FULL;
    target->pool->tag = tag;
    divak_add_relaxed(&sent, 1);
    return DIVAK_OK;
}
int divak_http_pool_wait(divak_http_pool *pool, uint64_t timeout, divak_http_reply *out, int capacity) {
    (void)timeout;
    CLAIM(!pool->is_used && capacity > 0);
    pool->is_used = true; /* by one thread */
    if (may_hang && sim_choose(2) != 0) {
        sim_advance_time(30 * SECOND);
        for (int i = 0; i < 3; i++) sim_yield();
    }
    sim_yield();
    pool->is_used = false;
    if (pool->tag == NULL) return 0;
    memset(out, 0, sizeof *out);
    out->tag = pool->tag;
    out->outcome = outcome;
    out->http_status = outcome == DIVAK_OUTCOME_DELIVERED ? 202 : 400;
    pool->tag = NULL;
    return 1;
}
bool divak_http_pool_is_intact(divak_http_pool *pool) {
    (void)pool;
    return true;
}
unsigned divak_http_pool_in_flight(const divak_http_pool *pool) { return pool->tag != NULL; }
unsigned divak_http_target_in_flight(const divak_http_target *target) { return target->pool->tag != NULL; }
void divak_http_cancel_all(divak_http_target *target) { target->pool->tag = NULL; }

/* ---- the tracer ------------------------------------------------------------------------------------------------------------ */

static divak_tracer *tracer;
static divak_span root;
static unsigned finished[SIM_THREADS_MAX];

static int start_no_thread(void *(*run)(void *), void *context, const char *name, size_t stack_size) {
    (void)run;
    (void)context;
    (void)name;
    (void)stack_size;
    return 0;
}

static divak_supply_endpoint supplier;
static int (*send_ours)(void *context, const char *body, size_t length, size_t span_count); /* NULL: over the transport */

/* The flusher is made here, once; its thread is started in each run. */
static void prepare(void) {
    tracer = &divak_tracers[0];
    CLAIM(divak_process_init() == DIVAK_OK);
    divak_engine_options options = {
        .ring_bytes = 1024,
        .buffer_bytes = BUFFER,
        .span_bytes = 2048,
        .name_bytes = 128,
        .key_bytes = 128,
        .value_bytes = 128,
        .tags_max = UINT32_MAX,
        .annotations_max = UINT32_MAX,
    };
    CLAIM(divak_engine_prepare(tracer, 0, &options) == DIVAK_OK);
    CLAIM(tracer->lanes.lane_count >= 4 && tracer->lanes.lane_count < 32); /* each thread has one */
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
    static char endpoint[] = "http://localhost:9411/api/v2/spans";
    divak_reporter_spec spec = {
        .kind = DIVAK_REPORTER_ZIPKIN, .endpoint = endpoint, .endpoint_display = endpoint, .supply = supplier};
    if (send_ours != NULL) spec = (divak_reporter_spec){.kind = DIVAK_REPORTER_CALLBACK, .send = send_ours};
    divak_flusher_options wanted = {
        .encode = {.keys = &divak_keys, .service = "s", .service_length = 1},
        .message_bytes = 4096,
        .flush_interval = SECOND,
        .timeout = 10 * SECOND,
        .close_timeout = SECOND,
        .connections = 1,
        .reporters = &spec,
        .reporter_count = 1,
        .memory_for_messages = 8192,
    };
    int (*start_thread)(void *(*)(void *), void *, const char *, size_t) = divak_system.start_thread;
    divak_system.start_thread = start_no_thread;
    char error[160];
    CLAIM(divak_flusher_start(tracer, &wanted, error, sizeof error) == DIVAK_OK);
    divak_system.start_thread = start_thread;
}

static void begin(void) {
    CLAIM(divak_span_start_recorded(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root) == DIVAK_OK);
    CLAIM(divak_system.start_thread(divak_flusher_run, divak_flushers[0], "flusher", 1 << 16) == 0);
}

static void finish_one(void) {
    divak_span span;
    (void)divak_span_start_recorded(tracer, "a", 1, DIVAK_KIND_LOCAL, &root, &span);
    finished[sim_thread()] += divak_span_finish_recorded(&span) == DIVAK_OK;
}

/* What this thread has finished is delivered when its flush says so. */
static void finish_and_flush(void) {
    finish_one();
    uint64_t lost;
    if (divak_flusher_flush(tracer, 900 * SECOND, &lost) != DIVAK_OK) return;
    divak_stats stats = {0};
    CLAIM(divak_flusher_stats(tracer, 0, &stats));
    CLAIM(stats.delivered >= finished[sim_thread()]);
}

static void shut_down(void) {
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    uint64_t lost;
    int status = divak_flusher_shutdown(tracer, 900 * SECOND, &lost);
    /* Lost is what was finished after it began. */
    CLAIM(status == DIVAK_OK || status == DIVAK_ERROR_LOST || may_hang);
}

static void finish_and_shut_down(void) {
    finish_one();
    shut_down();
}

static void read_stats(void) {
    for (int i = 0; i < 2; i++) {
        divak_stats stats = {0};
        CLAIM(divak_flusher_stats(tracer, 0, &stats));
        uint64_t sum = stats.delivered;
        for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += stats.dropped[reason];
        sum += stats.pending;
        uint64_t dropped[DIVAK_DROPPED_COUNT] = {0};
        divak_engine_dropped(tracer, dropped);
        for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += dropped[reason];
        sum += divak_engine_pending(tracer) + divak_engine_live(tracer);
        CLAIM(sum <= divak_engine_started(tracer));
    }
}

/* Everything that was finished has arrived, or was counted as lost; nothing waits for ever. */
static void end(void) {
    divak_stats stats = {0};
    CLAIM(divak_flusher_stats(tracer, 0, &stats));
    divak_engine_dropped(tracer, stats.dropped);
    uint64_t sum = stats.delivered + stats.pending + divak_engine_pending(tracer) + divak_engine_live(tracer);
    for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += stats.dropped[reason];
    CLAIM(sum == divak_engine_started(tracer));
    CLAIM(stats.pending + divak_engine_pending(tracer) == 0 || may_hang);
}

SCENARIO(flusher, .prepare = prepare, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {finish_and_flush, finish_and_shut_down})
SCENARIO(flusher_stats, .prepare = prepare, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {finish_and_shut_down, read_stats})

/* Without the barrier for all processors who asks is heard by the fences of both sides. A thread that asks when the flusher
 * naps for longer than a millisecond, and is not heard, waits for ever here. */
static int no_barrier(void) { return -1; }

static void prepare_without_barrier(void) {
    prepare();
    divak_system.barrier_everywhere = no_barrier;
}

static void flush(void) {
    uint64_t lost;
    (void)divak_flusher_flush(tracer, 900 * SECOND, &lost);
}

static void check(void) {
    (void)divak_flusher_check(tracer, 900 * SECOND);
}

static void check_and_shut_down(void) {
    told = 1;
    CLAIM(divak_flusher_check(tracer, 900 * SECOND) == DIVAK_OK);
    shut_down();
}

SCENARIO(flusher_check, .prepare = prepare, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {check_and_shut_down})

/* Who supplies the endpoint is asked before the reporter is. */
static int say_nothing(void *context, char *out, size_t capacity) {
    (void)context;
    CLAIM(capacity != 0 && out[0] == '\0' && told <= 1);
    return DIVAK_ABSENT;
}

static void prepare_supplied(void) {
    supplier = say_nothing;
    prepare();
}

static int take_message(void *context, const char *body, size_t length, size_t span_count) {
    (void)context;
    CLAIM(length != 0 && body[0] == '[' && span_count <= 1 && told <= 1);
    return DIVAK_OK;
}

static void prepare_ours(void) {
    send_ours = take_message;
    prepare();
}

SCENARIO(flusher_check_ours, .prepare = prepare_ours, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {check_and_shut_down})
/* In a second one the message has its room already: no fence of a growing buffer brings what was told. */
static void check_twice_and_shut_down(void) {
    told = 1;
    CLAIM(divak_flusher_check(tracer, 900 * SECOND) == DIVAK_OK);
    check_and_shut_down();
}

SCENARIO(flusher_check_ours_twice, .prepare = prepare_ours, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {check_twice_and_shut_down})
SCENARIO(flusher_check_supplied, .prepare = prepare_supplied, .begin = begin, .end = end, .patience = 1000000, .cost = 30,
         .threads = {check_and_shut_down})

SCENARIO(flusher_wake_to_flush, .prepare = prepare_without_barrier, .begin = begin, .patience = 1000000, .cost = 10,
         .threads = {flush, shut_down}, .starts_after = {0, 1})
SCENARIO(flusher_wake_to_check, .prepare = prepare_without_barrier, .begin = begin, .patience = 1000000, .cost = 10,
         .threads = {check, shut_down}, .starts_after = {0, 1})
SCENARIO(flusher_wake_to_shut_down, .prepare = prepare_without_barrier, .begin = begin, .patience = 1000000, .cost = 10,
         .threads = {shut_down})

/* ---- counts ------------------------------------------------------------------------------------------------------------------- */

/* A span ends in each of the ways that the flusher counts, while someone reads the counts: the flusher's thread is asked to
 * end before it begins, so that it has nothing to do but that. */
static void begin_last_turn(void) {
    CLAIM(divak_span_start_recorded(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root) == DIVAK_OK);
    finish_one();
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    (void)divak_flusher_ask_shutdown(tracer, 900 * SECOND);
}

static void run_flusher(void) { (void)divak_flusher_run(divak_flushers[0]); }

static uint64_t counted(uint32_t reason) {
    divak_stats stats = {0};
    CLAIM(divak_flusher_stats(tracer, 0, &stats));
    return reason == DIVAK_DROPPED_COUNT ? stats.delivered : stats.dropped[reason];
}

#define COUNTS(name, begin_function, end_function)                                                                    \
    SCENARIO(name, .prepare = prepare, .begin = begin_function, .end = end_function, .patience = 1000000, .cost = 10, \
             .threads = {run_flusher, read_stats})

static void end_delivered(void) { CLAIM(counted(DIVAK_DROPPED_COUNT) == 1); }
COUNTS(flusher_counts_delivered, begin_last_turn, end_delivered)

static void begin_rejected(void) {
    outcome = DIVAK_OUTCOME_REJECTED;
    begin_last_turn();
}
static void end_rejected(void) { CLAIM(counted(DIVAK_DROPPED_REJECTED) == 1); }
COUNTS(flusher_counts_rejected, begin_rejected, end_rejected)

static void begin_small_message(void) {
    divak_flushers[0]->reporters[0]->message_bytes = 16;
    begin_last_turn();
}
static void end_too_big(void) { CLAIM(counted(DIVAK_DROPPED_TOO_BIG) == 1); }
COUNTS(flusher_counts_small_message, begin_small_message, end_too_big)

static void begin_small_store(void) {
    divak_flushers[0]->store.capacity = 16;
    begin_last_turn();
}
COUNTS(flusher_counts_small_store, begin_small_store, end_too_big)

static uint8_t room_for_handlers[DIVAK_RECORD_MAX];

static bool want_none(void *context, divak_ended_span *span) {
    (void)context;
    (void)span;
    return false;
}

static void begin_filtered(void) {
    tracer->options.handlers[0] = (divak_handler){.end = want_none};
    tracer->options.handler_count = 1;
    divak_flushers[0]->handled = room_for_handlers;
    begin_last_turn();
}
static void end_filtered(void) { CLAIM(counted(DIVAK_DROPPED_FILTERED) == 1); }
COUNTS(flusher_counts_filtered, begin_filtered, end_filtered)

/* ---- the last end -------------------------------------------------------------------------------------------------------------- */

/* A span that ends while the tracer is shut down is delivered, or dropped and counted; it is never left in its lane. */
static divak_span late;

static void begin_late(void) {
    CLAIM(divak_span_start_recorded(tracer, "late", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &late) == DIVAK_OK);
}

static void finish_late(void) { (void)divak_span_finish_recorded(&late); }

static void shut_down_and_run(void) {
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    (void)divak_flusher_ask_shutdown(tracer, 900 * SECOND);
    run_flusher();
}

SCENARIO(flusher_late_end, .prepare = prepare, .begin = begin_late, .end = end, .patience = 1000000, .cost = 10,
         .threads = {finish_late, shut_down_and_run})

/* ---- supervision -------------------------------------------------------------------------------------------------------------- */

static void begin_hanging(void) {
    may_hang = true;
    begin();
}

SCENARIO(flusher_given_up, .prepare = prepare, .begin = begin_hanging, .end = end, .patience = 500000000, .cost = 30,
         .threads = {finish_and_flush, finish_and_shut_down})
