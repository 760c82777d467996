/* SPDX-License-Identifier: Apache-2.0 */
/* baggage_api.c - single values of what a span carries: read, and set by copy.
 *
 * An entry of the table never changes. Setting a value writes a new one and puts it in the place of
 * the old: in the slot, for a span of this process; in the value itself, for what extract gave. The
 * new entry keeps the old alive, so that copies of the span made before go on naming what they did.
 * Threads that set baggage on one span at the same time each do so from what their own copy of the
 * divak_span had; the slot keeps the last one's. */
#include <string.h>

#include "api/carried.h"
#include "api/header_names.h"
#include "api/propagation.h"
#include "base/buffer.h"
#include "model/flags.h"
#include "wire/baggage.h"
#include "wire/request_id.h"
#include "wire/utf8.h"

/* What a name stands for. */
typedef enum target {
    TARGET_FIELD,
    TARGET_REQUEST_ID,
    TARGET_MEMBER
} target;

static target target_of(const divak_propagation *propagation, const char *name, size_t length,
                        int *out_field) {
    *out_field = divak_propagation_find_field(propagation, name, length);
    if (*out_field >= 0) return TARGET_FIELD;
    bool is_request_id = length == strlen(DIVAK_NAME_REQUEST_ID) &&
                         memcmp(name, DIVAK_NAME_REQUEST_ID, length) == 0;
    return is_request_id ? TARGET_REQUEST_ID : TARGET_MEMBER;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool is_member(const divak_baggage_member *member, const char *name, size_t length) {
    return member->key_length == length && memcmp(member->key, name, length) == 0;
}

static int copy_out(const char *text, size_t length, char *out, size_t capacity,
                    size_t *out_length) {
    size_t copied = length;
    if (length > capacity) copied = divak_utf8_cut(text, length, capacity);
    if (copied > 0) memcpy(out, text, copied);
    if (copied < capacity) out[copied] = '\0';
    if (out_length != NULL) *out_length = length;
    return length > capacity ? DIVAK_ERROR_TRUNCATED : DIVAK_OK;
}

/* Decoded first, as its whole length is wanted too. Not inlined: other values need no such
 * stack. */
__attribute__((noinline)) static int decode_out(const divak_baggage_member *member, char *out,
                                                size_t capacity, size_t *out_length) {
    char plain[DIVAK_BAGGAGE_BYTES];
    size_t length;
    (void)divak_baggage_decode(member->value, member->value_length, plain, sizeof plain, &length);
    return copy_out(plain, length, out, capacity, out_length);
}

static int member_out(const divak_carried *members, const char *name, size_t name_length, char *out,
                      size_t capacity, size_t *out_length) {
    divak_baggage_reader reader = divak_baggage_reader_over(members->text, members->length);
    divak_baggage_member member;
    while (divak_baggage_next(&reader, &member)) {
        if (!is_member(&member, name, name_length)) continue;
        if (memchr(member.value, '%', member.value_length) != NULL) {
            return decode_out(&member, out, capacity, out_length);
        }
        return copy_out(member.value, member.value_length, out, capacity, out_length);
    }
    return DIVAK_ABSENT;
}

int divak_propagation_baggage(divak_propagation *propagation, const divak_span *span,
                              const char *name, size_t name_length, char *out, size_t capacity,
                              size_t *out_length) {
    if (propagation == NULL || span == NULL || name == NULL || name_length == 0) {
        return DIVAK_ABSENT;
    }
    if (out == NULL) capacity = 0;
    const unsigned char *bytes;
    size_t length, at = 0;
    if (!divak_baggage_table_open(propagation->table, span->baggage, span->baggage_generation,
                                  &bytes, &length)) {
        return DIVAK_ABSENT;
    }
    int field, status = DIVAK_ABSENT;
    target wanted = target_of(propagation, name, name_length, &field);
    divak_carried one;
    while (status == DIVAK_ABSENT && divak_carried_next(bytes, length, &at, &one)) {
        /* The members come last, so that a declared field goes before a member of its name. */
        if ((one.kind == DIVAK_CARRIED_FIELD && wanted == TARGET_FIELD && one.field == field) ||
            (one.kind == DIVAK_CARRIED_REQUEST_ID && wanted == TARGET_REQUEST_ID)) {
            status = copy_out(one.text, one.length, out, capacity, out_length);
        } else if (one.kind == DIVAK_CARRIED_BAGGAGE) {
            status = member_out(&one, name, name_length, out, capacity, out_length);
        }
    }
    divak_baggage_table_release(propagation->table, span->baggage, span->baggage_generation);
    return status;
}

/* ---- Setting --------------------------------------------------------------------------------- */

typedef struct alteration {
    const divak_propagation *propagation;
    target target;
    int field;
    const char *name;
    size_t name_length;
    const char *value; /* NULL: taken away */
    size_t value_length;
} alteration;

static int check(const alteration *change) {
    if (change->value == NULL) return DIVAK_OK;
    switch (change->target) {
    case TARGET_REQUEST_ID:
        return divak_request_id_check(change->value, change->value_length) == DIVAK_OK
                   ? DIVAK_OK
                   : DIVAK_ERROR_INVALID;
    case TARGET_FIELD:
        if (change->value_length > DIVAK_DECLARED_BYTES) return DIVAK_ERROR_FULL;
        /* A local field never meets a header, so it may be anything. */
        if (change->propagation->declared[change->field].header_count == 0) return DIVAK_OK;
        return divak_propagation_is_field_value(change->value, change->value_length)
                   ? DIVAK_OK
                   : DIVAK_ERROR_INVALID;
    default:
        /* One that is never sent would be lost without a word. */
        return change->propagation->inject.baggage ? DIVAK_OK : DIVAK_ERROR_INVALID;
    }
}

/* The members without the one that is changed, then that one. */
static int write_members(const alteration *change, const divak_carried *old, divak_buffer *out) {
    size_t at = divak_carried_begin(out, DIVAK_CARRIED_BAGGAGE, 0);
    char *room = divak_buffer_reserve(out, DIVAK_BAGGAGE_BYTES);
    if (room == NULL) return DIVAK_ERROR_MEMORY;
    divak_baggage_writer writer = {.out = room, .capacity = DIVAK_BAGGAGE_BYTES};
    divak_baggage_reader reader = divak_baggage_reader_over(old->text, old->length);
    divak_baggage_member member;
    while (divak_baggage_next(&reader, &member)) {
        if (is_member(&member, change->name, change->name_length)) continue;
        (void)divak_baggage_forward(&writer, &member); /* it has been written so before */
    }
    int status = DIVAK_OK;
    if (change->target == TARGET_MEMBER && change->value != NULL) {
        status = divak_baggage_add(&writer, change->name, change->name_length, change->value,
                                   change->value_length, NULL, 0);
    }
    out->length += writer.length;
    divak_carried_end(out, at);
    return status;
}

/* Writes all sections of the old entry with the change made. */
static int rewrite(const alteration *change, const unsigned char *bytes, size_t length,
                   divak_buffer *out) {
    divak_carried one, members = {.text = NULL};
    size_t at = 0, declared = 0;
    while (divak_carried_next(bytes, length, &at, &one)) {
        bool is_changed =
            (one.kind == DIVAK_CARRIED_FIELD && change->target == TARGET_FIELD &&
             one.field == change->field) ||
            (one.kind == DIVAK_CARRIED_REQUEST_ID && change->target == TARGET_REQUEST_ID);
        if (one.kind == DIVAK_CARRIED_BAGGAGE) {
            members = one;
        } else if (!is_changed) {
            divak_carried_add(out, one.kind, one.field, one.text, one.length);
            if (one.kind == DIVAK_CARRIED_FIELD) declared += one.length;
        }
    }
    if (change->value != NULL && change->target == TARGET_FIELD) {
        if (declared + change->value_length > DIVAK_DECLARED_BYTES) return DIVAK_ERROR_FULL;
        divak_carried_add(out, DIVAK_CARRIED_FIELD, (uint8_t)change->field, change->value,
                          change->value_length);
    } else if (change->value != NULL && change->target == TARGET_REQUEST_ID) {
        divak_carried_add(out, DIVAK_CARRIED_REQUEST_ID, 0, change->value, change->value_length);
    }
    if (members.text == NULL && (change->target != TARGET_MEMBER || change->value == NULL)) {
        return out->failed ? DIVAK_ERROR_MEMORY : DIVAK_OK;
    }
    /* A member of a declared field's name gives way to it, so that there is one truth downstream
     * and a field that is taken away does not come to light again. */
    return write_members(change, &members, out);
}

/* Puts a new entry where the span has its baggage. */
static int replace(divak_propagation *propagation, const divak_baggage_slots *slots,
                   divak_span *span, const divak_buffer *content) {
    divak_baggage_table *table = propagation->table;
    uint32_t baggage, generation;
    bool has_ids = (span->trace_id_high | span->trace_id_low) != 0;
    /* Nobody ends what was not started: such a value lets go by divak_span_release. */
    bool is_started = has_ids ? (span->flags & DIVAK_SPAN_REMOTE) == 0
                              : (span->flags & DIVAK_SPAN_STARTED) != 0;
    bool is_value = span->slot == 0 && !is_started;
    int status = divak_baggage_table_create(
        table, content->bytes, content->length,
        is_value ? DIVAK_BAGGAGE_BY_VALUE : DIVAK_BAGGAGE_BY_REFERENCE, span->baggage,
        span->baggage_generation, &baggage, &generation);
    if (status != DIVAK_OK) return status;
    if (is_value) {
        if (span->flags & DIVAK_SPAN_OWNS_BAGGAGE) {
            divak_baggage_table_disown(table, span->baggage, span->baggage_generation);
        }
        span->flags |= DIVAK_SPAN_OWNS_BAGGAGE;
    } else {
        status = span->slot != 0 ? slots->replace(span, baggage, generation)
                                 : slots->adopt(span, baggage, generation);
        if (status != DIVAK_OK) {
            divak_baggage_table_release(table, baggage, generation);
            return status;
        }
    }
    span->baggage = baggage;
    span->baggage_generation = generation;
    return DIVAK_OK;
}

int divak_propagation_set_baggage(divak_propagation *propagation, const divak_baggage_slots *slots,
                                  divak_span *span, const char *name, size_t name_length,
                                  const char *value, size_t value_length) {
    if (span == NULL || name == NULL || name_length == 0 || (value == NULL && value_length != 0)) {
        return DIVAK_ERROR_INVALID;
    }
    if (propagation == NULL || propagation->table == NULL) return DIVAK_ERROR_STALE;
    alteration change = {.propagation = propagation,
                     .name = name,
                     .name_length = name_length,
                     .value = value,
                     .value_length = value_length};
    change.target = target_of(propagation, name, name_length, &change.field);
    int status = check(&change);
    if (status != DIVAK_OK) return status;

    const unsigned char *bytes = NULL;
    size_t length = 0;
    bool is_open = divak_baggage_table_open(propagation->table, span->baggage,
                                            span->baggage_generation, &bytes, &length);
    divak_buffer content = {.length = 0};
    status = is_open || value != NULL ? rewrite(&change, bytes, length, &content) : DIVAK_OK;
    if (is_open) {
        divak_baggage_table_release(propagation->table, span->baggage, span->baggage_generation);
    }
    if (status == DIVAK_OK && (is_open || value != NULL)) {
        status = replace(propagation, slots, span, &content);
    }
    divak_buffer_deinit(&content);
    return status;
}

void divak_propagation_release(divak_propagation *propagation, divak_span *span) {
    if (span == NULL || (span->flags & DIVAK_SPAN_OWNS_BAGGAGE) == 0) return;
    if (propagation != NULL) {
        divak_baggage_table_disown(propagation->table, span->baggage, span->baggage_generation);
    }
    span->flags &= ~(uint32_t)DIVAK_SPAN_OWNS_BAGGAGE;
    span->baggage = 0;
    span->baggage_generation = 0;
}
