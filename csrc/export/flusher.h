/* SPDX-License-Identifier: Apache-2.0 */
/* flusher.h - the thread behind a tracer: lanes into the store, the store into messages, answers into counts.
 *
 *     loop:  drain lanes -> store        (handlers, times)
 *            answer requests              (flush, shutdown, check)
 *            pump reporters               (build, send)
 *            wait for answers, or sleep until woken, due, or a lane is half full
 *
 * It is never joined and never freed. When it makes no progress inside of the transport for a whole time limit (a lock
 * that a fork left behind, a resolver that hangs) it is given up and another one takes over; the old one, should it
 * ever come back, sees that and ends.
 */
#ifndef DIVAK_EXPORT_FLUSHER_H
#define DIVAK_EXPORT_FLUSHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "collect/engine.h"
#include "export/reporter.h"

/* Everything is copied but the texts that reporters' specs borrow until the flusher is prepared again. */
typedef struct divak_flusher_options {
    divak_encode_settings encode;
    bool is_proto3, is_gzip, allows_metadata, logs;
    bool gives_up_refused; /* when it is closed */
    uint64_t message_bytes, flush_interval, timeout, close_timeout, endpoint_interval; /* bytes; nanoseconds */
    unsigned connections;
    const char *const *headers;
    size_t header_count;
    const char *ca_file;
    const divak_reporter_spec *reporters;
    size_t reporter_count;
    uint64_t memory_for_messages; /* bytes that all messages of a reporter may take */
} divak_flusher_options;

typedef struct divak_flusher divak_flusher;

/* Prepares the flusher of a tracer and starts its thread. DIVAK_OK, DIVAK_ERROR_MEMORY, DIVAK_ERROR_SYSTEM (no thread),
 * DIVAK_ERROR_INVALID with `error` saying why. */
int divak_flusher_start(divak_tracer *tracer, const divak_flusher_options *options, char *error,
                        size_t error_capacity);

/* See divak_tracer_flush, _shutdown and _check; `nanoseconds` from now. */
int divak_flusher_flush(divak_tracer *tracer, uint64_t nanoseconds, uint64_t *out_lost);
int divak_flusher_shutdown(divak_tracer *tracer, uint64_t nanoseconds, uint64_t *out_lost);
/* Shutdown in two steps, so that several tracers can be shut down at once: asks, and gives the deadline; then waits. */
uint64_t divak_flusher_ask_shutdown(divak_tracer *tracer, uint64_t nanoseconds);
int divak_flusher_await_shutdown(divak_tracer *tracer, uint64_t deadline, uint64_t *out_lost);
int divak_flusher_check(divak_tracer *tracer, uint64_t nanoseconds);
/* Whether no thread works for the tracer any more, so that its place may be given to another one. */
bool divak_flusher_is_over(const divak_tracer *tracer);
/* As the settings say for exit. */
uint64_t divak_flusher_close_timeout(const divak_tracer *tracer);

/* Adds what delivery knows to `out_stats`; false: no such reporter. */
bool divak_flusher_stats(const divak_tracer *tracer, size_t reporter, divak_stats *out_stats);

/* Why the last message to a reporter failed, cut to `capacity` with its 0: DIVAK_OK; DIVAK_ABSENT when it did not;
 * DIVAK_ERROR_INVALID: no such reporter. */
int divak_flusher_failure(const divak_tracer *tracer, size_t reporter, char *out, size_t capacity);

/* For the child of a fork: nothing in flight, a thread of its own at once (from a hook after fork) or with the next call
 * that is not recording. */
void divak_flusher_reset_after_fork(divak_tracer *tracer);
void divak_flusher_ensure_thread(divak_tracer *tracer);

#endif
