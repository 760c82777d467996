/* SPDX-License-Identifier: Apache-2.0 */
/* refuse.h - what either copy says to a span, a key and a tracer of the other one. */
#ifndef REFUSE_H
#define REFUSE_H

#include <stdio.h>

#include <divak/divak.h>

static int unexpected; /* answers */

static inline void expect(const char *what, int expected, int status) {
    if (status == expected) return;
    unexpected++;
    fprintf(stderr, "%s said %d, not %d\n", what, status, expected);
}

/* The other copy's: a live span. */
static inline void refuse_span(const divak_span *span) {
    divak_span copy = *span;
    size_t length;
    char name[8];
    expect("tag", DIVAK_ERROR_STALE, divak_span_tag(span, "k", 1, "v", 1));
    expect("tag of a long value", DIVAK_ERROR_STALE,
           divak_span_tag(span, "k", 1, "a value that is longer than the short way takes", 47));
    expect("tag_int", DIVAK_ERROR_STALE, divak_span_tag_int(span, "k", 1, 1));
    expect("annotate", DIVAK_ERROR_STALE, divak_span_annotate(span, "text", 4));
    expect("error", DIVAK_ERROR_STALE, divak_span_error(span, "text", 4));
    expect("rename", DIVAK_ERROR_STALE, divak_span_rename(span, "other", 5));
    expect("set_kind", DIVAK_ERROR_STALE, divak_span_set_kind(span, DIVAK_KIND_CLIENT));
    expect("set_baggage", DIVAK_ERROR_STALE, divak_span_set_baggage(&copy, "tenant", 6, "v", 1));
    expect("start_name", DIVAK_ABSENT, divak_span_start_name(span, name, sizeof name, &length));
    expect("is_open", 0, divak_span_is_open(span));
    expect("finish", DIVAK_ERROR_STALE, divak_span_finish(span));
    expect("abandon", DIVAK_ERROR_STALE, divak_span_abandon(span));
}

/* `own` is live here; `key` and `tracer` are the other copy's. */
static inline void refuse_key_and_tracer(const divak_span *own, divak_key key, divak_tracer *tracer) {
    divak_span span;
    divak_stats stats;
    expect("tag_by_key", DIVAK_ERROR_INVALID, divak_span_tag_by_key(own, key, "v", 1));
    expect("tag_int_by_key", DIVAK_ERROR_INVALID, divak_span_tag_int_by_key(own, key, 1));
    expect("rename_by_key", DIVAK_ERROR_INVALID, divak_span_rename_by_key(own, key));
    expect("start", DIVAK_ERROR_STALE, divak_span_start(tracer, "n", 1, DIVAK_KIND_LOCAL, own, &span));
    expect("start of a root", DIVAK_ERROR_STALE,
           divak_span_start(tracer, "n", 1, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
    expect("is_recording", 0, divak_span_is_recording(&span));
    expect("flush", DIVAK_ERROR_ENDED, divak_tracer_flush(tracer, 10, NULL));
    expect("shutdown", DIVAK_ERROR_ENDED, divak_tracer_shutdown(tracer, 10, NULL));
    expect("stats", DIVAK_ERROR_INVALID, divak_tracer_stats(tracer, 0, &stats));
}

#endif
