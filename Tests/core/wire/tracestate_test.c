/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate_test.c - the tracestate header, rule by rule and one mistake away. */
#include "wire/tracestate.h"

#include <stdint.h>

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

#define FORTY "0123456789012345678901234567890123456789"
#define TEXT256 FORTY FORTY FORTY FORTY FORTY FORTY "0123456789012345"

static const struct {
    const char *text;
    int status;
    const char *normal; /* with single commas, without doubles */
} rows[] = {
    {"", DIVAK_ABSENT, ""},
    {",", DIVAK_ABSENT, ""},
    {" ,\t,, ", DIVAK_ABSENT, ""},
    {"rojo=1", DIVAK_OK, "rojo=1"},
    {"rojo=00f067aa0b,congo=t61rcWkgMzE", DIVAK_OK, "rojo=00f067aa0b,congo=t61rcWkgMzE"},
    {" rojo=1 ,\tcongo=2\t", DIVAK_OK, "rojo=1,congo=2"},
    {",rojo=1,,congo=2,", DIVAK_OK, "rojo=1,congo=2"},
    {"rojo=1,congo=2,rojo=3", DIVAK_OK, "rojo=1,congo=2"},
    {"rojo=1,roj=2,rojo2=3", DIVAK_OK, "rojo=1,roj=2,rojo2=3"},
    /* Keys of level 2. */
    {"0=1", DIVAK_OK, "0=1"},
    {"a_-*/@z9=1", DIVAK_OK, "a_-*/@z9=1"},
    {"fw529a3039@dt=1", DIVAK_OK, "fw529a3039@dt=1"},
    {"a@b@c=1", DIVAK_OK, "a@b@c=1"},
    {"a@=1", DIVAK_OK, "a@=1"},
    {TEXT256 "=1", DIVAK_OK, TEXT256 "=1"},
    {TEXT256 "0=1", DIVAK_ERROR_INVALID, ""},
    {"@a=1", DIVAK_ERROR_INVALID, ""},
    {"_a=1", DIVAK_ERROR_INVALID, ""},
    {"-a=1", DIVAK_ERROR_INVALID, ""},
    {"Rojo=1", DIVAK_ERROR_INVALID, ""},
    {"rOjo=1", DIVAK_ERROR_INVALID, ""},
    {"ro jo=1", DIVAK_ERROR_INVALID, ""},
    {"rojo =1", DIVAK_ERROR_INVALID, ""},
    {"ro.jo=1", DIVAK_ERROR_INVALID, ""},
    {"caf\xc3\xa9=1", DIVAK_ERROR_INVALID, ""},
    {"=1", DIVAK_ERROR_INVALID, ""},
    /* Values. */
    {"a= 1", DIVAK_OK, "a= 1"},
    {"a=1 2", DIVAK_OK, "a=1 2"},
    {"a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", DIVAK_OK, "a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"},
    {"a=" TEXT256, DIVAK_OK, "a=" TEXT256},
    {"a=" TEXT256 "0", DIVAK_ERROR_INVALID, ""},
    {"a=", DIVAK_ERROR_INVALID, ""},
    {"a= ", DIVAK_ERROR_INVALID, ""},
    {"a", DIVAK_ERROR_INVALID, ""},
    {"a=1=2", DIVAK_ERROR_INVALID, ""},
    {"a==", DIVAK_ERROR_INVALID, ""},
    {"a=1\t2", DIVAK_ERROR_INVALID, ""},
    {"a=1\r\n", DIVAK_ERROR_INVALID, ""},
    {"a=\x7f", DIVAK_ERROR_INVALID, ""},
    {"a=\xc3\xa9", DIVAK_ERROR_INVALID, ""},
    /* One malformed member takes the others with it. */
    {"rojo=1,Congo=2", DIVAK_ERROR_INVALID, ""},
    {"rojo=1,rojo", DIVAK_ERROR_INVALID, ""},
    {"rojo=1;congo=2", DIVAK_ERROR_INVALID, ""},
};

TEST(a_tracestate_is_read_as_the_table_says) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].text), count = 99;
        char out[1024];
        int status = divak_tracestate_check(rows[i].text, length, &count);
        if (status != rows[i].status) printf("  row: %s\n", rows[i].text);
        CHECK_INT(rows[i].status, status);
        if (status != DIVAK_OK) CHECK_INT(99, count);
        CHECK_TEXT(rows[i].normal, out,
                   divak_tracestate_normalize(rows[i].text, length, out, sizeof out));
    }
    CHECK_INT(DIVAK_ABSENT, divak_tracestate_check(NULL, 0, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_check("a=1\0", 4, NULL));
}

/* "k0=v,k1=v,...": returns its length. */
static size_t many(int count, const char *separator, char *out) {
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        length += (size_t)sprintf(out + length, "%sk%d=v", i == 0 ? "" : separator, i);
    }
    return length;
}

TEST(thirty_two_members_are_kept_and_thirty_three_discard_all) {
    char text[1024];
    size_t count = 0;
    CHECK_INT(DIVAK_OK, divak_tracestate_check(text, many(32, ",", text), &count));
    CHECK_INT(32, count);
    CHECK_INT(DIVAK_OK, divak_tracestate_check(text, many(32, " ,,,\t", text), &count));
    CHECK_INT(32, count);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_check(text, many(33, ",", text), &count));
    /* A member that comes twice is two members. */
    size_t length = many(32, ",", text);
    memcpy(text + length, ",k0=v", 5);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_check(text, length + 5, &count));
}

TEST(more_bytes_than_the_limit_are_not_looked_at) {
    static char text[DIVAK_TRACESTATE_MAX + 1];
    memset(text, ',', sizeof text);
    memcpy(text, "a=1", 3);
    CHECK_INT(DIVAK_OK, divak_tracestate_check(text, DIVAK_TRACESTATE_MAX, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_check(text, DIVAK_TRACESTATE_MAX + 1, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_check(text, SIZE_MAX, NULL));
}

static regex_t list_expression;

static void judge(const char *text, size_t length) {
    bool is_legal = mutate_matches(&list_expression, text, length, NULL, 0);
    bool is_empty = true;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != ',') is_empty = false;
    }
    int expected = !is_legal ? DIVAK_ERROR_INVALID : is_empty ? DIVAK_ABSENT : DIVAK_OK;
    CHECK_INT(expected, divak_tracestate_check(text, length, NULL));
    char once[256], twice[256];
    size_t size = divak_tracestate_normalize(text, length, once, sizeof once);
    CHECK_INT(expected == DIVAK_OK, size > 0);
    CHECK_INT(size, divak_tracestate_normalize(once, size, twice, sizeof twice));
    CHECK(memcmp(once, twice, size) == 0);
}

TEST(one_mistake_in_a_tracestate_is_judged_as_by_a_regular_expression) {
#define KEY "[a-z0-9][-a-z0-9_*/@]{0,255}"
#define VALUE "[ !-+.-<>-~-]{0,255}[!-+.-<>-~-]"
#define MEMBER "[ \t]*(" KEY "=" VALUE ")?[ \t]*"
    list_expression = mutate_expression("^" MEMBER "(," MEMBER ")*$");
    mutate_all("a=1", judge);
    mutate_all("rojo=00f067aa,congo=t6 1", judge);
    mutate_all("a@b= x ,, 0/-*_=y\t", judge);
    mutate_all("a=1,a=2", judge);
    regfree(&list_expression);
}

static size_t set(const char *text, const char *key, const char *value, char *out,
                  size_t capacity) {
    return divak_tracestate_set(text, text == NULL ? 0 : strlen(text), key, strlen(key), value,
                                strlen(value), out, capacity);
}

TEST(the_own_member_moves_to_the_front) {
    char out[512];
    CHECK_TEXT("dv=9", out, set(NULL, "dv", "9", out, sizeof out));
    CHECK_TEXT("dv=9", out, set("", "dv", "9", out, sizeof out));
    CHECK_TEXT("dv=9,a=1,b=2", out, set("a=1, b=2", "dv", "9", out, sizeof out));
    CHECK_TEXT("dv=9,a=1,b=2", out, set("a=1,dv=8,b=2", "dv", "9", out, sizeof out));
    CHECK_TEXT("dv=9,a=1,b=2", out, set("dv=8,a=1,b=2,dv=7", "dv", "9", out, sizeof out));
    CHECK_TEXT("dv=9", out, set("a=1,B=2", "dv", "9", out, sizeof out));
    CHECK_INT(0, set("a=1", "Dv", "9", out, sizeof out));
    CHECK_INT(0, set("a=1", "", "9", out, sizeof out));
    CHECK_INT(0, set("a=1", "dv", "", out, sizeof out));
    CHECK_INT(0, set("a=1", "dv", "9,x=1", out, sizeof out));
    CHECK_INT(0, set("a=1", "dv", "9\r\n", out, sizeof out));
    CHECK_INT(0, set("a=1", "dv", "9 ", out, sizeof out));
    CHECK_INT(0, divak_tracestate_set("a=1", 3, NULL, 0, NULL, 0, out, sizeof out));
}

TEST(the_own_member_pushes_the_last_of_thirty_two_out) {
    char text[1024], out[1024], expected[1024];
    size_t length = many(32, ",", text);
    size_t size = divak_tracestate_set(text, length, "dv", 2, "9", 1, out, sizeof out);
    memcpy(expected, "dv=9,", 5);
    expected[5 + many(31, ",", expected + 5)] = '\0';
    CHECK_TEXT(expected, out, size);
    /* In place of its own old value it pushes nobody. */
    size_t count = 0;
    size = divak_tracestate_set(text, length, "k31", 3, "9", 1, out, sizeof out);
    CHECK_INT(DIVAK_OK, divak_tracestate_check(out, size, &count));
    CHECK_INT(32, count);
}

TEST(short_of_room_long_members_go_first_and_then_the_last) {
    const char *text = "a=1,b=" FORTY FORTY FORTY FORTY ",c=3,d=4";
    char out[512];
    CHECK_TEXT("dv=9,a=1,c=3,d=4", out, set(text, "dv", "9", out, 100));
    CHECK_TEXT("dv=9,a=1,c=3,d=4", out, set(text, "dv", "9", out, 16));
    CHECK_TEXT("dv=9,a=1,c=3", out, set(text, "dv", "9", out, 15));
    CHECK_TEXT("dv=9,a=1", out, set(text, "dv", "9", out, 8));
    CHECK_TEXT("dv=9", out, set(text, "dv", "9", out, 7));
    CHECK_TEXT("dv=9", out, set(text, "dv", "9", out, 4));
    CHECK_INT(0, set(text, "dv", "9", out, 3));
    CHECK_TEXT("", out, divak_tracestate_normalize(text, strlen(text), out, 2));
    CHECK_TEXT("a=1", out, divak_tracestate_normalize(text, strlen(text), out, 3));
    CHECK_INT(0, divak_tracestate_normalize(text, strlen(text), NULL, 0));
}

TEST(a_member_is_found_by_its_whole_key) {
    const char *text = "rojo=1, congo=two words ,rojo=3,ro=4", *value = NULL;
    size_t length = strlen(text), size = 0;
    CHECK_INT(DIVAK_OK, divak_tracestate_get(text, length, "congo", 5, &value, &size));
    CHECK_TEXT("two words", value, size);
    CHECK_INT(DIVAK_OK, divak_tracestate_get(text, length, "rojo", 4, &value, &size));
    CHECK_TEXT("1", value, size);
    CHECK_INT(DIVAK_OK, divak_tracestate_get(text, length, "ro", 2, &value, &size));
    CHECK_TEXT("4", value, size);
    CHECK_INT(DIVAK_ABSENT, divak_tracestate_get(text, length, "r", 1, &value, &size));
    CHECK_INT(DIVAK_ABSENT, divak_tracestate_get(text, length, NULL, 0, &value, &size));
    CHECK_INT(DIVAK_ABSENT, divak_tracestate_get(NULL, 0, "r", 1, &value, &size));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_tracestate_get("a=1,B=2", 7, "a", 1, &value, &size));
    CHECK_TEXT("4", value, size);
}

CHECK_MAIN()
