/* SPDX-License-Identifier: Apache-2.0 */
/* storm.c - the accounts under every fault: what Divak says became of each span is what the
 * collector says.
 *
 *     storm SPANS SEEDS [SCENARIO]
 *
 * For each scenario and each seed a tracer with random settings records SPANS spans on one to four
 * threads against a collector that follows the scenario's script, is flushed now and then, and shut
 * down. Then, span by span, the counts must meet the ledger; and at any instant, from a further
 * thread, `started` must be at least the sum of the rest. Prints what failed and a last line
 * "scenarios N runs N spans N delivered N unexplained N backwards N".
 */
#include <pthread.h>
#include <unistd.h>

#include "driver.h"

static const struct {
    const char *name, *script;
} scenarios[] = {
    {"fine", "202"},
    {"200", "200"},
    {"204", "204"},
    {"301", "301"},
    {"302", "302"},
    {"303", "303"},
    {"307", "307"},
    {"308", "308"},
    {"400", "400"},
    {"401", "401"},
    {"403", "403"},
    {"404", "404"},
    {"405", "405"},
    {"408", "408"},
    {"410", "410"},
    {"411", "411"},
    {"413", "413"},
    {"414", "414"},
    {"415", "415"},
    {"422", "422"},
    {"425", "425"},
    {"429", "429"},
    {"431", "431"},
    {"451", "451"},
    {"500", "500"},
    {"501", "501"},
    {"502", "502"},
    {"503", "503"},
    {"504", "504"},
    {"507", "507"},
    {"599", "599"},
    {"600", "600"},
    {"down", "down"},
    {"stall", "stall"},
    {"never read", "noread"},
    {"reset after body", "rst"},
    {"reset at once", "rst@0"},
    {"reset in body", "rst@1000"},
    {"close after body", "close"},
    {"close in body", "close@10000"},
    {"half a status", "partial"},
    {"no HTTP", "garbage"},
    {"answer and close", "reply-close"},
    {"answer and reset", "reply-rst"},
    {"early 202", "early@202"},
    {"early 413", "early@413"},
    {"early 503", "early@503"},
    {"after 2 ms", "delay@2"},
    {"after 50 ms", "delay@50"},
    {"slow reader", "slow@64"},
    {"at most 4000 bytes", "limit@4000"},
    {"at most 100000 bytes", "limit@100000"},
    {"every other 503", "503,202"},
    {"every other reset", "rst,202"},
    {"comes back", "503,rst,close,partial,202!"},
    {"goes away", "202,202,202,503!"},
    {"flaps", "202,202,rst@0,rst@0,503"},
    {"one of ten 500", "~500=10,202=90"},
    {"one of ten reset", "~rst=10,202=90"},
    {"one of ten 400", "~400=10,202=90"},
    {"one of ten stalls", "~stall=5,202=95"},
    {"anything", "~202=40,503=5,rst=5,rst@500=5,close=5,400=5,413=5,302=2,429=3,"
                 "reply-close=5,reply-rst=5,partial=3,garbage=3,delay@5=5,404=2"},
    {"retries", "~202=50,500=10,502=10,503=10,429=10,408=10"},
    {"late answers lost", "~rst=50,202=50"},
    {"redirects now and then", "~302=20,202=80"},
    {"early and broken", "~early@202=50,rst@20000=50"},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios, THREADS_MAX = 4 };

static ledger *book;
static divak_tracer *tracer;
static bool is_throttled;
static uint64_t spans_a_thread;
static int is_over;
static uint64_t backwards;

static void *record(void *context) {
    (void)context;
    unsigned patience = 300; /* milliseconds */
    divak_span root;
    (void)divak_span_start(tracer, "storm", 5, DIVAK_KIND_SERVER, &divak_no_parent, &root);
    ledger_note_end(book, root.span_id);
    for (uint64_t i = 1; i < spans_a_thread; i++) {
        if (is_throttled && i % 256 == 0) {
            while (patience != 0 && driver_stats(tracer).pending > 20000) {
                patience--;
                usleep(1000);
            }
        }
        driver_span(tracer, book, &root, i);
    }
    (void)divak_span_finish(&root);
    return NULL;
}

static void *watch(void *context) {
    (void)context;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        divak_stats stats = driver_stats(tracer);
        if (stats.started < driver_accounted(&stats)) {
            if (backwards++ == 0) {
                printf("  counted more than started\n");
                driver_print_stats(&stats);
            }
        }
        usleep(500);
    }
    return NULL;
}

/* Runs one scenario; adds to `delivered`, returns how many spans nobody explains. */
static uint64_t run(const char *name, const char *script, uint64_t seed, uint64_t spans,
                    uint64_t *delivered) {
    uint64_t state = driver_seed(seed);
    static const char *const batches[] = {"500000", "100000", "20000", "4000"};
    static const char *const connections[] = {"1", "2", "4", "8"};
    static const char *const buffers[] = {"4MiB", "8MiB", "32MiB", "64MiB"};
    static const char *const timeouts[] = {"100ms", "200ms", "400ms", "1s"};
    static const char *const intervals[] = {"10ms", "50ms", "100ms", "1s"};
    char what[96];
    snprintf(what, sizeof what, "%s, seed %" PRIu64, name, seed);
    collector_use(book, script);
    if (strcmp(script, "down") == 0) usleep(20000);
    ledger_clear(book);
    uint64_t threads = 1 + driver_below(&state, THREADS_MAX), now = collector_now();
    is_throttled = driver_below(&state, 4) != 0;
    spans_a_thread = spans / threads;
    tracer = driver_tracer(
        driver_endpoint(book), "encoding", driver_below(&state, 2) ? "json" : "proto3",
        "batch_bytes", batches[driver_below(&state, 4)], "connections",
        connections[driver_below(&state, 4)], "buffer_bytes", buffers[driver_below(&state, 4)],
        "timeout", timeouts[driver_below(&state, 4)], "flush_interval",
        intervals[driver_below(&state, 4)], NULL);
    pthread_t producers[THREADS_MAX], watcher;
    is_over = 0;
    pthread_create(&watcher, NULL, watch, NULL);
    for (uint64_t i = 0; i < threads; i++) pthread_create(&producers[i], NULL, record, NULL);
    for (uint64_t flushes = driver_below(&state, 4); flushes > 0; flushes--) {
        (void)divak_tracer_flush(tracer, (uint32_t)driver_below(&state, 40), NULL);
    }
    for (uint64_t i = 0; i < threads; i++) pthread_join(producers[i], NULL);
    uint32_t deadline = (uint32_t)(100 + driver_below(&state, 500));
    (void)divak_tracer_shutdown(tracer, deadline, NULL);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    pthread_join(watcher, NULL);
    divak_stats stats = driver_settled_stats(tracer);
    collector_use(book, "down"); /* no late body may still be counted */
    usleep(8000);
    *delivered += stats.delivered;
    uint64_t unexplained = driver_unexplained(what, book, &stats, spans_a_thread * threads);
    if (getenv("DIVAK_STORM_TALKS") != NULL) {
        printf("%s: %" PRIu64 " ms, %" PRIu64 " requests\n", what,
               (collector_now() - now) / 1000000, book->requests);
        driver_print_stats(&stats);
    }
    return unexplained;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3) return 2;
    uint64_t spans = strtoull(argv[1], NULL, 10), seeds = strtoull(argv[2], NULL, 10);
    uint64_t first_seed = driver_number("DIVAK_SEED", 1), runs = 0, unexplained = 0, delivered = 0,
             count = 0;
    book = collector_start("202", first_seed);
    if (book == NULL) return 2;
    for (int i = 0; i < SCENARIOS; i++) {
        if (argc > 3 && strcmp(argv[3], scenarios[i].name) != 0) continue;
        count++;
        for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++, runs++) {
            unexplained += run(scenarios[i].name, scenarios[i].script, seed * 1000 + (uint64_t)i,
                               spans, &delivered);
        }
    }
    collector_stop(book);
    printf("scenarios %" PRIu64 " runs %" PRIu64 " spans %" PRIu64 " delivered %" PRIu64
           " unexplained %" PRIu64 " backwards %" PRIu64 "\n",
           count, runs, runs * spans, delivered, unexplained, backwards);
    return unexplained == 0 && backwards == 0 && runs != 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
