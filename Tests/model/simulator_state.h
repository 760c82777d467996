/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_state.h - what the files of the simulator share. */
#ifndef DIVAK_MODEL_SIMULATOR_STATE_H
#define DIVAK_MODEL_SIMULATOR_STATE_H

#include "simulator.h"

enum {
    SIM_HISTORY = 8, /* stores of a location that can still be read */
    SIM_RELAXED = 0, SIM_CONSUME, SIM_ACQUIRE, SIM_RELEASE, SIM_ACQUIRE_RELEASE, SIM_SEQUENTIAL /* as __tsan_ has them */
};

/* For each thread, up to which of its steps everything is known: because it happened before, or because sequential fences
 * made it visible besides. The second keeps older values from being read, but excuses no data race; both are handed on. */
typedef struct sim_clock {
    uint32_t of[SIM_THREADS_MAX];
    uint32_t visible[SIM_THREADS_MAX];
} sim_clock;

static inline void sim_join(uint32_t *to, const uint32_t *from) {
    for (int i = 0; i < SIM_THREADS_MAX; i++) {
        if (from[i] > to[i]) to[i] = from[i];
    }
}

static inline void sim_clock_join(sim_clock *clock, const sim_clock *other) {
    sim_join(clock->of, other->of);
    sim_join(clock->visible, other->visible);
}

/* What a thread knows. of[its own number] is the step it is in. */
typedef struct sim_view {
    sim_clock clock;
    sim_clock acquired;  /* brought by relaxed loads, for an acquire fence to come */
    sim_clock released;  /* as of the last release fence */
    uint32_t light[SIM_THREADS_MAX]; /* what was visible at the last fence for signals */
    uint32_t heavy[SIM_THREADS_MAX]; /* brought by barriers on all processors, for the next fence for signals */
} sim_view;

extern sim_view sim_views[SIM_THREADS_MAX];
extern int sim_current;         /* the running thread */
extern bool sim_is_running;     /* inside of a run: accesses count */

/* ---- scheduling (simulator.c) -- */

/* A choice of the run: 0 is the plain one. `is_free`: takes nothing from the budget of an exhaustive search. */
unsigned sim_choice(unsigned count, bool is_free);
/* A choice that in random runs is 0 with a probability of (weight - 1) / weight. */
unsigned sim_rare_choice(unsigned count, unsigned weight);
/* Before an atomic operation: maybe another thread goes on here first. */
void sim_visible(void);
/* The running thread waits for `what`, up to `nanoseconds` (UINT64_MAX: for ever). True: woken; false: timed out. */
bool sim_block(const void *what, uint64_t nanoseconds);
/* Wakes threads that wait for `what`, one or all. */
void sim_unblock(const void *what, bool all);
bool sim_spawn(void *(*run)(void *), void *context);
bool sim_thread_id_exists(uint32_t id);
uint32_t sim_thread_id(void);
/* The call sites to name in a report. */
void sim_note_call(const void *address);
bool sim_is_own_stack(uintptr_t address);

/* ---- memory (simulator_memory.c) -- */

void sim_memory_begin_run(void);
/* Puts everything back. */
void sim_memory_end_run(void);
void sim_plain_access(uintptr_t address, size_t size, bool is_write, const void *caller);
void sim_mark_freed(void *memory, size_t size, const void *caller);
uint64_t sim_atomic_load(uintptr_t address, unsigned size, int order, const void *caller);
void sim_atomic_store(uintptr_t address, unsigned size, uint64_t value, int order, const void *caller);
typedef uint64_t (*sim_modify)(uint64_t before, uint64_t operand);
uint64_t sim_atomic_modify(uintptr_t address, unsigned size, sim_modify modify, uint64_t operand, int order,
                           const void *caller);
bool sim_atomic_exchange_if(uintptr_t address, unsigned size, uint64_t *expected, uint64_t desired, int order,
                            int failure_order, bool is_weak, const void *caller);
void sim_fence(int order);
void sim_signal_fence(void);
/* A barrier on all processors, asked for by the running thread. */
void sim_barrier_everywhere(void);
/* The newest value, as the kernel sees it. */
uint64_t sim_atomic_peek(uintptr_t address, unsigned size);
/* The running thread has done one more step. */
void sim_step(void);

/* ---- the system (simulator_system.c) -- */

void sim_system_begin_run(void);
size_t sim_thread_local_size(void);
void *sim_thread_local(void);
void sim_arena_begin_run(bool is_prepared);

#endif
