/* SPDX-License-Identifier: Apache-2.0 */
/* atomics.h - C11 atomics with the ordering in the name, so that each use says what it hands over.
 *
 * relaxed: a counter or a hint, nothing else travels with it. acquire/release: a pair; the comment at each use names
 * the partner. The only place that includes <stdatomic.h>.
 */
#ifndef DIVAK_BASE_ATOMICS_H
#define DIVAK_BASE_ATOMICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* For variables shared among files: found without the table of an object's exports. */
#define DIVAK_HIDDEN __attribute__((visibility("hidden")))

typedef _Atomic(uint64_t) divak_atomic_u64;
typedef _Atomic(uint32_t) divak_atomic_u32;
typedef _Atomic(void *) divak_atomic_pointer;

#define divak_load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define divak_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define divak_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define divak_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define divak_add_relaxed(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define divak_add_release(p, v) atomic_fetch_add_explicit((p), (v), memory_order_release)
#define divak_subtract_relaxed(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define divak_subtract_release(p, v) atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define divak_subtract_acquire_release(p, v)                                                       \
    atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)
#define divak_exchange_acquire(p, v) atomic_exchange_explicit((p), (v), memory_order_acquire)
#define divak_exchange_acquire_release(p, v)                                                       \
    atomic_exchange_explicit((p), (v), memory_order_acq_rel)
#define divak_cas_weak_relaxed(p, expected, desired)                                               \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), memory_order_relaxed,        \
                                          memory_order_relaxed)
#define divak_cas_weak_acquire(p, expected, desired)                                               \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), memory_order_acquire,        \
                                          memory_order_relaxed)
#define divak_cas_weak_release(p, expected, desired)                                               \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), memory_order_release,        \
                                          memory_order_relaxed)
#define divak_cas_relaxed(p, expected, desired)                                                    \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_relaxed,      \
                                            memory_order_relaxed)
#define divak_cas_acquire(p, expected, desired)                                                    \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_acquire,      \
                                            memory_order_relaxed)
#define divak_cas_acquire_release(p, expected, desired)                                            \
    atomic_compare_exchange_strong_explicit((p), (expected), (desired), memory_order_acq_rel,      \
                                            memory_order_acquire)
#define divak_cas_weak_acquire_release(p, expected, desired)                                       \
    atomic_compare_exchange_weak_explicit((p), (expected), (desired), memory_order_acq_rel,        \
                                          memory_order_acquire)

/* Orders against this thread's own signal handlers only: no instruction, the compiler keeps the order. */
#define divak_signal_fence() atomic_signal_fence(memory_order_seq_cst)
#define divak_fence_sequential() atomic_thread_fence(memory_order_seq_cst)
#define divak_fence_acquire() atomic_thread_fence(memory_order_acquire)

/* Adds to a counter that only this thread writes and others read: a plain add, but never torn. Release: whoever sees the
 * count by an acquire sees what was counted before it, so that sums read downstream first never have a span twice. */
static inline void divak_count(divak_atomic_u64 *counter, uint64_t amount) {
    divak_store_release(counter, divak_load_relaxed(counter) + amount);
}

#endif
