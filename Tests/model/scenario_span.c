/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_span.c - spans through the calls that programs make: started, tagged and ended by several threads, drained by
 * another, while someone reads the counts. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "collect/engine.h"
#include "divak/span.h"
#include "simulator.h"

enum { RING = 1024, BUFFER = 384 << 10 };

static divak_tracer *tracer;
static divak_span root;
static unsigned records, tags_found, tags_told[SIM_THREADS_MAX], ends_won[SIM_THREADS_MAX];
static divak_atomic_u64 delivered, is_over;

static void prepare_with(uint32_t span_bytes, bool is_plain) {
    tracer = &divak_tracers[0];
    CLAIM(divak_process_init() == DIVAK_OK);
    divak_engine_options options = {
        .ring_bytes = RING,
        .buffer_bytes = BUFFER,
        .span_bytes = span_bytes,
        .name_bytes = 128,
        .key_bytes = 128,
        .value_bytes = 128,
        .tags_max = UINT32_MAX,
        .annotations_max = UINT32_MAX,
    };
    CLAIM(divak_engine_prepare(tracer, 0, &options) == DIVAK_OK);
    CLAIM(tracer->lanes.lane_count >= 4 && tracer->lanes.lane_count < 32); /* each thread has one */
    divak_clock.use_counter = is_plain;
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
}

static void prepare(void) { prepare_with(1024, true); }

/* May be refused where all lanes and shards are busy; that is counted, and has no slot. */
static void start_child(divak_span *out_span) {
    (void)divak_span_start_recorded(tracer, "a", 1, DIVAK_KIND_LOCAL, &root, out_span);
}

static void begin(void) {
    CLAIM(divak_span_start_recorded(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root) == DIVAK_OK);
}

/* As where another thread has ended spans of this one, or tags are counted. */
static void begin_without_owner(void) {
    for (unsigned i = 0; i < tracer->lanes.lane_count; i++) divak_store_relaxed(&tracer->lanes.lanes[i].owned_room, 0);
    begin();
}

static bool take(void *context, divak_record *record) {
    (void)context;
    CLAIM(record->length >= DIVAK_RECORD_HEADER && record->trace_id_low == root.trace_id_low && record->duration != 0);
    records++;
    if (record->span_id == root.span_id) {
        const uint8_t *at = divak_record_fields(record);
        divak_field field;
        while (divak_field_next(record, &at, &field)) tags_found += field.type == DIVAK_FIELD_TAG_TEXT;
    }
    divak_add_release(&delivered, 1);
    return true;
}

static void drain_some(void) {
    for (int i = 0; i < 3; i++) {
        (void)divak_engine_drain(tracer, take, NULL);
        sim_yield();
    }
}

/* ---- one span under many hands --------------------------------------------------------------------------------------- */

static void tag_root(void) {
    for (int i = 0; i < 2; i++) {
        tags_told[sim_thread()] += divak_span_tag_recorded(&root, "k", 1, "value", 5) == DIVAK_OK;
    }
}
static void finish_root(void) {
    ends_won[sim_thread()] += divak_span_finish_recorded(&root) == DIVAK_OK;
}
static void tag_and_finish_root(void) {
    tag_root();
    finish_root();
}

static void end_root(void) {
    (void)divak_engine_drain(tracer, take, NULL);
    unsigned told = 0, won = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) {
        told += tags_told[i];
        won += ends_won[i];
    }
    CLAIM(won == 1 && records == 1 && tags_found == told);
    CLAIM(divak_slot_slab_is_settled(&tracer->slab) && divak_engine_live(tracer) == 0);
    CLAIM(divak_engine_pending(tracer) == 0 && divak_engine_started(tracer) == 1);
}

SCENARIO(span_shared, .cost = 4, .prepare = prepare, .begin = begin, .end = end_root,
         .threads = {tag_root, tag_and_finish_root, finish_root, drain_some})

/* A thread that has a lane already takes the short way: it must see all that others have said of the span. */
static unsigned root_records;

static bool take_root(void *context, divak_record *record) {
    root_records += record->span_id == root.span_id;
    return take(context, record);
}

static void finish_root_quickly(void) {
    divak_span span;
    start_child(&span);
    (void)divak_span_finish_recorded(&span);
    finish_root();
}

static void end_root_quickly(void) {
    (void)divak_engine_drain(tracer, take_root, NULL);
    unsigned told = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) told += tags_told[i];
    CLAIM(root_records == 1 && tags_found == told);
}

SCENARIO(span_shared_quickly, .prepare = prepare, .begin = begin, .end = end_root_quickly, .cost = 2,
         .threads = {tag_root, finish_root_quickly})
SCENARIO(span_shared_quickly_unowned, .prepare = prepare, .begin = begin_without_owner, .end = end_root_quickly, .cost = 2,
         .threads = {tag_root, finish_root_quickly})

/* ---- a lane that fills up, and a drainer that sleeps -------------------------------------------------------------------- */

static void start_and_finish_many(void) {
    for (int i = 0; i < 15; i++) {
        divak_span span;
        start_child(&span);
        (void)divak_span_finish_recorded(&span);
    }
    divak_store_relaxed(&is_over, 1);
}

/* Sleeps without a limit: a wake that gets lost stays lost. */
static void sleep_until_filled(void) {
    while (divak_load_relaxed(&is_over) == 0) {
        (void)divak_engine_drain(tracer, take, NULL);
        uint64_t allowed = divak_engine_declare_sleep(tracer, UINT64_MAX);
        bool is_needed = divak_engine_fill(tracer) >= 128;
        divak_engine_sleep(tracer, is_needed ? 0 : allowed);
    }
}

/* Past half the drainer is woken, or was up; then it may sleep until the next look, which is at three quarters. Asleep
 * beyond that it would be too late. */
static bool has_room(void) {
    for (unsigned i = 0; i < tracer->lanes.lane_count; i++) {
        const divak_ring *ring = &tracer->lanes.lanes[i].ring;
        if (divak_load_relaxed(&ring->head) - divak_load_relaxed(&ring->tail) > RING / 4 * 3) return false;
    }
    return true;
}

SCENARIO(span_wakes_drainer, .cost = 8, .prepare = prepare, .begin = begin, .may_time_out = has_room,
         .threads = {start_and_finish_many, sleep_until_filled})

/* ---- counts ---------------------------------------------------------------------------------------------------------------- */

static void start_and_finish_two(void) {
    for (int i = 0; i < 2; i++) {
        divak_span span;
        start_child(&span);
        (void)divak_span_finish_recorded(&span);
    }
}

/* Downstream first: what is counted there has left what is read after. Nothing is seen twice, at any moment. */
static void read_counts(void) {
    for (int i = 0; i < 2; i++) {
        uint64_t sum = divak_load_acquire(&delivered);
        uint64_t dropped[DIVAK_DROPPED_COUNT] = {0};
        divak_engine_dropped(tracer, dropped);
        for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += dropped[reason];
        uint64_t pending = divak_engine_pending(tracer);
        CLAIM(pending < UINT64_C(1) << 32); /* not less than none */
        sum += pending;
        sum += divak_engine_live(tracer);
        CLAIM(sum <= divak_engine_started(tracer));
    }
}

SCENARIO(span_counts, .cost = 4, .prepare = prepare, .begin = begin, .threads = {start_and_finish_two, drain_some, read_counts})

/* Without lanes left, without the counter: shards, the long way. */
static void prepare_specially(void) { prepare_with(1024, false); }

SCENARIO(span_counts_specially, .cost = 4, .prepare = prepare_specially, .begin = begin,
         .threads = {start_and_finish_two, start_and_finish_two, drain_some, read_counts})

/* ---- drops: each of them counted after the start that it ends ---------------------------------------------------------------- */

static void prepare_few_slots(void) { prepare_with(8192, true); }

static void start_too_many(void) {
    for (int i = 0; i < 6; i++) {
        divak_span span;
        start_child(&span);
    }
}

static void start_and_abandon(void) {
    for (int i = 0; i < 2; i++) {
        divak_span span;
        start_child(&span);
        (void)divak_span_abandon(&span);
    }
}

/* All the same but that nobody drains: the last ones find the lane full. */
static void fill_up(void) {
    for (int i = 0; i < 17; i++) {
        divak_span span;
        start_child(&span);
        (void)divak_span_finish_recorded(&span);
    }
}

static void close_and_start(void) {
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    divak_span span;
    start_child(&span);
    (void)divak_span_finish_recorded(&root);
}

/* No lane and no shard to be had, but for those who have one; and the root has no owner, so that whoever ends it has to
 * find a place for it. */
static void begin_without_lanes(void) {
    begin_without_owner();
    tracer->lanes.lane_count = 0;
    for (unsigned i = 0; i < tracer->lanes.shard_count; i++) divak_store_relaxed(&tracer->lanes.shards[i].owner, 1);
}

static void start_contended(void) {
    for (int i = 0; i < 2; i++) {
        divak_span span;
        start_child(&span);
    }
    (void)divak_span_finish_recorded(&root);
}

/* As a handler of signals finds things that interrupted its thread in a lane. */
static void start_reentrant(void) {
    (void)divak_thread_enter();
    divak_this_thread.gate = DIVAK_GATE_INSIDE;
    start_contended();
}

SCENARIO(span_drops_no_slot, .prepare = prepare_few_slots, .begin = begin, .cost = 4,
         .threads = {start_too_many, read_counts})
SCENARIO(span_drops_abandoned, .prepare = prepare, .begin = begin, .cost = 4,
         .threads = {start_and_abandon, read_counts})
SCENARIO(span_drops_full_lane, .prepare = prepare, .begin = begin, .cost = 8, .threads = {fill_up, read_counts})
SCENARIO(span_drops_closed, .prepare = prepare, .begin = begin, .cost = 4, .threads = {close_and_start, read_counts})
SCENARIO(span_drops_contended, .prepare = prepare, .begin = begin_without_lanes, .cost = 4,
         .threads = {start_contended, read_counts})
SCENARIO(span_drops_reentrant, .prepare = prepare, .begin = begin_without_lanes, .cost = 4,
         .threads = {start_reentrant, read_counts})

/* ---- the kill switch and shutdown ------------------------------------------------------------------------------------------- */

static void close_tracer(void) {
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    if (divak_system.barrier_everywhere() != 0) divak_fence_sequential();
    while (!divak_slot_slab_is_settled(&tracer->slab)) sim_yield();
    (void)divak_engine_drain(tracer, take, NULL);
}

static void start_and_finish_late(void) {
    for (int i = 0; i < 2; i++) {
        divak_span span;
        (void)divak_span_start_recorded(tracer, "a", 1, DIVAK_KIND_LOCAL, &root, &span);
        (void)divak_span_finish_recorded(&span);
    }
}

static void end_closed(void) {
    unsigned before = records;
    (void)divak_engine_drain(tracer, take, NULL);
    CLAIM(records == before);
    uint64_t dropped[DIVAK_DROPPED_COUNT] = {0}, sum = records;
    divak_engine_dropped(tracer, dropped);
    for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += dropped[reason];
    CLAIM(sum + divak_engine_live(tracer) == divak_engine_started(tracer));
}

SCENARIO(span_shutdown, .cost = 4, .prepare = prepare, .begin = begin, .end = end_closed,
         .threads = {start_and_finish_late, start_and_finish_late, close_tracer})

/* ---- spans whose end is only noted -------------------------------------------------------------------------------------------- */

enum { NOTED_END = 12345 };
static unsigned durations_noted, durations_missing, notes_won[SIM_THREADS_MAX];

static void begin_deferred(void) {
    divak_start_options options = {.name = "d", .name_length = 1, .parent = &divak_no_parent, .defer_report = true};
    CLAIM(divak_span_start_with(tracer, &options, &root) == DIVAK_OK);
}

static void note_end(void) {
    notes_won[sim_thread()] += divak_span_finish_with_duration(&root, NOTED_END) == DIVAK_OK;
}

static bool take_deferred(void *context, divak_record *record) {
    (void)context;
    bool has_none = (record->flags & DIVAK_RECORD_NO_DURATION) != 0;
    CLAIM(has_none ? record->duration == 0 : record->duration == NOTED_END);
    CLAIM(has_none == ((record->flags & DIVAK_RECORD_DURATION_GIVEN) == 0));
    durations_missing += has_none;
    durations_noted += !has_none;
    return true;
}

static void flush_deferred(void) {
    ends_won[sim_thread()] += divak_span_flush(&root) == DIVAK_OK;
}

/* A flush before the note: the span goes without an end; after it, with the end that was noted. Never anything else. */
static void end_deferred(void) {
    (void)divak_engine_drain(tracer, take_deferred, NULL);
    CLAIM(ends_won[2] == 1 && durations_noted + durations_missing == 1);
    CLAIM(notes_won[1] + notes_won[3] <= 1);
}

SCENARIO(span_deferred, .prepare = prepare, .begin = begin_deferred, .end = end_deferred,
         .threads = {note_end, flush_deferred, note_end})

/* ---- carriers of baggage ---------------------------------------------------------------------------------------------------------- */

static uint32_t baggage, baggage_generation;

static void begin_baggage(void) {
    CLAIM(divak_baggage_table_create(&tracer->baggage, "a=b", 3, DIVAK_BAGGAGE_BY_REFERENCE, 0, 0, &baggage,
                                     &baggage_generation) == DIVAK_OK);
}

/* Unsampled spans take a slot for their baggage; it is no span that is live. */
static void carry_and_end(void) {
    for (int i = 0; i < 2; i++) {
        divak_span span = {0};
        if (!divak_baggage_table_retain(&tracer->baggage, baggage, baggage_generation)) return;
        CLAIM(divak_span_adopt_baggage(&span, baggage, baggage_generation) == DIVAK_OK);
        CLAIM(divak_span_finish_recorded(&span) == DIVAK_OK);
    }
}

static void count_no_live(void) {
    for (int i = 0; i < 2; i++) CLAIM(divak_engine_live(tracer) == 0);
}

/* Its own reference is the only one left. */
static void end_baggage(void) {
    CLAIM(divak_baggage_table_release(&tracer->baggage, baggage, baggage_generation));
    CLAIM(!divak_baggage_table_retain(&tracer->baggage, baggage, baggage_generation));
}

SCENARIO(span_carriers, .prepare = prepare_few_slots, .begin = begin_baggage, .end = end_baggage,
         .threads = {carry_and_end, count_no_live})

/* ---- keys in the mapping ------------------------------------------------------------------------------------------------------- */

static void add_keys(void) {
    CLAIM(divak_key_table_add(&divak_keys, "one", 3) == 1);
    CLAIM(divak_key_table_add(&divak_keys, "three", 5) == 2);
}

static void maintain(void) {
    for (int i = 0; i < 2; i++) {
        divak_engine_maintain(tracer);
        const divak_key_entry *entry = divak_key_table_find(tracer->keys, 2);
        CLAIM(entry == NULL || memcmp(tracer->keys->bytes + entry->offset, "three", entry->length) == 0);
    }
}

SCENARIO(keys_in_mapping, .prepare = prepare, .threads = {add_keys, maintain})
