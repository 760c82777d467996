/* http_descriptors_test.c - a program that closes descriptors it does not know, and gets their numbers for its own, keeps
 * what it has there: nothing of ours is written, read or closed. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>

#include "check.h"

#include "http_server.h"
#include "tracing.h"

enum { DESCRIPTORS = 256 };

/* Which descriptors there are. */
typedef struct survey {
    bool is_open[DESCRIPTORS];
} survey;

static survey look(void) {
    survey now;
    for (int i = 0; i < DESCRIPTORS; i++) now.is_open[i] = fcntl(i, F_GETFD) >= 0;
    return now;
}

/* A file of the program's: what is put into it at the far end is to be read at the near one, and nothing else happens. */
typedef struct own_file {
    int near, far;
} own_file;

static own_file open_file(void) {
    int ends[2];
    CHECK_INT(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    CHECK_INT(5, write(ends[1], "hello", 5));
    return (own_file){ends[0], ends[1]};
}

/* Past ThreadSanitizer, in whose eyes descriptors have threads: what these tests do to those of others is such a race, and
 * meant to be. */
static int put_in_place(int descriptor, int place) {
    return (int)syscall(SYS_dup3, descriptor, place, O_CLOEXEC);
}

/* Puts the file in the place of every descriptor that came since `before`; returns how many there were. */
static int take_places(const survey *before, own_file file) {
    int count = 0;
    for (int i = 3; i < DESCRIPTORS; i++) {
        if (before->is_open[i] || fcntl(i, F_GETFD) < 0 || i == file.near || i == file.far) continue;
        CHECK_INT(i, put_in_place(file.near, i));
        count++;
    }
    return count;
}

/* Nothing was written into it, nothing read out of it, and every place that it was given is still open. */
static void check_untouched(const survey *with_places, own_file file) {
    char bytes[65536];
    ssize_t got = recv(file.far, bytes, sizeof bytes, MSG_DONTWAIT);
    CHECK_INT(-1, got);
    if (got > 0) printf("  written into it: %zd bytes, \"%.*s\"\n", got, got > 40 ? 40 : (int)got, bytes);
    CHECK_INT(5, recv(file.near, bytes, sizeof bytes, MSG_DONTWAIT));
    for (int i = 0; i < DESCRIPTORS; i++) CHECK(!with_places->is_open[i] || fcntl(i, F_GETFD) >= 0);
}

static void close_places(const survey *before) {
    for (int i = 3; i < DESCRIPTORS; i++) {
        if (!before->is_open[i]) (void)syscall(SYS_close, i);
    }
}

static void begin(tracing *t, const char *path) {
    char endpoint[200];
    server_reset();
    tracing_begin_plain(t);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d%s", server_ports[0], path);
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(t->config, endpoint));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "flush_interval", "1h"));
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "timeout", "2s"));
    tracing_start(t);
}

static void record(tracing *t) {
    divak_span span = tracing_span(t->tracer, "op", &divak_no_parent);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
}

TEST(a_kept_connection_whose_number_is_the_programs_now_is_not_used_and_not_closed) {
    tracing t;
    survey before = look();
    begin(&t, "/202/kept");
    record(&t);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    own_file file = open_file();
    CHECK(take_places(&before, file) > 0);
    survey with_places = look();
    for (int i = 0; i < 3; i++) {
        record(&t);
        CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    }
    CHECK_INT(4, server_count("/202/kept", "spans"));
    tracing_end(&t);
    check_untouched(&with_places, file);
    close_places(&before);
}

TEST(a_request_under_way_is_sent_again_elsewhere_and_what_the_program_has_in_its_place_is_left_alone) {
    tracing t;
    survey before = look();
    begin(&t, "/delay/700ms/under-way");
    record(&t);
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 200, NULL));
    own_file file = open_file();
    CHECK(take_places(&before, file) > 0);
    survey with_places = look();
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, tracing_stats(t.tracer).maybe_duplicate);
    CHECK_INT(1, tracing_stats(t.tracer).delivered);
    tracing_end(&t);
    check_untouched(&with_places, file);
    close_places(&before);
}

TEST(a_shutdown_closes_nothing_of_the_programs) {
    tracing t;
    survey before = look();
    begin(&t, "/202/end");
    record(&t);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    own_file file = open_file();
    CHECK(take_places(&before, file) > 0);
    survey with_places = look();
    tracing_end(&t);
    check_untouched(&with_places, file);
    close_places(&before);
}

TEST(descriptors_that_are_merely_closed_cost_nothing_but_a_new_connection) {
    tracing t;
    survey before = look();
    begin(&t, "/202/closed");
    record(&t);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    close_places(&before);
    record(&t);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(2, server_count("/202/closed", "spans"));
    tracing_end(&t);
}

SERVER_MAIN()
