/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - what a span that waits for delivery takes: in its thread's lane, in the store behind,
 * and of all memory.
 *
 * The lane: a reporter's callback holds the flusher, so that nothing leaves the lane, and spans
 * are made until one is refused; the size of the lane divided by how many went in. The store: a
 * collector that is never there lets it fill until the oldest is given up; its size divided by how
 * many it then holds, which are all that wait but those of the one message that is tried again and
 * again. Both sizes are asked of the tracer, so that this is linked from the static library. The
 * last two rows are what such an outage leaves of buffer_bytes, with lanes, slots, baggage and
 * messages.
 */
#include <semaphore.h>
#include <stdatomic.h>

#include "collect/engine.h"
#include "work.h"

enum {
    BUFFER_BYTES = 16 << 20
};

static sem_t entered, released;
static atomic_bool is_held;
static atomic_size_t in_message; /* spans of the message that was refused last */

static int hold(void *context, const char *body, size_t length, size_t span_count) {
    (void)context;
    (void)body;
    (void)length;
    (void)span_count;
    if (atomic_exchange(&is_held, false)) {
        sem_post(&entered);
        while (sem_wait(&released) != 0) {}
    }
    return DIVAK_OK;
}

static int refuse(void *context, const char *body, size_t length, size_t span_count) {
    (void)context;
    (void)body;
    (void)length;
    atomic_store(&in_message, span_count);
    return DIVAK_ERROR_SYSTEM; /* try again later */
}

static divak_tracer *make_tracer(divak_send send) {
    divak_config *config = bench_config();
    bench_check(divak_config_set(config, "ring_bytes", "1MiB"), "ring_bytes");
    bench_check(divak_config_set(config, "buffer_bytes", "16MiB"), "buffer_bytes");
    bench_check(divak_config_set(config, "flush_interval", "10ms"), "flush_interval");
    bench_check(divak_config_set(config, "log", "off"), "log");
    bench_check(divak_config_add_callback_reporter(config, send, NULL), "callback");
    return bench_tracer(config);
}

static void print(const char *what, uint64_t bytes, uint64_t spans, const char *goal) {
    printf("| %s | %llu | %llu | %.1f | %s |\n", what, (unsigned long long)bytes,
           (unsigned long long)spans, spans == 0 ? 0.0 : (double)bytes / (double)spans, goal);
    fflush(stdout);
}

static const char goal[] = "150, at most 160";

static void measure_lane(const char *what, bool is_by_key) {
    divak_tracer *tracer = make_tracer(hold);
    divak_span parent = bench_parent(tracer, true);
    atomic_store(&is_held, true);
    bench_span(tracer, &parent);
    while (sem_wait(&entered) != 0) {}
    uint64_t spans = 0;
    int status;
    do {
        status = is_by_key ? bench_span_by_key(tracer, &parent) : bench_span(tracer, &parent);
        spans += status == DIVAK_OK;
    } while (status == DIVAK_OK);
    divak_stats stats;
    bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    sem_post(&released);
    print(what, tracer->lanes.lanes[0].ring.capacity, spans, goal);
    if (status != DIVAK_ERROR_FULL || stats.dropped[DIVAK_DROPPED_RING_FULL] != 1) {
        printf("<!-- ended by \"%s\", %llu counted ring_full -->\n", divak_status_text(status),
               (unsigned long long)stats.dropped[DIVAK_DROPPED_RING_FULL]);
    }
    divak_tracer_shutdown(tracer, 5000, NULL);
}

static void measure_store(const char *what, const char *what_of_all, bool is_by_key) {
    divak_tracer *tracer = make_tracer(refuse);
    divak_span parent = bench_parent(tracer, true);
    divak_stats stats = {0};
    /* Slowly enough that no lane runs over: at most 100 MB/s. */
    for (uint64_t i = 0; i < 1000 && stats.dropped[DIVAK_DROPPED_BUDGET] == 0; i++) {
        for (int j = 0; j < 500; j++) {
            (void)(is_by_key ? bench_span_by_key(tracer, &parent) : bench_span(tracer, &parent));
        }
        usleep(1000);
        bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    }
    for (int i = 0; i < 5000 && divak_engine_pending(tracer) != 0; i++) usleep(1000);
    bench_check(divak_tracer_stats(tracer, 0, &stats), "stats");
    print(what, tracer->store_capacity, stats.pending - atomic_load(&in_message), goal);
    print(what_of_all, BUFFER_BYTES, stats.pending, "");
    if (stats.dropped[DIVAK_DROPPED_BUDGET] == 0 || stats.dropped[DIVAK_DROPPED_RING_FULL] != 0) {
        printf("<!-- the store was not filled: budget %llu, ring_full %llu -->\n",
               (unsigned long long)stats.dropped[DIVAK_DROPPED_BUDGET],
               (unsigned long long)stats.dropped[DIVAK_DROPPED_RING_FULL]);
    }
    divak_tracer_shutdown(tracer, 0, NULL);
}

int main(void) {
    sem_init(&entered, 0, 0);
    sem_init(&released, 0, 0);
    bench_register_keys();
    puts("| where spans wait | bytes of it | spans in it | bytes a span | goal |");
    puts("|---|---|---|---|---|");
    measure_lane("a lane, keys copied", false);
    measure_lane("a lane, registered keys", true);
    measure_store("the store, keys copied", "all of the buffer, keys copied", false);
    measure_store("the store, registered keys", "all of the buffer, registered keys", true);
    return 0;
}
