/* request.h - reads one HTTP/1.1 request without a body, and refuses what is not exactly right.
 *
 *     GET /checksum/tree/Sources/a%20b.c HTTP/1.1\r\n
 *     Host: 127.0.0.1:4711\r\n
 *     X-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7\r\n
 *     \r\n
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEMO_REQUEST_H
#define DEMO_REQUEST_H

#include "divak/divak.h"

enum {
    DEMO_HEADERS_MAX = 64,
    DEMO_REQUEST_MAX = 16384, /* bytes of a request; more is refused */
    DEMO_PATH_MAX = 4096
};

/* Points into the bytes it was read from. */
typedef struct demo_request {
    const char *target; /* as sent: "/checksum/tree/Sources/a%20b.c" */
    size_t target_length;
    divak_header headers[DEMO_HEADERS_MAX];
    size_t header_count;
    bool keeps_alive;
} demo_request;

/* The number of bytes of a whole request, with `out_request` filled; 0 when there is not enough
 * yet; a negative HTTP status (-400, -405, -431, -505) when it is none. */
long demo_request_parse(const char *bytes, size_t length, demo_request *out_request);

/* Takes "/checksum/NAME/PATH" apart: `out_path` (DEMO_PATH_MAX bytes) gets "NAME/PATH", decoded and
 * ended by 0. False for anything else, also for a path that climbs out or holds a 0. */
bool demo_request_path(const demo_request *request, char *out_path);

#endif
