/* http_environment.h - the variables of the environment that the transport heeds, read once.
 *
 * They are read when a tracer is made, by the thread that makes it, and kept: a transport that is
 * made again, in the child of a fork or after one that hung, uses what was read then. A setenv of
 * the host, on whichever thread, can neither crash nor redirect the flusher, nor its child's.
 *
 *     proxy     http_proxy for http, https_proxy or HTTPS_PROXY for https,
 *               else all_proxy or ALL_PROXY
 *     no_proxy  no_proxy or NO_PROXY
 *     CA file   SSL_CERT_FILE
 *
 * HTTP_PROXY is not read: in a CGI program it is a header that the client sent.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_HTTP_ENVIRONMENT_H
#define DIVAK_EXPORT_HTTP_ENVIRONMENT_H

/* Copies; NULL: not set, or empty. */
typedef struct divak_http_environment {
    char *proxy_for_http;
    char *proxy_for_https;
    char *no_proxy;
    char *ca_file;
} divak_http_environment;

/* DIVAK_OK, or DIVAK_ERROR_MEMORY and nothing to deinit. */
int divak_http_environment_read(divak_http_environment *out);
/* Harmless on a zeroed one, and twice. */
void divak_http_environment_deinit(divak_http_environment *environment);

#endif
