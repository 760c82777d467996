/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - spans encoded together, and the parts that a message falls into when a collector refuses it. */
#include <string.h>

#include "base/clock.h"
#include "export/loss_span.h"
#include "export/reporter.h"
#include "model/dropped.h"
#include "wire/json.h"
#include "wire/proto3.h"

/* Requests for one message at most: 4 log2(n), and room for the first tries of small ones. */
static uint32_t request_limit_for(uint32_t count) {
    uint32_t bits = 1;
    while (count >> bits != 0) bits++;
    return 4 * bits + 4;
}

static int append_span(divak_buffer *body, const divak_reporter *reporter, divak_encode_context *encoder,
                       const divak_record *record) {
    if (!reporter->is_json) return divak_proto3_append_span(body, encoder, record);
    size_t before = body->length;
    if (before > 1) divak_json_separate(body);
    int status = divak_json_append_span(body, encoder, record);
    if (status != DIVAK_OK) body->length = before;
    return status;
}

/* Where the next span begins: behind the comma that will be there. */
static bool note_offset(divak_message *message, const divak_reporter *reporter) {
    uint32_t offset = (uint32_t)message->body.length;
    if (reporter->is_json && message->count != 0) offset++;
    divak_buffer_append(&message->offsets, &offset, sizeof offset);
    return !message->offsets.failed;
}

static void count_dropped(divak_reporter *reporter, uint32_t reason, uint64_t spans) {
    divak_subtract_relaxed(&reporter->counters.pending, spans);
    divak_add_release(&reporter->counters.dropped[reason], spans); /* after pending: never seen in both */
}

static void append_loss_report(divak_message *message, divak_reporter *reporter, divak_delivery *delivery,
                               uint64_t limit) {
    uint64_t lost[DIVAK_DROPPED_COUNT] = {0}, all[DIVAK_DROPPED_COUNT] = {0}, total = 0, is_new = 0;
    for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) {
        if (!divak_dropped_is_loss(reason)) continue;
        all[reason] = divak_load_relaxed(&reporter->counters.dropped[reason]) + delivery->lost_before_store[reason];
        lost[reason] = all[reason] - reporter->losses_reported[reason];
        total += all[reason];
        is_new |= lost[reason];
    }
    if (is_new == 0 || message->count == 0) return;
    uint64_t storage[DIVAK_LOSS_SPAN_WORDS];
    divak_record *record = divak_loss_span_make(storage, lost, total, &delivery->random);
    size_t body = message->body.length, offsets = message->offsets.length;
    if (!note_offset(message, reporter) ||
        append_span(&message->body, reporter, delivery->encoder, record) != DIVAK_OK ||
        message->body.length + 2 > limit) {
        /* No memory or no room for it: the spans go without, and the next message may tell. */
        message->body.failed = message->offsets.failed = false;
        message->body.length = body;
        message->offsets.length = offsets;
        return;
    }
    memcpy(reporter->losses_reported, all, sizeof all);
    message->count++;
    message->synthetic = 1;
    divak_add_relaxed(&reporter->counters.synthetic, 1);
}

bool divak_message_build(divak_message *message, divak_reporter *reporter, divak_delivery *delivery) {
    uint64_t limit = reporter->message_bytes < reporter->accepted_bytes ? reporter->message_bytes
                                                                        : reporter->accepted_bytes;
    divak_buffer_clear(&message->body);
    divak_buffer_clear(&message->offsets);
    message->count = 0;
    message->synthetic = 0;

    bool is_first = true;
    const divak_record *record;
    while ((record = divak_store_read(delivery->store, &reporter->next)) != NULL) {
        if (is_first) message->begins_at = reporter->next.position;
        is_first = false;
        /* Now, not once for all: there may have been no memory for it when the span before was given up. */
        if (reporter->is_json && message->body.length == 0) divak_json_begin_list(&message->body);
        size_t before = message->body.length;
        int status = note_offset(message, reporter) ? DIVAK_OK : DIVAK_ERROR_MEMORY;
        size_t offsets = message->offsets.length - (status == DIVAK_OK ? sizeof(uint32_t) : 0);
        const uint64_t sanitized = delivery->encoder->sanitized;
        if (status == DIVAK_OK) status = append_span(&message->body, reporter, delivery->encoder, record);
        if (status == DIVAK_OK && message->body.length + 2 > limit && message->count != 0) {
            /* One too many: it begins the next message. */
            message->body.length = before;
            message->offsets.length = offsets;
            break;
        }
        if (status == DIVAK_ERROR_MEMORY) {
            /* Sent is what fits; without any room the span is given up, or nothing would ever move. */
            message->body.failed = message->offsets.failed = false;
            message->body.length = before;
            message->offsets.length = offsets;
            if (message->count != 0) break;
        }
        divak_store_step(delivery->store, &reporter->next, record->length);
        if (status != DIVAK_OK) {
            message->offsets.length = offsets;
            message->body.length = before;
            count_dropped(reporter, DIVAK_DROPPED_ENCODE, 1);
        } else if (message->body.length + 2 > reporter->message_bytes) {
            message->offsets.length = offsets;
            message->body.length = before;
            count_dropped(reporter, DIVAK_DROPPED_TOO_BIG, 1);
        } else {
            message->count++;
            divak_add_relaxed(&reporter->counters.sanitized, delivery->encoder->sanitized - sanitized);
        }
    }
    if (message->count == 0) return false;
    append_loss_report(message, reporter, delivery, limit);
    (void)note_offset(message, reporter);
    if (reporter->is_json) divak_json_end_list(&message->body);
    if (message->body.failed || message->offsets.failed) {
        /* Not even the closing bracket had room. */
        count_dropped(reporter, DIVAK_DROPPED_ENCODE, message->count - message->synthetic);
        message->body.failed = message->offsets.failed = false;
        return false;
    }
    message->parts[0] = (divak_span_range){.end = message->count};
    message->part_count = 1;
    message->requests = 0;
    message->request_limit = request_limit_for(message->count);
    message->any_delivered = message->was_too_large = false;
    message->delivered_bytes = message->piece_bytes = 0;
    message->state = DIVAK_MESSAGE_READY;
    return true;
}

const char *divak_message_part(divak_message *message, bool is_json, size_t *out_length) {
    if (message->is_probe) {
        *out_length = message->body.length;
        return message->body.bytes;
    }
    const divak_span_range *part = &message->parts[message->part_count - 1];
    const uint32_t *offsets = (const uint32_t *)(const void *)message->offsets.bytes;
    uint32_t begin = offsets[part->first], end = offsets[part->end];
    if (!is_json) {
        *out_length = end - begin;
        return message->body.bytes + begin;
    }
    /* The byte before the part is the list's bracket or a comma, and so is the one behind: both become brackets. Parts
     * are sent one at a time, so that neighbours never need the same byte at once. */
    char *text = message->body.bytes + begin - 1;
    size_t length = end - begin + 1;
    text[0] = '[';
    text[length - 1] = ']';
    *out_length = length;
    return text;
}
