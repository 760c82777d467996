/* SPDX-License-Identifier: Apache-2.0 */
/* delivery_size_test.c - what a reporter learns from 413s: a limit of the collector's, or one bad
 * span. Needs libcurl. */
#include "check.h"
#include "divak/divak.h"
#include "export/http_server.h"

static divak_tracer *start(const char *path, const char *connections) {
    char endpoint[128];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d%s", server_ports[0], path);
    const char *const settings[][2] = {
        {"endpoint", endpoint},    {"log", "off"},        {"buffer_bytes", "64MiB"},
        {"ring_bytes", "8MiB"},    {"service_name", "x"}, {"connections", connections},
        {"flush_interval", "60s"}, {"timeout", "5s"},
    };
    divak_config *config = divak_config_create_without_environment();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        CHECK_INT(DIVAK_OK, divak_config_set(config, settings[i][0], settings[i][1]));
    }
    divak_tracer *tracer = NULL;
    CHECK_INT(DIVAK_OK, divak_tracer_create(config, &tracer));
    divak_config_destroy(config);
    server_reset();
    return tracer;
}

/* Records spans, some of them called "poison", and flushes; returns what the flush returned. */
static int record_and_flush(divak_tracer *tracer, unsigned spans, unsigned bad_every) {
    for (unsigned i = 0; i < spans; i++) {
        bool is_bad = bad_every != 0 && i % bad_every == bad_every / 2;
        divak_span span;
        (void)divak_span_start(tracer, is_bad ? "poison" : "medicine", is_bad ? 6 : 8,
                               DIVAK_KIND_LOCAL, &divak_no_parent, &span);
        (void)divak_span_finish(&span);
    }
    return divak_tracer_flush(tracer, 20000, NULL);
}

static divak_stats stats_of(divak_tracer *tracer) {
    divak_stats stats;
    CHECK_INT(DIVAK_OK, divak_tracer_stats(tracer, 0, &stats));
    return stats;
}

TEST(a_bad_span_behind_413_is_lost_alone_and_later_messages_stay_large) {
    divak_tracer *tracer = start("/poison/poison/413", "1");
    CHECK_INT(DIVAK_OK, record_and_flush(tracer, 3000, 0));
    long usual = server_count("/poison", "requests");
    CHECK_INT(DIVAK_ERROR_LOST, record_and_flush(tracer, 3000, 3000));
    CHECK_INT(1, stats_of(tracer).dropped[DIVAK_DROPPED_REJECTED]);
    long searching = server_count("/poison", "requests");
    CHECK(searching - usual <= usual + 22);
    CHECK_INT(DIVAK_OK, record_and_flush(tracer, 3000, 0));
    CHECK_INT(usual, server_count("/poison", "requests") - searching);
    CHECK_INT(8999, stats_of(tracer).delivered);
    (void)divak_tracer_shutdown(tracer, 1000, NULL);
}

TEST(a_limit_is_found_without_loss_and_then_kept_to) {
    divak_tracer *tracer = start("/limit/20000", "4");
    CHECK_INT(DIVAK_OK, record_and_flush(tracer, 6000, 0));
    CHECK_INT(6000, stats_of(tracer).delivered);
    uint64_t refused = stats_of(tracer).message_failures;
    CHECK(refused >= 1 && refused <= 60);
    CHECK_INT(DIVAK_OK, record_and_flush(tracer, 6000, 0));
    CHECK_INT(refused, stats_of(tracer).message_failures);
    CHECK_INT(12000, stats_of(tracer).delivered);
    (void)divak_tracer_shutdown(tracer, 1000, NULL);
}

TEST(several_bad_spans_are_lost_alone_behind_either_status) {
    static const char *const paths[] = {"/poison/poison/400", "/poison/poison/413"};
    for (int i = 0; i < 2; i++) {
        divak_tracer *tracer = start(paths[i], "2");
        CHECK_INT(DIVAK_ERROR_LOST, record_and_flush(tracer, 4000, 2000));
        divak_stats stats = stats_of(tracer);
        CHECK_INT(2, stats.dropped[DIVAK_DROPPED_REJECTED]);
        CHECK_INT(3998, stats.delivered);
        CHECK_INT(stats.delivered + stats.synthetic, server_count("/poison", "spans"));
        (void)divak_tracer_shutdown(tracer, 1000, NULL);
    }
}

TEST(a_collector_that_refuses_everything_costs_few_requests) {
    divak_tracer *tracer = start("/400", "1");
    CHECK_INT(DIVAK_ERROR_LOST, record_and_flush(tracer, 1000, 0));
    CHECK_INT(1000, stats_of(tracer).dropped[DIVAK_DROPPED_REJECTED]);
    CHECK(server_count("/400", "requests") <= 48); /* 4 log2 of 1000, and a few */
    (void)divak_tracer_shutdown(tracer, 1000, NULL);
}

int main(int argc, char **argv) {
    if (!server_start_with(NULL, 1)) return EXIT_FAILURE;
    int status = check_run_all(argc, argv);
    server_stop();
    return status;
}
