/* SPDX-License-Identifier: Apache-2.0 */
/* count_calls.h - how often the calling thread asks the heap or the kernel for something,
 * counted without a tracer.
 *
 * The heap: this program defines malloc and its family itself, so that every library in it uses
 * these, and passes each call on to glibc's. The kernel: a seccomp filter of this thread alone
 * turns each of its system calls into a SIGSYS, whose handler counts it and then makes it.
 * Between two system calls the thread runs at full speed. Linux with glibc on x86-64 and arm64.
 *
 *     if (bench_count_calls() != 0) ...;       // from here on, for the rest of the thread's life
 *     bench_call_counts before = bench_calls;
 *     work();
 *     printf("%llu\n", bench_calls.allocations - before.allocations);
 */
#ifndef DIVAK_BENCH_COUNT_CALLS_H
#define DIVAK_BENCH_COUNT_CALLS_H

#include <stdint.h>

typedef struct bench_call_counts {
    uint64_t allocations; /* malloc, calloc, realloc and those with an alignment */
    uint64_t releases;    /* free */
    uint64_t system_calls;
    uint64_t futex_wakes; /* those of system_calls that wake another thread */
    long last_other;      /* the number of the last system call that was no wake; -1: none */
} bench_call_counts;

/* The calling thread's. */
extern __thread bench_call_counts bench_calls;

/* Begins to count this thread's system calls, and tries both counters with a call of each kind.
 * 0; -1 where that can't be done here, with a line on standard error. */
int bench_count_calls(void);

#endif
