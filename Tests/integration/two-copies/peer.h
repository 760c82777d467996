/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a C library that traces itself with the installed libdivak.so, and knows nothing of who calls it. */
#ifndef PEER_H
#define PEER_H

#include <divak/divak.h>

typedef void (*peer_body)(void *context);

/* Makes its tracer, called "peer": 0. */
int peer_start(const char *sample_rate);
/* Calls `body` under a span of that name, which is current meanwhile. */
void peer_span(const char *name, peer_body body, void *context);
/* The same under a new root of a debug trace. */
void peer_debug_span(const char *name, peer_body body, void *context);
/* The same with a value of baggage set on the span. */
void peer_span_with_baggage(const char *name, const char *field, const char *value, peer_body body, void *context);
/* Calls `body` where no span is current. */
void peer_cleared(peer_body body, void *context);
/* So many spans under the current one. */
void peer_many(int count);
/* Tries to tag what is current: what that says. */
int peer_tag_current(void);
/* What the current span carries under a name: true, and it is in `out`. */
bool peer_baggage(const char *field, char *out, size_t capacity);
/* The value of the header `name` that a request from here has, in `out`: true, and it is in `out`. */
bool peer_header(const char *name, char *out, size_t capacity);
/* Closes one scope out of order, and one twice: 0 when both are told as they should be. */
int peer_misuse(void);
/* Forks; the child calls `body` and exits. Its exit status. */
int peer_fork(peer_body body, void *context);
/* Starts so many spans under the current one, and registers a key, which it gives. */
divak_key peer_lend(divak_span *spans, int count);
/* Finishes them; how many answers were not DIVAK_OK. */
int peer_take_back(const divak_span *spans, int count);
divak_tracer *peer_tracer(void);
/* Tries what refuse.h has with the caller's spans, key and tracer: how many answers were not as they should be. `own` is a
 * span of this library's. */
int peer_refuse(const divak_span *spans, int count, const divak_span *own, divak_key key, divak_tracer *tracer);
/* Sends everything: 0 when it was delivered and the accounts are exact, with `misuses` of scopes in them. */
int peer_stop(uint64_t misuses);

#endif
