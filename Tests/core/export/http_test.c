/* http_test.c - the transport over several requests: kept connections, gzip, proxies, names,
 * cancelling. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http.h"

#include "base/memory.h"
#include "divak/status.h"

#include <dlfcn.h>
#include <math.h>
#include <netdb.h>
#include <sys/resource.h>

#include "http_server.h"

enum {
    SMALL = 300,
    BIG = 1500000,
    PATIENCE = 20000,    /* milliseconds for what ends by itself: the machine may be busy */
    SOON = PATIENCE / 2, /* what ends by itself is over */
};
#define MS UINT64_C(1000000)

/* ---- Names and the environment as this program wants them: these stand before the C library's
 * ---- */

extern char **environ;
static _Atomic(long) environment_reads;

char *getenv(const char *name) {
    size_t length = strlen(name);
    environment_reads++;
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    }
    return NULL;
}

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out) {
    static const char *const names[][2] = {{"collector.test", "127.0.0.1"},
                                           {"metadata.test", "169.254.169.254"},
                                           {"null.test", "0.0.0.0"},
                                           {"mapped.test", "::ffff:169.254.169.254"}};
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    resolver real;
    memcpy(&real, &symbol, sizeof real);
    if (host != NULL && strcmp(host, "stuck.test") == 0) {
        usleep(1500 * 1000);
        return EAI_AGAIN;
    }
    for (size_t i = 0; host != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(host, names[i][0]) == 0) return real(names[i][1], service, hints, out);
    }
    return real(host, service, hints, out);
}

/* ---- One pool with one target to a path of the server ---- */

typedef struct {
    divak_http_pool *pool;
    divak_http_target *target;
    char *body;
    size_t length;
    char url[256];
    char error[200];
    int status;
} client;

static client client_open_url(const char *url, size_t size, divak_http_options options) {
    client opened = {0};
    snprintf(opened.url, sizeof opened.url, "%s", url);
    opened.body = make_body(1, 1, size, &opened.length);
    options.url = opened.url;
    divak_http_environment environment;
    CHECK_INT(DIVAK_OK, divak_http_environment_read(&environment));
    options.environment = &environment;
    options.display = "http://display:1";
    if (options.timeout == 0) options.timeout = PATIENCE * MS;
    CHECK_INT(DIVAK_OK, divak_http_pool_create(&opened.pool));
    opened.status = divak_http_target_create(opened.pool, &options, &opened.target, opened.error,
                                             sizeof opened.error);
    divak_http_environment_deinit(&environment);
    return opened;
}

static client client_open(const char *path, size_t size, divak_http_options options) {
    char url[256];
    server_reset();
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_ports[0], path);
    client opened = client_open_url(url, size, options);
    CHECK_INT(DIVAK_OK, opened.status);
    return opened;
}

static void client_close(client *opened) {
    divak_http_pool_destroy(opened->pool);
    free(opened->body);
}

static divak_http_reply client_post(client *opened) {
    divak_http_reply reply = {.outcome = (divak_outcome)-1};
    CHECK_INT(DIVAK_OK, divak_http_send(opened->target, opened->body, opened->length, opened));
    CHECK_INT(1, divak_http_pool_wait(opened->pool, 10000 * MS, &reply, 1));
    CHECK_INT(0, divak_http_pool_in_flight(opened->pool));
    return reply;
}

static divak_http_reply client_post_for(client *opened, divak_outcome outcome) {
    divak_http_reply reply = client_post(opened);
    CHECK_INT(outcome, reply.outcome);
    if (reply.outcome != outcome) printf("  %s: \"%s\"\n", opened->url, reply.text);
    return reply;
}

static void pause_for(int milliseconds) {
    usleep((useconds_t)milliseconds * 1000);
}

/* ---- Connections ---- */

TEST(a_connection_is_kept_for_the_next_request) {
    client opened = client_open("/202", SMALL, (divak_http_options){0});
    for (int i = 0; i < 20; i++) client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(2, server_count("/202", "connections")); /* the other one asks for the count */
    CHECK_INT(20, server_count("/202", "requests"));
    client_close(&opened);
}

TEST(a_connection_that_the_server_closed_while_idle_costs_nothing) {
    static const char *const paths[] = {"/close-idle", "/rst-idle"};
    for (int i = 0; i < 2; i++) {
        client opened = client_open(paths[i], SMALL, (divak_http_options){0});
        for (int post = 0; post < 6; post++) {
            divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
            CHECK(!reply.maybe_delivered);
            pause_for(40);
        }
        CHECK_INT(6, server_count(paths[i], "requests"));
        client_close(&opened);
    }
}

TEST(a_kept_connection_that_dies_on_use_is_replaced_at_once) {
    static const size_t sizes[] = {SMALL, BIG, 9 * BIG};
    for (int i = 0; i < 3; i++) {
        client opened = client_open("/stale", sizes[i], (divak_http_options){0});
        for (int post = 0; post < 4; post++) {
            uint64_t start = divak_clock_monotonic_now();
            client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
            CHECK(milliseconds_since(start) < SOON);
        }
        CHECK_INT(4, server_count("/stale", "span_posts"));
        /* Of four posts, each after the first met the dead connection and went again. */
        CHECK_INT(7, server_count("/stale", "requests"));
        client_close(&opened);
    }
}

TEST(a_body_repeated_after_it_had_wholly_left_is_marked_as_maybe_delivered_before) {
    static const size_t sizes[] = {SMALL, BIG};
    for (int i = 0; i < 2; i++) {
        client opened = client_open("/stale-after-body", sizes[i], (divak_http_options){0});
        CHECK(!client_post_for(&opened, DIVAK_OUTCOME_DELIVERED).maybe_delivered);
        CHECK(client_post_for(&opened, DIVAK_OUTCOME_DELIVERED).maybe_delivered);
        CHECK_INT(3, server_count("/stale-after-body", "bodies"));
        client_close(&opened);
    }
}

TEST(a_fresh_connection_that_breaks_is_not_repeated_here) {
    client opened = client_open("/rst-before-reply", SMALL, (divak_http_options){0});
    divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_RETRY);
    CHECK(reply.maybe_delivered);
    CHECK_INT(1, server_count("/rst-before-reply", "requests"));
    client_close(&opened);
}

TEST(a_server_that_comes_and_goes_is_seen_answer_by_answer) {
    client opened = client_open("/flaky/503,rst,close,429,202", SMALL, (divak_http_options){0});
    CHECK_INT(503, client_post_for(&opened, DIVAK_OUTCOME_RETRY).http_status);
    /* The reset breaks a kept connection, so that the body goes again at once, and then it is a
     * fresh one that closes without a word: that is told. */
    CHECK_INT(0, client_post_for(&opened, DIVAK_OUTCOME_RETRY).http_status);
    CHECK_INT(429, client_post_for(&opened, DIVAK_OUTCOME_RETRY).http_status);
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(5, server_count("/flaky", "requests"));
    client_close(&opened);
}

TEST(nobody_listening_is_a_matter_for_later) {
    client opened = client_open_url("http://127.0.0.1:1/202", SMALL, (divak_http_options){0});
    divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_RETRY);
    CHECK(!reply.maybe_delivered);
    CHECK_INT(0, reply.http_status);
    CHECK(strncmp(reply.text, "http://display:1: ", 18) == 0);
    client_close(&opened);
}

TEST(retry_after_is_read_as_seconds_and_as_a_date) {
    client opened = client_open("/retry-after/7", SMALL, (divak_http_options){0});
    CHECK_INT(7000 * MS, client_post_for(&opened, DIVAK_OUTCOME_RETRY).retry_after);
    client_close(&opened);
    opened = client_open("/retry-after/999999999", SMALL, (divak_http_options){0});
    CHECK_INT(300000 * MS, client_post_for(&opened, DIVAK_OUTCOME_RETRY).retry_after);
    client_close(&opened);
    static const char *const nothing[] = {"/retry-after/-1", "/retry-after/soon",
                                          "/retry-date/-3600", "/503"};
    for (int i = 0; i < 4; i++) {
        opened = client_open(nothing[i], SMALL, (divak_http_options){0});
        CHECK_INT(0, client_post_for(&opened, DIVAK_OUTCOME_RETRY).retry_after);
        client_close(&opened);
    }
    opened = client_open("/retry-date/20", SMALL, (divak_http_options){0});
    uint64_t date = client_post_for(&opened, DIVAK_OUTCOME_RETRY).retry_after;
    CHECK(date >= 17000 * MS && date <= 20000 * MS);
    client_close(&opened);
}

TEST(a_redirect_is_reported_with_the_host_it_points_to_and_nothing_more) {
    client opened = client_open("/redirect/302", SMALL, (divak_http_options){0});
    divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_REDIRECT);
    CHECK_TEXT("http://display:1: HTTP 302 to 127.0.0.1 is not followed", reply.text,
               strlen(reply.text));
    CHECK_INT(0, server_count("/202", "requests"));
    client_close(&opened);
}

TEST(own_headers_are_sent_and_empty_ones_too) {
    const char *const plain[] = {"X-Key: value", "X-Empty:"};
    client opened = client_open("/need/x-key/value", SMALL,
                                (divak_http_options){.headers = plain, .header_count = 2});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_close(&opened);
    opened = client_open("/forbid/x-empty", SMALL,
                         (divak_http_options){.headers = plain, .header_count = 2});
    client_post_for(&opened, DIVAK_OUTCOME_SPLIT);
    client_close(&opened);
    opened =
        client_open("/need/content-type/text", SMALL, (divak_http_options){.content_type = "text"});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_close(&opened);
}

/* ---- Several at a time ---- */

TEST(requests_run_side_by_side_up_to_the_limit_and_one_more_is_refused) {
    client opened = client_open("/delay/2s", SMALL, (divak_http_options){.max_in_flight = 3});
    int tags[4];
    uint64_t start = divak_clock_monotonic_now();
    for (int i = 0; i < 3; i++) {
        CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, &tags[i]));
    }
    CHECK_INT(DIVAK_ERROR_FULL,
              divak_http_send(opened.target, opened.body, opened.length, &tags[3]));
    CHECK_INT(3, divak_http_target_in_flight(opened.target));
    bool seen[3] = {false};
    for (int got = 0; got < 3;) {
        divak_http_reply replies[2];
        int count = divak_http_pool_wait(opened.pool, 5000 * MS, replies, 2);
        CHECK(count > 0);
        if (count <= 0) break;
        for (int i = 0; i < count; i++) {
            long which = (int *)replies[i].tag - tags;
            CHECK(which >= 0 && which < 3 && !seen[which]);
            seen[which] = true;
            CHECK_INT(DIVAK_OUTCOME_DELIVERED, replies[i].outcome);
        }
        got += count;
    }
    CHECK(milliseconds_since(start) < 3 * 2000);
    CHECK_INT(0, divak_http_pool_in_flight(opened.pool));
    client_close(&opened);
}

TEST(two_targets_of_a_pool_do_not_wait_for_each_other) {
    client slow = client_open("/stall", SMALL, (divak_http_options){.timeout = 3000 * MS});
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/202", server_ports[0]);
    const divak_http_options options = {.url = url};
    divak_http_target *fast;
    CHECK_INT(DIVAK_OK,
              divak_http_target_create(slow.pool, &options, &fast, slow.error, sizeof slow.error));
    CHECK_INT(DIVAK_OK, divak_http_send(slow.target, slow.body, slow.length, slow.target));
    for (int i = 0; i < 3; i++) {
        divak_http_reply reply = {0};
        CHECK_INT(DIVAK_OK, divak_http_send(fast, slow.body, slow.length, fast));
        CHECK_INT(2, divak_http_pool_in_flight(slow.pool));
        CHECK_INT(1, divak_http_pool_wait(slow.pool, 1000 * MS, &reply, 1));
        CHECK(reply.tag == fast);
    }
    divak_http_target_destroy(slow.target);
    CHECK_INT(0, divak_http_pool_in_flight(slow.pool));
    client_close(&slow);
}

TEST(a_cancelled_request_gives_no_reply_and_its_room_back) {
    client opened = client_open("/stall", SMALL, (divak_http_options){.max_in_flight = 1});
    int before = open_descriptors();
    for (int i = 0; i < 200; i++) {
        divak_http_reply reply;
        CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, &i));
        CHECK_INT(0, divak_http_pool_wait(opened.pool, i % 3 == 0 ? 0 : MS, &reply, 1));
        divak_http_cancel_all(opened.target);
        CHECK_INT(0, divak_http_pool_in_flight(opened.pool));
        CHECK_INT(0, divak_http_pool_wait(opened.pool, 0, &reply, 1));
    }
    CHECK_INT(before, open_descriptors());
    client_close(&opened);
}

TEST(a_pool_may_be_destroyed_with_requests_under_way) {
    int before = open_descriptors();
    client opened = client_open("/stall", BIG, (divak_http_options){0});
    divak_http_reply reply;
    for (int i = 0; i < 4; i++) {
        CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, NULL));
    }
    CHECK_INT(0, divak_http_pool_wait(opened.pool, 20 * MS, &reply, 1));
    uint64_t start = divak_clock_monotonic_now();
    client_close(&opened);
    CHECK(milliseconds_since(start) < SOON);
    CHECK_INT(before, open_descriptors());
}

TEST(an_answer_whose_status_is_known_is_not_waited_for_to_its_end) {
    client opened = client_open("/slow-body", SMALL, (divak_http_options){0});
    uint64_t start = divak_clock_monotonic_now();
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK(milliseconds_since(start) >= 900);
    CHECK(milliseconds_since(start) < SOON);
    client_close(&opened);
}

/* ---- Waiting ---- */

TEST(an_idle_wait_takes_its_time_and_no_more) {
    client opened = client_open("/202", SMALL, (divak_http_options){0});
    divak_http_reply reply;
    double took = INFINITY;
    /* The best of some: nobody promises a processor at the end of a sleep. */
    for (int tries = 0; tries < 50 && took >= 150; tries++) {
        uint64_t start = divak_clock_monotonic_now();
        CHECK_INT(0, divak_http_pool_wait(opened.pool, 100 * MS, &reply, 1));
        took = milliseconds_since(start);
        CHECK(took >= 100);
    }
    CHECK(took < 150);
    client_close(&opened);
}

static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

TEST(a_host_that_closed_our_descriptors_does_not_make_us_spin) {
    bool was_open[256];
    for (int i = 0; i < 256; i++) was_open[i] = fcntl(i, F_GETFD) >= 0;
    divak_http_pool *pool;
    divak_http_reply reply;
    CHECK_INT(DIVAK_OK, divak_http_pool_create(&pool));
    int closed = 0;
    for (int i = 3; i < 256; i++) {
        if (!was_open[i] && close(i) == 0) closed++;
    }
    CHECK(closed > 0);
    uint64_t start = divak_clock_monotonic_now();
    double spent = processor_seconds();
    CHECK_INT(0, divak_http_pool_wait(pool, 400 * MS, &reply, 1));
    CHECK(processor_seconds() - spent < 0.05);
    CHECK(!divak_http_pool_is_intact(pool));
    CHECK(milliseconds_since(start) >= 400 && milliseconds_since(start) < SOON);
    divak_http_pool_destroy(pool);
}

/* ---- gzip ---- */

TEST(bodies_go_as_gzip_where_it_is_accepted) {
    client opened = client_open("/202", BIG, (divak_http_options){.gzip = true});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(2, server_count("/202", "gzip"));
    CHECK_INT(2, server_count("/202", "span_posts"));
    CHECK(server_count("/202", "body_bytes") < BIG / 10);
    client_close(&opened);
}

TEST(a_collector_that_refuses_gzip_gets_the_same_body_plainly_and_is_remembered) {
    static const char *const paths[] = {"/no-gzip/400", "/no-gzip/415"};
    for (int i = 0; i < 2; i++) {
        client opened = client_open(paths[i], SMALL, (divak_http_options){.gzip = true});
        for (int post = 0; post < 3; post++) client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
        CHECK_INT(4, server_count(paths[i], "requests"));
        CHECK_INT(1, server_count(paths[i], "gzip"));
        CHECK_INT(3, server_count(paths[i], "span_posts"));
        client_close(&opened);
    }
}

TEST(a_bad_body_is_not_mistaken_for_a_refusal_of_gzip) {
    client opened = client_open("/poison/nnnn/400", SMALL, (divak_http_options){.gzip = true});
    for (int post = 0; post < 3; post++) client_post_for(&opened, DIVAK_OUTCOME_SPLIT);
    CHECK_INT(4, server_count("/poison", "requests")); /* one plain probe for all */
    CHECK_INT(3, server_count("/poison", "gzip"));
    client_close(&opened);
}

/* ---- Names, addresses, proxies, environment ---- */

TEST(addresses_of_metadata_services_are_refused_after_resolving_and_in_every_spelling) {
    static const char *const urls[] = {
        "http://169.254.169.254/", "http://2852039166/",
        "http://0xa9fea9fe/",      "http://0251.0376.0251.0376/",
        "http://169.254.43518/",   "http://metadata.test/",
        "http://mapped.test/",     "http://null.test:9411/",
        "http://0.0.0.0:9411/",    "http://0/",
        "http://[::]:9411/",       "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",       "http://[fd00:ec2::254]/",
        "http://100.100.100.200/", "http://192.0.0.192/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        client opened = client_open_url(urls[i], SMALL, (divak_http_options){0});
        if (opened.status == DIVAK_OK) {
            uint64_t start = divak_clock_monotonic_now();
            divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_REJECTED);
            CHECK(milliseconds_since(start) < SOON);
            CHECK(strstr(reply.text, "metadata") != NULL);
        } else {
            CHECK_INT(DIVAK_ERROR_INVALID, opened.status);
        }
        client_close(&opened);
    }
}

TEST(a_caller_may_allow_such_addresses) {
    char url[64];
    server_reset();
    snprintf(url, sizeof url, "http://null.test:%d/202", server_ports[0]);
    client opened =
        client_open_url(url, SMALL, (divak_http_options){.allow_metadata_addresses = true});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_close(&opened);
}

TEST(a_resolver_that_hangs_holds_up_neither_the_reply_nor_the_end) {
    client opened =
        client_open_url("http://stuck.test/202", SMALL, (divak_http_options){.timeout = 200 * MS});
    uint64_t start = divak_clock_monotonic_now();
    client_post_for(&opened, DIVAK_OUTCOME_RETRY);
    CHECK(milliseconds_since(start) >= 199);
    CHECK(milliseconds_since(start) < 260);
    CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, NULL));
    divak_http_reply reply;
    CHECK_INT(0, divak_http_pool_wait(opened.pool, 10 * MS, &reply, 1));
    start = divak_clock_monotonic_now();
    divak_http_cancel_all(opened.target);
    CHECK(milliseconds_since(start) < 50);
    CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, NULL));
    CHECK_INT(0, divak_http_pool_wait(opened.pool, 10 * MS, &reply, 1));
    start = divak_clock_monotonic_now();
    client_close(&opened);
    CHECK(milliseconds_since(start) < 50);
    pause_for(1600); /* the resolvers' threads end by themselves and free what they hold */
}

TEST(a_proxy_of_the_environment_is_used_as_it_was_at_creation) {
    char proxy[64], path[] = "/202/proxied";
    snprintf(proxy, sizeof proxy, "http://user:SECRET@127.0.0.1:%d", server_ports[0]);
    server_reset();
    setenv("http_proxy", proxy, 1);
    client opened =
        client_open_url("http://unresolvable.test/202/proxied", SMALL, (divak_http_options){0});
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    unsetenv("http_proxy");
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(2, server_count(path, "proxied"));
    client_close(&opened);

    setenv("http_proxy", "http://user:SECRET@127.0.0.1:1", 1);
    opened = client_open_url("http://unresolvable.test/202", SMALL, (divak_http_options){0});
    divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_RETRY);
    CHECK(strstr(reply.text, "SECRET") == NULL);
    client_close(&opened);

    /* Neither loopback nor what no_proxy excepts goes there. */
    opened = client_open("/202", SMALL, (divak_http_options){0});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_close(&opened);
    setenv("no_proxy", "collector.test", 1);
    char url[64];
    snprintf(url, sizeof url, "http://collector.test:%d/202", server_ports[0]);
    opened = client_open_url(url, SMALL, (divak_http_options){0});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    client_close(&opened);
    unsetenv("no_proxy");
    unsetenv("http_proxy");
}

TEST(a_proxy_that_refuses_a_tunnel_sees_no_secret_of_the_collector) {
    static const char *const urls[] = {"https://closed.test/202", "https://garbled.test/202",
                                       "https://stall.test/202"};
    char proxy[64];
    const char *const headers[] = {"Authorization: Bearer SECRET"};
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server_ports[0]);
    server_reset();
    setenv("https_proxy", proxy, 1);
    for (int i = 0; i < 3; i++) {
        client opened = client_open_url(
            urls[i], SMALL,
            (divak_http_options){.headers = headers, .header_count = 1, .timeout = 300 * MS});
        divak_http_reply reply = client_post_for(&opened, DIVAK_OUTCOME_RETRY);
        CHECK(!reply.maybe_delivered);
        CHECK_INT(0, reply.http_status);
        client_close(&opened);
    }
    unsetenv("https_proxy");
    CHECK_INT(3, server_count("/CONNECT", "requests"));
    CHECK_INT(0, server_count("/CONNECT", "proxied"));
    CHECK_INT(0, server_count("/", "leaks"));
}

TEST(the_environment_is_not_read_while_sending) {
    client opened = client_open("/close-idle", SMALL, (divak_http_options){0});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    long before = environment_reads;
    for (int i = 0; i < 5; i++) client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(before, environment_reads);
    client_close(&opened);
}

TEST(what_can_not_be_an_endpoint_is_refused_at_creation_without_being_quoted) {
    static const char *const urls[] = {
        "ftp://SECRET",      "http://", "http://[SECRET", "http://a:99999/SECRET",
        "http://h/\nSECRET", "",        "SECRET"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        client opened = client_open_url(urls[i], SMALL, (divak_http_options){0});
        CHECK_INT(DIVAK_ERROR_INVALID, opened.status);
        CHECK(opened.error[0] != '\0' && strstr(opened.error, "SECRET") == NULL);
        client_close(&opened);
    }
}

/* ---- Fork ---- */

TEST(a_forked_child_forgets_the_pool_and_makes_its_own_while_the_parent_goes_on) {
    client opened = client_open("/delay/200ms", SMALL, (divak_http_options){0});
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    CHECK_INT(DIVAK_OK, divak_http_send(opened.target, opened.body, opened.length, NULL));
    divak_http_reply reply;
    CHECK_INT(0, divak_http_pool_wait(opened.pool, 20 * MS, &reply, 1));
    pid_t child = fork();
    if (child == 0) {
        divak_http_pool_abandon(opened.pool);
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%d/202/child", server_ports[0]);
        client own = client_open_url(url, SMALL, (divak_http_options){0});
        bool is_delivered = client_post(&own).outcome == DIVAK_OUTCOME_DELIVERED;
        client_close(&own);
        _exit(is_delivered && check_failures == 0 ? 0 : 1);
    }
    CHECK_INT(1, divak_http_pool_wait(opened.pool, 2000 * MS, &reply, 1));
    CHECK_INT(DIVAK_OUTCOME_DELIVERED, reply.outcome);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_INT(0, status);
    CHECK_INT(1, server_count("/202/child", "requests"));
    CHECK_INT(2, server_count("/delay", "requests"));
    client_close(&opened);
}

TEST(connections_are_not_inherited_by_programs_that_the_host_starts) {
    client opened = client_open("/202", SMALL, (divak_http_options){0});
    bool was_open[256];
    for (int i = 0; i < 256; i++) was_open[i] = fcntl(i, F_GETFD) >= 0;
    client_post_for(&opened, DIVAK_OUTCOME_DELIVERED);
    int found = 0;
    for (int i = 0; i < 256; i++) {
        int flags = fcntl(i, F_GETFD);
        if (was_open[i] || flags < 0) continue;
        found++;
        CHECK((flags & FD_CLOEXEC) != 0);
    }
    CHECK(found > 0);
    client_close(&opened);
}

int main(int argc, char **argv) {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &broken_pipe, NULL);
    static const char *const variables[] = {"http_proxy", "https_proxy",  "HTTPS_PROXY",
                                            "all_proxy",  "ALL_PROXY",    "no_proxy",
                                            "NO_PROXY",   "SSL_CERT_FILE"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
    divak_clock_init();
    if (!server_start_with(NULL, 1)) return EXIT_FAILURE;
    int status = check_run_all(argc, argv);
    server_stop();
    return status;
}
