/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_fixture.h - headers written as lines of text, spans described as text, for the tests
 * of propagation. */
#ifndef DIVAK_TEST_PROPAGATION_FIXTURE_H
#define DIVAK_TEST_PROPAGATION_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "api/propagation.h"
#include "check.h"
#include "model/flags.h"

enum { FIXTURE_TRACER = 7, FIXTURE_HEADERS = 160 };

typedef struct fixture {
    divak_propagation propagation;
    divak_baggage_table table;
} fixture;

static inline uint64_t fixture_random(void *context) {
    uint64_t *state = context;
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* All formats are read and written. */
static inline void fixture_init(fixture *f) {
    divak_propagation_init(&f->propagation);
    f->propagation.inject = (divak_formats){true, true, true, true, true, 0};
    f->propagation.tracer = FIXTURE_TRACER;
    CHECK_INT(DIVAK_OK, divak_baggage_table_init(&f->table, 64, 1 << 20));
    f->propagation.table = &f->table;
}

/* Frees the table; nothing may be held any more. */
static inline void fixture_deinit(fixture *f) {
    uint32_t used = divak_load_relaxed(&f->table.used);
    for (uint32_t i = 0; i < used; i++) {
        CHECK_INT(0, (uint32_t)divak_load_relaxed(&f->table.entries[i].word));
    }
    divak_baggage_table_deinit(&f->table);
}

/* "name: value" lines into headers; each line is copied exactly, so that a sanitizer sees an
 * over-read. */
static inline int extract_lines(fixture *f, const char *lines, divak_span *out) {
    divak_header headers[FIXTURE_HEADERS] = {{NULL, 0, NULL, 0}};
    char *copies[FIXTURE_HEADERS];
    size_t count = 0;
    for (const char *at = lines; *at != '\0' && count < FIXTURE_HEADERS;) {
        size_t length = strcspn(at, "\n");
        size_t name_length = strcspn(at, ":");
        size_t value_at = name_length + 2 <= length ? name_length + 2 : length;
        char *copy = malloc(length == 0 ? 1 : length);
        memcpy(copy, at, length);
        copies[count] = copy;
        headers[count++] = (divak_header){copy, name_length, copy + value_at, length - value_at};
        at += length + (at[length] == '\n');
    }
    int status = divak_propagation_extract_headers(&f->propagation, headers, count, out);
    for (size_t i = 0; i < count; i++) free(copies[i]);
    return status;
}

/* "463ac35c9f6413ad/48485a3953bb6124/- accept": trace, span, parent, decision, what else is
 * true. */
static inline const char *described(const divak_span *span) {
    static char text[160];
    static const char *const decisions[8] = {"defer", "wish",  "deny", "accept",
                                             "?",     "?wish", "?deny", "debug"};
    char trace[33], id[17], parent[17] = "-";
    divak_span_trace_id_text(span, trace);
    divak_span_id_text(span, id);
    if (span->parent_id != 0) {
        divak_span_id_text(&(divak_span){.span_id = span->parent_id}, parent);
    }
    snprintf(text, sizeof text, "%s/%s/%s %s%s%s%s", trace, id, parent, decisions[span->flags & 7],
             span->flags & DIVAK_SPAN_RANDOM ? " random" : "",
             span->flags & DIVAK_SPAN_EXTRACT_FAILED ? " failed" : "",
             span->flags & DIVAK_SPAN_REMOTE ? "" : " local");
    return text;
}

static inline void expect_extract(fixture *f, const char *lines, const char *expected) {
    divak_span span;
    memset(&span, 0xa5, sizeof span);
    int status = extract_lines(f, lines, &span);
    const char *actual = status == DIVAK_OK ? described(&span) : "absent";
    if (status != DIVAK_OK && status != DIVAK_ABSENT) actual = "invalid";
    if (strcmp(actual, expected) != 0) printf("  from %s\n", lines);
    CHECK_TEXT(expected, actual, strlen(actual));
    CHECK_INT(FIXTURE_TRACER, span.tracer);
    if (status != DIVAK_OK) CHECK_INT(0, span.trace_id_low | span.span_id | span.parent_id);
    divak_propagation_release(&f->propagation, &span);
}

typedef struct text_carrier {
    char lines[40000];
    size_t length;
    size_t count;
} text_carrier;

static inline void put_line(void *context, const char *name, size_t name_length, const char *value,
                            size_t value_length) {
    text_carrier *to = context;
    if (to->length + name_length + value_length + 4 > sizeof to->lines) return;
    memcpy(to->lines + to->length, name, name_length);
    to->length += name_length;
    memcpy(to->lines + to->length, ": ", 2);
    to->length += 2;
    memcpy(to->lines + to->length, value, value_length);
    to->length += value_length;
    to->lines[to->length++] = '\n';
    to->lines[to->length] = '\0';
    to->count++;
}

static inline const char *injected_as(fixture *f, const divak_span *span, bool is_message) {
    static text_carrier carrier;
    carrier.length = carrier.count = 0;
    carrier.lines[0] = '\0';
    int status = divak_propagation_inject(&f->propagation, span, is_message, put_line, &carrier);
    CHECK_INT(carrier.count > 0 ? DIVAK_OK : DIVAK_ABSENT, status);
    return carrier.lines;
}

static inline const char *injected(fixture *f, const divak_span *span) {
    return injected_as(f, span, false);
}

static inline void expect_text(const char *expected, const char *actual) {
    CHECK_TEXT(expected, actual, strlen(actual));
}

static inline void expect_baggage(fixture *f, const divak_span *span, const char *name,
                                  const char *expected) {
    char value[256];
    size_t length = 0;
    int status = divak_propagation_baggage(&f->propagation, span, name, strlen(name), value,
                                           sizeof value, &length);
    if (expected == NULL) {
        CHECK_INT(DIVAK_ABSENT, status);
        return;
    }
    CHECK_INT(DIVAK_OK, status);
    if (status == DIVAK_OK) CHECK_TEXT(expected, value, length);
}

/* ---- A slot, as the tracer has them: holds one reference of the span that it records --------- */

__attribute__((unused)) static struct {
    divak_baggage_table *table;
    uint32_t baggage, generation;
    int status; /* what replace and adopt answer */
    int adopted;
} slot;

static inline int replace_in_slot(const divak_span *span, uint32_t baggage, uint32_t generation) {
    if (slot.status != DIVAK_OK) return slot.status;
    CHECK_INT(1, span->slot);
    divak_baggage_table_release(slot.table, slot.baggage, slot.generation);
    slot.baggage = baggage;
    slot.generation = generation;
    return DIVAK_OK;
}

static inline int adopt_in_slot(divak_span *span, uint32_t baggage, uint32_t generation) {
    if (slot.status != DIVAK_OK) return slot.status;
    CHECK_INT(0, span->slot);
    slot.adopted++;
    span->slot = 1;
    slot.baggage = baggage;
    slot.generation = generation;
    return DIVAK_OK;
}

__attribute__((unused)) static const divak_baggage_slots slots = {
    .replace = replace_in_slot, .adopt = adopt_in_slot};

/* A local child of `parent`: what starting a span does with baggage. */
static inline divak_span start(fixture *f, const divak_span *parent, bool has_slot) {
    memset(&slot, 0, sizeof slot);
    slot.table = &f->table;
    divak_span span = {.trace_id_low = 1,
                       .span_id = 2,
                       .flags = DIVAK_SPAN_DECIDED,
                       .tracer = FIXTURE_TRACER};
    if (!has_slot) return span;
    span.slot = 1;
    if (parent != NULL &&
        divak_baggage_table_retain(&f->table, parent->baggage, parent->baggage_generation)) {
        span.baggage = slot.baggage = parent->baggage;
        span.baggage_generation = slot.generation = parent->baggage_generation;
    }
    return span;
}

static inline void finish(fixture *f) {
    divak_baggage_table_release(&f->table, slot.baggage, slot.generation);
}

static inline int set(fixture *f, divak_span *span, const char *name, const char *value) {
    return divak_propagation_set_baggage(&f->propagation, &slots, span, name, strlen(name), value,
                                         value == NULL ? 0 : strlen(value));
}

static inline void declare(fixture *f, const char *fields) {
    CHECK_INT(DIVAK_OK, divak_propagation_add_fields(&f->propagation, fields, strlen(fields)));
}

static inline int get(fixture *f, const divak_span *span, const char *name, char *out,
                      size_t capacity, size_t *out_length) {
    return divak_propagation_baggage(f == NULL ? NULL : &f->propagation, span, name,
                                     name == NULL ? 0 : strlen(name), out, capacity, out_length);
}

#endif
