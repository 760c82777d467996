/* SPDX-License-Identifier: Apache-2.0 */
/* traceparent_fuzz.c - any bytes as a traceparent header. */
#include "divak/status.h"
#include "exact.h"
#include "wire/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text input = exact_copy(data, size);
    divak_traceparent parsed = {.ids.span_id = 42};
    int status = divak_traceparent_parse(input.text, input.length, &parsed);
    if (status == DIVAK_OK) {
        MUST((parsed.ids.trace_id_high | parsed.ids.trace_id_low) != 0);
        MUST(parsed.ids.span_id != 0 && parsed.ids.parent_id == 0);
        char out[DIVAK_TRACEPARENT_SIZE];
        divak_traceparent_write(&parsed, out);
        MUST(exact_only(out, sizeof out, "0123456789abcdef-"));
        MUST(memcmp(out + 2, input.text + 2, 51) == 0);
        divak_traceparent again;
        MUST(divak_traceparent_parse(out, sizeof out, &again) == DIVAK_OK);
        MUST(again.ids.trace_id_high == parsed.ids.trace_id_high &&
             again.ids.trace_id_low == parsed.ids.trace_id_low &&
             again.ids.span_id == parsed.ids.span_id && again.is_sampled == parsed.is_sampled &&
             again.is_random == parsed.is_random);
    } else {
        MUST(status == DIVAK_ERROR_INVALID && parsed.ids.span_id == 42);
    }
    free(input.text);
    return 0;
}
