/* request.c - the parser of requests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 token: what names of headers are made of. */
static bool is_token(char c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static bool is_named(const divak_header *header, const char *name) {
    return header->name_length == strlen(name) &&
           strncasecmp(header->name, name, header->name_length) == 0;
}

static bool has_value(const divak_header *header, const char *value) {
    return header->value_length == strlen(value) &&
           strncasecmp(header->value, value, header->value_length) == 0;
}

/* The end of a line that begins at `at`: its '\r', or NULL when it is not whole. A line feed alone
 * ends no line; it stays in the line and is refused there. */
static const char *find_line_end(const char *at, const char *end) {
    for (; end - at >= 2; at++) {
        if (at[0] == '\r' && at[1] == '\n') return at;
    }
    return NULL;
}

/* "GET /target HTTP/1.1" */
static int parse_first_line(const char *at, const char *end, demo_request *request) {
    const char *space = memchr(at, ' ', (size_t)(end - at));
    if (space == NULL) return -400;
    if (space - at != 3 || memcmp(at, "GET", 3) != 0) return -405;
    const char *target = space + 1;
    space = memchr(target, ' ', (size_t)(end - target));
    if (space == NULL || space == target || *target != '/') return -400;
    for (const char *c = target; c < space; c++) {
        /* Bytes over 127 are negative where characters are signed. */
        if (*c <= ' ' || *c >= 127) return -400;
    }
    if (end - space != 9 || memcmp(space + 1, "HTTP/", 5) != 0) return -400;
    if (memcmp(space + 6, "1.1", 3) != 0) return -505;
    request->target = target;
    request->target_length = (size_t)(space - target);
    return 0;
}

/* "Name: value" */
static bool parse_header(const char *at, const char *end, divak_header *out_header) {
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (colon == NULL || colon == at) return false;
    for (const char *c = at; c < colon; c++) {
        if (!is_token(*c)) return false; /* a space before the colon, or a continued line, too */
    }
    const char *value = colon + 1;
    while (value < end && is_space(*value)) value++;
    while (end > value && is_space(end[-1])) end--;
    for (const char *c = value; c < end; c++) {
        if ((unsigned char)*c < ' ' && *c != '\t') return false;
        if (*c == 127) return false;
    }
    *out_header = (divak_header){.name = at,
                                 .name_length = (size_t)(colon - at),
                                 .value = value,
                                 .value_length = (size_t)(end - value)};
    return true;
}

/* What the headers say about the request as a whole. */
static int check_headers(demo_request *request) {
    size_t hosts = 0;
    request->keeps_alive = true;
    for (size_t i = 0; i < request->header_count; i++) {
        const divak_header *header = &request->headers[i];
        if (is_named(header, "host")) hosts++;
        if (is_named(header, "transfer-encoding")) return -400;
        if (is_named(header, "content-length") && !has_value(header, "0")) return -400;
        if (is_named(header, "connection") && has_value(header, "close")) {
            request->keeps_alive = false;
        }
    }
    return hosts == 1 ? 0 : -400;
}

long demo_request_parse(const char *bytes, size_t length, demo_request *out_request) {
    demo_request request = {.header_count = 0};
    const char *at = bytes;
    const char *end = bytes + length;
    const char *line_end = find_line_end(at, end);
    if (line_end == NULL) return length >= DEMO_REQUEST_MAX ? -431 : 0;
    int status = parse_first_line(at, line_end, &request);
    if (status != 0) return status;
    for (;;) {
        at = line_end + 2;
        line_end = find_line_end(at, end);
        if (line_end == NULL) return length >= DEMO_REQUEST_MAX ? -431 : 0;
        if (line_end == at) break;
        if (request.header_count == DEMO_HEADERS_MAX) return -431;
        if (!parse_header(at, line_end, &request.headers[request.header_count])) return -400;
        request.header_count++;
    }
    status = check_headers(&request);
    if (status != 0) return status;
    *out_request = request;
    return line_end + 2 - bytes;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Neither empty, nor ".", nor "..". */
static bool is_plain_segment(const char *segment, size_t length) {
    if (length == 0) return false;
    return !(segment[0] == '.' && (length == 1 || (length == 2 && segment[1] == '.')));
}

bool demo_request_path(const demo_request *request, char *out_path) {
    static const char prefix[] = "/checksum/";
    size_t skipped = sizeof prefix - 1;
    if (request->target_length <= skipped) return false;
    if (memcmp(request->target, prefix, skipped) != 0) return false;
    size_t length = 0;
    for (size_t i = skipped; i < request->target_length; i++) {
        char c = request->target[i];
        if (c == '%') {
            if (i + 2 >= request->target_length) return false;
            int high = hex_value(request->target[i + 1]);
            int low = hex_value(request->target[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (char)(high * 16 + low);
            if (c == 0 || c == '/') return false; /* a slash is never encoded by those we serve */
            i += 2;
        } else if (c == '?' || c == '#') {
            return false;
        }
        if (length + 1 >= DEMO_PATH_MAX) return false;
        out_path[length++] = c;
    }
    out_path[length] = 0;

    size_t segments = 0;
    for (const char *segment = out_path;; segment++) {
        size_t segment_length = strcspn(segment, "/");
        if (!is_plain_segment(segment, segment_length)) return false;
        segments++;
        segment += segment_length;
        if (*segment == 0) break;
    }
    return segments >= 2;
}
