/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - lays out a tracer's mapping, and lends its lanes to threads. */
#include "collect/engine.h"

#include <string.h>

#include "base/clock.h"
#include "base/copies.h"
#include "base/memory.h"
#include "base/system.h"
#include "collect/sampler.h"
#include "collect/span.h"

enum {
    LANES_MAX = 1024,
    SHARDS_MAX = 16,
    PAGE = 4096,
    BAGGAGE_SHARE = 16 /* a sixteenth of the budget, beside the mapping, for what travels beside the ids */
};

/* Keys are not cut to nothing on the way to the slot that is nobody's. */
#define UNUSED_TRACER {.slab = {.bytes = (uint8_t *)&divak_no_slot}, .field_limit = 0, .options = {.key_bytes = 1}}
#define FOUR_TRACERS UNUSED_TRACER, UNUSED_TRACER, UNUSED_TRACER, UNUSED_TRACER
_Static_assert(DIVAK_TRACERS_MAX == 16, "as many as are listed");
divak_tracer divak_tracers[DIVAK_TRACERS_MAX] = {FOUR_TRACERS, FOUR_TRACERS, FOUR_TRACERS, FOUR_TRACERS};

typedef struct layout {
    uint64_t ring_bytes, shard_ring_bytes;
    uint32_t lane_count, shard_count, slot_count, slot_bytes;
    uint64_t anchors, keys, lanes, slots, rings, store; /* offsets */
    uint64_t store_bytes, total;
} layout;

static uint64_t power_of_two_at_most(uint64_t value) {
    return (uint64_t)1 << (63 - __builtin_clzll(value));
}

static uint64_t whole_pages(uint64_t bytes) {
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Half of the budget for the store, an eighth for slots, the rest for lanes; of those a quarter at most for shards. */
static layout lay_out(const divak_engine_options *options) {
    layout plan = {0};
    uint64_t budget = options->buffer_bytes - options->buffer_bytes / BAGGAGE_SHARE;
    plan.slot_bytes = options->span_bytes;
    /* Rounded up: a server of a thousand requests has two thousand spans open. */
    uint64_t slots = budget / 8 / plan.slot_bytes < 4 ? 4 : budget / 8 / plan.slot_bytes;
    plan.slot_count = (uint32_t)power_of_two_at_most(2 * slots - 1);
    plan.ring_bytes = power_of_two_at_most(options->ring_bytes);
    plan.store_bytes = budget / 2 / PAGE * PAGE;

    uint64_t fixed = whole_pages(sizeof(divak_mapping_header)) + whole_pages(sizeof(divak_anchors)) +
                     whole_pages(sizeof(divak_key_table)) + (uint64_t)plan.slot_count * plan.slot_bytes;
    uint64_t for_lanes = budget - plan.store_bytes > fixed ? budget - plan.store_bytes - fixed : 0;
    uint64_t one_lane = plan.ring_bytes + DIVAK_RING_SLACK + sizeof(divak_lane);
    unsigned processors = divak_system_processor_count();
    plan.shard_count = processors < 2 ? 2 : processors > SHARDS_MAX ? SHARDS_MAX : processors;
    plan.shard_ring_bytes = plan.ring_bytes;
    while (plan.shard_ring_bytes > 2 * (uint64_t)plan.slot_bytes + PAGE &&
           plan.shard_ring_bytes * plan.shard_count > for_lanes / 4) {
        plan.shard_ring_bytes /= 2;
    }
    uint64_t one_shard = plan.shard_ring_bytes + DIVAK_RING_SLACK + sizeof(divak_lane);
    while (plan.shard_count > 1 && one_shard * plan.shard_count > for_lanes / 2) plan.shard_count--;
    uint64_t left = for_lanes > one_shard * plan.shard_count ? for_lanes - one_shard * plan.shard_count : 0;
    uint64_t lanes = left / one_lane;
    plan.lane_count = (uint32_t)(lanes > LANES_MAX ? LANES_MAX : lanes);

    plan.anchors = whole_pages(sizeof(divak_mapping_header));
    plan.keys = plan.anchors + whole_pages(sizeof(divak_anchors));
    plan.lanes = plan.keys + whole_pages(sizeof(divak_key_table));
    plan.slots = plan.lanes + whole_pages((plan.lane_count + plan.shard_count) * sizeof(divak_lane));
    plan.rings = plan.slots + whole_pages((uint64_t)plan.slot_count * plan.slot_bytes);
    plan.store = plan.rings + whole_pages(plan.lane_count * (plan.ring_bytes + DIVAK_RING_SLACK) +
                                          plan.shard_count * (plan.shard_ring_bytes + DIVAK_RING_SLACK));
    plan.total = plan.store + plan.store_bytes;
    return plan;
}

static bool header_matches(const divak_mapping_header *header, const layout *plan) {
    return header->total_bytes == plan->total && header->lane_count == plan->lane_count &&
           header->shard_count == plan->shard_count && header->ring_bytes == plan->ring_bytes &&
           header->shard_ring_bytes == plan->shard_ring_bytes && header->slot_count == plan->slot_count &&
           header->slot_bytes == plan->slot_bytes;
}

static void write_header(divak_mapping_header *header, const layout *plan) {
    *header = (divak_mapping_header){
        .byte_order = 0x01020304,
        .word_size = sizeof(void *),
        .version = DIVAK_MAPPING_VERSION,
        .total_bytes = plan->total,
        .anchors_offset = plan->anchors,
        .keys_offset = plan->keys,
        .lanes_offset = plan->lanes,
        .slots_offset = plan->slots,
        .rings_offset = plan->rings,
        .store_offset = plan->store,
        .lane_count = plan->lane_count,
        .shard_count = plan->shard_count,
        .ring_bytes = plan->ring_bytes,
        .shard_ring_bytes = plan->shard_ring_bytes,
        .slot_count = plan->slot_count,
        .slot_bytes = plan->slot_bytes,
        .store_bytes = plan->store_bytes,
        .magic = DIVAK_MAPPING_MAGIC,
    };
}

static int map_and_lay_out(divak_tracer *tracer, const layout *plan) {
    uint8_t *mapping = divak_system.map(plan->total);
    if (mapping == NULL) return DIVAK_ERROR_MEMORY;
    tracer->header = (divak_mapping_header *)(void *)mapping;
    tracer->anchors = (divak_anchors *)(void *)(mapping + plan->anchors);
    tracer->keys = (divak_key_table *)(void *)(mapping + plan->keys);
    tracer->store_bytes = mapping + plan->store;
    tracer->store_capacity = plan->store_bytes;
    tracer->lanes.lanes = (divak_lane *)(void *)(mapping + plan->lanes);
    tracer->lanes.lane_count = plan->lane_count;
    tracer->lanes.shards = tracer->lanes.lanes + plan->lane_count;
    tracer->lanes.shard_count = plan->shard_count;
    uint8_t *ring = mapping + plan->rings;
    for (uint32_t i = 0; i < plan->lane_count + plan->shard_count; i++) {
        divak_lane *lane = &tracer->lanes.lanes[i];
        lane->is_shard = i >= plan->lane_count;
        uint64_t bytes = lane->is_shard ? plan->shard_ring_bytes : plan->ring_bytes;
        divak_ring_init(&lane->ring, ring, bytes);
        ring += bytes + DIVAK_RING_SLACK;
    }
    /* Tracers made one after the other in one process do not share generations, so that a handle of one is stale in
     * another that took its place. Nor do copies of the library in one process. */
    static divak_atomic_u32 generations;
    uint32_t first = divak_copies_salt() + divak_add_relaxed(&generations, 0x01000193u);
    divak_slot_slab_init(&tracer->slab, mapping + plan->slots, plan->slot_bytes, plan->slot_count, first);
    for (uint32_t i = 0; i < plan->lane_count + plan->shard_count; i++) {
        tracer->lanes.lanes[i].slots = tracer->slab.bytes;
        tracer->lanes.lanes[i].slot_mask = tracer->slab.byte_mask;
        tracer->lanes.lanes[i].last_slot = &divak_no_slot;
        divak_lane_forget_last(&tracer->lanes.lanes[i]);
    }
    write_header(tracer->header, plan);
    return DIVAK_OK;
}

static void set_gate(divak_tracer *tracer) {
    bool is_plain = divak_load_relaxed(&tracer->mode) == DIVAK_TRACER_ON && !tracer->is_special &&
                    !tracer->sampler_overrides && tracer->short_limit != 0 && divak_clock.use_counter;
    uint64_t epoch = divak_load_relaxed(&divak_process->epoch);
    /* Release: what was prepared, for the acquire in start and finish. */
    divak_store_release(&divak_process->gates[tracer->index], is_plain ? epoch : DIVAK_GATE_SHUT);
}

void divak_engine_set_mode(divak_tracer *tracer, uint32_t mode) {
    divak_store_release(&divak_process->gates[tracer->index], DIVAK_GATE_SHUT);
    divak_store_release(&tracer->mode, mode); /* with all that was prepared, for the acquire in start */
    bool passes = !tracer->records_unsampled && !tracer->sampler_overrides && !tracer->options.resamples;
    tracer->gate.tracer = tracer->index;
    __atomic_store_n(&tracer->gate.passes_unsampled, passes, __ATOMIC_RELAXED);
    set_gate(tracer);
}

void divak_engine_open_gates(void) {
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        if (divak_load_relaxed(&divak_tracers[i].mode) != DIVAK_TRACER_NONE) set_gate(&divak_tracers[i]);
    }
}

/* Spans that the closed tracer before left open end here, uncounted, for its counts are no more.
 * Their handles are stale from now on. */
static void forget_live_spans(divak_tracer *tracer) {
    divak_engine_give_up(tracer);
    for (uint32_t i = 0; i < tracer->slab.count; i++) {
        uint32_t number = divak_slot_number(&tracer->slab, i);
        divak_slot *slot = divak_slot_at(&tracer->slab, number);
        uint32_t generation = divak_slot_generation(slot);
        divak_slot_result result = divak_slot_end(slot, generation);
        if (result != DIVAK_SLOT_LAST && result != DIVAK_SLOT_OK) continue;
        divak_store_relaxed(&slot->usage, DIVAK_SLOT_CARRIES_ONLY); /* nothing is recorded, baggage is let go */
        if (result == DIVAK_SLOT_OK && divak_slot_leave(slot) != DIVAK_SLOT_LAST) continue;
        (void)divak_span_commit(tracer, slot);
    }
}

/* A slot has an owner only where the drainer can have all processors order their memory, and tags need not be counted. */
static void allow_owners(divak_tracer *tracer, bool may_own) {
    may_own = may_own && tracer->short_limit != 0 && divak_system.barrier_everywhere() == 0;
    divak_lanes_set_owned_room(&tracer->lanes, may_own ? tracer->slab.owned_room : 0);
}

int divak_engine_prepare(divak_tracer *tracer, uint16_t index, const divak_engine_options *options) {
    layout plan = lay_out(options);
    if (tracer->header == NULL) {
        int status = map_and_lay_out(tracer, &plan);
        if (status != DIVAK_OK) return status;
        if (tracer->baggage.entries == NULL) {
            (void)divak_baggage_table_init(&tracer->baggage, DIVAK_BAGGAGE_ENTRIES,
                                           options->buffer_bytes / BAGGAGE_SHARE);
        }
    } else if (!header_matches(tracer->header, &plan)) {
        return DIVAK_ERROR_FULL;
    }
    forget_live_spans(tracer);
    tracer->options = *options;
    /* An ending thread may look through all tracers at this moment: what stays is not written again. */
    if (tracer->index != index) tracer->index = index;
    tracer->field_limit = tracer->slab.field_bytes;
    enum { SMALLEST_TAG = DIVAK_FIELD_HEADER + 1, SMALLEST_ANNOTATION = DIVAK_FIELD_HEADER + 8, SHORT = 32 };
    tracer->counts_fields = options->tags_max < tracer->field_limit / SMALLEST_TAG ||
                            options->annotations_max < tracer->field_limit / SMALLEST_ANNOTATION;
    bool has_short_limits = options->name_bytes < SHORT || options->key_bytes < SHORT || options->value_bytes < SHORT;
    tracer->short_limit = has_short_limits || tracer->counts_fields ? 0 : SHORT;
    tracer->records_unsampled = options->decides_late;
    tracer->is_special = options->make_id != NULL || options->read_clock != NULL || options->trace_id_is_64_bit ||
                         options->trace_id_has_time || options->resamples || options->handler_count != 0 ||
                         tracer->counts_fields;
    for (size_t i = 0; i < options->handler_count; i++) {
        if (options->handlers[i].wants_unsampled) tracer->records_unsampled = 1;
    }
    tracer->sampler_overrides = divak_sampler_may_override(options->sampler);
    memset(&tracer->counters, 0, sizeof tracer->counters);
    allow_owners(tracer, true);
    /* A tracer that takes the place of a closed one begins with its own counts; lanes stay with their threads. */
    for (uint32_t i = 0; i < tracer->lanes.lane_count + tracer->lanes.shard_count; i++) {
        divak_lane *lane = &tracer->lanes.lanes[i];
        divak_store_relaxed(&lane->started, 0);
        divak_store_relaxed(&lane->committed, 0);
        divak_store_relaxed(&lane->dropped_ring_full, 0);
        divak_store_relaxed(&lane->dropped_no_slot, 0);
        divak_store_relaxed(&lane->drained, 0);
        divak_ring_release(&lane->ring, divak_ring_peek(&lane->ring)); /* what came after the last drain */
    }
    divak_anchors_init(tracer->anchors, options->read_clock != NULL);
    divak_store_relaxed(&tracer->anchor, divak_load_relaxed(&tracer->anchors->current));
    divak_engine_maintain(tracer);
    return DIVAK_OK;
}

void divak_engine_reset_after_fork(divak_tracer *tracer, bool may_own) {
    if (tracer->header == NULL) return;
    divak_system_prepare_barrier();
    divak_slot_slab_reset(&tracer->slab);
    divak_lanes_reset(&tracer->lanes);
    divak_baggage_table_forget_all(&tracer->baggage);
    memset(&tracer->counters, 0, sizeof tracer->counters);
    divak_store_relaxed(&tracer->is_asleep, 0);
    tracer->handed_over_left = 0;
    allow_owners(tracer, may_own);
}

void divak_engine_thread_ended(divak_tracer *tracer, divak_thread *thread) {
    /* Its place in the array: the tracer's own copy of that is written when it is prepared, maybe just now. */
    const size_t index = (size_t)(tracer - divak_tracers);
    divak_lane *lane = thread->lanes[index];
    if (lane == NULL) return;
    thread->lanes[index] = NULL;
    thread->quick_lanes[index] = &divak_no_lane;
    divak_lanes_return(&tracer->lanes, lane, &tracer->slab);
}

divak_lane *divak_engine_enter_slowly(divak_tracer *tracer, divak_thread *thread) {
    if (!divak_thread_is_inside(thread) && thread->is_exiting == 0 && thread->lanes[tracer->index] == NULL) {
        /* Marked while leasing: a handler of signals that comes in between takes a shard. */
        thread->gate = DIVAK_GATE_INSIDE;
        divak_signal_fence();
        divak_lane *lane = divak_lanes_lease(&tracer->lanes);
        if (lane != NULL) {
            thread->lanes[tracer->index] = lane;
            thread->quick_lanes[tracer->index] = lane;
            return lane;
        }
        divak_signal_fence();
        thread->gate = thread->epoch;
    }
    return divak_lanes_lock_shard(&tracer->lanes, divak_system_processor());
}
