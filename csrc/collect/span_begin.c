/* SPDX-License-Identifier: Apache-2.0 */
/* span_begin.c - every start but the plainest: of new traces, of children of remote parents, by samplers, clocks and ids of
 * the program's own, and where there is no room. */
#include <string.h>

#include "base/clock.h"
#include "collect/span.h"
#include "model/flags.h"
#include "model/text_limit.h"

static uint64_t make_id(divak_tracer *tracer, divak_thread *thread, uint64_t salt) {
    if (__builtin_expect(tracer->options.make_id != NULL, 0)) {
        for (int i = 0; i < 8; i++) {
            uint64_t id = tracer->options.make_id(tracer->options.make_id_context);
            if (id != 0) return id;
        }
    }
    return divak_thread_random(thread, salt);
}

/* A slot for the calling thread: of its lane's few, else of the common list; 0: none is free. */
static inline uint32_t take_slot(divak_tracer *tracer, divak_lane *lane) {
    uint32_t number = divak_lane_take_slot(lane);
    if (number != 0) return number;
    number = divak_slot_slab_take(&tracer->slab);
    if (number == 0 || lane->is_shard) return number;
    while (lane->slot_count < DIVAK_LANE_SLOTS / 2) {
        uint32_t more = divak_slot_slab_take(&tracer->slab);
        if (more == 0) break;
        lane->free_slots[lane->slot_count++] = more;
    }
    return number;
}

/* The context of an unsampled span is its parent's, without what belongs to the parent's slot. */
static inline void pass_through(const divak_span *parent, divak_span *out_span) {
    *out_span = *parent;
    out_span->slot = 0;
    out_span->generation = 0;
    out_span->flags = parent->flags & DIVAK_SPAN_INHERITED;
    out_span->baggage = 0;
    out_span->baggage_generation = 0;
}

/* Ids of a new trace. */
static void make_trace(divak_tracer *tracer, divak_thread *thread, uint64_t now, divak_span *span) {
    span->trace_id_low = make_id(tracer, thread, now);
    span->trace_id_high = 0;
    span->parent_id = 0;
    /* What a program's generator makes may be anything. */
    span->flags = tracer->options.make_id == NULL ? DIVAK_SPAN_RANDOM : 0;
    if (tracer->options.trace_id_is_64_bit) return;
    span->trace_id_high = make_id(tracer, thread, now);
    if (tracer->options.trace_id_has_time) {
        uint64_t seconds = divak_clock_wall_now() / 1000000000u;
        span->trace_id_high = seconds << 32 | (span->trace_id_high & 0xffffffffu);
    }
}

static divak_decision ask_sampler(divak_tracer *tracer, const divak_start_options *options, divak_key name_key,
                                  const divak_span *parent, const divak_span *span) {
    if (tracer->options.sampler == NULL) return DIVAK_SAMPLE;
    divak_sampling_request request = {
        .trace_id_high = span->trace_id_high,
        .trace_id_low = span->trace_id_low,
        .kind = options->kind,
        .name = options->name,
        .name_length = options->name_length,
        .method = options->method,
        .method_length = options->method_length,
        .path = options->path,
        .path_length = options->path_length,
        .route = options->route,
        .route_length = options->route_length,
        .parent = parent,
    };
    /* A registered name is looked up for rules on names; the table only grows, so nobody need be kept from it. */
    const divak_key_entry *entry = name_key == DIVAK_NO_KEY ? NULL : divak_key_table_find(&divak_keys, name_key);
    if (entry != NULL) {
        request.name = divak_keys.bytes + entry->offset;
        request.name_length = entry->length;
    }
    return divak_sampler_ask(tracer->options.sampler, &request);
}

/* No slot, or no way to one: the span lives on as its ids. */
static int refuse_start(divak_span *span, int status) {
    span->slot = 0;
    span->generation = 0;
    span->flags &= ~(uint32_t)DIVAK_SPAN_RECORDING;
    return status;
}

/* Makes a slot live with `written` bytes of fields. The thread of `lane` becomes its owner; NULL: nobody does. */
static inline void publish(divak_slot *slot, divak_lane *lane, uint32_t generation, uint64_t written) {
    uint64_t room = 0;
    if (lane == NULL) divak_store_relaxed(&slot->owner, NULL);
    else room = divak_lane_own(lane, slot);
    if (room != 0) divak_store_relaxed(&slot->owned, (uint32_t)written);
    /* Others write behind what is the owner's. */
    divak_slot_publish(slot, (uint64_t)generation << 32 | (room != 0 ? room : written));
}

/* Takes a slot by way of lane or shard, and fills it. */
static int record_start(divak_tracer *tracer, divak_thread *thread, divak_span *span, const char *name,
                        size_t name_length, divak_key name_key, divak_kind kind, uint64_t start,
                        uint32_t record_flags, uint32_t usage) {
    divak_lane *lane = divak_engine_enter(tracer, thread);
    if (lane == NULL) {
        divak_add_relaxed(&tracer->counters.started_nowhere, 1);
        if (divak_thread_is_inside(thread)) {
            divak_add_release(&tracer->counters.dropped_reentrant, 1);
            divak_add_relaxed(&tracer->counters.reentrant, 1);
            return refuse_start(span, DIVAK_ERROR_REENTRANT);
        }
        divak_add_release(&tracer->counters.dropped_contended, 1);
        return refuse_start(span, DIVAK_ERROR_FULL);
    }
    divak_count(&lane->started, 1);
    uint32_t number = take_slot(tracer, lane);
    if (number == 0) divak_count(&lane->dropped_no_slot, 1);
    divak_engine_leave(thread, lane);
    if (number == 0) return refuse_start(span, DIVAK_ERROR_FULL);

    divak_slot *slot = divak_slot_at(&tracer->slab, number);
    divak_store_relaxed(&slot->usage, usage);
    divak_store_relaxed(&slot->tags, 0);
    divak_store_relaxed(&slot->annotations, 0);
    divak_record *record = &slot->record;
    record->trace_id_high = span->trace_id_high;
    record->trace_id_low = span->trace_id_low;
    record->span_id = span->span_id;
    record->parent_id = span->parent_id;
    record->start = start;
    divak_store_relaxed(&slot->meta, divak_slot_meta(kind, record_flags, span->anchor));
    uint64_t reserved = divak_slot_write_name(slot, name, name_length, name_key, false);
    if (lane->is_shard || reserved > divak_load_relaxed(&lane->owned_room)) lane = NULL;
    span->slot = number;
    span->generation = divak_slot_generation(slot);
    publish(slot, lane, span->generation, reserved);
    span->flags |= DIVAK_SPAN_RECORDING;
    return DIVAK_OK;
}

/* The record's flags that are the span's, bit by bit. */
static uint32_t record_flags_of(const divak_span *span) {
    _Static_assert((int)DIVAK_RECORD_SAMPLED == (int)DIVAK_SPAN_SAMPLED && (int)DIVAK_RECORD_DEBUG == (int)DIVAK_SPAN_DEBUG &&
                       (int)DIVAK_RECORD_SHARED == (int)DIVAK_SPAN_SHARED, "copied as they are");
    return span->flags & (DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DEBUG | DIVAK_SPAN_SHARED);
}

/* What happens once to a recorded span right after its start, where anything at all does. */
static __attribute__((noinline)) int finish_special_start(divak_tracer *tracer, const divak_span *parent,
                                                          divak_span *span, int status) {
    divak_span_inherit_baggage(tracer, parent, span);
    if ((parent->flags & DIVAK_SPAN_EXTRACT_FAILED) != 0) {
        (void)divak_span_tag(span, "error.extract", 13, "malformed headers", 17);
    }
    if (tracer->options.handler_count != 0) {
        if (span->local_root_id != span->span_id) {
            (void)divak_span_add_field(span, DIVAK_FIELD_LOCAL_ROOT, NULL, 0, &span->local_root_id,
                                       sizeof span->local_root_id, NULL);
        }
        const divak_span *real_parent = parent->span_id != 0 ? parent : NULL;
        for (size_t i = 0; i < tracer->options.handler_count; i++) {
            const divak_handler *handler = &tracer->options.handlers[i];
            if (handler->begin != NULL) handler->begin(handler->context, span, real_parent);
        }
    }
    return status;
}

int divak_span_begin(divak_tracer *tracer, const divak_start_options *options, divak_key name_key,
                     const divak_span *parent, divak_span *out_span) {
    int status = DIVAK_OK;
    uint32_t mode = divak_load_acquire(&tracer->mode);
    divak_span span = {.tracer = tracer->index};
    divak_thread *thread = divak_thread_enter();
    divak_kind kind = options->kind;
    if (kind > DIVAK_KIND_PERIODIC) {
        kind = DIVAK_KIND_LOCAL;
        status = DIVAK_ERROR_INVALID;
    }
    if (kind == DIVAK_KIND_PERIODIC) parent = &divak_no_parent; /* nothing of whatever runs just now is its own */
    bool has_parent = parent->span_id != 0;
    if (thread == NULL || mode == DIVAK_TRACER_DISABLED || mode == DIVAK_TRACER_NONE) {
        if (has_parent) pass_through(parent, &span);
        span.tracer = tracer->index;
        if (!has_parent) span.flags |= DIVAK_SPAN_STARTED;
        if (parent->baggage != 0 && thread != NULL && mode != DIVAK_TRACER_NONE) {
            divak_span_carry_baggage(tracer, parent, &span);
        }
        *out_span = span;
        return thread == NULL ? DIVAK_ERROR_REENTRANT : status;
    }
    uint64_t ticks = divak_tracer_ticks(tracer);
    bool is_remote = (parent->flags & DIVAK_SPAN_REMOTE) != 0;
    if (has_parent) {
        span.trace_id_high = parent->trace_id_high;
        span.trace_id_low = parent->trace_id_low;
        span.parent_id = parent->span_id;
        span.flags = parent->flags & DIVAK_SPAN_INHERITED;
    } else {
        make_trace(tracer, thread, ticks, &span);
        span.flags |= parent->flags & DIVAK_SPAN_INHERITED & ~(uint32_t)DIVAK_SPAN_RANDOM;
        if (options->debug) span.flags |= DIVAK_SPAN_DEBUG | DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED;
    }
    bool was_decided = (span.flags & DIVAK_SPAN_DECIDED) != 0;
    bool sampled = (span.flags & DIVAK_SPAN_SAMPLED) != 0;
    if (!was_decided) {
        sampled = ask_sampler(tracer, options, name_key, has_parent ? parent : NULL, &span) == DIVAK_SAMPLE;
    } else if ((span.flags & DIVAK_SPAN_DEBUG) == 0 && (is_remote || !has_parent)) {
        divak_decision overridden =
            tracer->sampler_overrides ? ask_sampler(tracer, options, name_key, parent, &span) : DIVAK_DEFER;
        if (overridden != DIVAK_DEFER) {
            sampled = overridden == DIVAK_SAMPLE;
        } else if (!sampled && tracer->options.resamples) {
            divak_span undecided = *parent;
            undecided.flags &= ~(uint32_t)DIVAK_SPAN_DECIDED;
            sampled = ask_sampler(tracer, options, name_key, &undecided, &span) == DIVAK_SAMPLE;
        }
    }
    span.flags = (span.flags & ~(uint32_t)DIVAK_SPAN_SAMPLED) | DIVAK_SPAN_DECIDED |
                 (sampled ? DIVAK_SPAN_SAMPLED : 0);

    if (!sampled && !tracer->records_unsampled) {
        /* Its ids are its parent's; a new trace gets a first id, so that logs and headers have one. */
        if (has_parent) {
            span.span_id = parent->span_id;
            span.parent_id = parent->parent_id;
            span.local_root_id = parent->local_root_id != 0 ? parent->local_root_id : parent->span_id;
        } else {
            span.span_id = make_id(tracer, thread, ticks);
            span.local_root_id = span.span_id;
        }
        if (parent->baggage != 0) divak_span_carry_baggage(tracer, parent, &span);
        *out_span = span;
        return status;
    }

    if (kind == DIVAK_KIND_SERVER && has_parent && is_remote && tracer->options.joins) {
        span.span_id = parent->span_id;
        span.parent_id = parent->parent_id;
        if (was_decided) span.flags |= DIVAK_SPAN_SHARED;
    } else if (!has_parent && tracer->options.make_id == NULL) {
        /* As everywhere in this field: the root's id is the low half of its trace's. */
        span.span_id = span.trace_id_low;
    } else {
        span.span_id = make_id(tracer, thread, ticks);
    }
    bool is_local_root = !has_parent || is_remote || parent->local_root_id == 0;
    span.local_root_id = is_local_root ? span.span_id : parent->local_root_id;
    span.anchor = is_local_root ? (uint16_t)divak_load_relaxed(&tracer->anchor) : parent->anchor;

    if (mode >= DIVAK_TRACER_CLOSING) {
        divak_add_relaxed(&tracer->counters.started_nowhere, 1);
        divak_add_release(&tracer->counters.dropped_after_shutdown, 1);
        *out_span = span;
        return DIVAK_ERROR_ENDED;
    }
    const char *name = options->name;
    size_t name_length = name == NULL ? 0 : options->name_length;
    const size_t room = tracer->field_limit - DIVAK_FIELD_HEADER;
    if (divak_text_limit(name, &name_length, tracer->options.name_bytes < room ? tracer->options.name_bytes : room)) {
        divak_add_relaxed(&tracer->counters.truncated, 1);
        status = DIVAK_ERROR_TRUNCATED;
    }
    uint32_t record_flags = record_flags_of(&span);
    uint64_t start = ticks;
    if (options->timestamp != 0) {
        start = options->timestamp;
        record_flags |= DIVAK_RECORD_START_GIVEN;
    }
    int recorded = record_start(tracer, thread, &span, name, name_length, name_key, kind, start, record_flags,
                                options->defer_report ? DIVAK_SLOT_DEFERRED : 0);
    if (recorded != DIVAK_OK) {
        *out_span = span;
        return recorded;
    }
    *out_span = span;
    return finish_special_start(tracer, parent, out_span, status);
}

int divak_span_begin_nowhere(const divak_tracer *tracer, const divak_span *parent, divak_span *out_span) {
    *out_span = (divak_span){0};
    if (parent != NULL && parent->span_id != 0) pass_through(parent, out_span);
    return tracer == NULL ? DIVAK_OK : DIVAK_ERROR_STALE;
}
