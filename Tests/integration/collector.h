/* SPDX-License-Identifier: Apache-2.0 */
/* collector.h - a fast collector in a process of its own that misbehaves by script, and a ledger
 * that both sides share.
 *
 *     ledger *book = collector_start("202", seed);           // before the first tracer
 *     ... endpoint http://127.0.0.1:(book->port)/api/v2/spans
 *     ledger_note_end(book, span.span_id);                   // for each span
 *     collector_use(book, "503,rst,202");                    // from the next request on
 *     ledger_sum sum = ledger_add_up(book);
 *     collector_stop(book);
 *
 * A script is a list of steps, one a request, over and over; with ! at its end the last step stays.
 * With ~ at its start each request draws one: ~503=30,rst,202=69. Steps:
 *
 *     N               this status
 *     retry@S         503 with Retry-After
 *     limit@B         413 above B bytes, else 202
 *     poison@N        status N if the body has the word "poison", else 202
 *     delay@MS        202 after a while
 *     slow@KB         202, but reads so many KiB a millisecond
 *     rst, close      after the body; rst@N, close@N: after N bytes of it
 *     reply-rst, reply-close    202 before that
 *     early@N         answers before the body
 *     stall           no answer, ever; noread: does not even read the body
 *     partial         half a status line; garbage: what is no HTTP
 *     drip@MS         headers without end, a byte every so many ms
 *     down            (alone) no listener and no connection
 *
 * A span counts as seen when its body came in whole, and as accepted when, after that, a 2xx was
 * about to be written.
 */
#ifndef DIVAK_TEST_COLLECTOR_H
#define DIVAK_TEST_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LEDGER_BITS = 21, LEDGER_SLOTS = 1 << LEDGER_BITS, LEDGER_SCRIPT = 512 };

typedef struct ledger_entry {
    uint64_t id; /* 0: free */
    uint32_t ended, seen, accepted;
    uint32_t reserved;
} ledger_entry;

typedef struct ledger {
    pid_t pid;
    int port;
    uint64_t seed;
    /* The script, changed under an odd number. */
    uint32_t version;
    char script[LEDGER_SCRIPT];
    /* What came. */
    uint64_t connections, requests, bodies, body_bytes, largest_body, undecodable, overflow;
    uint64_t
        connected_at[4096]; /* monotonic, of the first so many connections since the last clear */
    ledger_entry entries[LEDGER_SLOTS];
} ledger;

typedef struct ledger_sum {
    uint64_t ended;     /* spans that the program ended */
    uint64_t delivered; /* of those, accepted */
    uint64_t seen;      /* of those, seen */
    uint64_t repeated;  /* of those, accepted more than once */
    uint64_t foreign;   /* accepted, but ended by no one: Divak's own, or invented */
} ledger_sum;

ledger *collector_start(const char *script, uint64_t seed);
void collector_use(ledger *book, const char *script);
void collector_stop(ledger *book);

/* Any process that shares the ledger, any thread. */
void ledger_note_end(ledger *book, uint64_t id);
ledger_sum ledger_add_up(const ledger *book);
/* Only while nothing is sent. */
void ledger_clear(ledger *book);

uint64_t collector_now(void); /* monotonic nanoseconds */

#endif
