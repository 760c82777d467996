/* transport.c - a transport of one's own: messages go into a file, a line each. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     transport spans.ndjson
 *
 *     message 1: 2 spans, 431 bytes
 *     refused once, then taken
 *
 * The function is called on the flusher's thread, with whole messages in the configured encoding.
 * What it returns decides what becomes of the spans: here the first try is "later", and Divak comes
 * again by itself.
 */
#include <divak/divak.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct sink {
    FILE *file;
    unsigned refused, taken;
} sink;

static int send_message(void *context, const char *body, size_t length, size_t span_count) {
    sink *to = context;
    if (span_count == 0) return DIVAK_OK; /* divak_tracer_check asks whether we are there */
    if (to->refused == 0) {
        to->refused++;
        return DIVAK_ERROR_SYSTEM;
    }
    bool is_written = fwrite(body, 1, length, to->file) == length && fputc('\n', to->file) != EOF;
    if (!is_written || fflush(to->file) != 0) return DIVAK_ERROR_SYSTEM;
    to->taken++;
    printf("message %u: %zu spans, %zu bytes\n", to->taken, span_count, length);
    return DIVAK_OK;
}

int main(int argc, char **argv) {
    static sink to; /* outlives the tracer, whose thread uses it */
    to.file = argc > 1 ? fopen(argv[1], "w") : stdout;
    if (to.file == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    divak_config *config = divak_config_create();
    divak_config_set(config, "service_name", "transport");
    divak_config_add_callback_reporter(config, send_message, &to);
    divak_tracer *tracer;
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return EXIT_FAILURE;
    divak_config_destroy(config);

    divak_span outer, inner;
    divak_scope scope;
    divak_span_start(tracer, "outer", 5, DIVAK_KIND_LOCAL, NULL, &outer);
    divak_scope_open(&outer, &scope);
    divak_span_start(tracer, "inner", 5, DIVAK_KIND_LOCAL, NULL, &inner); /* a child of outer */
    divak_span_error(&inner, "out of paper", 12);
    divak_span_finish(&inner);
    divak_scope_close(&scope);
    divak_span_finish(&outer);

    int status = divak_tracer_shutdown(tracer, 5000, NULL);
    if (to.refused == 1 && to.taken != 0) printf("refused once, then taken\n");
    return status == DIVAK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
