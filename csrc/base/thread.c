/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - see thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/atomics.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/system.h"

void divak_mutex_init(divak_mutex *mutex) {
    pthread_mutex_init(&mutex->native, NULL);
}

void divak_mutex_lock(divak_mutex *mutex) {
    pthread_mutex_lock(&mutex->native);
}

void divak_mutex_unlock(divak_mutex *mutex) {
    pthread_mutex_unlock(&mutex->native);
}

void divak_condition_init(divak_condition *condition) {
#if defined(__APPLE__)
    pthread_cond_init(&condition->native, NULL);
#else
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->native, &attributes);
    pthread_condattr_destroy(&attributes);
#endif
}

void divak_condition_wake_all(divak_condition *condition) {
    pthread_cond_broadcast(&condition->native);
}

bool divak_condition_wait_until(divak_condition *condition, divak_mutex *mutex, uint64_t deadline) {
    struct timespec limit = {
        .tv_sec = (time_t)(deadline / 1000000000u),
        .tv_nsec = (long)(deadline % 1000000000u),
    };
#if defined(__APPLE__)
    uint64_t now = divak_clock_monotonic_now();
    uint64_t left = deadline > now ? deadline - now : 0;
    limit = (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    return pthread_cond_timedwait_relative_np(&condition->native, &mutex->native, &limit) == 0;
#else
    return pthread_cond_timedwait(&condition->native, &mutex->native, &limit) == 0;
#endif
}

typedef struct thread_start {
    void *(*run)(void *);
    void *context;
    char name[16];
} thread_start;

static void *run_named(void *argument) {
    thread_start start = *(thread_start *)argument;
    divak_memory_release(argument);
#if defined(__linux__)
    pthread_setname_np(pthread_self(), start.name);
#elif defined(__APPLE__)
    pthread_setname_np(start.name);
#endif
    return start.run(start.context);
}

int divak_thread_start_detached(void *(*run)(void *), void *context, const char *name,
                                size_t stack_size) {
    thread_start *start = divak_memory_allocate(sizeof *start);
    if (start == NULL) return -1;
    *start = (thread_start){.run = run, .context = context};
    size_t length = strlen(name);
    memcpy(start->name, name, length < sizeof start->name ? length : sizeof start->name - 1);

    /* The new thread inherits this mask: a signal for the process goes to the host's threads, while profilers and
     * the synchronous ones still reach ours. */
    sigset_t blocked, before;
    sigfillset(&blocked);
    static const int open_signals[] = {SIGPROF, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof open_signals / sizeof *open_signals; i++) {
        sigdelset(&blocked, open_signals[i]);
    }
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        divak_memory_release(start);
        return -1;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const size_t page = 4096, whole_stack = stack_size + divak_system_stack_overhead();
    pthread_attr_setstacksize(&attributes, (whole_stack + page - 1) / page * page);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    pthread_t thread;
    int status = pthread_create(&thread, &attributes, run_named, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (status != 0) divak_memory_release(start);
    return status == 0 ? 0 : -1;
}

static pthread_key_t exit_key;
static divak_atomic_u32 exit_key_is_usable;

int divak_thread_at_exit_create(void (*destroy)(void *)) {
    if (divak_load_acquire(&exit_key_is_usable) != 0) return 0;
    if (pthread_key_create(&exit_key, destroy) != 0) return -1;
    /* Pairs with the acquire in divak_thread_at_exit_set: the key is made first. */
    divak_store_release(&exit_key_is_usable, 1);
    return 0;
}

int divak_thread_at_exit_set(void *value) {
    if (divak_load_acquire(&exit_key_is_usable) == 0) return -1;
#if defined(__GLIBC__)
    /* The first 32 keys have their room in the thread's own descriptor; for a later one glibc would allocate. */
    if (exit_key >= 32) return -1;
#endif
    return pthread_setspecific(exit_key, value) == 0 ? 0 : -1;
}

int divak_thread_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    return pthread_atfork(prepare, parent, child) == 0 ? 0 : -1;
}

void divak_thread_reset_after_fork(divak_mutex *mutex, divak_condition *condition) {
    memset(&mutex->native, 0, sizeof mutex->native);
    memset(&condition->native, 0, sizeof condition->native);
    pthread_mutex_init(&mutex->native, NULL);
    divak_condition_init(condition);
}
