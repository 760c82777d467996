/* SPDX-License-Identifier: Apache-2.0 */
/* extract.c - headers into a remote parent.
 *
 * The formats are read in the order b3, X-B3-..., traceparent, then those of the user's, and the
 * first that is well formed wins, even if all it says is a decision; a malformed one is counted and
 * the next one is read. */
#include <string.h>

#include "api/carried.h"
#include "api/header_names.h"
#include "api/propagation.h"
#include "base/buffer.h"
#include "model/flags.h"
#include "wire/b3.h"
#include "wire/baggage.h"
#include "wire/request_id.h"
#include "wire/traceparent.h"
#include "wire/tracestate.h"

/* Lines of one header that are looked at: with more, somebody wants us to work. */
enum { LINES_MAX = 64 };

typedef struct carrier {
    divak_propagation *propagation;
    divak_get_header get;
    void *context;
    bool is_bad; /* a header of ids was malformed */
} carrier;

typedef struct text {
    const char *bytes; /* NULL: absent */
    size_t length;
} text;

static bool get_line(const carrier *from, const char *name, size_t name_length, size_t index,
                     text *out) {
    text line = {NULL, 0};
    if (!from->get(from->context, name, name_length, index, &line.bytes, &line.length)) {
        return false;
    }
    /* A header without value is something else than no header. */
    if (line.bytes == NULL) line = (text){"", 0};
    *out = line;
    return true;
}

/* The only line of a header. DIVAK_OK, or DIVAK_ERROR_INVALID when there are two that differ, for
 * then nobody knows whom to believe; an absent one is DIVAK_OK with NULL. */
static int get_only_line(const carrier *from, const char *lower_name, text *out) {
    size_t length = strlen(lower_name);
    text second;
    *out = (text){NULL, 0};
    if (!get_line(from, lower_name, length, 0, out)) return DIVAK_OK;
    if (!get_line(from, lower_name, length, 1, &second)) return DIVAK_OK;
    if (second.length != out->length) return DIVAK_ERROR_INVALID;
    return memcmp(second.bytes, out->bytes, out->length) == 0 ? DIVAK_OK : DIVAK_ERROR_INVALID;
}

/* ---- Ids and decision ------------------------------------------------------------------------ */

typedef struct found {
    int status; /* DIVAK_OK, DIVAK_ABSENT; malformed ones are noted in carrier.is_bad */
    divak_b3 b3;
    bool is_random;
    bool may_have_tracestate; /* traceparent was well formed and of this very trace */
} found;

static int count_bad(carrier *from, int status) {
    if (status == DIVAK_ERROR_INVALID) {
        divak_add_relaxed(&from->propagation->bad_header, 1);
        from->is_bad = true;
    }
    return status;
}

static int read_single(const carrier *from, divak_b3 *out) {
    text line;
    int status = get_only_line(from, "b3", &line);
    return status != DIVAK_OK ? status : divak_b3_parse_single(line.bytes, line.length, out);
}

static int read_multi(const carrier *from, divak_b3 *out) {
    static const char *const names[] = {"x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid",
                                        "x-b3-sampled", "x-b3-flags"};
    text lines[5];
    for (size_t i = 0; i < 5; i++) {
        int status = get_only_line(from, names[i], &lines[i]);
        if (status != DIVAK_OK) return status;
    }
    return divak_b3_parse_multi(lines[0].bytes, lines[0].length, lines[1].bytes, lines[1].length,
                                lines[2].bytes, lines[2].length, lines[3].bytes, lines[3].length,
                                lines[4].bytes, lines[4].length, out);
}

/* Two lines are malformed even when they are the same: the specification leaves no choice. */
static int read_traceparent(const carrier *from, divak_traceparent *out) {
    text line, second;
    size_t length = strlen(DIVAK_HEADER_TRACEPARENT);
    if (!get_line(from, DIVAK_HEADER_TRACEPARENT, length, 0, &line)) return DIVAK_ABSENT;
    if (get_line(from, DIVAK_HEADER_TRACEPARENT, length, 1, &second)) return DIVAK_ERROR_INVALID;
    return divak_traceparent_parse(line.bytes, line.length, out);
}

/* Both ids or none: a parent with half of them would be no parent. */
static bool has_whole_ids(const divak_span *span) {
    return (span->trace_id_high | span->trace_id_low) != 0 && span->span_id != 0;
}

static divak_sampling sampling_of(uint32_t flags) {
    if ((flags & DIVAK_SPAN_DECIDED) == 0) return DIVAK_SAMPLING_DEFER;
    if ((flags & DIVAK_SPAN_DEBUG) != 0) return DIVAK_SAMPLING_DEBUG;
    return (flags & DIVAK_SPAN_SAMPLED) != 0 ? DIVAK_SAMPLING_ACCEPT : DIVAK_SAMPLING_DENY;
}

static int read_own(carrier *from, const divak_own_format *format, divak_b3 *out) {
    if (format->extract == NULL) return DIVAK_ABSENT;
    divak_span span = {.slot = 0};
    int status = format->extract(format->context, from->get, from->context, &span);
    if (status != DIVAK_OK) return status == DIVAK_ABSENT ? status : DIVAK_ERROR_INVALID;
    bool has_ids = has_whole_ids(&span);
    if (!has_ids && (span.trace_id_high | span.trace_id_low | span.span_id) != 0) return DIVAK_ERROR_INVALID;
    *out = (divak_b3){.has_ids = has_ids, .sampling = sampling_of(span.flags)};
    if (has_ids) {
        out->ids.trace_id_high = span.trace_id_high;
        out->ids.trace_id_low = span.trace_id_low;
        out->ids.span_id = span.span_id;
        out->ids.parent_id = span.parent_id;
    }
    return DIVAK_OK;
}

static found read_context(carrier *from) {
    const divak_formats *formats = &from->propagation->extract;
    found context = {.status = DIVAK_ABSENT};
    if (formats->b3) context.status = count_bad(from, read_single(from, &context.b3));
    if (formats->b3multi && context.status != DIVAK_OK) {
        context.status = count_bad(from, read_multi(from, &context.b3));
    }
    divak_traceparent w3c;
    if (formats->tracecontext && count_bad(from, read_traceparent(from, &w3c)) == DIVAK_OK) {
        if (context.status != DIVAK_OK) {
            context.status = DIVAK_OK;
            context.b3 = (divak_b3){
                .ids = w3c.ids,
                .has_ids = true,
                .sampling = w3c.is_sampled ? DIVAK_SAMPLING_ACCEPT : DIVAK_SAMPLING_DENY,
            };
        }
        /* What belongs to another trace than the one that we go on with must not be mixed into
         * it. */
        context.may_have_tracestate = context.b3.has_ids &&
                                      context.b3.ids.trace_id_high == w3c.ids.trace_id_high &&
                                      context.b3.ids.trace_id_low == w3c.ids.trace_id_low;
        context.is_random = context.may_have_tracestate && w3c.is_random;
    }
    for (size_t i = 0; i < from->propagation->own_count && context.status != DIVAK_OK; i++) {
        if ((formats->own >> i & 1) == 0) continue;
        context.status = count_bad(from, read_own(from, &from->propagation->own[i], &context.b3));
    }
    if (context.status != DIVAK_OK) context.status = DIVAK_ABSENT;
    return context;
}

/* The decision as flags, as far as the sender is trusted. */
static uint32_t decision_flags(divak_sampling sampling, divak_trust trust) {
    if (trust == DIVAK_TRUST_NONE) return 0;
    switch (sampling) {
    case DIVAK_SAMPLING_DENY: return DIVAK_SPAN_DECIDED;
    case DIVAK_SAMPLING_ACCEPT:
    case DIVAK_SAMPLING_DEBUG:
        /* SAMPLED without DECIDED: upstream wishes it, but our own sampler is asked. */
        if (trust == DIVAK_TRUST_LIMITED) return DIVAK_SPAN_SAMPLED;
        return DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED |
               (sampling == DIVAK_SAMPLING_DEBUG ? DIVAK_SPAN_DEBUG : 0u);
    default: return 0;
    }
}

/* ---- What travels beside them ---------------------------------------------------------------- */

static void drop_baggage(carrier *from, size_t members) {
    divak_add_relaxed(&from->propagation->baggage_dropped, members);
}

/* All lines of a header, joined by commas behind the end of `out`. DIVAK_ERROR_INVALID: over
 * `limit`, or too many lines; out is as it was then. */
static int join_lines(const carrier *from, const char *name, size_t name_length, size_t limit,
                      divak_buffer *out) {
    size_t before = out->length;
    text line;
    for (size_t i = 0; get_line(from, name, name_length, i, &line); i++) {
        if (i > 0) divak_buffer_append(out, ",", 1);
        if (i == LINES_MAX || line.length > limit || out->length - before > limit - line.length) {
            out->length = before;
            return DIVAK_ERROR_INVALID;
        }
        divak_buffer_append(out, line.bytes, line.length);
    }
    return DIVAK_OK;
}

static void carry_tracestate(carrier *from, divak_buffer *out) {
    size_t at = divak_carried_begin(out, DIVAK_CARRIED_TRACESTATE, 0);
    size_t start = out->length;
    int status = join_lines(from, DIVAK_HEADER_TRACESTATE, strlen(DIVAK_HEADER_TRACESTATE),
                            DIVAK_TRACESTATE_MAX, out);
    if (status == DIVAK_OK && !out->failed && out->length > start) {
        status = divak_tracestate_check(out->bytes + start, out->length - start, NULL);
    }
    if (status == DIVAK_ERROR_INVALID) divak_add_relaxed(&from->propagation->bad_header, 1);
    if (status != DIVAK_OK) out->length = start;
    divak_carried_end(out, at);
}

/* A value that is one of DIVAK_DECLARED_BYTES for all: the first header with a line counts. */
static void carry_field(carrier *from, size_t index, size_t *left, divak_buffer *out) {
    const divak_declared *field = &from->propagation->declared[index];
    text line;
    for (size_t i = 0; i < field->header_count; i++) {
        const divak_header_name *header = &field->headers[i];
        if (!get_line(from, header->text, header->length, 0, &line)) continue;
        size_t at = divak_carried_begin(out, DIVAK_CARRIED_FIELD, (uint8_t)index);
        size_t start = out->length;
        if (join_lines(from, header->text, header->length, *left, out) != DIVAK_OK) {
            drop_baggage(from, 1);
        } else if (!out->failed && !divak_propagation_is_field_value(out->bytes + start,
                                                                     out->length - start)) {
            out->length = start;
            divak_add_relaxed(&from->propagation->bad_header, 1);
        }
        *left -= out->length - start;
        divak_carried_end(out, at);
        return;
    }
}

/* Each line has a reader of its own, but they share one count of members and one output, so that
 * no number of lines makes us do more than one line may. */
static void carry_baggage(carrier *from, divak_buffer *out) {
    size_t at = divak_carried_begin(out, DIVAK_CARRIED_BAGGAGE, 0);
    size_t start = out->length, scanned = 0, dropped = 0;
    divak_baggage_writer writer = {.out = NULL};
    text line;
    for (size_t i = 0; get_line(from, DIVAK_HEADER_BAGGAGE, strlen(DIVAK_HEADER_BAGGAGE), i, &line);
         i++) {
        if (i == LINES_MAX) {
            dropped++;
            break;
        }
        size_t room = line.length < DIVAK_BAGGAGE_BYTES ? line.length + 1 : DIVAK_BAGGAGE_BYTES;
        out->length = start + writer.length;
        if (divak_buffer_reserve(out, room) == NULL) break;
        writer.out = out->bytes + start;
        writer.capacity = writer.length + room;
        divak_baggage_reader reader = divak_baggage_reader_over(line.bytes, line.length);
        reader.scanned = scanned;
        divak_baggage_member member;
        while (divak_baggage_next(&reader, &member)) {
            (void)divak_baggage_forward(&writer, &member); /* counts what it refuses */
        }
        scanned = reader.scanned;
        dropped += reader.dropped;
    }
    if (!out->failed) out->length = start + writer.length;
    divak_carried_end(out, at);
    drop_baggage(from, dropped + writer.dropped);
}

/* The length of a new id, or 0. */
static size_t make_request_id(const divak_propagation *propagation,
                              char out[DIVAK_REQUEST_ID_MAX]) {
    if (propagation->make_request_id != NULL) {
        size_t length = propagation->make_request_id(propagation->make_request_id_context, out,
                                                     DIVAK_REQUEST_ID_MAX);
        if (length == 0) return 0;
        if (divak_request_id_check(out, length) == DIVAK_OK) return length;
    } else if (!propagation->does_generate_request_id) {
        return 0;
    }
    if (propagation->random == NULL) return 0;
    uint64_t high = propagation->random(propagation->random_context);
    divak_request_id_write(high, propagation->random(propagation->random_context), out);
    return DIVAK_UUID_SIZE;
}

static void carry_request_id(carrier *from, divak_buffer *out) {
    const divak_propagation *propagation = from->propagation;
    text line;
    int status = get_only_line(from, propagation->request_id_header.text, &line);
    if (status == DIVAK_OK) status = divak_request_id_check(line.bytes, line.length);
    if (status == DIVAK_OK) {
        divak_carried_add(out, DIVAK_CARRIED_REQUEST_ID, 0, line.bytes, line.length);
        return;
    }
    if (status == DIVAK_ERROR_INVALID) divak_add_relaxed(&from->propagation->bad_header, 1);
    char id[DIVAK_REQUEST_ID_MAX];
    size_t length = make_request_id(propagation, id);
    if (length > 0) divak_carried_add(out, DIVAK_CARRIED_REQUEST_ID, 0, id, length);
}

static void carry_all(carrier *from, bool may_have_tracestate, divak_span *out_parent) {
    divak_propagation *propagation = from->propagation;
    divak_buffer carried = {.length = 0};
    text line;
    if (propagation->extract.request_id) carry_request_id(from, &carried);
    if (may_have_tracestate && get_line(from, DIVAK_HEADER_TRACESTATE,
                                        strlen(DIVAK_HEADER_TRACESTATE), 0, &line)) {
        carry_tracestate(from, &carried);
    }
    size_t left = DIVAK_DECLARED_BYTES;
    for (size_t i = 0; i < propagation->declared_count; i++) {
        carry_field(from, i, &left, &carried);
    }
    if (propagation->extract.baggage &&
        get_line(from, DIVAK_HEADER_BAGGAGE, strlen(DIVAK_HEADER_BAGGAGE), 0, &line)) {
        carry_baggage(from, &carried);
    }
    if (carried.failed) {
        drop_baggage(from, 1);
    } else if (carried.length > 0) {
        int status = divak_baggage_table_create(propagation->table, carried.bytes, carried.length,
                                                DIVAK_BAGGAGE_BY_VALUE, 0, 0, &out_parent->baggage,
                                                &out_parent->baggage_generation);
        if (status == DIVAK_OK) {
            out_parent->flags |= DIVAK_SPAN_OWNS_BAGGAGE;
        } else {
            drop_baggage(from, 1);
        }
    }
    divak_buffer_deinit(&carried);
}

int divak_propagation_extract(divak_propagation *propagation, divak_get_header get, void *context,
                              divak_span *out_parent) {
    if (out_parent == NULL) return DIVAK_ERROR_INVALID;
    *out_parent = (divak_span){.slot = 0};
    if (propagation == NULL || get == NULL) return DIVAK_ABSENT;
    /* Also where nothing came: baggage may be set on it. */
    out_parent->tracer = propagation->tracer;
    carrier from = {.propagation = propagation, .get = get, .context = context};
    found read = read_context(&from);
    uint32_t decision = decision_flags(read.b3.sampling, propagation->trust);
    /* A decision that we don't trust, without ids, is nothing. */
    bool is_there = read.status == DIVAK_OK && (read.b3.has_ids || decision != 0);
    if (is_there) {
        out_parent->trace_id_high = read.b3.ids.trace_id_high;
        out_parent->trace_id_low = read.b3.ids.trace_id_low;
        out_parent->span_id = read.b3.ids.span_id;
        out_parent->parent_id = read.b3.ids.parent_id;
        out_parent->flags = DIVAK_SPAN_REMOTE | decision;
        if (read.is_random) out_parent->flags |= DIVAK_SPAN_RANDOM;
    }
    if (propagation->table != NULL) carry_all(&from, read.may_have_tracestate, out_parent);
    if (is_there) return DIVAK_OK;
    if (read.status == DIVAK_OK || !from.is_bad) return DIVAK_ABSENT;
    if (propagation->extract_failure == DIVAK_EXTRACT_ERROR) return DIVAK_ERROR_INVALID;
    if (propagation->extract_failure == DIVAK_EXTRACT_TAG) {
        out_parent->flags |= DIVAK_SPAN_EXTRACT_FAILED;
    }
    return DIVAK_ABSENT;
}
