/* SPDX-License-Identifier: Apache-2.0 */
/* reporter.h - one destination of spans: its cursor in the store, its messages under way, and its part of the counts.
 *
 *     store --build--> message [span span span span] --send--> answer
 *                         |  400, 413: halves of it, one after the other, until the bad span stands alone
 *                         |  429, 5xx, no connection: the same part again, later
 *                         +- all parts done: the message is free for the next spans
 *
 * All functions are the flusher's; the counters are read by anyone.
 */
#ifndef DIVAK_EXPORT_REPORTER_H
#define DIVAK_EXPORT_REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/buffer.h"
#include "base/thread.h"
#include "divak/reporter.h"
#include "divak/stats.h"
#include "export/reporter_spec.h"
#include "export/store.h"
#include "wire/encode_context.h"

struct divak_http_pool;
struct divak_http_target;

enum {
    DIVAK_REPORTERS_MAX = 8,
    DIVAK_MESSAGES_MAX = 64,
    DIVAK_SPLIT_DEPTH = 32
};

/* A run of spans of a message: from `first` to before `end`. */
typedef struct divak_span_range {
    uint32_t first, end;
    bool is_left_half;  /* the other half of what was refused for a bad span is below it on the stack */
    bool has_bad_span;  /* since its left half was accepted: not worth a request but for one span */
} divak_span_range;

typedef enum divak_message_state {
    DIVAK_MESSAGE_FREE,
    DIVAK_MESSAGE_READY,    /* to be sent as soon as the reporter may */
    DIVAK_MESSAGE_IN_FLIGHT
} divak_message_state;

/* Spans encoded together. Parts of it may be on their own way after a split; one is under way at a time. */
typedef struct divak_message {
    divak_message_state state;
    divak_buffer body;      /* of a JSON list, or spans one after the other */
    divak_buffer offsets;   /* uint32_t: where each span begins in body, and one more: where the next would */
    uint32_t count;
    uint32_t synthetic;     /* the last so many of count are Divak's own reports */
    uint64_t begins_at;     /* position in the store of its first span */
    divak_span_range parts[DIVAK_SPLIT_DEPTH]; /* a stack of what is still to be sent */
    uint32_t part_count;
    uint32_t requests;      /* answered for it */
    uint32_t request_limit;
    bool any_delivered;
    uint64_t delivered_bytes; /* of its largest part that was accepted */
    bool was_too_large;     /* some part of it got a 413 */
    uint64_t piece_bytes;   /* the collector has shown its limit: larger parts are not worth a request; 0: it has not */
    bool is_probe;          /* no spans: a check of the endpoint */
} divak_message;

enum { DIVAK_FAILURE_SIZE = 256 };

typedef struct divak_reporter_counters {
    divak_atomic_u64 delivered;
    divak_atomic_u64 pending;  /* taken into the store for this reporter, not yet delivered or dropped */
    divak_atomic_u64 dropped[DIVAK_DROPPED_COUNT];
    divak_atomic_u64 maybe_duplicate, synthetic;
    divak_atomic_u64 messages, message_bytes, message_failures;
    divak_atomic_u64 bad_endpoints;
} divak_reporter_counters;

typedef struct divak_reporter {
    divak_reporter_spec spec;
    struct divak_http_target *target; /* of the kind Zipkin */
    struct divak_http_target *last_target; /* of the endpoint before, while requests to it are under way */
    char display[160];                /* of the endpoint, for log lines */
    bool is_json;
    uint64_t message_bytes;           /* largest message */
    uint64_t accepted_bytes;          /* what 413s have taught: no larger one is built */
    uint64_t delivered_bytes;         /* of the largest part that was accepted, as far as that still holds */
    unsigned message_limit;           /* messages at once */
    divak_store_cursor next;          /* the first span not in a message yet */
    uint64_t unsent_since;            /* monotonic time when it came into the store; 0: none */
    divak_message messages[DIVAK_MESSAGES_MAX];
    /* After failures. */
    uint32_t failures;                /* in a row */
    uint64_t not_before;              /* monotonic time before which nothing is sent */
    uint64_t last_log;
    uint64_t failed_spans_since_log;
    uint64_t losses_reported[DIVAK_DROPPED_COUNT]; /* what the last synthetic span told, by reason */
    char failure[DIVAK_FAILURE_SIZE]; /* why the last message failed, ended by 0; "": it did not. Under the mutex */
    uint64_t next_supply;             /* monotonic time before which its supplier is not asked */
    uint64_t last_supply_log;
    char supply_failure[DIVAK_FAILURE_SIZE]; /* why its last answer was of no use; as failure */
    int probe_result;                 /* DIVAK_ABSENT while it is under way */
    divak_reporter_counters counters;
} divak_reporter;

/* What reporters need from their flusher. */
typedef struct divak_delivery {
    const divak_store *store;
    divak_encode_context *encoder;
    struct divak_http_pool *pool;
    uint64_t now;            /* monotonic */
    uint64_t flush_interval;
    bool is_hurried;         /* a flush or shutdown waits: send what there is */
    bool gives_up_refused;   /* what nobody takes, since nobody listens, is not tried again */
    bool logs;
    divak_mutex *mutex;      /* of what others may read: failure. NULL: nobody will */
    uint64_t lost_before_store[DIVAK_DROPPED_COUNT]; /* drops that befell all reporters alike, by reason */
    uint64_t random;         /* state for jitter and ids */
} divak_delivery;

/* Notes a span that was just appended to the store. */
void divak_reporter_appended(divak_reporter *reporter, uint64_t now);
/* The record at `position` leaves the store: it is lost if it was not in a message yet. */
void divak_reporter_forgotten(divak_reporter *reporter, const divak_store *store, uint64_t position);
/* Builds and sends what is due. */
void divak_reporter_pump(divak_reporter *reporter, divak_delivery *delivery);
/* When it wants to be pumped again by itself, monotonic; UINT64_MAX: not. */
uint64_t divak_reporter_next_time(const divak_reporter *reporter, const divak_delivery *delivery);
/* Whether all that is before `position` of the store is delivered or dropped. */
bool divak_reporter_is_done(const divak_reporter *reporter, uint64_t position);
/* Gives up all that is not delivered, for this reason. */
void divak_reporter_give_up(divak_reporter *reporter, divak_delivery *delivery, uint32_t reason);
/* Gives up the messages that are under way only. */
void divak_reporter_give_up_in_flight(divak_reporter *reporter, uint32_t reason);
/* Leaves the bodies that are being sent to the thread that hangs while it sends them. */
void divak_reporter_leave_bodies(divak_reporter *reporter);
/* Drops so far that a user has to hear of; deliberate ones are left out. */
uint64_t divak_reporter_losses(const divak_reporter *reporter);
/* An empty message to see whether anyone is there. */
void divak_reporter_probe(divak_reporter *reporter, divak_delivery *delivery);
/* For a forked child: nothing under way, nothing pending, counts zero; memory is kept. */
void divak_reporter_reset_after_fork(divak_reporter *reporter);

/* ---- between the files of the reporter ---------------------------------------------------------------------------- */

/* What became of the part on top of the stack. */
typedef enum divak_part_result {
    DIVAK_PART_DELIVERED,
    DIVAK_PART_RETRY,
    DIVAK_PART_SPLIT,      /* some span in it is bad */
    DIVAK_PART_TOO_LARGE,  /* or so large that no message may hold it */
    DIVAK_PART_DROP
} divak_part_result;

void divak_reporter_settle_part(divak_reporter *reporter, divak_delivery *delivery, divak_message *message,
                                divak_part_result result, uint32_t drop_reason, uint64_t retry_after,
                                const char *text);
struct divak_http_reply;
/* An answer to a message of this reporter. */
void divak_reporter_settle_reply(divak_reporter *reporter, divak_delivery *delivery,
                                 const struct divak_http_reply *reply);
/* Fills a free message from the store; false when there was nothing to put in. */
bool divak_message_build(divak_message *message, divak_reporter *reporter, divak_delivery *delivery);
/* The bytes of the part on top of the stack, framed as a message of its own. */
const char *divak_message_part(divak_message *message, bool is_json, size_t *out_length);

#endif
