/* http_matrix_test.c - one request to each scripted server, with what must come of it and when. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http.h"

#include "divak/status.h"

#include "http_server.h"

enum { SMALL = 300, BIG = 1500000 };
#define ANY (-1)

typedef struct {
    const char *path;
    size_t size; /* of the body */
    divak_outcome outcome;
    int status;      /* 0: no answer; ANY: timing decides */
    int least;       /* milliseconds; LIMIT: the time limit is what ends it */
    int maybe;       /* maybe_delivered, or ANY */
    int accepted;    /* spans in the ledger as answered by 2xx, or ANY */
} expectation;

enum {
    LIMIT = 700,           /* where the limit is what is tried */
    LIMIT_MAX = 8 * LIMIT, /* the servers keep on for 20 s and longer */
    PATIENCE = 20000,      /* where it is not: nothing may wait for half of it */
    LATE = 8000            /* how long after its limit a request may end on a busy machine */
};

#define DELIVERED DIVAK_OUTCOME_DELIVERED
#define RETRY     DIVAK_OUTCOME_RETRY
#define SPLIT     DIVAK_OUTCOME_SPLIT
#define REJECTED  DIVAK_OUTCOME_REJECTED
#define REDIRECT  DIVAK_OUTCOME_REDIRECT

static const expectation expectations[] = {
    /* Answers. */
    {"/200", SMALL, DELIVERED, 200, 0, 0, 1},
    {"/202", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/202/big", BIG, DELIVERED, 202, 0, 0, 1},
    {"/204", SMALL, DELIVERED, 204, 0, 0, 1},
    {"/299", SMALL, DELIVERED, 299, 0, 0, 1},
    {"/http10", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/chunked", SMALL, DELIVERED, 202, 0, 0, ANY},
    {"/delay/5ms", SMALL, DELIVERED, 202, 5, 0, 1},
    {"/delay/300ms", SMALL, DELIVERED, 202, 300, 0, 1},
    {"/early-hints/202", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/early-hints/503", SMALL, RETRY, 503, 0, 0, 0},
    {"/continue-stall", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/continue-stall/big", BIG, DELIVERED, 202, 0, 0, 1},
    {"/forbid/expect", BIG, DELIVERED, 202, 0, 0, 1},
    {"/need/b3/0", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/need/user-agent/divak", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/forbid/content-encoding", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/400", SMALL, SPLIT, 400, 0, 0, 0},
    {"/400/big", BIG, SPLIT, 400, 0, 0, 0},
    {"/413", SMALL, SPLIT, 413, 0, 0, 0},
    {"/limit/1000", BIG, SPLIT, 413, 0, 0, 0},
    {"/limit/1000/small", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/poison/nnnn/400", SMALL, SPLIT, 400, 0, 0, 0},
    {"/poison/absent/400", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/401", SMALL, REJECTED, 401, 0, 0, 0},
    {"/403", SMALL, REJECTED, 403, 0, 0, 0},
    {"/404", SMALL, REJECTED, 404, 0, 0, 0},
    {"/405", SMALL, REJECTED, 405, 0, 0, 0},
    {"/407", SMALL, REJECTED, 407, 0, 0, 0},
    {"/408", SMALL, RETRY, 408, 0, 0, 0},
    {"/415", SMALL, REJECTED, 415, 0, 0, 0},
    {"/417", SMALL, REJECTED, 417, 0, 0, 0},
    {"/422", SMALL, REJECTED, 422, 0, 0, 0},
    {"/425", SMALL, RETRY, 425, 0, 0, 0},
    {"/429", SMALL, RETRY, 429, 0, 0, 0},
    {"/499", SMALL, REJECTED, 499, 0, 0, 0},
    {"/500", SMALL, RETRY, 500, 0, 0, 0},
    {"/501", SMALL, RETRY, 501, 0, 0, 0},
    {"/502", SMALL, RETRY, 502, 0, 0, 0},
    {"/503", SMALL, RETRY, 503, 0, 0, 0},
    {"/503/big", BIG, RETRY, 503, 0, 0, 0},
    {"/504", SMALL, RETRY, 504, 0, 0, 0},
    {"/599", SMALL, RETRY, 599, 0, 0, 0},
    {"/retry-after/1", SMALL, RETRY, 503, 0, 0, 0},
    {"/redirect/300", SMALL, REDIRECT, 300, 0, 0, 0},
    {"/redirect/301", SMALL, REDIRECT, 301, 0, 0, 0},
    {"/redirect/302", SMALL, REDIRECT, 302, 0, 0, 0},
    {"/redirect/303", SMALL, REDIRECT, 303, 0, 0, 0},
    {"/redirect/307", SMALL, REDIRECT, 307, 0, 0, 0},
    {"/redirect/308", SMALL, REDIRECT, 308, 0, 0, 0},
    {"/304", SMALL, REDIRECT, 304, 0, 0, 0},
    {"/upgrade", SMALL, RETRY, 0, 0, 1, 0},
    {"/answer-early/202", BIG, DELIVERED, 202, 0, 0, ANY},
    {"/answer-early/413", BIG, SPLIT, 413, 0, 0, 0},
    {"/answer-early/503", BIG, RETRY, 503, 0, 0, 0},
    {"/answer-early-rst/413", BIG, ANY, ANY, 0, 0, 0},
    {"/answer-early-rst/202", 9 * BIG, RETRY, ANY, 0, 0, 0},

    /* Connections. */
    {"/rst-before-reply", SMALL, RETRY, 0, 0, 1, 0},
    {"/rst-before-reply/big", BIG, RETRY, 0, 0, 1, 0},
    {"/close-before-reply", SMALL, RETRY, 0, 0, 1, 0},
    {"/half-close", SMALL, RETRY, 0, 0, 1, 0},
    {"/half-close/big", BIG, RETRY, 0, 0, ANY, 0},
    {"/rst-after/0", BIG, RETRY, 0, 0, ANY, 0},
    {"/rst-after/1", BIG, RETRY, 0, 0, ANY, 0},
    {"/rst-after/1000", BIG, RETRY, 0, 0, ANY, 0},
    {"/rst-after/65536", BIG, RETRY, 0, 0, ANY, 0},
    {"/rst-after/1400000", BIG, RETRY, 0, 0, ANY, 0},
    {"/close-idle", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/rst-idle", SMALL, DELIVERED, 202, 0, 0, 1},
    {"/flaky/rst,202", SMALL, RETRY, 0, 0, 1, 0},

    /* Slowness: the limit holds, and a status that is known is taken at its word. */
    {"/stall", SMALL, RETRY, 0, LIMIT, 1, 0},
    {"/stall-before-body/big", 9 * BIG, RETRY, 0, LIMIT, 0, 0},
    {"/slow-status", SMALL, RETRY, 0, LIMIT, 1, 0},
    {"/slow-headers", SMALL, RETRY, 0, LIMIT, 1, 0},
    {"/slow-loris", SMALL, RETRY, 0, LIMIT, 1, 0},
    {"/slow-body", SMALL, DELIVERED, 202, LIMIT, 0, ANY},
    {"/slow-read", 9 * BIG, RETRY, 0, LIMIT, ANY, 0},
    {"/partial-status", SMALL, RETRY, 0, 0, 1, 0},
    {"/partial-headers", SMALL, RETRY, 0, 0, 1, 0},
    {"/partial-body", SMALL, DELIVERED, 202, 0, 0, ANY},
    {"/partial-body/503", SMALL, RETRY, 503, 0, 0, 0},
    {"/partial-body/400", SMALL, SPLIT, 400, 0, 0, 0},

    /* Excess. */
    {"/endless-body", SMALL, DELIVERED, 202, 0, 0, ANY},
    {"/endless-body/503", SMALL, RETRY, 503, 0, 0, 0},
    {"/endless-body/400", SMALL, SPLIT, 400, 0, 0, 0},
    {"/endless-chunks", SMALL, DELIVERED, 202, 0, 0, ANY},
    {"/header-bomb", SMALL, RETRY, 0, 0, 1, 0},
    {"/header-flood", SMALL, RETRY, 0, 0, 1, 0},
    {"/continue-flood", SMALL, RETRY, 0, 0, 1, 0},
    {"/gzip-bomb", SMALL, DELIVERED, 202, 0, 0, 1},

    /* Nonsense. */
    {"/garbled", SMALL, RETRY, 0, 0, 1, 0},
    {"/garbled-status", SMALL, RETRY, 0, 0, 1, 0},
    {"/http09", SMALL, RETRY, 0, 0, 1, 0},
    {"/bad-length", SMALL, RETRY, 0, 0, 1, 0},
    {"/bad-chunk", SMALL, DELIVERED, 202, 0, 0, ANY},
    {"/nul-header", SMALL, RETRY, 0, 0, 1, 0},
    {"/no-status", SMALL, RETRY, 0, 0, 1, 0},
    {"/huge-status", SMALL, RETRY, 0, 0, 1, 0},
};

enum { EXPECTATIONS = sizeof expectations / sizeof expectations[0] };

typedef struct {
    divak_http_reply reply;
    double took;
    bool is_tag_right, is_all_over;
    long requests, spans;
} observation;

static observation observe(const expectation *expected, int limit) {
    char url[256], display[64], error[200];
    snprintf(display, sizeof display, "http://127.0.0.1:%d", server_ports[0]);
    snprintf(url, sizeof url, "%s%s?key=SECRET", display, expected->path);
    size_t length;
    char *body = make_body(1, 1, expected->size, &length);
    const char *const headers[] = {"Authorization: Bearer SECRET"};
    const divak_http_options options = {.url = url,
                                        .display = display,
                                        .headers = headers,
                                        .header_count = 1,
                                        .timeout = (uint64_t)limit * UINT64_C(1000000)};
    divak_http_pool *pool;
    divak_http_target *target;
    observation seen = {0};
    server_reset();
    CHECK_INT(DIVAK_OK, divak_http_pool_create(&pool));
    CHECK_INT(DIVAK_OK, divak_http_target_create(pool, &options, &target, error, sizeof error));

    uint64_t start = divak_clock_monotonic_now();
    CHECK_INT(DIVAK_OK, divak_http_send(target, body, length, body));
    CHECK_INT(1, divak_http_pool_in_flight(pool));
    CHECK_INT(1, divak_http_pool_wait(pool, 2 * PATIENCE * UINT64_C(1000000), &seen.reply, 1));
    seen.took = milliseconds_since(start);
    seen.is_tag_right = seen.reply.tag == body;
    seen.is_all_over =
        divak_http_pool_in_flight(pool) == 0 && divak_http_target_in_flight(target) == 0;
    seen.requests = server_count(expected->path, "requests");
    seen.spans = server_count(expected->path, "spans");
    divak_http_pool_destroy(pool);
    free(body);
    return seen;
}

/* Whether the server came as far as it should before the limit. It may not have had a processor. */
static bool has_come_far_enough(const expectation *expected, const observation *seen) {
    return seen->requests == 1 &&
           (expected->status == ANY || seen->reply.http_status == expected->status) &&
           (expected->maybe == ANY || seen->reply.maybe_delivered == expected->maybe);
}

static void try_expectation(const expectation *expected) {
    bool tries_limit = expected->least == LIMIT;
    int limit = tries_limit ? LIMIT : PATIENCE;
    observation seen = observe(expected, limit);
    while (tries_limit && 2 * limit <= LIMIT_MAX && !has_come_far_enough(expected, &seen)) {
        limit *= 2;
        seen = observe(expected, limit);
    }
    const divak_http_reply *reply = &seen.reply;
    CHECK(seen.is_tag_right);
    CHECK(seen.is_all_over);
    if (expected->outcome != (divak_outcome)ANY) CHECK_INT(expected->outcome, reply->outcome);
    if (expected->status != ANY) CHECK_INT(expected->status, reply->http_status);
    if (expected->maybe != ANY) CHECK_INT(expected->maybe, reply->maybe_delivered);
    if (tries_limit) {
        CHECK(seen.took >= limit - 10);
        CHECK(seen.took <= limit + LATE);
    } else {
        CHECK(seen.took >= expected->least);
        CHECK(seen.took < PATIENCE / 2);
    }
    CHECK(strstr(reply->text, "SECRET") == NULL);
    CHECK(strstr(reply->text, expected->path) == NULL);
    CHECK((reply->text[0] == '\0') == (reply->outcome == DIVAK_OUTCOME_DELIVERED));
    if (expected->accepted != ANY) CHECK_INT(expected->accepted, seen.spans);
    /* Nothing was repeated behind our back: these were all fresh connections. */
    CHECK_INT(1, seen.requests);
    if (check_failures != 0) {
        printf("  %s: outcome %d, status %d, maybe %d, %.0f ms, \"%s\"\n", expected->path,
               (int)reply->outcome, reply->http_status, reply->maybe_delivered, seen.took,
               reply->text);
    }
}

TEST(each_scripted_server_gets_the_outcome_it_deserves_in_time) {
    CHECK(EXPECTATIONS >= 80);
    if (!server_start_with(NULL, 1)) {
        CHECK(false);
        return;
    }
    divak_clock_init();
    try_expectation(&expectations[0]); /* libraries open what they keep */
    int before = open_descriptors();
    int failed = 0;
    for (int i = 0; i < EXPECTATIONS; i++) {
        int failures = check_failures;
        check_failures = 0;
        try_expectation(&expectations[i]);
        CHECK_INT(before, open_descriptors());
        if (check_failures != 0) failed++;
        check_failures += failures;
    }
    printf("%d behaviours, %d not as expected\n", (int)EXPECTATIONS, failed);
    server_stop();
}

CHECK_MAIN()
