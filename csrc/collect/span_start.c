/* SPDX-License-Identifier: Apache-2.0 */
/* span_start.c - how a span begins: whose child it is, whether it is recorded, its ids and its slot. */
#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
#include "collect/current.h"
#include "collect/span.h"
#include "divak/scope.h"
#include "model/flags.h"
#include "model/text_limit.h"

const divak_span divak_no_parent = {.flags = DIVAK_SPAN_NEW_ROOT};

enum {
    /* What a child takes over from its parent. */
    INHERITED = DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED | DIVAK_SPAN_DEBUG | DIVAK_SPAN_RANDOM
};

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
    out_span->flags = parent->flags & (INHERITED);
    out_span->baggage = 0;
    out_span->baggage_generation = 0;
}

bool (*divak_home_import_baggage)(divak_tracer *tracer, const divak_span *span, uint32_t *out_baggage,
                                  uint32_t *out_generation);

/* One reference, the caller's, on what the parent carries, as an entry of the tracer's table. */
static bool take_baggage(divak_tracer *tracer, const divak_span *parent, uint32_t *out_baggage,
                         uint32_t *out_generation) {
    if (divak_home(parent) != 0) {
        return divak_home_import_baggage != NULL &&
               divak_home_import_baggage(tracer, parent, out_baggage, out_generation);
    }
    *out_baggage = parent->baggage;
    *out_generation = parent->baggage_generation;
    return divak_baggage_table_retain(&tracer->baggage, parent->baggage, parent->baggage_generation);
}

/* An unsampled span with baggage: a slot that holds the reference and nothing else. */
static __attribute__((noinline)) int begin_carrier(divak_tracer *tracer, divak_span *span, const divak_span *parent) {
    uint32_t baggage, generation;
    if (!take_baggage(tracer, parent, &baggage, &generation)) return DIVAK_OK;
    int status = divak_span_adopt_baggage(span, baggage, generation);
    if (status != DIVAK_OK) (void)divak_baggage_table_release(&tracer->baggage, baggage, generation);
    return DIVAK_OK;
}

int divak_span_adopt_baggage(divak_span *span, uint32_t baggage, uint32_t generation) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (divak_load_relaxed(&tracer->mode) == DIVAK_TRACER_NONE) return DIVAK_ERROR_STALE;
    uint32_t number = divak_slot_slab_take(&tracer->slab);
    if (number == 0) return DIVAK_ERROR_FULL;
    divak_slot *slot = divak_slot_at(&tracer->slab, number);
    uint32_t slot_generation = divak_slot_generation(slot);
    divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY);
    divak_store_relaxed(&slot->owner, NULL);
    divak_store_relaxed(&slot->meta, 0);
    divak_store_relaxed(&slot->baggage, (uint64_t)generation << 32 | baggage);
    divak_slot_publish(slot, (uint64_t)slot_generation << 32);
    span->slot = number;
    span->generation = slot_generation;
    span->baggage = baggage;
    span->baggage_generation = generation;
    return DIVAK_OK;
}

int divak_span_replace_baggage(const divak_span *span, uint32_t baggage, uint32_t generation) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (span->slot == 0) return DIVAK_ERROR_STALE;
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    uint64_t offset;
    /* Inside of the slot, so that its end does not let go of the old one at the same time. */
    divak_slot_result result = divak_slot_enter(slot, span->generation, 0, tracer->field_limit, &offset);
    if (result != DIVAK_SLOT_OK) return divak_span_refuse(tracer, span, result);
    uint64_t before = divak_exchange_acquire_release(&slot->baggage, (uint64_t)generation << 32 | baggage);
    if (before != 0) {
        (void)divak_baggage_table_release(&tracer->baggage, (uint32_t)before, (uint32_t)(before >> 32));
    }
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) (void)divak_span_commit(tracer, slot);
    return DIVAK_OK;
}

/* Ids of a new trace. */
static void make_trace(divak_tracer *tracer, divak_thread *thread, uint64_t now, divak_span *span) {
    span->trace_id_low = make_id(tracer, thread, now);
    span->trace_id_high = 0;
    span->parent_id = 0;
    span->flags = DIVAK_SPAN_RANDOM;
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

/* Writes the name as the first field; returns the bytes it takes. Where there is none, the first field says nothing: that
 * of a slot's earlier span must not be found (span_name.c). */
static inline __attribute__((always_inline)) uint64_t write_name(divak_slot *slot, const char *name,
                                                                 size_t name_length, divak_key name_key,
                                                                 bool is_short) {
    if (name_key != DIVAK_NO_KEY) {
        divak_field_write(slot->fields, DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &name_key, sizeof name_key, NULL, 0);
        return DIVAK_FIELD_HEADER + sizeof name_key;
    }
    if (__builtin_expect(name_length == 0, 0)) {
        divak_field_write(slot->fields, DIVAK_FIELD_SKIP, NULL, 0, NULL, 0);
        return DIVAK_FIELD_HEADER;
    }
    divak_field_write_head(slot->fields, DIVAK_FIELD_NAME, 0, name_length);
    if (is_short) {
        divak_copy_short(slot->fields + DIVAK_FIELD_HEADER, name, name_length);
    } else {
        memcpy(slot->fields + DIVAK_FIELD_HEADER, name, name_length);
    }
    return DIVAK_FIELD_HEADER + name_length;
}

/* Makes a slot live with `written` bytes of fields. The thread of `lane` becomes its owner; NULL: nobody does. */
static inline void publish(divak_slot *slot, divak_lane *lane, uint32_t generation, uint64_t written) {
    if (lane != NULL) {
        const uint32_t shy = divak_load_relaxed(&lane->shy), room = divak_load_relaxed(&lane->owned_room);
        if (__builtin_expect(shy == 0 && room != 0, 1)) {
            divak_store_relaxed(&slot->owner, lane);
            divak_store_relaxed(&slot->owned, (uint32_t)written);
            divak_store_relaxed(&slot->owned_room, room);
            divak_slot_publish(slot, (uint64_t)generation << 32 | room); /* others write behind it */
            return;
        }
        if (shy != 0) divak_store_relaxed(&lane->shy, shy - 1); /* another thread may be setting it: a hint */
    }
    divak_store_relaxed(&slot->owner, NULL);
    divak_slot_publish(slot, (uint64_t)generation << 32 | written);
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
    uint64_t reserved = write_name(slot, name, name_length, name_key, false);
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
    uint32_t baggage, generation;
    if (parent->baggage != 0 && take_baggage(tracer, parent, &baggage, &generation)) {
        if (divak_span_replace_baggage(span, baggage, generation) == DIVAK_OK) {
            span->baggage = baggage;
            span->baggage_generation = generation;
        } else {
            (void)divak_baggage_table_release(&tracer->baggage, baggage, generation);
        }
    }
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

/* Everything but the plainest start. `parent` is never NULL; one without ids means a new trace. */
static __attribute__((noinline)) int start_specially(divak_tracer *tracer, const divak_start_options *options,
                                                     divak_key name_key, const divak_span *parent,
                                                     divak_span *out_span) {
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
            (void)begin_carrier(tracer, &span, parent);
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
        span.flags = parent->flags & INHERITED;
    } else {
        make_trace(tracer, thread, ticks, &span);
        span.flags |= parent->flags & INHERITED & ~(uint32_t)DIVAK_SPAN_RANDOM;
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
        if (parent->baggage != 0) (void)begin_carrier(tracer, &span, parent);
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

/* The parent of a span that names none: the current span, else what started this process, else none. What comes from
 * outside of the process by itself, or by the clock, is no part of what started it. */
static const divak_span *implied_parent(const divak_tracer *tracer, divak_kind kind, divak_span *current) {
    if (divak_current(current) == DIVAK_OK) return current;
    bool is_ours = kind == DIVAK_KIND_LOCAL || kind == DIVAK_KIND_CLIENT || kind == DIVAK_KIND_PRODUCER;
    return is_ours && divak_is_tracer(tracer) ? &tracer->process_parent : &divak_no_parent;
}

/* Without a tracer, or with one of another copy of the library: ids pass through. */
static __attribute__((noinline)) int start_nothing(const divak_tracer *tracer, const divak_span *parent,
                                                   divak_span *out_span) {
    *out_span = (divak_span){0};
    if (parent != NULL && parent->span_id != 0) pass_through(parent, out_span);
    return tracer == NULL ? DIVAK_OK : DIVAK_ERROR_STALE;
}

/* The long way with what the short one was asked. */
static __attribute__((noinline)) int start_otherwise(divak_tracer *tracer, const char *name, size_t name_length,
                                                     divak_key name_key, divak_kind kind, const divak_span *parent,
                                                     divak_span *out_span) {
    if (divak_span_pass_unsampled(tracer, kind, parent, out_span)) return DIVAK_OK;
    divak_span current;
    if (parent == NULL) parent = implied_parent(tracer, kind, &current);
    if (!divak_is_tracer(tracer)) return start_nothing(tracer, parent, out_span);
    divak_start_options options = {.name = name, .name_length = name_length, .kind = kind};
    return start_specially(tracer, &options, name_key, parent, out_span);
}

/* The flags of a parent that is sampled, and nothing else that matters. */
static inline bool is_usual(const divak_span *parent) {
    const uint32_t usual = DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED;
    return (parent->flags & (usual | DIVAK_SPAN_EXTRACT_FAILED)) == usual;
}

/* The short way: a recorded child of a usual parent, on a thread that has a lane with a free slot, and nothing unusual about
 * it. Whatever it meets that is not so, it leaves to the long way. A joining server is unusual, too. */
static inline __attribute__((always_inline)) int start(divak_tracer *tracer, const char *name, size_t name_length,
                                                       divak_key name_key, divak_kind kind, const divak_span *parent,
                                                       divak_span *out_span) {
    const uint32_t flags = parent->flags;
    const uint64_t index = tracer->index;
    divak_thread *thread = &divak_this_thread;
    divak_lane *lane = thread->quick_lanes[index];
    /* One less than 0 is more than any limit. */
    const bool has_short_name = name_length - 1 < DIVAK_COPY_SHORT_LIMIT && name != NULL;
    if (__builtin_expect(parent->baggage != 0 || parent->span_id == 0 ||
                             (name_key == DIVAK_NO_KEY && !has_short_name) || kind >= DIVAK_KIND_PERIODIC ||
                             (kind == DIVAK_KIND_SERVER && (flags & DIVAK_SPAN_REMOTE) != 0), 0)) {
        goto otherwise;
    }
    /* Acquire: see set_gate in engine.c. */
    if (__builtin_expect(thread->gate != divak_load_acquire(&divak_process->gates[index]), 0)) goto otherwise;

    /* Marked before the first look at the lane: a handler of signals after that takes another way. */
    thread->gate = DIVAK_GATE_INSIDE;
    divak_signal_fence();
    /* Usually the slot of the span that ended last; not where its owner's room is another now. */
    if (__builtin_expect(lane->spare_key == 0 || (uint16_t)lane->last_word != divak_load_relaxed(&lane->owned_room), 0) &&
        !divak_lane_prepare_last(lane)) {
        thread->gate = thread->epoch;
        goto otherwise;
    }
    divak_slot *slot = lane->last_slot;
    uint64_t word = lane->last_word;
    const uint64_t key = lane->spare_key;
    lane->last_key = key;
    lane->spare_key = 0;
    divak_count(&lane->started, 1);
    divak_signal_fence();
    thread->gate = thread->epoch;

    /* In an order that needs few registers, and each number by itself. */
    const uint64_t ticks = divak_clock_counter();
    divak_put(&slot->record.start, ticks);
    const uint64_t written = write_name(slot, name, name_length, name_key, true);
    divak_store_relaxed(&slot->owned, (uint32_t)written);
    if (__builtin_expect((uint16_t)word == 0, 0)) word += written; /* without an owner */
    /* Each part of the parent is read before it is written: the parent may be `out_span` itself. */
    divak_copy_block((uint8_t *)&slot->record.trace_id_high, (const uint8_t *)&parent->trace_id_high);
    divak_copy_block((uint8_t *)&out_span->trace_id_high, (const uint8_t *)&parent->trace_id_high);
    const uint64_t parent_id = parent->span_id;
    divak_put(&slot->record.parent_id, parent_id);
    divak_put(&out_span->parent_id, parent_id);
    const uint64_t id = divak_thread_random(thread, ticks);
    divak_put(&slot->record.span_id, id);
    divak_put(&out_span->span_id, id);
    uint64_t local_root = parent->local_root_id;
    uint16_t anchor = parent->anchor;
    if (local_root == 0) {
        /* A remote parent has none: the span is one itself. */
        local_root = id;
        anchor = (uint16_t)divak_load_relaxed(&tracer->anchor);
    }
    divak_put(&out_span->local_root_id, local_root);
    out_span->slot = (uint32_t)key;
    out_span->generation = (uint32_t)(key >> 32);
    out_span->flags = (flags & INHERITED) | DIVAK_SPAN_RECORDING;
    out_span->baggage = 0;
    out_span->baggage_generation = 0;
    out_span->anchor = anchor;
    out_span->tracer = (uint16_t)index;
    /* The record's flags for sampled and debug are the span's. */
    divak_store_relaxed(&slot->meta, divak_slot_meta(kind, flags & (DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DEBUG), anchor));
    divak_slot_publish(slot, word);
    return DIVAK_OK;

otherwise:
    return start_otherwise(tracer, name, name_length, name_key, kind, parent, out_span);
}

/* Each way in a function of its own, so that a test in front of it saves no register. */
static __attribute__((noinline)) int start_named(divak_tracer *tracer, const char *name, size_t name_length,
                                                 divak_kind kind, const divak_span *parent, divak_span *out_span) {
    return start(tracer, name, name_length, DIVAK_NO_KEY, kind, parent, out_span);
}

static __attribute__((noinline)) int start_by_key(divak_tracer *tracer, divak_key name, divak_kind kind,
                                                  const divak_span *parent, divak_span *out_span) {
    return start(tracer, NULL, 0, name, kind, parent, out_span);
}

/* In a function of its own, for the same reason. */
static __attribute__((noinline)) int start_unusually(divak_tracer *tracer, const char *name, size_t name_length,
                                                     divak_kind kind, const divak_span *parent, divak_span *out_span) {
    return start_otherwise(tracer, name, name_length, DIVAK_NO_KEY, kind, parent, out_span);
}

int divak_span_start_recorded(divak_tracer *tracer, const char *name, size_t name_length, divak_kind kind,
                              const divak_span *parent, divak_span *out_span) {
    if (__builtin_expect(divak_is_tracer(tracer) && parent != NULL && is_usual(parent), 1)) {
        return start_named(tracer, name, name_length, kind, parent, out_span);
    }
    /* The child of an unsampled parent, most likely. */
    if (__builtin_expect(divak_span_pass_unsampled(tracer, kind, parent, out_span), 1)) return DIVAK_OK;
    return start_unusually(tracer, name, name_length, kind, parent, out_span);
}

int divak_span_start_by_key_recorded(divak_tracer *tracer, divak_key name, divak_kind kind, const divak_span *parent,
                                     divak_span *out_span) {
    name = divak_key_id(name);
    if (__builtin_expect(name - 1 >= divak_load_relaxed(&divak_keys.count), 0)) {
        (void)start_otherwise(tracer, NULL, 0, DIVAK_NO_KEY, kind, parent, out_span);
        return DIVAK_ERROR_INVALID;
    }
    if (__builtin_expect(divak_is_tracer(tracer) && parent != NULL && is_usual(parent), 1)) {
        return start_by_key(tracer, name, kind, parent, out_span);
    }
    return start_otherwise(tracer, NULL, 0, name, kind, parent, out_span);
}

int divak_span_start_with(divak_tracer *tracer, const divak_start_options *options, divak_span *out_span) {
    divak_span current;
    if (out_span == NULL) return DIVAK_ERROR_INVALID;
    if (options == NULL) {
        *out_span = (divak_span){0};
        return DIVAK_ERROR_INVALID;
    }
    const divak_span *parent = options->parent;
    if (parent == NULL) parent = implied_parent(tracer, options->kind, &current);
    if (!divak_is_tracer(tracer)) return start_nothing(tracer, parent, out_span);
    return start_specially(tracer, options, DIVAK_NO_KEY, parent, out_span);
}
