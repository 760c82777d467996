/* SPDX-License-Identifier: Apache-2.0 */
/* console.h - spans as lines for people. */
#ifndef DIVAK_EXPORT_CONSOLE_H
#define DIVAK_EXPORT_CONSOLE_H

#include <stddef.h>

#include "base/buffer.h"

/* Appends one line for each span of a Zipkin v2 JSON list as Divak's own encoder writes it: the span's object, which is
 * one line already and in valid UTF-8 without control characters. */
void divak_console_format(divak_buffer *out, const char *json, size_t length);

#endif
