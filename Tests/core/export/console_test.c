/* SPDX-License-Identifier: Apache-2.0 */
/* console_test.c - a line for each span, whatever its texts contain. */
#include "export/console.h"

#include <fcntl.h>
#include <signal.h>

#include "tracing.h"

static void expect_lines(const char *json, const char *expected) {
    divak_buffer out = {0};
    size_t length = strlen(json);
    char *copy = malloc(length + 1); /* exactly, so that a sanitizer sees a read beyond */
    memcpy(copy, json, length);
    divak_console_format(&out, copy, length);
    CHECK_TEXT(expected, out.bytes == NULL ? "" : out.bytes, out.length);
    divak_buffer_deinit(&out);
    free(copy);
}

TEST(each_object_of_the_list_is_a_line) {
    expect_lines("[]", "");
    expect_lines("[{\"a\":1}]", "{\"a\":1}\n");
    expect_lines("[{\"a\":1},{\"b\":{\"c\":[{},{}]}},{}]", "{\"a\":1}\n{\"b\":{\"c\":[{},{}]}}\n{}\n");
}

TEST(braces_quotes_and_backslashes_in_texts_do_not_end_a_line) {
    expect_lines("[{\"a\":\"}{\"},{\"b\":\"\\\"}\"}]", "{\"a\":\"}{\"}\n{\"b\":\"\\\"}\"}\n");
    expect_lines("[{\"a\":\"\\\\\"},{\"b\":\"[,]\"}]", "{\"a\":\"\\\\\"}\n{\"b\":\"[,]\"}\n");
}

TEST(what_is_no_list_is_no_trouble) {
    expect_lines("", "");
    expect_lines("[", "");
    expect_lines("[{\"a\"", "");
    expect_lines("[\"\\", "");
}

TEST(spans_arrive_as_lines_at_the_descriptor) {
    int ends[2];
    CHECK_INT(0, pipe(ends));
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_console_reporter(t.config, ends[1]));
    tracing_start(&t);
    for (int i = 0; i < 2; i++) {
        t.last_id = 0;
        divak_span span = tracing_span(t.tracer, "line\nbreak}", &divak_no_parent);
        divak_span_finish(&span);
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    char text[1024];
    ssize_t got = read(ends[0], text, sizeof text);
    static const char line[] = "{\"traceId\":\"0000000000000001\",\"id\":\"0000000000000002\",\"name\":\"line\\nbreak}\","
                               "\"timestamp\":1000000,\"duration\":1,\"localEndpoint\":{\"serviceName\":\"tests\"}}\n";
    char expected[1024];
    snprintf(expected, sizeof expected, "%s%s", line, line);
    CHECK_TEXT(expected, text, (size_t)(got < 0 ? 0 : got));
    tracing_end(&t);
    close(ends[0]);
    close(ends[1]);
}

TEST(a_descriptor_that_takes_nothing_costs_its_spans_and_nobody_elses) {
    int ends[2];
    CHECK_INT(0, pipe(ends));
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL); /* the program's: the flusher's thread must not die of it */
    tracing t;
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_add_console_reporter(t.config, ends[1]));
    tracing_start(&t);
    divak_span span = tracing_span(t.tracer, "op", NULL);
    divak_span_finish(&span);
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, NULL));
    divak_stats stats;
    CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 1, &stats));
    CHECK_INT(1, stats.dropped[DIVAK_DROPPED_REJECTED]);
    CHECK_INT(1, divak_memory_reporter_count(t.memory));
    tracing_end(&t);
    close(ends[1]);
}

CHECK_MAIN()
