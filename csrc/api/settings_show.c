/* settings_show.c - a setting's text as it may be shown to anyone, with its secrets taken out. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     headers    authorization=Bearer abc, x-team=a     authorization=REDACTED,x-team=REDACTED
 *     endpoint   http://me:pass@gate/ingest?key=abc     http://REDACTED@gate/REDACTED?REDACTED
 *
 * What was not accepted is not understood either: then headers are one REDACTED, and of an endpoint
 * is shown only what looks like a host, and a port of digits.
 */
#include "api/settings_table.h"

#include <string.h>

#include "wire/url_show.h"
#include "wire/utf8.h"
#include "wire/value.h"

enum { SHOWN_MAX = 80 }; /* bytes of a text that was not accepted */

static const char redacted[] = "REDACTED";

static void append_text(divak_buffer *out, const char *text) {
    divak_buffer_append(out, text, strlen(text));
}

/* Whatever a terminal or a log might take for a command, or not be able to show, becomes '?'. */
static void append_plain(divak_buffer *out, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t size = divak_utf8_decode(text + i, length - i, &code);
        bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == DIVAK_UTF8_BAD;
        if (is_control) append_text(out, "?");
        else divak_buffer_append(out, text + i, size);
        i += size;
    }
}

static void show_headers(const char *text, size_t length, divak_buffer *out) {
    divak_value_list list = {.text = text, .length = length};
    divak_value_pair pair;
    bool is_first = true;
    while (divak_value_next_pair(&list, &pair) == DIVAK_OK) {
        if (!is_first) append_text(out, ",");
        append_plain(out, pair.name, pair.name_length);
        append_text(out, "=");
        append_text(out, redacted);
        is_first = false;
    }
    if (is_first) append_text(out, "none");
}

void divak_setting_show(const divak_setting_row *row, const char *text, size_t length,
                        bool is_accepted, divak_buffer *out) {
    if (row->kind == DIVAK_SETTING_HEADERS) {
        if (is_accepted) show_headers(text, length, out);
        else append_text(out, redacted);
        return;
    }
    if (row->kind == DIVAK_SETTING_URL) {
        divak_url_show(text, length, is_accepted, out);
        return;
    }
    size_t shown = is_accepted ? length : divak_utf8_cut(text, length, SHOWN_MAX);
    append_plain(out, text, shown);
    if (shown < length) append_text(out, "...");
}
