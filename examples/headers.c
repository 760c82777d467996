/* headers.c - a client's span becomes a server's parent by way of headers. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     headers
 *
 *     > X-B3-TraceId: 32c2a58f9ac0a4cbd5a5d2b3d4e5f607
 *     > ...
 *     > country-code: NL
 *     the server goes on with trace 32c2a58f9ac0a4cbd5a5d2b3d4e5f607, for country NL
 *     {"traceId":"32c2a58f9ac0a4cbd5a5d2b3d4e5f607",...,"kind":"SERVER",...,"shared":true}
 *     {"traceId":"32c2a58f9ac0a4cbd5a5d2b3d4e5f607",...,"kind":"CLIENT",...}
 *
 * Both halves are in one process here, and the network is an array. The halves have the same span
 * id, which is how Zipkin joins them; the setting "join" would make the server's a child.
 */
#include <divak/divak.h>

#include <stdio.h>
#include <stdlib.h>

static divak_tracer *tracer;

/* What a server does with a request. */
static void serve(const divak_header *headers, size_t count) {
    divak_span caller, span;
    divak_extract_headers(tracer, headers, count, &caller);
    divak_span_start(tracer, "get /users", 10, DIVAK_KIND_SERVER, &caller, &span);
    divak_span_release(&caller);

    char trace[33], country[8] = "";
    divak_span_trace_id_text(&span, trace);
    divak_span_baggage(&span, "country-code", 12, country, sizeof country - 1, NULL);
    printf("the server goes on with trace %s, for country %s\n", trace, country);

    divak_span_finish(&span);
}

/* What a client does around a request. */
static void request(void) {
    divak_span span;
    divak_span_start(tracer, "get /users", 10, DIVAK_KIND_CLIENT, NULL, &span);
    divak_span_set_baggage(&span, "country-code", 12, "NL", 2);

    static divak_header_block block;
    divak_inject_headers(tracer, &span, &block);
    for (size_t i = 0; i < block.count; i++) {
        printf("> %s: %s\n", block.headers[i].name, block.headers[i].value);
    }
    serve(block.headers, block.count);

    divak_endpoint server = {.service = "users", .service_length = 5};
    divak_endpoint_set_address(&server, "192.0.2.7:8080", 14);
    divak_span_set_remote(&span, &server);
    divak_span_finish(&span);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* the reporter writes to the same place from its thread */
    divak_config *config = divak_config_create();
    divak_config_set(config, "service_name", "headers");
    divak_config_set(config, "baggage_fields", "country-code");
    divak_config_add_console_reporter(config, 1);
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return EXIT_FAILURE;
    divak_config_destroy(config);

    request();
    return divak_tracer_shutdown(tracer, 1000, NULL) == DIVAK_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
