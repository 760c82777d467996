/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - what the parts of recording share: beginning a span, writing into its slot, committing it. */
#ifndef DIVAK_COLLECT_SPAN_H
#define DIVAK_COLLECT_SPAN_H

#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
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

enum {
    /* What a child takes over from its parent. */
    DIVAK_SPAN_INHERITED = DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED | DIVAK_SPAN_DEBUG | DIVAK_SPAN_RANDOM
};

/* Starts a span by the long way. `parent` is never NULL; one without ids means a new trace. `name_key`: the registered name's
 * number, DIVAK_NO_KEY: the options say the name. */
int divak_span_begin(divak_tracer *tracer, const divak_start_options *options, divak_key name_key,
                     const divak_span *parent, divak_span *out_span);
/* Without a tracer, or with one of another copy of the library: ids pass through. */
int divak_span_begin_nowhere(const divak_tracer *tracer, const divak_span *parent, divak_span *out_span);

/* Writes the name as the first field; returns the bytes it takes. Where there is none, the first field says nothing: that
 * of a slot's earlier span must not be found (span_name.c). */
static inline __attribute__((always_inline)) uint64_t divak_slot_write_name(divak_slot *slot, const char *name,
                                                                            size_t name_length, divak_key name_key,
                                                                            bool is_short) {
    if (name_key != DIVAK_NO_KEY) {
        divak_field_write(slot->fields, DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &name_key, sizeof name_key, NULL, 0);
        return DIVAK_FIELD_HEADER + sizeof name_key;
    }
    if (__builtin_expect(name_length == 0, 0)) {
        divak_field_write(slot->fields, DIVAK_FIELD_SKIP, NULL, 0, NULL, 0);
        return DIVAK_FIELD_HEADER;
    }
    divak_field_write_head(slot->fields, DIVAK_FIELD_NAME, 0, name_length);
    if (is_short) {
        divak_copy_short(slot->fields + DIVAK_FIELD_HEADER, name, name_length);
    } else {
        memcpy(slot->fields + DIVAK_FIELD_HEADER, name, name_length);
    }
    return DIVAK_FIELD_HEADER + name_length;
}

/* Of a recorded span that was just started: it holds what its parent carries. */
void divak_span_inherit_baggage(divak_tracer *tracer, const divak_span *parent, divak_span *span);
/* The same for one that is not recorded: a slot that holds the reference and nothing else. */
void divak_span_carry_baggage(divak_tracer *tracer, const divak_span *parent, divak_span *span);

#endif
