/* sampling.c - which traces are kept, by rules, and what is taken out of their spans at the end. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     sampling
 *
 *     GET  /health        0 of 1000 kept
 *     POST /orders     1000 of 1000 kept
 *     GET  /users       242 of 1000 kept            (a quarter, by the trace's id)
 *     no span tells its password
 */
#include <divak/divak.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 1000 };

static const struct {
    const char *method, *path;
} routes[] = {{"GET", "/health"}, {"POST", "/orders"}, {"GET", "/users"}};

/* Runs on the flusher's thread, before any reporter sees the span. */
static bool redact(void *context, divak_ended_span *span) {
    (void)context;
    divak_ended_span_remove_tag(span, "password", 8);
    return true;
}

/* One request; whether its trace is kept. */
static bool handle(divak_tracer *tracer, const char *method, const char *path) {
    divak_start_options options = {
        .name = method,
        .name_length = strlen(method),
        .kind = DIVAK_KIND_SERVER,
        .parent = &divak_no_parent,
        .method = method,
        .method_length = strlen(method),
        .path = path,
        .path_length = strlen(path),
    };
    divak_span span;
    divak_span_start_with(tracer, &options, &span);
    divak_span_tag(&span, "password", 8, "hunter2", 7);
    bool is_kept = divak_span_is_sampled(&span);
    divak_span_finish(&span);
    return is_kept;
}

int main(void) {
    /* Samplers live as long as tracers may ask them: here, until the program ends. */
    divak_sampler *quarter = NULL, *rules = NULL;
    const divak_rule health = {.path_prefix = "/health"}, orders = {.method = "POST"};
    if (divak_sampler_create_probability(0.25, &quarter) != DIVAK_OK ||
        divak_sampler_create_rules(quarter, &rules) != DIVAK_OK ||
        divak_sampler_add_rule(rules, &health, divak_sampler_never()) != DIVAK_OK ||
        divak_sampler_add_rule(rules, &orders, divak_sampler_always()) != DIVAK_OK) {
        return EXIT_FAILURE;
    }
    divak_config *config = divak_config_create();
    divak_config_set_sampler(config, rules);
    divak_config_add_handler(config, &(divak_handler){.end = redact});
    divak_memory_reporter *memory;
    divak_config_add_memory_reporter(config, &memory);
    divak_tracer *tracer;
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return EXIT_FAILURE;
    divak_config_destroy(config);

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        int kept = 0;
        for (int k = 0; k < REQUESTS; k++) {
            kept += handle(tracer, routes[i].method, routes[i].path);
        }
        printf("%-4s %-10s %5d of %d kept\n", routes[i].method, routes[i].path, kept, REQUESTS);
    }

    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    char *json = divak_memory_reporter_take(memory, NULL);
    if (json != NULL && strstr(json, "password") == NULL) printf("no span tells its password\n");
    divak_free(json);
    divak_memory_reporter_destroy(memory);
    return status == DIVAK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
