/* SPDX-License-Identifier: Apache-2.0 */
/* reporter_test.c - what becomes of messages: delivered, retried, split, refused, lost; and what others notice of it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sink.h"

/* Until a reporter counts so many as delivered: a moment after what it delivers to has got them. */
static void await_delivered(divak_tracer *tracer, size_t reporter, uint64_t spans) {
    divak_stats stats = {0};
    for (;;) {
        divak_tracer_stats(tracer, reporter, &stats);
        if (stats.delivered >= spans) return;
        tracing_sleep_ms(1);
    }
}

TEST(a_message_is_retried_until_it_is_taken_and_nothing_is_lost) {
    sink s = {.fails_first = 3, .failure = DIVAK_ERROR_SYSTEM};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    sink_record(&t, "op", 10);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 60000, NULL));
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(10, stats.delivered);
    CHECK_INT(10, s.spans);
    CHECK_INT(0, s.malformed);
    CHECK_INT(3, stats.message_failures);
    CHECK_INT(s.calls, stats.messages);
    tracing_end(&t);
}

TEST(a_message_refused_for_good_is_dropped_and_flush_says_how_much) {
    sink s = {.fails_first = 1, .failure = DIVAK_ERROR_UNSUPPORTED};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    sink_record(&t, "op", 10);
    uint64_t lost = 99;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(10, lost);
    CHECK_INT(10, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_REJECTED]);
    CHECK_INT(1, s.calls);
    /* Told once: the next flush is about what came after. */
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(0, lost);
    tracing_end(&t);
}

TEST(one_bad_span_costs_itself_alone_wherever_it_stands) {
    sink s = {.poison = "poison"};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    for (int count = 1; count <= 17; count++) {
        for (int bad = 0; bad < count; bad++) {
            uint64_t spans = s.spans, calls = s.calls;
            sink_record(&t, "op", bad);
            sink_record(&t, "poison", 1);
            sink_record(&t, "op", count - bad - 1);
            uint64_t lost;
            CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
            CHECK_INT(1, lost);
            /* The loss of the last round is told by one more span. */
            uint64_t told = tracing_stats(t.tracer).synthetic != 0 && s.spans != spans;
            CHECK(s.spans - spans == (uint64_t)count - 1 ||
                  s.spans - spans == (uint64_t)count - 1 + told);
            int bits = 32 - __builtin_clz((unsigned)count);
            CHECK(s.calls - calls <= 1 + 2 * ((uint64_t)bits + 1));
        }
    }
    CHECK_INT(0, s.malformed);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(17 * 18 / 2, stats.dropped[DIVAK_DROPPED_REJECTED]);
    CHECK_INT(s.spans, stats.delivered + stats.synthetic);
    tracing_end(&t);
}

TEST(one_bad_span_of_ten_thousand_takes_two_extra_requests_a_halving_at_most) {
    sink s = {.poison = "poison"};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "buffer_bytes", "32MiB");
    divak_config_set(t.config, "ring_bytes", "4MiB");
    divak_config_set(t.config, "batch_bytes", "2MiB");
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 7777);
    sink_record(&t, "poison", 1);
    sink_record(&t, "op", 2222);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 60000, &lost));
    CHECK_INT(1, lost);
    CHECK_INT(9999, tracing_stats(t.tracer).delivered);
    printf("  10,000 spans with a bad one: %llu requests\n", (unsigned long long)s.calls);
    CHECK(s.calls <= 3 + 28); /* messages it takes in any case, and 2 log2(10,000) */
    CHECK_INT(0, s.malformed);
    tracing_end(&t);
}

TEST(where_no_part_succeeds_splitting_ends_and_all_is_counted) {
    sink s = {.answer = DIVAK_ERROR_INVALID};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 1000);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 60000, &lost));
    CHECK_INT(1000, lost);
    CHECK_INT(1000, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_REJECTED]);
    CHECK(s.calls <= 2 * (4 * 11 + 4)); /* two messages' limits: a first one may have left before the rest */
    tracing_end(&t);
}

TEST(two_reporters_get_every_span_and_a_dead_one_holds_nobody_up) {
    sink dead = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_callback_reporter(t.config, sink_send, &dead);
    divak_config_add_memory_reporter(t.config, &t.memory);
    divak_config_add_null_reporter(t.config);
    divak_config_set(t.config, "flush_interval", "1ms");
    tracing_start(&t);
    sink_record(&t, "op", 300);
    alarm(TRACING_HANG_SECONDS);
    await_delivered(t.tracer, 1, 300);
    CHECK_INT(300, divak_memory_reporter_count(t.memory));
    divak_stats stats;
    CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 0, &stats));
    CHECK_INT(0, stats.delivered);
    CHECK_INT(300, stats.pending);
    CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 1, &stats));
    CHECK_INT(300, stats.delivered);
    CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, 2, &stats));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_stats(t.tracer, 3, &stats));
    /* As long as one has not got them, flush does not say OK. */
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 50, NULL));
    __atomic_store_n(&dead.answer, DIVAK_OK, __ATOMIC_RELAXED);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 60000, NULL));
    CHECK_INT(300, dead.spans);
    tracing_end(&t);
    alarm(0);
}

TEST(a_dead_reporter_loses_its_oldest_within_the_budget_and_the_others_lose_nothing) {
    sink dead = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    tracing_begin_plain(&t);
    divak_config_set(t.config, "buffer_bytes", "1MiB");
    divak_config_set(t.config, "ring_bytes", "64KiB");
    divak_config_set(t.config, "batch_bytes", "16KiB");
    divak_config_set(t.config, "flush_interval", "1ms");
    divak_config_add_callback_reporter(t.config, sink_send, &dead);
    divak_config_add_memory_reporter(t.config, &t.memory);
    tracing_start(&t);
    enum { ROUNDS = 200, EACH = 100 };
    alarm(TRACING_HANG_SECONDS);
    for (int i = 0; i < ROUNDS; i++) {
        sink_record(&t, "some operation", EACH);
        await_delivered(t.tracer, 1, (uint64_t)(i + 1) * EACH);
    }
    divak_stats stats;
    divak_tracer_stats(t.tracer, 0, &stats);
    CHECK(stats.dropped[DIVAK_DROPPED_BUDGET] > 0);
    CHECK(stats.pending > 0);
    divak_tracer_stats(t.tracer, 1, &stats);
    CHECK_INT(ROUNDS * EACH, stats.delivered);
    CHECK_INT(0, stats.dropped[DIVAK_DROPPED_BUDGET]);
    tracing_check_identity(t.tracer);
    __atomic_store_n(&dead.answer, DIVAK_OK, __ATOMIC_RELAXED);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 60000, &lost));
    divak_tracer_stats(t.tracer, 0, &stats);
    CHECK_INT(stats.dropped[DIVAK_DROPPED_BUDGET], lost);
    CHECK_INT(dead.spans, stats.delivered + stats.synthetic);
    CHECK_INT(0, stats.pending);
    tracing_end(&t);
    alarm(0);
}

TEST(no_message_is_over_its_limit_or_empty_and_a_larger_span_is_dropped_alone) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "batch_bytes", "1KiB");
    divak_config_set(t.config, "value_bytes", "1500");
    tracing_start(&t);
    sink_record(&t, "op", 100);
    divak_span span = tracing_span(t.tracer, "big", &divak_no_parent);
    char value[1400];
    memset(value, 'x', sizeof value);
    CHECK_INT(DIVAK_OK, divak_span_tag(&span, "k", 1, value, sizeof value));
    divak_span_finish(&span);
    sink_record(&t, "op", 100);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(1, lost);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(1, stats.dropped[DIVAK_DROPPED_TOO_BIG]);
    CHECK_INT(200, stats.delivered);
    CHECK(s.largest <= 1024);
    CHECK(s.smallest_count >= 1);
    CHECK_INT(0, s.malformed);
    tracing_end(&t);
}

TEST(a_loss_is_told_in_band_by_a_span_outside_of_the_accounts) {
    sink s = {.fails_first = 1, .failure = DIVAK_ERROR_ENDED, .keeps_last = true};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 3);
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, NULL));
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK(strstr(s.last, "\"name\":\"divak.lost\"") != NULL);
    CHECK(strstr(s.last, "\"divak.lost\":\"3\"") != NULL);
    CHECK(strstr(s.last, "\"divak.lost.rejected\":\"3\"") != NULL);
    CHECK(strstr(s.last, "\"divak.lost.total\":\"3\"") != NULL);
    CHECK_INT(2, tracing_count(s.last, "\"divak.lost.")); /* no other reason */
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(1, stats.synthetic);
    CHECK_INT(1, stats.delivered);
    CHECK_INT(2, s.spans);
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, tracing_stats(t.tracer).synthetic); /* once */
    tracing_end(&t);
    free(s.last);
}

TEST(each_text_that_was_no_utf8_is_counted_once_however_messages_are_cut_and_whoever_gets_them) {
    sink s = {.answer = DIVAK_OK}, other = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(t.config, sink_send, &other));
    divak_config_set(t.config, "batch_bytes", "1KiB");
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    char text[300];
    memset(text, 'x', sizeof text);
    text[0] = (char)0xff;
    enum { SPANS = 20 };
    for (int i = 0; i < SPANS; i++) {
        divak_span span = tracing_span(t.tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_tag(&span, "text", 4, text, sizeof text));
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK(s.calls >= SPANS / 3);
    divak_stats stats;
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(DIVAK_OK, divak_tracer_stats(t.tracer, i, &stats));
        CHECK_INT(SPANS, stats.sanitized);
    }
    tracing_end(&t);
}

TEST(check_asks_every_reporter_with_an_empty_message_that_counts_nothing) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    CHECK_INT(DIVAK_OK, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(1, s.calls);
    CHECK_INT(0, s.malformed);
    __atomic_store_n(&s.answer, DIVAK_ERROR_SYSTEM, __ATOMIC_RELAXED);
    CHECK_INT(DIVAK_ERROR_SYSTEM, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(0, tracing_stats(t.tracer).delivered);
    CHECK_INT(DIVAK_ERROR_ENDED, divak_tracer_check(NULL, 10));
    tracing_end(&t);
    CHECK_INT(DIVAK_ERROR_ENDED, divak_tracer_check(t.tracer, 10));
}

TEST(check_asks_also_where_spans_wait_for_the_next_try) {
    sink s = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1ms");
    tracing_start(&t);
    sink_record(&t, "op", 1);
    alarm(TRACING_HANG_SECONDS);
    while (__atomic_load_n(&s.calls, __ATOMIC_RELAXED) < 7) tracing_sleep_ms(5);
    CHECK_INT(DIVAK_ERROR_SYSTEM, divak_tracer_check(t.tracer, 20000));
    __atomic_store_n(&s.answer, DIVAK_OK, __ATOMIC_RELAXED);
    CHECK_INT(DIVAK_OK, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 60000, NULL));
    CHECK_INT(1, s.spans);
    tracing_end(&t);
    alarm(0);
}

/* A port that nobody listens on: taken, and given back. */
static int closed_port(void) {
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK_INT(0, bind(file, (struct sockaddr *)&address, size));
    CHECK_INT(0, getsockname(file, (struct sockaddr *)&address, &size));
    close(file);
    return ntohs(address.sin_port);
}

TEST(why_the_last_message_failed_can_be_asked) {
    tracing t;
    tracing_begin_plain(&t);
    char endpoint[64], text[256];
    snprintf(endpoint, sizeof endpoint, "http://user:secret@127.0.0.1:%d", closed_port());
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t.config, endpoint));
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(t.config));
    tracing_start(&t);
    CHECK_INT(DIVAK_ABSENT, divak_tracer_failure(t.tracer, 0, text, sizeof text));
    CHECK_TEXT("", text, strlen(text));
    CHECK_INT(DIVAK_ERROR_SYSTEM, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(DIVAK_OK, divak_tracer_failure(t.tracer, 0, text, sizeof text));
    CHECK(strstr(text, "127.0.0.1") != NULL && strstr(text, "connect") != NULL);
    CHECK(strstr(text, "secret") == NULL);
    char cut[5];
    CHECK_INT(DIVAK_OK, divak_tracer_failure(t.tracer, 0, cut, sizeof cut));
    CHECK_TEXT("http", cut, strlen(cut));
    CHECK_INT(DIVAK_ABSENT, divak_tracer_failure(t.tracer, 1, text, sizeof text));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_failure(t.tracer, 2, text, sizeof text));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_failure(NULL, 0, text, sizeof text));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracer_failure(t.tracer, 0, NULL, 0));
    tracing_end(&t);
}

TEST(a_failure_is_forgotten_when_a_message_gets_through) {
    sink s = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    char text[256];
    CHECK_INT(DIVAK_ERROR_SYSTEM, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(DIVAK_OK, divak_tracer_failure(t.tracer, 0, text, sizeof text));
    __atomic_store_n(&s.answer, DIVAK_OK, __ATOMIC_RELAXED);
    CHECK_INT(DIVAK_OK, divak_tracer_check(t.tracer, 20000));
    CHECK_INT(DIVAK_ABSENT, divak_tracer_failure(t.tracer, 0, text, sizeof text));
    tracing_end(&t);
}

CHECK_MAIN()
