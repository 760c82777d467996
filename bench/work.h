/* SPDX-License-Identifier: Apache-2.0 */
/* work.h - the span that every benchmark makes, and the tracers that they make it with.
 *
 * A child of a fixed remote parent: name, kind, two tags of text and one number, finished and
 * handed over.
 */
#ifndef DIVAK_BENCH_WORK_H
#define DIVAK_BENCH_WORK_H

#include <divak/divak.h>

#include "bench.h"

#if defined(__has_attribute) && __has_attribute(noipa)
/* No copy of it for the arguments of one caller: callgrind must find it by its name. */
#define BENCH_ONCE __attribute__((noipa, unused))
#else
#define BENCH_ONCE __attribute__((noinline, unused))
#endif
#define BENCH_INLINE static inline __attribute__((always_inline))

/* What was known of memory before is forgotten: the parent is looked at anew for each span, and
 * `span` lies in memory, as one does that is handed on to a function which writes headers. */
#define BENCH_FORGET(span) __asm__ volatile("" : : "r"(span) : "memory")

/* Ends the program when `status` is an error. */
static inline void bench_check(int status, const char *what) {
    if (status >= 0) return;
    fprintf(stderr, "bench: %s: %s\n", what, divak_status_text(status));
    exit(1);
}

/* Settings that don't depend on who runs the benchmark. */
static inline divak_config *bench_config(void) {
    divak_config *config = divak_config_create_without_environment();
    bench_check(divak_config_set(config, "service_name", "bench"), "service_name");
    bench_check(divak_config_set(config, "service_ip", "none"), "service_ip");
    return config;
}

static inline divak_tracer *bench_tracer(divak_config *config) {
    divak_tracer *tracer;
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) {
        fprintf(stderr, "bench: no tracer: %s\n", divak_config_error(config));
        exit(1);
    }
    divak_config_destroy(config);
    return tracer;
}

/* One that encodes and sends nothing. */
static inline divak_tracer *bench_null_tracer(void) {
    divak_config *config = bench_config();
    bench_check(divak_config_add_null_reporter(config), "null reporter");
    return bench_tracer(config);
}

/* The remote parent, as a server reads it from its caller's header. */
static inline divak_span bench_parent(divak_tracer *tracer, bool sampled) {
    divak_header header = {"b3", 2, "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-0", 51};
    if (sampled) header.value = "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1";
    divak_span parent;
    bench_check(divak_extract_headers(tracer, &header, 1, &parent), "extract");
    if (parent.span_id != 0xa2fb4a1d1a96d312 || divak_span_is_sampled(&parent) != sampled) {
        fputs("bench: the parent was not understood\n", stderr);
        exit(1);
    }
    return parent;
}

/* ---- sampled ---- */

/* Name and keys as text: copied at each call. The status is that of finish. */
BENCH_INLINE int bench_make_copied(divak_tracer *tracer, const divak_span *parent) {
    divak_span span;
    BENCH_FORGET(parent);
    divak_span_start(tracer, "get /users/:id", 14, DIVAK_KIND_CLIENT, parent, &span);
    BENCH_FORGET(&span);
    divak_span_tag(&span, "http.method", 11, "GET", 3);
    divak_span_tag(&span, "http.path", 9, "/users/42/profile", 17);
    divak_span_tag_int(&span, "http.status_code", 16, 200);
    return divak_span_finish(&span);
}

static divak_key bench_key_name, bench_key_method, bench_key_path, bench_key_status;

static BENCH_UNUSED void bench_register_keys(void) {
    bench_key_name = divak_key_register("get /users/:id", 14);
    bench_key_method = divak_key_register("http.method", 11);
    bench_key_path = divak_key_register("http.path", 9);
    bench_key_status = divak_key_register("http.status_code", 16);
    if (!bench_key_name || !bench_key_method || !bench_key_path || !bench_key_status) {
        bench_check(DIVAK_ERROR_FULL, "keys");
    }
}

/* The same by registered keys. */
BENCH_INLINE int bench_make_by_key(divak_tracer *tracer, const divak_span *parent) {
    divak_span span;
    BENCH_FORGET(parent);
    divak_span_start_by_key(tracer, bench_key_name, DIVAK_KIND_CLIENT, parent, &span);
    BENCH_FORGET(&span);
    divak_span_tag_by_key(&span, bench_key_method, "GET", 3);
    divak_span_tag_by_key(&span, bench_key_path, "/users/42/profile", 17);
    divak_span_tag_int_by_key(&span, bench_key_status, 200);
    return divak_span_finish(&span);
}

/* ---- unsampled: with a parent that was not sampled ---- */

/* Five calls into the library, past the tests in the header: what a language without inline C
 * pays. */
BENCH_INLINE int bench_make_by_calls(divak_tracer *tracer, const divak_span *parent) {
    divak_span span;
    BENCH_FORGET(parent);
    divak_span_start_recorded(tracer, "get /users/:id", 14, DIVAK_KIND_CLIENT, parent, &span);
    BENCH_FORGET(&span);
    divak_span_tag_recorded(&span, "http.method", 11, "GET", 3);
    divak_span_tag_recorded(&span, "http.path", 9, "/users/42/profile", 17);
    divak_span_tag_int_recorded(&span, "http.status_code", 16, 200);
    return divak_span_finish_recorded(&span);
}

/* Three tags on a span whose start and end lie elsewhere. */
BENCH_INLINE int bench_make_tags(divak_tracer *tracer, const divak_span *span) {
    (void)tracer;
    BENCH_FORGET(span);
    divak_span_tag(span, "http.method", 11, "GET", 3);
    divak_span_tag(span, "http.path", 9, "/users/42/profile", 17);
    return divak_span_tag_int(span, "http.status_code", 16, 200);
}

/* ---- the same as functions of their own ---- */

static BENCH_ONCE int bench_span(divak_tracer *tracer, const divak_span *parent) {
    return bench_make_copied(tracer, parent);
}

static BENCH_ONCE int bench_span_by_key(divak_tracer *tracer, const divak_span *parent) {
    return bench_make_by_key(tracer, parent);
}

static BENCH_ONCE int bench_span_by_calls(divak_tracer *tracer, const divak_span *parent) {
    return bench_make_by_calls(tracer, parent);
}

#endif
