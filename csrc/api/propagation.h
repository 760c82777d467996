/* SPDX-License-Identifier: Apache-2.0 */
/* propagation.h - what a tracer knows about headers, and the functions behind divak/propagation.h.
 *
 *     headers --extract.c--> divak_span + an entry of the baggage table --inject.c--> headers
 *                                            |
 *                            baggage_api.c reads and changes it, by copy
 *
 * Ids and decision travel in the divak_span itself. Everything else (tracestate, baggage, declared
 * fields, the request id) is one entry of the table in collect/baggage.h, written by carried.h.
 * The functions here take the settings, so that they can be tested without a tracer;
 * propagation_public.c finds the settings of a tracer and calls them.
 *
 *     divak_propagation propagation;
 *     divak_propagation_init(&propagation);
 *     propagation.table = &table;
 *     divak_propagation_add_fields(&propagation, "country-code,user=x-user-id|x-uid,-local", 40);
 *     divak_propagation_extract(&propagation, get, context, &parent); */
#ifndef DIVAK_API_PROPAGATION_H
#define DIVAK_API_PROPAGATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "collect/baggage.h"
#include "divak/propagation.h"

typedef struct divak_formats {
    bool b3;
    bool b3multi;
    bool tracecontext;
    bool baggage;
    bool request_id;
    uint32_t own; /* a bit for each of divak_propagation.own */
} divak_formats;

#define DIVAK_EVERY_FORMAT ((divak_formats){true, true, true, true, true, UINT32_MAX})

/* What incoming headers may decide. */
typedef enum divak_trust {
    DIVAK_TRUST_ALL,
    DIVAK_TRUST_LIMITED, /* deny stands; accept and debug are a wish: the sampler is asked */
    DIVAK_TRUST_NONE     /* ids only: the sampler is always asked */
} divak_trust;

/* What malformed headers, with no well-formed ones beside them, do. */
typedef enum divak_extract_failure {
    DIVAK_EXTRACT_RESTART, /* as if they were absent */
    DIVAK_EXTRACT_ERROR,   /* extract says DIVAK_ERROR_INVALID */
    DIVAK_EXTRACT_TAG      /* the flag DIVAK_SPAN_EXTRACT_FAILED comes out */
} divak_extract_failure;

enum {
    DIVAK_DECLARED_MAX = 15, /* fields; with all formats on they just fit into a header block */
    DIVAK_DECLARED_HEADERS = 4,
    DIVAK_HEADER_NAME_MAX = 63,
    DIVAK_PROPAGATORS_MAX = 4,  /* of a config, and of the process */
    DIVAK_OWN_FORMATS_MAX = 2 * DIVAK_PROPAGATORS_MAX,
    DIVAK_FORMAT_NAME_MAX = 31,
    DIVAK_PROPAGATOR_HEADERS = 8,
    DIVAK_DECLARED_BYTES = 8192 /* values of all declared fields of a span together */
};

/* The name of a header or field: a token in lower case, ended by 0. */
typedef struct divak_header_name {
    char text[DIVAK_HEADER_NAME_MAX + 1];
    size_t length;
} divak_header_name;

/* A declared field. The first of its headers that came counts; the first is what is written. */
typedef struct divak_declared {
    divak_header_name name;
    divak_header_name headers[DIVAK_DECLARED_HEADERS];
    size_t header_count; /* 0: local, never on the wire */
} divak_declared;

/* A format of the user's, with its name and those of its headers. */
typedef struct divak_own_format {
    char name[DIVAK_FORMAT_NAME_MAX + 1];
    void (*inject)(void *context, const divak_span *span, bool is_message, divak_put_header put, void *put_context);
    int (*extract)(void *context, divak_get_header get, void *get_context, divak_span *out_parent);
    void *context;
    divak_header_name headers[DIVAK_PROPAGATOR_HEADERS];
    size_t header_count;
} divak_own_format;

typedef struct divak_propagation {
    /* Written before the first use, only read after. */
    divak_formats extract;
    divak_formats inject;
    divak_trust trust;
    divak_extract_failure extract_failure;
    bool does_generate_request_id; /* a UUID */
    size_t (*make_request_id)(void *context, char *out, size_t room); /* NULL, or instead of that */
    void *make_request_id_context;
    divak_header_name request_id_header;
    divak_declared declared[DIVAK_DECLARED_MAX];
    size_t declared_count;
    divak_own_format own[DIVAK_OWN_FORMATS_MAX];
    size_t own_count;
    divak_baggage_table *table; /* NULL: nothing but ids and decision is carried */
    uint64_t (*random)(void *context); /* for request ids; NULL: none are made */
    void *random_context;
    uint16_t tracer; /* goes into divak_span.tracer of what extract gives */

    /* Counted by any thread. */
    divak_atomic_u64 bad_header;
    divak_atomic_u64 baggage_dropped;
    divak_atomic_u64 truncated;
} divak_propagation;

/* The defaults: everything is read, b3multi and tracecontext are written, x-request-id. */
void divak_propagation_init(divak_propagation *propagation);

/* Declares fields as the setting "baggage_fields" says them:
 * "country-code,user=x-user-id|x-uid,-local", or "none". DIVAK_ERROR_INVALID: not of this form, no
 * token, or a name or header that is taken; DIVAK_ERROR_FULL: too many; and none of them is
 * declared then. A foreign header that only passes through is a field of its own name. */
int divak_propagation_add_fields(divak_propagation *propagation, const char *text, size_t length);
/* DIVAK_ERROR_INVALID for what is no token or is taken. */
int divak_propagation_set_request_id_header(divak_propagation *propagation, const char *name,
                                            size_t length);
/* Reads a header's name as HTTP has it, of up to DIVAK_HEADER_NAME_MAX bytes; false when it is none. */
bool divak_propagation_read_header_name(const char *name, size_t length, divak_header_name *out);
/* The declared field of a name, regardless of case, or -1. */
int divak_propagation_find_field(const divak_propagation *propagation, const char *name,
                                 size_t length);
/* Whether a declared field may have this value on the wire: printable ASCII, no blank at its
 * ends. */
bool divak_propagation_is_field_value(const char *value, size_t length);
/* The `index`-th name of all headers, or NULL. */
const char *divak_propagation_header_at(const divak_propagation *propagation, size_t index);

/* As their namesakes in divak/propagation.h; `propagation` may be NULL: nothing is read or
 * written. */
int divak_propagation_extract(divak_propagation *propagation, divak_get_header get, void *context,
                              divak_span *out_parent);
int divak_propagation_extract_headers(divak_propagation *propagation, const divak_header *headers,
                                      size_t count, divak_span *out_parent);
int divak_propagation_inject(divak_propagation *propagation, const divak_span *span,
                             bool is_message, divak_put_header put, void *context);
int divak_propagation_inject_response(divak_propagation *propagation, const divak_span *span, uint32_t headers,
                                      divak_put_header put, void *context);
/* A block, empty at first, and how many headers had no room in it: the context of a divak_put_header. */
typedef struct divak_block_filling {
    divak_header_block *block;
    size_t left_out;
} divak_block_filling;
void divak_propagation_put_into_block(void *context, const char *name, size_t name_length,
                                      const char *value, size_t value_length);
/* DIVAK_ERROR_TRUNCATED: some headers had no room. */
int divak_propagation_inject_block(divak_propagation *propagation, const divak_span *span,
                                   divak_header_block *out_block);
int divak_propagation_baggage(divak_propagation *propagation, const divak_span *span,
                              const char *name, size_t name_length, char *out, size_t capacity,
                              size_t *out_length);
void divak_propagation_release(divak_propagation *propagation, divak_span *span);

/* Who holds the baggage of a span: divak_span_replace_baggage and divak_span_adopt_baggage. */
typedef struct divak_baggage_slots {
    int (*replace)(const divak_span *span, uint32_t baggage, uint32_t generation);
    int (*adopt)(divak_span *span, uint32_t baggage, uint32_t generation);
} divak_baggage_slots;

int divak_propagation_set_baggage(divak_propagation *propagation, const divak_baggage_slots *slots,
                                  divak_span *span, const char *name, size_t name_length,
                                  const char *value, size_t value_length);

/* ---- Said by the tracer (api/tracer.c) ------------------------------------------------------- */

/* The settings of a tracer, or NULL: no such tracer. */
divak_propagation *divak_tracer_propagation(divak_tracer *tracer);
/* The tracer that a span names, or NULL, also for a span of another copy of the library. Bears
 * forged spans. */
divak_tracer *divak_span_tracer(const divak_span *span);

#endif
