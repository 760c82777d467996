/* SPDX-License-Identifier: Apache-2.0 */
/* deliver.c - from producers through the library, over HTTP, to a sink in another process: spans
 * a second, accounted.
 *
 *     deliver SINK [--encoding json] [--spans 2000000] [--rate 0] [--delay-ms 0] [--threads 1]
 *             [--ring 4MiB] [--batch 500000]
 *
 * SINK is the program made of sink.c; it is started for each run and asked for its own count at
 * the end. The time is from the first span to the return of a flush that says all is
 * acknowledged.
 *
 * Without a rate, producers run as fast as nothing is dropped: now and then one looks at how
 * many are on the way, and waits while they are more than three quarters of what its lane holds (a
 * lane that is half full wakes the flusher). With a rate nobody waits, and what can't be kept
 * counts as dropped.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "work.h"

enum {
    THREADS_MAX = 16,
    LOOKS = 4, /* at how many are on the way, while as many are made as may be */
    RECORD_BYTES = 160 /* at most, of the span of work.h */
};

struct settings {
    const char *sink;
    const char *encoding;
    const char *ring;
    const char *batch; /* NULL: the library's default */
    const char *delay;
    uint64_t spans, rate;
    size_t threads;
};

/* ---- the sink's process ---- */

struct sink {
    pid_t process;
    FILE *output;
    unsigned port;
};

static struct sink sink_start(const struct settings *settings) {
    struct sink sink = {.process = -1};
    int ends[2];
    if (pipe(ends) != 0) bench_check(DIVAK_ERROR_SYSTEM, "pipe");
    sink.process = fork();
    if (sink.process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(settings->sink, "sink", "--delay-ms", settings->delay, (char *)NULL);
        perror(settings->sink);
        _exit(127);
    }
    close(ends[1]);
    sink.output = fdopen(ends[0], "r");
    char line[64];
    if (sink.process < 0 || sink.output == NULL ||
        fgets(line, sizeof line, sink.output) == NULL ||
        sscanf(line, "{\"port\":%u}", &sink.port) != 1) {
        bench_check(DIVAK_ERROR_SYSTEM, "the sink");
    }
    return sink;
}

struct sink_counts {
    unsigned long long spans, requests, bytes, body_bytes, malformed, connections, most_in_flight;
    double seconds, cpu_seconds;
};

static struct sink_counts sink_stop(struct sink *sink) {
    struct sink_counts counts = {0};
    kill(sink->process, SIGTERM);
    int found = fscanf(sink->output,
                       "{\"spans\":%llu,\"requests\":%llu,\"bytes\":%llu,\"body_bytes\":%llu,"
                       "\"malformed\":%llu,\"connections\":%llu,\"most_in_flight\":%llu,"
                       "\"seconds\":%lf,\"cpu_seconds\":%lf}",
                       &counts.spans, &counts.requests, &counts.bytes, &counts.body_bytes,
                       &counts.malformed, &counts.connections, &counts.most_in_flight,
                       &counts.seconds, &counts.cpu_seconds);
    if (found != 9) bench_check(DIVAK_ERROR_SYSTEM, "the sink's count");
    waitpid(sink->process, NULL, 0);
    fclose(sink->output);
    return counts;
}

/* ---- producers ---- */

struct producer {
    pthread_t thread;
    divak_tracer *tracer;
    uint64_t spans;
    uint64_t period;      /* ticks; 0: as fast as nothing is dropped */
    uint64_t pending_max; /* of the tracer */
    uint64_t refused;
    double cpu_seconds;
};

static double thread_cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void wait_for_room(const struct producer *producer) {
    for (;;) {
        divak_stats stats;
        divak_tracer_stats(producer->tracer, 0, &stats);
        if (stats.pending <= producer->pending_max) return;
        usleep(50);
    }
}

static void *produce(void *context) {
    struct producer *producer = context;
    divak_span parent = bench_parent(producer->tracer, true);
    uint64_t next = bench_ticks(), look_every = producer->pending_max / LOOKS;
    for (uint64_t i = 0; i < producer->spans; i++) {
        if (producer->period != 0) {
            next += producer->period;
            /* On few processors the flusher and the sink need this one too: sleep while it is
             * far to the next. */
            while (bench_ticks() < next) {
                if (next - bench_ticks() > 50 * producer->period) usleep(100);
            }
            if (i % 100 == 0) usleep(50);
        } else if (i % look_every == 0) {
            wait_for_room(producer);
        }
        producer->refused += bench_span(producer->tracer, &parent) != DIVAK_OK;
    }
    producer->cpu_seconds = thread_cpu_seconds();
    return NULL;
}

static uint64_t parse_size(const char *text) {
    char *end;
    uint64_t size = strtoull(text, &end, 10);
    return *end == 'M' ? size << 20 : *end == 'K' ? size << 10 : size;
}

/* ---- one run ---- */

static divak_tracer *make_tracer(const struct settings *settings, unsigned port) {
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%u/api/v2/spans", port);
    divak_config *config = bench_config();
    bench_check(divak_config_set(config, "endpoint", endpoint), "endpoint");
    bench_check(divak_config_set(config, "encoding", settings->encoding), "encoding");
    bench_check(divak_config_set(config, "ring_bytes", settings->ring), "ring_bytes");
    bench_check(divak_config_set(config, "buffer_bytes", "64MiB"), "buffer_bytes");
    if (settings->batch != NULL) {
        bench_check(divak_config_set(config, "batch_bytes", settings->batch), "batch_bytes");
    }
    return bench_tracer(config);
}

static int run(const struct settings *settings) {
    static struct producer producers[THREADS_MAX];
    struct sink sink = sink_start(settings);
    divak_tracer *tracer = make_tracer(settings, sink.port);
    double nanoseconds_per_tick = bench_nanoseconds_per_tick();
    uint64_t begin = bench_now();
    for (size_t i = 0; i < settings->threads; i++) {
        producers[i] = (struct producer){
            .tracer = tracer,
            .spans = settings->spans / settings->threads,
            .pending_max = parse_size(settings->ring) / 4 * 3 / RECORD_BYTES};
        if (settings->rate != 0) {
            double interval = 1e9 * (double)settings->threads / (double)settings->rate;
            producers[i].period = (uint64_t)(interval / nanoseconds_per_tick);
        }
        if (pthread_create(&producers[i].thread, NULL, produce, &producers[i]) != 0) {
            bench_check(DIVAK_ERROR_SYSTEM, "thread");
        }
    }
    uint64_t spans = 0, refused = 0;
    double producer_cpu = 0;
    for (size_t i = 0; i < settings->threads; i++) {
        pthread_join(producers[i].thread, NULL);
        spans += producers[i].spans;
        refused += producers[i].refused;
        producer_cpu += producers[i].cpu_seconds;
    }
    uint64_t produced = bench_now();
    int status = divak_tracer_flush(tracer, 30000, NULL);
    uint64_t end = bench_now();

    divak_stats stats;
    struct rusage usage;
    bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    getrusage(RUSAGE_SELF, &usage);
    double all_cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    struct sink_counts counts = sink_stop(&sink);
    uint64_t dropped = 0;
    for (int i = 0; i < DIVAK_DROPPED_COUNT; i++) dropped += stats.dropped[i];
    /* What the library says of itself, what it was given, and what the sink saw must be the
     * same. */
    bool is_exact = stats.started == spans && stats.delivered + dropped == spans &&
                    stats.pending == 0 && counts.spans == stats.delivered + stats.synthetic &&
                    counts.malformed == 0 && (refused == 0 || dropped >= refused);
    double seconds = (double)(end - begin) / 1e9;
    double all = (double)spans / 1e9;
    printf("{\"encoding\":\"%s\",\"delay_ms\":%s,\"threads\":%zu,\"spans\":%llu,\"seconds\":%.4f,"
           "\"delivered_per_second\":%.0f,\"produced_per_second\":%.0f,\"delivered\":%llu,"
           "\"dropped\":%llu,\"sink_spans\":%llu,\"synthetic\":%llu,\"requests\":%llu,"
           "\"connections\":%llu,\"bytes_per_span\":%.1f,\"flush\":\"%s\",\"is_exact\":%s,"
           "\"producer_cpu_ns\":%.1f,\"library_cpu_ns\":%.1f,\"sink_cpu_ns\":%.1f}\n",
           settings->encoding, settings->delay, settings->threads, (unsigned long long)spans,
           seconds, (double)stats.delivered / seconds,
           (double)spans * 1e9 / (double)(produced - begin), (unsigned long long)stats.delivered,
           (unsigned long long)dropped, counts.spans, (unsigned long long)stats.synthetic,
           counts.requests, counts.connections,
           counts.spans == 0 ? 0.0 : (double)counts.body_bytes / (double)counts.spans,
           divak_status_text(status), is_exact ? "true" : "false", producer_cpu / all,
           (all_cpu - producer_cpu) / all, counts.cpu_seconds / all);
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) {
        if (stats.dropped[i] == 0) continue;
        fprintf(stderr, "deliver: %llu dropped as %s\n", (unsigned long long)stats.dropped[i],
                divak_dropped_text(i));
    }
    divak_tracer_shutdown(tracer, 1000, NULL);
    return is_exact ? 0 : 1;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"encoding", required_argument, NULL, 'e'}, {"spans", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},     {"delay-ms", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'},  {"ring", required_argument, NULL, 'b'},
        {"batch", required_argument, NULL, 'm'},    {0}};
    struct settings settings = {
        .encoding = "json", .ring = "4MiB", .delay = "0", .spans = 2000000, .threads = 1};
    for (int option; (option = getopt_long(argc, argv, "e:s:r:d:t:b:m:", options, NULL)) != -1;) {
        switch (option) {
        case 'e': settings.encoding = optarg; break;
        case 's': settings.spans = strtoull(optarg, NULL, 10); break;
        case 'r': settings.rate = strtoull(optarg, NULL, 10); break;
        case 'd': settings.delay = optarg; break;
        case 't': settings.threads = strtoull(optarg, NULL, 10); break;
        case 'b': settings.ring = optarg; break;
        case 'm': settings.batch = optarg; break;
        default: return 2;
        }
    }
    if (optind + 1 != argc || settings.threads == 0 || settings.threads > THREADS_MAX) {
        fputs("usage: deliver SINK [--encoding json] [--spans 2000000] [--rate 0] [--delay-ms 0] "
              "[--threads 1] [--ring 4MiB] [--batch 500000]\n",
              stderr);
        return 2;
    }
    settings.sink = argv[optind];
    return run(&settings);
}
