/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_slot.c - a live span under many hands: no update that was accepted is lost, one commit, nobody in a reused
 * slot; and the list of free slots. */
#include <string.h>

#include "collect/slot.h"
#include "simulator.h"

enum { SLOT_BYTES = 512, SLOTS = 2, FIELD = 8, GENERATIONS = 3 };

/* What a commit found; written by whoever commits, so that two commits would be a race. */
typedef struct committed_span {
    unsigned commits;
    uint64_t begun, end_noted;
    uint64_t length;
    uint8_t fields[64];
} committed_span;

static divak_slot_slab slab;
static uint32_t number, generation;
static committed_span committed[SLOTS * 2];
/* By thread: updates that returned OK, ends that did. */
static unsigned accepted[SIM_THREADS_MAX], ended[SIM_THREADS_MAX];

static void prepare(void) {
    divak_slot_slab_init(&slab, sim_allocate(SLOTS * SLOT_BYTES), SLOT_BYTES, SLOTS, 7);
}

/* Begins a span in a fresh slot as fill_slot does. */
static bool begin_span(uint32_t *out_number, uint32_t *out_generation, uint64_t content, uint32_t usage) {
    *out_number = divak_slot_slab_take(&slab);
    if (*out_number == 0) return false;
    divak_slot *slot = divak_slot_at(&slab, *out_number);
    *out_generation = divak_slot_generation(slot);
    slot->record.span_id = content;
    divak_store_relaxed(&slot->usage, usage);
    divak_slot_publish(slot, (uint64_t)*out_generation << 32);
    return true;
}

static void commit(uint32_t at, uint32_t under, committed_span *out) {
    divak_slot *slot = divak_slot_at(&slab, at);
    out->commits++;
    out->begun = slot->record.span_id;
    out->end_noted = slot->record.duration;
    out->length = divak_load_relaxed(&slot->word) & DIVAK_SLOT_RESERVED_MASK;
    memcpy(out->fields, slot->fields, out->length);
    if (divak_load_relaxed(&slot->usage) != 0) divak_store_release(&slot->usage, 0);
    divak_slot_retire(slot, under);
    divak_slot_slab_give(&slab, at);
}

static bool tag(uint32_t at, uint32_t under, uint8_t mark, committed_span *out) {
    divak_slot *slot = divak_slot_at(&slab, at);
    uint64_t offset;
    if (divak_slot_enter(slot, under, FIELD, 64, &offset) != DIVAK_SLOT_OK) return false;
    memset(slot->fields + offset, mark, FIELD);
    accepted[sim_thread()]++;
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) commit(at, under, out);
    return true;
}

static bool finish(uint32_t at, uint32_t under, committed_span *out) {
    divak_slot *slot = divak_slot_at(&slab, at);
    divak_slot_result result = divak_slot_end(slot, under);
    if (result != DIVAK_SLOT_OK && result != DIVAK_SLOT_LAST) return false;
    ended[sim_thread()]++;
    slot->record.duration = 42; /* the end, noted before the slot is left */
    if (result == DIVAK_SLOT_OK && divak_slot_leave(slot) != DIVAK_SLOT_LAST) return true;
    commit(at, under, out);
    return true;
}

/* ---- one span, several threads ------------------------------------------------------------------------------------- */

static void begin(void) {
    CLAIM(begin_span(&number, &generation, 1, 0));
}

static void tag_once(void) { (void)tag(number, generation, (uint8_t)sim_thread(), &committed[0]); }
static void tag_twice(void) {
    (void)tag(number, generation, (uint8_t)sim_thread(), &committed[0]);
    (void)tag(number, generation, (uint8_t)sim_thread(), &committed[0]);
}
static void finish_it(void) { (void)finish(number, generation, &committed[0]); }
static void tag_and_finish(void) {
    tag_once();
    finish_it();
}

static void check_committed(const committed_span *span, uint64_t begun) {
    CLAIM(span->commits == 1);
    CLAIM(span->begun == begun);
    CLAIM(span->end_noted == 42);
    unsigned found[256] = {0};
    for (uint64_t i = 0; i < span->length; i += FIELD) {
        for (unsigned j = 1; j < FIELD; j++) CLAIM(span->fields[i + j] == span->fields[i]);
        found[span->fields[i]]++;
    }
    for (unsigned i = 1; i < SIM_THREADS_MAX; i++) CLAIM(found[i] == accepted[i]);
}

static void end_once(void) {
    unsigned ends = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) ends += ended[i];
    CLAIM(ends == 1);
    check_committed(&committed[0], 1);
    CLAIM(divak_slot_slab_is_settled(&slab));
    CLAIM(divak_slot_slab_count_live(&slab) == 0);
}

SCENARIO(slot_many_writers, .prepare = prepare, .begin = begin, .end = end_once,
         .threads = {tag_twice, tag_once, finish_it, finish_it})
SCENARIO(slot_writer_finishes, .prepare = prepare, .begin = begin, .end = end_once,
         .threads = {tag_and_finish, tag_and_finish, tag_once})

/* ---- a handle of an earlier life -------------------------------------------------------------------------------------- */

/* Two slots, three threads that begin spans of their own: slots come back, and the first handle is used on. */
static void begin_others(void) {
    for (unsigned i = 0; i < 2; i++) {
        uint32_t own_number, own_generation;
        committed_span *out = &committed[sim_thread() - 2];
        if (!begin_span(&own_number, &own_generation, 100 + (unsigned)sim_thread(), 0)) continue;
        unsigned before = out->commits;
        CLAIM(tag(own_number, own_generation, (uint8_t)sim_thread(), out));
        CLAIM(finish(own_number, own_generation, out));
        CLAIM(out->commits == before + 1);
        CLAIM(out->length == FIELD && out->fields[0] == sim_thread() && out->fields[FIELD - 1] == sim_thread());
        CLAIM(out->begun == 100u + (unsigned)sim_thread());
    }
}

/* The only commits of the first span; the slot that the handle names may be anybody's by now. */
static void use_first(void) {
    (void)tag(number, generation, 9, &committed[3]);
    (void)finish(number, generation, &committed[3]);
    CLAIM(!tag(number, generation, 9, &committed[3]));
    CLAIM(!finish(number, generation, &committed[3]));
}

static void end_reuse(void) {
    CLAIM(committed[3].commits == 1 && committed[3].begun == 1);
    CLAIM(divak_slot_slab_is_settled(&slab));
    uint32_t first = divak_slot_slab_take(&slab), second = divak_slot_slab_take(&slab);
    CLAIM(first != 0 && second != 0 && first != second && divak_slot_slab_take(&slab) == 0);
}

SCENARIO(slot_reuse, .prepare = prepare, .begin = begin, .end = end_reuse,
         .threads = {use_first, begin_others, begin_others})

/* ---- what is read across all slots ------------------------------------------------------------------------------------ */

static divak_atomic_u64 in_lane;

/* Carriers of baggage, of which the count of live spans must not take one for a span. */
static void begin_carriers(void) {
    for (unsigned i = 0; i < 2; i++) {
        uint32_t own_number, own_generation;
        if (!begin_span(&own_number, &own_generation, 5, DIVAK_SLOT_CARRIES_ONLY)) return;
        divak_slot *slot = divak_slot_at(&slab, own_number);
        CLAIM(divak_slot_end(slot, own_generation) == DIVAK_SLOT_LAST);
        divak_store_relaxed(&in_lane, i + 1);
        divak_store_release(&slot->usage, 0);
        divak_slot_retire(slot, own_generation);
        divak_slot_slab_give(&slab, own_number);
    }
}

static void count_carriers(void) {
    for (int i = 0; i < 3; i++) CLAIM(divak_slot_slab_count_live(&slab) == 0);
}

/* A word that is free again comes with the record in the lane. */
static void see_settled(void) {
    for (int i = 0; i < 2; i++) {
        uint32_t ended_spans = 0;
        for (uint32_t j = 0; j < SLOTS; j++) {
            uint64_t word = divak_load_relaxed(&divak_slot_at(&slab, divak_slot_number(&slab, j))->word);
            ended_spans += (uint32_t)(word >> 32) - (7 + DIVAK_SLOT_RESET_STRIDE);
        }
        if (!divak_slot_slab_is_settled(&slab)) continue;
        CLAIM(divak_load_relaxed(&in_lane) >= ended_spans);
    }
}

SCENARIO(slot_count_live, .prepare = prepare, .threads = {begin_carriers, count_carriers})
SCENARIO(slot_settled, .prepare = prepare, .threads = {begin_carriers, see_settled})

/* ---- the free list ---------------------------------------------------------------------------------------------------- */

static void take_and_give(void) {
    for (unsigned i = 0; i < 2; i++) {
        uint32_t first = divak_slot_slab_take(&slab);
        uint32_t second = i == 0 ? divak_slot_slab_take(&slab) : 0;
        if (first != 0) divak_slot_at(&slab, first)->record.span_id = (uint64_t)sim_thread();
        if (second != 0) divak_slot_at(&slab, second)->record.span_id = (uint64_t)sim_thread();
        CLAIM(first == 0 || first != second);
        if (first != 0) {
            CLAIM(divak_slot_at(&slab, first)->record.span_id == (uint64_t)sim_thread());
            divak_slot_slab_give(&slab, first);
        }
        if (second != 0) divak_slot_slab_give(&slab, second);
    }
}

static void end_list(void) {
    uint32_t first = divak_slot_slab_take(&slab), second = divak_slot_slab_take(&slab);
    CLAIM(first != 0 && second != 0 && first != second && divak_slot_slab_take(&slab) == 0);
}

SCENARIO(slot_free_list, .prepare = prepare, .threads = {take_and_give, take_and_give, take_and_give},
         .end = end_list)
