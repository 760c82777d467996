/* url_show.c - see url_show.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/url_show.h"

#include <string.h>

static const char redacted[] = "REDACTED";

static void append_text(divak_buffer *out, const char *text) {
    divak_buffer_append(out, text, strlen(text));
}

static bool is_among(char c, const char *characters) {
    return c != '\0' && strchr(characters, c) != NULL;
}

static bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_part_of_address(char c) {
    return (c >= '0' && c <= '9') || is_among(c, "abcdefABCDEF:.");
}

/* "gate", "gate:9411", "[::1]:9411". What stands where a port should, and is no number, might be a
 * password whose @ was forgotten: "gate:REDACTED". All else might hide anything. */
static void show_authority(const char *text, size_t length, divak_buffer *out) {
    enum { LONGEST = 253 + 6 };
    size_t host = 0;
    if (length > 0 && text[0] == '[') {
        for (host = 1; host < length && is_part_of_address(text[host]);) host++;
        host = host < length && text[host] == ']' ? host + 1 : 0;
    } else {
        while (host < length && (is_alphanumeric(text[host]) || is_among(text[host], "._-"))) host++;
    }
    const bool is_host = length <= LONGEST && (host == length || text[host] == ':');
    if (!is_host) {
        append_text(out, redacted);
        return;
    }
    size_t port = host == length ? host : host + 1;
    divak_buffer_append(out, text, port);
    text += port;
    length -= port;
    size_t digits = 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9') digits++;
    if (digits == length) divak_buffer_append(out, text, length);
    else append_text(out, redacted);
}

/* Of a path only Zipkin's own is shown: in others tokens are found. */
static void show_path(const char *text, size_t length, divak_buffer *out) {
    static const char *const known[] = {"", "/", "/api/v2", "/api/v2/", "/api/v2/spans",
                                        "/api/v2/spans/"};
    size_t path = 0;
    while (path < length && !is_among(text[path], "?#")) path++;
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        is_known |= strlen(known[i]) == path && memcmp(known[i], text, path) == 0;
    }
    if (is_known) {
        divak_buffer_append(out, text, path);
    } else {
        append_text(out, "/");
        append_text(out, redacted);
    }
    if (path == length) return;
    divak_buffer_append(out, text + path, 1);
    append_text(out, redacted);
}

/* Case does not matter in `text`. */
static bool begins(const char *text, size_t length, const char *word, size_t word_length) {
    if (length < word_length) return false;
    for (size_t i = 0; i < word_length; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c != word[i]) return false;
    }
    return true;
}

void divak_url_show(const char *text, size_t length, bool is_accepted, divak_buffer *out) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (!begins(text, length, schemes[i], size)) continue;
        append_text(out, schemes[i]);
        text += size;
        length -= size;
        break;
    }
    /* Up to the last @, wherever it stands: a password that was not percent-encoded may hold what
     * ends an authority. In an endpoint that was accepted a later @ belongs to the path. */
    size_t user = length;
    if (is_accepted) {
        for (user = 0; user < length && !is_among(text[user], "/?#");) user++;
    }
    while (user > 0 && text[user - 1] != '@') user--;
    if (user > 0) {
        append_text(out, redacted);
        append_text(out, "@");
        text += user;
        length -= user;
    }
    size_t authority = 0;
    while (authority < length && !is_among(text[authority], "/?#")) authority++;
    show_authority(text, authority, out);
    show_path(text + authority, length - authority, out);
}
