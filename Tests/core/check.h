/* check.h - the whole C test harness: tests register themselves, failures are counted, main prints a line.
 *
 *     #include "check.h"
 *     TEST(a_full_ring_refuses_and_loses_nothing) {
 *         CHECK(1 + 1 == 2);
 *         CHECK_INT(4, 2 + 2);                  // expected first
 *         CHECK_TEXT("abc", "abc", 3);          // expected literal, actual bytes, actual length
 *     }
 *     CHECK_MAIN()
 *
 * A program takes an optional argument: only tests whose name contains it are run. A failed CHECK is printed with
 * its place and the test goes on. Exit status 0 when nothing failed and at least one test ran.
 */
#ifndef DIVAK_TEST_CHECK_H
#define DIVAK_TEST_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_test {
    const char *name;
    void (*run)(void);
    struct check_test *next;
} check_test;

static check_test *check_first;
static check_test **check_last = &check_first;
static int check_failures; /* in the running test; touch from the test's own thread only */

#define TEST(test_name)                                                                            \
    static void test_name(void);                                                                   \
    __attribute__((constructor)) static void check_register_##test_name(void) {                    \
        static check_test test = {#test_name, test_name, NULL};                                    \
        *check_last = &test;                                                                       \
        check_last = &test.next;                                                                   \
    }                                                                                              \
    static void test_name(void)

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            check_failures++;                                                                      \
            printf("  %s:%d: not true: %s\n", __FILE__, __LINE__, #claim);                         \
        }                                                                                          \
    } while (0)

#define CHECK_INT(expected, actual)                                                                \
    do {                                                                                           \
        long long check_expected = (long long)(expected), check_actual = (long long)(actual);      \
        if (check_expected != check_actual) {                                                      \
            check_failures++;                                                                      \
            printf("  %s:%d: %s: expected %lld, got %lld\n", __FILE__, __LINE__, #actual,          \
                   check_expected, check_actual);                                                  \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(expected, actual, length) check_text(__FILE__, __LINE__, expected, actual, length)

static inline void check_text(const char *file, int line, const char *expected, const void *actual,
                              size_t length) {
    size_t expected_length = strlen(expected);
    if (expected_length == length && (length == 0 || memcmp(expected, actual, length) == 0)) return;
    check_failures++;
    printf("  %s:%d: expected \"%s\" (%zu), got \"%.*s\" (%zu)\n", file, line, expected,
           expected_length, (int)length, actual == NULL ? "" : (const char *)actual, length);
}

static inline int check_run_all(int argc, char **argv) {
    int passed = 0, failed = 0;
    for (check_test *test = check_first; test != NULL; test = test->next) {
        if (argc > 1 && strstr(test->name, argv[1]) == NULL) continue;
        check_failures = 0;
        test->run();
        if (check_failures != 0) printf("FAILED %s\n", test->name);
        if (check_failures != 0) failed++; else passed++;
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define CHECK_MAIN()                                                                               \
    int main(int argc, char **argv) { return check_run_all(argc, argv); }

#endif
