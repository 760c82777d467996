/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - a steady load of traces from Divak to a collector, accounted.
 *
 *     load ENDPOINT RATE SECONDS SPANS_PER_TRACE IDS_FILE [ENCODING]
 *
 * Makes RATE spans a second: traces of a server's span with clients' spans below it, each with
 * tags. Writes the id of every hundredth trace to IDS_FILE, one a line, and at the end one line
 * of JSON with what the library counted. Succeeds only if everything was acknowledged.
 */
#include <divak/divak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void check(int status, const char *what) {
    if (status >= 0) return;
    fprintf(stderr, "load: %s: %s\n", what, divak_status_text(status));
    exit(1);
}

static void make_child(divak_tracer *tracer, const divak_span *root, unsigned number) {
    static const char *const names[] = {"get /users/:id", "select user", "publish order", "put"};
    char path[32];
    int length = snprintf(path, sizeof path, "/users/%u/profile", number % 1000);
    divak_span child;
    const char *name = names[number % 4];
    divak_span_start(tracer, name, strlen(name), DIVAK_KIND_CLIENT, root, &child);
    divak_span_tag(&child, "http.method", 11, "GET", 3);
    divak_span_tag(&child, "http.path", 9, path, (size_t)length);
    divak_span_finish(&child);
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fputs("usage: load ENDPOINT RATE SECONDS SPANS_PER_TRACE IDS_FILE [ENCODING]\n", stderr);
        return 2;
    }
    double rate = atof(argv[2]), seconds = atof(argv[3]);
    unsigned each = (unsigned)atoi(argv[4]);
    FILE *ids = fopen(argv[5], "w");
    if (ids == NULL || rate <= 0 || each == 0) return 2;

    divak_config *config = divak_config_create_without_environment();
    divak_tracer *tracer;
    check(divak_config_set(config, "service_name", "load"), "service_name");
    check(divak_config_set(config, "endpoint", argv[1]), "endpoint");
    check(divak_config_set(config, "buffer_bytes", "64MiB"), "buffer_bytes");
    check(divak_config_set(config, "ring_bytes", "4MiB"), "ring_bytes");
    if (argc > 6) check(divak_config_set(config, "encoding", argv[6]), "encoding");
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) {
        fprintf(stderr, "load: %s\n", divak_config_error(config));
        return 1;
    }
    divak_config_destroy(config);

    unsigned long long made = 0, total = (unsigned long long)(rate * seconds);
    double begin = now();
    while (made < total) {
        unsigned long long due = (unsigned long long)((now() - begin) * rate);
        while (made < due && made < total) {
            divak_span root;
            divak_span_start(tracer, "get /orders", 11, DIVAK_KIND_SERVER, NULL, &root);
            for (unsigned i = 1; i < each; i++) make_child(tracer, &root, i);
            divak_span_tag(&root, "http.method", 11, "GET", 3);
            divak_span_finish(&root);
            if (made / each % 100 == 0) {
                fprintf(ids, "%016llx%016llx\n", (unsigned long long)root.trace_id_high,
                        (unsigned long long)root.trace_id_low);
            }
            made += each;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    double produced = now();
    int status = divak_tracer_flush(tracer, 30000, NULL);
    double end = now();
    divak_stats stats;
    check(divak_tracer_stats(tracer, 0, &stats), "stats");
    unsigned long long dropped = 0;
    for (int i = 0; i < DIVAK_DROPPED_COUNT; i++) dropped += stats.dropped[i];
    printf("{\"started\":%llu,\"delivered\":%llu,\"dropped\":%llu,\"synthetic\":%llu,"
           "\"maybe_duplicate\":%llu,\"made_seconds\":%.2f,\"flush_seconds\":%.3f,"
           "\"flush\":\"%s\"}\n",
           (unsigned long long)stats.started, (unsigned long long)stats.delivered, dropped,
           (unsigned long long)stats.synthetic, (unsigned long long)stats.maybe_duplicate,
           produced - begin, end - produced, divak_status_text(status));
    divak_tracer_shutdown(tracer, 1000, NULL);
    fclose(ids);
    return status == DIVAK_OK ? 0 : 1;
}
