/* url_show.h - the address of a collector as it may be shown to anyone, with its secrets taken out.
 *
 *     http://me:pass@gate/ingest?key=abc     http://REDACTED@gate/REDACTED?REDACTED
 *
 * What was not accepted is not understood either: then only what looks like a host, and a port of
 * digits, is shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_WIRE_URL_SHOW_H
#define DIVAK_WIRE_URL_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends it; any bytes may come in, printable ASCII goes out. */
void divak_url_show(const char *text, size_t length, bool is_accepted, divak_buffer *out);

#endif
