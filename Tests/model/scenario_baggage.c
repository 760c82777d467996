/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_baggage.c - entries of baggage under many hands: bytes stay while they are held, and are let go of once. */
#include <string.h>

#include "collect/baggage.h"
#include "simulator.h"

enum { ENTRIES = 2, BYTES = 8 };

static divak_baggage_table table;
static uint32_t first, first_generation;

static void prepare(void) {
    CLAIM(divak_baggage_table_init(&table, ENTRIES, 4096) == DIVAK_OK);
}

static bool create(unsigned char mark, uint32_t *out_baggage, uint32_t *out_generation) {
    unsigned char bytes[BYTES];
    memset(bytes, mark, sizeof bytes);
    return divak_baggage_table_create(&table, bytes, sizeof bytes, DIVAK_BAGGAGE_BY_REFERENCE, 0, 0, out_baggage,
                                      out_generation) == DIVAK_OK;
}

static bool check_bytes(uint32_t baggage, uint32_t generation, unsigned char mark) {
    const unsigned char *bytes;
    size_t length;
    if (!divak_baggage_table_open(&table, baggage, generation, &bytes, &length)) return false;
    CLAIM(length == BYTES);
    for (size_t i = 0; i < length; i++) CLAIM(bytes[i] == mark);
    CLAIM(divak_baggage_table_release(&table, baggage, generation));
    return true;
}

static void begin(void) {
    CLAIM(create(1, &first, &first_generation));
}

/* Ends the hold that the beginning made: the entry is free when nobody else has it open. */
static void let_first_go(void) {
    CLAIM(check_bytes(first, first_generation, 1));
    CLAIM(divak_baggage_table_release(&table, first, first_generation));
}

static void read_first(void) {
    for (int i = 0; i < 2; i++) (void)check_bytes(first, first_generation, 1);
}

static void use_others(void) {
    for (unsigned i = 0; i < 2; i++) {
        uint32_t baggage, generation;
        unsigned char mark = (unsigned char)(16 * sim_thread() + (int)i);
        if (!create(mark, &baggage, &generation)) continue;
        CLAIM(check_bytes(baggage, generation, mark));
        CLAIM(divak_baggage_table_release(&table, baggage, generation));
        CLAIM(!divak_baggage_table_retain(&table, baggage, generation));
    }
}

/* All entries are free, and no reference was given away twice. */
static void end(void) {
    uint32_t baggage[ENTRIES], generation[ENTRIES];
    for (unsigned i = 0; i < ENTRIES; i++) CLAIM(create((unsigned char)i, &baggage[i], &generation[i]));
    CLAIM(baggage[0] != baggage[1]);
    uint32_t more;
    CLAIM(!create(9, &more, &more));
    for (unsigned i = 0; i < ENTRIES; i++) CLAIM(check_bytes(baggage[i], generation[i], (unsigned char)i));
}

SCENARIO(baggage, .prepare = prepare, .begin = begin, .end = end,
         .threads = {let_first_go, read_first, use_others, use_others})

/* ---- handles that travel without order, chains, memory that is taken back ------------------------------------------ */

static divak_atomic_u64 handle;

static void make_and_tell(void) {
    uint32_t baggage, generation;
    if (!create(3, &baggage, &generation)) return;
    divak_store_relaxed(&handle, (uint64_t)generation << 32 | baggage);
    sim_yield();
    (void)divak_baggage_table_release(&table, baggage, generation);
}

static void read_told(void) {
    for (int i = 0; i < 2; i++) {
        uint64_t told = divak_load_relaxed(&handle);
        if (told != 0) (void)check_bytes((uint32_t)told, (uint32_t)(told >> 32), 3);
        sim_yield();
    }
}

SCENARIO(baggage_told, .prepare = prepare, .threads = {make_and_tell, read_told, read_told}, .end = end)

static void replace_first(void) {
    uint32_t baggage, generation;
    unsigned char bytes[BYTES];
    memset(bytes, 7, sizeof bytes);
    if (divak_baggage_table_create(&table, bytes, sizeof bytes, DIVAK_BAGGAGE_BY_VALUE, first, first_generation,
                                   &baggage, &generation) != DIVAK_OK) {
        return;
    }
    CLAIM(check_bytes(baggage, generation, 7));
    CLAIM(divak_baggage_table_disown(&table, baggage, generation));
}

static void end_first(void) {
    CLAIM(divak_baggage_table_release(&table, first, first_generation));
}

SCENARIO(baggage_chain, .prepare = prepare, .begin = begin, .end = end,
         .threads = {replace_first, end_first, read_first})

/* Larger than what a free entry keeps: its memory is freed and made anew, and what others keep is taken back. */
static void grow(void) {
    unsigned char bytes[600];
    memset(bytes, sim_thread(), sizeof bytes);
    uint32_t baggage, generation;
    if (divak_baggage_table_create(&table, bytes, sizeof bytes, DIVAK_BAGGAGE_BY_REFERENCE, 0, 0, &baggage,
                                   &generation) != DIVAK_OK) {
        return;
    }
    const unsigned char *read;
    size_t length;
    CLAIM(divak_baggage_table_open(&table, baggage, generation, &read, &length));
    CLAIM(length == sizeof bytes && read[0] == sim_thread() && read[length - 1] == sim_thread());
    CLAIM(divak_baggage_table_release(&table, baggage, generation));
    CLAIM(divak_baggage_table_release(&table, baggage, generation));
}

static void prepare_tight(void) {
    CLAIM(divak_baggage_table_init(&table, ENTRIES, 900) == DIVAK_OK);
}

SCENARIO(baggage_budget, .prepare = prepare_tight, .begin = begin,
         .threads = {end_first, grow, grow, read_first})
