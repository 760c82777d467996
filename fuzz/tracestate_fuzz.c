/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate_fuzz.c - any bytes as a tracestate header; a first line gives room, key and value. */
#include "divak/status.h"
#include "exact.h"
#include "wire/tracestate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header that any reader takes: no control characters, no blank at a member's ends. */
static void check_header(const char *text, size_t length) {
    size_t members = 0;
    for (size_t i = 0; i < length; i++) {
        MUST(text[i] >= 0x20 && text[i] <= 0x7e);
        members += text[i] == '=';
        bool is_end = i + 1 == length || text[i + 1] == ',';
        if (is_end) MUST(text[i] != ' ' && text[i] != ',' && text[i] != '=');
        if (i == 0 || text[i - 1] == ',') MUST(text[i] != ' ' && text[i] != ',');
    }
    size_t count = 0;
    MUST(divak_tracestate_check(text, length, &count) == DIVAK_OK);
    MUST(count == members && count >= 1 && count <= DIVAK_TRACESTATE_MEMBERS);
}

/* Line: "ROOM KEY VALUE", where ROOM is one byte times eight. */
static void check_set(exact_text line, exact_text state) {
    if (line.length < 2) return;
    size_t room = (size_t)(unsigned char)line.text[0] * 8;
    const char *space = memchr(line.text + 1, ' ', line.length - 1);
    if (space == NULL) return;
    size_t at = (size_t)(space - line.text);
    exact_text key = exact_copy(line.text + 1, at - 1);
    exact_text value = exact_copy(space + 1, line.length - at - 1);
    exact_text out = exact_room(room);
    size_t length = divak_tracestate_set(state.text, state.length, key.text, key.length, value.text,
                                         value.length, out.text, room);
    MUST(length <= room);
    if (length > 0) {
        check_header(out.text, length);
        MUST(memcmp(out.text, key.text, key.length) == 0 && out.text[key.length] == '=');
        const char *found;
        size_t found_length;
        MUST(divak_tracestate_get(out.text, length, key.text, key.length, &found, &found_length) ==
             DIVAK_OK);
        MUST(found_length == value.length && memcmp(found, value.text, found_length) == 0);
    }
    free(key.text);
    free(value.text);
    free(out.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    exact_text line = exact_line(&data, &size);
    exact_text state = exact_copy(data, size);
    static char out[DIVAK_TRACESTATE_MAX];
    size_t count = 0;
    int status = divak_tracestate_check(state.text, state.length, &count);
    MUST(status == DIVAK_OK || status == DIVAK_ABSENT || status == DIVAK_ERROR_INVALID);
    size_t length = divak_tracestate_normalize(state.text, state.length, out, sizeof out);
    MUST((status == DIVAK_OK) == (length > 0));
    if (length > 0) {
        check_header(out, length);
        size_t again = 0;
        MUST(divak_tracestate_check(out, length, &again) == DIVAK_OK && again == count);
    }
    check_set(line, state);
    free(line.text);
    free(state.text);
    return 0;
}
