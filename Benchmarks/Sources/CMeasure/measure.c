/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - a clock, and a heap that counts for each thread. */
#include "measure.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

uint64_t measure_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void measure_use(uint64_t number) {
    __asm__ volatile("" : : "r"(number) : "memory");
}

#if defined(__GLIBC__)

static __thread uint64_t allocations __attribute__((tls_model("initial-exec")));

/* glibc's own names for what we stand in front of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    allocations++;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out_memory, size_t alignment, size_t size) {
    allocations++;
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *out_memory = memory;
    return 0;
}

uint64_t measure_allocations(void) {
    return allocations;
}

_Bool measure_counts_allocations(void) {
    return 1;
}

#else

uint64_t measure_allocations(void) {
    return 0;
}

_Bool measure_counts_allocations(void) {
    return 0;
}

#endif
