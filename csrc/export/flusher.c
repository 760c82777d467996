/* SPDX-License-Identifier: Apache-2.0 */
/* flusher.c - the flusher as others see it: starting it, asking it, giving it up, and its counts. */
#include "export/flusher.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "export/flusher_state.h"
#include "export/memory_reporter.h"
#if !defined(DIVAK_WITHOUT_CURL)
#include "export/http.h"
#endif

#define MILLISECOND UINT64_C(1000000)
enum { STACK_BYTES = 256 * 1024 }; /* libcurl with TLS takes about 60 KiB at its deepest */

divak_flusher *divak_flushers[DIVAK_TRACERS_MAX];

static divak_flusher *flusher_of(const divak_tracer *tracer) {
    return divak_flushers[tracer->index];
}

static char *copy_text(const char *text) {
    if (text == NULL) return NULL;
    size_t size = strlen(text) + 1;
    char *copy = divak_memory_allocate(size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

/* ---- preparing ----------------------------------------------------------------------------------------------------- */

static void forget_options(divak_flusher *flusher) {
    for (size_t i = 0; i < flusher->header_count; i++) divak_memory_release(flusher->headers[i]);
    divak_memory_release(flusher->headers);
    divak_memory_release(flusher->ca_file);
    divak_http_environment_deinit(&flusher->environment);
    flusher->headers = NULL;
    flusher->header_count = 0;
    flusher->ca_file = NULL;
    for (size_t i = 0; i < DIVAK_REPORTERS_MAX; i++) {
        divak_reporter *reporter = flusher->reporters[i];
        if (reporter == NULL) continue;
        divak_memory_release(reporter->spec.endpoint);
        divak_memory_release(reporter->spec.endpoint_display);
        reporter->spec = (divak_reporter_spec){0};
    }
    flusher->reporter_count = 0;
    if (flusher->is_prepared) divak_encode_context_deinit(&flusher->encoder);
    flusher->is_prepared = false;
}

static int copy_options(divak_flusher *flusher, const divak_flusher_options *options) {
    if (options->header_count != 0) {
        flusher->headers = divak_memory_allocate_zeroed(options->header_count, sizeof *flusher->headers);
        if (flusher->headers == NULL) return DIVAK_ERROR_MEMORY;
        flusher->header_count = options->header_count;
        for (size_t i = 0; i < options->header_count; i++) {
            flusher->headers[i] = copy_text(options->headers[i]);
            if (flusher->headers[i] == NULL) return DIVAK_ERROR_MEMORY;
        }
    }
    flusher->ca_file = copy_text(options->ca_file);
    if (options->ca_file != NULL && flusher->ca_file == NULL) return DIVAK_ERROR_MEMORY;
    if (divak_http_environment_read(&flusher->environment) != DIVAK_OK) return DIVAK_ERROR_MEMORY;
    flusher->is_gzip = options->is_gzip;
    flusher->allows_metadata = options->allows_metadata;
    flusher->gives_up_refused = options->gives_up_refused;
    flusher->connections = options->connections;
    flusher->timeout = options->timeout;
    flusher->close_timeout = options->close_timeout;
    flusher->endpoint_interval = options->endpoint_interval;
    return DIVAK_OK;
}

static int prepare_reporter(divak_flusher *flusher, size_t index, const divak_flusher_options *options) {
    if (flusher->reporters[index] == NULL) {
        flusher->reporters[index] = divak_memory_allocate_zeroed(1, sizeof *flusher->reporters[index]);
        if (flusher->reporters[index] == NULL) return DIVAK_ERROR_MEMORY;
    }
    divak_reporter *reporter = flusher->reporters[index];
    divak_reporter_reset_after_fork(reporter);
    const divak_reporter_spec *spec = &options->reporters[index];
    reporter->spec = *spec;
    reporter->spec.endpoint = copy_text(spec->endpoint);
    reporter->spec.endpoint_display = copy_text(spec->endpoint_display);
    bool is_network = spec->kind == DIVAK_REPORTER_ZIPKIN;
    if (is_network && (reporter->spec.endpoint == NULL || reporter->spec.endpoint_display == NULL)) {
        return DIVAK_ERROR_MEMORY;
    }
    (void)snprintf(reporter->display, sizeof reporter->display, "%s",
                   is_network ? reporter->spec.endpoint_display : "reporter");
    reporter->is_json = !options->is_proto3 || spec->kind == DIVAK_REPORTER_MEMORY || spec->kind == DIVAK_REPORTER_CONSOLE;
    uint64_t limit = options->message_bytes;
    if (limit > options->memory_for_messages) limit = options->memory_for_messages;
    reporter->message_bytes = limit;
    reporter->accepted_bytes = UINT64_MAX;
    reporter->delivered_bytes = 0;
    uint64_t count = options->memory_for_messages / limit;
    unsigned most = is_network ? options->connections : 1;
    reporter->message_limit = count < 1 ? 1 : count < most ? (unsigned)count : most;
    if (reporter->message_limit > DIVAK_MESSAGES_MAX) reporter->message_limit = DIVAK_MESSAGES_MAX;
    return DIVAK_OK;
}

#if !defined(DIVAK_WITHOUT_CURL)
int divak_flusher_make_target(const divak_flusher *flusher, const divak_reporter *reporter, const char *url,
                              const char *display, struct divak_http_pool *pool, struct divak_http_target **out_target,
                              char *error, size_t error_capacity) {
    divak_http_options options = {
        .url = url,
        .display = display,
        .content_type = reporter->is_json ? "application/json" : "application/x-protobuf",
        .headers = (const char *const *)flusher->headers,
        .header_count = flusher->header_count,
        .ca_file = flusher->ca_file,
        .environment = &flusher->environment,
        .timeout = flusher->timeout,
        .connect_timeout = flusher->timeout,
        .max_in_flight = flusher->connections,
        .gzip = flusher->is_gzip,
        .allow_metadata_addresses = flusher->allows_metadata,
    };
    return divak_http_target_create(pool, &options, out_target, error, error_capacity);
}
#endif

int divak_flusher_connect(divak_flusher *flusher, char *error, size_t error_capacity) {
    bool needs_pool = false;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        needs_pool |= flusher->reporters[i]->spec.kind == DIVAK_REPORTER_ZIPKIN;
    }
    if (!needs_pool || flusher->delivery.pool != NULL) return DIVAK_OK;
#if defined(DIVAK_WITHOUT_CURL)
    (void)snprintf(error, error_capacity, "this build has no HTTP transport");
    return DIVAK_ERROR_UNSUPPORTED;
#else
    struct divak_http_pool *pool = NULL;
    int status = divak_http_pool_create(&pool);
    if (status != DIVAK_OK) {
        const char *why = divak_http_unsupported_text();
        (void)snprintf(error, error_capacity, "%s", why != NULL ? why : "no memory for the transport");
        return status;
    }
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter *reporter = flusher->reporters[i];
        if (reporter->spec.kind != DIVAK_REPORTER_ZIPKIN) continue;
        status = divak_flusher_make_target(flusher, reporter, reporter->spec.endpoint, reporter->spec.endpoint_display,
                                           pool, &reporter->target, error, error_capacity);
        if (status == DIVAK_OK) continue;
        divak_http_pool_destroy(pool);
        for (size_t j = 0; j < flusher->reporter_count; j++) flusher->reporters[j]->target = NULL;
        return status;
    }
    flusher->delivery.pool = pool;
    return DIVAK_OK;
#endif
}

static int start_thread(divak_flusher *flusher) {
    divak_store_relaxed(&flusher->heartbeat, divak_clock_monotonic_now());
    /* Relaxed: the thread's beginning orders both, and whoever replaces it comes after us under the lock. */
    uint32_t number = divak_add_relaxed(&flusher->thread_number, 1) + 1;
    divak_store_relaxed(&flusher->place, divak_flusher_place(number, DIVAK_FLUSHER_WORKING));
    flusher->is_closed = false;
    if (divak_system.start_thread(divak_flusher_run, flusher, "divak-flusher", STACK_BYTES) == 0) return DIVAK_OK;
    flusher->is_closed = true;
    return DIVAK_ERROR_SYSTEM;
}

static void reset_requests(divak_flusher *flusher) {
    divak_store_relaxed(&flusher->flush_asked, 0);
    divak_store_relaxed(&flusher->check_asked, 0);
    divak_store_relaxed(&flusher->closing, 0);
    divak_store_relaxed(&flusher->filtered, 0);
    divak_store_relaxed(&flusher->too_big, 0);
    flusher->flush_started = flusher->flush_done = flusher->check_started = flusher->check_done = 0;
    flusher->phase = DIVAK_REQUEST_IDLE;
    flusher->losses_counted = flusher->losses_told = flusher->losses_before_reporters = flusher->flush_losses = 0;
    memset(flusher->losses_seen, 0, sizeof flusher->losses_seen);
    flusher->next_maintenance = 0;
    /* A closed tracer's thread is wanted no more, also in the child of a fork. */
    divak_store_relaxed(&flusher->needs_thread, 0);
}

int divak_flusher_start(divak_tracer *tracer, const divak_flusher_options *options, char *error,
                        size_t error_capacity) {
    divak_flusher *flusher = flusher_of(tracer);
    if (flusher == NULL) {
        flusher = divak_memory_allocate_zeroed(1, sizeof *flusher);
        if (flusher == NULL) return DIVAK_ERROR_MEMORY;
        divak_mutex_init(&flusher->mutex);
        divak_condition_init(&flusher->condition);
        flusher->is_closed = true;
        flusher->tracer = tracer;
        divak_flushers[tracer->index] = flusher;
    }
    forget_options(flusher);
    reset_requests(flusher);
    divak_store_relaxed(&flusher->restarts, 0);
    int status = copy_options(flusher, options);
    if (status == DIVAK_OK && options->reporter_count > DIVAK_REPORTERS_MAX) {
        (void)snprintf(error, error_capacity, "%zu reporters: at most %d are accepted", options->reporter_count,
                       DIVAK_REPORTERS_MAX);
        status = DIVAK_ERROR_INVALID;
    }
    for (size_t i = 0; status == DIVAK_OK && i < options->reporter_count; i++) {
        status = prepare_reporter(flusher, i, options);
        flusher->reporter_count = i + 1;
    }
    if (status == DIVAK_OK && tracer->options.handler_count != 0 && flusher->handled == NULL) {
        flusher->handled = divak_memory_allocate(DIVAK_RECORD_MAX);
        if (flusher->handled == NULL) status = DIVAK_ERROR_MEMORY;
    }
    if (status == DIVAK_OK) status = divak_encode_context_init(&flusher->encoder, &options->encode);
    if (status != DIVAK_OK) {
        forget_options(flusher);
        return status;
    }
    flusher->is_prepared = true;
    divak_store_init(&flusher->store, tracer->store_bytes, tracer->store_capacity);
    flusher->delivery = (divak_delivery){
        .store = &flusher->store,
        .encoder = &flusher->encoder,
        .now = divak_clock_monotonic_now(),
        .flush_interval = options->flush_interval,
        .logs = options->logs,
        .mutex = &flusher->mutex,
        .random = divak_clock_ticks() ^ (uint64_t)(uintptr_t)flusher,
    };
    status = divak_flusher_connect(flusher, error, error_capacity);
    if (status == DIVAK_OK) {
        status = start_thread(flusher);
        if (status != DIVAK_OK) (void)snprintf(error, error_capacity, "no thread could be started");
    }
#if !defined(DIVAK_WITHOUT_CURL)
    if (status != DIVAK_OK && flusher->delivery.pool != NULL) divak_http_pool_destroy(flusher->delivery.pool);
    if (status != DIVAK_OK) flusher->delivery.pool = NULL;
#endif
    if (status != DIVAK_OK) forget_options(flusher);
    return status;
}

/* ---- supervision --------------------------------------------------------------------------------------------------- */

/* Gives up a thread that hangs in the transport, and starts another. Under the mutex. */
static void replace_stuck_thread(divak_flusher *flusher) {
    uint64_t now = divak_clock_monotonic_now();
    uint64_t heartbeat = divak_load_relaxed(&flusher->heartbeat);
    if (flusher->is_closed || now < heartbeat + flusher->timeout + 1000 * MILLISECOND) return;
    uint32_t number = divak_load_relaxed(&flusher->thread_number);
    uint32_t place = divak_flusher_place(number, DIVAK_FLUSHER_IN_TRANSPORT);
    /* The other end of the exchange in wait_for_replies: only one of both wins. Acquire: all that the thread did. It gets
     * nothing from us, since it looks at nothing any more. */
    if (!divak_cas_acquire(&flusher->place, &place, divak_flusher_place(number, DIVAK_FLUSHER_GIVEN_UP))) return;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        if (flusher->reporters[i]->target != NULL) divak_reporter_leave_bodies(flusher->reporters[i]);
        divak_reporter_give_up_in_flight(flusher->reporters[i], DIVAK_DROPPED_FLUSHER_STUCK);
        flusher->reporters[i]->target = flusher->reporters[i]->last_target = NULL;
    }
#if !defined(DIVAK_WITHOUT_CURL)
    if (flusher->delivery.pool != NULL) divak_http_pool_abandon(flusher->delivery.pool);
    flusher->delivery.pool = NULL;
#endif
    char error[160];
    divak_add_relaxed(&flusher->restarts, 1);
    flusher->is_closed = true;
    /* Without a transport a thread could only drop: better to try again with the next request. */
    if (divak_flusher_connect(flusher, error, sizeof error) != DIVAK_OK || start_thread(flusher) != DIVAK_OK) {
        divak_store_relaxed(&flusher->needs_thread, 1);
    }
}

/* Starts the thread that could not be started so far; nothing where none is wanted. Under the mutex. */
static void start_wanted_thread(divak_flusher *flusher) {
    char error[160];
    if (divak_load_relaxed(&flusher->needs_thread) == 0 || divak_load_relaxed(&flusher->closing) != 0) return;
    if (divak_flusher_connect(flusher, error, sizeof error) == DIVAK_OK && start_thread(flusher) == DIVAK_OK) {
        divak_store_relaxed(&flusher->needs_thread, 0);
    }
}

void divak_flusher_ensure_thread(divak_tracer *tracer) {
    divak_flusher *flusher = flusher_of(tracer);
    /* Relaxed, as all stores of it: looked at again under the lock. */
    if (flusher == NULL || !flusher->is_prepared || divak_load_relaxed(&flusher->needs_thread) == 0) return;
    divak_mutex_lock(&flusher->mutex);
    if (divak_load_relaxed(&tracer->mode) != DIVAK_TRACER_CLOSED) start_wanted_thread(flusher);
    divak_mutex_unlock(&flusher->mutex);
}

void divak_flusher_reset_after_fork(divak_tracer *tracer) {
    divak_flusher *flusher = flusher_of(tracer);
    if (flusher == NULL || !flusher->is_prepared) return;
    divak_thread_reset_after_fork(&flusher->mutex, &flusher->condition);
    reset_requests(flusher);
    divak_store_relaxed(&flusher->restarts, 0);
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        divak_reporter *reporter = flusher->reporters[i];
        divak_reporter_reset_after_fork(reporter);
        /* Of a closed tracer it may have been destroyed. */
        if (reporter->spec.kind == DIVAK_REPORTER_MEMORY && divak_load_relaxed(&tracer->mode) != DIVAK_TRACER_CLOSED) {
            divak_memory_reporter_reset_after_fork(reporter->spec.memory);
        }
    }
    divak_store_init(&flusher->store, tracer->store_bytes, tracer->store_capacity);
    flusher->delivery.pool = NULL; /* the parent's: not to be touched, not even to free it */
    flusher->next_maintenance = 0; /* the parent may have been about to measure the clock */
    flusher->delivery.random ^= divak_clock_ticks();
    flusher->is_closed = true;
    divak_store_relaxed(&flusher->needs_thread, 1);
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static uint64_t deadline_after(uint64_t nanoseconds) {
    uint64_t now = divak_clock_monotonic_now();
    return nanoseconds > UINT64_MAX / 2 - now ? UINT64_MAX / 2 : now + nanoseconds;
}

/* Waits for `done` to hold, looking after the thread now and then. Under the mutex. */
static bool wait_until(divak_flusher *flusher, bool (*done)(const divak_flusher *, uint64_t), uint64_t ticket,
                       uint64_t deadline) {
    while (!done(flusher, ticket)) {
        uint64_t now = divak_clock_monotonic_now();
        if (now >= deadline) return false;
        uint64_t look = now + 500 * MILLISECOND;
        (void)divak_condition_wait_until(&flusher->condition, &flusher->mutex, look < deadline ? look : deadline);
        replace_stuck_thread(flusher);
        start_wanted_thread(flusher);
    }
    return true;
}

/* Whether there is no thread and will be none: where one only could not be started, it is tried again. */
static bool is_over(const divak_flusher *flusher) {
    return flusher->is_closed &&
           (divak_load_relaxed(&flusher->needs_thread) == 0 || divak_load_relaxed(&flusher->closing) != 0);
}

static bool flush_is_done(const divak_flusher *flusher, uint64_t ticket) {
    return flusher->flush_done >= ticket || is_over(flusher);
}

static bool is_closed(const divak_flusher *flusher, uint64_t ticket) {
    (void)ticket;
    return flusher->is_closed;
}

static bool check_is_done(const divak_flusher *flusher, uint64_t ticket) {
    return flusher->check_done >= ticket || is_over(flusher);
}

int divak_flusher_flush(divak_tracer *tracer, uint64_t nanoseconds, uint64_t *out_lost) {
    divak_flusher *flusher = flusher_of(tracer);
    uint64_t deadline = deadline_after(nanoseconds);
    divak_mutex_lock(&flusher->mutex);
    /* Of two that wait at once, both hear of what was lost before them. */
    uint64_t told = flusher->losses_told;
    /* Release: what this thread recorded comes before the request; pairs with the acquire in serve_flush. */
    uint64_t ticket = divak_add_release(&flusher->flush_asked, 1) + 1;
    /* The request before the look whether the thread sleeps; pairs with the fence in divak_engine_declare_sleep where it
     * does without the barrier for all processors. */
    divak_fence_sequential();
    divak_engine_wake(tracer);
    int status = DIVAK_ERROR_TIMEOUT;
    if (wait_until(flusher, flush_is_done, ticket, deadline)) {
        status = DIVAK_ERROR_ENDED;
        if (flusher->flush_done >= ticket) {
            uint64_t lost = flusher->flush_losses - told;
            status = lost == 0 ? DIVAK_OK : DIVAK_ERROR_LOST;
            if (out_lost != NULL) *out_lost = lost;
            flusher->losses_told = flusher->flush_losses;
        }
    }
    divak_mutex_unlock(&flusher->mutex);
    return status;
}

uint64_t divak_flusher_ask_shutdown(divak_tracer *tracer, uint64_t nanoseconds) {
    divak_flusher *flusher = flusher_of(tracer);
    uint64_t deadline = deadline_after(nanoseconds);
    /* New ends see the tracer closed, or are seen between end and lane by divak_slot_slab_is_settled. Where it is missing no
     * fence of ours makes up for it, since an end has none: one that comes at this moment may stay pending. */
    (void)divak_system.barrier_everywhere();
    divak_mutex_lock(&flusher->mutex);
    flusher->close_deadline = deadline;
    /* Release: the deadline, and what was recorded before; pairs with the acquires in serve_shutdown and time_to_wait. */
    divak_store_release(&flusher->closing, 1);
    divak_fence_sequential(); /* as in divak_flusher_flush */
    divak_engine_wake(tracer);
    if (flusher->is_closed) divak_flusher_give_up(flusher); /* no thread could be started */
    divak_mutex_unlock(&flusher->mutex);
    return deadline;
}

int divak_flusher_await_shutdown(divak_tracer *tracer, uint64_t deadline, uint64_t *out_lost) {
    divak_flusher *flusher = flusher_of(tracer);
    divak_mutex_lock(&flusher->mutex);
    /* The thread ends by itself at the deadline; a little later at most, and not waited for when it hangs. */
    bool closed = wait_until(flusher, is_closed, 0, deadline + 20 * MILLISECOND);
    if (closed && divak_load_relaxed(&flusher->needs_thread) != 0) divak_flusher_give_up(flusher); /* nor another one */
    uint64_t losses = divak_flusher_count_losses(flusher) - flusher->losses_told;
    uint64_t expired = 0;
    for (size_t i = 0; i < flusher->reporter_count; i++) {
        expired += divak_load_relaxed(&flusher->reporters[i]->counters.dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
    }
    divak_mutex_unlock(&flusher->mutex);
    if (out_lost != NULL) *out_lost = losses;
    if (!closed || expired != 0) return DIVAK_ERROR_TIMEOUT;
    return losses == 0 ? DIVAK_OK : DIVAK_ERROR_LOST;
}

int divak_flusher_shutdown(divak_tracer *tracer, uint64_t nanoseconds, uint64_t *out_lost) {
    return divak_flusher_await_shutdown(tracer, divak_flusher_ask_shutdown(tracer, nanoseconds), out_lost);
}

int divak_flusher_check(divak_tracer *tracer, uint64_t nanoseconds) {
    divak_flusher *flusher = flusher_of(tracer);
    uint64_t deadline = deadline_after(nanoseconds);
    divak_mutex_lock(&flusher->mutex);
    /* Release: a reporter of the program's own is asked next, and sees what the caller did before; pairs with the acquires
     * in serve_check and endpoint_supply.c. */
    uint64_t ticket = divak_add_release(&flusher->check_asked, 1) + 1;
    divak_fence_sequential(); /* as in divak_flusher_flush */
    divak_engine_wake(tracer);
    int status = DIVAK_ERROR_TIMEOUT;
    if (wait_until(flusher, check_is_done, ticket, deadline)) {
        status = flusher->check_done >= ticket ? flusher->check_result : DIVAK_ERROR_ENDED;
    }
    divak_mutex_unlock(&flusher->mutex);
    return status;
}

bool divak_flusher_is_over(const divak_tracer *tracer) {
    divak_flusher *flusher = flusher_of(tracer);
    if (flusher == NULL) return true;
    divak_mutex_lock(&flusher->mutex);
    bool is_over = flusher->is_closed;
    divak_mutex_unlock(&flusher->mutex);
    return is_over;
}

uint64_t divak_flusher_close_timeout(const divak_tracer *tracer) {
    const divak_flusher *flusher = flusher_of(tracer);
    return flusher == NULL ? 0 : flusher->close_timeout;
}

int divak_flusher_failure(const divak_tracer *tracer, size_t index, char *out, size_t capacity) {
    divak_flusher *flusher = flusher_of(tracer);
    if (flusher == NULL || index >= flusher->reporter_count) return DIVAK_ERROR_INVALID;
    divak_mutex_lock(&flusher->mutex);
    const divak_reporter *reporter = flusher->reporters[index];
    (void)snprintf(out, capacity, "%s", reporter->failure[0] != '\0' ? reporter->failure : reporter->supply_failure);
    divak_mutex_unlock(&flusher->mutex);
    return out[0] == '\0' ? DIVAK_ABSENT : DIVAK_OK;
}

/* ---- counts -------------------------------------------------------------------------------------------------------- */

bool divak_flusher_stats(const divak_tracer *tracer, size_t index, divak_stats *out_stats) {
    const divak_flusher *flusher = flusher_of(tracer);
    if (flusher == NULL || index >= flusher->reporter_count) return false;
    const divak_reporter_counters *counters = &flusher->reporters[index]->counters;
    /* Downstream first, each with acquire: whoever is counted here has left what is read after. */
    out_stats->delivered = divak_load_acquire(&counters->delivered);
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) out_stats->dropped[i] = divak_load_acquire(&counters->dropped[i]);
    out_stats->pending = divak_load_acquire(&counters->pending);
    out_stats->dropped[DIVAK_DROPPED_FILTERED] += divak_load_acquire(&flusher->filtered);
    out_stats->dropped[DIVAK_DROPPED_TOO_BIG] += divak_load_acquire(&flusher->too_big);
    out_stats->maybe_duplicate = divak_load_relaxed(&counters->maybe_duplicate);
    out_stats->synthetic = divak_load_relaxed(&counters->synthetic);
    out_stats->messages = divak_load_relaxed(&counters->messages);
    out_stats->message_bytes = divak_load_relaxed(&counters->message_bytes);
    out_stats->message_failures = divak_load_relaxed(&counters->message_failures);
    out_stats->bad_endpoints = divak_load_relaxed(&counters->bad_endpoints);
    out_stats->flusher_restarts = divak_load_relaxed(&flusher->restarts);
    out_stats->sanitized = divak_load_relaxed(&counters->sanitized);
    return true;
}
