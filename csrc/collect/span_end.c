/* SPDX-License-Identifier: Apache-2.0 */
/* span_end.c - how a span ends: noted once, committed to a lane by the last one inside, its slot free again. */
#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
#include "collect/span.h"

/* Gives the slot back: into the lane that the caller is in, or into the common list. */
static inline void free_slot(divak_tracer *tracer, divak_lane *lane, divak_slot *slot, uint32_t number,
                             uint32_t generation) {
    divak_slot_retire(slot, generation);
    if (__builtin_expect(lane == NULL || lane->is_shard || lane->slot_count == DIVAK_LANE_SLOTS, 0)) {
        divak_slot_slab_give(&tracer->slab, number);
        return;
    }
    lane->free_slots[lane->slot_count++] = number;
}

static __attribute__((noinline)) void let_baggage_go(divak_tracer *tracer, divak_slot *slot) {
    uint64_t baggage = divak_exchange_acquire_release(&slot->baggage, 0);
    if (baggage == 0) return;
    (void)divak_baggage_table_release(&tracer->baggage, (uint32_t)baggage, (uint32_t)(baggage >> 32));
}

/* Counts a span that ends without a place in a lane. */
static __attribute__((noinline)) int drop(divak_tracer *tracer, divak_thread *thread, divak_slot *slot,
                                          uint32_t number, uint32_t generation) {
    int status = DIVAK_ERROR_FULL;
    if (thread == NULL || divak_thread_is_inside(thread)) {
        divak_add_release(&tracer->counters.dropped_reentrant, 1);
        divak_add_relaxed(&tracer->counters.reentrant, 1);
        status = DIVAK_ERROR_REENTRANT;
    } else {
        divak_add_release(&tracer->counters.dropped_contended, 1);
    }
    free_slot(tracer, NULL, slot, number, generation);
    return status;
}

/* Copies an ended span into its frame in a ring, with the first `fields` bytes of its fields. */
static inline __attribute__((always_inline)) void write_record(uint8_t *frame, const divak_slot *slot, uint32_t length,
                                                               uint64_t fields, uint64_t end) {
    divak_copy_blocks(frame, (const uint8_t *)&slot->record, DIVAK_RECORD_HEADER + fields);
    /* What is known last, and the header's first word, which is kept apart in the slot: setters change it by CAS. */
    const uint64_t meta = divak_load_relaxed(&slot->meta);
    divak_record *record = (divak_record *)(void *)frame;
    record->length = length;
    record->kind = (uint8_t)meta;
    record->flags = (uint8_t)(meta >> 8);
    record->anchor = (uint16_t)(meta >> 16);
    record->duration = end;
    /* Up to 7 bytes of padding: as a field type of 0 they end the record. */
    memset(frame + DIVAK_RECORD_HEADER + fields, 0, 8);
}

/* Bytes of fields in an ended slot: the owner's, then those of others, which begin behind its room. */
typedef struct field_lengths {
    uint64_t owned, others;
} field_lengths;

static inline field_lengths lengths_of(const divak_slot *slot) {
    const uint64_t reserved = divak_load_relaxed(&slot->word) & DIVAK_SLOT_RESERVED_MASK;
    if (divak_load_relaxed(&slot->owner) == NULL) return (field_lengths){.owned = reserved};
    return (field_lengths){.owned = divak_load_relaxed(&slot->owned),
                           .others = reserved - divak_load_relaxed(&slot->owned_room)};
}

/* Commits by the long way: looks for room, wakes the drainer. The caller is in the lane. */
static int commit_record(divak_tracer *tracer, divak_lane *lane, divak_slot *slot, uint32_t number,
                         uint32_t generation) {
    const field_lengths fields = lengths_of(slot);
    const uint32_t length = (uint32_t)(DIVAK_RECORD_HEADER + fields.owned + fields.others + 7) & ~7u;
    uint64_t after;
    uint8_t *frame = divak_ring_reserve_slowly(&lane->ring, length, &after);
    if (frame == NULL) {
        divak_count(&lane->dropped_ring_full, 1);
    } else {
        write_record(frame, slot, length, fields.owned, slot->record.duration);
        if (fields.others != 0) {
            uint8_t *others = frame + DIVAK_RECORD_HEADER + fields.owned;
            memcpy(others, slot->fields + divak_load_relaxed(&slot->owned_room), fields.others);
            memset(others + fields.others, 0, 8);
        }
        divak_count(&lane->committed, 1); /* before the drainer can count it out again */
        divak_ring_commit(&lane->ring, after);
    }
    free_slot(tracer, lane, slot, number, generation);
    if (divak_ring_used_at_most(&lane->ring) > lane->ring.capacity / 2) divak_engine_wake(tracer);
    return frame == NULL ? DIVAK_ERROR_FULL : DIVAK_OK;
}

/* Whether another thread is the slot's owner, or code that a handler of signals has interrupted in it: it may be writing. */
static inline bool is_anothers(const divak_tracer *tracer, const divak_slot *slot, uint32_t number) {
    const divak_lane *owner = divak_load_relaxed(&slot->owner);
    if (owner == NULL) return false;
    return owner != divak_this_thread.quick_lanes[tracer - divak_tracers] ||
           divak_load_relaxed(&owner->inside) == number;
}

enum { SHY = 4096 }; /* spans that a lane begins without owner after one that another thread ended */

/* Leaves the commit to the drainer. */
static __attribute__((noinline)) int hand_over(divak_tracer *tracer, uint32_t number, bool is_recorded) {
    /* Where spans wander from thread to thread, one atomic operation a tag is cheaper than this. At once, before the drainer's
     * next turn: until then these slots are lost to all. A hint, which the owner may just be overwriting. */
    divak_store_relaxed(&((divak_lane *)divak_load_relaxed(&divak_slot_at(&tracer->slab, number)->owner))->shy, SHY);
    if (is_recorded) divak_add_release(&tracer->counters.handed_over, 1);
    uint32_t count = divak_slot_slab_hand_over(&tracer->slab, number);
    if (count >= tracer->slab.count / 4) divak_engine_wake(tracer);
    return DIVAK_OK;
}

int divak_span_commit(divak_tracer *tracer, divak_slot *slot) {
    /* By the slot, not by the caller's handle, which a careless program may have changed under the call. */
    const uint32_t number = divak_slot_number_of(&tracer->slab, slot);
    const uint32_t generation = divak_slot_generation(slot);
    if (divak_load_relaxed(&slot->baggage) != 0) let_baggage_go(tracer, slot);
    const bool must_hand_over = is_anothers(tracer, slot, number);
    const uint32_t usage = divak_load_relaxed(&slot->usage);
    if ((usage & DIVAK_SLOT_CARRIES_ONLY) != 0) {
        if (must_hand_over) return hand_over(tracer, number, false);
        divak_store_release(&slot->usage, 0); /* closed before that: a carrier is never counted as live */
        free_slot(tracer, NULL, slot, number, generation);
        return DIVAK_OK;
    }
    /* The end before the look at the mode: what pairs with the barrier of a shutdown, which sees the one or is seen by the
     * other. */
    divak_signal_fence();
    if (divak_load_relaxed(&tracer->mode) >= DIVAK_TRACER_CLOSING) {
        divak_add_release(&tracer->counters.dropped_after_shutdown, 1);
        if (must_hand_over) {
            divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY);
            (void)hand_over(tracer, number, false);
        } else {
            divak_store_relaxed(&slot->usage, 0);
            free_slot(tracer, NULL, slot, number, generation);
        }
        return DIVAK_ERROR_ENDED;
    }
    if (must_hand_over) return hand_over(tracer, number, true);
    divak_store_relaxed(&slot->usage, 0); /* no carrier's: it was live by whatever the word says */
    divak_thread *thread = divak_thread_enter();
    divak_lane *lane = thread == NULL ? NULL : divak_engine_enter(tracer, thread);
    if (lane == NULL) return drop(tracer, thread, slot, number, generation);
    int status = commit_record(tracer, lane, slot, number, generation);
    divak_engine_leave(thread, lane);
    return status;
}

enum {
    END_FLAGS = DIVAK_RECORD_DURATION_GIVEN | DIVAK_RECORD_NO_DURATION | DIVAK_RECORD_END_GIVEN
};

/* Sets flags of the record, in a word that setters may be at as well. */
static void set_record_flags(divak_slot *slot, uint32_t clear, uint32_t set) {
    uint64_t meta = divak_load_relaxed(&slot->meta);
    /* Relaxed: the leave that follows hands it over. */
    while (!divak_cas_weak_relaxed(&slot->meta, &meta, (meta & ~((uint64_t)clear << 8)) | (uint64_t)set << 8)) {
    }
}

/* Ends the span with this end, which `flags` explain. */
static int end_span(const divak_span *span, uint64_t end, uint32_t flags) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    divak_slot_result result = divak_slot_end(slot, span->generation);
    if (result != DIVAK_SLOT_LAST && result != DIVAK_SLOT_OK) return divak_span_refuse(tracer, span, result);
    slot->record.duration = end; /* by the one who ended it alone */
    if (flags != 0) set_record_flags(slot, END_FLAGS, flags);
    if (result == DIVAK_SLOT_OK && divak_slot_leave(slot) != DIVAK_SLOT_LAST) {
        return DIVAK_OK; /* a writer is inside: it will commit */
    }
    return divak_span_commit(tracer, slot);
}

/* A deferred span: the end is noted, the span goes on to be live until it is flushed. */
static int note_finish(const divak_span *span, divak_slot *slot, uint64_t end, uint32_t flags) {
    divak_tracer *tracer = divak_tracer_of(span);
    uint64_t offset;
    divak_slot_result result = divak_slot_enter(slot, span->generation, 0, tracer->field_limit, &offset);
    if (result != DIVAK_SLOT_OK) return divak_span_refuse(tracer, span, result);
    uint32_t usage = DIVAK_SLOT_DEFERRED;
    int status = DIVAK_OK;
    /* Only one gets past, and writes. Relaxed: the mark brings nothing along. */
    if (!divak_cas_relaxed(&slot->usage, &usage, DIVAK_SLOT_DEFERRED | DIVAK_SLOT_FINISH_BEGUN)) {
        divak_add_relaxed(&tracer->counters.double_finish, 1);
        status = DIVAK_ERROR_ENDED;
    } else {
        divak_store_relaxed(&slot->noted_end, end);
        usage |= DIVAK_SLOT_FINISH_BEGUN;
        /* Release, with the acquire in divak_span_flush: flushed by another thread, the span has the end noted here, or
         * none when that was not written down yet. Fails where the span was abandoned meanwhile. */
        (void)divak_cas_acquire_release(&slot->usage, &usage,
                                        usage | DIVAK_SLOT_FINISH_NOTED | flags << DIVAK_SLOT_NOTED_FLAGS);
    }
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) (void)divak_span_commit(tracer, slot);
    return status;
}

/* In a forked child that no hook has told: what the parent had open must be stale before it is looked at. */
static bool is_forked_unready(void) {
    return !divak_process_check_fork();
}

static int finish_otherwise(const divak_span *span, uint64_t end, uint32_t flags) {
    if (is_forked_unready()) return DIVAK_ERROR_REENTRANT;
    divak_slot *slot = divak_slot_at(&divak_tracer_of(span)->slab, span->slot);
    if ((divak_load_relaxed(&slot->usage) & DIVAK_SLOT_DEFERRED) != 0) return note_finish(span, slot, end, flags);
    return end_span(span, end, flags);
}

static __attribute__((noinline)) int finish_now(const divak_span *span) {
    if (span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    return finish_otherwise(span, divak_tracer_ticks(divak_tracer_of(span)), 0);
}

/* Closed the quick way, but the lane has to look for room, the tracer was shut down since the first look, or the span has
 * baggage. */
static __attribute__((noinline)) int commit_closed(divak_tracer *tracer, divak_slot *slot, uint64_t end) {
    slot->record.duration = end;
    divak_this_thread.gate = divak_this_thread.epoch;
    return divak_span_commit(tracer, slot);
}

/* The short way is for a span with nothing but a record to write, nobody else inside, and a lane with room ahead. All of
 * that is looked at before anything is changed; whatever is otherwise goes the long way from its beginning. */
static __attribute__((noinline)) int finish_any(const divak_span *span) {
    const uint64_t index = span->tracer & (DIVAK_TRACERS_MAX - 1);
    divak_thread *thread = &divak_this_thread;
    /* Acquire: see set_gate in engine.c. */
    if (__builtin_expect(thread->gate != divak_load_acquire(&divak_process->gates[index]), 0)) return finish_now(span);
    /* Marked before the first look at the lane: a handler of signals after that takes another way. */
    thread->gate = DIVAK_GATE_INSIDE;
    divak_signal_fence();
    /* The handle is read once: a careless program may change it under the call. */
    const uint32_t number = span->slot, generation = span->generation;
    divak_lane *lane = thread->quick_lanes[index];
    divak_slot *slot = divak_lane_slot(lane, number);
    const divak_lane *owner = divak_load_relaxed(&slot->owner);
    uint64_t word;
    if (__builtin_expect(owner == lane, 1)) {
        word = divak_slot_owned_word(slot, generation);
    } else {
        word = divak_load_relaxed(&slot->word);
        /* What is left is the bytes of fields, if the span is open, of this generation, and nobody is inside. */
        if (owner != NULL || word - ((uint64_t)generation << 32) > DIVAK_SLOT_RESERVED_MASK) goto otherwise;
    }
    if (__builtin_expect(divak_load_relaxed(&slot->usage) != 0 || divak_load_relaxed(&lane->inside) != 0 ||
                             lane->slot_count == DIVAK_LANE_SLOTS, 0)) {
        goto otherwise;
    }
    const uint64_t end = divak_clock_counter();
    /* Acquire: see divak_slot_end, of which this is the case without others. */
    if (__builtin_expect(!divak_cas_acquire(&slot->word, &word, word | DIVAK_SLOT_CLOSED | DIVAK_SLOT_ENDING), 0)) {
        goto otherwise;
    }
    divak_signal_fence(); /* the end before the look at the gate: see divak_span_commit */
    /* Read behind the end: a handler of signals may have written before. */
    const uint64_t fields = owner != NULL ? divak_load_relaxed(&slot->owned) : word & DIVAK_SLOT_RESERVED_MASK;
    const uint64_t length = (DIVAK_RECORD_HEADER + fields + 7) & ~(uint64_t)7;
    const uint64_t head = divak_load_relaxed(&lane->ring.head); /* ours alone */
    if (__builtin_expect(head + length > lane->ring.quick_until ||
                             divak_load_relaxed(&divak_process->gates[index]) != thread->epoch ||
                             divak_load_relaxed(&slot->baggage) != 0, 0)) {
        return commit_closed(&divak_tracers[index], slot, end);
    }
    write_record(lane->ring.storage + (head & lane->ring.mask), slot, (uint32_t)length, fields, end);
    divak_count(&lane->committed, 1); /* before the drainer can count it out again */
    divak_ring_commit(&lane->ring, head + length);
    divak_slot_retire(slot, generation);
    lane->free_slots[lane->slot_count++] = number;
    divak_signal_fence();
    thread->gate = thread->epoch;
    return DIVAK_OK;

otherwise:
    thread->gate = thread->epoch;
    return finish_now(span);
}

/* The same for the span that this thread began last, as its owner: what finish_any looks for is at hand, and the slot stays at
 * hand for the next span. */
int divak_span_finish_recorded(const divak_span *span) {
    /* Before the clock, which is as much as all of an unsampled span through real calls; the likely one: see is_recorded in
     * span_update.c. */
    if (__builtin_expect(span->slot == 0, 1)) return DIVAK_ERROR_NOT_RECORDING;
    const uint64_t index = span->tracer & (DIVAK_TRACERS_MAX - 1);
    divak_thread *thread = &divak_this_thread;
    const divak_atomic_u64 *gate = &divak_process->gates[index];
    /* Acquire: see set_gate in engine.c. */
    if (__builtin_expect(thread->gate != divak_load_acquire(gate), 0)) return finish_now(span);
    thread->gate = DIVAK_GATE_INSIDE; /* see finish_any */
    divak_signal_fence();
    divak_lane *lane = thread->quick_lanes[index];
    if (__builtin_expect(lane->last_key != divak_span_key(span) || divak_load_relaxed(&lane->inside) != 0, 0)) {
        thread->gate = thread->epoch;
        return finish_any(span);
    }
    divak_slot *slot = lane->last_slot;
    uint64_t word = lane->last_word;
    const uint64_t fields = divak_load_relaxed(&slot->owned);
    const uint64_t length = (DIVAK_RECORD_HEADER + fields + 7) & ~(uint64_t)7;
    const uint64_t head = divak_load_relaxed(&lane->ring.head); /* ours alone */
    uint8_t *frame = lane->ring.storage + (head & lane->ring.mask);
    if (__builtin_expect(head + length > lane->ring.quick_until, 0)) {
        thread->gate = thread->epoch;
        return finish_any(span);
    }
    const uint64_t end = divak_clock_counter();
    /* Acquire: see divak_slot_end, of which this is the case without others. */
    if (__builtin_expect(!divak_cas_acquire(&slot->word, &word, word | DIVAK_SLOT_CLOSED | DIVAK_SLOT_ENDING), 0)) {
        thread->gate = thread->epoch;
        return finish_any(span);
    }
    divak_signal_fence(); /* the end before the look at the gate: see divak_span_commit */
    if (__builtin_expect(divak_load_relaxed(&slot->owned) != fields || divak_load_relaxed(gate) != thread->epoch ||
                             divak_load_relaxed(&slot->baggage) != 0, 0)) {
        return commit_closed(&divak_tracers[gate - divak_process->gates], slot, end);
    }
    write_record(frame, slot, (uint32_t)length, fields, end);
    divak_count(&lane->committed, 1); /* before the drainer can count it out again */
    divak_ring_commit(&lane->ring, head + length);
    divak_lane_keep_last(lane, slot);
    divak_signal_fence();
    thread->gate = thread->epoch;
    return DIVAK_OK;
}

int divak_span_finish_at(const divak_span *span, uint64_t timestamp) {
    if (span == NULL || span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    if (timestamp == 0) return DIVAK_ERROR_INVALID;
    return finish_otherwise(span, timestamp, DIVAK_RECORD_END_GIVEN);
}

int divak_span_finish_with_duration(const divak_span *span, uint64_t duration) {
    if (span == NULL || span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    return finish_otherwise(span, duration == 0 ? 1 : duration, DIVAK_RECORD_DURATION_GIVEN);
}

int divak_span_flush(const divak_span *span) {
    if (span == NULL || span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    if (is_forked_unready()) return DIVAK_ERROR_REENTRANT;
    divak_slot *slot = divak_slot_at(&divak_tracer_of(span)->slab, span->slot);
    const uint32_t usage = divak_load_acquire(&slot->usage);
    if ((usage & DIVAK_SLOT_FINISH_NOTED) == 0) return end_span(span, 0, DIVAK_RECORD_NO_DURATION);
    return end_span(span, divak_load_relaxed(&slot->noted_end), usage >> DIVAK_SLOT_NOTED_FLAGS);
}

int divak_span_abandon(const divak_span *span) {
    if (span == NULL || span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    if (is_forked_unready()) return DIVAK_ERROR_REENTRANT;
    divak_tracer *tracer = divak_tracer_of(span);
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    divak_slot_result result = divak_slot_end(slot, span->generation);
    if (result != DIVAK_SLOT_LAST && result != DIVAK_SLOT_OK) return divak_span_refuse(tracer, span, result);
    bool is_recorded = (divak_load_relaxed(&slot->usage) & DIVAK_SLOT_CARRIES_ONLY) == 0;
    if (is_recorded) {
        divak_add_release(&tracer->counters.dropped_abandoned, 1);
        /* What a carrier's end does is all that is left to do, whoever does it. */
        divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY);
    }
    if (result == DIVAK_SLOT_OK && divak_slot_leave(slot) != DIVAK_SLOT_LAST) return DIVAK_OK;
    return divak_span_commit(tracer, slot);
}
