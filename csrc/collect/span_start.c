/* SPDX-License-Identifier: Apache-2.0 */
/* span_start.c - how a span begins: whose child it is, and the short way for the most common ones. */
#include "base/clock.h"
#include "base/copy.h"
#include "collect/span.h"
#include "divak/scope.h"
#include "model/flags.h"

const divak_span divak_no_parent = {.flags = DIVAK_SPAN_NEW_ROOT};

/* The parent of a span that names none: the current span, else what started this process, else none. What comes from
 * outside of the process by itself, or by the clock, is no part of what started it. */
static const divak_span *implied_parent(const divak_tracer *tracer, divak_kind kind, divak_span *current) {
    if (divak_current(current) == DIVAK_OK) return current;
    bool is_ours = kind == DIVAK_KIND_LOCAL || kind == DIVAK_KIND_CLIENT || kind == DIVAK_KIND_PRODUCER;
    return is_ours && divak_is_tracer(tracer) ? &tracer->process_parent : &divak_no_parent;
}

/* The long way with what the short one was asked. */
static __attribute__((noinline)) int start_otherwise(divak_tracer *tracer, const char *name, size_t name_length,
                                                     divak_key name_key, divak_kind kind, const divak_span *parent,
                                                     divak_span *out_span) {
    if (divak_span_pass_unsampled(tracer, kind, parent, out_span)) return DIVAK_OK;
    divak_span current;
    if (parent == NULL) parent = implied_parent(tracer, kind, &current);
    if (!divak_is_tracer(tracer)) return divak_span_begin_nowhere(tracer, parent, out_span);
    divak_start_options options = {.name = name, .name_length = name_length, .kind = kind};
    return divak_span_begin(tracer, &options, name_key, parent, out_span);
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
    const uint64_t written = divak_slot_write_name(slot, name, name_length, name_key, true);
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
    out_span->flags = (flags & DIVAK_SPAN_INHERITED) | DIVAK_SPAN_RECORDING;
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
    if (!divak_is_tracer(tracer)) return divak_span_begin_nowhere(tracer, parent, out_span);
    return divak_span_begin(tracer, options, DIVAK_NO_KEY, parent, out_span);
}
