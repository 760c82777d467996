/* SPDX-License-Identifier: Apache-2.0 */
/* b3_fuzz.c - any bytes as B3 headers: up to six lines, b3, trace, span, parent, sampled, flags.
 *
 * A line "!" is a header that is not there.
 */
#include "divak/status.h"
#include "exact.h"
#include "wire/b3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const divak_b3 *a, const divak_b3 *b) {
    return a->ids.trace_id_high == b->ids.trace_id_high &&
           a->ids.trace_id_low == b->ids.trace_id_low && a->ids.span_id == b->ids.span_id &&
           a->ids.parent_id == b->ids.parent_id && a->has_ids == b->has_ids &&
           a->sampling == b->sampling;
}

static void check_result(int status, const divak_b3 *b3) {
    MUST(status == DIVAK_OK || status == DIVAK_ABSENT || status == DIVAK_ERROR_INVALID);
    if (status != DIVAK_OK) {
        MUST(b3->ids.span_id == 42); /* untouched */
        return;
    }
    const divak_ids *ids = &b3->ids;
    bool has_trace = (ids->trace_id_high | ids->trace_id_low) != 0;
    MUST(b3->has_ids == has_trace && b3->has_ids == (ids->span_id != 0));
    MUST(b3->has_ids || ids->parent_id == 0);
    MUST(b3->has_ids || b3->sampling != DIVAK_SAMPLING_DEFER);

    char single[DIVAK_B3_SINGLE_MAX];
    size_t length = divak_b3_write_single(b3, true, single);
    MUST(exact_only(single, length, "0123456789abcdef-"));
    divak_b3 again;
    MUST(divak_b3_parse_single(single, length, &again) == DIVAK_OK && same(b3, &again));

    divak_b3_multi multi;
    divak_b3_write_multi(b3, true, &multi);
#define HEADER(name) multi.name##_length == 0 ? NULL : multi.name, multi.name##_length
    MUST(divak_b3_parse_multi(HEADER(trace_id), HEADER(span_id), HEADER(parent_id), HEADER(sampled),
                              HEADER(flags), &again) == DIVAK_OK);
    MUST(same(b3, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text line[6];
    for (int i = 0; i < 6; i++) {
        line[i] = exact_line(&data, &size);
        if (line[i].length == 1 && line[i].text[0] == '!') {
            free(line[i].text);
            line[i] = (exact_text){NULL, 0};
        }
    }
    divak_b3 single = {.ids.span_id = 42}, multi = single, both = single;
    int from_single = divak_b3_parse_single(line[0].text, line[0].length, &single);
#define LINE(i) line[i].text, line[i].length
    int from_multi = divak_b3_parse_multi(LINE(1), LINE(2), LINE(3), LINE(4), LINE(5), &multi);
    int from_both =
        divak_b3_parse(LINE(0), LINE(1), LINE(2), LINE(3), LINE(4), LINE(5), &both);
    check_result(from_single, &single);
    check_result(from_multi, &multi);
    check_result(from_both, &both);
    if (from_single == DIVAK_OK) MUST(from_both == DIVAK_OK && same(&single, &both));
    if (from_single != DIVAK_OK && from_multi == DIVAK_OK) MUST(same(&multi, &both));
    MUST((from_both == DIVAK_OK) == (from_single == DIVAK_OK || from_multi == DIVAK_OK));
    for (int i = 0; i < 6; i++) free(line[i].text);
    return 0;
}
