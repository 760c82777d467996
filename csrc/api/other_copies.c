/* SPDX-License-Identifier: Apache-2.0 */
/* other_copies.c - baggage from and for other copies of the library, by way of headers. */
#include "api/other_copies.h"

#include <stddef.h>
#include <string.h>

#include "base/atomics.h"
#include "base/copies.h"
#include "base/log.h"
#include "base/memory.h"
#include "collect/current.h"
#include "model/flags.h"

static int inject_for_others(const divak_span *span, divak_put_header put, void *context) {
    return divak_propagation_inject(divak_tracer_propagation(divak_span_tracer(span)), span, false, put, context);
}

/* Of the heap: more than small stacks have. */
typedef struct transfer {
    divak_header_block block;
    divak_propagation reader;
} transfer;

/* Reads what the headers hold beside the ids into `out_own`, which holds its baggage then. */
static void read_carried(divak_propagation *propagation, transfer *moved, divak_span *out_own) {
    divak_propagation *reader = &moved->reader;
    memcpy(reader, propagation, offsetof(divak_propagation, bad_header)); /* the rest, counters, changes meanwhile */
    /* No request came: none that lacks an id, and none with formats of its own. */
    reader->does_generate_request_id = false;
    reader->make_request_id = NULL;
    reader->own_count = 0;
    divak_store_relaxed(&reader->bad_header, 0);
    divak_store_relaxed(&reader->baggage_dropped, 0);
    (void)divak_propagation_extract_headers(reader, moved->block.headers, moved->block.count, out_own);
    divak_add_relaxed(&propagation->bad_header, divak_load_relaxed(&reader->bad_header));
    divak_add_relaxed(&propagation->baggage_dropped, divak_load_relaxed(&reader->baggage_dropped));
}

/* True: `out_own` holds in the table of `propagation` what `span`, of another copy, carries. */
static bool fetch(divak_propagation *propagation, const divak_span *span, divak_span *out_own) {
    divak_span at_home;
    const divak_home_services *home = divak_home_of(span, &at_home);
    if (home == NULL || propagation == NULL || span->baggage == 0) return false;
    transfer *moved = divak_memory_allocate(sizeof *moved);
    if (moved == NULL) {
        divak_add_relaxed(&propagation->baggage_dropped, 1);
        return false;
    }
    moved->block.count = 0;
    moved->block.bytes_used = 0;
    divak_block_filling filling = {.block = &moved->block};
    (void)home->inject(&at_home, divak_propagation_put_into_block, &filling);
    read_carried(propagation, moved, out_own);
    divak_memory_release(moved);
    divak_add_relaxed(&propagation->baggage_dropped, filling.left_out);
    return out_own->baggage != 0;
}

static bool import_baggage(divak_tracer *tracer, const divak_span *span, uint32_t *out_baggage,
                           uint32_t *out_generation) {
    divak_propagation *propagation = divak_tracer_propagation(tracer);
    divak_span own;
    if (!fetch(propagation, span, &own)) return false;
    *out_baggage = own.baggage;
    *out_generation = own.baggage_generation;
    bool is_held = divak_baggage_table_retain(propagation->table, own.baggage, own.baggage_generation);
    divak_propagation_release(propagation, &own);
    return is_held;
}

const divak_span *divak_other_copies_adopt(divak_tracer *tracer, const divak_span *span, divak_span *out_own) {
    divak_propagation *propagation = divak_tracer_propagation(tracer);
    divak_span carried = {.slot = 0};
    if (span == NULL || divak_home(span) == 0 || propagation == NULL) {
        *out_own = carried;
        return span;
    }
    *out_own = *span;
    out_own->baggage = 0;
    out_own->tracer = propagation->tracer;
    if (fetch(propagation, span, &carried)) {
        out_own->baggage = carried.baggage;
        out_own->baggage_generation = carried.baggage_generation;
        out_own->flags |= DIVAK_SPAN_OWNS_BAGGAGE;
    }
    return out_own;
}

void divak_other_copies_init(void) {
    static const divak_home_services services = {.inject = inject_for_others, .baggage = divak_span_baggage};
    divak_home_import_baggage = import_baggage;
    divak_home_enroll(&services);
}

static bool look_on(void *context, divak_copy *copy) {
    (void)context;
    (void)copy;
    return true;
}

void divak_other_copies_warn(void) {
    static divak_atomic_u32 is_said;
    /* Relaxed: who comes first says it. */
    if (divak_copies_visit(look_on, NULL) == 0 || divak_add_relaxed(&is_said, 1) != 0) return;
    divak_log_line("another version of the library in this process has a current span of its own: "
                   "spans of the two are not each other's children");
}
