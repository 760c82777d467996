/* SPDX-License-Identifier: Apache-2.0 */
/* reporter.c - when a reporter sends, and what it learns from the answers. */
#include "export/reporter.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "export/loss_span.h"
#include "export/local_sinks.h"
#include "model/dropped.h"
#if !defined(DIVAK_WITHOUT_CURL)
#include "export/http.h"
#endif

#define MILLISECOND UINT64_C(1000000)
#define FIRST_BACK_OFF (100 * MILLISECOND)
#define LONGEST_BACK_OFF (30000 * MILLISECOND)
#define LOG_INTERVAL (60000 * MILLISECOND)

/* ---- counts ------------------------------------------------------------------------------------------------------ */

/* Out of pending first: a reader who goes downstream may miss a span for a moment, but never sees it twice. */
static void count_delivered(divak_reporter *reporter, uint64_t spans) {
    divak_subtract_relaxed(&reporter->counters.pending, spans);
    divak_add_release(&reporter->counters.delivered, spans);
}

static void count_dropped(divak_reporter *reporter, uint32_t reason, uint64_t spans) {
    if (spans == 0) return;
    divak_subtract_relaxed(&reporter->counters.pending, spans);
    divak_add_release(&reporter->counters.dropped[reason], spans);
}

uint64_t divak_reporter_losses(const divak_reporter *reporter) {
    uint64_t losses = 0;
    for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) {
        if (divak_dropped_is_loss(reason)) losses += divak_load_relaxed(&reporter->counters.dropped[reason]);
    }
    return losses;
}

void divak_reporter_appended(divak_reporter *reporter, uint64_t now) {
    divak_add_release(&reporter->counters.pending, 1); /* after it left its lane's count: never seen in both */
    if (reporter->unsent_since == 0) reporter->unsent_since = now;
}

void divak_reporter_forgotten(divak_reporter *reporter, const divak_store *store, uint64_t position) {
    divak_store_cursor cursor = reporter->next;
    const divak_record *record = divak_store_read(store, &cursor);
    if (record == NULL || cursor.position != position) return;
    divak_store_step(store, &cursor, record->length);
    reporter->next = cursor;
    count_dropped(reporter, DIVAK_DROPPED_BUDGET, 1);
}

/* ---- parts of messages ------------------------------------------------------------------------------------------- */

/* Spans of users in a run; the synthetic ones are the last of the message. */
static uint64_t real_spans(const divak_message *message, divak_span_range part) {
    uint32_t real = message->count - message->synthetic;
    uint32_t end = part.end < real ? part.end : real;
    return end > part.first ? end - part.first : 0;
}

static void release_message(divak_message *message) {
    message->state = DIVAK_MESSAGE_FREE;
    message->part_count = 0;
}

static void drop_all_parts(divak_reporter *reporter, divak_message *message, uint32_t reason) {
    for (uint32_t i = 0; i < message->part_count; i++) {
        count_dropped(reporter, reason, real_spans(message, message->parts[i]));
    }
    release_message(message);
}

/* Full jitter: anywhere between nothing and the limit, which doubles with every failure; so that a thousand clients do
 * not come back at the same moment. */
static void back_off(divak_reporter *reporter, divak_delivery *delivery, uint64_t retry_after) {
    uint32_t doublings = reporter->failures < 9 ? reporter->failures : 9;
    uint64_t limit = FIRST_BACK_OFF << doublings;
    if (limit > LONGEST_BACK_OFF) limit = LONGEST_BACK_OFF;
    uint64_t wait = divak_next_random(&delivery->random) % limit;
    if (wait < FIRST_BACK_OFF / 10) wait = FIRST_BACK_OFF / 10;
    if (retry_after != 0) wait = retry_after + wait % (retry_after / 4 + 1);
    reporter->not_before = delivery->now + wait;
    reporter->failures++;
}

/* At most one line a minute. */
static void log_failure(divak_reporter *reporter, divak_delivery *delivery, uint64_t spans, const char *what,
                        const char *text) {
    reporter->failed_spans_since_log += spans;
    if (!delivery->logs) return;
    if (reporter->last_log != 0 && delivery->now - reporter->last_log < LOG_INTERVAL) return;
    reporter->last_log = delivery->now;
    divak_log_line("%s, %llu spans %s", text[0] == 0 ? reporter->display : text,
                   (unsigned long long)reporter->failed_spans_since_log, what);
    reporter->failed_spans_since_log = 0;
}

/* What a caller may ask for after a check that failed, or when spans do not arrive. */
static void note_failure(divak_reporter *reporter, divak_delivery *delivery, const char *text) {
    if (text[0] == 0 && reporter->failure[0] == 0) return;
    if (delivery->mutex != NULL) divak_mutex_lock(delivery->mutex);
    (void)snprintf(reporter->failure, sizeof reporter->failure, "%s", text);
    if (delivery->mutex != NULL) divak_mutex_unlock(delivery->mutex);
}

static void settle_probe(divak_reporter *reporter, divak_message *message, divak_part_result result) {
    reporter->probe_result = result == DIVAK_PART_DELIVERED ? DIVAK_OK : DIVAK_ERROR_SYSTEM;
    release_message(message);
}

/* A 413 says "too large", and a collector may mean a single span by it: only what else was accepted tells which. So it
 * is learned from whole messages, at their end. */
static void learn_size(divak_reporter *reporter, const divak_message *message) {
    enum { SMALLEST = 1024 };
    uint64_t delivered = message->delivered_bytes;
    if (message->was_too_large && message->any_delivered) {
        if (message->body.length > reporter->delivered_bytes) {
            uint64_t largest = delivered > reporter->delivered_bytes ? delivered : reporter->delivered_bytes;
            reporter->accepted_bytes = largest < SMALLEST ? SMALLEST : largest;
        } else {
            /* As large ones were accepted before: one span was meant, or the limit has changed, as the next will show. */
            reporter->delivered_bytes = delivered;
        }
    }
    if (delivered > reporter->delivered_bytes) reporter->delivered_bytes = delivered;
    if (delivered > reporter->accepted_bytes) reporter->accepted_bytes = delivered;
}

/* Halves the part that was just taken off the stack. */
static void push_halves(divak_message *message, divak_span_range part, bool is_for_bad_span) {
    uint32_t middle = part.first + (part.end - part.first) / 2;
    message->parts[message->part_count++] = (divak_span_range){.first = middle, .end = part.end};
    message->parts[message->part_count++] =
        (divak_span_range){.first = part.first, .end = middle, .is_left_half = is_for_bad_span};
}

/* Parts that need no request to be known as refused are split in silence. */
static void split_known(const divak_reporter *reporter, divak_message *message) {
    const uint32_t *offsets = (const uint32_t *)(const void *)message->offsets.bytes;
    uint64_t limit = message->piece_bytes != 0 ? message->piece_bytes : reporter->accepted_bytes;
    for (;;) {
        divak_span_range part = message->parts[message->part_count - 1];
        bool is_known = part.has_bad_span || offsets[part.end] - offsets[part.first] > limit;
        if (!is_known || part.end - part.first == 1 || message->part_count + 1 > DIVAK_SPLIT_DEPTH) return;
        message->part_count--;
        push_halves(message, part, part.has_bad_span);
    }
}

static void succeed(divak_reporter *reporter) {
    reporter->failures = 0;
    reporter->not_before = 0;
}

void divak_reporter_settle_part(divak_reporter *reporter, divak_delivery *delivery, divak_message *message,
                                divak_part_result result, uint32_t drop_reason, uint64_t retry_after,
                                const char *text) {
    message->state = DIVAK_MESSAGE_READY;
    const bool has_failed = result != DIVAK_PART_DELIVERED;
    if (has_failed) divak_add_relaxed(&reporter->counters.message_failures, 1);
    note_failure(reporter, delivery, !has_failed ? "" : text[0] != 0 ? text : reporter->display);
    if (message->is_probe) {
        settle_probe(reporter, message, result);
        return;
    }
    divak_span_range part = message->parts[message->part_count - 1];
    uint64_t spans = real_spans(message, part);
    if (result != DIVAK_PART_RETRY) message->requests++; /* what the limit is for: answers, not outages */
    switch (result) {
    case DIVAK_PART_DELIVERED:
        message->part_count--;
        message->any_delivered = true;
        if (part.is_left_half) message->parts[message->part_count - 1].has_bad_span = true;
        count_delivered(reporter, spans);
        succeed(reporter);
        break;
    case DIVAK_PART_RETRY:
        log_failure(reporter, delivery, spans, "wait", text);
        back_off(reporter, delivery, retry_after);
        break;
    case DIVAK_PART_DROP:
        log_failure(reporter, delivery, spans, "dropped", text);
        message->part_count--;
        count_dropped(reporter, drop_reason, spans);
        back_off(reporter, delivery, retry_after);
        break;
    case DIVAK_PART_SPLIT:
    case DIVAK_PART_TOO_LARGE:
        message->part_count--;
        if (part.end - part.first == 1) {
            log_failure(reporter, delivery, spans, "dropped", text);
            count_dropped(reporter, DIVAK_DROPPED_REJECTED, spans);
        } else if (message->part_count + 2 <= DIVAK_SPLIT_DEPTH) {
            push_halves(message, part, result == DIVAK_PART_SPLIT);
        } else {
            count_dropped(reporter, DIVAK_DROPPED_REJECTED, spans);
        }
        if (message->requests >= message->request_limit && message->part_count != 0) {
            log_failure(reporter, delivery, 0, "dropped", text);
            bool helped = message->any_delivered;
            drop_all_parts(reporter, message, DIVAK_DROPPED_REJECTED);
            if (!helped) back_off(reporter, delivery, retry_after);
            return;
        }
        break;
    }
    if (message->part_count == 0) {
        learn_size(reporter, message);
        release_message(message);
    } else {
        split_known(reporter, message);
    }
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* Sends the part on top: DIVAK_OK under way, or settled already; DIVAK_ERROR_FULL: no connection is free now. */
static int send_part(divak_reporter *reporter, divak_delivery *delivery, divak_message *message) {
    size_t length;
    const char *bytes = divak_message_part(message, reporter->is_json, &length);
    switch (reporter->spec.kind) {
    case DIVAK_REPORTER_ZIPKIN: {
#if !defined(DIVAK_WITHOUT_CURL)
        if (reporter->target == NULL) break;
        int status = divak_http_send(reporter->target, bytes, length, message);
        if (status == DIVAK_ERROR_FULL) return status;
        divak_add_relaxed(&reporter->counters.messages, 1);
        divak_add_relaxed(&reporter->counters.message_bytes, length);
        message->state = DIVAK_MESSAGE_IN_FLIGHT;
        if (status == DIVAK_OK) return DIVAK_OK;
        divak_reporter_settle_part(reporter, delivery, message, DIVAK_PART_RETRY, 0, 0, "no memory to send");
        return DIVAK_OK;
#else
        break;
#endif
    }
    default:
        divak_add_relaxed(&reporter->counters.messages, 1);
        divak_add_relaxed(&reporter->counters.message_bytes, length);
        divak_local_sink_send(reporter, delivery, message, bytes, length);
        return DIVAK_OK;
    }
    divak_reporter_settle_part(reporter, delivery, message, DIVAK_PART_DROP, DIVAK_DROPPED_REJECTED, 0,
                               "no transport");
    return DIVAK_OK;
}

#if !defined(DIVAK_WITHOUT_CURL)
void divak_reporter_settle_reply(divak_reporter *reporter, divak_delivery *delivery, const divak_http_reply *reply) {
    divak_message *message = reply->tag;
    size_t length;
    (void)divak_message_part(message, reporter->is_json, &length);
    if (reply->maybe_delivered && !message->is_probe) {
        uint64_t spans = real_spans(message, message->parts[message->part_count - 1]);
        divak_add_relaxed(&reporter->counters.maybe_duplicate, spans);
    }
    divak_part_result result = DIVAK_PART_DROP;
    uint32_t reason = DIVAK_DROPPED_REJECTED;
    switch (reply->outcome) {
    case DIVAK_OUTCOME_DELIVERED: result = DIVAK_PART_DELIVERED; break;
    case DIVAK_OUTCOME_RETRY: result = DIVAK_PART_RETRY; break;
    case DIVAK_OUTCOME_SPLIT: result = DIVAK_PART_SPLIT; break;
    case DIVAK_OUTCOME_REJECTED: break;
    case DIVAK_OUTCOME_REDIRECT: reason = DIVAK_DROPPED_REDIRECT; break;
    case DIVAK_OUTCOME_TLS: reason = DIVAK_DROPPED_TLS; break;
    }
    bool is_given_up = reply->is_refused && delivery->gives_up_refused;
    if (is_given_up) {
        result = DIVAK_PART_DROP;
        reason = DIVAK_DROPPED_RETRY_EXPIRED;
    }
    if (result == DIVAK_PART_SPLIT && reply->http_status == 413 && length > message->delivered_bytes) {
        enum { CLEARLY = 3 }; /* times larger than what was accepted of the same message; a bad span's neighbour is 2 */
        uint64_t accepted = message->delivered_bytes;
        if (accepted != 0 && length >= CLEARLY * accepted) message->piece_bytes = accepted;
        result = DIVAK_PART_TOO_LARGE;
        message->was_too_large = true;
    }
    if (result == DIVAK_PART_DELIVERED && length > message->delivered_bytes) message->delivered_bytes = length;
    divak_reporter_settle_part(reporter, delivery, message, result, reason, reply->retry_after, reply->text);
    if (is_given_up) reporter->not_before = 0; /* for what is left there is no later */
}
#endif

/* A message's worth is waiting: bodies are about twice as long as records. */
static bool has_a_message_full(const divak_reporter *reporter, const divak_delivery *delivery) {
    uint64_t waiting = delivery->store->end.position - reporter->next.position;
    return waiting >= reporter->message_bytes / 2;
}

static bool is_due(const divak_reporter *reporter, const divak_delivery *delivery) {
    if (reporter->next.position == delivery->store->end.position) return false;
    if (delivery->is_hurried || has_a_message_full(reporter, delivery)) return true;
    return reporter->unsent_since != 0 && delivery->now - reporter->unsent_since >= delivery->flush_interval;
}

static unsigned in_use(const divak_reporter *reporter) {
    unsigned count = 0;
    for (unsigned i = 0; i < reporter->message_limit; i++) count += reporter->messages[i].state != DIVAK_MESSAGE_FREE;
    return count;
}

static divak_message *free_message(divak_reporter *reporter) {
    for (unsigned i = 0; i < reporter->message_limit; i++) {
        if (reporter->messages[i].state == DIVAK_MESSAGE_FREE) return &reporter->messages[i];
    }
    return NULL;
}

/* After a failure one message alone tries whether the collector is back. */
static bool is_waiting_for_one(const divak_reporter *reporter) {
    if (reporter->failures == 0) return false;
    for (unsigned i = 0; i < reporter->message_limit; i++) {
        if (reporter->messages[i].state == DIVAK_MESSAGE_IN_FLIGHT) return true;
    }
    return false;
}

static bool may_send(const divak_reporter *reporter, const divak_delivery *delivery) {
    return delivery->now >= reporter->not_before && !is_waiting_for_one(reporter);
}

void divak_reporter_pump(divak_reporter *reporter, divak_delivery *delivery) {
    for (unsigned i = 0; i < reporter->message_limit; i++) {
        divak_message *message = &reporter->messages[i];
        while (message->state == DIVAK_MESSAGE_READY && may_send(reporter, delivery)) {
            if (send_part(reporter, delivery, message) != DIVAK_OK) return;
        }
    }
    while (may_send(reporter, delivery) && is_due(reporter, delivery)) {
        divak_message *message = free_message(reporter);
        if (message == NULL) return;
        bool has_spans = divak_message_build(message, reporter, delivery);
        if (reporter->next.position == delivery->store->end.position) {
            reporter->unsent_since = 0;
        } else if (!delivery->is_hurried) {
            reporter->unsent_since = delivery->now;
        }
        if (!has_spans) continue;
        while (message->state == DIVAK_MESSAGE_READY && may_send(reporter, delivery)) {
            if (send_part(reporter, delivery, message) != DIVAK_OK) return;
        }
    }
}

uint64_t divak_reporter_next_time(const divak_reporter *reporter, const divak_delivery *delivery) {
    bool waits = in_use(reporter) != 0 || reporter->next.position != delivery->store->end.position;
    if (!waits) return UINT64_MAX;
    if (reporter->not_before > delivery->now) return reporter->not_before;
    if (is_waiting_for_one(reporter) || free_message((divak_reporter *)(uintptr_t)reporter) == NULL) return UINT64_MAX;
    return reporter->unsent_since == 0 ? UINT64_MAX : reporter->unsent_since + delivery->flush_interval;
}

bool divak_reporter_is_done(const divak_reporter *reporter, uint64_t position) {
    if (reporter->next.position < position) return false;
    for (unsigned i = 0; i < reporter->message_limit; i++) {
        const divak_message *message = &reporter->messages[i];
        if (message->state != DIVAK_MESSAGE_FREE && !message->is_probe && message->begins_at < position) return false;
    }
    return true;
}

void divak_reporter_give_up_in_flight(divak_reporter *reporter, uint32_t reason) {
    for (unsigned i = 0; i < DIVAK_MESSAGES_MAX; i++) {
        if (reporter->messages[i].state == DIVAK_MESSAGE_FREE) continue;
        if (reporter->messages[i].is_probe) reporter->probe_result = DIVAK_ERROR_TIMEOUT;
        drop_all_parts(reporter, &reporter->messages[i], reason);
    }
}

void divak_reporter_leave_bodies(divak_reporter *reporter) {
    for (unsigned i = 0; i < DIVAK_MESSAGES_MAX; i++) {
        if (reporter->messages[i].state == DIVAK_MESSAGE_IN_FLIGHT) reporter->messages[i].body = (divak_buffer){0};
    }
}

/* A collector that neither takes nor refuses has made no failure so far: these spans' end is the first word on it. */
static void log_given_up(divak_reporter *reporter, divak_delivery *delivery, uint64_t spans) {
    char text[sizeof reporter->failure];
    if (spans == 0) return;
    (void)snprintf(text, sizeof text, "%s: no answer in time", reporter->display);
    log_failure(reporter, delivery, spans, "dropped", reporter->failure[0] != 0 ? reporter->failure : text);
}

void divak_reporter_give_up(divak_reporter *reporter, divak_delivery *delivery, uint32_t reason) {
    uint64_t dropped = divak_load_relaxed(&reporter->counters.dropped[reason]);
#if !defined(DIVAK_WITHOUT_CURL)
    if (reporter->target != NULL) divak_http_cancel_all(reporter->target);
    if (reporter->last_target != NULL) divak_http_cancel_all(reporter->last_target);
#endif
    divak_reporter_give_up_in_flight(reporter, reason);
    const divak_record *record;
    uint64_t spans = 0;
    while ((record = divak_store_read(delivery->store, &reporter->next)) != NULL) {
        divak_store_step(delivery->store, &reporter->next, record->length);
        spans++;
    }
    count_dropped(reporter, reason, spans);
    log_given_up(reporter, delivery, divak_load_relaxed(&reporter->counters.dropped[reason]) - dropped);
    reporter->unsent_since = 0;
}

void divak_reporter_probe(divak_reporter *reporter, divak_delivery *delivery) {
    divak_message *message = free_message(reporter);
    if (message == NULL) {
        reporter->probe_result = DIVAK_ERROR_TIMEOUT;
        return;
    }
    reporter->probe_result = DIVAK_ABSENT;
    divak_buffer_clear(&message->body);
    if (reporter->is_json) divak_buffer_append(&message->body, "[]", 2);
    message->count = message->synthetic = message->part_count = message->requests = 0;
    message->is_probe = true;
    message->state = DIVAK_MESSAGE_READY;
    if (send_part(reporter, delivery, message) != DIVAK_OK) {
        reporter->probe_result = DIVAK_ERROR_TIMEOUT;
        release_message(message);
    }
}

void divak_reporter_reset_after_fork(divak_reporter *reporter) {
    for (unsigned i = 0; i < DIVAK_MESSAGES_MAX; i++) release_message(&reporter->messages[i]);
    reporter->target = reporter->last_target = NULL;
    reporter->next_supply = reporter->last_supply_log = 0;
    reporter->supply_failure[0] = '\0';
    reporter->next = (divak_store_cursor){0};
    reporter->unsent_since = reporter->not_before = reporter->last_log = 0;
    reporter->failures = 0;
    reporter->failure[0] = '\0';
    reporter->failed_spans_since_log = 0;
    memset(reporter->losses_reported, 0, sizeof reporter->losses_reported);
    memset(&reporter->counters, 0, sizeof reporter->counters);
}
