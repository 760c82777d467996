/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - whether flush tells the truth, while faults come and go under it.
 *
 *     truth FLUSHES
 *
 * Each turn records a few spans, on one thread or three, and flushes with a deadline of 0 to 40 ms;
 * every few turns the collector gets another script out of 26. OK or LOST is a lie when a span
 * ended before the call is neither accepted by the collector nor among those that some flush has
 * told were lost; OK is also one when Divak itself counts a drop that no flush has told. Prints
 * "flushes N ok N lost N timeout N lies N".
 */
#include <pthread.h>
#include <unistd.h>

#include "driver.h"

static const char *const scripts[] = {
    "202",       "200",    "503",         "500",       "429",
    "400",       "413",    "404",         "302",       "rst",
    "rst@100",   "close",  "reply-close", "reply-rst", "partial",
    "garbage",   "stall",  "noread",      "delay@5",   "delay@30",
    "early@503", "drip@1", "503,202",     "rst,202",   "~202=60,503=10,rst=10,400=10,stall=5,404=5",
    "down",
};
enum { SCRIPTS = sizeof scripts / sizeof *scripts, OUTSTANDING_MAX = 1 << 20, HELPERS = 3 };

static ledger *book;
static divak_tracer *tracer;
static uint64_t outstanding[OUTSTANDING_MAX]; /* ended, not seen accepted so far */
static uint64_t outstanding_count;
static uint64_t to_record; /* by each helper */
static uint64_t recorded[HELPERS][64];

static bool is_accepted(uint64_t id) {
    uint64_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - LEDGER_BITS);
    while (book->entries[at].id != 0 && book->entries[at].id != id) at = (at + 1) % LEDGER_SLOTS;
    return book->entries[at].id == id &&
           __atomic_load_n(&book->entries[at].accepted, __ATOMIC_ACQUIRE) != 0;
}

static uint64_t count_missing(void) {
    uint64_t left = 0;
    for (uint64_t i = 0; i < outstanding_count; i++) {
        if (!is_accepted(outstanding[i])) outstanding[left++] = outstanding[i];
    }
    return outstanding_count = left;
}

static void *record(void *context) {
    uint64_t *ids = context;
    for (uint64_t i = 0; i < to_record; i++)
        ids[i] = driver_span(tracer, book, &divak_no_parent, i);
    return NULL;
}

/* Records on this thread, or on all helpers at once. */
static void record_some(uint64_t *state) {
    uint64_t helpers = driver_below(state, 8) == 0 ? HELPERS : 1;
    to_record = 1 + driver_below(state, helpers == 1 ? 24 : 64);
    pthread_t threads[HELPERS];
    if (helpers == 1)
        record(recorded[0]);
    else
        for (uint64_t i = 0; i < helpers; i++)
            pthread_create(&threads[i], NULL, record, recorded[i]);
    for (uint64_t i = 0; i < helpers; i++) {
        if (helpers != 1) pthread_join(threads[i], NULL);
        for (uint64_t j = 0; j < to_record; j++) outstanding[outstanding_count++] = recorded[i][j];
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) return 2;
    uint64_t flushes = strtoull(argv[1], NULL, 10),
             seed = driver_number("DIVAK_SEED", collector_now());
    uint64_t state = driver_seed(seed), told = 0, lies = 0, results[3] = {0};
    printf("seed %" PRIu64 "\n", seed);
    book = collector_start("202", seed);
    if (book == NULL) return 2;
    for (uint64_t turn = 0; turn < flushes; turn++) {
        if (turn % 200 == 0) { /* a fresh one, with a short memory of failures */
            if (turn != 0) (void)divak_tracer_shutdown(tracer, 20, NULL);
            collector_use(book, "202");
            usleep(10000);
            ledger_clear(book);
            outstanding_count = told = 0;
            tracer = driver_tracer(driver_endpoint(book), "encoding",
                                   driver_below(&state, 2) ? "json" : "proto3", "flush_interval",
                                   driver_below(&state, 2) ? "1s" : "2ms", "timeout", "50ms",
                                   "batch_bytes", driver_below(&state, 2) ? "500000" : "1500",
                                   "buffer_bytes", "4MiB", NULL);
        }
        if (driver_below(&state, 4) == 0) {
            collector_use(book,
                          driver_below(&state, 2) ? "202" : scripts[driver_below(&state, SCRIPTS)]);
        }
        record_some(&state);
        uint64_t lost = 0;
        int result = divak_tracer_flush(tracer, (uint32_t)driver_below(&state, 40), &lost);
        divak_stats stats = driver_stats(tracer);
        uint64_t dropped = driver_dropped(&stats);
        const char *why = NULL;
        if (result == DIVAK_OK && lost != 0) why = "OK with a loss";
        if (result == DIVAK_ERROR_LOST && lost == 0) why = "LOST without one";
        told += result == DIVAK_OK || result == DIVAK_ERROR_LOST ? lost : 0;
        if (result == DIVAK_OK || result == DIVAK_ERROR_LOST) {
            if (count_missing() > told) why = "spans are neither there nor told to be lost";
            if (dropped != told) why = "the drops counted are not those told";
            results[result == DIVAK_OK ? 0 : 1]++;
        } else if (result == DIVAK_ERROR_TIMEOUT) {
            results[2]++;
        } else {
            why = divak_status_text(result);
        }
        if (why == NULL) continue;
        if (lies++ > 10) continue;
        printf("  flush %" PRIu64 " under \"%s\": %s: %s; missing %" PRIu64 ", told %" PRIu64
               " (now %" PRIu64 ")\n",
               turn, book->script, divak_status_text(result), why, outstanding_count, told, lost);
        driver_print_stats(&stats);
        told = dropped; /* so that one lie counts once */
    }
    (void)divak_tracer_shutdown(tracer, 20, NULL);
    collector_stop(book);
    printf("flushes %" PRIu64 " ok %" PRIu64 " lost %" PRIu64 " timeout %" PRIu64 " lies %" PRIu64
           "\n",
           flushes, results[0], results[1], results[2], lies);
    return lies == 0 && results[0] > flushes / 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
