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

/* One span fails at this second; what that put on standard error is in `text`. */
static char text[1024];

static void fail_at(uint64_t nanoseconds) {
    int ends[2], saved = dup(STDERR_FILENO);
    CHECK_INT(0, pipe(ends));
    dup2(ends[1], STDERR_FILENO);
    message.count = message.part_count = 1;
    message.parts[0] = (divak_span_range){.first = 0, .end = 1};
    divak_add_relaxed(&reporter.counters.pending, 1);
    delivery.now = nanoseconds;
    divak_reporter_settle_part(&reporter, &delivery, &message, DIVAK_PART_DROP, DIVAK_DROPPED_REJECTED, 0,
                               "http://gate:9411: HTTP 401");
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    close(saved);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    text[length < 0 ? 0 : length] = '\0';
    close(ends[0]);
}

static void expect(const char *expected, uint64_t nanoseconds) {
    fail_at(nanoseconds);
    CHECK_TEXT(expected, text, strlen(text));
}

static void begin(bool logs) {
    memset(&reporter, 0, sizeof reporter);
    memset(&message, 0, sizeof message);
    delivery = (divak_delivery){.logs = logs, .random = 1};
}

TEST(the_first_failure_is_told_at_once_and_others_a_minute_later_with_all_their_spans) {
    begin(true);
    uint64_t start = 5 * SECOND;
    expect("divak: http://gate:9411: HTTP 401, 1 spans dropped\n", start);
    for (uint64_t i = 1; i < 60; i++) expect("", start + i * SECOND);
    expect("", start + 60 * SECOND - 1);
    expect("divak: http://gate:9411: HTTP 401, 61 spans dropped\n", start + 60 * SECOND);
    expect("", start + 61 * SECOND);
    CHECK_INT(63, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_REJECTED]));
}

TEST(nothing_is_told_where_logging_is_off_and_all_is_counted) {
    begin(false);
    for (uint64_t i = 1; i < 200; i++) expect("", i * SECOND);
    CHECK_INT(199, divak_load_relaxed(&reporter.counters.dropped[DIVAK_DROPPED_REJECTED]));
}

CHECK_MAIN()
