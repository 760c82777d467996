/* SPDX-License-Identifier: Apache-2.0 */
/* number_test.c - numbers as text: against printf for integers, against strtod for doubles. */
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <time.h>

#include "check.h"
#include "wire/number.h"

static uint64_t state;

static uint64_t next_random(void) {
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void seed_random(void) {
    state = (uint64_t)time(NULL);
    const char *given = getenv("DIVAK_TEST_SEED");
    if (given != NULL) state = strtoull(given, NULL, 10);
    printf("  seed %" PRIu64 "\n", state);
}

static void check_uint(uint64_t value) {
    char expected[32], actual[DIVAK_NUMBER_SIZE];
    snprintf(expected, sizeof expected, "%" PRIu64, value);
    CHECK_TEXT(expected, actual, (size_t)(divak_number_write_uint(actual, value) - actual));
    CHECK_TEXT(expected, actual, (size_t)(divak_number_write_time(actual, value) - actual));
}

static void check_int(int64_t value) {
    char expected[32], actual[DIVAK_NUMBER_SIZE];
    snprintf(expected, sizeof expected, "%" PRId64, value);
    CHECK_TEXT(expected, actual, (size_t)(divak_number_write_int(actual, value) - actual));
}

static const char *double_text(double value) {
    static char text[DIVAK_NUMBER_SIZE + 1];
    memset(text, 'x', sizeof text);
    *divak_number_write_double(text, value) = 0;
    return text;
}

static void check_double(const char *expected, double value) {
    const char *actual = double_text(value);
    CHECK_TEXT(expected, actual, strlen(actual));
}

/* How many digits carry the value: neither leading nor trailing zeros, nor the exponent. */
static int significant_digits(const char *text) {
    int count = 0, zeros = 0;
    for (; *text != 0 && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (*text == '0' && count == 0)) continue;
        if (*text == '0') {
            zeros++;
            continue;
        }
        count += zeros + 1;
        zeros = 0;
    }
    return count;
}

static int printf_digits(double value) {
    char text[64];
    for (int precision = 1; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value) return precision;
    }
    return 17;
}

/* Reads back as the same double, with no more digits than any %g that does. */
static bool reads_back(double value) {
    const char *text = double_text(value);
    double again = strtod(text, NULL);
    if (memcmp(&again, &value, sizeof value) != 0) {
        printf("  %a became %s\n", value, text);
        return false;
    }
    int digits = significant_digits(text), printf_needs = printf_digits(value);
    if (digits > printf_needs) {
        printf("  %a became %s, but %d digits do\n", value, text, printf_needs);
        return false;
    }
    return strlen(text) < DIVAK_NUMBER_SIZE;
}

TEST(integers_of_every_length_equal_printf) {
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        for (int step = -2; step <= 2; step++) check_uint(power + (uint64_t)(int64_t)step);
        check_uint(power * 9);
    }
    for (uint64_t value = 0; value < 100000; value++) check_uint(value);
    check_uint(UINT64_MAX);
    check_int(INT64_MIN);
    check_int(INT64_MAX);
    check_int(-1);
    check_int(0);
}

TEST(random_integers_equal_printf) {
    seed_random();
    for (int i = 0; i < 1000000; i++) {
        uint64_t value = next_random() >> (next_random() & 63);
        char expected[32], actual[DIVAK_NUMBER_SIZE];
        int length = snprintf(expected, sizeof expected, "%" PRIu64, value);
        char *end = divak_number_write_uint(actual, value);
        if (end - actual == length && memcmp(expected, actual, (size_t)length) == 0) continue;
        CHECK_TEXT(expected, actual, (size_t)(end - actual));
        return;
    }
}

TEST(random_times_equal_printf) {
    seed_random();
    for (int i = 0; i < 1000000; i++)
        check_uint(UINT64_C(1000000000000000) + next_random() % UINT64_C(9000000000000000));
}

TEST(doubles_are_written_as_documented) {
    check_double("0", 0.0);
    check_double("-0", -0.0);
    check_double("1", 1.0);
    check_double("-1", -1.0);
    check_double("0.1", 0.1);
    check_double("12.25", 12.25);
    check_double("0.30000000000000004", 0.1 + 0.2);
    check_double("100", 100.0);
    check_double("123456789012345", 123456789012345.0);
    check_double("9007199254740994", 9007199254740994.0);
    check_double("999999999999999.9", 999999999999999.9);
    check_double("100000000000000000000", 1e20);
    check_double("1e21", 1e21);
    check_double("1.5e300", 1.5e300);
    check_double("0.000001", 0.000001);
    check_double("1e-7", 0.0000001);
    check_double("-1.5e-7", -0.00000015);
}

TEST(doubles_that_are_no_numbers_have_names) {
    check_double("NaN", (double)NAN);
    check_double("NaN", -(double)NAN);
    check_double("Infinity", (double)INFINITY);
    check_double("-Infinity", -(double)INFINITY);
}

TEST(doubles_at_the_edges_read_back) {
    check_double("5e-324", 4.9406564584124654e-324);
    check_double("1.7976931348623157e308", DBL_MAX);
    check_double("2.2250738585072014e-308", DBL_MIN);
    check_double("2.225073858507201e-308", 2.2250738585072009e-308);
    check_double("1e23", 1e23);
    check_double("9.5367431640625e-7", 0x1p-20);
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        double power = ldexp(1.0, exponent);
        CHECK(reads_back(power));
        CHECK(reads_back(nextafter(power, 0.0)));
        if (exponent < 1023) CHECK(reads_back(nextafter(power, HUGE_VAL)));
    }
    for (int exponent = -323; exponent <= 308; exponent++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", exponent);
        double power = strtod(text, NULL);
        CHECK(reads_back(power));
        CHECK(reads_back(nextafter(power, 0.0)));
        CHECK(reads_back(nextafter(power, HUGE_VAL)));
        CHECK_INT(1, significant_digits(double_text(power)));
    }
}

TEST(random_doubles_read_back_with_the_fewest_digits) {
    seed_random();
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && !reads_back(value)) {
            CHECK(!"reads back");
            return;
        }
        /* What people tag: few digits, small exponents. */
        double small =
            (double)(int64_t)(next_random() >> 40) / pow(10, (double)(next_random() % 12));
        double wild = small * 1.0000000000000002;
        if (!reads_back(small) || !reads_back(wild) || !reads_back(-small)) {
            CHECK(!"reads back");
            return;
        }
    }
}

TEST(the_locale_changes_nothing) {
    const char *names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL) break;
    }
    check_double("12.25", 12.25);
    check_double("0.30000000000000004", 0.1 + 0.2);
    setlocale(LC_ALL, "C");
}

CHECK_MAIN()
