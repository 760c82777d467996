/* SPDX-License-Identifier: Apache-2.0 */
/* simulator.h - runs the real, compiled source under a simulated memory model, one interleaving after the other.
 *
 * The sources are compiled with -fsanitize=thread and linked with our own runtime in place of the compiler's. Every
 * atomic operation then arrives here with its ordering, and every plain access to memory with its address:
 *
 *     __tsan_atomic64_load(word, relaxed)   a point where another thread may go on; reads the newest store or any older
 *                                           one that the rules of C11 still let this thread see
 *     __tsan_write4(field)                  checked by vector clocks against all that others did there: a data race?
 *
 * Threads are fibers, so that a run is decided by nothing but a sequence of choices: who goes on, which store is read,
 * whether a weak exchange fails for no reason. Choices are made at random, by random priorities, or exhaustively within
 * a budget of so many that are not the plain ones. After each run memory is put back as it was before.
 *
 * Not simulated: a store that takes its place in a location's order before one that was made earlier (relaxed stores of
 * several threads to one location), and values out of thin air.
 */
#ifndef DIVAK_MODEL_SIMULATOR_H
#define DIVAK_MODEL_SIMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_THREADS_MAX = 6 }; /* with the main thread, number 0, which begins and ends each run */

typedef struct sim_scenario {
    const char *name;
    void (*prepare)(void); /* once, before the first run: the memory that all runs begin with */
    void (*begin)(void);   /* in every run, before the threads */
    void (*threads[SIM_THREADS_MAX - 1])(void);
    void (*end)(void);     /* in every run, after them: claims about what is left */
    /* A thread that starts only when another one, by its number, has ended; 0: at once. */
    int starts_after[SIM_THREADS_MAX - 1];
    /* Sleeps of up to so many nanoseconds may time out when nobody else can go on; longer ones are a lost wake. */
    uint64_t patience;
    bool (*may_time_out)(void); /* NULL: as patience says; else asked then: whether waiting on is right by the rules */
    unsigned cost; /* a long one gets that many times fewer runs; 0: 1 */
    struct sim_scenario *next;
    int process; /* that runs it */
} sim_scenario;

void sim_register(sim_scenario *scenario);

#define SCENARIO(scenario_name, ...)                                                                                  \
    __attribute__((constructor)) static void register_##scenario_name(void) {                                         \
        static sim_scenario scenario = {.name = #scenario_name, __VA_ARGS__};                                         \
        sim_register(&scenario);                                                                                      \
    }

/* Stops everything with a report when a claim does not hold. */
#define CLAIM(claim) ((claim) ? (void)0 : sim_fail("claim", #claim, __FILE__, __LINE__))
__attribute__((noreturn)) void sim_fail(const char *kind, const char *text, const char *file, int line);

/* The number of the running thread, 1 for threads[0]. */
int sim_thread(void);
/* One of 0 ... count - 1, every one of them in some run. */
unsigned sim_choose(unsigned count);
/* Lets others go on, for loops that wait. */
void sim_yield(void);
/* Lets the clock go on; by itself it does so by a microsecond with each look at it. */
void sim_advance_time(uint64_t nanoseconds);
/* The kernel's id of a thread, as the sources see it; by default 100 + its number. */
void sim_set_thread_id(int thread, uint32_t id);
/* Memory for `prepare` and the sources under test: zeroed, put back after each run. */
void *sim_allocate(size_t size);

#endif
