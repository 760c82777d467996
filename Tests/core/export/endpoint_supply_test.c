/* endpoint_supply_test.c - a program says where the collector is by now, and spans follow. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "http_server.h"
#include "tracing.h"

TRACING_CHILDREN_HAVE_THREADS()

/* What the supplier says next, and how often it was asked. */
typedef struct supply {
    pthread_mutex_t mutex;
    char text[DIVAK_ENDPOINT_BYTES + 8];
    int status;
    int asked;
    int asked_elsewhere; /* than on the flusher's thread */
    uint64_t last, shortest; /* nanoseconds between two */
} supply;

static int supplied(void *context, char *out, size_t capacity) {
    supply *from = context;
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    pthread_mutex_lock(&from->mutex);
    from->asked++;
    if (strcmp(name, "divak-flusher") != 0) from->asked_elsewhere++;
    uint64_t now = tracing_now_ns();
    if (from->last != 0 && now - from->last < from->shortest) from->shortest = now - from->last;
    from->last = now;
    size_t length = strlen(from->text) < capacity ? strlen(from->text) : capacity;
    memcpy(out, from->text, length);
    if (length < capacity) out[length] = '\0';
    int status = from->status;
    pthread_mutex_unlock(&from->mutex);
    return status;
}

static void say(supply *from, const char *text, int status) {
    pthread_mutex_lock(&from->mutex);
    snprintf(from->text, sizeof from->text, "%s", text);
    from->status = status;
    pthread_mutex_unlock(&from->mutex);
}

static int asked(supply *from) {
    pthread_mutex_lock(&from->mutex);
    int count = from->asked;
    pthread_mutex_unlock(&from->mutex);
    return count;
}

static const char *endpoint(const char *path) {
    static char text[200];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", server_ports[0], path);
    return text;
}

static void begin(tracing *t, supply *from, const char *configured, const char *interval) {
    *from = (supply){.status = DIVAK_ABSENT, .shortest = UINT64_MAX};
    pthread_mutex_init(&from->mutex, NULL);
    server_reset();
    tracing_begin_plain(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "endpoint", configured));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "endpoint_interval", interval));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "headers", "authorization=abc"));
    CHECK_INT(DIVAK_OK, divak_config_add_supplied_reporter(t->config, supplied, from));
}

static void record(divak_tracer *tracer) {
    divak_span span = tracing_span(tracer, "op", NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
}

static void record_and_flush(tracing *t) {
    record(t->tracer);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t->tracer, 20000, NULL));
}

static void end(tracing *t, supply *from) {
    tracing_end(t);
    CHECK_INT(0, from->asked_elsewhere);
    pthread_mutex_destroy(&from->mutex);
}

TEST(spans_follow_the_endpoint_that_is_supplied_with_the_headers_that_were_set) {
    tracing t;
    supply from;
    begin(&t, &from, endpoint("/need/authorization/abc/configured"), "1ms");
    tracing_start(&t);
    CHECK_INT(0, asked(&from)); /* not while the tracer is made */
    record_and_flush(&t); /* nothing new: the configured one */
    CHECK(asked(&from) > 0);
    CHECK_INT(1, server_count("/need/authorization/abc/configured", "spans"));
    say(&from, endpoint("/need/authorization/abc/second"), DIVAK_OK);
    tracing_sleep_ms(5);
    record_and_flush(&t);
    record_and_flush(&t);
    CHECK_INT(1, server_count("/need/authorization/abc/configured", "spans"));
    CHECK_INT(2, server_count("/need/authorization/abc/second", "spans"));
    say(&from, endpoint("/202/third"), DIVAK_OK);
    tracing_sleep_ms(5);
    CHECK_INT(DIVAK_OK, divak_tracer_check(t.tracer, 20000)); /* a check asks too */
    CHECK_INT(1, server_count("/202/third", "requests"));
    record_and_flush(&t);
    CHECK_INT(1, server_count("/202/third", "spans"));
    CHECK_INT(0, tracing_stats(t.tracer).bad_endpoints);
    end(&t, &from);
}

TEST(a_supplier_is_asked_at_most_once_an_interval_and_only_when_there_is_something_to_send) {
    tracing t;
    supply from;
    begin(&t, &from, endpoint("/202/often"), "100ms");
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "1ms"));
    tracing_start(&t);
    tracing_sleep_ms(150);
    CHECK_INT(0, asked(&from));
    uint64_t start = tracing_now_ns();
    while (tracing_now_ns() - start < 350000000u) record_and_flush(&t);
    uint64_t took = (tracing_now_ns() - start) / 1000000;
    CHECK(asked(&from) >= 2 && (uint64_t)asked(&from) <= took / 100 + 1);
    CHECK(from.shortest >= 95000000u);
    int before = asked(&from);
    tracing_sleep_ms(150);
    CHECK_INT(before, asked(&from));
    end(&t, &from);
}

TEST(a_bad_answer_is_counted_and_named_without_its_secrets_and_the_last_good_one_stays) {
    static const struct {
        const char *text;
        int status;
        const char *said;
    } bad[] = {
        {"gate", DIVAK_OK, "endpoint supplier: \"gate\" is not accepted: the port is missing"},
        {"http://me:SECRET@ga te:1/SECRET", DIVAK_OK, "endpoint supplier: \"http://REDACTED@"},
        {"ftp://h:1", DIVAK_OK, "\" is not accepted: "},
        {"", DIVAK_OK, "endpoint supplier: \"\" is not accepted: "},
        {"http://h:99999", DIVAK_OK, "endpoint supplier: \"http://h:99999\" is not accepted: "},
        {"127.0.0.1:1", DIVAK_ERROR_SYSTEM, "endpoint supplier: it failed: "},
        {"127.0.0.1:1", 77, "endpoint supplier: it failed: unknown status"},
    };
    tracing t;
    supply from;
    begin(&t, &from, "127.0.0.1:1", "1ms");
    say(&from, endpoint("/202/good"), DIVAK_OK);
    tracing_start(&t);
    record_and_flush(&t);
    uint64_t count = 0;
    char said[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        say(&from, bad[i].text, bad[i].status);
        int before = asked(&from);
        while (asked(&from) < before + 1) record_and_flush(&t);
        record_and_flush(&t);
        uint64_t now = tracing_stats(t.tracer).bad_endpoints;
        CHECK(now > count);
        count = now;
        CHECK_INT(DIVAK_OK, divak_tracer_failure(t.tracer, 0, said, sizeof said));
        CHECK(strstr(said, bad[i].said) != NULL);
        CHECK(strstr(said, "SECRET") == NULL && strstr(said, "me:") == NULL);
        if (strstr(said, bad[i].said) == NULL) printf("  said: %s\n", said);
    }
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(stats.started, server_count("/202/good", "spans")); /* none was lost, none went elsewhere */
    CHECK_INT(0, stats.message_failures);
    say(&from, endpoint("/202/good"), DIVAK_OK);
    tracing_sleep_ms(5);
    record_and_flush(&t);
    CHECK_INT(DIVAK_ABSENT, divak_tracer_failure(t.tracer, 0, said, sizeof said));
    CHECK_INT(count, tracing_stats(t.tracer).bad_endpoints);
    end(&t, &from);
}

TEST(an_answer_that_fills_its_room_without_an_end_is_refused_for_it_may_have_been_cut) {
    tracing t;
    supply from;
    char said[256];
    begin(&t, &from, endpoint("/202/full"), "1ms");
    memset(from.text, 'x', sizeof from.text - 1);
    const char *begins = endpoint("/202/cut/");
    memcpy(from.text, begins, strlen(begins));
    from.status = DIVAK_OK;
    tracing_start(&t);
    record_and_flush(&t);
    CHECK_INT(1, server_count("/202/full", "spans"));
    CHECK(tracing_stats(t.tracer).bad_endpoints >= 1);
    CHECK_INT(DIVAK_OK, divak_tracer_failure(t.tracer, 0, said, sizeof said));
    CHECK(strstr(said, "is to be ended by 0") != NULL);
    if (strstr(said, "is to be ended by 0") == NULL) printf("  said: %s\n", said);
    end(&t, &from);
}

TEST(white_space_and_the_end_of_a_line_around_an_answer_are_ignored) {
    static const char *const around[][2] = {{"", "\n"}, {" \t", "\t "}, {" ", " \r\n"}, {"", "\n\n"}};
    tracing t;
    supply from;
    begin(&t, &from, "127.0.0.1:1", "1ms");
    say(&from, endpoint("/202/first"), DIVAK_OK);
    tracing_start(&t);
    record_and_flush(&t);
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        char path[16], text[240];
        snprintf(path, sizeof path, "/202/%zu", i);
        snprintf(text, sizeof text, "%s%s%s", around[i][0], endpoint(path), around[i][1]);
        say(&from, text, DIVAK_OK);
        tracing_sleep_ms(5);
        record_and_flush(&t);
        CHECK_INT(1, server_count(path, "spans"));
    }
    CHECK_INT(0, tracing_stats(t.tracer).bad_endpoints);
    end(&t, &from);
}

TEST(spans_that_a_dead_endpoint_did_not_take_are_delivered_at_the_next_one) {
    tracing t;
    supply from;
    begin(&t, &from, "127.0.0.1:1", "20ms");
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "5ms"));
    tracing_start(&t);
    for (int i = 0; i < 10; i++) record(t.tracer);
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 100, NULL));
    say(&from, endpoint("/202/alive"), DIVAK_OK);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(10, server_count("/202/alive", "spans"));
    CHECK_INT(10, tracing_stats(t.tracer).delivered);
    end(&t, &from);
}

TEST(requests_under_way_end_at_the_endpoint_before_while_others_go_to_the_new_one) {
    tracing t;
    supply from;
    begin(&t, &from, endpoint("/delay/400ms/slow"), "1ms");
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "1ms"));
    tracing_start(&t);
    record(t.tracer);
    for (int i = 0; i < 200 && tracing_stats(t.tracer).messages == 0; i++) tracing_sleep_ms(1);
    CHECK_INT(1, tracing_stats(t.tracer).messages);
    say(&from, endpoint("/202/fast"), DIVAK_OK);
    record(t.tracer);
    for (int i = 0; i < 300 && tracing_stats(t.tracer).delivered == 0; i++) tracing_sleep_ms(1);
    CHECK_INT(1, server_count("/202/fast", "spans"));
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, server_count("/delay/400ms/slow", "spans"));
    divak_stats stats = tracing_stats(t.tracer);
    CHECK(stats.delivered == 2 && stats.message_failures == 0 && stats.maybe_duplicate == 0);
    end(&t, &from);
}

TEST(a_tracer_may_be_shut_down_while_requests_to_two_endpoints_are_under_way) {
    tracing t;
    supply from;
    begin(&t, &from, endpoint("/stall/one"), "1ms");
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "flush_interval", "1ms"));
    tracing_start(&t);
    record(t.tracer);
    for (int i = 0; i < 200 && tracing_stats(t.tracer).messages == 0; i++) tracing_sleep_ms(1);
    say(&from, endpoint("/stall/two"), DIVAK_OK);
    record(t.tracer);
    for (int i = 0; i < 200 && tracing_stats(t.tracer).messages < 2; i++) tracing_sleep_ms(1);
    CHECK_INT(2, tracing_stats(t.tracer).messages);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 50, &lost));
    CHECK_INT(2, tracing_stats(t.tracer).dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
    tracing_check_identity(t.tracer);
    CHECK_INT(0, from.asked_elsewhere);
    pthread_mutex_destroy(&from.mutex);
}

TEST(a_forked_child_goes_on_at_the_last_good_endpoint_and_asks_by_itself) {
    tracing t;
    supply from;
    begin(&t, &from, "127.0.0.1:1", "1h");
    say(&from, endpoint("/202/before"), DIVAK_OK);
    tracing_start(&t);
    record_and_flush(&t);
    say(&from, "nowhere", DIVAK_OK);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(TRACING_HANG_SECONDS);
        record_and_flush(&t);
        CHECK_INT(2, asked(&from));
        CHECK_INT(1, tracing_stats(t.tracer).bad_endpoints);
        say(&from, endpoint("/202/unasked"), DIVAK_OK);
        record_and_flush(&t);
        fflush(stdout);
        _exit(check_failures != 0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(0, status);
    record_and_flush(&t);
    CHECK_INT(4, server_count("/202/before", "spans"));
    CHECK_INT(1, asked(&from));
    end(&t, &from);
}

TEST(a_supplier_without_a_function_is_refused) {
    divak_config *config = tracing_config();
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_supplied_reporter(config, NULL, NULL));
    CHECK(strstr(divak_config_error(config), "supplied reporter") != NULL);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_supplied_reporter(NULL, supplied, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "endpoint_interval", "0"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "endpoint_interval", "2h"));
    for (int i = 0; i < 16; i++) CHECK_INT(DIVAK_OK, divak_config_add_supplied_reporter(config, supplied, NULL));
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_supplied_reporter(config, supplied, NULL));
    divak_config_destroy(config);
}

SERVER_MAIN()
