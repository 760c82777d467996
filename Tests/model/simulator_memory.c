/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_memory.c - locations with the stores that may still be read, clocks, and the search for data races. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator_state.h"

enum { CELLS = 1 << 15, LOCATIONS = 4096 };

/* A store to an atomic location. */
typedef struct store_event {
    uint64_t value;
    sim_clock release;             /* what whoever acquires it learns */
    uint32_t met[SIM_THREADS_MAX]; /* the step in which a thread first read or wrote it; 0: not yet */
} store_event;

typedef struct location {
    uintptr_t address;
    unsigned size;
    unsigned count;        /* stores; the last SIM_HISTORY of them are kept */
    bool is_overwritten;   /* by a plain write: the value is what memory holds */
    store_event history[SIM_HISTORY];
    uint32_t reads[SIM_THREADS_MAX], writes[SIM_THREADS_MAX]; /* last steps of atomic accesses, against plain ones */
} location;

/* What is known of 8 bytes of memory. */
typedef struct cell {
    uintptr_t address;
    uint32_t run;
    bool is_changed;               /* in this run: constants must not be written back */
    uint8_t freed;                 /* a bit for each byte */
    uint8_t writer[8];
    uint32_t written[8];           /* step of the last plain write, 0: none */
    uint32_t read[SIM_THREADS_MAX][8];
    location *atomics[8];          /* that begin at this byte */
    uint64_t before;               /* the bytes as they were before the run */
} cell;

sim_view sim_views[SIM_THREADS_MAX];

static cell cells[CELLS];
static uint32_t touched[CELLS];
static uint32_t touched_count;
static location locations[LOCATIONS];
static uint32_t location_count;
static uint32_t run_number;
static uint32_t sequential[SIM_THREADS_MAX]; /* visible to whoever passes a sequential fence */

static cell *find_cell(uintptr_t address) {
    uintptr_t key = address >> 3;
    uint32_t place = (uint32_t)(key * 0x9e3779b1u) >> 17 & (CELLS - 1);
    while (cells[place].run == run_number) {
        if (cells[place].address == address) return &cells[place];
        place = (place + 1) & (CELLS - 1);
    }
    cell *fresh = &cells[place];
    memset(fresh, 0, sizeof *fresh);
    fresh->address = address;
    fresh->run = run_number;
    memcpy(&fresh->before, (const void *)address, 8);
    if (touched_count > CELLS / 2) sim_fail("limit", "too much memory touched", __FILE__, __LINE__);
    touched[touched_count++] = place;
    return fresh;
}

void sim_memory_begin_run(void) {
    run_number++;
    touched_count = 0;
    location_count = 0;
    memset(sim_views, 0, sizeof sim_views);
    memset(sequential, 0, sizeof sequential);
    for (int i = 0; i < SIM_THREADS_MAX; i++) sim_views[i].clock.of[i] = 1;
}

void sim_memory_end_run(void) {
    for (uint32_t i = 0; i < touched_count; i++) {
        const cell *old = &cells[touched[i]];
        if (old->is_changed) memcpy((void *)old->address, &old->before, 8);
    }
}

void sim_step(void) {
    if (++sim_views[sim_current].clock.of[sim_current] == UINT32_MAX) {
        sim_fail("limit", "too many steps", __FILE__, __LINE__);
    }
}

/* ---- data races ------------------------------------------------------------------------------------------------------ */

static bool happened_before(int thread, uint32_t step) {
    return thread == sim_current || step <= sim_views[sim_current].clock.of[thread];
}

static void report_race(const char *now, const char *earlier, int thread, uintptr_t address, const void *caller) {
    static char text[200];
    sim_note_call(caller);
    (void)snprintf(text, sizeof text, "thread %d %s what thread %d %s, at %p", sim_current, now, thread, earlier,
                   (void *)address);
    sim_fail("data race", text, __FILE__, 0);
}

static void check_atomics_of(cell *at, unsigned byte, bool is_write, const void *caller) {
    for (unsigned begin = byte < 7 ? 0 : byte - 7; begin <= byte; begin++) {
        location *found = at->atomics[begin];
        if (found == NULL || begin + found->size <= byte) continue;
        for (int i = 0; i < SIM_THREADS_MAX; i++) {
            if (!happened_before(i, found->writes[i])) {
                report_race(is_write ? "writes" : "reads", "stored atomically", i, at->address + byte, caller);
            }
            if (is_write && !happened_before(i, found->reads[i])) {
                report_race("writes", "loaded atomically", i, at->address + byte, caller);
            }
        }
        if (is_write) found->is_overwritten = true;
    }
}

void sim_plain_access(uintptr_t address, size_t size, bool is_write, const void *caller) {
    if (!sim_is_running || sim_is_own_stack(address)) return;
    uint32_t step = sim_views[sim_current].clock.of[sim_current];
    const uint8_t *own = sim_thread_local();
    if (address - (uintptr_t)own < sim_thread_local_size()) return;
    for (uintptr_t end = address + size; address < end;) {
        cell *at = find_cell(address & ~(uintptr_t)7);
        at->is_changed |= is_write;
        unsigned first = address & 7;
        unsigned last = end - address >= 8 - first ? 8 : first + (unsigned)(end - address);
        for (unsigned byte = first; byte < last; byte++) {
            if (at->freed != 0 && (at->freed >> byte & 1) != 0) {
                sim_note_call(caller);
                sim_fail("use after free", "a byte of freed memory", __FILE__, __LINE__);
            }
            if (at->written[byte] != 0 && !happened_before(at->writer[byte], at->written[byte])) {
                report_race(is_write ? "writes" : "reads", "wrote", at->writer[byte], at->address + byte, caller);
            }
            check_atomics_of(at, byte, is_write, caller);
            if (!is_write) {
                at->read[sim_current][byte] = step;
                continue;
            }
            for (int i = 0; i < SIM_THREADS_MAX; i++) {
                if (!happened_before(i, at->read[i][byte])) {
                    report_race("writes", "read", i, at->address + byte, caller);
                }
            }
            at->writer[byte] = (uint8_t)sim_current;
            at->written[byte] = step;
        }
        address += last - first;
    }
}

void sim_mark_freed(void *memory, size_t size, const void *caller) {
    if (!sim_is_running) return;
    /* Giving memory away is a write to all of it. */
    sim_plain_access((uintptr_t)memory, size, true, caller);
    for (size_t i = 0; i < size; i++) {
        uintptr_t address = (uintptr_t)memory + i;
        find_cell(address & ~(uintptr_t)7)->freed |= (uint8_t)(1u << (address & 7));
    }
}

/* ---- atomics --------------------------------------------------------------------------------------------------------- */

static uint64_t read_memory(uintptr_t address, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, (const void *)address, size);
    return value;
}

static void write_memory(uintptr_t address, unsigned size, uint64_t value) {
    memcpy((void *)address, &value, size);
}

static store_event *event_of(location *at, unsigned number) {
    return &at->history[number % SIM_HISTORY];
}

/* The location, with the plain accesses to it checked. */
static location *find_location(uintptr_t address, unsigned size, bool is_write, const void *caller) {
    cell *at = find_cell(address & ~(uintptr_t)7);
    at->is_changed |= is_write;
    unsigned first = address & 7;
    location *found = at->atomics[first];
    if (found == NULL) {
        if (location_count == LOCATIONS) sim_fail("limit", "too many atomics", __FILE__, __LINE__);
        found = at->atomics[first] = &locations[location_count++];
        memset(found, 0, sizeof *found);
        found->address = address;
        found->size = size;
        found->is_overwritten = true;
    }
    for (unsigned byte = first; byte < first + size; byte++) {
        if ((at->freed >> byte & 1) != 0) {
            sim_note_call(caller);
            sim_fail("use after free", "an atomic in freed memory", __FILE__, __LINE__);
        }
        if (!happened_before(at->writer[byte], at->written[byte])) {
            report_race(is_write ? "stores atomically" : "loads atomically", "wrote", at->writer[byte],
                        at->address + byte, caller);
        }
        for (int i = 0; is_write && i < SIM_THREADS_MAX; i++) {
            if (!happened_before(i, at->read[i][byte])) {
                report_race("stores atomically", "read", i, at->address + byte, caller);
            }
        }
    }
    if (found->is_overwritten) {
        found->is_overwritten = false;
        found->count = 1;
        memset(&found->history[0], 0, sizeof found->history[0]);
        found->history[0].value = read_memory(address, size);
        if (at->written[first] != 0) found->history[0].met[at->writer[first]] = at->written[first];
    }
    if (is_write) {
        found->writes[sim_current] = sim_views[sim_current].clock.of[sim_current];
    } else {
        found->reads[sim_current] = sim_views[sim_current].clock.of[sim_current];
    }
    return found;
}

/* Whether the running thread must know this store or a later one: it met it itself, or someone did before now. */
static bool is_known(const store_event *event) {
    const sim_view *view = &sim_views[sim_current];
    for (int i = 0; i < SIM_THREADS_MAX; i++) {
        uint32_t known = view->clock.of[i] > view->clock.visible[i] ? view->clock.of[i] : view->clock.visible[i];
        if (event->met[i] != 0 && event->met[i] <= known) return true;
    }
    return false;
}

static void meet(store_event *event) {
    if (event->met[sim_current] == 0) event->met[sim_current] = sim_views[sim_current].clock.of[sim_current];
}

static void learn(const store_event *event, int order) {
    sim_view *view = &sim_views[sim_current];
    bool acquires = order == SIM_ACQUIRE || order == SIM_CONSUME || order == SIM_ACQUIRE_RELEASE ||
                    order == SIM_SEQUENTIAL;
    sim_clock_join(acquires ? &view->clock : &view->acquired, &event->release);
}

/* How many of the newest stores the running thread may read. */
static unsigned readable(location *at) {
    unsigned kept = at->count < SIM_HISTORY ? at->count : SIM_HISTORY;
    unsigned count = 1;
    while (count < kept && !is_known(event_of(at, at->count - count))) count++;
    return count;
}

static store_event *read_some(location *at, int order) {
    unsigned age = sim_rare_choice(readable(at), 2);
    store_event *event = event_of(at, at->count - 1 - age);
    meet(event);
    learn(event, order);
    return event;
}

uint64_t sim_atomic_load(uintptr_t address, unsigned size, int order, const void *caller) {
    if (!sim_is_running) return read_memory(address, size);
    sim_visible();
    sim_note_call(caller);
    uint64_t value = read_some(find_location(address, size, false, caller), order)->value;
    sim_step();
    return value;
}

static void append(location *at, uint64_t value, int order, const sim_clock *continued) {
    sim_view *view = &sim_views[sim_current];
    store_event *event = event_of(at, at->count);
    memset(event, 0, sizeof *event);
    event->value = value;
    bool releases = order == SIM_RELEASE || order == SIM_ACQUIRE_RELEASE || order == SIM_SEQUENTIAL;
    event->release = releases ? view->clock : view->released;
    if (continued != NULL) sim_clock_join(&event->release, continued);
    at->count++;
    meet(event);
    write_memory(at->address, at->size, value);
    sim_step();
}

void sim_atomic_store(uintptr_t address, unsigned size, uint64_t value, int order, const void *caller) {
    if (!sim_is_running) {
        write_memory(address, size, value);
        return;
    }
    sim_visible();
    sim_note_call(caller);
    append(find_location(address, size, true, caller), value, order, NULL);
}

uint64_t sim_atomic_modify(uintptr_t address, unsigned size, sim_modify modify, uint64_t operand, int order,
                           const void *caller) {
    if (!sim_is_running) {
        uint64_t before = read_memory(address, size);
        write_memory(address, size, modify(before, operand));
        return before;
    }
    sim_visible();
    sim_note_call(caller);
    location *at = find_location(address, size, true, caller);
    store_event *newest = event_of(at, at->count - 1);
    meet(newest);
    learn(newest, order);
    uint64_t before = newest->value;
    sim_clock continued = newest->release; /* append may overwrite a place of the history */
    append(at, modify(before, operand), order, &continued);
    return before;
}

bool sim_atomic_exchange_if(uintptr_t address, unsigned size, uint64_t *expected, uint64_t desired, int order,
                            int failure_order, bool is_weak, const void *caller) {
    if (!sim_is_running) {
        uint64_t before = read_memory(address, size);
        if (before == *expected) write_memory(address, size, desired);
        bool is_equal = before == *expected;
        *expected = before;
        return is_equal;
    }
    sim_visible();
    sim_note_call(caller);
    location *at = find_location(address, size, true, caller);
    store_event *newest = event_of(at, at->count - 1);
    if (newest->value == *expected && !(is_weak && sim_rare_choice(2, 8) != 0)) {
        meet(newest);
        learn(newest, order);
        sim_clock continued = newest->release;
        append(at, desired, order, &continued);
        return true;
    }
    /* A failed exchange is a load, of the newest store or an older one that differs; or it failed for no reason. */
    unsigned count = readable(at);
    unsigned age = newest->value == *expected ? 0 : sim_rare_choice(count, 2);
    store_event *event = event_of(at, at->count - 1 - age);
    if (event->value == *expected) event = newest;
    meet(event);
    learn(event, failure_order);
    *expected = event->value;
    sim_step();
    return false;
}

uint64_t sim_atomic_peek(uintptr_t address, unsigned size) {
    return read_memory(address, size);
}

/* ---- fences ---------------------------------------------------------------------------------------------------------- */

static void pass_sequential(sim_view *view) {
    sim_join(sequential, view->clock.of);
    sim_join(sequential, view->clock.visible);
    sim_join(view->clock.visible, sequential);
}

void sim_fence(int order) {
    if (!sim_is_running) return;
    if (order == SIM_SEQUENTIAL) sim_visible();
    sim_view *view = &sim_views[sim_current];
    if (order != SIM_RELEASE) sim_clock_join(&view->clock, &view->acquired);
    if (order == SIM_SEQUENTIAL) {
        pass_sequential(view);
        sim_signal_fence();
    }
    if (order != SIM_ACQUIRE) view->released = view->clock;
    sim_step();
}

/* The cheap half of an asymmetric pair: between two of these a barrier elsewhere may take place at any point. */
void sim_signal_fence(void) {
    if (!sim_is_running) return;
    sim_view *view = &sim_views[sim_current];
    sim_join(view->clock.visible, view->heavy);
    sim_join(view->light, view->clock.of);
    sim_join(view->light, view->clock.visible);
    sim_step();
}

void sim_barrier_everywhere(void) {
    if (!sim_is_running) return;
    sim_visible();
    sim_view *asker = &sim_views[sim_current];
    for (int i = 0; i < SIM_THREADS_MAX; i++) sim_join(sequential, sim_views[i].light);
    pass_sequential(asker);
    for (int i = 0; i < SIM_THREADS_MAX; i++) sim_join(sim_views[i].heavy, sequential);
    asker->released = asker->clock;
    sim_step();
}
