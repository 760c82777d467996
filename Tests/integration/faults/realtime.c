/* SPDX-License-Identifier: Apache-2.0 */
/* realtime.c - recording in functions that must not block, for RealtimeSanitizer to watch.
 *
 *     realtime SPANS          every call of span.h and scope.h that records, in every form
 *     realtime extract        one call that may allocate: shows that the watch is on
 *
 * Built with -fsanitize=realtime, the core included: the first malloc, lock or system call inside
 * ends the program with the status 43. The pauses are outside: the one system call that recording
 * may make is to wake a flusher that sleeps beside a lane half full. Prints "spans N".
 */
#include <pthread.h>

#include "driver.h"

#define NONBLOCKING __attribute__((nonblocking))

static divak_tracer *tracer;
static divak_key name, key;

static void record_all(uint64_t number) NONBLOCKING {
    static const divak_endpoint peer = {
        .service = "peer", .service_length = 4, .ipv4 = {10, 0, 0, 1}, .has_ipv4 = true, .port = 80};
    divak_span root, child, other, current;
    divak_scope scope;
    (void)divak_span_start(tracer, "root", 4, DIVAK_KIND_SERVER, &divak_no_parent, &root);
    (void)divak_scope_open(&root, &scope);
    (void)divak_span_start_by_key(tracer, name, DIVAK_KIND_CLIENT, NULL, &child);
    (void)divak_span_tag(&child, "text", 4, "a value of forty bytes, so past the short", 41);
    (void)divak_span_tag_int(&child, "int", 3, -(int64_t)number);
    (void)divak_span_tag_uint(&child, "uint", 4, number);
    (void)divak_span_tag_double(&child, "double", 6, (double)number / 3);
    (void)divak_span_tag_bool(&child, "bool", 4, true);
    (void)divak_span_tag_by_key(&child, key, "value", 5);
    (void)divak_span_tag_int_by_key(&child, key, 1);
    (void)divak_span_annotate(&child, "note", 4);
    (void)divak_span_annotate_at(&child, 5, "then", 4);
    (void)divak_span_error(&child, "failed", 6);
    (void)divak_span_rename(&child, "renamed", 7);
    (void)divak_span_set_kind(&child, DIVAK_KIND_PRODUCER);
    (void)divak_span_set_remote(&child, &peer);
    (void)divak_span_set_local(&child, &peer);
    (void)divak_span_finish_with_duration(&child, 7);
    const divak_start_options options = {.name = "more", .name_length = 4, .path = "/x",
                                         .path_length = 2, .defer_report = true};
    (void)divak_span_start_with(tracer, &options, &other);
    (void)divak_span_finish(&other);
    (void)divak_span_flush(&other);
    (void)divak_span_tag(&other, "late", 4, "", 0);
    (void)divak_span_finish(&other);
    (void)divak_current(&current);
    (void)divak_span_start(tracer, "gone", 4, DIVAK_KIND_LOCAL, &current, &other);
    (void)divak_span_abandon(&other);
    (void)divak_scope_close(&scope);
    (void)divak_span_finish(&root);
}

static void extract(void) NONBLOCKING {
    static const divak_header header = {"baggage", 7, "a=b", 3};
    divak_span parent;
    (void)divak_extract_headers(tracer, &header, 1, &parent);
    divak_span_release(&parent);
}

static void *record(void *context) {
    enum { SPANS_A_CALL = 4, CALLS_A_PAUSE = 100 };
    uint64_t calls = *(uint64_t *)context / SPANS_A_CALL;
    /* The first span of a thread leases its lane. */
    driver_span(tracer, NULL, &divak_no_parent, 0);
    for (uint64_t i = 0; i < calls; i++) {
        record_all(i);
        if (i % CALLS_A_PAUSE == 0) usleep(1000);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    divak_config *config = divak_config_create_without_environment();
    divak_config_set(config, "service_name", "realtime");
    divak_config_set(config, "flush_interval", "1ms");
    divak_config_set(config, "buffer_bytes", "64MiB");
    divak_config_set(config, "ring_bytes", "4MiB");
    divak_config_add_null_reporter(config);
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return 2;
    divak_config_destroy(config);
    name = divak_key_register("name", 4);
    key = divak_key_register("key", 3);
    uint64_t spans = strtoull(argv[1], NULL, 10);
    if (spans == 0) {
        extract();
        return 0;
    }
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, record, &spans);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    uint64_t lost;
    int status = divak_tracer_shutdown(tracer, 5000, &lost);
    divak_stats stats = driver_stats(tracer);
    printf("spans %" PRIu64 " lost %" PRIu64 " unexplained %" PRId64 "\n", stats.started, lost,
           (int64_t)(stats.started - driver_accounted(&stats)));
    return status == DIVAK_OK ? 0 : 1;
}
