/* SPDX-License-Identifier: Apache-2.0 */
/* span_state.c - what may be asked of a span without touching it: whether it is open, and whether anything was said. */
#include "collect/span.h"

bool divak_span_is_open(const divak_span *span) {
    if (!divak_span_is_recording(span) || span->slot == 0) return false;
    const divak_slot *slot = divak_slot_at(&divak_tracer_of(span)->slab, span->slot);
    /* Relaxed: only the answer counts, nothing is read by it. */
    return divak_slot_is_open(divak_load_relaxed(&slot->word), span->generation);
}

bool divak_span_is_untouched(const divak_span *span) {
    if (!divak_span_is_recording(span) || span->slot == 0) return false;
    divak_tracer *tracer = divak_tracer_of(span);
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    uint64_t reserved;
    /* From inside, so that the slot is not committed and used again while its fields are looked at. */
    if (divak_slot_enter(slot, span->generation, 0, tracer->field_limit, &reserved) != DIVAK_SLOT_OK) return false;
    uint64_t at = 0, written = reserved;
    bool is_untouched = true;
    if (divak_load_relaxed(&slot->owner) != NULL) {
        /* Behind the owner's room begins what others have said. Where the owner is just making room it is saying more. */
        is_untouched = reserved == divak_load_relaxed(&slot->owned_room);
        written = divak_load_acquire(&slot->owned); /* see divak_lane_leave_owned */
    }
    /* What the start itself writes, it writes first. Nothing behind the first other field is looked at: it may just be
     * being written. */
    while (at + DIVAK_FIELD_HEADER <= written) {
        const uint8_t *head = slot->fields + at;
        const uint8_t type = head[0] & (uint8_t)~DIVAK_FIELD_KEY_ID;
        const bool is_no_name = at == 0 && type == DIVAK_FIELD_SKIP;
        if (type != DIVAK_FIELD_NAME && type != DIVAK_FIELD_LOCAL_ROOT && !is_no_name) break;
        at += divak_field_size(head[1], (size_t)head[2] | (size_t)head[3] << 8);
    }
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) (void)divak_span_commit(tracer, slot);
    return is_untouched && at >= written;
}
