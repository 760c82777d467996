/* cost.c - what recording one span costs on this machine, in nanoseconds. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     demo-cost
 *
 *     ns 61.3
 *
 * A child of a remote parent with a name, two tags of text and one number, started and finished, as
 * the demo's services make them. The least mean of many bursts: what disturbs a burst only adds to
 * it. A burst is as long as a thread's lane bears without a rest; the spans go nowhere.
 */
#include <divak/divak.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BURSTS = 200,
    BURST_SPANS = 1000,
    FLUSH_MILLISECONDS = 1000
};

/* A literal with its length, as Divak takes text. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void record(divak_tracer *tracer, const divak_span *parent, int64_t number) {
    divak_span span;
    divak_span_start(tracer, TEXT("get /checksum"), DIVAK_KIND_SERVER, parent, &span);
    divak_span_tag(&span, TEXT("http.method"), TEXT("GET"));
    divak_span_tag(&span, TEXT("http.path"), TEXT("/checksum/invoices/17.txt"));
    divak_span_tag_int(&span, TEXT("bytes"), number);
    divak_span_finish(&span);
}

int main(void) {
    divak_config *config = divak_config_create();
    divak_tracer *tracer;
    if (divak_config_add_null_reporter(config) != DIVAK_OK ||
        divak_tracer_create(config, &tracer) != DIVAK_OK) {
        fprintf(stderr, "demo-cost: %s\n", divak_config_error(config));
        divak_config_destroy(config);
        return EXIT_FAILURE;
    }
    divak_config_destroy(config);

    const divak_header header = {TEXT("b3"),
                                 TEXT("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")};
    divak_span parent;
    divak_extract_headers(tracer, &header, 1, &parent);
    double least = 0;
    for (int burst = 0; burst < BURSTS; burst++) {
        double start = now_ns();
        for (int64_t i = 0; i < BURST_SPANS; i++) record(tracer, &parent, i);
        double mean = (now_ns() - start) / BURST_SPANS;
        if (burst == 0 || mean < least) least = mean;
        if (divak_tracer_flush(tracer, FLUSH_MILLISECONDS, NULL) != DIVAK_OK) break;
    }
    divak_span_release(&parent);

    /* A span that was not recorded costs less; then the figure would be none. */
    uint64_t lost = 0;
    int status = divak_tracer_shutdown(tracer, FLUSH_MILLISECONDS, &lost);
    if (status != DIVAK_OK || lost != 0) {
        fprintf(stderr, "demo-cost: %s\n", divak_status_text(status));
        return EXIT_FAILURE;
    }
    printf("ns %.1f\n", least);
    return EXIT_SUCCESS;
}
