/* SPDX-License-Identifier: Apache-2.0 */
/* reporter_log_test.c - failures are told on standard error: the first at once, then a line a minute at most. */
#include <unistd.h>

#include "check.h"
#include "divak/status.h"
#include "export/reporter.h"

#define SECOND UINT64_C(1000000000)

static divak_reporter reporter;
static divak_delivery delivery;
static divak_message message;
static uint32_t offsets[16]; /* of spans without bytes */

/* What was put on standard error. */
static char text[1024];
static int ends[2], saved;

static void listen(void) {
    saved = dup(STDERR_FILENO);
    CHECK_INT(0, pipe(ends));
    dup2(ends[1], STDERR_FILENO);
}

static void read_text(void) {
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    close(saved);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    close(ends[0]);
}

/* One span fails at this second. */
static void fail_at(uint64_t nanoseconds) {
    listen();
    message.count = message.part_count = 1;
    message.parts[0] = (divak_span_range){.first = 0, .end = 1};
    divak_add_relaxed(&reporter.counters.pending, 1);
    delivery.now = nanoseconds;
    divak_reporter_settle_part(&reporter, &delivery, &message, DIVAK_PART_DROP, DIVAK_DROPPED_REJECTED, 0,
                               "http://gate:9411: HTTP 401");
    read_text();
}

static void expect(const char *expected, uint64_t nanoseconds) {
    fail_at(nanoseconds);
    CHECK_TEXT(expected, text, strlen(text));
}

static void begin(bool logs) {
    memset(&reporter, 0, sizeof reporter);
    memset(&message, 0, sizeof message);
    message.offsets.bytes = (void *)offsets;
    delivery = (divak_delivery){.logs = logs, .random = 1};
}

TEST(the_first_failure_is_told_at_once_and_others_a_minute_later_with_all_their_spans) {
    begin(true);
    uint64_t start = 5 * SECOND;
    expect("divak: http://gate:9411: HTTP 401, 1 span dropped\n", start);
    for (uint64_t i = 1; i < 60; i++) expect("", start + i * SECOND);
    expect("", start + 60 * SECOND - 1);
    expect("divak: http://gate:9411: HTTP 401, 61 spans dropped\n", start + 60 * SECOND);
    expect("", start + 61 * SECOND);
    CHECK_INT(63, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_REJECTED]));
}

TEST(spans_that_wait_are_told_as_such) {
    begin(true);
    listen();
    message.count = 2, message.part_count = 1;
    message.parts[0] = (divak_span_range){.first = 0, .end = 2};
    divak_reporter_settle_part(&reporter, &delivery, &message, DIVAK_PART_RETRY, 0, 0, "http://gate:9411: HTTP 503");
    read_text();
    CHECK_TEXT("divak: http://gate:9411: HTTP 503, 2 spans waiting\n", text, strlen(text));
}

TEST(a_message_that_is_given_up_after_too_many_refusals_is_told_with_all_that_was_left_of_it) {
    begin(true);
    listen();
    message.count = 10, message.part_count = 2;
    message.parts[0] = (divak_span_range){.first = 3, .end = 10};
    message.parts[1] = (divak_span_range){.first = 0, .end = 2};
    message.request_limit = 4, message.requests = 3;
    divak_add_relaxed(&reporter.counters.pending, 9);
    divak_reporter_settle_part(&reporter, &delivery, &message, DIVAK_PART_SPLIT, 0, 0, "http://gate:9411: HTTP 400");
    read_text();
    CHECK_TEXT("divak: http://gate:9411: HTTP 400, 9 spans dropped\n", text, strlen(text));
    CHECK_INT(9, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_REJECTED]));
}

TEST(nothing_is_told_where_logging_is_off_and_all_is_counted) {
    begin(false);
    for (uint64_t i = 1; i < 200; i++) expect("", i * SECOND);
    CHECK_INT(199, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_REJECTED]));
}

/* A message that nobody has answered, given up at this second. */
static void give_up_at(uint64_t nanoseconds) {
    static divak_store empty;
    delivery.store = &empty;
    delivery.now = nanoseconds;
    divak_message *waiting = &reporter.messages[0];
    waiting->state = DIVAK_MESSAGE_IN_FLIGHT;
    waiting->count = 3, waiting->part_count = 1;
    waiting->parts[0] = (divak_span_range){.first = 0, .end = 3};
    divak_add_relaxed(&reporter.counters.pending, 3);
    listen();
    divak_reporter_give_up(&reporter, &delivery, DIVAK_DROPPED_RETRY_EXPIRED);
    read_text();
}

TEST(what_a_silent_collector_has_not_taken_by_the_end_is_told) {
    begin(true);
    strcpy(reporter.display, "http://gate:9411");
    give_up_at(5 * SECOND);
    const char *expected = "divak: http://gate:9411: no answer in time, 3 spans dropped\n";
    CHECK_TEXT(expected, text, strlen(text));
    CHECK_INT(3, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_RETRY_EXPIRED]));
    /* With nothing left there is nothing to tell. */
    listen();
    divak_reporter_give_up(&reporter, &delivery, DIVAK_DROPPED_RETRY_EXPIRED);
    read_text();
    CHECK_TEXT("", text, strlen(text));
    /* Within a minute of another line that one was the last. */
    begin(true);
    expect("divak: http://gate:9411: HTTP 401, 1 span dropped\n", 5 * SECOND);
    give_up_at(6 * SECOND);
    CHECK_TEXT("", text, strlen(text));
    begin(false);
    give_up_at(5 * SECOND);
    CHECK_TEXT("", text, strlen(text));
}

CHECK_MAIN()
