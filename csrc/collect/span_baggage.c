/* SPDX-License-Identifier: Apache-2.0 */
/* span_baggage.c - what travels beside a span's ids: taken over from the parent, held by the slot, let go with it. */
#include "collect/current.h"
#include "collect/span.h"

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

void divak_span_carry_baggage(divak_tracer *tracer, const divak_span *parent, divak_span *span) {
    uint32_t baggage, generation;
    if (!take_baggage(tracer, parent, &baggage, &generation)) return;
    int status = divak_span_adopt_baggage(span, baggage, generation);
    if (status != DIVAK_OK) (void)divak_baggage_table_release(&tracer->baggage, baggage, generation);
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

void divak_span_inherit_baggage(divak_tracer *tracer, const divak_span *parent, divak_span *span) {
    uint32_t baggage, generation;
    if (parent->baggage == 0 || !take_baggage(tracer, parent, &baggage, &generation)) return;
    if (divak_span_replace_baggage(span, baggage, generation) == DIVAK_OK) {
        span->baggage = baggage;
        span->baggage_generation = generation;
    } else {
        (void)divak_baggage_table_release(&tracer->baggage, baggage, generation);
    }
}
