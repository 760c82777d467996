/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h - what the programs of the integration tests share: a tracer from a few settings, a
 * random number, and the comparison of Divak's counts with a collector's ledger. */
#ifndef DIVAK_TEST_DRIVER_H
#define DIVAK_TEST_DRIVER_H

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector.h"
#include "divak/divak.h"

static inline uint64_t driver_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

static inline uint64_t driver_below(uint64_t *state, uint64_t limit) {
    return driver_random(state) % limit;
}

static inline uint64_t driver_seed(uint64_t number) {
    uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0xd1b54a32d192ed03);
    for (int i = 0; i < 8; i++) (void)driver_random(&state);
    return state;
}

/* An environment variable as a number, or `otherwise`. */
static inline uint64_t driver_number(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

/* A tracer that no environment reaches, from pairs of name and value ended by NULL. Ends the
 * program on failure. */
static inline divak_tracer *driver_tracer(const char *endpoint, ...) {
    divak_config *config = divak_config_create_without_environment();
    divak_tracer *tracer = NULL;
    int status = divak_config_set(config, "endpoint", endpoint);
    if (status == DIVAK_OK) status = divak_config_set(config, "service_name", "driver");
    if (status == DIVAK_OK) status = divak_config_set(config, "log", "off");
    va_list pairs;
    va_start(pairs, endpoint);
    for (const char *name; status == DIVAK_OK && (name = va_arg(pairs, const char *)) != NULL;) {
        status = divak_config_set(config, name, va_arg(pairs, const char *));
    }
    va_end(pairs);
    /* The flusher of a tracer that is shut down may still be busy with a TLS library; it has its
     * place until then. */
    int tries = 0;
    while (status == DIVAK_OK &&
           (status = divak_tracer_create(config, &tracer)) == DIVAK_ERROR_FULL && tries++ < 2000) {
        struct timespec pause = {0, 5000000};
        nanosleep(&pause, NULL);
        status = DIVAK_OK;
    }
    if (status != DIVAK_OK) {
        fprintf(stderr, "no tracer: %s: %s\n", divak_status_text(status),
                divak_config_error(config));
        exit(2);
    }
    divak_config_destroy(config);
    return tracer;
}

static inline const char *driver_endpoint(const ledger *book) {
    static char text[64];
    snprintf(text, sizeof text, "http://127.0.0.1:%d/api/v2/spans", book->port);
    return text;
}

/* One finished span with three tags; in the ledger when `book` is not NULL. Returns its id. */
static inline uint64_t driver_span(divak_tracer *tracer, ledger *book, const divak_span *parent,
                                   uint64_t number) {
    divak_span span;
    (void)divak_span_start(tracer, "query-db", 8, DIVAK_KIND_CLIENT, parent, &span);
    (void)divak_span_tag(&span, "sql.table", 9, "users", 5);
    (void)divak_span_tag_int(&span, "rowcount", 8, (int64_t)number);
    (void)divak_span_tag(&span, "http.path", 9, "/api/v2/users/42", 16);
    /* Before the end: the collector may be faster than we are. */
    if (book != NULL && divak_span_is_recording(&span)) ledger_note_end(book, span.span_id);
    (void)divak_span_finish(&span);
    return span.span_id;
}

static inline divak_stats driver_stats(divak_tracer *tracer) {
    divak_stats stats;
    if (divak_tracer_stats(tracer, 0, &stats) != DIVAK_OK) memset(&stats, 0xff, sizeof stats);
    return stats;
}

static inline uint64_t driver_dropped(const divak_stats *stats) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) sum += stats->dropped[i];
    return sum;
}

static inline uint64_t driver_accounted(const divak_stats *stats) {
    return stats->delivered + driver_dropped(stats) + stats->pending + stats->live;
}

/* Waits until nothing is pending: a flusher that was busy with TLS when its time was up still
 * cleans up. */
static inline divak_stats driver_settled_stats(divak_tracer *tracer) {
    divak_stats stats = driver_stats(tracer);
    for (int tries = 0; tries < 3000 && stats.pending != 0; tries++) {
        struct timespec millisecond = {0, 1000000};
        nanosleep(&millisecond, NULL);
        stats = driver_stats(tracer);
    }
    return stats;
}

static inline void driver_print_stats(const divak_stats *stats) {
    printf("    started %" PRIu64 " delivered %" PRIu64 " pending %" PRIu64 " live %" PRIu64,
           stats->started, stats->delivered, stats->pending, stats->live);
    for (uint32_t i = 0; i < DIVAK_DROPPED_COUNT; i++) {
        if (stats->dropped[i] != 0)
            printf(" %s %" PRIu64, divak_dropped_text(i), stats->dropped[i]);
    }
    printf(" maybe_duplicate %" PRIu64 " synthetic %" PRIu64 " messages %" PRIu64
           " failures %" PRIu64 "\n",
           stats->maybe_duplicate, stats->synthetic, stats->messages, stats->message_failures);
}

/* User and system time of the flusher's thread in clock ticks. */
static inline long driver_flusher_ticks(void) {
    DIR *tasks = opendir("/proc/self/task");
    long sum = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[320], line[512];
        snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        long user, system;
        const char *end;
        if (fgets(line, sizeof line, file) != NULL && strstr(line, "(divak-flusher)") != NULL &&
            (end = strrchr(line, ')')) != NULL &&
            sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
                   &system) == 2) {
            sum += user + system;
        }
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

/* Memory of this process in KiB. */
static inline long driver_rss(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file != NULL) fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* How many descriptors this process has open. */
static inline int driver_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count - 3;
}

/* How many spans neither Divak's counts nor the ledger explain, after a shutdown; says why on
 * standard output.
 *
 * Delivered must be what the collector accepted. It may have accepted more: of bodies whose answer
 * was lost (counted maybe_duplicate when sent again, retry_expired when the time was up). It may
 * have a span twice only of the former. */
static inline uint64_t driver_unexplained(const char *what, const ledger *book,
                                          const divak_stats *stats, uint64_t ended) {
    ledger_sum sum = ledger_add_up(book);
    uint64_t left = stats->started + stats->recovered, right = driver_accounted(stats);
    uint64_t unexplained = left > right ? left - right : right - left;
    uint64_t unsure = stats->maybe_duplicate + stats->dropped[DIVAK_DROPPED_RETRY_EXPIRED] +
                      stats->dropped[DIVAK_DROPPED_FLUSHER_STUCK];
    if (stats->delivered > sum.delivered) unexplained += stats->delivered - sum.delivered;
    if (sum.delivered > stats->delivered + unsure)
        unexplained += sum.delivered - stats->delivered - unsure;
    if (sum.repeated > stats->maybe_duplicate) unexplained += sum.repeated - stats->maybe_duplicate;
    if (sum.foreign > stats->synthetic) unexplained += sum.foreign - stats->synthetic;
    if (stats->started != ended)
        unexplained += stats->started > ended ? stats->started - ended : ended - stats->started;
    /* Spans that were refused at their start have no end to note. */
    if (sum.ended > ended || book->overflow != 0) unexplained += 1;
    unexplained += book->undecodable;
    if (unexplained != 0) {
        printf("  %s: %" PRIu64 " unexplained: ended %" PRIu64 ", the ledger has %" PRIu64
               " accepted %" PRIu64 " twice %" PRIu64 " foreign %" PRIu64 " undecodable %" PRIu64
               "\n",
               what, unexplained, ended, sum.ended, sum.delivered, sum.repeated, sum.foreign,
               book->undecodable);
        driver_print_stats(stats);
    }
    return unexplained;
}

#endif
