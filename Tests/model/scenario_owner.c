/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_owner.c - a span's owner writes by plain stores; others who tag and end it, the drainer who commits it then, and
 * whoever gets its slot next. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"
#include "collect/engine.h"
#include "divak/span.h"
#include "simulator.h"

static divak_tracer *tracer;
static divak_span root, shared;
static divak_atomic_u64 is_begun, turn, delivered;
static unsigned shared_records, others_records, told[SIM_THREADS_MAX], ended[SIM_THREADS_MAX], found[SIM_THREADS_MAX];
static uint8_t last_value;
static uint32_t kinds_told, shared_kind; /* of the shared span: how often it was changed by another, and what it ended as */

/* Few slots, so that one which comes free is the next to be taken: the owner's lane keeps all others. */
static void prepare(void) {
    tracer = &divak_tracers[0];
    CLAIM(divak_process_init() == DIVAK_OK);
    divak_engine_options options = {
        .ring_bytes = 1024,
        .buffer_bytes = 384 << 10,
        .span_bytes = 8192,
        .name_bytes = 128,
        .key_bytes = 128,
        .value_bytes = 128,
        .tags_max = UINT32_MAX,
        .annotations_max = UINT32_MAX,
    };
    CLAIM(divak_engine_prepare(tracer, 0, &options) == DIVAK_OK);
    CLAIM(tracer->lanes.lane_count >= 5 && tracer->slab.count < 10);
    divak_clock.use_counter = true;
    divak_engine_set_mode(tracer, DIVAK_TRACER_ON);
}

static void begin(void) {
    CLAIM(divak_span_start_recorded(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root) == DIVAK_OK);
    CLAIM(divak_span_finish_recorded(&root) == DIVAK_OK);
    divak_lane *lane = divak_this_thread.lanes[0];
    for (uint32_t number; (number = divak_lane_take_slot(lane)) != 0;) divak_slot_slab_give(&tracer->slab, number);
}

/* A tag of eight bytes, all of them the thread's number or what else is told: a torn one shows. */
static bool tag(const divak_span *span, uint8_t mark) {
    char value[8];
    memset(value, mark, sizeof value);
    return divak_span_tag_recorded(span, "k", 1, value, sizeof value) == DIVAK_OK;
}

static bool take(void *context, divak_record *record) {
    (void)context;
    if (record->span_id == root.span_id) {
        divak_add_release(&delivered, 1);
        return true;
    }
    const uint8_t *at = divak_record_fields(record);
    const bool is_shared = record->parent_id == root.span_id; /* its handle may not be there yet */
    unsigned tags = 0;
    divak_field field;
    CLAIM(record->duration != 0 && record->trace_id_low == root.trace_id_low);
    while (divak_field_next(record, &at, &field)) {
        if (field.type != DIVAK_FIELD_TAG_TEXT) continue;
        CLAIM(field.value_length == 8 && field.value[0] < SIM_THREADS_MAX);
        for (int i = 1; i < 8; i++) CLAIM(field.value[i] == field.value[0]);
        tags++;
        last_value = field.value[0];
        if (is_shared) found[field.value[0]]++;
    }
    /* Another's record has its own two tags and nothing of a span that had the slot before. */
    if (!is_shared) CLAIM(tags == 2 && record->parent_id == last_value);
    if (is_shared) shared_kind = record->kind;
    if (is_shared) shared_records++;
    else others_records++;
    divak_add_release(&delivered, 1);
    return true;
}

static void drain_some(void) {
    for (int i = 0; i < 3; i++) {
        (void)divak_engine_drain(tracer, take, NULL);
        sim_yield();
    }
}

/* Spans of one's own, marked by a parent of the thread's number. */
static void make_own(int count) {
    for (int i = 0; i < count; i++) {
        divak_span parent = root, span;
        parent.span_id = (uint64_t)sim_thread();
        parent.slot = parent.generation = 0;
        if (divak_span_start_recorded(tracer, "a", 1, DIVAK_KIND_LOCAL, &parent, &span) != DIVAK_OK) continue;
        CLAIM(tag(&span, (uint8_t)sim_thread()));
        CLAIM(tag(&span, (uint8_t)sim_thread()));
        (void)divak_span_finish_recorded(&span);
    }
}

static bool has_begun(void) {
    for (int i = 0; i < 3 && divak_load_acquire(&is_begun) == 0; i++) sim_yield();
    return divak_load_acquire(&is_begun) != 0;
}

static void tag_shared(void) {
    told[sim_thread()] += tag(&shared, (uint8_t)sim_thread());
}
static void finish_shared(void) {
    ended[sim_thread()] += divak_span_finish_recorded(&shared) == DIVAK_OK;
}

/* ---- ended under its owner's hands ------------------------------------------------------------------------------------ */

static void own(void) {
    CLAIM(divak_span_start_recorded(tracer, "s", 1, DIVAK_KIND_LOCAL, &root, &shared) == DIVAK_OK);
    CLAIM(divak_load_relaxed(&divak_slot_at(&tracer->slab, shared.slot)->owner) != NULL);
    divak_store_release(&is_begun, 1);
    tag_shared();
    tag_shared();
}
static void own_and_finish(void) {
    own();
    finish_shared();
}
static void finish_anothers(void) {
    if (!has_begun()) return;
    finish_shared();
    make_own(2);
}
static void tag_and_finish_anothers(void) {
    if (!has_begun()) return;
    tag_shared();
    finish_shared();
}

/* The same with a lane that has had spans, so that the shared one is begun in the slot of the one before, and is the last. */
static void own_last(void) {
    make_own(2);
    own();
    const divak_lane *lane = divak_this_thread.lanes[0];
    CLAIM(lane->last_key == divak_span_key(&shared) && lane->spare_key == 0);
}
static void own_last_and_finish(void) {
    own_last();
    finish_shared();
}

static unsigned sum_of(const unsigned *counts) {
    unsigned sum = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) sum += counts[i];
    return sum;
}

static void end_shared(void) {
    for (int i = 0; i < 2; i++) (void)divak_engine_drain(tracer, take, NULL);
    CLAIM(sum_of(ended) <= 1 && shared_records == sum_of(ended));
    for (int i = 0; i < SIM_THREADS_MAX && shared_records != 0; i++) CLAIM(found[i] == told[i]);
    CLAIM(divak_slot_slab_is_settled(&tracer->slab) && divak_engine_pending(tracer) == 0);
    CLAIM(divak_engine_live(tracer) == 1 - shared_records);
}

SCENARIO(owner_ended, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own, finish_anothers, drain_some})
SCENARIO(owner_races, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own_and_finish, tag_and_finish_anothers, drain_some})
SCENARIO(owner_among_writers, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 4,
         .threads = {own_and_finish, tag_and_finish_anothers, tag_and_finish_anothers, drain_some})

SCENARIO(owner_last_ended, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own_last, finish_anothers, drain_some})
SCENARIO(owner_last_races, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own_last_and_finish, tag_and_finish_anothers, drain_some})

/* What another thread changes in it without a field leaves no trace in the slot's word. */
static void change_anothers(void) {
    if (!has_begun()) return;
    kinds_told += divak_span_set_kind(&shared, DIVAK_KIND_CLIENT) == DIVAK_OK;
}
static void end_changed(void) {
    end_shared();
    CLAIM(shared_records == 0 || shared_kind == (kinds_told != 0 ? DIVAK_KIND_CLIENT : DIVAK_KIND_LOCAL));
}

SCENARIO(owner_last_changed, .prepare = prepare, .begin = begin, .end = end_changed, .cost = 2,
         .threads = {own_last_and_finish, change_anothers, drain_some})

/* ---- a lane that passes on while a span of its first thread is open ------------------------------------------------------ */

static void own_and_end_thread(void) {
    own();
    divak_engine_thread_ended(tracer, &divak_this_thread);
    divak_store_relaxed(&turn, 1); /* brings nothing along: that the lease must do */
}
static void take_lane_over(void) {
    for (int i = 0; i < 3 && divak_load_relaxed(&turn) == 0; i++) sim_yield();
    if (divak_load_relaxed(&turn) != 0) make_own(2);
}
static void finish_and_drain(void) {
    if (!has_begun()) return;
    finish_shared();
    drain_some();
}

SCENARIO(owner_lane_passed_on, .prepare = prepare, .begin = begin, .end = end_shared,
         .threads = {own_and_end_thread, take_lane_over, finish_and_drain})

/* The first thread ends without a word, and the kernel gives its id to the next, which has seen its end. */
static divak_lane *left_lane;

static void own_and_vanish(void) {
    own();
    left_lane = divak_this_thread.lanes[0];
    divak_store_release(&turn, 1);
}
static void inherit_lane(void) {
    for (int i = 0; i < 3 && divak_load_acquire(&turn) == 0; i++) sim_yield();
    if (divak_load_acquire(&turn) == 0) return;
    divak_store_relaxed(&left_lane->owner, divak_system_thread_id());
    CLAIM(divak_lanes_lease(&tracer->lanes) == left_lane);
}

SCENARIO(owner_lane_inherited, .prepare = prepare, .begin = begin, .end = end_shared,
         .threads = {own_and_vanish, inherit_lane, finish_and_drain})

/* ---- asked whether anything was said --------------------------------------------------------------------------------------- */

static void ask(void) {
    if (!has_begun()) return;
    bool was_untouched = divak_span_is_untouched(&shared);
    for (int i = 0; i < 2; i++) {
        bool is_untouched = divak_span_is_untouched(&shared);
        CLAIM(was_untouched || !is_untouched);
        was_untouched = is_untouched;
    }
}

SCENARIO(owner_asked, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own_and_finish, ask, drain_some})

/* ---- a handle that its owner uses on -------------------------------------------------------------------------------------- */

static void own_on(void) {
    own();
    tag_shared();
    tag_shared();
    finish_shared();
}
static void own_last_on(void) {
    own_last();
    tag_shared();
    finish_shared();
    make_own(1); /* in the same slot, if it was us: not with what the handle says afterwards */
    tag_shared();
}
static void take_slot_over(void) {
    if (!has_begun()) return;
    finish_shared();
    for (int i = 0; i < 2; i++) {
        (void)divak_engine_drain(tracer, take, NULL);
        make_own(1);
    }
}

SCENARIO(owner_stale, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2, .threads = {own_on, take_slot_over})
SCENARIO(owner_last_stale, .prepare = prepare, .begin = begin, .end = end_shared, .cost = 2,
         .threads = {own_last_on, take_slot_over})

/* ---- the last value counts, whoever says it ---------------------------------------------------------------------------- */

static void await_turn(uint64_t number) {
    while (divak_load_acquire(&turn) != number) sim_yield();
}
static void say_first_and_third(void) {
    CLAIM(divak_span_start_recorded(tracer, "s", 1, DIVAK_KIND_LOCAL, &root, &shared) == DIVAK_OK);
    CLAIM(tag(&shared, 1));
    divak_store_release(&turn, 1);
    await_turn(2);
    CLAIM(tag(&shared, 3));
    divak_store_release(&turn, 3);
}
static void say_second(void) {
    await_turn(1);
    CLAIM(tag(&shared, 2));
    divak_store_release(&turn, 2);
    await_turn(3);
    CLAIM(divak_span_finish_recorded(&shared) == DIVAK_OK);
}
static void end_in_order(void) {
    (void)divak_engine_drain(tracer, take, NULL);
    CLAIM(shared_records == 1 && last_value == 3 && found[1] == 1 && found[2] == 1 && found[3] == 1);
}

SCENARIO(owner_order, .prepare = prepare, .begin = begin, .end = end_in_order, .threads = {say_first_and_third, say_second})

/* ---- counts, and shutdown -------------------------------------------------------------------------------------------------- */

/* As in scenario_span.c: nothing is ever seen twice. */
static void read_counts(void) {
    for (int i = 0; i < 2; i++) {
        uint64_t sum = divak_load_acquire(&delivered);
        uint64_t dropped[DIVAK_DROPPED_COUNT] = {0};
        divak_engine_dropped(tracer, dropped);
        for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += dropped[reason];
        uint64_t pending = divak_engine_pending(tracer);
        CLAIM(pending < UINT64_C(1) << 32);
        sum += pending;
        sum += divak_engine_live(tracer);
        CLAIM(sum <= divak_engine_started(tracer));
    }
}
static void abandon_anothers(void) {
    if (has_begun()) (void)divak_span_abandon(&shared);
}

SCENARIO(owner_counts, .prepare = prepare, .begin = begin, .cost = 4,
         .threads = {own, finish_anothers, drain_some, read_counts})
SCENARIO(owner_abandoned, .prepare = prepare, .begin = begin, .cost = 4,
         .threads = {own, abandon_anothers, drain_some, read_counts})

/* Its owner stands still in it, and a handler has ended it there. */
static void begin_stuck(void) {
    begin();
    own();
    divak_store_relaxed(&divak_this_thread.lanes[0]->inside, shared.slot);
    finish_shared();
}
static void drain_and_give_up(void) {
    (void)divak_engine_drain(tracer, take, NULL);
    divak_engine_give_up(tracer);
    (void)divak_engine_drain(tracer, take, NULL);
    CLAIM(shared_records == 0 && divak_engine_pending(tracer) == 0);
}

SCENARIO(owner_given_up, .prepare = prepare, .begin = begin_stuck, .threads = {drain_and_give_up, read_counts})

static void close_tracer(void) {
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    if (divak_system.barrier_everywhere() != 0) divak_fence_sequential();
    do {
        (void)divak_engine_drain(tracer, take, NULL);
        sim_yield();
    } while (!divak_slot_slab_is_settled(&tracer->slab));
    (void)divak_engine_drain(tracer, take, NULL);
}
static void end_closed(void) {
    unsigned before = shared_records;
    for (int i = 0; i < 2; i++) (void)divak_engine_drain(tracer, take, NULL);
    CLAIM(shared_records == before); /* what was not there at the end of the shutdown does not come later */
    uint64_t dropped[DIVAK_DROPPED_COUNT] = {0}, sum = divak_load_relaxed(&delivered);
    divak_engine_dropped(tracer, dropped);
    for (int reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += dropped[reason];
    CLAIM(sum + divak_engine_live(tracer) == divak_engine_started(tracer) && divak_engine_pending(tracer) == 0);
}

static void own_if_open(void) {
    if (divak_span_start_recorded(tracer, "s", 1, DIVAK_KIND_LOCAL, &root, &shared) != DIVAK_OK) return;
    divak_store_release(&is_begun, 1);
    tag_shared();
}

SCENARIO(owner_shutdown, .prepare = prepare, .begin = begin, .end = end_closed, .cost = 4,
         .threads = {own_if_open, finish_anothers, close_tracer})

static void own_last_if_open(void) {
    make_own(2);
    own_if_open();
    finish_shared();
}

SCENARIO(owner_last_shutdown, .prepare = prepare, .begin = begin, .end = end_closed, .cost = 4,
         .threads = {own_last_if_open, close_tracer})

static void close_finish_and_drain(void) {
    if (!has_begun()) return;
    divak_engine_set_mode(tracer, DIVAK_TRACER_CLOSING);
    finish_shared(); /* of a closed tracer: counted as dropped, and never as live from then on */
    (void)divak_engine_drain(tracer, take, NULL);
}

SCENARIO(owner_shutdown_counts, .prepare = prepare, .begin = begin,
         .threads = {own_if_open, close_finish_and_drain, read_counts})
