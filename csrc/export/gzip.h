/* gzip.h - compresses a body as gzip with the system's zlib, looked up while the program runs.
 *
 *     divak_gzip *gzip;
 *     if (divak_gzip_create(1, &gzip) == DIVAK_OK) ...
 *     status = divak_gzip_compress(gzip, body.bytes, body.length, &compressed);
 *     divak_gzip_destroy(gzip);
 *
 * Nothing is needed to build: libcurl brings zlib along nearly everywhere, and where it is absent
 * bodies go plain.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_GZIP_H
#define DIVAK_EXPORT_GZIP_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* A compressor; about 270 KB, reused from body to body. For one thread at a time. */
typedef struct divak_gzip divak_gzip;

/* Whether this system has a zlib that can be used. */
bool divak_gzip_available(void);

/* `level` 1 (fast) to 9. DIVAK_ERROR_UNSUPPORTED without zlib, DIVAK_ERROR_MEMORY,
 * DIVAK_ERROR_INVALID. */
int divak_gzip_create(int level, divak_gzip **out_gzip);
/* NULL is fine. */
void divak_gzip_destroy(divak_gzip *gzip);

/* Appends the whole of `bytes` to `out` as one gzip member. On any error `out` is as before, and
 * the compressor usable: DIVAK_ERROR_MEMORY, or DIVAK_ERROR_SYSTEM if zlib refuses. */
int divak_gzip_compress(divak_gzip *gzip, const void *bytes, size_t length, divak_buffer *out);

#endif
