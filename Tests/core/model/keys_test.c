/* SPDX-License-Identifier: Apache-2.0 */
/* keys_test.c - registered texts: the same number for the same text, bounded, and readable while others register. */
#include <pthread.h>

#include "check.h"
#include "model/keys.h"

static divak_key_table *make(void) {
    return calloc(1, sizeof(divak_key_table));
}

TEST(the_same_text_has_the_same_number_and_others_have_others) {
    divak_key_table *table = make();
    uint32_t a = divak_key_table_add(table, "alpha", 5), b = divak_key_table_add(table, "alphabet", 8);
    CHECK_INT(1, a);
    CHECK_INT(2, b);
    CHECK_INT(a, divak_key_table_add(table, "alphabet", 5));
    CHECK_INT(b, divak_key_table_add(table, "alphabet", 8));
    CHECK_INT(3, divak_key_table_add(table, "al\0ha", 5)); /* any bytes */
    const divak_key_entry *entry = divak_key_table_find(table, b);
    CHECK_TEXT("alphabet", table->bytes + entry->offset, entry->length);
    free(table);
}

TEST(what_can_be_no_key_is_none) {
    divak_key_table *table = make();
    char text[256];
    memset(text, 'x', sizeof text);
    CHECK_INT(DIVAK_KEY_NONE, divak_key_table_add(table, "", 0));
    CHECK_INT(DIVAK_KEY_NONE, divak_key_table_add(table, NULL, 5));
    CHECK_INT(DIVAK_KEY_NONE, divak_key_table_add(table, text, 256));
    CHECK_INT(1, divak_key_table_add(table, text, 255));
    CHECK(divak_key_table_find(table, DIVAK_KEY_NONE) == NULL);
    CHECK(divak_key_table_find(table, 2) == NULL);
    CHECK(divak_key_table_find(table, UINT32_MAX) == NULL);
    free(table);
}

TEST(plain_texts_and_error_are_marked) {
    static const struct {
        const char *text;
        int is_plain, is_error;
    } cases[] = {{"http.path", 1, 0}, {"error", 1, 1},     {"errors", 1, 0},    {"Error", 1, 0},
                 {"a\"b", 0, 0},      {"a\\b", 0, 0},      {"\x1f", 0, 0},      {"\x7f", 0, 0},
                 {" ~", 1, 0},        {"\xc3\xa9", 0, 0},  {"a b", 1, 0}};
    divak_key_table *table = make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t id = divak_key_table_add(table, cases[i].text, strlen(cases[i].text));
        const divak_key_entry *entry = divak_key_table_find(table, id);
        CHECK_INT(cases[i].is_plain, entry->is_plain);
        CHECK_INT(cases[i].is_error, entry->is_error);
    }
    free(table);
}

TEST(a_table_full_of_entries_refuses_but_still_finds) {
    divak_key_table *table = make();
    char text[16];
    for (uint32_t i = 0; i < DIVAK_KEYS_MAX; i++) {
        int length = snprintf(text, sizeof text, "key %u", i);
        CHECK_INT(i + 1, divak_key_table_add(table, text, (size_t)length));
    }
    CHECK_INT(DIVAK_KEY_NONE, divak_key_table_add(table, "one more", 8));
    CHECK_INT(1235, divak_key_table_add(table, "key 1234", 8));
    free(table);
}

TEST(a_table_full_of_bytes_refuses_what_does_not_fit) {
    divak_key_table *table = make();
    char text[255];
    memset(text, 'x', sizeof text);
    uint32_t count = 0;
    for (;; count++) {
        memcpy(text, &count, sizeof count);
        if (divak_key_table_add(table, text, sizeof text) == DIVAK_KEY_NONE) break;
    }
    CHECK_INT(DIVAK_KEYS_BYTES / 255, count);
    uint32_t left = DIVAK_KEYS_BYTES - count * 255;
    CHECK_INT(count + 1, divak_key_table_add(table, text, left)); /* to the last byte */
    CHECK_INT(DIVAK_KEYS_BYTES, table->bytes_used);
    CHECK_INT(DIVAK_KEY_NONE, divak_key_table_add(table, "y", 1));
    free(table);
}

static void *find_all(void *context) {
    divak_key_table *table = context;
    for (uint32_t seen = 0; seen < DIVAK_KEYS_MAX;) {
        const divak_key_entry *entry = divak_key_table_find(table, seen + 1);
        if (entry == NULL) continue;
        char text[16];
        int length = snprintf(text, sizeof text, "key %u", seen);
        CHECK_TEXT(text, table->bytes + entry->offset, entry->length);
        CHECK_INT(length, entry->length);
        seen++;
    }
    return NULL;
}

TEST(a_number_that_is_found_has_its_text_while_others_are_registered) {
    divak_key_table *table = make();
    pthread_t reader;
    pthread_create(&reader, NULL, find_all, table);
    char text[16];
    for (uint32_t i = 0; i < DIVAK_KEYS_MAX; i++) {
        int length = snprintf(text, sizeof text, "key %u", i);
        divak_key_table_add(table, text, (size_t)length);
    }
    pthread_join(reader, NULL);
    free(table);
}

CHECK_MAIN()
