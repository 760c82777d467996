/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent_test.c - the traceparent header, rule by rule and one mistake away. */
#include "wire/traceparent.h"

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZERO "0000000000000000"

static const struct {
    const char *text;
    bool is_legal, is_sampled, is_random;
} rows[] = {
    {"00-" TRACE "-" SPAN "-00", true, false, false},
    {"00-" TRACE "-" SPAN "-01", true, true, false},
    {"00-" TRACE "-" SPAN "-02", true, false, true},
    {"00-" TRACE "-" SPAN "-03", true, true, true},
    {"00-" TRACE "-" SPAN "-ff", true, true, true},
    {"00-" TRACE "-" SPAN "-fc", true, false, false},
    {"00-" ZERO "a3ce929d0e0e4736-" SPAN "-01", true, true, false},
    {"00-4bf92f3577b34da6" ZERO "-" SPAN "-01", true, true, false},
    /* A later version: 55 bytes, or more after a hyphen. */
    {"01-" TRACE "-" SPAN "-01", true, true, false},
    {"cc-" TRACE "-" SPAN "-01", true, true, false},
    {"fe-" TRACE "-" SPAN "-01-", true, true, false},
    {"cc-" TRACE "-" SPAN "-01-what the future brings", true, true, false},
    {"cc-" TRACE "-" SPAN "-01.what", false, false, false},
    {"cc-" TRACE "-" SPAN "-011", false, false, false},
    {"ff-" TRACE "-" SPAN "-01", false, false, false},
    {"ff-" TRACE "-" SPAN "-01-", false, false, false},
    /* Version 00 has exactly 55. */
    {"00-" TRACE "-" SPAN "-01-", false, false, false},
    {"00-" TRACE "-" SPAN "-01-x", false, false, false},
    {"00-" TRACE "-" SPAN "-01 ", false, false, false},
    {"00-" TRACE "-" SPAN "-0", false, false, false},
    {"00-" TRACE "-" SPAN, false, false, false},
    {"", false, false, false},
    {"00-" ZERO ZERO "-" SPAN "-01", false, false, false},
    {"00-" TRACE "-" ZERO "-01", false, false, false},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false, false},
    {"00-" TRACE "-00F067AA0BA902B7-01", false, false, false},
    {"00-" TRACE "-" SPAN "-0A", false, false, false},
    {"0A-" TRACE "-" SPAN "-01", false, false, false},
    {"00_" TRACE "-" SPAN "-01", false, false, false},
    {"00-" TRACE "_" SPAN "-01", false, false, false},
    {"00-" TRACE "-" SPAN "_01", false, false, false},
    {"0-" TRACE "-" SPAN "-01", false, false, false},
    {" 00-" TRACE "-" SPAN "-01", false, false, false},
};

TEST(a_traceparent_is_read_as_the_table_says) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        divak_traceparent out = {.ids = {1, 2, 3, 4}, .is_sampled = true, .is_random = true};
        int status = divak_traceparent_parse(rows[i].text, strlen(rows[i].text), &out);
        if (status != (rows[i].is_legal ? DIVAK_OK : DIVAK_ERROR_INVALID)) {
            printf("  row: %s\n", rows[i].text);
        }
        CHECK_INT(rows[i].is_legal ? DIVAK_OK : DIVAK_ERROR_INVALID, status);
        if (status == DIVAK_OK) {
            CHECK_INT(rows[i].is_sampled, out.is_sampled);
            CHECK_INT(rows[i].is_random, out.is_random);
            CHECK(out.ids.span_id == UINT64_C(0x00f067aa0ba902b7) && out.ids.parent_id == 0);
        } else {
            CHECK(out.ids.trace_id_high == 1 && out.ids.span_id == 3 && out.is_sampled);
        }
    }
    divak_traceparent out;
    CHECK_INT(DIVAK_ABSENT, divak_traceparent_parse(NULL, 0, &out));
}

static regex_t version_0, version_later;

static void judge(const char *text, size_t length) {
    bool is_legal = mutate_matches(&version_0, text, length, NULL, 0);
    /* What follows the hyphen of a later version may be anything, so NUL bytes too. */
    size_t head = length > 56 ? 56 : length;
    is_legal = is_legal || (mutate_matches(&version_later, text, head, NULL, 0) &&
                            memcmp(text, "00", 2) != 0 && memcmp(text, "ff", 2) != 0);
    is_legal = is_legal && memcmp(text + 3, ZERO ZERO, 32) != 0 && memcmp(text + 36, ZERO, 16) != 0;
    divak_traceparent out;
    int status = divak_traceparent_parse(text, length, &out);
    CHECK_INT(is_legal ? DIVAK_OK : DIVAK_ERROR_INVALID, status);
    if (status != DIVAK_OK) return;
    char again[DIVAK_TRACEPARENT_SIZE];
    divak_traceparent_write(&out, again);
    CHECK(memcmp(again, "00-", 3) == 0);
    CHECK(memcmp(again + 3, text + 3, 32 + 1 + 16 + 1) == 0);
    char flags[3] = {text[53], text[54], '\0'};
    CHECK_INT(strtol(flags, NULL, 16) & 3, strtol((char[3]){again[53], again[54], 0}, NULL, 16));
}

TEST(one_mistake_in_a_traceparent_is_judged_as_by_a_regular_expression) {
    version_0 = mutate_expression("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$");
    version_later = mutate_expression("^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$");
    mutate_all("00-" TRACE "-" SPAN "-01", judge);
    mutate_all("cc-" TRACE "-" SPAN "-01", judge);
    mutate_all("fe-" TRACE "-" SPAN "-03-more", judge);
    mutate_all("00-" ZERO "0000000000000001-0000000000000001-00", judge);
    regfree(&version_0);
    regfree(&version_later);
}

TEST(what_is_sent_is_exactly_this) {
    char out[DIVAK_TRACEPARENT_SIZE];
    divak_traceparent it = {.ids = {0, 0xabc, 0xdef, 0x123}, .is_sampled = true};
    divak_traceparent_write(&it, out);
    CHECK_TEXT("00-00000000000000000000000000000abc-0000000000000def-01", out, sizeof out);
    it.is_sampled = false;
    it.is_random = true;
    it.ids.trace_id_high = UINT64_C(0x4bf92f3577b34da6);
    divak_traceparent_write(&it, out);
    CHECK_TEXT("00-4bf92f3577b34da60000000000000abc-0000000000000def-02", out, sizeof out);
}

CHECK_MAIN()
