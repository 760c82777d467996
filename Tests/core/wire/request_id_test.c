/* SPDX-License-Identifier: Apache-2.0 */
/* request_id_test.c - incoming request ids, and the ones made here. */
#include "wire/request_id.h"

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

static regex_t expression;

static void judge(const char *text, size_t length) {
    int expected = mutate_matches(&expression, text, length, NULL, 0) ? DIVAK_OK
                   : length == 0                                      ? DIVAK_ABSENT
                                                                      : DIVAK_ERROR_INVALID;
    CHECK_INT(expected, divak_request_id_check(text, length));
}

TEST(an_id_of_one_mistake_is_judged_as_by_a_regular_expression) {
    expression = mutate_expression("^[]!#$%&()*+./0-9:;=?@A-Z^_a-z{|}~[-]{1,128}$");
    mutate_all("a", judge);
    mutate_all("7f9c2ba4-e88f-427d-8f6a-0c1e3d5b7a92", judge);
    mutate_all("Root=1-67891233-abcdef012345678912345678;Sampled=1", judge);
    regfree(&expression);
}

TEST(an_id_has_1_to_128_bytes) {
    char text[130];
    memset(text, 'x', sizeof text);
    CHECK_INT(DIVAK_ABSENT, divak_request_id_check(NULL, 0));
    CHECK_INT(DIVAK_ABSENT, divak_request_id_check(text, 0));
    CHECK_INT(DIVAK_OK, divak_request_id_check(text, 1));
    CHECK_INT(DIVAK_OK, divak_request_id_check(text, 128));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_request_id_check(text, 129));
}

TEST(nothing_that_could_end_a_line_or_a_quotation_passes) {
    static const char *const bad[] = {"a b", "a\tb", "a\rb", "a\nb", "\"", "'", "`", "a\\", "a,b",
                                      "<script>", "a\x7f", "caf\xc3\xa9", " ", "\x1b[31m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(DIVAK_ERROR_INVALID, divak_request_id_check(bad[i], strlen(bad[i])));
    }
    CHECK_INT(DIVAK_ERROR_INVALID, divak_request_id_check("a\0b", 3));
}

TEST(a_new_id_is_a_uuid_of_version_4) {
    char out[DIVAK_UUID_SIZE];
    divak_request_id_write(0, 0, out);
    CHECK_TEXT("00000000-0000-4000-8000-000000000000", out, sizeof out);
    divak_request_id_write(UINT64_MAX, UINT64_MAX, out);
    CHECK_TEXT("ffffffff-ffff-4fff-bfff-ffffffffffff", out, sizeof out);
    divak_request_id_write(UINT64_C(0x0123456789abcdef), UINT64_C(0x7edcba9876543210), out);
    CHECK_TEXT("01234567-89ab-4def-bedc-ba9876543210", out, sizeof out);
    CHECK_INT(DIVAK_OK, divak_request_id_check(out, sizeof out));
}

TEST(each_of_122_random_bits_shows_in_the_id) {
    char zero[DIVAK_UUID_SIZE], one[DIVAK_UUID_SIZE];
    divak_request_id_write(0, 0, zero);
    int shown = 0;
    for (int bit = 0; bit < 128; bit++) {
        uint64_t high = bit < 64 ? UINT64_C(1) << bit : 0;
        uint64_t low = bit < 64 ? 0 : UINT64_C(1) << (bit - 64);
        divak_request_id_write(high, low, one);
        shown += memcmp(zero, one, sizeof one) != 0;
    }
    CHECK_INT(122, shown);
}

CHECK_MAIN()
