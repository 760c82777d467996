/* SPDX-License-Identifier: Apache-2.0 */
/* portable_test.c - what block.h decides at compile time, decided for plain arithmetic here, on
 * every machine. */
#define DIVAK_WIRE_PORTABLE 1

#include "wire/text.h"
#include "wire/number.h"

#include <inttypes.h>

#include "check.h"

#if DIVAK_WIRE_SSE2
#error "this must test the plain bodies"
#endif

static bool is_special(unsigned byte) {
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

TEST(plain_text_is_copied_and_special_bytes_are_found_at_every_place) {
    for (size_t length = 0; length <= 2 * DIVAK_BLOCK_SIZE; length++) {
        for (size_t place = 0; place < length; place++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                char memory[DIVAK_BLOCK_SIZE + 2 * DIVAK_BLOCK_SIZE],
                    *text = memory + DIVAK_BLOCK_SIZE;
                char out[6 * 2 * DIVAK_BLOCK_SIZE + DIVAK_TEXT_SLACK];
                uint64_t mended = 0;
                memset(memory, 'B', sizeof memory);
                text[place] = (char)byte;
                bool is_ascii = divak_text_copy_ascii(out, text, length, text + length, false);
                CHECK_INT(byte < 0x80, is_ascii);
                CHECK_INT(0, memcmp(out, text, length));
                char *end = divak_text_write_json(out, text, length, text + length, true, &mended);
                CHECK_INT(byte >= 0x80, mended);
                CHECK(is_special(byte) == ((size_t)(end - out) != length));
                char lower = byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : (char)byte;
                for (size_t i = 0; i < length && !is_special(byte); i++)
                    CHECK(out[i] == (i == place ? lower : 'b'));
            }
        }
    }
}

TEST(text_that_looks_like_the_old_format_is_found) {
    char out[64];
    uint64_t mended = 0;
    static const char memory[] = "................myAnnotations";
    const char *text = memory + 16;
    char *end = divak_text_write_json(out, text, 13, text + 13, false, &mended);
    CHECK_TEXT("myAnnotation\\u0073", out, (size_t)(end - out));
}

TEST(numbers_equal_printf) {
    char expected[32], actual[DIVAK_NUMBER_SIZE];
    uint64_t value = 1;
    for (int i = 0; i < 100000; i++) {
        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t number = value >> (i % 64);
        snprintf(expected, sizeof expected, "%" PRIu64, number);
        CHECK_TEXT(expected, actual, (size_t)(divak_number_write_time(actual, number) - actual));
        CHECK_TEXT(expected, actual, (size_t)(divak_number_write_uint(actual, number) - actual));
        number = UINT64_C(1000000000000000) + value % UINT64_C(9000000000000000);
        snprintf(expected, sizeof expected, "%" PRIu64, number);
        CHECK_TEXT(expected, actual, (size_t)(divak_number_write_time(actual, number) - actual));
    }
}

TEST(hex_has_sixteen_lower_case_digits) {
    char out[16];
    divak_block_hex(out, UINT64_C(0x0123456789abcdef));
    CHECK_TEXT("0123456789abcdef", out, 16);
}

CHECK_MAIN()
