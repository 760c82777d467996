/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - see buffer.h. Grows by doubling from 4 KiB. */
#include "base/buffer.h"

#include <stdint.h>
#include <string.h>

#include "base/atomics.h"
#include "base/memory.h"

enum { FIRST_CAPACITY = 4096 };

char *divak_buffer_reserve(divak_buffer *buffer, size_t extra) {
    if (buffer->failed) return NULL;
    if (extra <= buffer->capacity - buffer->length) return buffer->bytes + buffer->length;
    if (extra > SIZE_MAX / 2 - buffer->length) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->length + extra;
    size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed) capacity *= 2;
    /* Not by resizing in place: a fork in between would leave the child, which goes on to use the buffer, with a pointer
     * to memory that is none any more. At every instant there is what `bytes` names, of `capacity` at least. */
    char *bytes = divak_memory_resize(NULL, capacity);
    if (bytes == NULL) {
        buffer->failed = true;
        return NULL;
    }
    char *before = buffer->bytes;
    if (buffer->length != 0) memcpy(bytes, before, buffer->length);
    buffer->bytes = bytes;
    divak_fence_sequential();
    divak_memory_release(before);
    buffer->capacity = capacity;
    return bytes + buffer->length;
}

void divak_buffer_append(divak_buffer *buffer, const void *bytes, size_t length) {
    if (length == 0) return;
    char *end = divak_buffer_reserve(buffer, length);
    if (end == NULL) return;
    memcpy(end, bytes, length);
    buffer->length += length;
}

void divak_buffer_clear(divak_buffer *buffer) {
    buffer->length = 0;
    buffer->failed = false;
}

void divak_buffer_deinit(divak_buffer *buffer) {
    divak_memory_release(buffer->bytes);
    *buffer = (divak_buffer){0};
}
