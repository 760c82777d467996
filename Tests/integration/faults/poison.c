/* SPDX-License-Identifier: Apache-2.0 */
/* poison.c - one bad span among many: it alone is lost, and finding it costs few requests.
 *
 *     poison SPANS
 *
 * For 400 and 413, JSON and proto3, batches of the default size and as large as they go, the bad
 * one in several places: a collector refuses every body that has the word "poison". Also, with the
 * bad span gone, sizes must be what they were. Prints a line a case, and a last line "cases N
 * worst_lost N worst_extra N allowed N failed N".
 */
#include <math.h>
#include <unistd.h>

#include "driver.h"

static ledger *book;

typedef struct outcome {
    uint64_t lost, requests, others_lost, largest_later;
} outcome;

/* Records `spans`, the bad one at `bad` (none when it is not below `spans`), and flushes. */
static outcome run(const char *encoding, const char *batch, const char *script, uint64_t spans,
                   uint64_t bad) {
    collector_use(book, script);
    ledger_clear(book);
    divak_tracer *tracer = driver_tracer(driver_endpoint(book), "encoding", encoding, "batch_bytes",
                                         batch, "buffer_bytes", "256MiB", "ring_bytes", "32MiB",
                                         "flush_interval", "60s", NULL);
    uint64_t bad_id = 0;
    for (uint64_t i = 0; i < spans; i++) {
        if (i != bad) {
            driver_span(tracer, book, &divak_no_parent, i);
            continue;
        }
        divak_span span;
        (void)divak_span_start(tracer, "poison", 6, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
        ledger_note_end(book, bad_id = span.span_id);
        (void)divak_span_finish(&span);
    }
    uint64_t told = 0;
    int flushed = divak_tracer_flush(tracer, 20000, &told);
    outcome out = {.lost = told, .requests = book->requests};
    divak_stats stats = driver_stats(tracer);
    ledger_sum sum = ledger_add_up(book);
    if (flushed != (bad < spans ? DIVAK_ERROR_LOST : DIVAK_OK) ||
        told != stats.dropped[DIVAK_DROPPED_REJECTED])
        out.lost += 1000;
    out.others_lost = spans - sum.delivered - (bad < spans);
    /* Life goes on at full size. */
    book->largest_body = 0;
    for (uint64_t i = 0; i < spans; i++) driver_span(tracer, book, &divak_no_parent, i);
    (void)divak_tracer_flush(tracer, 20000, NULL);
    out.largest_later = book->largest_body;
    (void)divak_tracer_shutdown(tracer, 1000, NULL);
    stats = driver_settled_stats(tracer);
    out.others_lost += driver_unexplained(script, book, &stats, 2 * spans);
    return out;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) return 2;
    uint64_t spans = strtoull(argv[1], NULL, 10), worst_lost = 0, worst_extra = 0, cases = 0,
             failed = 0;
    uint64_t allowed = (uint64_t)(2 * log2((double)spans));
    static const char *const encodings[] = {"json", "proto3"}, *const batches[] = {
                                                                   "500000", "16MiB", "20000"};
    static const char *const scripts[] = {"poison@400", "poison@413"};
    book = collector_start("202", 1);
    for (int encoding = 0; encoding < 2; encoding++)
        for (int batch = 0; batch < 3; batch++) {
            outcome clean = run(encodings[encoding], batches[batch], "202", spans, spans);
            for (int script = 0; script < 2; script++)
                for (uint64_t place = 0; place < 5; place++) {
                    uint64_t bad = place < 3 ? place * (spans - 1) / 2 : (place * 7919) % spans;
                    outcome one =
                        run(encodings[encoding], batches[batch], scripts[script], spans, bad);
                    uint64_t extra =
                        one.requests > clean.requests ? one.requests - clean.requests : 0;
                    /* A 413 may teach a smaller size, but not one that is a fraction of what was
                     * accepted. */
                    bool is_small = one.largest_later * 4 < clean.largest_later;
                    bool is_bad =
                        one.lost != 1 || one.others_lost != 0 || extra > allowed || is_small;
                    printf("%s %s %s bad at %" PRIu64 ": lost %" PRIu64 ", others %" PRIu64
                           ", %" PRIu64 " requests, %" PRIu64
                           " without it, later bodies of %" PRIu64 " and %" PRIu64 "%s\n",
                           scripts[script], encodings[encoding], batches[batch], bad, one.lost,
                           one.others_lost, one.requests, clean.requests, one.largest_later,
                           clean.largest_later, is_bad ? " FAILED" : "");
                    cases++;
                    failed += is_bad;
                    if (one.lost + one.others_lost > worst_lost)
                        worst_lost = one.lost + one.others_lost;
                    if (extra > worst_extra) worst_extra = extra;
                }
        }
    collector_stop(book);
    printf("cases %" PRIu64 " worst_lost %" PRIu64 " worst_extra %" PRIu64 " allowed %" PRIu64
           " failed %" PRIu64 "\n",
           cases, worst_lost, worst_extra, allowed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
