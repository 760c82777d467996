/* SPDX-License-Identifier: Apache-2.0 */
/* flusher_loop.c - what the flusher's thread does, turn by turn. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"
#include "collect/convert.h"
#include "export/ended_span.h"
#include "export/endpoint_supply.h"
#include "export/flusher_state.h"
#include "export/loss_span.h"
#include "model/dropped.h"
#if !defined(DIVAK_WITHOUT_CURL)
#include "export/http.h"
#endif

#define MILLISECOND UINT64_C(1000000)

enum {
    REPLIES_AT_ONCE = 16,
    BUSY_FILL = 8 /* of 256: lanes that fill faster than that between two drains are drained every millisecond */
};

/* The pool is a value of the running thread: a given-up thread keeps the one it hangs in. */
typedef struct loop {
    divak_flusher *flusher;
    uint32_t number;
    bool is_over;
    bool is_given_up; /* everything is another thread's */
    bool is_closing; /* has seen that the tracer is being shut down */
    uint64_t nap;    /* nanoseconds between drains, by how busy lanes are */
} loop;

static uint64_t engine_losses(const divak_tracer *tracer) {
    uint64_t dropped[DIVAK_DROPPED_COUNT] = {0};
    divak_engine_dropped(tracer, dropped);
    uint64_t losses = 0;
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) {
        if (divak_dropped_is_loss(i)) losses += dropped[i];
    }
    return losses;
}

uint64_t divak_flusher_count_losses(divak_flusher *flusher) {
    /* The most of what each lost since the last count: by all their losses one that lost much long ago would hide what
     * another one loses now. */
    uint64_t most = 0;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        uint64_t losses = divak_reporter_losses(flusher->reporters[i]);
        if (losses - flusher->losses_seen[i] > most) most = losses - flusher->losses_seen[i];
        flusher->losses_seen[i] = losses;
    }
    uint64_t before = engine_losses(flusher->tracer) + divak_load_relaxed(&flusher->too_big);
    flusher->losses_counted += most + before - flusher->losses_before_reporters;
    flusher->losses_before_reporters = before;
    return flusher->losses_counted;
}

/* ---- lanes into the store ----------------------------------------------------------------------------------------- */

static divak_record *make_room(divak_flusher *flusher, uint32_t length) {
    if (length > flusher->store.capacity / 2) return NULL;
    divak_record *room;
    while ((room = divak_store_reserve(&flusher->store, length)) == NULL) {
        uint64_t forgotten;
        /* Reporters first, while the record can still be read. */
        divak_store_cursor cursor = flusher->store.oldest;
        if (divak_store_read(&flusher->store, &cursor) != NULL) {
            for (size_t i = 0; i < flusher->reporter_count; i++) {
                divak_reporter_forgotten(flusher->reporters[i], &flusher->store, cursor.position);
            }
        }
        if (!divak_store_forget(&flusher->store, &forgotten)) return NULL;
    }
    return room;
}

static bool take(void *context, divak_record *record) {
    divak_flusher *flusher = context;
    divak_tracer *tracer = flusher->tracer;
    divak_record_convert_times(tracer, record);
    const divak_record *kept = record;
    bool wanted = true;
    if (tracer->options.handler_count != 0) {
        wanted = divak_ended_span_handle(tracer->options.handlers, tracer->options.handler_count, &divak_keys, record,
                                         flusher->handled, DIVAK_RECORD_MAX);
        kept = (const divak_record *)(const void *)flusher->handled;
    }
    if (!wanted || (kept->flags & DIVAK_RECORD_SAMPLED) == 0) {
        divak_add_release(&flusher->filtered, 1); /* after it left its lane's count: never seen in both */
        return true;
    }
    divak_record *room = make_room(flusher, kept->length);
    if (room == NULL) {
        divak_add_release(&flusher->too_big, 1); /* as filtered */
        return true;
    }
    memcpy(room, kept, kept->length);
    divak_store_append(&flusher->store, kept->length);
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter_appended(flusher->reporters[i], flusher->delivery.now);
    }
    return true;
}

static void drain(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    uint32_t fill = divak_engine_fill(flusher->tracer);
    (void)divak_engine_drain(flusher->tracer, take, flusher);
    if (fill >= BUSY_FILL) {
        turn->nap = MILLISECOND;
    } else if (turn->nap < flusher->delivery.flush_interval) {
        turn->nap *= 2;
    }
    if (turn->nap > flusher->delivery.flush_interval) turn->nap = flusher->delivery.flush_interval;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static bool all_done(const divak_flusher *flusher, uint64_t position) {
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        if (!divak_reporter_is_done(flusher->reporters[i], position)) return false;
    }
    return true;
}

static void finish_flush(divak_flusher *flusher) {
    divak_mutex_lock(&flusher->mutex);
    flusher->flush_losses = divak_flusher_count_losses(flusher); /* each caller knows for itself what it has been told before */
    flusher->flush_done = flusher->flush_started;
    flusher->phase = DIVAK_REQUEST_IDLE;
    divak_condition_wake_all(&flusher->condition);
    divak_mutex_unlock(&flusher->mutex);
}

/* Moves a flush on as far as it goes now. */
static void serve_flush(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    /* Pairs with the release in divak_flusher_flush: what the caller recorded before is in its lane. */
    uint64_t asked = divak_load_acquire(&flusher->flush_asked);
    if (flusher->phase == DIVAK_REQUEST_IDLE) {
        if (asked == flusher->flush_started) return;
        flusher->flush_started = asked;
        flusher->phase = DIVAK_REQUEST_SETTLING;
    }
    if (flusher->phase == DIVAK_REQUEST_SETTLING) {
        if (!divak_slot_slab_is_settled(&flusher->tracer->slab)) return;
        drain(turn);
        flusher->target = flusher->store.end.position;
        flusher->phase = DIVAK_REQUEST_DELIVERING;
    }
}

static void serve_check(divak_flusher *flusher) {
    uint64_t asked = divak_load_acquire(&flusher->check_asked); /* see divak_flusher_check */
    if (flusher->check_started == asked && flusher->check_done == asked) return;
    if (flusher->check_started != asked) {
        flusher->check_started = asked;
        for (size_t i = 0; i < flusher->reporter_count; i++) {
            divak_reporter_probe(flusher->reporters[i], &flusher->delivery);
        }
    }
    int result = DIVAK_OK;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        if (flusher->reporters[i]->probe_result == DIVAK_ABSENT) return;
        if (flusher->reporters[i]->probe_result != DIVAK_OK) result = flusher->reporters[i]->probe_result;
    }
    divak_mutex_lock(&flusher->mutex);
    flusher->check_result = result;
    flusher->check_done = flusher->check_started;
    divak_condition_wake_all(&flusher->condition);
    divak_mutex_unlock(&flusher->mutex);
}

void divak_flusher_give_up(divak_flusher *flusher) {
    loop turn = {.flusher = flusher, .nap = MILLISECOND};
    flusher->delivery.now = divak_clock_monotonic_now();
    drain(&turn);
    divak_engine_give_up(flusher->tracer);
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter_give_up(flusher->reporters[i], &flusher->delivery, DIVAK_DROPPED_RETRY_EXPIRED);
    }
}

/* Ends the thread when the tracer is shut down and all is sent, or its time is up. */
static void serve_shutdown(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    /* Pairs with the release in divak_flusher_ask_shutdown: what was recorded before, and the deadline. */
    if (divak_load_acquire(&flusher->closing) == 0) return;
    if (!turn->is_closing) {
        /* The last chance for all: whoever backs off from a collector tries it once more at once. */
        turn->is_closing = true;
        for (size_t i = 0; i < flusher->reporter_count; i++) flusher->reporters[i]->not_before = 0;
    }
    bool is_late = flusher->delivery.now >= flusher->close_deadline;
    if (!is_late && !divak_slot_slab_is_settled(&flusher->tracer->slab)) return;
    drain(turn);
    if (!is_late && !all_done(flusher, flusher->store.end.position)) return;
    divak_engine_give_up(flusher->tracer);
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter_give_up(flusher->reporters[i], &flusher->delivery, DIVAK_DROPPED_RETRY_EXPIRED);
    }
    if (flusher->phase != DIVAK_REQUEST_IDLE) finish_flush(flusher);
    turn->is_over = true;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------- */

/* Relaxed: who serves a request looks for itself. After divak_engine_declare_sleep its barrier or fence brings what was
 * asked. */
static bool is_asked_something(const divak_flusher *flusher) {
    return divak_load_relaxed(&flusher->flush_asked) != flusher->flush_done ||
           divak_load_relaxed(&flusher->closing) != 0 ||
           divak_load_relaxed(&flusher->check_asked) != flusher->check_done;
}

static uint64_t time_to_wait(const loop *turn) {
    const divak_flusher *flusher = turn->flusher;
    uint64_t now = flusher->delivery.now;
    uint64_t wait = turn->nap;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        uint64_t next = divak_reporter_next_time(flusher->reporters[i], &flusher->delivery);
        if (next <= now) return 0;
        if (next - now < wait) wait = next - now;
    }
    if (is_asked_something(flusher)) {
        if (wait > MILLISECOND) wait = MILLISECOND;
        if (divak_load_acquire(&flusher->closing) != 0) { /* with the deadline, as in serve_shutdown */
            uint64_t left = flusher->close_deadline > now ? flusher->close_deadline - now : 0;
            if (left < wait) wait = left;
        }
    }
    return wait;
}

#if !defined(DIVAK_WITHOUT_CURL)
static divak_reporter *reporter_of(divak_flusher *flusher, const divak_message *message) {
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter *reporter = flusher->reporters[i];
        if (message >= reporter->messages && message <= reporter->messages + DIVAK_PROBE) return reporter;
    }
    return NULL;
}

static void wait_for_replies(loop *turn, uint64_t wait) {
    divak_flusher *flusher = turn->flusher;
    divak_http_reply replies[REPLIES_AT_ONCE];
    /* Nobody can wake us in there without a file descriptor, which a host may close and reuse: so short turns. */
    uint64_t longest = turn->nap <= 4 * MILLISECOND ? MILLISECOND : 5 * MILLISECOND;
    if (wait > longest) wait = longest;
    /* Read before the mark: behind it nothing of the flusher's is ours to look at. */
    struct divak_http_pool *pool = flusher->delivery.pool;
    uint32_t place = divak_flusher_place(turn->number, DIVAK_FLUSHER_IN_TRANSPORT);
    /* Release: with all that we did, for a supervisor that takes the mark in replace_stuck_thread. */
    divak_store_release(&flusher->place, place);
    int count = divak_http_pool_wait(pool, wait, replies, REPLIES_AT_ONCE);
    /* Who changes the mark decides: we, and go on; or a supervisor, and everything is another thread's. Relaxed: it has what
     * we did from the mark itself, and we look at nothing of its. */
    if (!divak_cas_relaxed(&flusher->place, &place, divak_flusher_place(turn->number, DIVAK_FLUSHER_WORKING))) {
        turn->is_over = turn->is_given_up = true;
        return;
    }
    flusher->delivery.now = divak_clock_monotonic_now();
    for (int i = 0; i < count; i++) {
        divak_reporter *reporter = reporter_of(flusher, replies[i].tag);
        if (reporter != NULL) divak_reporter_settle_reply(reporter, &flusher->delivery, &replies[i]);
    }
}
#endif

static void rest(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    uint64_t wait = time_to_wait(turn);
    if (wait == 0) return;
    uint64_t allowed = divak_engine_declare_sleep(flusher->tracer, wait);
    bool is_needed = divak_engine_fill(flusher->tracer) >= 128 ||
                     (flusher->phase == DIVAK_REQUEST_IDLE && is_asked_something(flusher) && wait > MILLISECOND);
    divak_engine_sleep(flusher->tracer, is_needed ? 0 : allowed);
}

static void pump(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    bool is_closing = divak_load_relaxed(&flusher->closing) != 0;
    flusher->delivery.is_hurried = flusher->phase == DIVAK_REQUEST_DELIVERING || is_closing;
    flusher->delivery.gives_up_refused = flusher->gives_up_refused && is_closing;
    uint64_t *lost = flusher->delivery.lost_before_store;
    memset(lost, 0, sizeof flusher->delivery.lost_before_store);
    divak_engine_dropped(flusher->tracer, lost);
    lost[DIVAK_DROPPED_TOO_BIG] += divak_load_relaxed(&flusher->too_big);
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_endpoint_supply_turn(flusher, flusher->reporters[i]);
        divak_reporter_pump(flusher->reporters[i], &flusher->delivery);
    }
}

#if !defined(DIVAK_WITHOUT_CURL)
/* A transport whose descriptors the program has closed is left as it is, with the numbers that are the program's now. */
static void replace_lost_transport(divak_flusher *flusher) {
    struct divak_http_pool *lost = flusher->delivery.pool;
    if (lost == NULL || divak_http_pool_in_flight(lost) != 0 || divak_http_pool_is_intact(lost)) return;
    char error[160];
    struct divak_http_target *targets[DIVAK_REPORTERS_MAX];
    for (size_t i = 0; i < flusher->reporter_count; i++) targets[i] = flusher->reporters[i]->target;
    flusher->delivery.pool = NULL;
    const bool has_another = divak_flusher_connect(flusher, error, sizeof error) == DIVAK_OK;
    if (has_another) divak_http_pool_abandon(lost);
    else flusher->delivery.pool = lost; /* until there is memory for another one */
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter *reporter = flusher->reporters[i];
        if (has_another) reporter->last_target = NULL;
        else reporter->target = targets[i];
        if (!has_another) reporter->not_before = flusher->delivery.now + 100 * MILLISECOND;
    }
}
#endif

static void take_turn(loop *turn) {
    divak_flusher *flusher = turn->flusher;
    flusher->delivery.now = divak_clock_monotonic_now();
    divak_store_relaxed(&flusher->heartbeat, flusher->delivery.now);
    if (flusher->delivery.now >= flusher->next_maintenance) {
        flusher->next_maintenance = flusher->delivery.now + 100 * MILLISECOND;
        divak_anchors_renew(flusher->tracer->anchors);
        divak_store_relaxed(&flusher->tracer->anchor, divak_load_relaxed(&flusher->tracer->anchors->current));
        divak_engine_maintain(flusher->tracer);
    }
    drain(turn);
    serve_flush(turn);
#if !defined(DIVAK_WITHOUT_CURL)
    replace_lost_transport(flusher);
#endif
    pump(turn);
    serve_check(flusher);
    unsigned in_flight = 0;
#if !defined(DIVAK_WITHOUT_CURL)
    if (flusher->delivery.pool != NULL) in_flight = divak_http_pool_in_flight(flusher->delivery.pool);
    if (in_flight != 0) wait_for_replies(turn, time_to_wait(turn));
    if (turn->is_over) return;
#endif
    if (flusher->phase == DIVAK_REQUEST_DELIVERING && all_done(flusher, flusher->target)) finish_flush(flusher);
    serve_shutdown(turn);
    if (!turn->is_over && in_flight == 0) rest(turn);
}

void *divak_flusher_run(void *context) {
    divak_flusher *flusher = context;
    loop turn = {
        .flusher = flusher,
        .number = divak_load_relaxed(&flusher->thread_number),
        .nap = MILLISECOND,
    };
    while (!turn.is_over) take_turn(&turn);
    if (turn.is_given_up) return NULL;
#if !defined(DIVAK_WITHOUT_CURL)
    if (flusher->delivery.pool != NULL) divak_http_pool_destroy(flusher->delivery.pool);
    flusher->delivery.pool = NULL;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        flusher->reporters[i]->target = flusher->reporters[i]->last_target = NULL;
    }
#endif
    divak_mutex_lock(&flusher->mutex);
    flusher->is_closed = true;
    divak_condition_wake_all(&flusher->condition);
    divak_mutex_unlock(&flusher->mutex);
    return NULL;
}
