/* http_shutdown_test.c - a shutdown sends on until its time is up, and what was not taken by then is counted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#ifdef DIVAK_WITHOUT_CURL
int main(void) {
    printf("built without libcurl: there is no transport to test\n");
    return EXIT_SUCCESS;
}
#else
#include "http_server.h"
#include "tracing.h"

static void begin(tracing *t, const char *path) {
    char endpoint[200];
    server_reset();
    tracing_begin_plain(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "flush_interval", "1h"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "batch_bytes", "1KiB"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "connections", "1"));
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d%s", server_ports[0], path);
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t->config, endpoint));
    tracing_start(t);
}

static void record(tracing *t, int count) {
    for (int i = 0; i < count; i++) {
        divak_span span = tracing_span(t->tracer, "op", &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
}

TEST(a_shutdown_of_a_hundred_spans_to_a_slow_collector_sends_on_until_its_second_is_over) {
    tracing t;
    begin(&t, "/delay/300ms/slow");
    record(&t, 100);
    uint64_t start = tracing_now_ns(), lost;
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 1000, &lost));
    double took = (double)(tracing_now_ns() - start) / 1e6;
    divak_stats stats = tracing_stats(t.tracer);
    printf("  %.0f ms, %llu messages, %llu delivered\n", took, (unsigned long long)stats.messages,
           (unsigned long long)stats.delivered);
    CHECK(took >= 1000 && took < 1000 + 500); /* the promise is 50 ms; others use the processors too */
    CHECK(stats.messages >= 2 && stats.messages <= 4);
    CHECK(stats.delivered > 0 && stats.delivered < 100);
    CHECK_INT(100 - stats.delivered, stats.dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
    CHECK_INT(100 - stats.delivered, lost);
    CHECK_INT(0, stats.pending);
    CHECK(server_count("/delay/300ms/slow", "spans") >= (long)stats.delivered);
    tracing_check_identity(t.tracer);
}

TEST(a_shutdown_that_has_time_enough_sends_all_and_does_not_wait_for_the_rest_of_it) {
    tracing t;
    begin(&t, "/202/quick");
    record(&t, 100);
    uint64_t start = tracing_now_ns();
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 20000, NULL));
    CHECK((tracing_now_ns() - start) / 1000000 < 10000);
    CHECK_INT(100, server_count("/202/quick", "spans"));
    CHECK_INT(server_count("/202/quick", "requests"), server_count("/202/quick", "bodies")); /* none was empty */
}

/* A tracer whose endpoint refuses connections, with a hundred spans, which are several messages. */
static void begin_refused(tracing *t, const char *give_up_refused) {
    tracing_begin_plain(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "batch_bytes", "1KiB"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "give_up_refused", give_up_refused));
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t->config, "http://127.0.0.1:1"));
    tracing_start(t);
    record(t, 100);
}

TEST(a_shutdown_that_gives_up_where_nobody_listens_counts_all_as_lost_and_does_not_wait) {
    tracing t;
    begin_refused(&t, "true");
    /* As long as it is not shut down somebody may come to listen. */
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 300, NULL));
    divak_stats stats = tracing_stats(t.tracer);
    CHECK(stats.pending == 100 && stats.message_failures > 0);
    uint64_t start = tracing_now_ns(), lost;
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 60000, &lost));
    CHECK((tracing_now_ns() - start) / 1000000 < 20000);
    stats = tracing_stats(t.tracer);
    CHECK_INT(100, lost);
    CHECK_INT(100, stats.dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
    CHECK_INT(0, stats.pending);
    tracing_check_identity(t.tracer);
}

TEST(a_shutdown_waits_for_somebody_to_listen_unless_told_otherwise) {
    tracing t;
    begin_refused(&t, "false");
    uint64_t start = tracing_now_ns();
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 300, NULL));
    CHECK((tracing_now_ns() - start) / 1000000 >= 300);
    CHECK_INT(100, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
}

TEST(an_idle_shutdown_sends_nothing_and_is_over_in_ten_milliseconds) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 10; i++) { /* the quickest of several, since others use the processors too */
        tracing t;
        begin(&t, "/202/idle");
        tracing_sleep_ms(20); /* its thread sleeps by now */
        uint64_t start = tracing_now_ns();
        CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 20000, NULL));
        uint64_t took = tracing_now_ns() - start;
        if (took < best) best = took;
        CHECK_INT(0, server_count("/202/idle", "requests") > 0);
    }
    printf("  %.2f ms\n", (double)best / 1e6);
    CHECK(best < 10000000u);
}

int main(int argc, char **argv) {
    if (!server_start_with(NULL, 1)) return EXIT_FAILURE;
    int result = check_run_all(argc, argv);
    server_stop();
    return result;
}
#endif
