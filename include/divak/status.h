/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what the functions of Divak return.
 *
 *     divak_tracer *tracer;
 *     int status = divak_tracer_create(NULL, &tracer);
 *     if (status < 0) fprintf(stderr, "no tracing: %s\n", divak_status_text(status));
 *
 * DIVAK_OK is 0, everything that went wrong is negative, and DIVAK_ABSENT is neither. No function
 * ever aborts, throws, or sets errno as its answer. Recording functions return a status that
 * callers may ignore: what could not be kept has been counted (stats.h).
 */
#ifndef DIVAK_STATUS_H
#define DIVAK_STATUS_H

#include "divak/export.h"

DIVAK_BEGIN

enum {
    DIVAK_OK = 0,
    /* Nothing there: no such header, no current span. Not an error. */
    DIVAK_ABSENT = 1,
    /* A value is not among those accepted; nothing was changed. */
    DIVAK_ERROR_INVALID = -1,
    /* No memory, or the byte budget is used up. */
    DIVAK_ERROR_MEMORY = -2,
    /* The operating system refused (thread, mapping, clock), or a collector did. */
    DIVAK_ERROR_SYSTEM = -3,
    /* A table of fixed size is full. */
    DIVAK_ERROR_FULL = -4,
    /* The span has ended before, or its tracer was shut down. */
    DIVAK_ERROR_ENDED = -5,
    /* The handle does not name a live span: forged, zeroed, or long finished. */
    DIVAK_ERROR_STALE = -6,
    /* Kept in part: the text or the span was longer than its limit. */
    DIVAK_ERROR_TRUNCATED = -7,
    /* Called by a signal handler that interrupted Divak on this same thread. */
    DIVAK_ERROR_REENTRANT = -8,
    /* The deadline came first. */
    DIVAK_ERROR_TIMEOUT = -9,
    /* Done, but spans were dropped since the last flush. */
    DIVAK_ERROR_LOST = -10,
    /* This build or platform does not have it. */
    DIVAK_ERROR_UNSUPPORTED = -11,
    /* The span is not recorded (unsampled, refused, or tracing is off): harmless. */
    DIVAK_ERROR_NOT_RECORDING = -12,
    /* A scope was closed out of order or on another thread; refused. */
    DIVAK_ERROR_ORDER = -13
};

/* A short English text for a status, never NULL: "deadline passed". For an unknown number:
 * "unknown status". */
DIVAK_API const char *divak_status_text(int status);

DIVAK_END

#endif
