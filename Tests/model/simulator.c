/* SPDX-License-Identifier: Apache-2.0 */
/* simulator.c - runs, choices and fibers: who goes on at each step, and what is told when a claim fails. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "simulator_state.h"

enum { STACK_BYTES = 256 << 10, STEPS_MAX = 20000, CHOICES_MAX = 20000, CALLS_KEPT = 48, LOCAL_MAX = 1024 };

typedef enum fiber_state { DORMANT, RUNNABLE, BLOCKED, ENDED } fiber_state;

typedef struct fiber {
    fiber_state state;
    bool is_started, is_timed_out, has_run; /* has_run: in this run */
    void (*body)(void);
    void *(*run)(void *);
    void *context;
    const void *waits_for;
    uint64_t patience;
    uint32_t id, priority;
    jmp_buf place;
    ucontext_t first;
    uint8_t *stack;
    uint8_t local[LOCAL_MAX];
} fiber;

typedef struct choice {
    uint8_t picked, count;
    bool is_free;
} choice;

typedef enum search { AT_RANDOM, BY_PRIORITY, EXHAUSTIVE } search;

int sim_current;
bool sim_is_running;

static sim_scenario *scenarios;
static sim_scenario *scenario;
static fiber fibers[SIM_THREADS_MAX];
static uint8_t local_image[LOCAL_MAX];
static search mode;
static uint64_t random_state, seed = 1, run_index;
static unsigned switch_weight, steps, usual_steps = 60;
static unsigned change_points[3], change_count;
static bool is_alone; /* only the main thread runs: nothing to choose */
static choice choices[CHOICES_MAX];
static unsigned choice_count, choice_next, budget, budget_used;
static struct { const void *caller; int thread; } calls[CALLS_KEPT];
static unsigned call_count;
static uint64_t now_ns;

void sim_register(sim_scenario *fresh) {
    sim_scenario **last = &scenarios;
    while (*last != NULL && strcmp((*last)->name, fresh->name) < 0) last = &(*last)->next;
    fresh->next = *last;
    *last = fresh;
}

/* ---- reports --------------------------------------------------------------------------------------------------------- */

void sim_note_call(const void *caller) {
    calls[call_count % CALLS_KEPT].caller = caller;
    calls[call_count % CALLS_KEPT].thread = sim_current;
    call_count++;
}

static void print_place(const void *caller) {
    char command[200], line[200];
    (void)snprintf(command, sizeof command, "addr2line -e /proc/%d/exe -fips %#lx", (int)getpid(),
                   (unsigned long)(uintptr_t)caller - 1);
    FILE *pipe = popen(command, "r");
    for (int i = 0; pipe != NULL && i < 3 && fgets(line, sizeof line, pipe) != NULL; i++) printf("%s        %s", i ? "" : "\n", line);
    if (pipe != NULL) pclose(pipe);
}

void sim_fail(const char *kind, const char *text, const char *file, int line) {
    static const char *const modes[] = {"random", "by priority", "exhaustive"};
    sim_is_running = false;
    printf("FAILED %s: %s: %s (%s:%d)\n    run %llu of seed %llu, %s\n", scenario == NULL ? "" : scenario->name, kind,
           text, file, line, (unsigned long long)run_index, (unsigned long long)seed, modes[mode]);
    if (getenv("DIVAK_MODEL_QUIET") == NULL) {
        unsigned first = call_count > CALLS_KEPT ? call_count - CALLS_KEPT : 0;
        for (unsigned i = first; i < call_count; i++) {
            printf("    thread %d", calls[i % CALLS_KEPT].thread);
            print_place(calls[i % CALLS_KEPT].caller);
        }
    }
    fflush(stdout);
    _exit(1);
}

/* ---- choices --------------------------------------------------------------------------------------------------------- */

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du >> 24;
}

static unsigned choose_exhaustively(unsigned count, bool is_free) {
    if (!is_free && budget_used == budget) return 0;
    if (choice_next == choice_count) {
        if (choice_count == CHOICES_MAX) sim_fail("limit", "too many choices", __FILE__, __LINE__);
        choices[choice_count++] = (choice){.count = (uint8_t)count, .is_free = is_free};
    }
    choice *made = &choices[choice_next++];
    if (made->count != count) sim_fail("limit", "a run did not repeat itself", __FILE__, __LINE__);
    if (!is_free && made->picked != 0) budget_used++;
    return made->picked;
}

/* On to the next run of the search; false: that was the last one. */
static bool advance_choices(void) {
    while (choice_count != 0) {
        unsigned used = 0;
        for (unsigned i = 0; i + 1 < choice_count; i++) used += !choices[i].is_free && choices[i].picked != 0;
        choice *last = &choices[choice_count - 1];
        if (last->picked + 1 < last->count && (last->is_free || used < budget)) {
            last->picked++;
            return true;
        }
        choice_count--;
    }
    return false;
}

unsigned sim_choice(unsigned count, bool is_free) {
    if (count < 2 || is_alone) return 0;
    if (mode == EXHAUSTIVE) return choose_exhaustively(count, is_free);
    return (unsigned)(next_random() % count);
}

unsigned sim_rare_choice(unsigned count, unsigned weight) {
    if (count < 2 || is_alone) return 0;
    if (mode == EXHAUSTIVE) return choose_exhaustively(count, false);
    return next_random() % weight != 0 ? 0 : 1 + (unsigned)(next_random() % (count - 1));
}

unsigned sim_choose(unsigned count) {
    return sim_choice(count, true);
}

/* ---- fibers ---------------------------------------------------------------------------------------------------------- */

bool sim_is_own_stack(uintptr_t address) {
    if (sim_current == 0) {
        /* The main thread's lies where its frames are. */
        uintptr_t here = (uintptr_t)__builtin_frame_address(0);
        return address > here - 4096 && address < here + (4 << 20);
    }
    uintptr_t stack = (uintptr_t)fibers[sim_current].stack;
    return address - stack < STACK_BYTES;
}

int sim_thread(void) { return sim_current; }
uint32_t sim_thread_id(void) { return fibers[sim_current].id; }
void sim_set_thread_id(int thread, uint32_t id) { fibers[thread].id = id; }

bool sim_thread_id_exists(uint32_t id) {
    sim_visible();
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        bool lives = fibers[i].state == RUNNABLE || fibers[i].state == BLOCKED;
        if (fibers[i].id == id && lives && fibers[i].has_run) return true;
    }
    /* The kernel has seen its end, and tells us: all that it did is done. */
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        if (fibers[i].id == id && fibers[i].state == ENDED) {
            sim_clock_join(&sim_views[sim_current].clock, &sim_views[i].clock);
        }
    }
    return false;
}

static void run_fiber(void);

static void switch_to(int to) {
    int from = sim_current;
    if (from == to) return;
    size_t size = sim_thread_local_size();
    memcpy(fibers[from].local, sim_thread_local(), size);
    memcpy(sim_thread_local(), fibers[to].local, size);
    sim_current = to;
    fibers[to].has_run = true;
    if (_setjmp(fibers[from].place) != 0) return;
    if (fibers[to].is_started || to == 0) _longjmp(fibers[to].place, 1);
    fibers[to].is_started = true;
    setcontext(&fibers[to].first);
}

static unsigned list_runnable(int *out, bool current_first) {
    unsigned count = 0;
    if (current_first) out[count++] = sim_current;
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        if (fibers[i].state == RUNNABLE && (!current_first || i != sim_current)) out[count++] = i;
    }
    return count;
}

static int highest_priority(const int *list, unsigned count) {
    int best = list[0];
    for (unsigned i = 1; i < count; i++) {
        if (fibers[list[i]].priority > fibers[best].priority) best = list[i];
    }
    return best;
}

/* The running thread can't go on: someone else, or the main thread when all have ended. */
static void leave(void) {
    int list[SIM_THREADS_MAX];
    unsigned count = list_runnable(list, false);
    if (count == 0) {
        fiber *soonest = NULL;
        bool all_ended = true;
        sim_is_running = false; /* the answer is by memory as it is */
        bool is_right = scenario->may_time_out != NULL && scenario->may_time_out();
        sim_is_running = true;
        for (int i = 1; i < SIM_THREADS_MAX; i++) {
            fiber *one = &fibers[i];
            if (one->state != BLOCKED) continue;
            all_ended = false;
            if ((one->patience <= scenario->patience || is_right) && (soonest == NULL || one->patience < soonest->patience)) {
                soonest = one;
            }
        }
        if (all_ended) {
            switch_to(0);
            return;
        }
        if (soonest == NULL) sim_fail("lost wake", "all threads wait for ever", __FILE__, __LINE__);
        if (soonest->patience < UINT64_MAX / 4) now_ns += soonest->patience;
        if (++steps > STEPS_MAX) sim_fail("limit", "a run that does not end", __FILE__, __LINE__);
        soonest->state = RUNNABLE;
        soonest->is_timed_out = true;
        list[count++] = (int)(soonest - fibers);
    }
    switch_to(mode == BY_PRIORITY ? highest_priority(list, count) : list[sim_choice(count, true)]);
}

void sim_visible(void) {
    if (is_alone) return;
    if (++steps > STEPS_MAX) sim_fail("limit", "a run that does not end", __FILE__, __LINE__);
    int list[SIM_THREADS_MAX];
    unsigned count = list_runnable(list, true);
    if (count < 2) return;
    if (mode == BY_PRIORITY) {
        for (unsigned i = 0; i < change_count; i++) {
            if (change_points[i] == steps) fibers[sim_current].priority = i;
        }
        switch_to(highest_priority(list, count));
    } else {
        switch_to(list[sim_rare_choice(count, switch_weight)]);
    }
}

void sim_yield(void) {
    if (is_alone) return;
    if (++steps > STEPS_MAX) sim_fail("limit", "a run that does not end", __FILE__, __LINE__);
    int list[SIM_THREADS_MAX];
    fibers[sim_current].priority = 0;
    fibers[sim_current].state = DORMANT;
    unsigned count = list_runnable(list, false);
    fibers[sim_current].state = RUNNABLE;
    if (count == 0) return;
    switch_to(mode == BY_PRIORITY ? highest_priority(list, count) : list[sim_choice(count, true)]);
}

bool sim_block(const void *what, uint64_t nanoseconds) {
    if (is_alone) sim_fail("claim", "the main thread need not wait", __FILE__, __LINE__);
    fiber *self = &fibers[sim_current];
    self->state = BLOCKED;
    self->waits_for = what;
    self->patience = nanoseconds;
    self->is_timed_out = false;
    leave();
    return !self->is_timed_out;
}

void sim_unblock(const void *what, bool all) {
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        if (fibers[i].state != BLOCKED || fibers[i].waits_for != what) continue;
        fibers[i].state = RUNNABLE;
        if (!all) return;
    }
}

static void make_runnable(int number, int after) {
    fibers[number].state = RUNNABLE;
    sim_clock_join(&sim_views[number].clock, &sim_views[after].clock);
}

bool sim_spawn(void *(*run)(void *), void *context) {
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        if (fibers[i].state != DORMANT || fibers[i].body != NULL || fibers[i].run != NULL) continue;
        fibers[i].run = run;
        fibers[i].context = context;
        make_runnable(i, sim_current);
        sim_step();
        return true;
    }
    return false;
}

static void run_fiber(void) {
    for (;;) {
        fiber *self = &fibers[sim_current];
        if (self->run != NULL) {
            (void)self->run(self->context);
        } else {
            self->body();
        }
        self->state = ENDED;
        for (int i = 1; i < SIM_THREADS_MAX; i++) {
            if (fibers[i].state == DORMANT && scenario->starts_after[i - 1] == sim_current) make_runnable(i, sim_current);
        }
        leave();
    }
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

void sim_advance_time(uint64_t nanoseconds) { now_ns += nanoseconds; }
static uint64_t simulated_time(void) { return now_ns += 1000; }

static void make_fibers(void) {
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        fibers[i].stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        getcontext(&fibers[i].first);
        fibers[i].first.uc_stack.ss_sp = fibers[i].stack;
        fibers[i].first.uc_stack.ss_size = STACK_BYTES;
        makecontext(&fibers[i].first, run_fiber, 0);
    }
}

static void run_once(void) {
    call_count = steps = choice_next = budget_used = 0;
    now_ns = 1000000000;
    sim_memory_begin_run();
    sim_system_begin_run();
    sim_arena_begin_run(true);
    sim_current = 0;
    for (int i = 0; i < SIM_THREADS_MAX; i++) {
        fiber *one = &fibers[i];
        one->state = DORMANT;
        one->has_run = false;
        one->body = i == 0 ? NULL : scenario->threads[i - 1];
        one->run = NULL;
        one->id = 100 + (uint32_t)i;
        one->priority = 10 + (uint32_t)(next_random() % 1000);
        memcpy(one->local, local_image, sim_thread_local_size());
    }
    memcpy(sim_thread_local(), local_image, sim_thread_local_size());
    change_count = mode == BY_PRIORITY ? 1 + (unsigned)(next_random() % 3) : 0;
    for (unsigned i = 0; i < change_count; i++) change_points[i] = 1 + (unsigned)(next_random() % usual_steps);

    is_alone = sim_is_running = true;
    if (scenario->begin != NULL) scenario->begin();
    sim_step();
    for (int i = 1; i < SIM_THREADS_MAX; i++) {
        if (fibers[i].body != NULL && scenario->starts_after[i - 1] == 0) make_runnable(i, 0);
    }
    is_alone = false;
    leave();
    is_alone = true;
    for (int i = 1; i < SIM_THREADS_MAX; i++) sim_clock_join(&sim_views[0].clock, &sim_views[i].clock);
    if (scenario->end != NULL) scenario->end();
    sim_is_running = false;
    usual_steps = (usual_steps * 7 + steps) / 8 + 1;
    sim_memory_end_run();
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct totals {
    uint64_t random_runs, exhaustive_runs;
} totals;

static void run_scenario(uint64_t random_runs, uint64_t exhaustive_runs, totals *out) {
    double began = seconds_now();
    unsigned cost = scenario->cost == 0 ? 1 : scenario->cost;
    random_runs = (random_runs + cost - 1) / cost;
    exhaustive_runs = (exhaustive_runs + cost - 1) / cost;
    sim_arena_begin_run(true);
    divak_clock = (divak_clock_calls){simulated_time, simulated_time, simulated_time, false};
    is_alone = true;
    if (scenario->prepare != NULL) scenario->prepare();
    memcpy(local_image, sim_thread_local(), sim_thread_local_size());
    sim_arena_begin_run(false);
    make_fibers();
    for (run_index = 0; run_index < random_runs; run_index++) {
        static const unsigned weights[] = {2, 6, 4, 12};
        mode = run_index % 4 == 3 ? BY_PRIORITY : AT_RANDOM;
        switch_weight = weights[run_index / 4 % 4];
        random_state = (seed * 0x9e3779b97f4a7c15u ^ (run_index + 1) * 0xbf58476d1ce4e5b9u) | 1;
        run_once();
    }
    mode = EXHAUSTIVE;
    uint64_t exhaustive = 0;
    bool is_complete = exhaustive_runs == 0;
    unsigned completed = 0;
    for (budget = 1; exhaustive < exhaustive_runs && !is_complete && budget < 40; budget++) {
        choice_count = 0;
        bool more = true;
        for (; more && exhaustive < exhaustive_runs; exhaustive++) {
            run_index = exhaustive;
            run_once();
            more = advance_choices();
        }
        if (more) break;
        completed = budget;
    }
    __atomic_fetch_add(&out->random_runs, random_runs, __ATOMIC_RELAXED);
    __atomic_fetch_add(&out->exhaustive_runs, exhaustive, __ATOMIC_RELAXED);
    printf("ok     %-28s %8llu at random, %8llu in order (all with up to %u changes), %5.1f s\n", scenario->name,
           (unsigned long long)random_runs, (unsigned long long)exhaustive, completed, seconds_now() - began);
    fflush(stdout);
}

typedef struct verdicts {
    unsigned passed, failed;
} verdicts;

static void await_one(verdicts *judged) {
    int status = -1;
    const pid_t process = wait(&status);
    const sim_scenario *one = scenarios;
    while (one != NULL && one->process != process) one = one->next;
    if (status != 0 && !WIFEXITED(status)) {
        printf("FAILED %s: signal %d\n", one == NULL ? "no process" : one->name, WTERMSIG(status));
        fflush(stdout);
    }
    if (status == 0) judged->passed++; else judged->failed++;
}

int main(int argc, char **argv) {
    uint64_t random_runs = 20000, exhaustive_runs = 20000;
    long jobs = 1;
    const char *only = "";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--random") == 0) random_runs = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--exhaustive") == 0) exhaustive_runs = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--only") == 0) only = argv[i + 1];
        else if (strcmp(argv[i], "--jobs") == 0) jobs = strtol(argv[i + 1], NULL, 10);
        else return fprintf(stderr, "usage: %s [--seed N] [--random RUNS] [--exhaustive RUNS] [--only NAME] [--jobs N]\n", argv[0]), 2;
    }
    totals *all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double began = seconds_now();
    verdicts judged = {0, 0};
    long running = 0;
    static char whole_reports[1 << 16]; /* of several processes, one after the other */
    setvbuf(stdout, whole_reports, _IOFBF, sizeof whole_reports);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (scenario = scenarios; scenario != NULL; scenario = scenario->next) {
        if (strstr(scenario->name, only) == NULL) continue;
        if (running >= jobs) {
            await_one(&judged);
            running--;
        }
        if (judged.failed != 0 && getenv("DIVAK_MODEL_QUIET") != NULL) break;
        /* A process of its own, so that a failed run need not be cleaned up. */
        scenario->process = fork();
        if (scenario->process == 0) {
            run_scenario(random_runs, exhaustive_runs, all);
            _exit(0);
        }
        running++;
    }
    for (; running > 0; running--) await_one(&judged);
    double took = seconds_now() - began;
    printf("%llu interleavings in %.1f s, %.2f million a minute\n",
           (unsigned long long)(all->random_runs + all->exhaustive_runs), took,
           (double)(all->random_runs + all->exhaustive_runs) / took * 60 / 1e6);
    printf("%u passed, %u failed\n", judged.passed, judged.failed);
    return judged.failed == 0 && judged.passed > 0 ? 0 : 1;
}
