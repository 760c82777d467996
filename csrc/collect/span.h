/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - what the parts of recording share: finding a live span's slot, and committing it. */
#ifndef DIVAK_COLLECT_SPAN_H
#define DIVAK_COLLECT_SPAN_H

#include "base/clock.h"
#include "collect/engine.h"

/* Counts why an update did not reach its slot and returns the status for it. */
int divak_span_refuse(divak_tracer *tracer, const divak_span *span, divak_slot_result result);

/* Writes the ended span, of which the caller is the only one left, into a lane and frees its slot. */
int divak_span_commit(divak_tracer *tracer, divak_slot *slot);

/* Adds one field, key and value already within limits; `time_first` (NULL: none) are 8 bytes before the value. */
int divak_span_add_field(const divak_span *span, uint8_t type, const void *key, size_t key_length, const void *value,
                         size_t value_length, const uint64_t *time_first);

/* Now, as the tracer's spans count it. */
static inline uint64_t divak_tracer_ticks(const divak_tracer *tracer) {
    if (__builtin_expect(tracer->options.read_clock != NULL, 0)) {
        return tracer->options.read_clock(tracer->options.read_clock_context);
    }
    return divak_clock_ticks();
}

/* Makes the ids and takes the slot; the part of start behind the decision. */
int divak_span_begin(divak_tracer *tracer, const divak_start_options *options, divak_key name_key,
                     const divak_span *parent, uint32_t decision_flags, divak_span *out_span);

#endif
