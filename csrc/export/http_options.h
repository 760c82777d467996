/* http_options.h - how an endpoint is talked to: the caller's word, checked, and the environment's.
 *
 *     proxy     the environment's for the scheme; none for loopback
 *     CA file   the option, else the environment's, else the TLS library's own; for a proxy too
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_HTTP_OPTIONS_H
#define DIVAK_EXPORT_HTTP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/http_environment.h"

enum { DIVAK_HTTP_MAX_IN_FLIGHT = 4, DIVAK_HTTP_MAX_IN_FLIGHT_LIMIT = 64 };

typedef struct divak_http_options {
    const char *url;            /* normalised, http or https */
    const char *display;        /* scheme://host:port, for texts */
    const char *content_type;   /* NULL: application/json */
    const char *const *headers; /* lines "name: value" beside those that Divak sets itself */
    size_t header_count;
    const char *ca_file;      /* NULL or "": see above */
    const divak_http_environment *environment; /* NULL: as if none of it was set */
    uint64_t timeout;         /* nanoseconds for a request from send to reply; 0: 10 s */
    uint64_t connect_timeout; /* nanoseconds of it for name, connection and TLS; 0: as timeout */
    unsigned max_in_flight;   /* 0: 4; at most 64 */
    bool gzip;                /* where zlib is absent bodies go plain all the same */
    bool allow_metadata_addresses; /* talk to link-local and metadata addresses as well */
} divak_http_options;

/* A checked copy, with defaults filled in. */
typedef struct divak_http_settings {
    char *url;
    char *display;
    char *content_type_line; /* Content-Type: ... */
    char **header_lines;     /* as libcurl wants them: an empty value is written "name;" */
    size_t header_count;
    char *ca_file;  /* NULL: the TLS library's own */
    char *proxy;    /* "" for none */
    char *no_proxy; /* "" for none */
    uint64_t timeout;
    uint64_t connect_timeout;
    unsigned max_in_flight;
    bool is_https;
    bool has_tls_proxy; /* TLS to the proxy, whatever is spoken through it */
    bool gzip;
    bool allow_metadata_addresses;
} divak_http_settings;

/* `host` is the host of the URL, as the one parser of URLs that connects understands it. On
 * DIVAK_ERROR_INVALID `error` names what is wrong, without secrets; also DIVAK_ERROR_MEMORY. */
int divak_http_settings_init(divak_http_settings *settings, const divak_http_options *options,
                             const char *host, char *error, size_t error_capacity);
/* Harmless on zeroed settings, and twice. */
void divak_http_settings_deinit(divak_http_settings *settings);

#endif
