/* SPDX-License-Identifier: Apache-2.0 */
/* url.c - reads the address of a collector.
 *
 *     http://user:secret@gate:8080/ingest?key=1
 *     scheme userinfo    host port path   query
 *
 * It is stricter than RFC 3986 where two readers could disagree on which host is meant: one @ at
 * most, no backslash, no percent sign in a host, no number that is only almost an address. */
#include "wire/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "divak/status.h"

#define ACCEPTED "; accepted: host:port or http(s)://[user:password@]host[:port][/path]"

typedef struct slice {
    const char *text;
    size_t length;
} slice;

typedef struct parts {
    bool is_https, has_scheme, has_user, is_ipv6;
    slice user, host, target; /* host without brackets; target is path and query */
    uint16_t port;
} parts;

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_number(char c) {
    return c >= '0' && c <= '9';
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_hex(char c) {
    return is_number(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

static bool is_one_of(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 3986: unreserved, sub-delims, percent-encoded, and what else is legal at this place. */
static bool are_characters(slice part, const char *also) {
    for (size_t i = 0; i < part.length; i++) {
        char c = part.text[i];
        if (c == '%') {
            if (part.length - i < 3 || !is_hex(part.text[i + 1]) || !is_hex(part.text[i + 2])) {
                return false;
            }
        } else if (!is_letter(c) && !is_number(c) && !is_one_of(c, "-._~!$&'()*+,;=") &&
                   !is_one_of(c, also)) {
            return false;
        }
    }
    return true;
}

/* Case does not matter in `text`; `word` is lower-case. */
static bool equals(slice text, const char *word) {
    size_t length = strlen(word);
    if (text.length != length) return false;
    for (size_t i = 0; i < length; i++) {
        if (lower(text.text[i]) != word[i]) return false;
    }
    return true;
}

static slice tail(slice text, size_t from) {
    return (slice){text.text + from, text.length - from};
}

/* Copies a numeric host for inet_pton, which wants a terminator. False: too long to be one. */
static bool is_address(int family, slice host, unsigned char out_address[16]) {
    char copy[INET6_ADDRSTRLEN];
    if (host.length >= sizeof copy) return false;
    memcpy(copy, host.text, host.length);
    copy[host.length] = '\0';
    return inet_pton(family, copy, out_address) == 1;
}

/* A name of labels, or four numbers; not empty here. A name whose last label begins with a digit and has only
 * digits or is hexadecimal would be an address to some readers ("127.1", "0x7f.1"): it has to be
 * a whole one. */
static bool is_name(slice host) {
    if (host.length > 253) return false;
    size_t label = 0, last = 0; /* where the label in hand, and the last one not empty, begin */
    for (size_t i = 0; i <= host.length; i++) {
        if (i < host.length && host.text[i] != '.') {
            char c = host.text[i];
            if (!is_letter(c) && !is_number(c) && c != '-' && c != '_') return false;
            continue;
        }
        bool is_root = i == host.length && label > 0; /* "example.com." */
        if (i - label > 63 || (i == label && !is_root)) return false;
        if (i > label) last = label;
        label = i + 1;
    }
    slice final = tail(host, last);
    if (final.text[final.length - 1] == '.') final.length--;
    bool is_numeric = true;
    for (size_t i = 0; i < final.length; i++) is_numeric = is_numeric && is_number(final.text[i]);
    bool is_hexadecimal = final.length >= 2 && final.text[0] == '0' && lower(final.text[1]) == 'x';
    if (!is_numeric && !is_hexadecimal) return true;
    unsigned char address[16];
    return is_address(AF_INET, host, address);
}

static bool is_loopback(const parts *url) {
    unsigned char address[16];
    if (url->is_ipv6) {
        static const unsigned char one[16] = {[15] = 1};
        return is_address(AF_INET6, url->host, address) && memcmp(address, one, sizeof one) == 0;
    }
    if (is_address(AF_INET, url->host, address)) return address[0] == 127;
    slice host = url->host;
    if (host.text[host.length - 1] == '.') host.length--;
    size_t size = strlen("localhost");
    if (host.length <= size) return equals(host, "localhost");
    return equals(tail(host, host.length - size - 1), ".localhost");
}

/* 1 to 65535, without sign; leading zeros are harmless but nobody writes them, so five digits. */
static bool is_port(slice text, uint16_t *out_port) {
    if (text.length == 0 || text.length > 5) return false;
    uint32_t port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_number(text.text[i])) return false;
        port = port * 10 + (uint32_t)(text.text[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX) return false;
    *out_port = (uint16_t)port;
    return true;
}

/* "[::1]:9411", "gate:9411", "gate". Returns what is wrong, NULL if nothing is. */
static const char *read_host(slice authority, parts *url) {
    slice rest;
    if (authority.length > 0 && authority.text[0] == '[') {
        const char *end = memchr(authority.text, ']', authority.length);
        if (end == NULL) return "the [ of an IPv6 address has no ]" ACCEPTED;
        size_t size = (size_t)(end - authority.text);
        unsigned char address[16];
        url->is_ipv6 = true;
        url->host = (slice){authority.text + 1, size - 1};
        if (memchr(url->host.text, '\0', url->host.length) != NULL ||
            !is_address(AF_INET6, url->host, address)) {
            return "what stands in [ ] is not an IPv6 address (without zone)" ACCEPTED;
        }
        rest = tail(authority, size + 1);
        if (rest.length > 0 && rest.text[0] != ':') return "no port after the ]" ACCEPTED;
    } else {
        const char *colon =
            authority.length == 0 ? NULL : memchr(authority.text, ':', authority.length);
        size_t size = colon == NULL ? authority.length : (size_t)(colon - authority.text);
        url->host = (slice){authority.text, size};
        rest = tail(authority, size);
        if (rest.length > 0 && memchr(rest.text + 1, ':', rest.length - 1) != NULL) {
            return "too many colons; an IPv6 address stands in [ ]" ACCEPTED;
        }
        if (size == 0) return "the host is missing" ACCEPTED;
        if (!is_name(url->host)) return "the host is not a name or an address" ACCEPTED;
    }
    if (rest.length > 0) {
        if (!is_port(tail(rest, 1), &url->port)) return "the port is not 1 to 65535" ACCEPTED;
        return NULL;
    }
    if (!url->has_scheme) return "the port is missing" ACCEPTED;
    url->port = url->is_https ? 443 : 80;
    return NULL;
}

static const char *read_scheme(slice *text, parts *url) {
    for (size_t i = 0; i + 3 <= text->length; i++) {
        if (is_one_of(text->text[i], "/?#@[")) break;
        if (memcmp(text->text + i, "://", 3) != 0) continue;
        slice scheme = {text->text, i};
        url->has_scheme = true;
        url->is_https = equals(scheme, "https");
        if (!url->is_https && !equals(scheme, "http")) {
            return "the scheme is not http or https" ACCEPTED;
        }
        *text = tail(*text, i + 3);
        return NULL;
    }
    return NULL;
}

static const char *read_parts(slice text, parts *url) {
    const char *error = read_scheme(&text, url);
    if (error != NULL) return error;

    size_t end = 0;
    while (end < text.length && !is_one_of(text.text[end], "/?#")) end++;
    slice authority = {text.text, end};
    url->target = tail(text, end);

    const char *at = authority.length == 0 ? NULL : memchr(authority.text, '@', authority.length);
    if (at != NULL) {
        size_t size = (size_t)(at - authority.text);
        url->has_user = true;
        url->user = (slice){authority.text, size};
        if (!are_characters(url->user, ":")) {
            return "user or password hold a character that has to be percent-encoded" ACCEPTED;
        }
        authority = tail(authority, size + 1);
    }
    error = read_host(authority, url);
    if (error != NULL) return error;

    if (url->target.length > 0 && memchr(url->target.text, '#', url->target.length) != NULL) {
        return "a fragment (#) has no meaning here" ACCEPTED;
    }
    if (!are_characters(url->target, ":@/?")) {
        return "path or query hold a character that has to be percent-encoded" ACCEPTED;
    }
    return NULL;
}

/* Appends; remembers in `failed` that there was no room, so that it is asked once. */
typedef struct output {
    char *at, *end;
    bool failed;
} output;

static void put(output *to, slice text) {
    if (to->failed || text.length > (size_t)(to->end - to->at)) {
        to->failed = true;
        return;
    }
    if (text.length > 0) memcpy(to->at, text.text, text.length);
    to->at += text.length;
}

static void put_text(output *to, const char *text) {
    put(to, (slice){text, strlen(text)});
}

static void put_origin(output *to, const parts *url, bool with_user) {
    put_text(to, url->is_https ? "https://" : "http://");
    if (with_user && url->has_user) {
        put(to, url->user);
        put_text(to, "@");
    }
    if (url->is_ipv6) put_text(to, "[");
    char *host = to->at;
    put(to, url->host);
    for (; !to->failed && host < to->at; host++) *host = lower(*host);
    if (url->is_ipv6) put_text(to, "]");
    char port[6];
    size_t first = sizeof port;
    for (unsigned rest = url->port; rest > 0; rest /= 10) port[--first] = (char)('0' + rest % 10);
    port[--first] = ':';
    put(to, (slice){port + first, sizeof port - first});
}

/* "", "/", "/api/v2", "/api/v2/" and "/api/v2/spans/" all mean Zipkin's own path. */
static void put_target(output *to, slice target) {
    size_t size = 0;
    while (size < target.length && target.text[size] != '?') size++;
    slice path = {target.text, size}, bare = path;
    if (bare.length > 0 && bare.text[bare.length - 1] == '/') bare.length--;
    static const char *const known[] = {"", "/api/v2", "/api/v2/spans"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t known_size = strlen(known[i]);
        is_known = is_known || (bare.length == known_size &&
                                memcmp(bare.text, known[i], known_size) == 0);
    }
    if (is_known) {
        put_text(to, "/api/v2/spans");
    } else {
        put(to, path);
    }
    put(to, tail(target, size));
}

int divak_url_parse(const char *text, size_t length, char *buffer, size_t capacity, divak_url *out,
                    const char **out_error) {
    parts url = {.port = 0};
    const char *error;
    if (text == NULL || length == 0) {
        error = "the address is empty" ACCEPTED;
    } else if (length > DIVAK_URL_MAX) {
        error = "the address is longer than 2048 bytes" ACCEPTED;
    } else {
        error = read_parts((slice){text, length}, &url);
    }
    if (error == NULL) {
        output to = {.at = buffer, .end = buffer + capacity};
        put_origin(&to, &url, true);
        put_target(&to, url.target);
        char *full_end = to.at;
        put(&to, (slice){"", 1});
        char *display = to.at;
        put_origin(&to, &url, false);
        char *display_end = to.at;
        put(&to, (slice){"", 1});
        if (!to.failed) {
            *out = (divak_url){
                .full = buffer,
                .full_length = (size_t)(full_end - buffer),
                .display = display,
                .display_length = (size_t)(display_end - display),
                .port = url.port,
                .is_https = url.is_https,
                .is_loopback = is_loopback(&url),
            };
            return DIVAK_OK;
        }
        error = "the buffer for the address is too small";
    }
    if (out_error != NULL) *out_error = error;
    return DIVAK_ERROR_INVALID;
}
