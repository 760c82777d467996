/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - one timed operation: start it, say what is known about it, finish it.
 *
 *     divak_span span;
 *     divak_span_start(tracer, "query-db", 8, DIVAK_KIND_CLIENT, NULL, &span);  // NULL: scope.h
 *     divak_span_tag(&span, "sql.table", 9, "users", 5);
 *     divak_span_tag_int(&span, "rowcount", 8, 42);
 *     divak_span_finish(&span);
 *
 * A divak_span is a plain value of 64 bytes that names a span: copy it, pass it to other threads,
 * store it, throw it away; there is nothing to free. It names a span of this process or, when it
 * came out of divak_extract, a remote one that can only be a parent. A span that is finished,
 * abandoned or flushed is no more, but may still be a parent; using its name otherwise is harmless,
 * returns DIVAK_ERROR_ENDED or DIVAK_ERROR_STALE, and is counted. A zeroed divak_span is "no span",
 * of no tracer.
 *
 * All functions here may be called from any thread, from several threads on the same span at once,
 * and from a signal handler (but for samplers and begin handlers of yours that are not up to it).
 * None blocks, allocates, takes a lock, or writes a log line. None makes a system call, but the
 * first start or finish of a thread, which asks for its id, and a finish that finds its lane half
 * full and the flusher asleep, which wakes it. One allocates, and is not for signal handlers: a
 * start under a span that another copy of this library made current and that carries baggage
 * (scope.h); there give divak_no_parent. A NULL tracer or span is "tracing is off".
 *
 * Text is borrowed for the call, need not end with 0, may hold any bytes (what is not UTF-8 arrives
 * as U+FFFD), and is cut at a code point when it is longer than its limit (config.h), which is
 * counted. The letters A to Z of span and service names are sent in lower case, as Zipkin has them.
 *
 * When a span is not sampled nothing is recorded for it and these calls cost a test of one flag;
 * its ids still travel (propagation.h). An unsampled child has the ids of its unsampled parent.
 * Finish it like any other: it may carry baggage.
 */
#ifndef DIVAK_SPAN_H
#define DIVAK_SPAN_H

#include "divak/export.h"
#include "divak/key.h"
#include "divak/status.h"

DIVAK_BEGIN

typedef struct divak_tracer divak_tracer;

typedef uint32_t divak_kind;

enum {
    DIVAK_KIND_LOCAL = 0,    /* work within this process */
    DIVAK_KIND_CLIENT = 1,   /* a request made to another process */
    DIVAK_KIND_SERVER = 2,   /* a request answered for another process */
    DIVAK_KIND_PRODUCER = 3, /* a message sent */
    DIVAK_KIND_CONSUMER = 4, /* a message received */
    DIVAK_KIND_PERIODIC = 5  /* a job by the clock: always a root of its own, reported as SERVER */
};

/* Facts about a span that travel with its name. */
enum {
    DIVAK_SPAN_SAMPLED = 1,    /* goes to Zipkin */
    DIVAK_SPAN_DECIDED = 2,    /* sampled or not is decided; without it the next process decides */
    DIVAK_SPAN_DEBUG = 4,      /* debug: sampled whatever the samplers say, everywhere */
    DIVAK_SPAN_SHARED = 8,     /* joined: has the span id of the client's span */
    DIVAK_SPAN_RECORDING = 16, /* what is tagged is kept */
    DIVAK_SPAN_REMOTE = 32,    /* came in headers: a parent only */
    DIVAK_SPAN_RANDOM = 64,    /* the low 56 bits of the trace id are random (W3C level 2) */
    DIVAK_SPAN_NEW_ROOT = 128  /* as a parent: asks for a new trace (divak_no_parent) */
};

typedef struct divak_span {
    uint64_t trace_id_high; /* 0: the trace id has 64 bits */
    uint64_t trace_id_low;
    uint64_t span_id;
    uint64_t parent_id;     /* 0: none */
    uint64_t local_root_id; /* id of the first span of this trace in this process; 0: remote */
    uint32_t slot;          /* where it is recorded; Divak's own, as the rest but for flags */
    uint32_t generation;
    uint32_t flags;         /* DIVAK_SPAN_... */
    uint32_t baggage;       /* what travels beside the ids: baggage, tracestate, request id */
    uint32_t baggage_generation;
    uint16_t anchor;
    uint16_t tracer;
} divak_span;

/* A parent that stands for "none": the span starts a new trace whatever span is current. */
DIVAK_API extern const divak_span divak_no_parent;

/* ---- start ----------------------------------------------------------------------------------- */

/* Starts a span now and gives its name in `out_span`, always: when tracing is off, or nothing can
 * be kept, the span is not recorded but still carries ids on. `parent` NULL: the current span of
 * this thread (scope.h), or what the environment names as the process's parent (setting
 * "process_parent"), or a new trace when there is neither. Whether it is sampled: as the parent
 * was, or else what the tracer's sampler says (sampler.h). A kind SERVER with a remote parent joins
 * the client's span, unless the setting "join" is false. Returns DIVAK_OK; DIVAK_ERROR_FULL when no
 * slot was free (counted `no_slot` or `contended`), DIVAK_ERROR_REENTRANT, DIVAK_ERROR_ENDED after
 * shutdown (counted `after_shutdown`), DIVAK_ERROR_STALE for a tracer of another copy of the
 * library (scope.h; then as with none), DIVAK_ERROR_INVALID for an unknown kind (then taken as
 * LOCAL) or an unknown key (then without a name), DIVAK_ERROR_TRUNCATED for a name over its
 * limit. */
static inline int divak_span_start(divak_tracer *tracer, const char *name, size_t name_length,
                                   divak_kind kind, const divak_span *parent,
                                   divak_span *out_span);
/* The same with a registered name. */
static inline int divak_span_start_by_key(divak_tracer *tracer, divak_key name, divak_kind kind,
                                          const divak_span *parent, divak_span *out_span);

/* What a sampler may want to know, and what is rarely said. Zero it, then fill what is known. */
typedef struct divak_start_options {
    const char *name;
    size_t name_length;
    divak_kind kind;
    const divak_span *parent;   /* as above */
    uint64_t timestamp;         /* microseconds since 1970; 0: now */
    const char *method;         /* for the sampler: "GET", or an RPC method; may be NULL */
    size_t method_length;
    const char *path;           /* for the sampler: "/users/42" without the query; may be NULL */
    size_t path_length;
    const char *route;          /* for the sampler: "/users/{id}"; may be NULL */
    size_t route_length;
    bool defer_report;          /* finish only notes the end; divak_span_flush reports the span */
    bool debug;                 /* a new root is a debug trace */
    uint8_t reserved[62];       /* zero */
} divak_start_options;

/* The same by these; NULL is DIVAK_ERROR_INVALID, and no span. What is for the sampler is not
 * recorded: tag it. */
DIVAK_API int divak_span_start_with(divak_tracer *tracer, const divak_start_options *options,
                                    divak_span *out_span);

/* How the two above do it: an unsampled span of an unsampled parent is made in place, all else by a
 * call. Write the short names; these are for other languages. */
DIVAK_API int divak_span_start_recorded(divak_tracer *tracer, const char *name, size_t name_length,
                                        divak_kind kind, const divak_span *parent,
                                        divak_span *out_span);
DIVAK_API int divak_span_start_by_key_recorded(divak_tracer *tracer, divak_key name,
                                               divak_kind kind, const divak_span *parent,
                                               divak_span *out_span);

/* What a tracer begins with; Divak's own, read here alone. */
typedef struct divak_tracer_gate {
    uint32_t passes_unsampled; /* nobody wants to see spans of unsampled parents */
    uint16_t tracer;           /* what its spans say */
    uint16_t reserved;
} divak_tracer_gate;

/* True, and `out_span` is the parent by another name, when the parent is unsampled and that is all
 * there is to it. */
static inline bool divak_span_pass_unsampled(const divak_tracer *tracer, divak_kind kind,
                                             const divak_span *parent, divak_span *out_span) {
    const uint32_t inherited =
        DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED | DIVAK_SPAN_DEBUG | DIVAK_SPAN_RANDOM;
    if (tracer == NULL || parent == NULL) return false;
    const uint32_t flags = parent->flags;
    if ((flags & (DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED)) != DIVAK_SPAN_DECIDED) return false;
    if ((parent->slot | parent->baggage) != 0 || parent->span_id == 0 ||
        kind >= DIVAK_KIND_PERIODIC) {
        return false;
    }
    const divak_tracer_gate *gate = (const divak_tracer_gate *)(const void *)tracer;
    if (__atomic_load_n(&gate->passes_unsampled, __ATOMIC_RELAXED) == 0) return false;
    *out_span = *parent;
    out_span->flags = flags & inherited;
    out_span->tracer = gate->tracer;
    return true;
}

static inline int divak_span_start(divak_tracer *tracer, const char *name, size_t name_length,
                                   divak_kind kind, const divak_span *parent,
                                   divak_span *out_span) {
    if (divak_span_pass_unsampled(tracer, kind, parent, out_span)) return DIVAK_OK;
    return divak_span_start_recorded(tracer, name, name_length, kind, parent, out_span);
}
static inline int divak_span_start_by_key(divak_tracer *tracer, divak_key name, divak_kind kind,
                                          const divak_span *parent, divak_span *out_span) {
    if (divak_span_pass_unsampled(tracer, kind, parent, out_span)) return DIVAK_OK;
    return divak_span_start_by_key_recorded(tracer, name, kind, parent, out_span);
}

/* ---- say what is known -------------------------------------------------------------------------
 * Each returns DIVAK_OK when it is kept. DIVAK_ERROR_NOT_RECORDING: the span is not recorded (no
 * harm done). DIVAK_ERROR_TRUNCATED: kept in part, or left out since the span is full (counted
 * `truncated`). DIVAK_ERROR_ENDED, DIVAK_ERROR_STALE: the span is no more. DIVAK_ERROR_INVALID:
 * NULL with a length, an empty key, a key that was never registered. */

/* Tags. The last value of a key wins; of the tag "error" the first stays. Numbers are sent as text,
 * as Zipkin wants. The functions that end in _recorded are the other half of those below: call
 * those, without it. */
DIVAK_API int divak_span_tag_recorded(const divak_span *span, const char *key, size_t key_length,
                                      const char *value, size_t value_length);
DIVAK_API int divak_span_tag_int_recorded(const divak_span *span, const char *key,
                                          size_t key_length, int64_t value);
DIVAK_API int divak_span_tag_uint_recorded(const divak_span *span, const char *key,
                                           size_t key_length, uint64_t value);
DIVAK_API int divak_span_tag_double_recorded(const divak_span *span, const char *key,
                                             size_t key_length, double value);
DIVAK_API int divak_span_tag_bool_recorded(const divak_span *span, const char *key,
                                           size_t key_length, bool value);
DIVAK_API int divak_span_tag_by_key_recorded(const divak_span *span, divak_key key,
                                             const char *value, size_t value_length);
DIVAK_API int divak_span_tag_int_by_key_recorded(const divak_span *span, divak_key key,
                                                 int64_t value);
DIVAK_API int divak_span_tag_uint_by_key_recorded(const divak_span *span, divak_key key,
                                                  uint64_t value);
DIVAK_API int divak_span_tag_double_by_key_recorded(const divak_span *span, divak_key key,
                                                    double value);
DIVAK_API int divak_span_tag_bool_by_key_recorded(const divak_span *span, divak_key key,
                                                  bool value);

/* Whether what is said about the span is kept. False for NULL. A span that has ended still says
 * true: its name is a value and learns nothing. */
static inline bool divak_span_is_recording(const divak_span *span) {
    return span != NULL && (span->flags & DIVAK_SPAN_RECORDING) != 0;
}
/* Whether the span goes to Zipkin. */
static inline bool divak_span_is_sampled(const divak_span *span) {
    return span != NULL && (span->flags & DIVAK_SPAN_SAMPLED) != 0;
}

/* Whether the span is recorded and has not ended yet. Counts nothing, whatever the answer. */
DIVAK_API bool divak_span_is_open(const divak_span *span);
/* Whether the span is open and nothing was said about it since its start: no tag, annotation, error
 * or endpoint. */
DIVAK_API bool divak_span_is_untouched(const divak_span *span);
/* The name that an open span started with: for messages to people. Copied into `out` (capacity
 * bytes, ended by 0 when there is room); `out_length` is its whole length, also when that is more
 * than capacity (DIVAK_ERROR_TRUNCATED). DIVAK_ABSENT when it started without one, or is not open.
 * Counts nothing. */
DIVAK_API int divak_span_start_name(const divak_span *span, char *out, size_t capacity,
                                    size_t *out_length);

static inline int divak_span_tag(const divak_span *span, const char *key, size_t key_length,
                                 const char *value, size_t value_length) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_recorded(span, key, key_length, value, value_length);
}
static inline int divak_span_tag_int(const divak_span *span, const char *key, size_t key_length,
                                     int64_t value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_int_recorded(span, key, key_length, value);
}
static inline int divak_span_tag_uint(const divak_span *span, const char *key, size_t key_length,
                                      uint64_t value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_uint_recorded(span, key, key_length, value);
}
static inline int divak_span_tag_double(const divak_span *span, const char *key,
                                        size_t key_length, double value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_double_recorded(span, key, key_length, value);
}
static inline int divak_span_tag_bool(const divak_span *span, const char *key, size_t key_length,
                                      bool value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_bool_recorded(span, key, key_length, value);
}
static inline int divak_span_tag_by_key(const divak_span *span, divak_key key, const char *value,
                                        size_t value_length) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_by_key_recorded(span, key, value, value_length);
}
static inline int divak_span_tag_int_by_key(const divak_span *span, divak_key key, int64_t value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_int_by_key_recorded(span, key, value);
}
static inline int divak_span_tag_uint_by_key(const divak_span *span, divak_key key,
                                             uint64_t value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_uint_by_key_recorded(span, key, value);
}
static inline int divak_span_tag_double_by_key(const divak_span *span, divak_key key,
                                               double value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_double_by_key_recorded(span, key, value);
}
static inline int divak_span_tag_bool_by_key(const divak_span *span, divak_key key, bool value) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_tag_bool_by_key_recorded(span, key, value);
}

/* An event with its time: now, or `timestamp` in microseconds since 1970 (0 is refused with
 * DIVAK_ERROR_INVALID). The old Zipkin values cs, sr, ss, cr are plain annotations here: say the
 * kind instead. */
DIVAK_API int divak_span_annotate(const divak_span *span, const char *text, size_t length);
DIVAK_API int divak_span_annotate_at(const divak_span *span, uint64_t timestamp, const char *text,
                                     size_t length);

/* Marks the span as failed: the tag "error" with `text` ("" is a failure too). The first one
 * stays. It does not end the span. */
DIVAK_API int divak_span_error(const divak_span *span, const char *text, size_t length);

/* Notes that this span follows from another one beside its parent: the further parents of a join,
 * the messages of a batch. Zipkin shows one parent, the one that the span started with; a link is
 * the tag `link.<span id>` with the value `<trace id>-<span id>`, whole also where key_bytes and
 * value_bytes are less. `other` may have ended, be unsampled or remote; DIVAK_ERROR_INVALID when it
 * is NULL or has no ids. */
DIVAK_API int divak_span_link(const divak_span *span, const divak_span *other);

/* Another name: the last before the end is reported. An empty one takes the name away. */
DIVAK_API int divak_span_rename(const divak_span *span, const char *name, size_t name_length);
DIVAK_API int divak_span_rename_by_key(const divak_span *span, divak_key name);
/* Another kind: the span's ids stay as they are. */
DIVAK_API int divak_span_set_kind(const divak_span *span, divak_kind kind);
/* Moves the start: microseconds since 1970, 0 is refused. */
DIVAK_API int divak_span_set_start(const divak_span *span, uint64_t timestamp);
/* Says that this span shares its id with the client's half, as after a join. */
DIVAK_API int divak_span_set_shared(const divak_span *span, bool shared);

/* Changes the decision before the end: whether this span goes to Zipkin, and what its headers and
 * the children that start after say. Spans that ended or started before keep theirs. `span` is
 * changed: copies made earlier, a scope's among them, have the old decision for children and
 * headers. An unsampled span can be sampled only where it is recorded: by the setting
 * "late_decision", or for a firehose handler; else DIVAK_ERROR_NOT_RECORDING. A debug trace stays
 * sampled: DIVAK_ERROR_INVALID. Nothing is changed then. */
DIVAK_API int divak_span_set_sampled(divak_span *span, bool sampled);

/* A name and an address on the network. Zero it first; what is not set is left out: NULL text,
 * port 0. */
typedef struct divak_endpoint {
    const char *service;
    size_t service_length;
    uint8_t ipv4[4]; /* network order */
    uint8_t ipv6[16];
    bool has_ipv4;
    bool has_ipv6;
    uint16_t port;   /* host order */
} divak_endpoint;

/* Puts "192.0.2.1", "2001:db8::1", "192.0.2.1:80" or "[2001:db8::1]:80" into the address fields of
 * `endpoint`, which are untouched when it is none of these (DIVAK_ERROR_INVALID). Names are not
 * looked up. An IPv4-mapped IPv6 address becomes IPv4. For X-Forwarded-For pass the header: the
 * first of several, comma-separated addresses counts. */
DIVAK_API int divak_endpoint_set_address(divak_endpoint *endpoint, const char *address,
                                         size_t length);

/* Who was on the other side. */
DIVAK_API int divak_span_set_remote(const divak_span *span, const divak_endpoint *endpoint);
/* This span alone reports another local endpoint than its tracer's; its children inherit nothing of
 * it. */
DIVAK_API int divak_span_set_local(const divak_span *span, const divak_endpoint *endpoint);

/* ---- end ---------------------------------------------------------------------------------------
 * Each ends the span, once: whoever comes second gets DIVAK_ERROR_ENDED or DIVAK_ERROR_STALE, and
 * is counted. DIVAK_OK: the span is on its way, or will be when those who are just tagging it are
 * through. It was dropped, and counted: DIVAK_ERROR_FULL (`ring_full`, `contended`),
 * DIVAK_ERROR_REENTRANT (`reentrant`: by a signal handler that interrupted this thread inside
 * Divak), DIVAK_ERROR_ENDED after shutdown (`after_shutdown`). DIVAK_ERROR_NOT_RECORDING: there was
 * nothing to end. */

DIVAK_API int divak_span_finish_recorded(const divak_span *span);
/* Ends it now. */
static inline int divak_span_finish(const divak_span *span) {
    /* An unsampled span that carries baggage holds a slot too. */
    if (span == NULL || span->slot == 0) return DIVAK_ERROR_NOT_RECORDING;
    return divak_span_finish_recorded(span);
}
/* Ends it at `timestamp`, microseconds since 1970. An end before the start is reported as 1
 * microsecond; 0 is refused, and ends nothing. */
DIVAK_API int divak_span_finish_at(const divak_span *span, uint64_t timestamp);
/* Ends it with a duration in microseconds; 0 is reported as 1. */
DIVAK_API int divak_span_finish_with_duration(const divak_span *span, uint64_t duration);
/* Reports it as it is, without a duration: for the half of a one-way call. A span that was started
 * with defer_report, and has been finished, gets its duration. */
DIVAK_API int divak_span_flush(const divak_span *span);
/* Forgets it: nothing is reported (counted `abandoned`). */
DIVAK_API int divak_span_abandon(const divak_span *span);

DIVAK_END

#endif
