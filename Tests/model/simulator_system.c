/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_system.c - the operating system as the sources under test see it: memory, threads, sleep, time, all decided
 * by the simulator. Takes the place of csrc/base/system.c, and of the functions that base/thread.c and base/memory.c
 * call. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/system.h"
#include "collect/thread_state.h"
#include "simulator_state.h"

enum { ARENA_BYTES = 64 << 20 };

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

/* Blocks one after the other, never reused within a run. What a run writes into them is undone after it, so that they
 * are zero again. */
static uint8_t *arena;
static size_t arena_used, arena_prepared;

void sim_arena_begin_run(bool is_prepared) {
    if (arena == NULL) {
        arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (arena == MAP_FAILED) sim_fail("limit", "no memory", __FILE__, __LINE__);
    }
    if (is_prepared) {
        arena_used = arena_prepared;
    } else {
        arena_prepared = arena_used;
    }
}

void *sim_allocate(size_t size) {
    size_t *block = (size_t *)(void *)(arena + arena_used);
    size_t whole = (size + 64 + 255) / 256 * 256;
    if (arena_used + whole > ARENA_BYTES) sim_fail("limit", "no memory", __FILE__, __LINE__);
    arena_used += whole;
    *block = size;
    /* What was written in `prepare` alone is undone by nobody: the block is fresh then. */
    return (uint8_t *)block + 64;
}

static size_t size_of(const void *memory) {
    return *(const size_t *)(const void *)((const uint8_t *)memory - 64);
}

void *sim_malloc(size_t size);
void *sim_realloc(void *memory, size_t size);
void sim_free(void *memory);
void *sim_malloc(size_t size) { return sim_allocate(size); }
void sim_free(void *memory) {
    if (memory != NULL) sim_mark_freed(memory, size_of(memory), __builtin_return_address(0));
}
void *sim_realloc(void *memory, size_t size) {
    void *moved = sim_allocate(size);
    if (memory == NULL) return moved;
    size_t kept = size_of(memory) < size ? size_of(memory) : size;
    sim_plain_access((uintptr_t)memory, kept, false, __builtin_return_address(0));
    sim_plain_access((uintptr_t)moved, kept, true, __builtin_return_address(0));
    memcpy(moved, memory, kept);
    sim_free(memory);
    return moved;
}

void *divak_system_map(size_t size) {
    /* On a whole page, as the kernel gives them. */
    uintptr_t memory = (uintptr_t)sim_allocate(size + 4096);
    return (void *)((memory + 4095) & ~(uintptr_t)4095);
}
void divak_system_unmap(void *memory, size_t size) {
    (void)memory;
    (void)size;
}
int divak_system_wipe_on_fork(void *memory, size_t size) {
    (void)memory;
    (void)size;
    return 0;
}

/* ---- threads --------------------------------------------------------------------------------------------------------- */

size_t sim_thread_local_size(void) { return sizeof divak_this_thread; }
void *sim_thread_local(void) { return &divak_this_thread; }

void divak_system_prepare_barrier(void) {}
int divak_system_barrier_everywhere(void) {
    sim_barrier_everywhere();
    return 0;
}
uint32_t divak_system_thread_id(void) { return sim_thread_id(); }
int divak_system_thread_exists(uint32_t thread_id) { return sim_thread_id_exists(thread_id); }
unsigned divak_system_processor(void) { return (unsigned)sim_thread(); }
unsigned divak_system_processor_count(void) { return 2; }
size_t divak_system_stack_overhead(void) { return 0; }

void divak_system_sleep_on(const void *word, uint32_t expected, uint64_t nanoseconds) {
    if (!sim_is_running) return;
    sim_visible();
    if (sim_atomic_peek((uintptr_t)word, 4) != expected) return;
    (void)sim_block(word, nanoseconds);
}
void divak_system_wake(const void *word) {
    if (!sim_is_running) return;
    sim_visible();
    sim_unblock(word, false);
}

/* Mutexes, by address. A lock that was taken brings what was known when it was last given back. */
typedef struct mutex_state {
    const void *mutex;
    int holder; /* thread + 1; 0: free */
    sim_clock clock;
} mutex_state;
static mutex_state mutexes[16];

void sim_system_begin_run(void) {
    memset(mutexes, 0, sizeof mutexes);
}

static mutex_state *mutex_of(const void *mutex) {
    for (size_t i = 0; i < sizeof mutexes / sizeof *mutexes; i++) {
        if (mutexes[i].mutex == NULL) mutexes[i].mutex = mutex;
        if (mutexes[i].mutex == mutex) return &mutexes[i];
    }
    sim_fail("limit", "too many mutexes", __FILE__, __LINE__);
}

int sim_mutex_lock(pthread_mutex_t *native);
int sim_mutex_unlock(pthread_mutex_t *native);
int sim_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *native, const struct timespec *limit);
int sim_cond_broadcast(pthread_cond_t *condition);
int sim_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int sim_setname_np(pthread_t thread, const char *name);
int sim_key_create(pthread_key_t *key, void (*destroy)(void *));
int sim_setspecific(pthread_key_t key, const void *value);
int sim_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

int sim_mutex_lock(pthread_mutex_t *native) {
    if (!sim_is_running) return 0;
    sim_visible();
    mutex_state *mutex = mutex_of(native);
    while (mutex->holder != 0) (void)sim_block(native, UINT64_MAX);
    mutex->holder = sim_current + 1;
    sim_clock_join(&sim_views[sim_current].clock, &mutex->clock);
    return 0;
}
int sim_mutex_unlock(pthread_mutex_t *native) {
    if (!sim_is_running) return 0;
    mutex_state *mutex = mutex_of(native);
    if (mutex->holder != sim_current + 1) sim_fail("claim", "the mutex is its holder's", __FILE__, __LINE__);
    mutex->holder = 0;
    mutex->clock = sim_views[sim_current].clock;
    sim_step();
    sim_unblock(native, true);
    return 0;
}
int sim_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *native, const struct timespec *limit) {
    uint64_t deadline = (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_nsec;
    uint64_t now = divak_clock_monotonic_now();
    (void)sim_mutex_unlock(native);
    /* As the library allows: back for no reason. */
    bool woken = sim_rare_choice(2, 8) != 0 || sim_block(condition, deadline > now ? deadline - now : 0);
    (void)sim_mutex_lock(native);
    return woken ? 0 : 110;
}
int sim_cond_broadcast(pthread_cond_t *condition) {
    if (sim_is_running) sim_unblock(condition, true);
    return 0;
}
int sim_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
    (void)attributes;
    memset(thread, 0, sizeof *thread);
    return sim_spawn(run, context) ? 0 : 11;
}
int sim_setname_np(pthread_t thread, const char *name) {
    (void)thread;
    (void)name;
    return 0;
}
int sim_key_create(pthread_key_t *key, void (*destroy)(void *)) {
    (void)destroy;
    sim_plain_access((uintptr_t)key, sizeof *key, true, __builtin_return_address(0));
    *key = 7;
    return 0;
}
int sim_setspecific(pthread_key_t key, const void *value) {
    (void)value;
    return key == 7 ? 0 : 22;
}
int sim_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    (void)prepare;
    (void)parent;
    (void)child;
    return 0;
}

/* ---- the rest -------------------------------------------------------------------------------------------------------- */

int divak_system_random_bytes(void *memory, size_t size) {
    sim_plain_access((uintptr_t)memory, size, true, __builtin_return_address(0));
    memset(memory, 0x5a, size);
    return 0;
}
void divak_system_program_name(char *out, size_t capacity) { (void)snprintf(out, capacity, "model"); }
void divak_system_pin_object_of(const void *address) {
    (void)address;
}
void divak_system_pin_object(void) {}
void divak_system_write_error(const char *text, size_t length) {
    (void)text;
    (void)length;
}
uint32_t divak_system_local_ipv4(void) { return 0; }
