/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads, locks and per-thread destructors; the only place that includes <pthread.h>.
 *
 * No lock of this file is ever taken while recording.
 */
#ifndef DIVAK_BASE_THREAD_H
#define DIVAK_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct divak_mutex {
    pthread_mutex_t native;
} divak_mutex;

/* Waits on the monotonic clock. */
typedef struct divak_condition {
    pthread_cond_t native;
} divak_condition;

#define DIVAK_MUTEX_INITIALIZER {PTHREAD_MUTEX_INITIALIZER}

void divak_mutex_init(divak_mutex *mutex);
void divak_mutex_lock(divak_mutex *mutex);
void divak_mutex_unlock(divak_mutex *mutex);

void divak_condition_init(divak_condition *condition);
void divak_condition_wake_all(divak_condition *condition);
/* Waits until woken (or for no reason) or until the monotonic clock reaches `deadline` in nanoseconds; false then. */
bool divak_condition_wait_until(divak_condition *condition, divak_mutex *mutex, uint64_t deadline);

/* What divak_system.start_thread points to. */
int divak_thread_start_detached(void *(*run)(void *), void *context, const char *name,
                                size_t stack_size);

/* Calls `destroy` with the value at the end of each thread that called divak_thread_at_exit_set; 0 or negative. */
int divak_thread_at_exit_create(void (*destroy)(void *));
/* Async-signal-safe: refuses (negative) where setting the value might allocate. */
int divak_thread_at_exit_set(void *value);

/* Registers hooks around fork, once. */
int divak_thread_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
/* Puts mutex and condition into their first state; for a forked child, which is alone. */
void divak_thread_reset_after_fork(divak_mutex *mutex, divak_condition *condition);

#endif
