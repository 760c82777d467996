/* SPDX-License-Identifier: Apache-2.0 */
/* thread_state.h - what Divak keeps for each thread, and the epoch by which a forked child notices that it is one.
 *
 * The epoch lies in a page that the kernel wipes in a forked child (where it can't, a hook after fork clears it). Every
 * thread remembers the epoch it last worked under. One comparison therefore covers a thread's first call, a fork and a
 * reseed: only when the two differ is there anything to do. The gates make that comparison cover the rest as well.
 */
#ifndef DIVAK_COLLECT_THREAD_STATE_H
#define DIVAK_COLLECT_THREAD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "divak/span.h"

enum { DIVAK_TRACERS_MAX = 16 };

/* No epoch of a process, and not what a wiped page holds either: a thread whose first call is in a forked child must
 * find the two different. */
enum { DIVAK_EPOCH_NEVER = 1 };

struct divak_lane;

enum {
    /* What a thread's gate is while it is not its epoch; and what the process' gates are while closed. No epoch is as
     * small. Each is another number, so that none of them ever fits the other side. */
    DIVAK_GATE_WIPED = 0,     /* process: by a fork */
    DIVAK_GATE_SHUT = 1,      /* process: the tracer is off, or has unusual wishes */
    DIVAK_GATE_UNKNOWN = 2,   /* thread: has not called yet */
    DIVAK_GATE_INSIDE = 3     /* thread: in its lane or slot cache; a signal handler must not touch them */
};

typedef struct divak_thread {
    uint64_t gate;        /* the quick ways are open where it equals the process' gate of the tracer */
    uint64_t random_counter;
    uint64_t random_key;
    struct divak_lane *quick_lanes[DIVAK_TRACERS_MAX]; /* as lanes, but divak_no_lane for none */
    uint64_t epoch;       /* DIVAK_EPOCH_NEVER: this thread has not called yet */
    uint32_t is_exiting;  /* its destructors have run: it leases nothing any more */
    struct divak_lane *lanes[DIVAK_TRACERS_MAX];
    divak_span current;   /* of the innermost open scope; meaningful while depth is not 0 */
    uint64_t mark;        /* the provider's, when that scope was opened */
    uint32_t depth;
    uint32_t is_asking_provider;
    uint64_t next_mark;   /* of the numbers that this thread may give out; 0 in the last digits: none is left */
} divak_thread;

/* Initial-exec: 2 ns less a call in a shared object; its few hundred bytes fit into the room that loaders keep. */
/* Not under AddressSanitizer, which goes with UBSan: gcc then tests the address by the flags of the very addition that the
 * linker turns into a lea, which sets none. */
#if defined(__linux__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define DIVAK_THREAD_MODEL __attribute__((tls_model("initial-exec")))
#else
#define DIVAK_THREAD_MODEL
#endif

extern DIVAK_HIDDEN _Thread_local divak_thread divak_this_thread DIVAK_THREAD_MODEL;

typedef struct divak_process_page {
    divak_atomic_u64 epoch; /* fork count in the upper half, reseed count in the lower; 0: wiped by a fork */
    /* For each tracer the epoch again while it takes the quick ways, else DIVAK_GATE_SHUT. One comparison with a
     * thread's gate thus covers a thread's first call, a fork, a reseed, a handler of signals that interrupted this
     * thread inside, the kill switch, and unusual settings. */
    divak_atomic_u64 gates[DIVAK_TRACERS_MAX];
} divak_process_page;

extern DIVAK_HIDDEN divak_process_page *divak_process;

/* Maps the page and registers the hooks, once; DIVAK_OK or DIVAK_ERROR_MEMORY / DIVAK_ERROR_SYSTEM. Caller holds the
 * lock under which tracers are made. */
int divak_process_init(void);
/* Called in a forked child with a new epoch in force, by whichever call noticed first: resets every tracer. Not known to be
 * the forker's: then another thread may still have lanes of the parent's. */
extern void (*divak_process_forked)(bool is_forker);
/* Called with a new epoch in force: sets the gates by it. */
extern void (*divak_process_open_gates)(void);
/* Called when a thread ends that leased lanes. */
extern void (*divak_process_thread_ended)(divak_thread *thread);

/* Brings the thread up to the epoch: seeds it, forgets its lanes after a fork. False: the child of a fork is just being
 * reset, by another thread or by the code that this signal handler interrupted. */
bool divak_thread_catch_up(divak_thread *thread);

static inline bool divak_thread_is_inside(const divak_thread *thread) {
    return thread->gate == DIVAK_GATE_INSIDE;
}

/* The calling thread, ready for use, or NULL (see above). */
static inline divak_thread *divak_thread_enter(void) {
    divak_thread *thread = &divak_this_thread;
    /* Relaxed: the value alone matters, what it guards is this thread's own. */
    if (__builtin_expect(thread->epoch != divak_load_relaxed(&divak_process->epoch), 0)) {
        if (!divak_thread_catch_up(thread)) return NULL;
    }
    return thread;
}

/* In the child of a fork, before any call on its mapped state: true when all is well, false while a reset is under way. */
bool divak_process_check_fork(void);

/* Both halves of the product of two numbers, folded into one. */
static inline uint64_t divak_mix_pair(uint64_t a, uint64_t b) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & 0xffffffffu) * (b & 0xffffffffu), high = (a >> 32) * (b >> 32);
    uint64_t middle = (a >> 32) * (b & 0xffffffffu) + (low >> 32);
    uint64_t other = (a & 0xffffffffu) * (b >> 32) + (middle & 0xffffffffu);
    return (other << 32 | (low & 0xffffffffu)) ^ (high + (middle >> 32) + (other >> 32));
#endif
}

/* A random 64-bit number that is not 0, with `salt` (the time) mixed in, so that a cloned machine diverges at once. */
static inline uint64_t divak_thread_random(divak_thread *thread, uint64_t salt) {
    /* A Weyl sequence through a 64x64 multiply: each half depends on counter, salt and a secret key. */
    thread->random_counter += 0x9e3779b97f4a7c15u;
    uint64_t value = divak_mix_pair(thread->random_counter ^ salt, thread->random_key) ^ thread->random_key;
    return value + (value < 1);
}

/* New seeds for all threads, from the kernel. */
void divak_process_reseed(void);

#endif
