/* http.h - POSTs bodies to collectors over kept-alive connections, several at once, in one thread.
 *
 *     divak_http_pool *pool;             // one a flusher
 *     divak_http_target *target;         // one an endpoint
 *     divak_http_pool_create(&pool);
 *     divak_http_target_create(pool, &options, &target, error, sizeof error);
 *
 *     divak_http_send(target, body, length, tag);
 *     divak_http_reply replies[8];
 *     int count = divak_http_pool_wait(pool, 1000000000, replies, 8);
 *
 * Everything here is called by the thread that owns the pool; only divak_http_pool_wake is for
 * others. The owner blocks SIGPIPE: TLS libraries write to broken connections without asking for
 * silence.
 *
 * What is kept to whatever the environment or the collector say: http and https alone, TLS 1.2 or
 * later with peer and host verified, no redirect followed, at most 64 KiB of an answer's body and
 * of its headers read and none of it kept, no address refused by http_address.h, no credentials,
 * path or query in any text that comes out.
 *
 * A request that met a dead kept-alive connection is repeated at once on a fresh one, a body
 * refused as gzip is repeated plainly; both are seen outside as one request, within its time limit.
 *
 * A build with DIVAK_WITHOUT_CURL has none of these functions.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_HTTP_H
#define DIVAK_EXPORT_HTTP_H

#include "export/http_options.h"
#include "export/http_outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The connections of one thread. */
typedef struct divak_http_pool divak_http_pool;
/* One endpoint and how to talk to it. */
typedef struct divak_http_target divak_http_target;

typedef struct divak_http_reply {
    void *tag; /* as given to divak_http_send */
    divak_outcome outcome;
    int http_status;      /* 0: no answer */
    bool is_refused;      /* nobody listens at its address */
    uint64_t retry_after; /* nanoseconds the collector asked for, capped; 0: it did not */
    /* A whole body once left and its connection then failed: the spans may be there already, so
     * that sending them again (as was done here, if the outcome is DELIVERED) may make duplicates.
     */
    bool maybe_delivered;
    char text[DIVAK_HTTP_TEXT_SIZE]; /* what happened, safe to log; "" when delivered */
} divak_http_reply;

/* DIVAK_ERROR_UNSUPPORTED where libcurl resolves names synchronously, is not initialised safely
 * among threads, or is older than 7.85; DIVAK_ERROR_MEMORY. */
int divak_http_pool_create(divak_http_pool **out_pool);
/* Why this system's libcurl can't be used, in a sentence, or NULL when it can. */
const char *divak_http_unsupported_text(void);
/* Cancels what is under way and destroys the targets too. Doesn't wait for DNS, TCP or TLS. NULL is
 * fine. */
void divak_http_pool_destroy(divak_http_pool *pool);
/* Forgets the pool and its targets without touching a byte of them: for a forked child, where
 * connections and locks belong to the parent, and for a pool whose thread hangs inside a library.
 * The memory is lost on purpose. */
void divak_http_pool_abandon(divak_http_pool *pool);

/* Everything in `options` is copied. On DIVAK_ERROR_INVALID `error` says what is wrong, without secrets. Also
 * DIVAK_ERROR_MEMORY, _UNSUPPORTED. */
int divak_http_target_create(divak_http_pool *pool, const divak_http_options *options,
                             divak_http_target **out_target, char *error, size_t error_capacity);
/* Cancels what is under way to it. NULL is fine. */
void divak_http_target_destroy(divak_http_target *target);

/* Starts a POST. `body` is borrowed until the reply with this tag, or until it is cancelled.
 * DIVAK_ERROR_FULL when max_in_flight requests are under way, DIVAK_ERROR_MEMORY; then no reply
 * comes. */
int divak_http_send(divak_http_target *target, const void *body, size_t length, void *tag);

/* Drives what is under way until there is a reply, a wake, or `timeout` nanoseconds have passed.
 * Returns how many replies were written to `out`, at most `capacity`; the others come with the next
 * call. */
int divak_http_pool_wait(divak_http_pool *pool, uint64_t timeout, divak_http_reply *out,
                         int capacity);
/* Makes the wait under way, or else the next one, return at once. From any thread; not from a
 * signal handler. */
void divak_http_pool_wake(divak_http_pool *pool);

/* Requests without a reply so far. */
unsigned divak_http_pool_in_flight(const divak_http_pool *pool);
unsigned divak_http_target_in_flight(const divak_http_target *target);

/* Gives the request with this tag up: its connection is closed and no reply comes. False if there
 * is none. */
bool divak_http_cancel(divak_http_target *target, const void *tag);
void divak_http_cancel_all(divak_http_target *target);

#endif
