/* SPDX-License-Identifier: Apache-2.0 */
/* tracer.c - makes a tracer of settings, engine, headers and flusher, and takes it through fork and exit. */
#include "divak/tracer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/config.h"
#include "api/other_copies.h"
#include "api/own_formats.h"
#include "api/process_parent.h"
#include "api/propagation.h"
#include "api/settings.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "collect/current.h"
#include "collect/engine.h"
#include "export/flusher.h"

#define MILLISECOND UINT64_C(1000000)

/* Locks making tracers and registering keys and formats; nothing else. */
static divak_mutex lock = DIVAK_MUTEX_INITIALIZER;
static divak_condition lock_condition; /* a lock is reset together with one */
static divak_propagation propagations[DIVAK_TRACERS_MAX];
static divak_sampler *owned_samplers[DIVAK_TRACERS_MAX], *last_samplers[DIVAK_TRACERS_MAX];

/* ---- process ------------------------------------------------------------------------------------------------------- */

static void process_forked(bool is_forker) {
    divak_thread_reset_after_fork(&lock, &lock_condition);
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        divak_tracer *tracer = &divak_tracers[i];
        uint32_t mode = divak_load_relaxed(&tracer->mode);
        if (mode == DIVAK_TRACER_NONE) continue;
        divak_engine_reset_after_fork(tracer, is_forker);
        divak_flusher_reset_after_fork(tracer);
        tracer->process_parent.baggage = 0; /* the table is emptied; the ids still hold */
        /* Whoever was shutting it down is not in this process. */
        if (mode == DIVAK_TRACER_CLOSING) divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSED);
    }
}

static void start_flushers_after_fork(void) {
    if (!divak_process_check_fork()) return;
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        uint32_t mode = divak_load_relaxed(&divak_tracers[i].mode);
        if (mode == DIVAK_TRACER_ON || mode == DIVAK_TRACER_DISABLED) divak_flusher_ensure_thread(&divak_tracers[i]);
    }
}

static void thread_ended(divak_thread *thread) {
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) divak_engine_thread_ended(&divak_tracers[i], thread);
}

/* Whether a call that may block goes on to the flusher. */
static bool is_open(divak_tracer *tracer) {
    if (!divak_is_tracer(tracer) || !divak_process_check_fork()) return false;
    uint32_t mode = divak_load_acquire(&tracer->mode);
    if (mode != DIVAK_TRACER_ON && mode != DIVAK_TRACER_DISABLED) return false;
    divak_flusher_ensure_thread(tracer);
    return true;
}

/* One of several callers shuts down; false for the others. */
static bool begin_closing(divak_tracer *tracer) {
    divak_mutex_lock(&lock);
    uint32_t mode = divak_load_relaxed(&tracer->mode);
    bool is_first = mode == DIVAK_TRACER_ON || mode == DIVAK_TRACER_DISABLED;
    if (is_first) divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    divak_mutex_unlock(&lock);
    return is_first;
}

/* All are asked before one is waited for: exit takes as long as the slowest, not as all together. */
static void at_exit(void) {
    bool is_asked[DIVAK_TRACERS_MAX] = {false};
    uint64_t deadlines[DIVAK_TRACERS_MAX];
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        divak_tracer *tracer = &divak_tracers[i];
        is_asked[i] = is_open(tracer) && begin_closing(tracer);
        if (is_asked[i]) deadlines[i] = divak_flusher_ask_shutdown(tracer, divak_flusher_close_timeout(tracer));
    }
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        if (!is_asked[i]) continue;
        (void)divak_flusher_await_shutdown(&divak_tracers[i], deadlines[i], NULL);
        divak_engine_set_mode(&divak_tracers[i], DIVAK_TRACER_CLOSED);
    }
}

static int init_process(void) {
    static bool is_hooked;
    if (is_hooked) return DIVAK_OK;
    divak_clock_init();
    divak_process_forked = process_forked;
    divak_process_thread_ended = thread_ended;
    divak_process_open_gates = divak_engine_open_gates;
    int status = divak_process_init();
    if (status != DIVAK_OK) return status;
    is_hooked = true;
    divak_other_copies_init();
    (void)divak_thread_at_fork(NULL, NULL, start_flushers_after_fork);
    return DIVAK_OK;
}

/* After libcurl's own initialisation, so that it runs before libcurl's and the TLS library's exit hooks. */
static void hook_exit(void) {
    static bool is_hooked;
    if (!is_hooked) is_hooked = atexit(at_exit) == 0;
}

/* ---- making -------------------------------------------------------------------------------------------------------- */

static uint64_t random_for_requests(void *context) {
    (void)context;
    divak_thread *thread = divak_thread_enter();
    return thread == NULL ? divak_clock_ticks() : divak_thread_random(thread, divak_clock_ticks());
}

static void fill_engine_options(const divak_settings *settings, divak_sampler *sampler, divak_engine_options *out) {
    *out = (divak_engine_options){
        .ring_bytes = settings->ring_bytes,
        .buffer_bytes = settings->buffer_bytes - settings->buffer_bytes / 8, /* the rest is for messages */
        .span_bytes = settings->span_bytes,
        .name_bytes = settings->name_bytes,
        .key_bytes = settings->key_bytes,
        .value_bytes = settings->value_bytes,
        .tags_max = settings->tags_max,
        .annotations_max = settings->annotations_max,
        .joins = settings->join,
        .trace_id_is_64_bit = settings->trace_id_is_64_bit,
        .trace_id_has_time = settings->trace_id_time,
        .resamples = settings->resample,
        .decides_late = settings->late_decision,
        .sampler = sampler,
        .make_id = settings->make_id,
        .make_id_context = settings->make_id_context,
        .read_clock = settings->read_clock,
        .read_clock_context = settings->read_clock_context,
        .handler_count = settings->handler_count,
    };
    memcpy(out->handlers, settings->handlers, settings->handler_count * sizeof *settings->handlers);
}

static int start_flusher(divak_tracer *tracer, const divak_settings *settings, char *error, size_t error_capacity) {
    divak_default_tag *tags = divak_memory_allocate_zeroed(settings->tag_count + 1, sizeof *tags);
    if (tags == NULL) return DIVAK_ERROR_MEMORY;
    for (size_t i = 0; i < settings->tag_count; i++) {
        const divak_setting_tag *tag = &settings->tags[i];
        tags[i] = (divak_default_tag){tag->key, tag->key_length, tag->value, tag->value_length};
    }
    divak_flusher_options options = {
        .encode = {.keys = &divak_keys,
                   .service = settings->service_name,
                   .service_length = strlen(settings->service_name),
                   .address = settings->local_address,
                   .tags = tags,
                   .tag_count = settings->tag_count},
        .is_proto3 = settings->encoding == DIVAK_ENCODING_PROTO3,
        .is_gzip = settings->compression == DIVAK_COMPRESSION_GZIP,
        .allows_metadata = settings->allow_metadata,
        .gives_up_refused = settings->give_up_refused,
        .logs = settings->log != DIVAK_LOG_OFF,
        .message_bytes = settings->batch_bytes,
        .flush_interval = settings->flush_interval,
        .timeout = settings->timeout,
        .close_timeout = settings->close_timeout,
        .endpoint_interval = settings->endpoint_interval,
        .connections = settings->connections,
        .headers = (const char *const *)settings->headers,
        .header_count = settings->header_count,
        .ca_file = settings->ca_file,
        .reporters = settings->reporters,
        .reporter_count = settings->reporter_count,
        .memory_for_messages = settings->buffer_bytes / 8,
    };
    int status = divak_flusher_start(tracer, &options, error, error_capacity);
    divak_memory_release(tags);
    return status;
}

/* A place for one more: an unused one first, else one whose tracer is closed and laid out alike. */
static divak_tracer *prepare_engine(const divak_engine_options *options, int *out_status) {
    *out_status = DIVAK_ERROR_FULL;
    for (int pass = 0; pass < 2; pass++) {
        for (uint16_t i = DIVAK_TRACERS_FIRST; i < DIVAK_TRACERS_MAX; i++) {
            divak_tracer *tracer = &divak_tracers[i];
            uint32_t mode = divak_load_acquire(&tracer->mode);
            /* Closed ones first: their memory is there already. */
            if (mode != (pass == 0 ? DIVAK_TRACER_CLOSED : DIVAK_TRACER_NONE)) continue;
            /* It hangs in somebody's transport. (An unused one does not know its number yet.) */
            if (mode == DIVAK_TRACER_CLOSED && !divak_flusher_is_over(tracer)) continue;
            *out_status = divak_engine_prepare(tracer, i, options);
            if (*out_status == DIVAK_OK) return tracer;
            if (*out_status != DIVAK_ERROR_FULL) return NULL;
        }
    }
    return NULL;
}

static int create(const divak_settings *settings, divak_tracer **out_tracer, char *error, size_t error_capacity) {
    int status = init_process();
    if (status != DIVAK_OK) return status;
    divak_sampler *sampler = NULL;
    bool sampler_is_owned = false;
    status = divak_settings_sampler(settings, &sampler, &sampler_is_owned);
    if (status != DIVAK_OK) return status;
    divak_engine_options options;
    fill_engine_options(settings, sampler, &options);
    divak_tracer *tracer = prepare_engine(&options, &status);
    if (tracer == NULL) {
        if (sampler_is_owned) divak_sampler_destroy(sampler);
        if (status == DIVAK_ERROR_FULL) {
            (void)snprintf(error, error_capacity, "%d tracers exist, there is no room for more",
                           DIVAK_TRACERS_MAX - DIVAK_TRACERS_FIRST);
        } else {
            (void)snprintf(error, error_capacity, "no memory for a tracer of %llu bytes",
                           (unsigned long long)settings->buffer_bytes);
        }
        return status;
    }
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSED); /* until it is whole */
    /* A late call may still ask the sampler of the tracer that was here before: it is freed one tracer later. */
    divak_sampler_destroy(last_samplers[tracer->index]);
    last_samplers[tracer->index] = owned_samplers[tracer->index];
    owned_samplers[tracer->index] = sampler_is_owned ? sampler : NULL;
    divak_propagation *propagation = &propagations[tracer->index];
    status = divak_settings_propagation(settings, propagation);
    propagation->table = &tracer->baggage;
    propagation->random = random_for_requests;
    propagation->tracer = tracer->index;
    if (status == DIVAK_OK) status = start_flusher(tracer, settings, error, error_capacity);
    if (status != DIVAK_OK) {
        /* What the program has for a tracer that does not exist may be gone at once. */
        tracer->options.sampler = NULL;
        tracer->sampler_overrides = false;
        tracer->options.make_id = NULL;
        tracer->options.read_clock = NULL;
        return status;
    }
    divak_process_parent_extract(&settings->process_parent, propagation, &tracer->process_parent);
    hook_exit();
    divak_engine_set_mode(tracer, settings->enabled ? DIVAK_TRACER_ON : DIVAK_TRACER_DISABLED);
    *out_tracer = tracer;
    return DIVAK_OK;
}

int divak_tracer_create(divak_config *config, divak_tracer **out_tracer) {
    if (out_tracer == NULL) return DIVAK_ERROR_INVALID;
    *out_tracer = NULL;
    divak_config *own = NULL;
    if (config == NULL) {
        own = divak_config_create();
        if (own == NULL) return DIVAK_ERROR_MEMORY;
        config = own;
    }
    divak_settings settings;
    int status = divak_config_resolve(config, &settings);
    char error[256] = "";
    bool logs = divak_config_log_level(config) != DIVAK_LOG_OFF;
    if (status == DIVAK_OK) {
        divak_mutex_lock(&lock);
        status = create(&settings, out_tracer, error, sizeof error);
        divak_mutex_unlock(&lock);
        divak_settings_deinit(&settings);
        if (status != DIVAK_OK) {
            (void)divak_config_fail(config, status, "tracer", error[0] != 0 ? error : divak_status_text(status));
        }
    }
    if (status != DIVAK_OK && logs) divak_log_line("tracing is off: %s", divak_config_error(config));
    if (status == DIVAK_OK && logs) divak_other_copies_warn();
    divak_config_destroy(own);
    return status;
}

divak_tracer *divak_tracer_current(void) {
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        uint32_t mode = divak_load_acquire(&divak_tracers[i].mode);
        if (mode == DIVAK_TRACER_ON || mode == DIVAK_TRACER_DISABLED) return &divak_tracers[i];
    }
    return NULL;
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

int divak_tracer_flush(divak_tracer *tracer, uint32_t milliseconds, uint64_t *out_lost) {
    if (out_lost != NULL) *out_lost = 0;
    if (tracer == NULL) return DIVAK_OK;
    if (!is_open(tracer)) return DIVAK_ERROR_ENDED;
    return divak_flusher_flush(tracer, milliseconds * MILLISECOND, out_lost);
}

int divak_tracer_shutdown(divak_tracer *tracer, uint32_t milliseconds, uint64_t *out_lost) {
    if (out_lost != NULL) *out_lost = 0;
    if (tracer == NULL) return DIVAK_OK;
    if (!is_open(tracer) || !begin_closing(tracer)) return DIVAK_ERROR_ENDED;
    int status = divak_flusher_shutdown(tracer, milliseconds * MILLISECOND, out_lost);
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSED);
    return status;
}

int divak_tracer_check(divak_tracer *tracer, uint32_t milliseconds) {
    if (!is_open(tracer)) return DIVAK_ERROR_ENDED;
    return divak_flusher_check(tracer, milliseconds * MILLISECOND);
}

int divak_tracer_failure(divak_tracer *tracer, size_t reporter, char *out, size_t capacity) {
    if (out == NULL || capacity == 0) return DIVAK_ERROR_INVALID;
    out[0] = '\0';
    if (!divak_is_tracer(tracer) || divak_load_acquire(&tracer->mode) == DIVAK_TRACER_NONE) return DIVAK_ERROR_INVALID;
    if (!divak_process_check_fork()) return DIVAK_ERROR_REENTRANT;
    return divak_flusher_failure(tracer, reporter, out, capacity);
}

void divak_tracer_set_enabled(divak_tracer *tracer, bool enabled) {
    if (!divak_is_tracer(tracer)) return;
    uint32_t from = enabled ? DIVAK_TRACER_DISABLED : DIVAK_TRACER_ON;
    divak_mutex_lock(&lock);
    if (divak_load_relaxed(&tracer->mode) == from) {
        divak_engine_set_mode(tracer, enabled ? DIVAK_TRACER_ON : DIVAK_TRACER_DISABLED);
    }
    divak_mutex_unlock(&lock);
}

bool divak_tracer_is_enabled(divak_tracer *tracer) {
    return divak_is_tracer(tracer) && divak_load_acquire(&tracer->mode) == DIVAK_TRACER_ON;
}

void divak_reseed(void) {
    divak_process_reseed();
}

int divak_tracer_stats(divak_tracer *tracer, size_t reporter, divak_stats *out_stats) {
    if (out_stats == NULL) return DIVAK_ERROR_INVALID;
    *out_stats = (divak_stats){0};
    if (!divak_is_tracer(tracer) || divak_load_acquire(&tracer->mode) == DIVAK_TRACER_NONE) return DIVAK_ERROR_INVALID;
    if (!divak_process_check_fork()) return DIVAK_ERROR_REENTRANT;
    if (!divak_flusher_stats(tracer, reporter, out_stats)) return DIVAK_ERROR_INVALID;
    /* Downstream first; started last. */
    divak_engine_dropped(tracer, out_stats->dropped);
    out_stats->pending += divak_engine_pending(tracer);
    out_stats->live = divak_engine_live(tracer);
    out_stats->started = divak_engine_started(tracer);
    const divak_engine_counters *counters = &tracer->counters;
    const divak_propagation *propagation = &propagations[tracer->index];
    out_stats->inherited_by_fork = divak_load_relaxed(&counters->inherited_by_fork);
    out_stats->truncated = divak_load_relaxed(&counters->truncated) + divak_load_relaxed(&propagation->truncated);
    out_stats->double_finish = divak_load_relaxed(&counters->double_finish);
    out_stats->reentrant = divak_load_relaxed(&counters->reentrant);
    out_stats->scope_misuse = divak_load_relaxed(&counters->scope_misuse);
    out_stats->negative_duration = divak_load_relaxed(&counters->negative_duration);
    out_stats->bad_header = divak_load_relaxed(&propagation->bad_header);
    out_stats->baggage_dropped = divak_load_relaxed(&propagation->baggage_dropped);
    for (uint32_t i = 0; i < tracer->lanes.lane_count; i++) {
        out_stats->lanes += divak_load_relaxed(&tracer->lanes.lanes[i].owner) != 0;
    }
    out_stats->bytes_mapped = tracer->header->total_bytes;
    return DIVAK_OK;
}

divak_key divak_key_register(const char *text, size_t length) {
    divak_mutex_lock(&lock);
    uint32_t id = divak_key_table_add(&divak_keys, text, length);
    divak_mutex_unlock(&lock);
    return id == DIVAK_KEY_NONE ? DIVAK_NO_KEY : id + divak_keys_before;
}

int divak_propagator_register(const divak_propagator *propagator) {
    divak_own_format format;
    const char *refused, *reason;
    int status = divak_own_format_make(propagator, &format, &refused, &reason);
    if (status != DIVAK_OK) return status;
    divak_mutex_lock(&lock);
    status = divak_own_formats_register(&format);
    divak_mutex_unlock(&lock);
    return status;
}

divak_propagation *divak_tracer_propagation(divak_tracer *tracer) {
    if (!divak_is_tracer(tracer) || divak_load_acquire(&tracer->mode) == DIVAK_TRACER_NONE) return NULL;
    return &propagations[tracer->index];
}

divak_tracer *divak_span_tracer(const divak_span *span) {
    if (span == NULL || divak_home(span) != 0) return NULL;
    divak_tracer *tracer = divak_tracer_of(span);
    return divak_load_acquire(&tracer->mode) == DIVAK_TRACER_NONE ? NULL : tracer;
}
