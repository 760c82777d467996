/* SPDX-License-Identifier: Apache-2.0 */
/* propagation.h - carrying a trace from process to process in headers.
 *
 * A server reads the caller's headers and starts its span under them:
 *
 *     divak_span incoming, span;
 *     divak_extract_headers(tracer, headers, header_count, &incoming);
 *     divak_span_start(tracer, "get /users", 10, DIVAK_KIND_SERVER, &incoming, &span);
 *     divak_span_release(&incoming);
 *     // ... answer, and then
 *     divak_span_finish(&span);
 *
 * A client writes them, one call of put_header(request, "b3", 2, "80f1...", 55) for each:
 *
 *     divak_inject(tracer, &span, put_header, request);
 *
 * or, without such a function, into a block that holds them:
 *
 *     divak_header_block block;
 *     divak_inject_headers(tracer, &span, &block);
 *     for (size_t i = 0; i < block.count; i++) {
 *         printf("%s: %s\r\n", block.headers[i].name, block.headers[i].value);
 *     }
 *
 * Formats, by the setting "propagation": b3 (single header), b3multi, tracecontext (traceparent and
 * tracestate), baggage (W3C), request-id, and those of your own (below), by name. All are read by
 * default; b3multi and tracecontext are written. Of the ids the first that is well formed counts:
 * b3, then X-B3-..., then traceparent, then your own. Headers that can't be trusted are ignored,
 * never half believed; a bad one is as if it were absent, and counted `bad_header`. A header of B3
 * that came twice, with different values, is bad, and so is a second traceparent, whatever its
 * value.
 *
 * Beside the ids travel tracestate (sent on unchanged with the trace that it came with), W3C
 * baggage (64 members, 8192 bytes), the request id, and declared fields. These are what the setting
 * "baggage_fields" names: at most 15, each with up to 4 headers to read it from, the first of which
 * is written (by default the field's own name), all names tokens of up to 63 bytes. With a leading
 * minus a field is local: seen by this process's spans, never on the wire. A field on the wire
 * holds printable ASCII without blanks at its ends, anything else is refused; all fields of a span
 * together hold 8192 bytes. Declared fields are read and written whatever the formats are.
 *
 * Any thread may call these; none is for signal handlers, for they may allocate. A NULL tracer
 * reads and writes nothing, so what came is not passed on: the kill switch (tracer.h) is the better
 * "off".
 */
#ifndef DIVAK_PROPAGATION_H
#define DIVAK_PROPAGATION_H

#include "divak/span.h"

DIVAK_BEGIN

/* ---- reading --------------------------------------------------------------------------------- */

/* Finds the `index`-th header of a name (lower-case; match without regard to case): true and its
 * bytes, borrowed until the extract returns, or false when there are no more. Give values as HTTP
 * has them, without blanks around them: extract does not trim. */
typedef bool (*divak_get_header)(void *context, const char *name, size_t name_length, size_t index,
                                 const char **out_value, size_t *out_length);

/* Reads whatever a remote parent sent. DIVAK_OK: `out_parent` is a parent for divak_span_start,
 * with or without ids (a bare decision is possible). DIVAK_ABSENT: no headers of ours; `out_parent`
 * is zeroed but may carry baggage, and is fine as a parent all the same: it means a new trace, not
 * the current span. DIVAK_ERROR_INVALID: there were headers, all malformed, and the setting
 * "extract_failure" is `error`; as DIVAK_ABSENT otherwise. What comes out may hold baggage: release
 * it when the last span that it is a parent of has started. */
DIVAK_API int divak_extract(divak_tracer *tracer, divak_get_header get, void *context,
                            divak_span *out_parent);

/* Names in any case; texts need no 0 at their ends. A value of NULL is an empty one. */
typedef struct divak_header {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
} divak_header;

/* The same from an array. */
DIVAK_API int divak_extract_headers(divak_tracer *tracer, const divak_header *headers, size_t count,
                                    divak_span *out_parent);

/* Lets go of the baggage that an extracted parent holds; spans that started under it keep theirs.
 * Harmless on any span, also twice, also on a copy. Without it the tracer's room for baggage (4,096
 * of them) is used up in the end; then what comes in is dropped, and counted `baggage_dropped`. */
DIVAK_API void divak_span_release(divak_span *span);

/* ---- writing --------------------------------------------------------------------------------- */

/* Sets one header; name is lower-case but for X-B3-..., both are borrowed for the call, and neither
 * is ended by 0. It should replace a header of that name, not add one. */
typedef void (*divak_put_header)(void *context, const char *name, size_t name_length,
                                 const char *value, size_t value_length);

/* Writes the headers for whoever is called next, `span` being the caller's span (NULL is none, not
 * the current one: divak_current gives that). For a kind of PRODUCER or CONSUMER use
 * divak_inject_message. Unsampled spans are written too. DIVAK_ABSENT when there is nothing to
 * say. */
DIVAK_API int divak_inject(divak_tracer *tracer, const divak_span *span, divak_put_header put,
                           void *context);
/* The same for a message: of B3 `b3` alone, without parent, beside what else is configured. */
DIVAK_API int divak_inject_message(divak_tracer *tracer, const divak_span *span,
                                   divak_put_header put, void *context);

/* What goes onto a response, for whoever asked: any of these together. */
enum {
    DIVAK_RESPONSE_REQUEST_ID = 1, /* the request id that the span carries, whatever the formats */
    DIVAK_RESPONSE_B3 = 2,         /* the header b3, with the ids of `span` itself */
    DIVAK_RESPONSE_B3_MULTI = 4    /* X-B3-..., likewise */
};

/* Writes these of the headers of a response; responses that report an error are no exception.
 * DIVAK_ABSENT when there is nothing to say. */
DIVAK_API int divak_inject_response(divak_tracer *tracer, const divak_span *span, uint32_t headers,
                                    divak_put_header put, void *context);

enum {
    DIVAK_HEADERS_MAX = 24,
    DIVAK_HEADERS_BYTES = 12288
};

/* A ready-made carrier: headers with the bytes they point into, so it can't be copied. 13 KiB: keep
 * it off small stacks. Nothing in it needs to be set before, or freed after. */
typedef struct divak_header_block {
    divak_header headers[DIVAK_HEADERS_MAX];
    size_t count;
    size_t bytes_used;
    char bytes[DIVAK_HEADERS_BYTES];
} divak_header_block;

/* Fills `out_block`; pass its headers on, each `name: value`. Names and values are ended by a 0 not
 * counted in their lengths. What has no room is left out and counted `truncated`, and the result is
 * DIVAK_ERROR_TRUNCATED then; what is in the block is whole and may be sent. */
DIVAK_API int divak_inject_headers(divak_tracer *tracer, const divak_span *span,
                                   divak_header_block *out_block);

/* The `index`-th name of all the headers that the tracer may write or read, or NULL when there are
 * no more: for clearing a reused request. Valid as long as the tracer is not shut down. */
DIVAK_API const char *divak_propagation_header(divak_tracer *tracer, size_t index);

/* ---- formats of your own --------------------------------------------------------------------- */

/* A format beside the built-in ones, for systems that have headers of their own. It has a name,
 * which the setting "propagation" may then list in any order with the others:
 *
 *     divak_propagator ours = {.name = "ours", .inject = write_ours, .extract = read_ours};
 *     divak_config_add_propagator(config, &ours);          // for this config (config.h), or
 *     divak_propagator_register(&ours);                    // for all of this process
 *     divak_config_set(config, "propagation", "b3,ours");  // or DIVAK_PROPAGATION=b3,ours
 *
 * Where "propagation" is set, those that it lists are read and written, and no others. Where it is
 * not, all are read, and those of the config are written. A variable may name one that is added or
 * registered only later, before the tracer is made.
 *
 * Its functions are called on any thread, several at once, and must not block. Texts are as for the
 * functions above. */
typedef struct divak_propagator {
    /* 1 to 31 lower-case letters, digits, - and _; none of the names above, nor "none". Copied. */
    const char *name;
    /* Writes the headers for `span`: each by put(put_context, ...), after those of the formats that
     * are configured. What is no header (a name that is no token of up to 63 bytes, a value with
     * control characters) is left out, and counted `truncated`. May be NULL. */
    void (*inject)(void *context, const divak_span *span, bool is_message, divak_put_header put,
                   void *put_context);
    /* Reads the headers by get(get_context, ...), where none of the configured formats was there
     * and well formed. DIVAK_OK: `out_parent`, zeroed before, has ids (both or none) and, where
     * that is decided, the flags DIVAK_SPAN_DECIDED with DIVAK_SPAN_SAMPLED or DIVAK_SPAN_DEBUG;
     * its other fields are ignored. DIVAK_ABSENT: nothing there. DIVAK_ERROR_INVALID: malformed,
     * counted `bad_header`. Several are asked in the order of adding, those of the config before
     * those of the process. May be NULL. */
    int (*extract)(void *context, divak_get_header get, void *get_context, divak_span *out_parent);
    /* The headers that it reads or writes, for divak_propagation_header: `header_count` names, each
     * ended by 0, at most 8. Copied. */
    const char *const *headers;
    size_t header_count;
    void *context; /* yours; must stay valid until the tracer is shut down, or for ever */
} divak_propagator;

/* Makes a format known by its name to all configs of this process, for ever; a config's own of that
 * name goes before it. DIVAK_ERROR_INVALID when it is none (divak_config_add_propagator says why),
 * or the name is taken; DIVAK_ERROR_FULL after 4. */
DIVAK_API int divak_propagator_register(const divak_propagator *propagator);

/* ---- ids ------------------------------------------------------------------------------------- */

/* Lower-case hexadecimal, ended by 0: the trace id with 16 or 32 digits, the span id with 16. Empty
 * for a span that has none. */
DIVAK_API void divak_span_trace_id_text(const divak_span *span, char out[33]);
DIVAK_API void divak_span_id_text(const divak_span *span, char out[17]);

/* ---- baggage --------------------------------------------------------------------------------- */

/* A value that travels with the trace: a declared field (in any case), a member of W3C `baggage`
 * (the case counts), or "request-id"; decoded. Copied into `out` (capacity bytes, ended by 0 when
 * there is room, cut at a code point); `out_length` is its whole length, also when that is more
 * than capacity (DIVAK_ERROR_TRUNCATED). `out` may be NULL with capacity 0, to learn the length.
 * DIVAK_ABSENT when the span carries none of that name. */
DIVAK_API int divak_span_baggage(const divak_span *span, const char *name, size_t name_length,
                                 char *out, size_t capacity, size_t *out_length);
/* Sets a value for this span and the children that start after; parents do not see it. NULL value:
 * removed. `span` is changed: copies made earlier keep the old baggage.
 *
 * A declared field takes the place of a W3C member of its name. A name that is not declared is such
 * a member, and is accepted only when `baggage` is among the formats that are written, for nobody
 * would ever see it otherwise.
 *
 * DIVAK_ERROR_INVALID: a value that may not be on the wire (a request id has 1 to 128 printable
 * ASCII characters without blanks, quotes, \\ < > and commas), a name that is no token, or not
 * declared while baggage is not written. DIVAK_ERROR_FULL: over 8192 bytes or 64 members, or the
 * budget for baggage is used up. DIVAK_ERROR_MEMORY. DIVAK_ERROR_STALE: the span has no tracer (it
 * is zeroed, was made by hand, or started without one), or is no more; DIVAK_ERROR_ENDED. Nothing
 * is changed then. */
DIVAK_API int divak_span_set_baggage(divak_span *span, const char *name, size_t name_length,
                                     const char *value, size_t value_length);

DIVAK_END

#endif
