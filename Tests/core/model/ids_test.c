/* SPDX-License-Identifier: Apache-2.0 */
/* ids_test.c - hex text of ids, against printf and against every byte. */
#include "model/ids.h"

#include <inttypes.h>

#include "check.h"

static uint64_t random_state;

static uint64_t random_next(void) {
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = random_state;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void check_one(uint64_t value) {
    char expected[17], actual[16];
    snprintf(expected, sizeof expected, "%016" PRIx64, value);
    divak_hex_write(actual, value);
    if (memcmp(expected, actual, 16) != 0) CHECK_TEXT(expected, actual, 16);
    uint64_t back = ~value;
    CHECK(divak_hex_parse(actual, 16, &back) && back == value);
}

TEST(hex_agrees_with_printf_and_comes_back) {
    for (unsigned shift = 0; shift < 64; shift += 4) {
        for (uint64_t nibble = 0; nibble < 16; nibble++) check_one(nibble << shift);
    }
    for (uint64_t low = 0; low < 65536; low++) check_one(low | low << 32);
    check_one(UINT64_MAX);
    random_state = 20240601;
    printf("  seed %" PRIu64 "\n", random_state);
    for (int i = 0; i < 200000; i++) check_one(random_next());
}

TEST(hex_is_read_at_every_length_from_1_to_16) {
    const char *digits = "fedcba9876543210";
    for (size_t length = 1; length <= 16; length++) {
        char copy[17];
        memcpy(copy, digits, length);
        copy[length] = '\0';
        uint64_t value = 0;
        CHECK(divak_hex_parse(digits, length, &value));
        CHECK(value == strtoull(copy, NULL, 16));
    }
}

TEST(only_lower_case_digits_are_hex) {
    for (size_t at = 0; at < 16; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[16];
            memset(text, '7', sizeof text);
            text[at] = (char)byte;
            bool is_hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            uint64_t value = 42;
            CHECK_INT(is_hex, divak_hex_parse(text, sizeof text, &value));
            if (!is_hex) CHECK_INT(42, value);
        }
    }
}

TEST(hex_of_another_length_is_refused) {
    uint64_t value = 42;
    CHECK(!divak_hex_parse("", 0, &value));
    CHECK(!divak_hex_parse(NULL, 0, &value));
    CHECK(!divak_hex_parse("01234567890123456", 17, &value));
    CHECK_INT(42, value);
}

TEST(a_trace_id_is_written_in_the_shorter_form_that_holds_it) {
    char out[32];
    divak_ids ids = {.trace_id_low = 0x463ac35c9f6413ad};
    CHECK_TEXT("463ac35c9f6413ad", out, divak_trace_id_write(out, &ids));
    ids.trace_id_high = 1;
    CHECK_TEXT("0000000000000001463ac35c9f6413ad", out, divak_trace_id_write(out, &ids));
}

CHECK_MAIN()
