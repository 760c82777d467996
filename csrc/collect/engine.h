/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - a tracer as the hot path sees it: one mapping with slots, lanes and store, and what guards them.
 *
 *     mapping:  header | anchors | keys | lane and shard heads | slots | rings | store
 *
 * Tracers are a static array, so that a handle's number always finds one: memory that was never a tracer's has an empty
 * slab, whose generations match nothing.
 */
#ifndef DIVAK_COLLECT_ENGINE_H
#define DIVAK_COLLECT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "collect/anchor.h"
#include "collect/baggage.h"
#include "collect/lane.h"
#include "collect/slot.h"
#include "collect/thread_state.h"
#include "divak/config.h"
#include "divak/handler.h"
#include "divak/sampler.h"
#include "divak/stats.h"
#include "model/keys.h"

enum { DIVAK_HANDLERS_MAX = 16 };

/* Sets the mode, and what the quick ways are told of it. */
void divak_engine_set_mode(divak_tracer *tracer, uint32_t mode);
/* Sets the gates of all tracers under the epoch in force. */
void divak_engine_open_gates(void);

/* What a tracer is doing. */
enum {
    DIVAK_TRACER_NONE = 0,      /* never made */
    DIVAK_TRACER_ON = 1,
    DIVAK_TRACER_DISABLED = 2,  /* kill switch: ids pass through, nothing is recorded */
    DIVAK_TRACER_CLOSING = 3,   /* being shut down: nothing new is recorded, what ended is still sent */
    DIVAK_TRACER_CLOSED = 4     /* shut down */
};

/* Describes the mapping to whoever finds it: offsets from its beginning, sizes in bytes. */
typedef struct divak_mapping_header {
    uint64_t magic;
    uint32_t byte_order; /* 0x01020304 as the host writes it */
    uint16_t word_size;
    uint16_t version;
    uint64_t total_bytes;
    uint64_t anchors_offset, keys_offset, lanes_offset, slots_offset, rings_offset, store_offset;
    uint64_t lane_count, shard_count, ring_bytes, shard_ring_bytes, slot_count, slot_bytes, store_bytes;
} divak_mapping_header;

#define DIVAK_MAPPING_MAGIC 0x3176616b61764944u
enum { DIVAK_MAPPING_VERSION = 1 };

/* How a tracer is to be: sizes, limits, and who is asked. Plain values, owned by the engine once it is made. */
typedef struct divak_engine_options {
    uint64_t ring_bytes, buffer_bytes;
    uint32_t span_bytes, name_bytes, key_bytes, value_bytes, tags_max, annotations_max;
    bool joins;              /* a server span takes the remote client's id */
    bool trace_id_is_64_bit;
    bool trace_id_has_time;
    bool resamples;          /* traces unsampled upstream are offered to the sampler again */
    bool decides_late;       /* unsampled spans are recorded: divak_span_set_sampled may come yet */
    divak_sampler *sampler;
    divak_make_id make_id;
    void *make_id_context;
    divak_read_clock read_clock;
    void *read_clock_context;
    divak_handler handlers[DIVAK_HANDLERS_MAX];
    size_t handler_count;
} divak_engine_options;

/* Events that are rare, counted for the whole tracer by atomic adds. */
typedef struct divak_engine_counters {
    divak_atomic_u64 started_nowhere; /* started without lane or shard */
    divak_atomic_u64 dropped_after_shutdown, dropped_reentrant, dropped_contended, dropped_no_slot,
        dropped_abandoned;
    divak_atomic_u64 handed_over, taken_over; /* recorded spans left to the drainer, and by it into no lane but on */
    divak_atomic_u64 inherited_by_fork, truncated, double_finish, reentrant, negative_duration, scope_misuse;
} divak_engine_counters;

struct divak_tracer {
    /* Read by every call, written when the tracer is made and by the kill switch. */
    divak_tracer_gate gate;       /* first: what the public header reads */
    uint16_t index;
    divak_slot_slab slab;
    uint64_t field_limit;         /* bytes of fields that a slot holds */
    uint64_t short_limit;         /* 32: texts of fewer bytes take the quick way; 0: none do */
    divak_atomic_u32 mode;        /* DIVAK_TRACER_... */
    uint32_t records_unsampled;   /* a handler wants them, or decisions may come late */
    uint32_t is_special;          /* own clock, own ids, handlers, odd trace ids, counted tags: the long way */
    uint32_t sampler_overrides;   /* a rule may overrule what upstream decided */
    uint32_t counts_fields;       /* tags_max or annotations_max can be reached */
    divak_atomic_u32 anchor;      /* number of the current time anchor */
    divak_lanes lanes;
    divak_engine_options options;
    divak_baggage_table baggage;
    divak_span process_parent;    /* what the environment named; no ids and no flags: nothing */
    /* Written by the drainer, read by producers. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u32 is_asleep;
    divak_anchors *anchors;
    /* Rare counters. */
    _Alignas(DIVAK_RING_LINE) divak_engine_counters counters;
    /* The drainer's own. */
    divak_mapping_header *header;
    divak_key_table *keys;        /* the mapping's copy */
    uint8_t *store_bytes;
    uint64_t store_capacity;
    uint64_t lane_populated;      /* lanes whose pages have been asked for */
    uint32_t handed_over_left;    /* slots that the last drain left handed over */
    uint64_t handed_over_until;   /* where there is no barrier after all: when these may be taken without */
};

/* The first place is never a tracer's: it is what a zeroed span names, and one that was made by hand. */
enum { DIVAK_TRACERS_FIRST = 1 };

extern DIVAK_HIDDEN divak_tracer divak_tracers[DIVAK_TRACERS_MAX];

/* Whether a pointer is a tracer of this copy of the library: neither NULL nor one of another copy. */
static inline bool divak_is_tracer(const divak_tracer *tracer) {
    return (uintptr_t)tracer - (uintptr_t)divak_tracers < sizeof divak_tracers;
}

static inline divak_tracer *divak_tracer_of(const divak_span *span) {
    return &divak_tracers[span->tracer & (DIVAK_TRACERS_MAX - 1)];
}

/* Prepares `tracer` (of the static array, mode NONE or CLOSED) by these options, with a mapping of its own or the one
 * that it had if that fits. DIVAK_OK, DIVAK_ERROR_MEMORY, or DIVAK_ERROR_FULL: its old mapping
 * has another layout and may still be in use. The caller then sets the mode. */
int divak_engine_prepare(divak_tracer *tracer, uint16_t index, const divak_engine_options *options);
/* For the child of a fork: nothing live, nothing pending, counters zero; the handles of the parent are stale. Spans get
 * owners again only if no thread can have kept a lane of the parent's. */
void divak_engine_reset_after_fork(divak_tracer *tracer, bool may_own);
/* Gives back what an ended thread had of this tracer. */
void divak_engine_thread_ended(divak_tracer *tracer, divak_thread *thread);

/* The drainer's way to all records: called for each one, in the order of each lane. The record may be changed in place
 * (times). Return false to stop: that record is then taken again the next time. */
typedef bool (*divak_take_record)(void *context, divak_record *record);
/* Takes records out of all lanes up to the heads at the time of the call. Returns how many bytes it went through. */
uint64_t divak_engine_drain(divak_tracer *tracer, divak_take_record take, void *context);
/* Drops what was handed over and its owner is still inside of, counted as after_shutdown: for the end of one. The slots are
 * freed by a later drain. */
void divak_engine_give_up(divak_tracer *tracer);
/* The fullest lane, or the slots handed over, in 1/256 of its size or of half of the slots, as it is now. */
uint32_t divak_engine_fill(const divak_tracer *tracer);
/* The drainer goes to sleep in three steps: it declares so, looks whether there is something to do after all (lanes,
 * requests), and then either sleeps until woken or for as long as the first step said, or takes it back by sleeping 0.
 * Returns `nanoseconds`, or less where a wake could be missed. */
uint64_t divak_engine_declare_sleep(divak_tracer *tracer, uint64_t nanoseconds);
void divak_engine_sleep(divak_tracer *tracer, uint64_t nanoseconds);
/* Wakes the drainer if it sleeps. Any thread, async-signal-safe. */
void divak_engine_wake(divak_tracer *tracer);
/* Housekeeping now and then: lanes of ended threads, pages ahead of use, keys into the mapping. */
void divak_engine_maintain(divak_tracer *tracer);

/* The terms of the identity that recording owns; see stats.h. Call in this order, downstream first. */
uint64_t divak_engine_pending(const divak_tracer *tracer);
uint64_t divak_engine_live(const divak_tracer *tracer);
uint64_t divak_engine_started(const divak_tracer *tracer);
void divak_engine_dropped(const divak_tracer *tracer, uint64_t dropped[DIVAK_DROPPED_COUNT]);

/* Where the calling thread writes: its lane, or a shard, or NULL. Leave it again at once. */
divak_lane *divak_engine_enter_slowly(divak_tracer *tracer, divak_thread *thread);

static inline divak_lane *divak_engine_enter(divak_tracer *tracer, divak_thread *thread) {
    divak_lane *lane = thread->lanes[tracer->index];
    if (lane == NULL || divak_thread_is_inside(thread)) return divak_engine_enter_slowly(tracer, thread);
    thread->gate = DIVAK_GATE_INSIDE;
    divak_signal_fence(); /* a handler of signals on this thread sees the mark before we touch the lane */
    return lane;
}

static inline void divak_engine_leave(divak_thread *thread, divak_lane *lane) {
    if (lane->is_shard) {
        divak_lane_unlock(lane);
        return;
    }
    divak_signal_fence();
    thread->gate = thread->epoch;
}

#endif
