/* SPDX-License-Identifier: Apache-2.0 */
/* url.h - reads the address of a collector, fills in what was left out, and makes a form to show.
 *
 *     127.0.0.1:9411                       http://127.0.0.1:9411/api/v2/spans
 *     http://zipkin                        http://zipkin:80/api/v2/spans
 *     https://zipkin.example.com/api/v2    https://zipkin.example.com:443/api/v2/spans
 *     http://[::1]:9411/api/v2/spans       as it is
 *     http://user:secret@gate:8080/ingest  as it is; shown as http://gate:8080
 *
 * Without a scheme it is http, and then the port has to be said. Scheme and host become lower case,
 * the port is always written. A path other than those of Zipkin is kept as given, a query too; a
 * fragment is refused. Nothing is resolved or connected to here. */
#ifndef DIVAK_WIRE_URL_H
#define DIVAK_WIRE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DIVAK_URL_MAX = 2048,        /* bytes of input */
    DIVAK_URL_BUFFER_SIZE = 4608 /* holds both forms of any input, with all that is filled in */
};

/* The pointers lead into the caller's buffer; both texts are terminated by NUL as well. */
typedef struct divak_url {
    const char *full; /* for the transport alone: may hold a password or a token */
    size_t full_length;
    const char *display; /* scheme://host:port, for logs and errors */
    size_t display_length;
    uint16_t port;
    bool is_https;
    bool is_loopback; /* localhost, *.localhost, 127.0.0.0/8 or ::1 */
} divak_url;

/* DIVAK_OK; or DIVAK_ERROR_INVALID, when *out_error (may be NULL) is set to a static sentence that
 * says what is wrong and what is accepted, and never quotes the input. The buffer needs
 * DIVAK_URL_BUFFER_SIZE bytes at most; when it is too small, that too is DIVAK_ERROR_INVALID. *out
 * is written only on DIVAK_OK. */
int divak_url_parse(const char *text, size_t length, char *buffer, size_t capacity, divak_url *out,
                    const char **out_error);

#endif
