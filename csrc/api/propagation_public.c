/* SPDX-License-Identifier: Apache-2.0 */
/* propagation_public.c - the functions of divak/propagation.h: they find the tracer's settings. */
#include "api/other_copies.h"
#include "api/propagation.h"
#include "collect/current.h"

static const divak_baggage_slots slots = {
    .replace = divak_span_replace_baggage,
    .adopt = divak_span_adopt_baggage,
};

static divak_propagation *propagation_of(const divak_span *span) {
    return span == NULL ? NULL : divak_tracer_propagation(divak_span_tracer(span));
}

int divak_extract(divak_tracer *tracer, divak_get_header get, void *context,
                  divak_span *out_parent) {
    return divak_propagation_extract(divak_tracer_propagation(tracer), get, context, out_parent);
}

int divak_extract_headers(divak_tracer *tracer, const divak_header *headers, size_t count,
                          divak_span *out_parent) {
    return divak_propagation_extract_headers(divak_tracer_propagation(tracer), headers, count,
                                             out_parent);
}

void divak_span_release(divak_span *span) {
    divak_propagation_release(propagation_of(span), span);
}

/* A span of another copy of the library is written as a parent that carries what that does. */
static int inject(divak_tracer *tracer, const divak_span *span, bool is_message,
                  divak_put_header put, void *context) {
    divak_propagation *propagation = divak_tracer_propagation(tracer);
    divak_span own;
    span = divak_other_copies_adopt(tracer, span, &own);
    int status = divak_propagation_inject(propagation, span, is_message, put, context);
    divak_propagation_release(propagation, &own);
    return status;
}

int divak_inject(divak_tracer *tracer, const divak_span *span, divak_put_header put,
                 void *context) {
    return inject(tracer, span, false, put, context);
}

int divak_inject_message(divak_tracer *tracer, const divak_span *span, divak_put_header put,
                         void *context) {
    return inject(tracer, span, true, put, context);
}

int divak_inject_response(divak_tracer *tracer, const divak_span *span, uint32_t headers,
                          divak_put_header put, void *context) {
    divak_propagation *propagation = divak_tracer_propagation(tracer);
    divak_span own;
    span = divak_other_copies_adopt(tracer, span, &own);
    int status = divak_propagation_inject_response(propagation, span, headers, put, context);
    divak_propagation_release(propagation, &own);
    return status;
}

int divak_inject_headers(divak_tracer *tracer, const divak_span *span,
                         divak_header_block *out_block) {
    divak_propagation *propagation = divak_tracer_propagation(tracer);
    divak_span own;
    span = divak_other_copies_adopt(tracer, span, &own);
    int status = divak_propagation_inject_block(propagation, span, out_block);
    divak_propagation_release(propagation, &own);
    return status;
}

const char *divak_propagation_header(divak_tracer *tracer, size_t index) {
    return divak_propagation_header_at(divak_tracer_propagation(tracer), index);
}

int divak_span_baggage(const divak_span *span, const char *name, size_t name_length, char *out,
                       size_t capacity, size_t *out_length) {
    divak_span at_home;
    const divak_home_services *home = span == NULL ? NULL : divak_home_of(span, &at_home);
    if (home != NULL) {
        return home->baggage(&at_home, name, name_length, out, capacity, out_length);
    }
    return divak_propagation_baggage(propagation_of(span), span, name, name_length, out, capacity,
                                     out_length);
}

int divak_span_set_baggage(divak_span *span, const char *name, size_t name_length,
                           const char *value, size_t value_length) {
    return divak_propagation_set_baggage(propagation_of(span), &slots, span, name, name_length,
                                         value, value_length);
}
