/* prelude.h - what the examples in the first comments of the public headers take for granted. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_TESTS_DOCS_PRELUDE_H
#define DIVAK_TESTS_DOCS_PRELUDE_H

#include <divak/divak.h>
#include <stdio.h>
#include <stdlib.h>

#define EXAMPLE_TRACE "80f198ee56343ba864fe8b2a57d3eff7"

static divak_tracer *example_tracer;
static divak_memory_reporter *example_memory;
static int headers_put;

/* A config for tests, and once in a program a tracer of it, so that what an example records can be
 * looked at. */
static inline divak_config *example_config(void) {
    divak_config *config = divak_config_create_without_environment();
    if (config == NULL) exit(2);
    return config;
}

static inline divak_tracer *get_example_tracer(void) {
    if (example_tracer != NULL) return example_tracer;
    divak_config *config = example_config();
    if (divak_config_add_memory_reporter(config, &example_memory) != DIVAK_OK) exit(2);
    if (divak_tracer_create(config, &example_tracer) != DIVAK_OK) exit(2);
    divak_config_destroy(config);
    return example_tracer;
}

static inline divak_span example_span(void) {
    divak_span span;
    if (divak_span_start(get_example_tracer(), "example", 7, DIVAK_KIND_LOCAL, &divak_no_parent,
                         &span) != DIVAK_OK) {
        exit(2);
    }
    return span;
}

static inline void put_header(void *request, const char *name, size_t name_length,
                              const char *value, size_t value_length) {
    (void)request;
    if (name_length == 0 || value_length == 0 || name == NULL || value == NULL) exit(2);
    headers_put++;
}

/* Prints what was recorded, for whoever called the program. */
static inline int done(void) {
    if (example_tracer == NULL) return 0;
    int status = divak_tracer_flush(example_tracer, 5000, NULL);
    char *json = divak_memory_reporter_take(example_memory, NULL);
    printf("recorded %s, headers put %d\n", json == NULL ? "" : json, headers_put);
    divak_free(json);
    divak_stats stats;
    divak_tracer_stats(example_tracer, 0, &stats);
    return status == DIVAK_OK && stats.double_finish == 0 && stats.scope_misuse == 0 ? 0 : 1;
}

/* One macro a header. */
#define DECLARE_STATUS
#define DECLARE_KEY divak_span span = example_span();
#define DECLARE_CONFIG
#define DECLARE_TRACER
#define DECLARE_SPAN divak_tracer *tracer = get_example_tracer();
#define DECLARE_CUSTOMIZER divak_span span = example_span();
#define DECLARE_SCOPE                                                                              \
    divak_tracer *tracer = get_example_tracer();                                                   \
    divak_span span = example_span();
#define DECLARE_PROPAGATION                                                                        \
    divak_tracer *tracer = get_example_tracer();                                                   \
    divak_span span = example_span();                                                              \
    void *request = NULL;                                                                          \
    (void)request;                                                                                 \
    const divak_header headers[] = {{"B3", 2, EXAMPLE_TRACE "-e457b5a2e4d86bd1-1", 51}};           \
    const size_t header_count = 1;                                                                 \
    (void)headers, (void)header_count;
#define DECLARE_SAMPLER divak_config *config = example_config();
#define DECLARE_STATS divak_tracer *tracer = get_example_tracer();
#define DECLARE_REPORTER                                                                           \
    divak_config *config = example_config();                                                       \
    divak_tracer *tracer;
#define DECLARE_HANDLER divak_config *config = example_config();

#endif
