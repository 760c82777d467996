/* http_outcome.h - what the answer to a POST, or the lack of one, means for the spans in it.
 *
 * Nothing here knows a socket: statuses, failures and times come in, decisions go out.
 *
 *     2xx, whole body had left    DELIVERED
 *     2xx, part of the body       RETRY      answered early, then broken: it can't have read it all
 *     400, 413                    SPLIT      one span is bad, or the message too long
 *     408, 425, 429, 5xx          RETRY      these say that a repetition may succeed
 *     3xx                         REDIRECT   never followed
 *     other 4xx, 1xx at the end   REJECTED
 *     none, or above 599          RETRY      but TLS and a refused address fail closed
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_HTTP_OUTCOME_H
#define DIVAK_EXPORT_HTTP_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum divak_outcome {
    DIVAK_OUTCOME_DELIVERED,
    DIVAK_OUTCOME_RETRY,
    DIVAK_OUTCOME_SPLIT,
    DIVAK_OUTCOME_REJECTED,
    DIVAK_OUTCOME_REDIRECT,
    DIVAK_OUTCOME_TLS
} divak_outcome;

/* Why a request ended other than by a complete answer. */
typedef enum divak_http_failure {
    DIVAK_HTTP_FAILURE_NONE,
    DIVAK_HTTP_FAILURE_NETWORK, /* resolving, connecting, sending, receiving, time limit, memory */
    DIVAK_HTTP_FAILURE_GARBLED, /* what came was not HTTP, or more of it than is read */
    DIVAK_HTTP_FAILURE_ADDRESS, /* the host's address is one that is not talked to */
    DIVAK_HTTP_FAILURE_TLS
} divak_http_failure;

typedef struct divak_http_result {
    int status;           /* of the final answer; 0 unless its headers were complete */
    bool whole_body_left; /* every byte of the body was handed to the connection */
    divak_http_failure failure;
} divak_http_result;

enum {
    DIVAK_HTTP_TEXT_SIZE = 160,
    /* Seconds. A server's slip must not silence a service for a day. */
    DIVAK_HTTP_RETRY_AFTER_LIMIT = 300
};

divak_outcome divak_http_outcome(const divak_http_result *result);

/* True when the spans may be at the collector although nobody said so: the whole body left, no
 * answer came. */
bool divak_http_maybe_delivered(const divak_http_result *result);

/* Retry-After in nanoseconds, within DIVAK_HTTP_RETRY_AFTER_LIMIT; 0 for none and for a time that
 * has passed. */
uint64_t divak_http_retry_after(int64_t seconds);

/* Whether a failed handshake was cut off by the network, judged by the TLS library's words: then it
 * is no verdict about the peer, and a repetition may succeed. In doubt false. */
bool divak_http_handshake_was_cut(const char *detail);

/* Writes "display: what" in printable ASCII, ended by 0, cut to `capacity`. Either may be NULL. */
void divak_http_text_write(char *out, size_t capacity, const char *display, const char *what);

/* Which encoding a target takes. Some collectors, and more proxies, refuse gzip with 400 or 415;
 * but 400 is also what a bad span gets, so only the same body sent plainly can tell. */
typedef struct divak_http_encoding {
    bool gzip_wanted;
    uint64_t refused_until; /* gzip is not tried before */
    /* A 400 before that is the body's fault, since the last plain one was refused too. */
    uint64_t innocent_until;
} divak_http_encoding;

/* Whether the next body goes out as gzip; `now` on the monotonic clock, in nanoseconds. */
bool divak_http_encoding_is_gzip(const divak_http_encoding *encoding, uint64_t now);
/* Whether a body that went as gzip and got `status` is to be sent once more, plainly. */
bool divak_http_encoding_wants_plain(const divak_http_encoding *encoding, int status, uint64_t now);
/* Remembers what the same body got as gzip and then plainly (0: no answer). */
void divak_http_encoding_learn(divak_http_encoding *encoding, int gzip_status, int plain_status,
                               uint64_t now);

#endif
