/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the heap's only door, over the table of fallible system calls. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/system.h"
#include "base/thread.h"

divak_system_calls divak_system = {
    .allocate = malloc,
    .resize = realloc,
    .release = free,
    .map = divak_system_map,
    .unmap = divak_system_unmap,
    .wipe_on_fork = divak_system_wipe_on_fork,
    .barrier_everywhere = divak_system_barrier_everywhere,
    .random_bytes = divak_system_random_bytes,
    .start_thread = divak_thread_start_detached,
};

void *divak_memory_allocate(size_t size) {
    return divak_system.allocate(size);
}

void *divak_memory_allocate_zeroed(size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) return NULL;
    void *memory = divak_system.allocate(count * size);
    if (memory != NULL) memset(memory, 0, count * size);
    return memory;
}

void *divak_memory_resize(void *memory, size_t size) {
    return divak_system.resize(memory, size);
}

void divak_memory_release(void *memory) {
    if (memory != NULL) divak_system.release(memory);
}
