/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - notes what is said about a span as one JSON line, in the very order of the calls,
 * while it is being said.
 *
 *     noted span;
 *     note_begin(&span);
 *     note(&span, "\"tags\":[[\"%s\",\"%s\"]]", hex(key), hex(value));
 *     note_end(&span, file);
 *
 * Texts are in hexadecimal: they may hold any bytes, and what becomes of those is for the reader of
 * the ledger to know.
 */
#ifndef DIVAK_TEST_LEDGER_H
#define DIVAK_TEST_LEDGER_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "divak/divak.h"

typedef struct noted {
    char *text;
    size_t length;
    FILE *stream;
    uint64_t begun_from, begun_to; /* wall clock around the start; equal: it was given */
} noted;

static inline uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static inline void note_begin(noted *span) {
    span->stream = open_memstream(&span->text, &span->length);
    if (span->stream == NULL) abort();
}

static inline __attribute__((format(printf, 2, 3))) void note(noted *span, const char *format,
                                                              ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(span->stream, format, arguments);
    va_end(arguments);
}

static inline void note_hex(noted *span, const char *text, size_t length) {
    fputc('"', span->stream);
    for (size_t i = 0; i < length; i++) fprintf(span->stream, "%02x", (unsigned char)text[i]);
    fputc('"', span->stream);
}

/* Writes the line, or forgets it when `file` is NULL: a span that is not to arrive. */
static inline void note_end(noted *span, FILE *file) {
    fclose(span->stream);
    if (file != NULL) fprintf(file, "{%s\"end\":0}\n", span->text);
    free(span->text);
}

static inline void note_ids(noted *span, const divak_span *ids) {
    char trace[33], id[17];
    divak_span_trace_id_text(ids, trace);
    divak_span_id_text(ids, id);
    note(span, "\"traceId\":\"%s\",\"id\":\"%s\",", trace, id);
    if (ids->parent_id != 0)
        note(span, "\"parentId\":\"%016llx\",", (unsigned long long)ids->parent_id);
}

static inline void note_endpoint(noted *span, const char *which, const divak_endpoint *endpoint) {
    const uint8_t *a = endpoint->ipv4;
    note(span, "\"%s\":{\"service\":", which);
    note_hex(span, endpoint->service, endpoint->service_length);
    if (endpoint->has_ipv4) note(span, ",\"ipv4\":\"%d.%d.%d.%d\"", a[0], a[1], a[2], a[3]);
    if (endpoint->has_ipv6) {
        note(span, ",\"ipv6\":\"");
        for (int i = 0; i < 16; i++) note(span, "%02x", endpoint->ipv6[i]);
        note(span, "\"");
    }
    note(span, ",\"port\":%d},", endpoint->port);
}

#endif
