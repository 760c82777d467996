/* SPDX-License-Identifier: Apache-2.0 */
/* memory_reporter_test.c - the list in memory: joined, taken whole, and safe without memory. */
#include "export/memory_reporter.h"

#include <pthread.h>

#include "base/memory.h"
#include "check.h"

static divak_memory_reporter *make(void) {
    divak_memory_reporter *reporter = NULL;
    CHECK_INT(DIVAK_OK, divak_memory_reporter_create(&reporter));
    return reporter;
}

static void expect_taken(divak_memory_reporter *reporter, const char *expected) {
    size_t length = 999;
    char *json = divak_memory_reporter_take(reporter, &length);
    CHECK_TEXT(expected, json, length);
    CHECK_INT(0, json[length]);
    divak_free(json);
}

TEST(lists_are_joined_into_one_and_taken_once) {
    divak_memory_reporter *reporter = make();
    expect_taken(reporter, "[]");
    CHECK_INT(DIVAK_OK, divak_memory_reporter_append(reporter, "[{\"a\":1},{\"b\":2}]", 17, 2));
    CHECK_INT(DIVAK_OK, divak_memory_reporter_append(reporter, "[{\"c\":3}]", 9, 1));
    CHECK_INT(DIVAK_OK, divak_memory_reporter_append(reporter, "[]", 2, 0)); /* a check of the endpoint */
    CHECK_INT(3, divak_memory_reporter_count(reporter));
    expect_taken(reporter, "[{\"a\":1},{\"b\":2},{\"c\":3}]");
    CHECK_INT(0, divak_memory_reporter_count(reporter));
    expect_taken(reporter, "[]");
    char *json = divak_memory_reporter_take(reporter, NULL);
    CHECK(json != NULL);
    divak_free(json);
    divak_memory_reporter_destroy(reporter);
}

TEST(no_reporter_is_an_empty_one) {
    CHECK_INT(0, divak_memory_reporter_count(NULL));
    CHECK(divak_memory_reporter_take(NULL, NULL) == NULL);
    divak_memory_reporter_destroy(NULL);
    divak_free(NULL);
}

static int allowed;
static void *(*real_resize)(void *, size_t);
static void *(*real_allocate)(size_t);

static void *scarce_resize(void *memory, size_t size) {
    return allowed-- > 0 ? real_resize(memory, size) : NULL;
}

static void *scarce_allocate(size_t size) {
    return allowed-- > 0 ? real_allocate(size) : NULL;
}

TEST(without_memory_nothing_is_lost_that_was_there) {
    real_resize = divak_system.resize;
    real_allocate = divak_system.allocate;
    allowed = 0;
    divak_system.allocate = scarce_allocate;
    divak_memory_reporter *reporter = NULL;
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_memory_reporter_create(&reporter));
    divak_system.allocate = real_allocate;

    reporter = make();
    divak_system.resize = scarce_resize;
    allowed = 0;
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_memory_reporter_append(reporter, "[{}]", 4, 1));
    CHECK(divak_memory_reporter_take(reporter, NULL) == NULL);
    CHECK_INT(0, divak_memory_reporter_count(reporter));
    allowed = 1;
    CHECK_INT(DIVAK_OK, divak_memory_reporter_append(reporter, "[{}]", 4, 1));
    static char large[10000];
    memset(large, 'x', sizeof large);
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_memory_reporter_append(reporter, large, sizeof large, 1));
    CHECK_INT(1, divak_memory_reporter_count(reporter));
    divak_system.resize = real_resize;
    expect_taken(reporter, "[{}]");
    divak_memory_reporter_destroy(reporter);
}

enum { APPENDS = 20000 };

static void *append_many(void *context) {
    for (int i = 0; i < APPENDS; i++) {
        CHECK_INT(DIVAK_OK, divak_memory_reporter_append(context, "[{\"x\":1}]", 9, 1));
    }
    return NULL;
}

TEST(taking_beside_appending_loses_and_doubles_nothing) {
    divak_memory_reporter *reporter = make();
    pthread_t thread;
    pthread_create(&thread, NULL, append_many, reporter);
    size_t taken = 0;
    while (taken < APPENDS) {
        size_t length;
        char *json = divak_memory_reporter_take(reporter, &length);
        CHECK(json != NULL && json[0] == '[' && json[length - 1] == ']');
        taken += (length - 1) / 8;
        divak_free(json);
    }
    pthread_join(thread, NULL);
    CHECK_INT(APPENDS, taken);
    CHECK_INT(0, divak_memory_reporter_count(reporter));
    divak_memory_reporter_destroy(reporter);
}

TEST(the_child_of_a_fork_begins_with_an_empty_list) {
    divak_memory_reporter *reporter = make();
    divak_memory_reporter_append(reporter, "[{}]", 4, 1);
    divak_memory_reporter_reset_after_fork(reporter);
    CHECK_INT(0, divak_memory_reporter_count(reporter));
    expect_taken(reporter, "[]");
    divak_memory_reporter_destroy(reporter);
}

CHECK_MAIN()
