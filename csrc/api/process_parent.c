/* SPDX-License-Identifier: Apache-2.0 */
/* process_parent.c - reads environment variables as if they were headers. */
#include "api/process_parent.h"

#include <stdlib.h>
#include <string.h>

#include "api/header_names.h"
#include "base/memory.h"

static const struct {
    const char *variable, *header;
} carriers[DIVAK_PROCESS_PARENT_TEXTS] = {
    {"TRACEPARENT", DIVAK_HEADER_TRACEPARENT},
    {"TRACESTATE", DIVAK_HEADER_TRACESTATE},
    {"BAGGAGE", DIVAK_HEADER_BAGGAGE},
    {"B3", DIVAK_HEADER_B3},
};

static int copy(const char *text, char **out) {
    if (text == NULL || *text == '\0') return DIVAK_OK;
    size_t size = strlen(text) + 1;
    *out = divak_memory_allocate(size);
    if (*out == NULL) return DIVAK_ERROR_MEMORY;
    memcpy(*out, text, size);
    return DIVAK_OK;
}

int divak_process_parent_read(divak_process_parent *parent) {
    int status = DIVAK_OK;
    for (size_t i = 0; status == DIVAK_OK && i < DIVAK_PROCESS_PARENT_TEXTS; i++) {
        status = copy(getenv(carriers[i].variable), &parent->texts[i]);
    }
    return status;
}

int divak_process_parent_copy(const divak_process_parent *from, divak_process_parent *to) {
    int status = DIVAK_OK;
    for (size_t i = 0; status == DIVAK_OK && i < DIVAK_PROCESS_PARENT_TEXTS; i++) {
        status = copy(from->texts[i], &to->texts[i]);
    }
    return status;
}

void divak_process_parent_deinit(divak_process_parent *parent) {
    for (size_t i = 0; i < DIVAK_PROCESS_PARENT_TEXTS; i++) {
        divak_memory_release(parent->texts[i]);
        parent->texts[i] = NULL;
    }
}

static bool get(void *context, const char *name, size_t name_length, size_t index,
                const char **out_value, size_t *out_length) {
    const divak_process_parent *parent = context;
    for (size_t i = 0; index == 0 && i < DIVAK_PROCESS_PARENT_TEXTS; i++) {
        const char *header = carriers[i].header;
        if (parent->texts[i] == NULL || strlen(header) != name_length ||
            memcmp(header, name, name_length) != 0) {
            continue;
        }
        *out_value = parent->texts[i];
        *out_length = strlen(parent->texts[i]);
        return true;
    }
    return false;
}

void divak_process_parent_extract(const divak_process_parent *parent,
                                  divak_propagation *propagation, divak_span *out_parent) {
    /* Whoever sets our environment may do everything; and no request came that would need an id. */
    divak_propagation reader = *propagation;
    reader.trust = DIVAK_TRUST_ALL;
    reader.extract_failure = DIVAK_EXTRACT_RESTART;
    reader.extract.request_id = false;
    reader.declared_count = 0;
    divak_store_relaxed(&reader.baggage_dropped, 0);
    divak_store_relaxed(&reader.bad_header, 0);

    divak_propagation ids_reader = reader;
    ids_reader.table = NULL;
    ids_reader.extract = (divak_formats){.tracecontext = reader.extract.tracecontext};
    divak_span w3c;
    void *context = (void *)(uintptr_t)parent; /* only read, as `get` does */
    if (divak_propagation_extract(&ids_reader, get, context, &w3c) == DIVAK_OK) {
        divak_span b3;
        ids_reader.extract = (divak_formats){.b3 = reader.extract.b3};
        (void)divak_propagation_extract(&ids_reader, get, context, &b3);
        reader.extract.b3 = b3.span_id == w3c.span_id && b3.trace_id_low == w3c.trace_id_low &&
                            b3.trace_id_high == w3c.trace_id_high;
    }
    (void)divak_propagation_extract(&reader, get, context, out_parent);
    divak_add_relaxed(&propagation->bad_header, divak_load_relaxed(&reader.bad_header));
    divak_add_relaxed(&propagation->baggage_dropped, divak_load_relaxed(&reader.baggage_dropped));
}
