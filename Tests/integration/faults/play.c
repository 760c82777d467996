/* SPDX-License-Identifier: Apache-2.0 */
/* play.c - one tracer's life against one endpoint, told in one line of JSON.
 *
 *     play ENDPOINT SPANS FLUSH_MS SHUTDOWN_MS IDS [NAME=VALUE]...
 *
 * Records SPANS spans (the middle one is called "poison"), flushes, waits if `wait=MS`, shuts down;
 * settings are given as name=value. The ids of what ended are written to the file IDS. Prints
 * results, microseconds over each deadline, statistics, log lines (to standard error) and the
 * processor time of the flusher.
 */
#include <unistd.h>

#include "driver.h"

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    uint64_t spans = strtoull(argv[2], NULL, 10), wait = 0;
    uint32_t flush_time = (uint32_t)atol(argv[3]), shutdown_time = (uint32_t)atol(argv[4]);
    FILE *ids = fopen(argv[5], "w");
    divak_config *config = divak_config_create_without_environment();
    int status = divak_config_set(config, "endpoint", argv[1]);
    if (status == DIVAK_OK) status = divak_config_set(config, "service_name", "play");
    for (int i = 6; i < argc && status == DIVAK_OK; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL) return 2;
        *value++ = 0;
        if (strcmp(argv[i], "wait") == 0)
            wait = strtoull(value, NULL, 10);
        else
            status = divak_config_set(config, argv[i], value);
    }
    divak_tracer *tracer = NULL;
    if (status == DIVAK_OK) status = divak_tracer_create(config, &tracer);
    if (status != DIVAK_OK || ids == NULL) {
        printf("{\"create\":%d,\"error\":\"%s\"}\n", status, divak_config_error(config));
        return 0;
    }
    for (uint64_t i = 0; i < spans; i++) {
        divak_span span;
        const char *name = i == spans / 2 ? "poison" : "query";
        (void)divak_span_start(tracer, name, strlen(name), DIVAK_KIND_CLIENT, &divak_no_parent,
                               &span);
        (void)divak_span_tag_uint(&span, "number", 6, i);
        char trace[33], id[17];
        divak_span_trace_id_text(&span, trace);
        divak_span_id_text(&span, id);
        fprintf(ids, "%s-%s\n", trace, id);
        (void)divak_span_finish(&span);
    }
    fclose(ids);
    uint64_t lost = 0, before = collector_now();
    int flushed = flush_time == 0 ? DIVAK_OK : divak_tracer_flush(tracer, flush_time, &lost);
    int64_t flush_over = (int64_t)((collector_now() - before) / 1000) - (int64_t)flush_time * 1000;
    if (wait != 0) usleep((useconds_t)wait * 1000);
    long ticks = driver_flusher_ticks();
    before = collector_now();
    int closed = divak_tracer_shutdown(tracer, shutdown_time, NULL);
    int64_t shutdown_over =
        (int64_t)((collector_now() - before) / 1000) - (int64_t)shutdown_time * 1000;
    divak_stats stats = driver_settled_stats(tracer);
    printf("{\"create\":0,\"flush\":%d,\"lost\":%" PRIu64 ",\"flush_over\":%" PRId64
           ",\"shutdown\":%d,"
           "\"shutdown_over\":%" PRId64 ",\"flusher_ticks\":%ld,",
           flushed, lost, flush_over, closed, shutdown_over, ticks);
    printf("\"started\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"pending\":%" PRIu64
           ",\"live\":%" PRIu64 ",\"dropped\":{",
           stats.started, stats.delivered, stats.pending, stats.live);
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) {
        printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", divak_dropped_text(i), stats.dropped[i]);
    }
    printf("},\"maybe_duplicate\":%" PRIu64 ",\"synthetic\":%" PRIu64 ",\"messages\":%" PRIu64
           ",\"failures\":%" PRIu64 ",\"restarts\":%" PRIu64 "}\n",
           stats.maybe_duplicate, stats.synthetic, stats.messages, stats.message_failures,
           stats.flusher_restarts);
    return 0;
}
