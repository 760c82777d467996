/* SPDX-License-Identifier: Apache-2.0 */
/* b3_test.c - B3 headers, rule by rule and one mistake away from every legal form. */
#include "wire/b3.h"

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

#define TRACE "463ac35c9f6413ad"
#define TRACE128 "463ac35c9f6413ad48485a3953bb6124"
#define SPAN "a2fb4a1d1a96d312"
#define PARENT "0020000000000001"
#define ZERO "0000000000000000"

static const uint64_t trace = UINT64_C(0x463ac35c9f6413ad), low = UINT64_C(0x48485a3953bb6124),
                      span = UINT64_C(0xa2fb4a1d1a96d312), parent = UINT64_C(0x0020000000000001);

/* What stays in an output that must not be written. */
static const divak_b3 untouched = {{1, 2, 3, 4}, true, DIVAK_SAMPLING_DEBUG};

static bool same(const divak_b3 *a, const divak_b3 *b) {
    return a->ids.trace_id_high == b->ids.trace_id_high &&
           a->ids.trace_id_low == b->ids.trace_id_low && a->ids.span_id == b->ids.span_id &&
           a->ids.parent_id == b->ids.parent_id && a->has_ids == b->has_ids &&
           a->sampling == b->sampling;
}

typedef struct single_row {
    const char *text;
    int status;
    divak_b3 expected;
} single_row;

#define NOTHING \
    { {0, 0, 0, 0}, false, DEFER }
#define DEFER DIVAK_SAMPLING_DEFER
#define DENY DIVAK_SAMPLING_DENY
#define ACCEPT DIVAK_SAMPLING_ACCEPT
#define DEBUG DIVAK_SAMPLING_DEBUG

static const single_row single_rows[] = {
    {"0", DIVAK_OK, {{0, 0, 0, 0}, false, DENY}},
    {"1", DIVAK_OK, {{0, 0, 0, 0}, false, ACCEPT}},
    {"d", DIVAK_OK, {{0, 0, 0, 0}, false, DEBUG}},
    {TRACE "-" SPAN, DIVAK_OK, {{0, trace, span, 0}, true, DEFER}},
    {TRACE "-" SPAN "-0", DIVAK_OK, {{0, trace, span, 0}, true, DENY}},
    {TRACE "-" SPAN "-1", DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE "-" SPAN "-d", DIVAK_OK, {{0, trace, span, 0}, true, DEBUG}},
    {TRACE "-" SPAN "-1-" PARENT, DIVAK_OK, {{0, trace, span, parent}, true, ACCEPT}},
    {TRACE "-" SPAN "-" PARENT, DIVAK_OK, {{0, trace, span, parent}, true, DEFER}},
    {TRACE128 "-" SPAN, DIVAK_OK, {{trace, low, span, 0}, true, DEFER}},
    {TRACE128 "-" SPAN "-0", DIVAK_OK, {{trace, low, span, 0}, true, DENY}},
    {TRACE128 "-" SPAN "-d-" PARENT, DIVAK_OK, {{trace, low, span, parent}, true, DEBUG}},
    {TRACE128 "-" SPAN "-" PARENT, DIVAK_OK, {{trace, low, span, parent}, true, DEFER}},
    /* A parent of zero is no parent; a high half of zero makes 64 bits; a low half may be zero. */
    {TRACE "-" SPAN "-1-" ZERO, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE "-" SPAN "-" ZERO, DIVAK_OK, {{0, trace, span, 0}, true, DEFER}},
    {ZERO TRACE "-" SPAN "-1", DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE ZERO "-" SPAN "-1", DIVAK_OK, {{trace, 0, span, 0}, true, ACCEPT}},

    {"", DIVAK_ERROR_INVALID, NOTHING},
    {"x", DIVAK_ERROR_INVALID, NOTHING},
    {"D", DIVAK_ERROR_INVALID, NOTHING},
    {"-", DIVAK_ERROR_INVALID, NOTHING},
    {"true", DIVAK_ERROR_INVALID, NOTHING},
    {"false", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE128, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-1", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "--", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "--" SPAN, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-x", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-1-", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "--" PARENT, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-1-" PARENT "-", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-1-" PARENT "-" PARENT, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-" PARENT "-1", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-true", DIVAK_ERROR_INVALID, NOTHING},
    {"463AC35C9F6413AD-" SPAN "-1", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-A2FB4A1D1A96D312-1", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-D", DIVAK_ERROR_INVALID, NOTHING},
    {" " TRACE "-" SPAN, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN " ", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE " - " SPAN, DIVAK_ERROR_INVALID, NOTHING},
    {ZERO "-" SPAN "-1", DIVAK_ERROR_INVALID, NOTHING},
    {ZERO ZERO "-" SPAN "-1", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" ZERO "-1", DIVAK_ERROR_INVALID, NOTHING},
    {"463ac35c9f6413a-" SPAN, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-a2fb4a1d1a96d31", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE "-" SPAN "-1-002000000000001", DIVAK_ERROR_INVALID, NOTHING},
    {TRACE128 "-a2fb4a1d1a96d3", DIVAK_ERROR_INVALID, NOTHING}, /* 47 bytes */
};

TEST(a_single_header_is_read_as_the_table_says) {
    for (size_t i = 0; i < sizeof single_rows / sizeof single_rows[0]; i++) {
        const single_row *row = &single_rows[i];
        divak_b3 b3 = untouched;
        int status = divak_b3_parse_single(row->text, strlen(row->text), &b3);
        const divak_b3 *expected = row->status == DIVAK_OK ? &row->expected : &untouched;
        if (status == row->status && same(&b3, expected)) continue;
        printf("  row: %s\n", row->text);
        CHECK_INT(row->status, status);
        CHECK(same(&b3, expected));
    }
}

static regex_t single_expression;

static bool all_zero(const char *text, regmatch_t group) {
    for (regoff_t i = group.rm_so; i < group.rm_eo; i++) {
        if (text[i] != '0') return false;
    }
    return true;
}

static void judge_single(const char *text, size_t length) {
    regmatch_t groups[8];
    bool is_legal = length == 1 && text[0] != '\0' && strchr("01d", text[0]) != NULL;
    bool has_ids = mutate_matches(&single_expression, text, length, groups, 8) &&
                   !all_zero(text, groups[1]) && !all_zero(text, groups[3]);
    divak_b3 b3 = untouched;
    int status = divak_b3_parse_single(text, length, &b3);
    CHECK_INT(is_legal || has_ids ? DIVAK_OK : DIVAK_ERROR_INVALID, status);
    if (status != DIVAK_OK) {
        CHECK(same(&b3, &untouched));
        return;
    }
    /* What was read is what stands there, but for zeros that say nothing. */
    char out[DIVAK_B3_SINGLE_MAX];
    size_t written = divak_b3_write_single(&b3, true, out);
    divak_b3 again = untouched;
    CHECK_INT(DIVAK_OK, divak_b3_parse_single(out, written, &again));
    CHECK(same(&b3, &again));
    if (has_ids && b3.ids.trace_id_high == 0 && groups[1].rm_eo == 32) return;
    if (has_ids && b3.ids.parent_id == 0 && groups[6].rm_so >= 0) return;
    CHECK(written == length && memcmp(out, text, length) == 0);
}

TEST(one_mistake_in_a_single_header_is_judged_as_by_a_regular_expression) {
    single_expression =
        mutate_expression("^(([0-9a-f]{16}){1,2})-([0-9a-f]{16})(-([01d]))?(-([0-9a-f]{16}))?$");
    mutate_all("1", judge_single);
    mutate_all(TRACE "-" SPAN, judge_single);
    mutate_all(TRACE "-" SPAN "-1", judge_single);
    mutate_all(TRACE128 "-" SPAN "-d", judge_single);
    mutate_all(TRACE "-" SPAN "-" PARENT, judge_single);
    mutate_all(TRACE "-" SPAN "-0-" PARENT, judge_single);
    mutate_all(TRACE128 "-" SPAN "-1-" PARENT, judge_single);
    mutate_all("0000000000000001-0000000000000001-1-0000000000000001", judge_single);
    regfree(&single_expression);
}

typedef struct multi_row {
    const char *trace, *span, *parent, *sampled, *flags;
    int status;
    divak_b3 expected;
} multi_row;

static size_t length_of(const char *text) {
    return text == NULL ? 0 : strlen(text);
}

static int parse_multi(const multi_row *row, divak_b3 *out) {
    return divak_b3_parse_multi(row->trace, length_of(row->trace), row->span, length_of(row->span),
                                row->parent, length_of(row->parent), row->sampled,
                                length_of(row->sampled), row->flags, length_of(row->flags), out);
}

static const multi_row multi_rows[] = {
    /* All sampling states, without ids and with them. */
    {NULL, NULL, NULL, NULL, NULL, DIVAK_ABSENT, NOTHING},
    {NULL, NULL, NULL, "0", NULL, DIVAK_OK, {{0, 0, 0, 0}, false, DENY}},
    {NULL, NULL, NULL, "1", NULL, DIVAK_OK, {{0, 0, 0, 0}, false, ACCEPT}},
    {NULL, NULL, NULL, NULL, "1", DIVAK_OK, {{0, 0, 0, 0}, false, DEBUG}},
    {TRACE, SPAN, NULL, NULL, NULL, DIVAK_OK, {{0, trace, span, 0}, true, DEFER}},
    {TRACE, SPAN, NULL, "0", NULL, DIVAK_OK, {{0, trace, span, 0}, true, DENY}},
    {TRACE, SPAN, NULL, "1", NULL, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE, SPAN, NULL, NULL, "1", DIVAK_OK, {{0, trace, span, 0}, true, DEBUG}},
    {TRACE128, SPAN, PARENT, "1", NULL, DIVAK_OK, {{trace, low, span, parent}, true, ACCEPT}},
    /* Debug implies accept and beats a deny; other flags are ignored. */
    {TRACE, SPAN, NULL, "0", "1", DIVAK_OK, {{0, trace, span, 0}, true, DEBUG}},
    {NULL, NULL, NULL, "0", "1", DIVAK_OK, {{0, 0, 0, 0}, false, DEBUG}},
    {TRACE, SPAN, NULL, "0", "0", DIVAK_OK, {{0, trace, span, 0}, true, DENY}},
    {TRACE, SPAN, NULL, "1", "3", DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE, SPAN, NULL, NULL, "", DIVAK_OK, {{0, trace, span, 0}, true, DEFER}},
    {TRACE, SPAN, NULL, NULL, "11", DIVAK_OK, {{0, trace, span, 0}, true, DEFER}},
    {NULL, NULL, NULL, NULL, "0", DIVAK_ABSENT, NOTHING},
    /* The legacy words, in any case. */
    {TRACE, SPAN, NULL, "true", NULL, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE, SPAN, NULL, "TrUe", NULL, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {TRACE, SPAN, NULL, "FALSE", NULL, DIVAK_OK, {{0, trace, span, 0}, true, DENY}},
    {NULL, NULL, NULL, "false", NULL, DIVAK_OK, {{0, 0, 0, 0}, false, DENY}},
    {TRACE, SPAN, NULL, "", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, "d", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, "2", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, "yes", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, "tru\xc5", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, " 1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, NULL, "", "1", DIVAK_ERROR_INVALID, NOTHING},
    /* Short ids are padded; one digit is refused. */
    {"12", "34", NULL, "1", NULL, DIVAK_OK, {{0, 0x12, 0x34, 0}, true, ACCEPT}},
    {"112233445566778899", SPAN, "01", NULL, NULL, DIVAK_OK,
     {{0x11, UINT64_C(0x2233445566778899), span, 1}, true, DEFER}},
    {"1", SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, "1", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, "1", "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE128 "0", SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN "0", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, PARENT "0", "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    /* Upper case, zero, empty and a hyphen take the decision with them. */
    {"463AC35C9F6413AD", SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, "A2FB4A1D1A96D312", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, "AB", "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {ZERO, SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {ZERO ZERO, SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, ZERO, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {"", SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, "", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, "", "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {"-", SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, "463ac35c-9f6413ad", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, "None", NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, SPAN, "None", "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    /* One id without the other. */
    {TRACE, NULL, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {NULL, SPAN, NULL, "1", NULL, DIVAK_ERROR_INVALID, NOTHING},
    {TRACE, NULL, NULL, NULL, "1", DIVAK_ERROR_INVALID, NOTHING},
    {NULL, NULL, PARENT, "1", NULL, DIVAK_OK, {{0, 0, 0, 0}, false, ACCEPT}},
    /* Zeros that say nothing. */
    {TRACE, SPAN, ZERO, "1", NULL, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
    {ZERO TRACE, SPAN, NULL, "1", NULL, DIVAK_OK, {{0, trace, span, 0}, true, ACCEPT}},
};

TEST(several_headers_are_read_as_the_table_says) {
    for (size_t i = 0; i < sizeof multi_rows / sizeof multi_rows[0]; i++) {
        const multi_row *row = &multi_rows[i];
        divak_b3 b3 = untouched;
        int status = parse_multi(row, &b3);
        const divak_b3 *expected = row->status == DIVAK_OK ? &row->expected : &untouched;
        if (status == row->status && same(&b3, expected)) continue;
        printf("  row %zu: %s %s\n", i, row->trace == NULL ? "-" : row->trace,
               row->span == NULL ? "-" : row->span);
        CHECK_INT(row->status, status);
        CHECK(same(&b3, expected));
    }
}

static regex_t trace_expression, id_expression;

static bool is_zero(const char *text, size_t length) {
    return length == strspn(text, "0");
}

static void judge_multi_ids(const char *text, size_t length) {
    char copy[64] = {0};
    if (length < sizeof copy) memcpy(copy, text, length);
    bool is_trace = mutate_matches(&trace_expression, text, length, NULL, 0);
    bool is_id = mutate_matches(&id_expression, text, length, NULL, 0);
    bool zero = is_zero(copy, length);
    divak_b3 b3 = untouched;
    CHECK_INT(is_trace && !zero ? DIVAK_OK : DIVAK_ERROR_INVALID,
              divak_b3_parse_multi(text, length, SPAN, 16, NULL, 0, NULL, 0, NULL, 0, &b3));
    CHECK_INT(is_id && !zero ? DIVAK_OK : DIVAK_ERROR_INVALID,
              divak_b3_parse_multi(TRACE, 16, text, length, NULL, 0, NULL, 0, NULL, 0, &b3));
    CHECK_INT(is_id ? DIVAK_OK : DIVAK_ERROR_INVALID,
              divak_b3_parse_multi(TRACE, 16, SPAN, 16, text, length, NULL, 0, NULL, 0, &b3));
    if (is_id) CHECK(b3.ids.parent_id == strtoull(copy, NULL, 16));
}

static regex_t sampled_expression;

static void judge_sampled(const char *text, size_t length) {
    bool is_legal = mutate_matches(&sampled_expression, text, length, NULL, 0);
    divak_b3 b3 = untouched;
    CHECK_INT(is_legal ? DIVAK_OK : DIVAK_ERROR_INVALID,
              divak_b3_parse_multi(NULL, 0, NULL, 0, NULL, 0, text, length, NULL, 0, &b3));
}

TEST(one_mistake_in_several_headers_is_judged_as_by_a_regular_expression) {
    trace_expression = mutate_expression("^[0-9a-f]{2,32}$");
    id_expression = mutate_expression("^[0-9a-f]{2,16}$");
    sampled_expression = mutate_expression("^(0|1|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE])$");
    mutate_all("12", judge_multi_ids);
    mutate_all(SPAN, judge_multi_ids);
    mutate_all(TRACE128, judge_multi_ids);
    mutate_all(ZERO, judge_multi_ids);
    mutate_all("1", judge_sampled);
    mutate_all("true", judge_sampled);
    mutate_all("FALSE", judge_sampled);
    regfree(&trace_expression);
    regfree(&id_expression);
    regfree(&sampled_expression);
}

static int parse_both(const char *single, const multi_row *row, divak_b3 *out) {
    return divak_b3_parse(single, length_of(single), row->trace, length_of(row->trace), row->span,
                          length_of(row->span), row->parent, length_of(row->parent), row->sampled,
                          length_of(row->sampled), row->flags, length_of(row->flags), out);
}

TEST(a_single_header_wins_and_a_malformed_one_falls_back) {
    const multi_row good = {"12", "34", NULL, "1", NULL, 0, NOTHING};
    const multi_row bad = {"12", "", NULL, "1", NULL, 0, NOTHING};
    const multi_row none = {NULL, NULL, NULL, NULL, NULL, 0, NOTHING};
    divak_b3 b3 = untouched;
    CHECK_INT(DIVAK_OK, parse_both(TRACE "-" SPAN "-d", &good, &b3));
    CHECK(b3.ids.trace_id_low == trace && b3.sampling == DEBUG);
    CHECK_INT(DIVAK_OK, parse_both(TRACE "-" SPAN "-d", &bad, &b3));
    CHECK(b3.ids.trace_id_low == trace);
    CHECK_INT(DIVAK_OK, parse_both("0", &good, &b3));
    CHECK(b3.sampling == DENY && !b3.has_ids);
    CHECK_INT(DIVAK_OK, parse_both("bad", &good, &b3));
    CHECK(b3.ids.trace_id_low == 0x12 && b3.sampling == ACCEPT);
    CHECK_INT(DIVAK_OK, parse_both(NULL, &good, &b3));
    CHECK(b3.ids.trace_id_low == 0x12);

    b3 = untouched;
    CHECK_INT(DIVAK_ERROR_INVALID, parse_both("bad", &none, &b3));
    CHECK_INT(DIVAK_ERROR_INVALID, parse_both("bad", &bad, &b3));
    CHECK_INT(DIVAK_ERROR_INVALID, parse_both(NULL, &bad, &b3));
    CHECK_INT(DIVAK_ABSENT, parse_both(NULL, &none, &b3));
    CHECK(same(&b3, &untouched));
}

TEST(every_context_comes_back_from_both_forms) {
    for (int bits = 0; bits < 4 * 2 * 2 * 2; bits++) {
        bool has_ids = (bits & 1) != 0;
        divak_b3 b3 = {.has_ids = has_ids, .sampling = (divak_sampling)(bits >> 3)};
        if (has_ids) {
            b3.ids = (divak_ids){bits & 2 ? trace : 0, low, span, bits & 4 ? parent : 0};
        }
        char single[DIVAK_B3_SINGLE_MAX];
        divak_b3_multi multi;
        for (int with_parent = 0; with_parent < 2; with_parent++) {
            divak_b3 expected = b3, back = untouched;
            if (!with_parent) expected.ids.parent_id = 0;
            bool is_nothing = !has_ids && b3.sampling == DEFER;

            size_t length = divak_b3_write_single(&b3, with_parent != 0, single);
            CHECK(is_nothing == (length == 0));
            if (!is_nothing) {
                CHECK_INT(DIVAK_OK, divak_b3_parse_single(single, length, &back));
                CHECK(same(&expected, &back));
            }
            divak_b3_write_multi(&b3, with_parent != 0, &multi);
            CHECK_INT(multi.trace_id_length == 0, multi.span_id_length == 0);
            CHECK(multi.sampled_length == 0 || multi.flags_length == 0);
#define HEADER(name) multi.name##_length == 0 ? NULL : multi.name, multi.name##_length
            back = untouched;
            int status = divak_b3_parse_multi(HEADER(trace_id), HEADER(span_id), HEADER(parent_id),
                                              HEADER(sampled), HEADER(flags), &back);
            CHECK_INT(is_nothing ? DIVAK_ABSENT : DIVAK_OK, status);
            if (!is_nothing) CHECK(same(&expected, &back));
        }
    }
}

TEST(what_is_sent_is_exactly_this) {
    char single[DIVAK_B3_SINGLE_MAX];
    divak_b3_multi multi;
    divak_b3 b3 = {{trace, low, span, parent}, true, DENY};
    CHECK_TEXT(TRACE128 "-" SPAN "-0-" PARENT, single, divak_b3_write_single(&b3, true, single));
    CHECK_TEXT(TRACE128 "-" SPAN "-0", single, divak_b3_write_single(&b3, false, single));
    divak_b3_write_multi(&b3, true, &multi);
    CHECK_TEXT(TRACE128, multi.trace_id, multi.trace_id_length);
    CHECK_TEXT(SPAN, multi.span_id, multi.span_id_length);
    CHECK_TEXT(PARENT, multi.parent_id, multi.parent_id_length);
    CHECK_TEXT("0", multi.sampled, multi.sampled_length);
    CHECK_INT(0, multi.flags_length);

    b3 = (divak_b3){{0, trace, span, 0}, true, DEBUG};
    CHECK_TEXT(TRACE "-" SPAN "-d", single, divak_b3_write_single(&b3, true, single));
    divak_b3_write_multi(&b3, true, &multi);
    CHECK_TEXT(TRACE, multi.trace_id, multi.trace_id_length);
    CHECK_INT(0, multi.parent_id_length);
    CHECK_INT(0, multi.sampled_length);
    CHECK_TEXT("1", multi.flags, multi.flags_length);

    b3 = (divak_b3){{0, 0, 0, 0}, false, DENY};
    CHECK_TEXT("0", single, divak_b3_write_single(&b3, true, single));
}

CHECK_MAIN()
