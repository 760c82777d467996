/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - what became of every span, exactly.
 *
 *     divak_stats stats;
 *     divak_tracer_stats(tracer, 0, &stats);                    // as the first reporter sees it
 *     printf("%llu of %llu delivered\n", (unsigned long long)stats.delivered,
 *            (unsigned long long)stats.started);
 *
 * For each reporter, when nothing moves:
 *
 *     started + recovered  =  delivered  +  the sum of dropped[]  +  pending  +  live
 *
 * and at any instant the left side is at least the right one. Each term is counted where it
 * happens, none is computed from the others. `started` counts recorded spans, unsampled ones are in
 * no term; a forked child counts from zero. Reasons that are said to be unused stay 0 in this
 * version.
 */
#ifndef DIVAK_STATS_H
#define DIVAK_STATS_H

#include "divak/span.h"

DIVAK_BEGIN

/* Why a span was dropped. */
enum {
    DIVAK_DROPPED_RING_FULL = 0,      /* the thread's lane was full: the drainer did not keep up */
    DIVAK_DROPPED_NO_SLOT = 1,        /* too many open spans */
    DIVAK_DROPPED_TOO_BIG = 2,        /* the span alone is over the size of a message */
    DIVAK_DROPPED_BUDGET = 3,         /* the store was full: the oldest went */
    DIVAK_DROPPED_ENCODE = 4,         /* could not be encoded */
    DIVAK_DROPPED_REJECTED = 5,       /* the collector refused it for good */
    DIVAK_DROPPED_RETRY_EXPIRED = 6,  /* not sent in the time that shutdown had */
    DIVAK_DROPPED_REDIRECT = 7,       /* the collector answered with a redirect: not followed */
    DIVAK_DROPPED_TLS = 8,            /* its certificate or protocol was not good enough */
    DIVAK_DROPPED_AFTER_SHUTDOWN = 9, /* started or ended after it */
    DIVAK_DROPPED_REENTRANT = 10,     /* started or ended by a signal handler inside Divak */
    DIVAK_DROPPED_CONTENDED = 11,     /* more threads than lanes, and all shared ones were busy */
    DIVAK_DROPPED_FILTERED = 12,      /* dropped by a handler, or for firehose handlers only */
    DIVAK_DROPPED_TAIL_FORGOTTEN = 13, /* unused */
    DIVAK_DROPPED_TAIL_EVICTED = 14,   /* unused */
    DIVAK_DROPPED_SPOOL_FULL = 15,     /* unused */
    DIVAK_DROPPED_FLUSHER_STUCK = 16, /* the flusher hung in a library and was given up */
    DIVAK_DROPPED_CRASHED = 17,        /* unused */
    DIVAK_DROPPED_ABANDONED = 18,     /* by divak_span_abandon */
    DIVAK_DROPPED_COUNT = 19
};

typedef struct divak_stats {
    uint64_t started;
    uint64_t recovered; /* unused */
    uint64_t delivered;
    uint64_t dropped[DIVAK_DROPPED_COUNT];
    uint64_t pending; /* ended, on the way */
    uint64_t live;    /* not ended yet */

    uint64_t inherited_by_fork; /* ends and uses of spans that the parent process had opened */
    uint64_t truncated;         /* texts, tags, annotations and headers cut or left out */
    uint64_t sanitized;         /* texts that were not UTF-8 */
    uint64_t double_finish;     /* uses of a span after its end */
    uint64_t maybe_duplicate;   /* spans whose whole message left, but no answer came */
    uint64_t synthetic;         /* spans made by Divak to report a loss, outside of the identity */
    uint64_t reentrant;         /* calls refused in signal handlers, whatever they were */
    uint64_t scope_misuse;      /* closes of a scope that was not the innermost */
    uint64_t bad_header;        /* incoming headers that were malformed */
    uint64_t baggage_dropped;   /* baggage members over a limit */
    uint64_t negative_duration; /* ends before their start, reported as 1 microsecond */

    uint64_t messages;          /* bodies sent, tries included */
    uint64_t message_bytes;     /* of those, before compression */
    uint64_t message_failures;  /* tries that failed */
    uint64_t flusher_restarts;  /* threads given up and replaced */
    uint64_t lanes;             /* leased now */
    uint64_t bytes_mapped;      /* memory that the tracer holds for spans */
    uint64_t bad_endpoints;     /* answers of a supplier of endpoints that were of no use */
    uint64_t reserved[7];
} divak_stats;

/* The text of a reason: "ring_full". "unknown" for a number that is none. */
DIVAK_API const char *divak_dropped_text(uint32_t reason);

/* Fills `out_stats` for the `reporter`-th reporter, in order of adding; the one that a tracer has
 * when none was added is number 0. DIVAK_ERROR_INVALID when there is no such one or the tracer is
 * NULL (out_stats is zeroed). Any thread, also after shutdown; never blocks. */
DIVAK_API int divak_tracer_stats(divak_tracer *tracer, size_t reporter, divak_stats *out_stats);

DIVAK_END

#endif
