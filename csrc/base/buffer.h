/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.h - a growing run of bytes that remembers its first error, so that writers ask once, at the end.
 *
 *     divak_buffer body = {0};
 *     divak_buffer_append(&body, "[", 1);
 *     ...
 *     if (body.failed) ...                 // out of memory somewhere on the way: length is what was kept
 *     divak_buffer_deinit(&body);
 *
 * Encoders reserve the worst case of a span once and then write through a plain pointer:
 *
 *     char *end = divak_buffer_reserve(&body, worst);   // NULL: failed is set
 *     ... write at end ...
 *     body.length += written;
 */
#ifndef DIVAK_BASE_BUFFER_H
#define DIVAK_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct divak_buffer {
    char *bytes;
    size_t length;
    size_t capacity;
    bool failed;
} divak_buffer;

/* Makes room for `extra` more bytes and returns where they go, or NULL (failed is set, contents unchanged). */
char *divak_buffer_reserve(divak_buffer *buffer, size_t extra);
void divak_buffer_append(divak_buffer *buffer, const void *bytes, size_t length);
/* Forgets contents and error, keeps the memory. */
void divak_buffer_clear(divak_buffer *buffer);
/* Frees the memory; the buffer is empty and usable after. */
void divak_buffer_deinit(divak_buffer *buffer);

#endif
