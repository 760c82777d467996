/* sampler_operations.c - asks the sampler that belongs to the name of the span. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     "checkout" -> always        a table by hash, with open addressing and at most half full:
 *     "poll"     -> a thousandth  how many operations there are makes no difference to asking
 *     otherwise  -> a tenth
 *
 * Written before the sampler is in use, only read after.
 */
#include "collect/sampler.h"

#include <string.h>

#include "base/memory.h"

enum { SMALLEST_TABLE = 16 }; /* a power of two, as all of them */

int divak_sampler_create_operations(divak_sampler *otherwise, divak_sampler **out_sampler) {
    if (out_sampler == NULL) return DIVAK_ERROR_INVALID;
    if (otherwise == NULL) otherwise = divak_sampler_never();
    if (otherwise->depth >= DIVAK_SAMPLER_DEPTH_MAX) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_OPERATIONS);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    divak_sampler_name(sampler, otherwise);
    sampler->operations.otherwise = otherwise;
    *out_sampler = sampler;
    return DIVAK_OK;
}

/* FNV-1a, its high half folded in since the table uses the low bits. Names from a request can at
 * worst walk one run of taken places, whose names are the program's. */
static uint64_t hash(const char *name, size_t length) {
    uint64_t x = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) {
        x = (x ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
    }
    return x ^ x >> 32;
}

/* The place of the name, or the free one where it belongs. The table has a free place. */
static divak_sampler_operation *find(divak_sampler_operation *table, size_t capacity,
                                     const char *name, size_t length) {
    size_t place = hash(name, length) & (capacity - 1);
    while (table[place].then != NULL && (table[place].name_length != length ||
                                         memcmp(table[place].name, name, length) != 0)) {
        place = (place + 1) & (capacity - 1);
    }
    return &table[place];
}

/* Doubles the table when one more would fill more than half of it. */
static int make_room(divak_sampler *sampler) {
    size_t old = sampler->operations.capacity;
    if (2 * (sampler->operations.count + 1) <= old) return DIVAK_OK;
    size_t capacity = old == 0 ? SMALLEST_TABLE : 2 * old;
    divak_sampler_operation *table = divak_memory_allocate_zeroed(capacity, sizeof *table);
    if (table == NULL) return DIVAK_ERROR_MEMORY;
    for (size_t i = 0; i < old; i++) {
        const divak_sampler_operation *one = &sampler->operations.table[i];
        if (one->then != NULL) *find(table, capacity, one->name, one->name_length) = *one;
    }
    divak_memory_release(sampler->operations.table);
    sampler->operations.table = table;
    sampler->operations.capacity = capacity;
    return DIVAK_OK;
}

int divak_sampler_add_operation(divak_sampler *operations, const char *name, divak_sampler *then) {
    if (operations == NULL || name == NULL || then == NULL || then == operations) {
        return DIVAK_ERROR_INVALID;
    }
    if (operations->type != DIVAK_SAMPLER_OPERATIONS || operations->is_named) {
        return DIVAK_ERROR_INVALID;
    }
    if (then->depth >= DIVAK_SAMPLER_DEPTH_MAX) return DIVAK_ERROR_INVALID;
    if (operations->operations.count >= DIVAK_SAMPLER_OPERATIONS_MAX) return DIVAK_ERROR_FULL;
    int status = make_room(operations);
    if (status != DIVAK_OK) return status;
    size_t length = strlen(name);
    divak_sampler_operation *place =
        find(operations->operations.table, operations->operations.capacity, name, length);
    if (place->then != NULL) return DIVAK_ERROR_INVALID;
    char *copy = divak_memory_allocate(length + 1);
    if (copy == NULL) return DIVAK_ERROR_MEMORY;
    memcpy(copy, name, length + 1);
    *place = (divak_sampler_operation){.name = copy, .name_length = length, .then = then};
    operations->operations.count++;
    divak_sampler_name(operations, then);
    return DIVAK_OK;
}

divak_decision divak_sampler_decide_by_operation(divak_sampler *sampler,
                                                 const divak_sampling_request *request) {
    if (sampler->operations.count != 0 && request->name != NULL) {
        const divak_sampler_operation *one =
            find(sampler->operations.table, sampler->operations.capacity, request->name,
                 request->name_length);
        divak_decision decision =
            one->then == NULL ? DIVAK_DEFER : divak_sampler_decide(one->then, request);
        if (decision != DIVAK_DEFER) return decision;
    }
    return divak_sampler_decide(sampler->operations.otherwise, request);
}

void divak_sampler_release_operations(divak_sampler *sampler) {
    for (size_t i = 0; i < sampler->operations.capacity; i++) {
        divak_memory_release(sampler->operations.table[i].name);
    }
    divak_memory_release(sampler->operations.table);
}
