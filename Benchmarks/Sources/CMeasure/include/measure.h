/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - what Swift can't measure of itself: time without overhead, and what a thread took from the heap. */
#ifndef DIVAK_MEASURE_H
#define DIVAK_MEASURE_H

#include <stdint.h>

/* Nanoseconds, monotonic. */
uint64_t measure_now(void);
/* How often the calling thread has asked the heap for memory: malloc, calloc, realloc and their relatives. Counted where
 * the heap of glibc lies beneath; 0 elsewhere. */
uint64_t measure_allocations(void);
/* Whether it is counted here. */
_Bool measure_counts_allocations(void);
/* Does nothing with a number, which the compiler can't know. */
void measure_use(uint64_t number);

#endif
