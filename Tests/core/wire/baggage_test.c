/* SPDX-License-Identifier: Apache-2.0 */
/* baggage_test.c - the baggage header: members, limits, percent-encoding, both ways. */
#include "wire/baggage.h"

#include <inttypes.h>

#include "check.h"
#include "divak/status.h"
#include "mutate.h"
#include "wire/utf8.h"

/* All members as "key|value|properties" lines. */
static size_t list(const char *text, size_t length, size_t *out_dropped, char *out, size_t room) {
    divak_baggage_reader reader = divak_baggage_reader_over(text, length);
    divak_baggage_member member;
    size_t size = 0;
    while (divak_baggage_next(&reader, &member)) {
        size += (size_t)snprintf(out + size, room - size, "%.*s|%.*s|%.*s\n",
                                 (int)member.key_length, member.key, (int)member.value_length,
                                 member.value, (int)member.properties_length, member.properties);
    }
    *out_dropped = reader.dropped;
    return size;
}

static const struct {
    const char *text, *members;
    size_t dropped;
} rows[] = {
    {"", "", 0},
    {" , ,\t", "", 0},
    {"user=alice", "user|alice|\n", 0},
    {"a=1,b=2", "a|1|\nb|2|\n", 0},
    {" a = 1 ,\tb\t=\t2\t", "a|1|\nb|2|\n", 0},
    {"a=", "a||\n", 0},
    {"a=1=2", "a|1=2|\n", 0},
    {"a=1;p", "a|1|p\n", 0},
    {"a=1 ; p = 2 ; q , b=3;r=", "a|1|p = 2 ; q\nb|3|r=\n", 0},
    {"name=Am%C3%A9lie", "name|Am%C3%A9lie|\n", 0},
    {"!#$%&'*+-.^_`|~09azAZ=!#$%&'()*+-./:<=>?@[]^_`{|}~", /* every sign that is legal */
     "!#$%&'*+-.^_`|~09azAZ|!#$%&'()*+-./:<=>?@[]^_`{|}~|\n", 0},
    {"a=1,a=2", "a|1|\na|2|\n", 0},
    /* A malformed member is dropped, the others stand. */
    {"a", "", 1},
    {"=1", "", 1},
    {"a=1,,b,c=3", "a|1|\nc|3|\n", 1},
    {"a b=1,c=3", "c|3|\n", 1},
    {"a=1 2,c=3", "c|3|\n", 1},
    {"a=\"1\",c=3", "c|3|\n", 1},
    {"a=1\\,c=3", "c|3|\n", 1},
    {"a=caf\xc3\xa9,c=3", "c|3|\n", 1},
    {"a=1\r\nx: y,c=3", "c|3|\n", 1},
    {"a=1;,c=3", "c|3|\n", 1},
    {"a=1;p;,c=3", "c|3|\n", 1},
    {"a=1;p q,c=3", "c|3|\n", 1},
    {"a=1;p=\x7f,c=3", "c|3|\n", 1},
    {"a(b)=1,c=3", "c|3|\n", 1},
};

TEST(baggage_is_read_as_the_table_says) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[1024];
        size_t dropped;
        size_t size = list(rows[i].text, strlen(rows[i].text), &dropped, out, sizeof out);
        CHECK_TEXT(rows[i].members, out, size);
        CHECK_INT(rows[i].dropped, dropped);
    }
    size_t dropped;
    char out[8];
    CHECK_INT(0, list(NULL, 0, &dropped, out, sizeof out));
}

static regex_t member_expression;

static void judge(const char *text, size_t length) {
    size_t malformed = 0, dropped = 0;
    char expected[4096], out[4096];
    size_t expected_size = 0;
    for (size_t from = 0; from <= length;) {
        size_t to = from;
        while (to < length && text[to] != ',') to++;
        regmatch_t groups[8];
        if (mutate_matches(&member_expression, text + from, to - from, groups, 8)) {
            regmatch_t properties = groups[4];
            if (properties.rm_so < 0) properties = (regmatch_t){0, 0};
            /* "p= " matches with its blank, for an empty value may stand behind it. */
            while (properties.rm_eo > properties.rm_so &&
                   strchr(" \t", text[from + (size_t)properties.rm_eo - 1]) != NULL) {
                properties.rm_eo--;
            }
            expected_size += (size_t)snprintf(
                expected + expected_size, sizeof expected - expected_size, "%.*s|%.*s|%.*s\n",
                (int)(groups[1].rm_eo - groups[1].rm_so), text + from + groups[1].rm_so,
                (int)(groups[2].rm_eo - groups[2].rm_so), text + from + groups[2].rm_so,
                (int)(properties.rm_eo - properties.rm_so), text + from + properties.rm_so);
        } else {
            size_t blank = 0;
            while (blank < to - from && (text[from + blank] == ' ' || text[from + blank] == '\t')) {
                blank++;
            }
            malformed += blank < to - from;
        }
        from = to + 1;
    }
    size_t size = list(text, length, &dropped, out, sizeof out);
    CHECK_INT(malformed, dropped);
    CHECK(size == expected_size && memcmp(out, expected, size) == 0);
}

TEST(one_mistake_in_baggage_is_judged_as_by_a_regular_expression) {
#define OWS "[ \t]*"
#define TOKEN "[-!#$%&'*+.^_`|~0-9A-Za-z]+"
#define OCTETS "[]!#-+./0-9:<=>?@A-Z^_`a-z{|}~[-]*"
    /* In a property the value's own class is enough: its key takes all up to the first "=". */
    member_expression =
        mutate_expression("^" OWS "(" TOKEN ")" OWS "=" OWS "(" OCTETS ")" OWS
                          "(;" OWS "(" TOKEN "(" OWS "=" OWS OCTETS ")?"
                          "(" OWS ";" OWS TOKEN "(" OWS "=" OWS OCTETS ")?)*)" OWS ")?$");
    mutate_all("a=1", judge);
    mutate_all("user=Am%C3%A9lie,t=7", judge);
    mutate_all("a = 1 ; p = 2 ;q, b=", judge);
    mutate_all(",x=y;ttl=30;z,", judge);
    regfree(&member_expression);
}

TEST(members_beyond_64_are_dropped_whole_and_counted) {
    char text[8192], out[8192];
    for (int count = 63; count <= 100; count++) {
        size_t length = 0, dropped = 0;
        for (int i = 0; i < count; i++) {
            length += (size_t)sprintf(text + length, "%sk%02d=v", i == 0 ? "" : ",", i);
        }
        size_t size = list(text, length, &dropped, out, sizeof out);
        CHECK_INT((count > 64 ? 64 : count) * (int)strlen("k00|v|\n"), size);
        CHECK_INT(count > 64 ? count - 64 : 0, dropped);
    }
}

TEST(the_budget_counts_what_was_looked_at_not_what_was_good) {
    char text[8192], out[64];
    size_t dropped;
    memset(text, ',', 64); /* sixty-four empty members leave nothing */
    memcpy(text + 64, "a=1", 3);
    CHECK_INT(0, list(text, 67, &dropped, out, sizeof out));
    CHECK_INT(1, dropped);
    CHECK_TEXT("a|1|\n", out, list(text + 1, 66, &dropped, out, sizeof out));
    size_t length = 0;
    for (int i = 0; i < 64; i++) length += (size_t)sprintf(text + length, "bad,");
    memcpy(text + length, "a=1", 3);
    CHECK_INT(0, list(text, length + 3, &dropped, out, sizeof out));
    CHECK_INT(65, dropped);
    memcpy(text + length, " \t, a=1 ,b=2,, ", 15); /* blanks are no member, wherever they are */
    CHECK_INT(0, list(text, length + 15, &dropped, out, sizeof out));
    CHECK_INT(66, dropped);
}

TEST(members_that_end_behind_8192_bytes_are_dropped_whole_and_counted) {
    enum { LIMIT = DIVAK_BAGGAGE_BYTES };
    char *text = malloc(LIMIT + 100);
    if (text == NULL) abort();
    for (size_t head = LIMIT - 20; head <= LIMIT + 20; head++) {
        memset(text, 'x', head);
        memcpy(text, "a=", 2);
        memcpy(text + head, ",b=1,c=2", 8);
        divak_baggage_reader reader = divak_baggage_reader_over(text, head + 8);
        divak_baggage_member member;
        size_t count = 0;
        while (divak_baggage_next(&reader, &member)) count++;
        size_t fits = (head <= LIMIT) + (head + 4 <= LIMIT) + (head + 8 <= LIMIT);
        CHECK_INT(fits, count);
        CHECK_INT(3 - fits, reader.dropped);
    }
    free(text);
}

static const struct {
    const char *encoded, *decoded;
} decode_rows[] = {
    {"", ""},
    {"alice", "alice"},
    {"Am%C3%A9lie", "Am\xc3\xa9lie"},
    {"%e2%82%ac", "\xe2\x82\xac"},
    {"a%20b%2C%3B%25", "a b,;%"},
    {"1+1", "1+1"}, /* a plus is a plus */
    {"100%", "100%"},
    {"%4", "%4"},
    {"%zz%41", "%zzA"},
    {"%4g%g4", "%4g%g4"},
    {"%%41", "%A"},
    {"%0D%0A", "\r\n"},
    {"%FF", "\xef\xbf\xbd"},
    {"a%C3", "a\xef\xbf\xbd"},
    {"%C3%28", "\xef\xbf\xbd("},
    {"%E2%82x", "\xef\xbf\xbdx"},                                     /* one maximal subpart */
    {"%ED%A0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},            /* a surrogate */
    {"%C0%80", "\xef\xbf\xbd\xef\xbf\xbd"},                           /* overlong */
    {"%F0%9F%98%80", "\xf0\x9f\x98\x80"},
    {"%F0%9F%98\xc3\xa9", "\xef\xbf\xbd\xc3\xa9"},
};

TEST(values_are_decoded_into_valid_utf8) {
    for (size_t i = 0; i < sizeof decode_rows / sizeof decode_rows[0]; i++) {
        char out[64];
        size_t size = 99, length = strlen(decode_rows[i].encoded);
        CHECK_INT(DIVAK_OK, divak_baggage_decode(decode_rows[i].encoded, length, out, 64, &size));
        CHECK_TEXT(decode_rows[i].decoded, out, size);
        /* Short of room, a whole number of code points, and as many as fit. */
        size_t whole = strlen(decode_rows[i].decoded);
        for (size_t room = 0; room < whole; room++) {
            int status = divak_baggage_decode(decode_rows[i].encoded, length, out, room, &size);
            CHECK_INT(DIVAK_ERROR_TRUNCATED, status);
            CHECK_INT(divak_utf8_cut(decode_rows[i].decoded, whole, room), size);
            CHECK(memcmp(out, decode_rows[i].decoded, size) == 0);
        }
    }
}

TEST(values_are_encoded_so_that_no_control_character_is_left) {
    static const char *const pairs[][2] = {
        {"alice", "alice"},
        {"a b", "a%20b"},
        {"100%", "100%25"},
        {"\"a\",;\\", "%22a%22%2C%3B%5C"},
        {"x\r\nSet-Cookie: y", "x%0D%0ASet-Cookie:%20y"},
        {"\x01\x1f\x7f", "%01%1F%7F"},
        {"Am\xc3\xa9lie", "Am%C3%A9lie"},
        {"\xff", "%EF%BF%BD"},
        {"!#$&'()*+-./:<=>?@[]^_`{|}~", "!#$&'()*+-./:<=>?@[]^_`{|}~"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char out[64];
        size_t size = 0;
        CHECK_INT(DIVAK_OK, divak_baggage_encode(pairs[i][0], strlen(pairs[i][0]), out, 64, &size));
        CHECK_TEXT(pairs[i][1], out, size);
    }
    char out[8];
    size_t size = 0;
    CHECK_INT(DIVAK_ERROR_TRUNCATED, divak_baggage_encode("a\xc3\xa9", 3, out, 6, &size));
    CHECK_TEXT("a", out, size);
    CHECK_INT(DIVAK_OK, divak_baggage_encode("a\0b", 3, out, 8, &size));
    CHECK_TEXT("a%00b", out, size);
}

TEST(any_bytes_come_back_as_they_were_but_for_what_is_no_text) {
    uint32_t state = 7;
    printf("  seed %" PRIu32 "\n", state);
    for (int round = 0; round < 20000; round++) {
        char text[24], wire[9 * sizeof text], back[9 * sizeof text], expected[3 * sizeof text];
        size_t length = (size_t)round % sizeof text, size, back_size, expected_size = 0;
        for (size_t i = 0; i < length; i++) {
            state = state * 1664525 + 1013904223;
            text[i] = (char)(state >> 24);
            if (state & 0x10000) text[i] = (char)("\xe2\x82\xac\xc3\xa9%,;"[state >> 20 & 7]);
        }
        for (size_t i = 0; i < length;) {
            uint32_t code;
            size_t step = divak_utf8_decode(text + i, length - i, &code);
            bool is_bad = code == DIVAK_UTF8_BAD;
            memcpy(expected + expected_size, is_bad ? DIVAK_UTF8_REPLACEMENT : text + i,
                   is_bad ? 3 : step);
            expected_size += is_bad ? 3 : step;
            i += step;
        }
        CHECK_INT(DIVAK_OK, divak_baggage_encode(text, length, wire, sizeof wire, &size));
        /* A reader's value needs no more room than it has itself. */
        CHECK_INT(DIVAK_OK, divak_baggage_decode(wire, size, back, size, &back_size));
        CHECK(back_size == expected_size && memcmp(back, expected, back_size) == 0);
    }
}

static int add(divak_baggage_writer *writer, const char *key, const char *value,
               const char *properties) {
    return divak_baggage_add(writer, key, strlen(key), value, strlen(value), properties,
                             properties == NULL ? 0 : strlen(properties));
}

TEST(members_are_written_whole_or_not_at_all) {
    char out[64];
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    CHECK_INT(DIVAK_OK, add(&writer, "user", "Am\xc3\xa9lie", NULL));
    CHECK_INT(DIVAK_OK, add(&writer, "t", "7", "ttl=30;pinned"));
    CHECK_INT(DIVAK_OK, add(&writer, "empty", "", ""));
    const char *expected = "user=Am%C3%A9lie,t=7;ttl=30;pinned,empty=";
    CHECK_TEXT(expected, out, writer.length);
    CHECK_INT(DIVAK_ERROR_INVALID, add(&writer, "", "1", NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, add(&writer, "a b", "1", NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, add(&writer, "a\r\n", "1", NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, add(&writer, "a", "1", "p\r\nq"));
    CHECK_INT(DIVAK_ERROR_INVALID, add(&writer, "a", "1", "p,q"));
    CHECK_INT(DIVAK_ERROR_FULL, add(&writer, "long", "123456789012345678901", NULL));
    CHECK_TEXT(expected, out, writer.length);
    CHECK_INT(6, writer.dropped);
    CHECK_INT(3, writer.members);
    /* What remains is filled to the last byte. */
    size_t left = sizeof out - writer.length - strlen(",z=");
    char fill[64];
    memset(fill, 'x', sizeof fill);
    CHECK_INT(DIVAK_ERROR_FULL, divak_baggage_add(&writer, "z", 1, fill, left + 1, NULL, 0));
    CHECK_INT(DIVAK_OK, divak_baggage_add(&writer, "z", 1, fill, left, NULL, 0));
    CHECK_INT(sizeof out, writer.length);
    CHECK_INT(DIVAK_ERROR_FULL, add(&writer, "z", "", NULL));
}

TEST(a_writer_stops_at_64_members_and_8192_bytes) {
    static char out[20000], value[9000];
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    for (int i = 0; i < 70; i++) add(&writer, "k", "v", NULL);
    CHECK_INT(64, writer.members);
    CHECK_INT(6, writer.dropped);
    memset(value, 'x', sizeof value);
    writer = (divak_baggage_writer){.out = out, .capacity = sizeof out};
    CHECK_INT(DIVAK_ERROR_FULL, divak_baggage_add(&writer, "k", 1, value, 8191, NULL, 0));
    CHECK_INT(DIVAK_OK, divak_baggage_add(&writer, "k", 1, value, 8190, NULL, 0));
    CHECK_INT(8192, writer.length);
    divak_baggage_writer nothing = {.out = NULL};
    CHECK_INT(DIVAK_ERROR_FULL, add(&nothing, "k", "v", NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_baggage_add(&nothing, NULL, 0, NULL, 0, NULL, 0));
}

TEST(what_was_read_is_forwarded_as_it_came) {
    const char *text = " user = Am%c3%A9lie ; ttl = 30 ,bad, t=7%";
    char out[64];
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    divak_baggage_reader reader = divak_baggage_reader_over(text, strlen(text));
    for (divak_baggage_member member; divak_baggage_next(&reader, &member);) {
        CHECK_INT(DIVAK_OK, divak_baggage_forward(&writer, &member));
    }
    CHECK_TEXT("user=Am%c3%A9lie;ttl = 30,t=7%", out, writer.length);
    divak_baggage_member forged = {"k", 1, "a\r\nb", 4, NULL, 0};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_baggage_forward(&writer, &forged));
    divak_baggage_member empty = {"k", 1, NULL, 0, NULL, 0};
    CHECK_INT(DIVAK_OK, divak_baggage_forward(&writer, &empty));
    CHECK_TEXT(",k=", out + writer.length - 3, 3);
}

TEST(no_part_of_a_member_that_does_not_fit_is_written) {
    char out[8];
    const char *const parts[][3] = {
        {"123456789", "", NULL}, {"k", "123456789", NULL}, {"k", "", "123456789"},
        {"1234", "1", "123"},    {"k", "1234", "12"},      {"k", "\xc3\xa9\xc3\xa9", NULL},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
        CHECK_INT(DIVAK_ERROR_FULL, add(&writer, parts[i][0], parts[i][1], parts[i][2]));
        CHECK_INT(0, writer.length);
        CHECK_INT(1, writer.dropped);
    }
    divak_baggage_writer writer = {.out = out, .capacity = sizeof out};
    divak_baggage_member member = {"k", 1, "1234567", 7, NULL, 0};
    CHECK_INT(DIVAK_ERROR_FULL, divak_baggage_forward(&writer, &member));
    member.value_length = 6;
    CHECK_INT(DIVAK_OK, divak_baggage_forward(&writer, &member));
    CHECK_TEXT("k=123456", out, writer.length);
    writer = (divak_baggage_writer){.out = out, .capacity = sizeof out};
    CHECK_INT(DIVAK_OK, add(&writer, "k", "", "12345"));
    CHECK_TEXT("k=;12345", out, writer.length);
}

CHECK_MAIN()
