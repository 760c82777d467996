/* http_memory_test.c - each allocation of ours and of libcurl fails, once or for ever, on the way
 * of a cold POST. Needs libcurl. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http.h"

#include "base/memory.h"
#include "divak/status.h"

#include <curl/curl.h>

#include "http_server.h"

#define MS UINT64_C(1000000)

/* Only this program's one thread allocates through these: hosts are numbers, so that no resolver is
 * started. */
static long allocations;
static long failing = -1;
static bool all_after;

static bool may_allocate(void) {
    long number = allocations++;
    return failing < 0 || (all_after ? number < failing : number != failing);
}

static void *fail_malloc(size_t size) {
    return may_allocate() ? malloc(size) : NULL;
}

static void *fail_realloc(void *memory, size_t size) {
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void *fail_calloc(size_t count, size_t size) {
    return may_allocate() ? calloc(count, size) : NULL;
}

static char *fail_strdup(const char *text) {
    return may_allocate() ? strdup(text) : NULL;
}

static char *body;
static size_t body_length;

typedef struct {
    int status;
    divak_outcome outcome;
    bool has_replied;
} attempt;

/* From nothing to a reply and back to nothing. */
static attempt post_cold(const char *url, bool is_gzip, int posts) {
    const char *const headers[] = {"X-Key: value"};
    const divak_http_options options = {.url = url,
                                        .display = "http://display:1",
                                        .gzip = is_gzip,
                                        .headers = headers,
                                        .header_count = 1,
                                        .timeout = 500 * MS};
    char error[200];
    attempt result = {.status = DIVAK_OK};
    divak_http_pool *pool = NULL;
    divak_http_target *target;
    result.status = divak_http_pool_create(&pool);
    if (result.status == DIVAK_OK) {
        result.status = divak_http_target_create(pool, &options, &target, error, sizeof error);
    }
    for (int i = 0; i < posts && result.status == DIVAK_OK; i++) {
        divak_http_reply reply = {0};
        result.has_replied = false;
        result.status = divak_http_send(target, body, body_length, &result);
        if (result.status != DIVAK_OK) {
            CHECK_INT(0, divak_http_pool_in_flight(pool));
            break;
        }
        CHECK_INT(1, divak_http_pool_wait(pool, 3000 * MS, &reply, 1));
        CHECK_INT(0, divak_http_pool_in_flight(pool));
        CHECK(reply.tag == &result);
        result.outcome = reply.outcome;
        result.has_replied = true;
    }
    divak_http_pool_destroy(pool);
    return result;
}

static void try_all(const char *path, bool is_gzip, int posts) {
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_ports[0], path);
    failing = -1;
    CHECK_INT(DIVAK_OUTCOME_DELIVERED, post_cold(url, is_gzip, posts).outcome);
    int descriptors = open_descriptors();
    int points = 0, survived = 0;
    for (int mode = 0; mode < 2; mode++) {
        all_after = mode == 1;
        for (long number = 0;; number++) {
            failing = number;
            allocations = 0;
            uint64_t start = divak_clock_monotonic_now();
            attempt result = post_cold(url, is_gzip, posts);
            CHECK(milliseconds_since(start) < 2500);
            if (allocations <= number) {
                CHECK(result.has_replied && result.outcome == DIVAK_OUTCOME_DELIVERED);
                break;
            }
            points++;
            if (result.has_replied) {
                CHECK(result.outcome == DIVAK_OUTCOME_DELIVERED ||
                      result.outcome == DIVAK_OUTCOME_RETRY);
                if (result.outcome == DIVAK_OUTCOME_DELIVERED) survived++;
            } else {
                CHECK_INT(DIVAK_ERROR_MEMORY, result.status);
            }
            CHECK_INT(descriptors, open_descriptors());
        }
    }
    failing = -1;
    printf("%s%s: %d points, delivered all the same at %d\n", path, is_gzip ? " with gzip" : "",
           points, survived);
    CHECK(points > 50);
}

TEST(a_cold_post_survives_any_failing_allocation) {
    try_all("/202", false, 1);
}

TEST(a_second_post_on_a_dead_connection_survives_any_failing_allocation) {
    try_all("/stale", false, 2);
}

TEST(a_compressed_post_that_is_refused_survives_any_failing_allocation) {
    try_all("/no-gzip/415", true, 1);
}

int main(int argc, char **argv) {
    divak_clock_init();
    if (!server_start_with(NULL, 1)) return EXIT_FAILURE;
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, fail_malloc, free, fail_realloc, fail_strdup,
                         fail_calloc);
    divak_system.allocate = fail_malloc;
    divak_system.resize = fail_realloc;
    body = make_body(1, 10, 5000, &body_length);
    int status = check_run_all(argc, argv);
    free(body);
    server_stop();
    return status;
}
