/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h - the current span of a thread: whatever starts without a parent becomes its child.
 *
 *     divak_scope scope;
 *     divak_scope_open(&span, &scope);
 *     divak_span inner;                              // a child of `span`, though nobody says so
 *     divak_span_start(tracer, "inner", 5, DIVAK_KIND_LOCAL, NULL, &inner);
 *     divak_span_finish(&inner);
 *     divak_scope_close(&scope);
 *
 * Starting a span does not make it current; opening a scope does, and neither closing it nor
 * anything else here ends the span. Scopes nest, and close in reverse order on the thread that
 * opened them. A divak_scope is a plain value that holds what was current before; a scope that is
 * never closed leaks nothing, its span merely stays current.
 *
 * A process may have several copies of this library: a program that links the static one, or a
 * Swift program, which has it compiled in, and a library of its own that stands on libdivak.so.
 * They share the current span, whoever comes first and however it is loaded: what one makes current
 * is the parent in the others, with its ids, its decision, and what it would send in headers beside
 * them. Nothing else is shared. Each copy has its own tracers, delivers and counts its own spans,
 * and knows a span of another one as a parent only: it is not recording here. Do not pass spans,
 * keys or tracers from copy to copy by hand: they are refused, as stale or invalid. Copies of
 * versions that do not understand each other keep a current span each; a tracer that is made then
 * says so, once. Whoever links a static copy keeps it to itself by --exclude-libs,libdivak.a, as
 * the packages for CMake and pkg-config do: from a program that exports it other libraries take
 * half of their functions, and half from libdivak.so. Of copies that dlopen loads, glibc takes four
 * as it is set up by default, and refuses more ("cannot allocate memory in static TLS block"):
 * GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096 makes room for eight more or so.
 */
#ifndef DIVAK_SCOPE_H
#define DIVAK_SCOPE_H

#include "divak/span.h"

DIVAK_BEGIN

typedef struct divak_scope {
    divak_span previous;
    uint64_t span_id; /* of the scope's own span; 0: none */
    uint64_t previous_mark;
    uint64_t thread; /* Divak's own, as the rest */
    uint32_t depth;
    uint32_t is_open;
} divak_scope;

/* Makes `span` current on this thread; NULL or divak_no_parent: none is. Always DIVAK_OK, but
 * DIVAK_ERROR_INVALID for nowhere to put the scope. */
DIVAK_API int divak_scope_open(const divak_span *span, divak_scope *out_scope);
/* Restores what was current before. DIVAK_ERROR_ORDER, and nothing is changed but a counter
 * (`scope_misuse`), when it is not the innermost open scope of this thread. Closing twice is
 * DIVAK_ERROR_ORDER too. */
DIVAK_API int divak_scope_close(divak_scope *scope);
/* Whether a scope is open on this thread; then `out_span` is the innermost one's span, or
 * divak_no_parent, and `out_mark` what the provider said when it was opened (below). */
DIVAK_API bool divak_scope_innermost(divak_span *out_span, uint64_t *out_mark);

/* Called on the thread of each close that is refused: with the id of the span whose scope it was, 0
 * where there is none, and whether another thread had opened it. For tests: programs look at the
 * counter. */
typedef void (*divak_scope_refused)(void *context, uint64_t span_id, bool is_other_thread);
/* Sets it; NULL takes it away. One for the process. `context` must stay valid from then on. */
DIVAK_API void divak_set_scope_refused(divak_scope_refused refused, void *context);

/* The current span: this thread's, or else what the provider says. DIVAK_OK, or DIVAK_ABSENT with a
 * zeroed span. It may have ended meanwhile: a span that has can still be a parent. */
DIVAK_API int divak_current(divak_span *out_span);

/* ---- another source of the current span -------------------------------------------------------
 * How another language's tasks share theirs: the Swift module sets one. */

typedef struct divak_current_provider {
    /* The current span of the task that runs on this thread: DIVAK_OK, with divak_no_parent for
     * "none, whatever is around", or DIVAK_ABSENT. `scope_mark` is NULL where no scope is open;
     * else what `mark` said when the innermost one was opened: the answer is then DIVAK_OK only for
     * something that was made current after it, and inside of it. */
    int (*current)(void *context, const uint64_t *scope_mark, divak_span *out_span);
    /* A number for what is current apart from scopes, by which it is known again; 0: nothing is.
     * May be NULL: an open scope then hides whatever the provider has. */
    uint64_t (*mark)(void *context);
    void *context;
} divak_current_provider;

/* Sets the source, which is copied; NULL takes it away. One for the process; the last one set
 * counts. Its functions must not block, and are never called by a signal handler that interrupted
 * Divak. It is meant to be set once: of different ones a process can have eight, then it is
 * DIVAK_ERROR_FULL and the one before stays. DIVAK_ERROR_INVALID: no function `current`, and the
 * one before stays. */
DIVAK_API int divak_set_current_provider(const divak_current_provider *provider);

/* A number for marks that no other call in this process has returned; never 0. */
DIVAK_API uint64_t divak_current_make_mark(void);

DIVAK_END

#endif
