/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refuse.h"

static divak_tracer *tracer;

int peer_start(const char *sample_rate) {
    divak_config *config = divak_config_create();
    (void)divak_config_set(config, "service_name", "peer");
    (void)divak_config_set(config, "sample_rate", sample_rate);
    (void)divak_config_set(config, "baggage_fields", "tenant,user");
    (void)divak_config_set(config, "propagation", "b3,tracecontext,baggage");
    int status = divak_tracer_create(config, &tracer);
    if (status != DIVAK_OK) fprintf(stderr, "peer: %s\n", divak_config_error(config));
    divak_config_destroy(config);
    return status;
}

/* Calls `body` under a span that has started. */
static void run(divak_span *span, peer_body body, void *context) {
    divak_scope scope;
    (void)divak_scope_open(span, &scope);
    if (body != NULL) body(context);
    if (divak_scope_close(&scope) != DIVAK_OK) fprintf(stderr, "peer: a scope was not the innermost\n");
    (void)divak_span_finish(span);
}

void peer_span(const char *name, peer_body body, void *context) {
    divak_span span;
    (void)divak_span_start(tracer, name, strlen(name), DIVAK_KIND_LOCAL, NULL, &span);
    run(&span, body, context);
}

void peer_debug_span(const char *name, peer_body body, void *context) {
    divak_span span;
    divak_start_options options = {.name = name, .name_length = strlen(name), .parent = &divak_no_parent, .debug = true};
    (void)divak_span_start_with(tracer, &options, &span);
    run(&span, body, context);
}

void peer_span_with_baggage(const char *name, const char *field, const char *value, peer_body body, void *context) {
    divak_span span;
    (void)divak_span_start(tracer, name, strlen(name), DIVAK_KIND_LOCAL, NULL, &span);
    if (divak_span_set_baggage(&span, field, strlen(field), value, strlen(value)) != DIVAK_OK) {
        fprintf(stderr, "peer: %s was refused\n", field);
    }
    run(&span, body, context);
}

void peer_cleared(peer_body body, void *context) {
    divak_scope scope;
    (void)divak_scope_open(NULL, &scope);
    body(context);
    (void)divak_scope_close(&scope);
}

void peer_many(int count) {
    for (int i = 0; i < count; i++) {
        divak_span span;
        (void)divak_span_start(tracer, "many", 4, DIVAK_KIND_LOCAL, NULL, &span);
        (void)divak_span_finish(&span);
    }
}

int peer_tag_current(void) {
    divak_span current;
    if (divak_current(&current) != DIVAK_OK) return DIVAK_ABSENT;
    return divak_span_tag(&current, "from", 4, "peer", 4);
}

bool peer_baggage(const char *field, char *out, size_t capacity) {
    divak_span current;
    size_t length;
    if (divak_current(&current) != DIVAK_OK) return false;
    return divak_span_baggage(&current, field, strlen(field), out, capacity, &length) == DIVAK_OK;
}

bool peer_header(const char *name, char *out, size_t capacity) {
    divak_span current;
    divak_header_block *block = malloc(sizeof *block);
    bool is_there = false;
    if (block != NULL && divak_current(&current) == DIVAK_OK) {
        (void)divak_inject_headers(tracer, &current, block);
        for (size_t i = 0; i < block->count && !is_there; i++) {
            is_there = strcmp(block->headers[i].name, name) == 0;
            if (is_there) (void)snprintf(out, capacity, "%s", block->headers[i].value);
        }
    }
    free(block);
    return is_there;
}

static void *close_it(void *scope) {
    return divak_scope_close(scope) == DIVAK_ERROR_ORDER ? scope : NULL;
}

int peer_misuse(void) {
    divak_scope outer, inner;
    (void)divak_scope_open(NULL, &outer);
    (void)divak_scope_open(NULL, &inner);
    bool is_refused = close_it(&outer) != NULL;
    bool is_closed = divak_scope_close(&inner) == DIVAK_OK;
    bool is_refused_twice = close_it(&inner) != NULL;
    return divak_scope_close(&outer) == DIVAK_OK && is_refused && is_closed && is_refused_twice ? 0 : 1;
}

int peer_fork(peer_body body, void *context) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        body(context);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

divak_key peer_lend(divak_span *spans, int count) {
    for (int i = 0; i < count; i++) (void)divak_span_start(tracer, "many", 4, DIVAK_KIND_LOCAL, NULL, &spans[i]);
    (void)divak_key_register("peer one", 8);
    return divak_key_register("peer two", 8);
}

int peer_take_back(const divak_span *spans, int count) {
    int refused = 0;
    for (int i = 0; i < count; i++) refused += divak_span_finish(&spans[i]) != DIVAK_OK;
    return refused;
}

divak_tracer *peer_tracer(void) {
    return tracer;
}

int peer_refuse(const divak_span *spans, int count, const divak_span *own, divak_key key, divak_tracer *other) {
    unexpected = 0;
    for (int i = 0; i < count; i++) refuse_span(&spans[i]);
    refuse_key_and_tracer(own, key, other);
    return unexpected;
}

int peer_stop(uint64_t misuses) {
    divak_stats stats;
    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    if (status != DIVAK_OK || divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) return 1;
    uint64_t sum = stats.delivered + stats.pending + stats.live;
    for (size_t i = 0; i < DIVAK_DROPPED_COUNT; i++) sum += stats.dropped[i];
    if (sum != stats.started || stats.delivered != stats.started || stats.scope_misuse != misuses) {
        fprintf(stderr, "peer: %llu started, %llu delivered, sum %llu, %llu misuses\n", (unsigned long long)stats.started,
                (unsigned long long)stats.delivered, (unsigned long long)sum, (unsigned long long)stats.scope_misuse);
        return 1;
    }
    return 0;
}
