/* SPDX-License-Identifier: Apache-2.0 */
/* block_test.c - sixteen bytes at a time, in both bodies, against one byte at a time. */
#include "wire/block.h"

#include <stdbool.h>

#include "check.h"
#include "model/ids.h"

typedef enum question { ESCAPES, HIGH } question;

static uint32_t mask_by_byte(const uint8_t *bytes, question asked) {
    uint32_t mask = 0;
    for (int i = 0; i < DIVAK_BLOCK_SIZE; i++) {
        uint8_t byte = bytes[i];
        bool is_high = byte >= 0x80;
        bool is_set =
            asked == HIGH ? is_high : is_high || byte < 0x20 || byte == '"' || byte == '\\';
        mask |= (uint32_t)is_set << i;
    }
    return mask;
}

static void check_block(const uint8_t bytes[16]) {
    uint8_t lower[16], actual[16];
    for (int i = 0; i < 16; i++)
        lower[i] = (uint8_t)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + 32 : bytes[i]);

    divak_block block = divak_block_load(bytes);
    CHECK_INT(mask_by_byte(bytes, ESCAPES), divak_block_escapes(block));
    CHECK_INT(mask_by_byte(bytes, HIGH), divak_block_high(block));
    divak_block_store(actual, divak_block_lower(block));
    CHECK_INT(0, memcmp(lower, actual, 16));
    divak_block_store(actual, block);
    CHECK_INT(0, memcmp(bytes, actual, 16));

    divak_block_plain plain = divak_block_plain_load(bytes);
    CHECK_INT(mask_by_byte(bytes, ESCAPES), divak_block_plain_escapes(plain));
    CHECK_INT(mask_by_byte(bytes, HIGH), divak_block_plain_high(plain));
    divak_block_plain_store(actual, divak_block_plain_lower(plain));
    CHECK_INT(0, memcmp(lower, actual, 16));
}

TEST(every_byte_beside_every_other_is_seen_alone) {
    uint8_t bytes[16];
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (unsigned i = 0; i < 16; i++) bytes[i] = (uint8_t)(i % 2 == 0 ? first : second);
            check_block(bytes);
        }
        for (unsigned place = 0; place < 16; place++) {
            memset(bytes, 'a', 16);
            bytes[place] = (uint8_t)first;
            check_block(bytes);
        }
    }
}

TEST(every_set_of_bytes_has_its_mask) {
    uint8_t bytes[16];
    for (uint32_t set = 0; set < 65536; set++) {
        for (int i = 0; i < 16; i++) bytes[i] = (set >> i & 1) != 0 ? '"' : ' ';
        CHECK_INT(set, divak_block_escapes(divak_block_load(bytes)));
        CHECK_INT(set, divak_block_plain_escapes(divak_block_plain_load(bytes)));
    }
}

TEST(the_bytes_before_an_end_are_loaded_without_touching_it) {
    uint8_t expected[16], actual[16];
    for (size_t readable = 1; readable < 16; readable++) {
        char *memory = malloc(32);
        for (int i = 0; i < 32; i++) memory[i] = (char)(i + 1);
        memset(expected, 0, 16);
        memcpy(expected, memory + 32 - readable, readable);
        divak_block_store(actual, divak_block_load_tail(memory + 32 - readable, memory + 32));
        CHECK_INT(0, memcmp(expected, actual, 16));
        free(memory);
    }
    /* An empty text may lie at the very end. */
    uint8_t zeros[16] = {0};
    char bytes[16] = "0123456789abcde";
    divak_block_store(actual, divak_block_load_tail(bytes + 16, bytes + 16));
    CHECK_INT(0, memcmp(zeros, actual, 16));
}

TEST(hex_is_the_same_as_that_of_ids) {
    char expected[16], actual[16];
    for (uint64_t value = 1; value != 0; value <<= 1) {
        for (int nibble = 0; nibble < 16; nibble++) {
            uint64_t number = value * (uint64_t)nibble + (value >> 7);
            divak_hex_write(expected, number);
            divak_block_hex(actual, number);
            CHECK_INT(0, memcmp(expected, actual, 16));
        }
    }
}

TEST(numbers_have_their_byte_order_on_every_machine) {
    uint8_t bytes[8];
    divak_store_big64(bytes, UINT64_C(0x0102030405060708));
    for (int i = 0; i < 8; i++) CHECK_INT(i + 1, bytes[i]);
    divak_store_little64(bytes, UINT64_C(0x0102030405060708));
    for (int i = 0; i < 8; i++) CHECK_INT(8 - i, bytes[i]);
    CHECK(divak_load_little64(bytes) == UINT64_C(0x0102030405060708));
}

CHECK_MAIN()
