/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - the only door to the heap, and the table through which every fallible call to the system goes.
 *
 * Tests replace single entries of divak_system to make the Nth allocation, mapping or system call fail. The table is
 * written before any other thread exists (or while none runs in Divak) and only read after.
 */
#ifndef DIVAK_BASE_MEMORY_H
#define DIVAK_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct divak_system_calls {
    void *(*allocate)(size_t size);
    void *(*resize)(void *memory, size_t size);
    void (*release)(void *memory);
    /* Zeroed private pages, or NULL. */
    void *(*map)(size_t size);
    void (*unmap)(void *memory, size_t size);
    /* Asks that the kernel wipe these pages in a forked child: 0, or negative where that is not possible. */
    int (*wipe_on_fork)(void *memory, size_t size);
    /* Orders the memory accesses of all threads of the process; 0, or negative where there is no such call. */
    int (*barrier_everywhere)(void);
    /* Fills memory with random bytes from the kernel: 0 or negative. */
    int (*random_bytes)(void *memory, size_t size);
    /* Starts a detached thread with all signals blocked but SIGPROF and the synchronous ones, and a stack of that size beside
     * its thread-locals: 0 or negative. */
    int (*start_thread)(void *(*run)(void *), void *context, const char *name, size_t stack_size);
} divak_system_calls;

extern divak_system_calls divak_system;

/* `size` bytes, not zeroed, or NULL. Free with divak_memory_release. */
void *divak_memory_allocate(size_t size);
/* As above, zeroed; refuses count * size that overflows. */
void *divak_memory_allocate_zeroed(size_t count, size_t size);
/* As realloc: NULL leaves `memory` as it was. */
void *divak_memory_resize(void *memory, size_t size);
/* NULL is fine. */
void divak_memory_release(void *memory);

#endif
