/* SPDX-License-Identifier: Apache-2.0 */
/* value_test.c - values of settings: what is accepted, what it means, and what is refused. */
#include "wire/value.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

#define NO UINT64_MAX /* refused */

TEST(a_bool_is_one_of_eight_words_in_any_case) {
    static const struct {
        const char *text;
        int expected; /* -1: refused */
    } rows[] = {
        {"true", 1},   {"TRUE", 1},  {"True", 1},   {"1", 1},    {"yes", 1},   {"on", 1},
        {"ON", 1},     {"false", 0}, {"FALSE", 0},  {"0", 0},    {"no", 0},    {"No", 0},
        {"off", 0},    {" on\t", 1}, {"", -1},      {" ", -1},   {"2", -1},    {"y", -1},
        {"n", -1},     {"t", -1},    {"00", -1},    {"o n", -1}, {"on,", -1},  {"-1", -1},
        {"truee", -1}, {"tru", -1},  {"on\n", -1},  {"\xcfn", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool value = rows[i].expected == 0; /* the other one */
        int status = divak_value_bool(rows[i].text, strlen(rows[i].text), &value);
        CHECK_INT(rows[i].expected < 0 ? DIVAK_ERROR_INVALID : DIVAK_OK, status);
        if (rows[i].expected >= 0) CHECK_INT(rows[i].expected, value);
        else CHECK(!value);
    }
    bool value = true;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_value_bool(NULL, 0, &value));
}

typedef struct number_row {
    const char *text;
    uint64_t expected;
} number_row;

static void check_numbers(const number_row *rows, size_t count,
                          int (*read)(const char *, size_t, uint64_t *)) {
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 42424242;
        int status = read(rows[i].text, strlen(rows[i].text), &value);
        if ((status == DIVAK_OK) != (rows[i].expected != NO)) printf("  row: %s\n", rows[i].text);
        CHECK_INT(rows[i].expected == NO ? DIVAK_ERROR_INVALID : DIVAK_OK, status);
        uint64_t expected = rows[i].expected == NO ? 42424242 : rows[i].expected;
        if (value != expected) printf("  row: %s gave %" PRIu64 "\n", rows[i].text, value);
        CHECK(value == expected);
    }
}

static int read_port(const char *text, size_t length, uint64_t *out) {
    return divak_value_unsigned(text, length, 1, 65535, out);
}

TEST(a_number_is_decimal_and_within_its_range) {
    static const number_row rows[] = {
        {"1", 1}, {"65535", 65535}, {" 80 ", 80}, {"0080", 80}, {"0", NO}, {"65536", NO},
        {"", NO}, {" ", NO}, {"-1", NO}, {"+1", NO}, {"0x10", NO}, {"1e3", NO}, {"1.0", NO},
        {"8 0", NO}, {"80a", NO}, {"a80", NO}, {"18446744073709551616", NO},
        {"18446744073709551617", NO}, {"99999999999999999999999999", NO}, {"\xd9\xa1", NO},
    };
    check_numbers(rows, sizeof rows / sizeof rows[0], read_port);
    uint64_t value = 0;
    CHECK_INT(DIVAK_OK, divak_value_unsigned("18446744073709551615", 20, 0, UINT64_MAX, &value));
    CHECK(value == UINT64_MAX);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_value_unsigned(NULL, 0, 0, UINT64_MAX, &value));
}

TEST(a_size_takes_units_of_1000_and_of_1024) {
    static const number_row rows[] = {
        {"65536", 65536}, {"0", 0}, {"1B", 1}, {"64KiB", 65536}, {"1MiB", 1048576},
        {"2GiB", UINT64_C(2147483648)}, {"500KB", 500000}, {"1kb", 1000}, {"1mb", 1000000},
        {"3GB", UINT64_C(3000000000)}, {"64kib", 65536}, {"64KIB", 65536}, {" 1MiB ", 1048576},
        {"17179869183GiB", UINT64_C(17179869183) << 30},
        {"17179869184GiB", NO}, {"18446744073709551GB", NO}, {"18446744073709551616", NO},
        {"18446744073GB", UINT64_C(18446744073000000000)}, {"18446744074GB", NO},
        {"", NO}, {"KiB", NO}, {"1 KiB", NO}, {"1.5MiB", NO}, {"1K", NO}, {"1M", NO}, {"1Ki", NO},
        {"1TiB", NO}, {"-1KiB", NO}, {"1KiBB", NO}, {"1KiB1", NO}, {"0x10KiB", NO},
    };
    check_numbers(rows, sizeof rows / sizeof rows[0], divak_value_size);
}

TEST(a_duration_needs_a_unit_unless_it_is_0) {
    static const number_row rows[] = {
        {"250ms", 250000000}, {"1s", 1000000000}, {"10us", 10000}, {"7ns", 7}, {"0", 0},
        {"2m", UINT64_C(120000000000)}, {"1h", UINT64_C(3600000000000)}, {"1.5s", 1500000000},
        {"0.25ms", 250000}, {"0s", 0}, {"0.0ns", 0}, {"1.500000000s", 1500000000},
        {"0.000000001s", 1}, {"0.1h", UINT64_C(360000000000)}, {"1MS", 1000000},
        {" 1s ", 1000000000},
        {"1.0000000000000000000000000000s", 1000000000}, {"0.5m", UINT64_C(30000000000)},
        {"9223372036854775807ns", INT64_MAX}, {"9223372036854775808ns", NO},
        {"9223372036s", UINT64_C(9223372036000000000)},
        {"9223372036.854775807s", INT64_MAX}, {"9223372036.854775808s", NO}, {"9223372037s", NO},
        {"18446744073709551616ns", NO}, {"99999999999999999999h", NO},
        /* A bare number could be anything. */
        {"5", NO}, {"1.5", NO}, {"00", NO}, {"0.0", NO},
        {"0.5ns", NO}, {"0.0000000001s", NO}, {"0.00001us", NO}, /* nothing is rounded */
        {"", NO}, {"s", NO}, {".5s", NO}, {"1.s", NO}, {"-1s", NO}, {"+1s", NO}, {"1 s", NO},
        {"1sec", NO}, {"1d", NO}, {"1m30s", NO}, {"1e3s", NO}, {"1,5s", NO}, {"1.2.3s", NO},
        {"1\xc2\xb5s", NO}, {"ns", NO}, {"infs", NO},
    };
    check_numbers(rows, sizeof rows / sizeof rows[0], divak_value_duration);
}

static const char *const good_probabilities[] = {
    "0", "1", "0.0", "1.0", "1.", ".5", "0.25", "0.1", "0.2", "0.3", "0.7", "1e-4", "1E-4",
    "5e-1", "0.5e0", "0.05e+1", "10e-1", "1000e-3", "0.001", "0.0001", "0.9999", "00.5", "000",
    "0.30000000000000004", "0.333333333333333", "0.999999999999999", "1.000000000000000000000000",
    "0.1234567890123456", "1e-300", "123e-5", "0e0", "0e99999999999", "0.0000000000000000000001",
    "1e-22", "3e-23", "12345678e-30", "0.1e1", " 0.5 ",
};

static void check_probability(const char *text) {
    double value = -1;
    CHECK_INT(DIVAK_OK, divak_value_probability(text, strlen(text), &value));
    double expected = strtod(text, NULL);
    size_t digits = 0;
    for (const char *c = text; *c != '\0' && *c != 'e'; c++) digits += *c >= '0' && *c <= '9';
    /* Two units in the last place where the text has more digits, or is smaller, than one exact
     * division can take; otherwise the very number that the compiler would have read. */
    bool is_exact = digits <= 16 && (expected == 0 || expected >= 1e-6);
    double slack = is_exact ? 0 : 2 * (nextafter(expected, 2) - expected);
    if (!(fabs(value - expected) <= slack)) {
        printf("  %s: %.20g, not %.20g\n", text, value, expected);
        CHECK(fabs(value - expected) <= slack);
    }
    CHECK(value >= 0 && value <= 1);
}

TEST(a_probability_is_the_number_that_the_compiler_reads) {
    for (size_t i = 0; i < sizeof good_probabilities / sizeof good_probabilities[0]; i++) {
        check_probability(good_probabilities[i]);
    }
    char text[40];
    for (int i = 0; i <= 10000; i++) {
        snprintf(text, sizeof text, "%d.%04d", i / 10000, i % 10000);
        check_probability(text);
        snprintf(text, sizeof text, "%de-4", i);
        check_probability(text);
        snprintf(text, sizeof text, "%.17g", i / 10000.0);
        check_probability(text);
    }
    double value = 1;
    CHECK_INT(DIVAK_OK, divak_value_probability("1e-400", 6, &value));
    CHECK(value == 0);
    CHECK_INT(DIVAK_OK, divak_value_probability("1e-99999999999999999999", 23, &value));
    CHECK(value == 0);
}

TEST(what_is_no_probability_is_refused) {
    static const char *const bad[] = {
        "", " ", ".", "-", "-0", "-0.5", "+0.5", "1.1", "2", "10", "1.0000000001", "1e1", "0.1e2",
        "1.00000000000000000000000000000000000000000000001", "10000000000000000000000000000001e-31",
        "0.5x", "0.5 5", "0,5", "0..5", "0.5.", "nan", "NaN", "inf", "infinity", "0x1", "0x0.8p0",
        "1e", "1e-", "1e+", "e-1", ".e-1", "1e-1.5", "1e--1", "50%", "1/2", "0.5\n", "\xd9\xa0",
        "1e99999999999999999999", "0_5",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 42;
        int status = divak_value_probability(bad[i], strlen(bad[i]), &value);
        if (status == DIVAK_OK) printf("  accepted: %s\n", bad[i]);
        CHECK_INT(DIVAK_ERROR_INVALID, status);
        CHECK(value == 42);
    }
    double value;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_value_probability(NULL, 0, &value));
    char long_text[300];
    memset(long_text, '0', sizeof long_text);
    CHECK_INT(DIVAK_OK, divak_value_probability(long_text, 256, &value));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_value_probability(long_text, 257, &value));
}

TEST(the_locale_has_no_say_in_a_probability) {
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "pl_PL.UTF-8"};
    for (size_t i = 0; i < 3; i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL) continue; /* not installed here */
        double value = 0;
        CHECK_INT(DIVAK_OK, divak_value_probability("0.25", 4, &value));
        CHECK(value == 0.25);
        CHECK_INT(DIVAK_ERROR_INVALID, divak_value_probability("0,25", 4, &value));
    }
    setlocale(LC_ALL, "C");
}

static regex_t size_expression, duration_expression, probability_expression, bool_expression;

static void judge(const char *text, size_t length) {
    uint64_t number;
    double probability;
    bool truth;
    /* Numbers this short don't overflow, so that form alone decides; but for what is said below. */
    CHECK_INT(mutate_matches(&size_expression, text, length, NULL, 0),
              divak_value_size(text, length, &number) == DIVAK_OK);
    CHECK_INT(mutate_matches(&bool_expression, text, length, NULL, 0),
              divak_value_bool(text, length, &truth) == DIVAK_OK);
    bool is_duration = mutate_matches(&duration_expression, text, length, NULL, 0);
    bool is_read = divak_value_duration(text, length, &number) == DIVAK_OK;
    /* Below a nanosecond: only "x.yns" can be, with so few digits. */
    bool is_fine = length > 2 && memchr(text, '.', length) != NULL &&
                   (memchr(text, 'n', length) != NULL || memchr(text, 'N', length) != NULL);
    CHECK(is_fine ? is_duration || !is_read : is_duration == is_read);
    bool is_probability = false;
    if (mutate_matches(&probability_expression, text, length, NULL, 0)) {
        char copy[64] = {0};
        memcpy(copy, text, length);
        is_probability = strtod(copy, NULL) <= 1;
    }
    CHECK_INT(is_probability, divak_value_probability(text, length, &probability) == DIVAK_OK);
}

TEST(one_mistake_in_a_value_is_judged_as_by_a_regular_expression) {
#define BLANK "[ \t]*"
    size_expression = mutate_expression("^" BLANK "[0-9]+([bB]|[kKmMgG][iI]?[bB])?" BLANK "$");
    duration_expression =
        mutate_expression("^" BLANK "(0|[0-9]+(\\.[0-9]+)?([nNuUmM]?[sS]|[mMhH]))" BLANK "$");
    probability_expression =
        mutate_expression("^" BLANK "([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?" BLANK "$");
    bool_expression = mutate_expression("^" BLANK "([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|0|1|"
                                        "[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF])" BLANK "$");
    static const char *const seeds[] = {
        "65536", "64KiB", "500KB", "1b", "250ms", "1s",      "10us", "7ns", "2m",  "1h",     "1.5s",
        "0",     "1",     "0.25",  ".5", "1e-4",  "0.05e+1", "true", "no",  "off", " on\t",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) mutate_all(seeds[i], judge);
    regfree(&size_expression);
    regfree(&duration_expression);
    regfree(&probability_expression);
    regfree(&bool_expression);
}

TEST(a_list_gives_its_items_without_blanks_and_empty_ones) {
    static const char *const rows[][2] = {
        {"", ""},
        {" , ,", ""},
        {"b3", "b3|"},
        {"b3,tracecontext", "b3|tracecontext|"},
        {" b3 ,\ttracecontext\t,, baggage ", "b3|tracecontext|baggage|"},
        {",a b,", "a b|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_value_list list = {.text = rows[i][0], .length = strlen(rows[i][0])};
        char out[64];
        size_t size = 0, length;
        for (const char *item; divak_value_next(&list, &item, &length);) {
            size += (size_t)snprintf(out + size, sizeof out - size, "%.*s|", (int)length, item);
        }
        CHECK_TEXT(rows[i][1], out, size);
    }
    divak_value_list list = {.text = NULL};
    const char *item;
    size_t length;
    CHECK(!divak_value_next(&list, &item, &length));
}

TEST(pairs_have_a_name_and_no_control_characters) {
    static const char *const rows[][2] = {
        {"", ""},
        {"a=1", "a=1|"},
        {" a = 1 , b=2,", "a=1|b=2|"},
        {"Authorization=Basic dXNlcjpwYXNz==", "Authorization=Basic dXNlcjpwYXNz==|"},
        {"a=", "a=|"},
        {"a==", "a==|"},
        {"a=1\t2", "a=1\t2|"},
        {"a=\xc3\xa9", "a=\xc3\xa9|"},
        {"a,b=2", "!b=2|"},
        {"=1,b=2", "!b=2|"},
        {" = ,b=2", "!b=2|"},
        {"a=1\r\nX-Evil: 1,b=2", "!b=2|"},
        {"a\x01=1,b=\x7f,c=3", "!!c=3|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_value_list list = {.text = rows[i][0], .length = strlen(rows[i][0])};
        char out[64];
        size_t size = 0;
        divak_value_pair pair;
        for (int status; (status = divak_value_next_pair(&list, &pair)) != DIVAK_ABSENT;) {
            if (status != DIVAK_OK) {
                out[size++] = '!';
                continue;
            }
            size += (size_t)snprintf(out + size, sizeof out - size, "%.*s=%.*s|",
                                     (int)pair.name_length, pair.name, (int)pair.value_length,
                                     pair.value);
        }
        CHECK_TEXT(rows[i][1], out, size);
    }
}

CHECK_MAIN()
