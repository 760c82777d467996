/* SPDX-License-Identifier: Apache-2.0 */
/* inject.c - a span into headers.
 *
 * Nothing is sent that could be more than one header: ids are written digit by digit, and what
 * travels beside them was checked against its grammar before it was kept. */
#include <string.h>

#include "api/carried.h"
#include "api/header_names.h"
#include "api/propagation.h"
#include "wire/b3.h"
#include "wire/request_id.h"
#include "wire/traceparent.h"

typedef struct outlet {
    divak_put_header put;
    void *context;
    size_t count;
} outlet;

static void put(outlet *to, const char *name, const char *value, size_t length) {
    if (length == 0) return;
    to->put(to->context, name, strlen(name), value, length);
    to->count++;
}

static divak_b3 b3_of(const divak_span *span) {
    divak_b3 b3 = {
        .ids = {span->trace_id_high, span->trace_id_low, span->span_id, span->parent_id},
        .has_ids = (span->trace_id_high | span->trace_id_low) != 0 && span->span_id != 0,
    };
    if (span->flags & DIVAK_SPAN_DEBUG) {
        b3.sampling = DIVAK_SAMPLING_DEBUG;
    } else if (span->flags & DIVAK_SPAN_DECIDED) {
        b3.sampling =
            span->flags & DIVAK_SPAN_SAMPLED ? DIVAK_SAMPLING_ACCEPT : DIVAK_SAMPLING_DENY;
    }
    return b3;
}

static void put_single(outlet *to, const divak_b3 *b3, bool with_parent) {
    char value[DIVAK_B3_SINGLE_MAX];
    put(to, DIVAK_HEADER_B3, value, divak_b3_write_single(b3, with_parent, value));
}

static void put_multi(outlet *to, const divak_b3 *b3) {
    divak_b3_multi lines;
    divak_b3_write_multi(b3, true, &lines);
    put(to, DIVAK_HEADER_B3_TRACE_ID, lines.trace_id, lines.trace_id_length);
    put(to, DIVAK_HEADER_B3_SPAN_ID, lines.span_id, lines.span_id_length);
    put(to, DIVAK_HEADER_B3_PARENT_ID, lines.parent_id, lines.parent_id_length);
    put(to, DIVAK_HEADER_B3_SAMPLED, lines.sampled, lines.sampled_length);
    put(to, DIVAK_HEADER_B3_FLAGS, lines.flags, lines.flags_length);
}

static void put_traceparent(outlet *to, const divak_b3 *b3, bool is_random) {
    if (!b3->has_ids) return;
    char value[DIVAK_TRACEPARENT_SIZE];
    divak_traceparent traceparent = {
        .ids = b3->ids,
        .is_sampled =
            b3->sampling == DIVAK_SAMPLING_ACCEPT || b3->sampling == DIVAK_SAMPLING_DEBUG,
        .is_random = is_random,
    };
    divak_traceparent_write(&traceparent, value);
    put(to, DIVAK_HEADER_TRACEPARENT, value, sizeof value);
}

static void put_carried(outlet *to, const divak_propagation *propagation, bool has_traceparent,
                        const divak_carried *one) {
    switch (one->kind) {
    case DIVAK_CARRIED_REQUEST_ID:
        if (!propagation->inject.request_id) return;
        put(to, propagation->request_id_header.text, one->text, one->length);
        return;
    case DIVAK_CARRIED_TRACESTATE:
        /* Means nothing without the traceparent that it came with. */
        if (has_traceparent) put(to, DIVAK_HEADER_TRACESTATE, one->text, one->length);
        return;
    case DIVAK_CARRIED_FIELD:
        if (one->field >= propagation->declared_count) return;
        if (propagation->declared[one->field].header_count == 0) return;
        put(to, propagation->declared[one->field].headers[0].text, one->text, one->length);
        return;
    case DIVAK_CARRIED_BAGGAGE:
        if (propagation->inject.baggage) put(to, DIVAK_HEADER_BAGGAGE, one->text, one->length);
        return;
    default: return;
    }
}

/* What a format of the user's puts, when that is one header and no more. */
typedef struct checked_outlet {
    outlet *to;
    divak_propagation *propagation;
} checked_outlet;

static void put_checked(void *context, const char *name, size_t name_length, const char *value,
                        size_t value_length) {
    checked_outlet *checked = context;
    divak_header_name ignored;
    bool is_header = divak_propagation_read_header_name(name, name_length, &ignored) &&
                     (value != NULL || value_length == 0);
    for (size_t i = 0; is_header && i < value_length; i++) {
        unsigned char c = (unsigned char)value[i];
        is_header = c == '\t' || (c >= 0x20 && c != 0x7f);
    }
    if (!is_header) {
        divak_add_relaxed(&checked->propagation->truncated, 1);
        return;
    }
    checked->to->put(checked->to->context, name, name_length, value == NULL ? "" : value,
                     value_length);
    checked->to->count++;
}

static void put_own(outlet *to, divak_propagation *propagation, const divak_span *span,
                    bool is_message) {
    checked_outlet checked = {.to = to, .propagation = propagation};
    for (size_t i = 0; i < propagation->own_count; i++) {
        const divak_own_format *format = &propagation->own[i];
        if (format->inject == NULL || (propagation->inject.own >> i & 1) == 0) continue;
        format->inject(format->context, span, is_message, put_checked, &checked);
    }
}

int divak_propagation_inject_response(divak_propagation *propagation, const divak_span *span,
                                      uint32_t headers, divak_put_header put_header,
                                      void *context) {
    if (propagation == NULL || span == NULL || put_header == NULL) return DIVAK_ABSENT;
    outlet to = {.put = put_header, .context = context};
    divak_b3 b3 = b3_of(span);
    if ((headers & DIVAK_RESPONSE_B3) != 0) put_single(&to, &b3, true);
    if ((headers & DIVAK_RESPONSE_B3_MULTI) != 0) put_multi(&to, &b3);
    char id[DIVAK_REQUEST_ID_MAX];
    size_t length;
    if ((headers & DIVAK_RESPONSE_REQUEST_ID) != 0 &&
        divak_propagation_baggage(propagation, span, DIVAK_NAME_REQUEST_ID,
                                  strlen(DIVAK_NAME_REQUEST_ID), id, sizeof id,
                                  &length) == DIVAK_OK) {
        put(&to, propagation->request_id_header.text, id, length);
    }
    return to.count > 0 ? DIVAK_OK : DIVAK_ABSENT;
}

int divak_propagation_inject(divak_propagation *propagation, const divak_span *span,
                             bool is_message, divak_put_header put_header, void *context) {
    if (propagation == NULL || span == NULL || put_header == NULL) return DIVAK_ABSENT;
    const divak_formats *formats = &propagation->inject;
    outlet to = {.put = put_header, .context = context};
    divak_b3 b3 = b3_of(span);
    if (is_message) {
        /* A message has no parent to share an id with, and many brokers bear few headers. */
        if (formats->b3 || formats->b3multi) put_single(&to, &b3, false);
    } else {
        if (formats->b3) put_single(&to, &b3, true);
        if (formats->b3multi) put_multi(&to, &b3);
    }
    if (formats->tracecontext) put_traceparent(&to, &b3, (span->flags & DIVAK_SPAN_RANDOM) != 0);

    const unsigned char *bytes;
    size_t length, at = 0;
    if (divak_baggage_table_open(propagation->table, span->baggage, span->baggage_generation,
                                 &bytes, &length)) {
        divak_carried one;
        while (divak_carried_next(bytes, length, &at, &one)) {
            put_carried(&to, propagation, formats->tracecontext && b3.has_ids, &one);
        }
        divak_baggage_table_release(propagation->table, span->baggage, span->baggage_generation);
    }
    if (propagation->own_count != 0) put_own(&to, propagation, span, is_message);
    return to.count > 0 ? DIVAK_OK : DIVAK_ABSENT;
}
