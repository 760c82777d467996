/* SPDX-License-Identifier: Apache-2.0 */
/* thread_state.c - epochs, seeds and the hooks around threads and forks. */
#include "collect/thread_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"
#include "base/thread.h"
#include "collect/lane.h"

enum { PAGE_BYTES = 4096 };

#define FOUR_LANES &divak_no_lane, &divak_no_lane, &divak_no_lane, &divak_no_lane
_Static_assert(DIVAK_TRACERS_MAX == 16, "as many as are listed");
_Thread_local divak_thread divak_this_thread DIVAK_THREAD_MODEL = {
    .epoch = DIVAK_EPOCH_NEVER,
    .gate = DIVAK_GATE_UNKNOWN,
    .quick_lanes = {FOUR_LANES, FOUR_LANES, FOUR_LANES, FOUR_LANES},
};

static divak_process_page unmapped_page = {.epoch = DIVAK_EPOCH_NEVER}; /* as an untouched thread has it */
divak_process_page *divak_process = &unmapped_page;
void (*divak_process_forked)(bool is_forker);
void (*divak_process_thread_ended)(divak_thread *thread);
void (*divak_process_open_gates)(void);

static bool is_initialized;
static divak_atomic_u64 seed[4];       /* each of its words is as good as another: relaxed, old and new may mix */
static divak_atomic_u64 seeds_given;   /* one number for each thread that asked; relaxed: uniqueness is all */
static uint64_t last_epoch;            /* the epoch before the page was wiped; a child's copy tells what it was */
static divak_atomic_u32 is_reseeding;  /* 1 while one thread gives new seeds to all */
static divak_atomic_u32 is_resetting;  /* 1 while one thread of a forked child resets everything */

static uint64_t mix(uint64_t value) {
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9u;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static void seed_from_kernel(void) {
    uint64_t fresh[4];
    if (divak_system.random_bytes(fresh, sizeof fresh) != 0) {
        /* Rather weak ids than none: time, address and thread differ from process to process. */
        fresh[0] = divak_clock_ticks();
        fresh[1] = divak_clock_wall_now();
        fresh[2] = (uint64_t)(uintptr_t)&fresh;
        fresh[3] = divak_system_thread_id();
    }
    /* Xor: a failing source does not take away what is there already. */
    for (int i = 0; i < 4; i++) divak_store_relaxed(&seed[i], divak_load_relaxed(&seed[i]) ^ fresh[i]);
}

static void seed_thread(divak_thread *thread) {
    uint64_t number = divak_add_relaxed(&seeds_given, 1) + 1;
    uint64_t now = divak_clock_ticks();
    uint64_t words[4];
    for (int i = 0; i < 4; i++) words[i] = divak_load_relaxed(&seed[i]);
    thread->random_counter = mix(words[0] ^ mix(number ^ words[1])) ^ now;
    thread->random_key = mix(words[2] ^ mix(number + words[3]) ^ (uint64_t)(uintptr_t)thread) | 1u << 31;
}

static void thread_ended(void *value) {
    divak_thread *thread = value;
    thread->is_exiting = 1;
    if (divak_process_thread_ended != NULL) divak_process_thread_ended(thread);
}

static void forget_lanes(divak_thread *thread) {
    memset(thread->lanes, 0, sizeof thread->lanes);
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) thread->quick_lanes[i] = &divak_no_lane;
}

/* One thread resets; 1: done by us, 0: someone else is at it. */
static bool reset_after_fork(bool is_in_hook) {
    uint32_t expected = 0;
    /* Acquire: the writes of whoever gave it back below. */
    if (!divak_cas_acquire(&is_resetting, &expected, 1)) return false;
    if (divak_load_relaxed(&divak_process->epoch) == 0) { /* not another's work, which we would have by the exchange */
        /* The one thread that came along must not take a lane for its own because it had that one in the parent: it owns the
         * spans of whoever has the lane now. It is us in the hook, or if we had called in the parent. */
        const bool is_forker = is_in_hook || divak_this_thread.epoch >> 32 == last_epoch >> 32;
        forget_lanes(&divak_this_thread);
        last_epoch = (last_epoch | 0xffffffffu) + 2; /* next fork count, reseed count 1 */
        divak_store_relaxed(&is_reseeding, 0); /* a parent's thread may have been at it */
        seed_from_kernel();
        if (divak_process_forked != NULL) divak_process_forked(is_forker);
        /* Pairs with the acquire in divak_process_check_fork and divak_thread_catch_up: seeds and tracers first. */
        divak_store_release(&divak_process->epoch, last_epoch);
        if (divak_process_open_gates != NULL) divak_process_open_gates();
    }
    divak_store_release(&is_resetting, 0);
    return true;
}

bool divak_process_check_fork(void) {
    if (!is_initialized || divak_load_acquire(&divak_process->epoch) != 0) return true;
    return reset_after_fork(false);
}

static void after_fork_in_child(void) {
    /* Here too where the kernel does not wipe the page. */
    divak_store_release(&is_resetting, 0);
    divak_store_release(&divak_process->epoch, 0);
    if (is_initialized) (void)reset_after_fork(true);
}

bool divak_thread_catch_up(divak_thread *thread) {
    if (!divak_process_check_fork()) return false;
    uint64_t epoch = divak_load_acquire(&divak_process->epoch); /* see reset_after_fork */
    if (thread->epoch >> 32 != epoch >> 32) {
        /* A first call, or the first after a fork: no lane of the parent's is ours. */
        forget_lanes(thread);
        if (divak_thread_is_inside(thread)) thread->gate = DIVAK_GATE_UNKNOWN;
        (void)divak_thread_at_exit_set(thread);
    }
    seed_thread(thread);
    thread->epoch = epoch;
    if (!divak_thread_is_inside(thread)) thread->gate = epoch;
    return true;
}

void divak_process_reseed(void) {
    if (!is_initialized || !divak_process_check_fork()) return;
    uint32_t expected = 0;
    /* Of several at once one does it for all. Acquire and release: it goes on from the epoch of the one before. */
    if (!divak_cas_acquire(&is_reseeding, &expected, 1)) return;
    seed_from_kernel();
    last_epoch++;
    divak_store_release(&divak_process->epoch, last_epoch); /* see reset_after_fork */
    if (divak_process_open_gates != NULL) divak_process_open_gates();
    divak_store_release(&is_reseeding, 0);
}

int divak_process_init(void) {
    if (is_initialized) return DIVAK_OK;
    divak_process_page *page = divak_system.map(PAGE_BYTES);
    if (page == NULL) return DIVAK_ERROR_MEMORY;
    (void)divak_system.wipe_on_fork(page, PAGE_BYTES); /* the hook below does it where the kernel can't */
    if (divak_thread_at_fork(NULL, NULL, after_fork_in_child) != 0) {
        divak_system.unmap(page, PAGE_BYTES);
        return DIVAK_ERROR_MEMORY;
    }
    (void)divak_thread_at_exit_create(thread_ended); /* without it, lanes of ended threads are found by their ids */
    divak_system_prepare_barrier();
    divak_system_pin_object();
    seed_from_kernel();
    last_epoch = (uint64_t)1 << 32 | 1;
    divak_store_relaxed(&page->epoch, last_epoch);
    divak_process = page;
    is_initialized = true;
    return DIVAK_OK;
}
