/* http_matrix_test.c - one request to each scripted server, with what must come of it and when. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#ifdef DIVAK_WITHOUT_CURL
int main(void) {
    printf("built without libcurl: there is no transport to test\n");
    return EXIT_SUCCESS;
}
#else
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
    int least, most; /* milliseconds; the time limit is 700 */
    int maybe;       /* maybe_delivered, or ANY */
    int accepted;    /* spans in the ledger as answered by 2xx, or ANY */
} expectation;

enum { LIMIT = 700, SLACK = 1500 };

#define DELIVERED DIVAK_OUTCOME_DELIVERED
#define RETRY     DIVAK_OUTCOME_RETRY
#define SPLIT     DIVAK_OUTCOME_SPLIT
#define REJECTED  DIVAK_OUTCOME_REJECTED
#define REDIRECT  DIVAK_OUTCOME_REDIRECT

static const expectation expectations[] = {
    /* Answers. */
    {"/200", SMALL, DELIVERED, 200, 0, SLACK, 0, 1},
    {"/202", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/202/big", BIG, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/204", SMALL, DELIVERED, 204, 0, SLACK, 0, 1},
    {"/299", SMALL, DELIVERED, 299, 0, SLACK, 0, 1},
    {"/http10", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/chunked", SMALL, DELIVERED, 202, 0, SLACK, 0, ANY},
    {"/delay/5ms", SMALL, DELIVERED, 202, 5, SLACK, 0, 1},
    {"/delay/300ms", SMALL, DELIVERED, 202, 300, SLACK, 0, 1},
    {"/early-hints/202", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/early-hints/503", SMALL, RETRY, 503, 0, SLACK, 0, 0},
    {"/continue-stall", SMALL, DELIVERED, 202, 0, 400, 0, 1},
    {"/continue-stall/big", BIG, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/forbid/expect", BIG, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/need/b3/0", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/need/user-agent/divak", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/forbid/content-encoding", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/400", SMALL, SPLIT, 400, 0, SLACK, 0, 0},
    {"/400/big", BIG, SPLIT, 400, 0, SLACK, 0, 0},
    {"/413", SMALL, SPLIT, 413, 0, SLACK, 0, 0},
    {"/limit/1000", BIG, SPLIT, 413, 0, SLACK, 0, 0},
    {"/limit/1000/small", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/poison/nnnn/400", SMALL, SPLIT, 400, 0, SLACK, 0, 0},
    {"/poison/absent/400", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/401", SMALL, REJECTED, 401, 0, SLACK, 0, 0},
    {"/403", SMALL, REJECTED, 403, 0, SLACK, 0, 0},
    {"/404", SMALL, REJECTED, 404, 0, SLACK, 0, 0},
    {"/405", SMALL, REJECTED, 405, 0, SLACK, 0, 0},
    {"/407", SMALL, REJECTED, 407, 0, SLACK, 0, 0},
    {"/408", SMALL, RETRY, 408, 0, SLACK, 0, 0},
    {"/415", SMALL, REJECTED, 415, 0, SLACK, 0, 0},
    {"/417", SMALL, REJECTED, 417, 0, SLACK, 0, 0},
    {"/422", SMALL, REJECTED, 422, 0, SLACK, 0, 0},
    {"/425", SMALL, RETRY, 425, 0, SLACK, 0, 0},
    {"/429", SMALL, RETRY, 429, 0, SLACK, 0, 0},
    {"/499", SMALL, REJECTED, 499, 0, SLACK, 0, 0},
    {"/500", SMALL, RETRY, 500, 0, SLACK, 0, 0},
    {"/501", SMALL, RETRY, 501, 0, SLACK, 0, 0},
    {"/502", SMALL, RETRY, 502, 0, SLACK, 0, 0},
    {"/503", SMALL, RETRY, 503, 0, SLACK, 0, 0},
    {"/503/big", BIG, RETRY, 503, 0, SLACK, 0, 0},
    {"/504", SMALL, RETRY, 504, 0, SLACK, 0, 0},
    {"/599", SMALL, RETRY, 599, 0, SLACK, 0, 0},
    {"/retry-after/1", SMALL, RETRY, 503, 0, SLACK, 0, 0},
    {"/redirect/300", SMALL, REDIRECT, 300, 0, SLACK, 0, 0},
    {"/redirect/301", SMALL, REDIRECT, 301, 0, SLACK, 0, 0},
    {"/redirect/302", SMALL, REDIRECT, 302, 0, SLACK, 0, 0},
    {"/redirect/303", SMALL, REDIRECT, 303, 0, SLACK, 0, 0},
    {"/redirect/307", SMALL, REDIRECT, 307, 0, SLACK, 0, 0},
    {"/redirect/308", SMALL, REDIRECT, 308, 0, SLACK, 0, 0},
    {"/304", SMALL, REDIRECT, 304, 0, SLACK, 0, 0},
    {"/upgrade", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/answer-early/202", BIG, DELIVERED, 202, 0, SLACK, 0, ANY},
    {"/answer-early/413", BIG, SPLIT, 413, 0, SLACK, 0, 0},
    {"/answer-early/503", BIG, RETRY, 503, 0, SLACK, 0, 0},
    {"/answer-early-rst/413", BIG, ANY, ANY, 0, SLACK, 0, 0},
    {"/answer-early-rst/202", 9 * BIG, RETRY, ANY, 0, SLACK, 0, 0},

    /* Connections. */
    {"/rst-before-reply", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/rst-before-reply/big", BIG, RETRY, 0, 0, SLACK, 1, 0},
    {"/close-before-reply", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/half-close", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/half-close/big", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/rst-after/0", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/rst-after/1", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/rst-after/1000", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/rst-after/65536", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/rst-after/1400000", BIG, RETRY, 0, 0, SLACK, ANY, 0},
    {"/close-idle", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/rst-idle", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},
    {"/flaky/rst,202", SMALL, RETRY, 0, 0, SLACK, 1, 0},

    /* Slowness: the limit holds, and a status that is known is taken at its word. */
    {"/stall", SMALL, RETRY, 0, LIMIT - 10, SLACK, 1, 0},
    {"/stall-before-body/big", 9 * BIG, RETRY, 0, LIMIT - 10, SLACK, 0, 0},
    {"/slow-status", SMALL, RETRY, 0, LIMIT - 10, SLACK, 1, 0},
    {"/slow-headers", SMALL, RETRY, 0, LIMIT - 10, SLACK, 1, 0},
    {"/slow-loris", SMALL, RETRY, 0, LIMIT - 10, SLACK, 1, 0},
    {"/slow-body", SMALL, DELIVERED, 202, LIMIT - 10, SLACK, 0, ANY},
    {"/slow-read", 9 * BIG, RETRY, 0, LIMIT - 10, SLACK, ANY, 0},
    {"/partial-status", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/partial-headers", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/partial-body", SMALL, DELIVERED, 202, 0, SLACK, 0, ANY},
    {"/partial-body/503", SMALL, RETRY, 503, 0, SLACK, 0, 0},
    {"/partial-body/400", SMALL, SPLIT, 400, 0, SLACK, 0, 0},

    /* Excess. */
    {"/endless-body", SMALL, DELIVERED, 202, 0, 500, 0, ANY},
    {"/endless-body/503", SMALL, RETRY, 503, 0, 500, 0, 0},
    {"/endless-body/400", SMALL, SPLIT, 400, 0, 500, 0, 0},
    {"/endless-chunks", SMALL, DELIVERED, 202, 0, 500, 0, ANY},
    {"/header-bomb", SMALL, RETRY, 0, 0, 500, 1, 0},
    {"/header-flood", SMALL, RETRY, 0, 0, 500, 1, 0},
    {"/continue-flood", SMALL, RETRY, 0, 0, 500, 1, 0},
    {"/gzip-bomb", SMALL, DELIVERED, 202, 0, SLACK, 0, 1},

    /* Nonsense. */
    {"/garbled", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/garbled-status", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/http09", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/bad-length", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/bad-chunk", SMALL, DELIVERED, 202, 0, SLACK, 0, ANY},
    {"/nul-header", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/no-status", SMALL, RETRY, 0, 0, SLACK, 1, 0},
    {"/huge-status", SMALL, RETRY, 0, 0, SLACK, 1, 0},
};

enum { EXPECTATIONS = sizeof expectations / sizeof expectations[0] };

static void try_expectation(const expectation *expected) {
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
                                        .timeout = LIMIT * UINT64_C(1000000)};
    divak_http_pool *pool;
    divak_http_target *target;
    divak_http_reply reply = {0};
    CHECK_INT(DIVAK_OK, divak_http_pool_create(&pool));
    CHECK_INT(DIVAK_OK, divak_http_target_create(pool, &options, &target, error, sizeof error));

    uint64_t start = divak_clock_monotonic_now();
    CHECK_INT(DIVAK_OK, divak_http_send(target, body, length, body));
    CHECK_INT(1, divak_http_pool_in_flight(pool));
    CHECK_INT(1, divak_http_pool_wait(pool, 5 * UINT64_C(1000000000), &reply, 1));
    double took = milliseconds_since(start);
    CHECK(reply.tag == body);
    if (expected->outcome != (divak_outcome)ANY) CHECK_INT(expected->outcome, reply.outcome);
    if (expected->status != ANY) CHECK_INT(expected->status, reply.http_status);
    if (expected->maybe != ANY) CHECK_INT(expected->maybe, reply.maybe_delivered);
    CHECK(took >= expected->least);
    CHECK(took <= expected->most);
    CHECK_INT(0, divak_http_pool_in_flight(pool));
    CHECK_INT(0, divak_http_target_in_flight(target));
    CHECK(strstr(reply.text, "SECRET") == NULL);
    CHECK(strstr(reply.text, expected->path) == NULL);
    CHECK((reply.text[0] == '\0') == (reply.outcome == DIVAK_OUTCOME_DELIVERED));
    if (expected->accepted != ANY)
        CHECK_INT(expected->accepted, server_count(expected->path, "spans"));
    /* Nothing was repeated behind our back: these were all fresh connections. */
    CHECK_INT(1, server_count(expected->path, "requests"));
    if (check_failures != 0) {
        printf("  %s: outcome %d, status %d, maybe %d, %.0f ms, \"%s\"\n", expected->path,
               (int)reply.outcome, reply.http_status, reply.maybe_delivered, took, reply.text);
    }
    divak_http_pool_destroy(pool);
    free(body);
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
        server_reset();
        try_expectation(&expectations[i]);
        CHECK_INT(before, open_descriptors());
        if (check_failures != 0) failed++;
        check_failures += failures;
    }
    printf("%d behaviours, %d not as expected\n", (int)EXPECTATIONS, failed);
    server_stop();
}

CHECK_MAIN()
#endif
