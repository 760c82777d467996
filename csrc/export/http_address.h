/* http_address.h - which addresses spans are never sent to, and which hosts are this machine.
 *
 * A collector's address is looked at after it was resolved, so that no name, number format or DNS
 * answer gets around the check. Refused are link-local addresses, the metadata services of the
 * large clouds and "this host" (0.0.0.0, which connects to loopback and hides in allow-lists), also
 * inside IPv6 forms that carry an IPv4 address.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_EXPORT_HTTP_ADDRESS_H
#define DIVAK_EXPORT_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `bytes` in network order. */
bool divak_http_address_is_refused_v4(const uint8_t bytes[4]);
bool divak_http_address_is_refused_v6(const uint8_t bytes[16]);
/* An address as text, IPv4 or IPv6 with or without a zone ("fe80::1%eth0"); true as well for what
 * is neither. */
bool divak_http_address_is_refused(const char *text);

/* Whether a host, as it stands in a normalised URL, is this machine: never reached through a proxy.
 *     localhost   LOCALHOST.   api.localhost   127.0.0.1   127.9.9.9   [::1]   ::1
 * [::ffff:127.0.0.1]  */
bool divak_http_host_is_loopback(const char *host);

#endif
