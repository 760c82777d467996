/* SPDX-License-Identifier: Apache-2.0 */
/* request_id.h - the id of a request: an incoming one is checked, a new one is written.
 *
 *     7f9c2ba4-e88f-427d-8f6a-0c1e3d5b7a92      what Divak makes
 *     Root=1-67891233-abcdef012345678912345678  what others make
 *     req:42/west.a+b_c==
 *
 * An id ends up in log lines and in headers. So it is 1 to 128 printable ASCII characters, but none
 * of white space, " ' ` \ < > and the comma (two headers joined are not one id). Whoever sends
 * something else gets a new id. */
#ifndef DIVAK_WIRE_REQUEST_ID_H
#define DIVAK_WIRE_REQUEST_ID_H

#include <stddef.h>
#include <stdint.h>

enum { DIVAK_REQUEST_ID_MAX = 128, DIVAK_UUID_SIZE = 36 };

/* DIVAK_OK; DIVAK_ABSENT for NULL and for empty text; DIVAK_ERROR_INVALID. */
int divak_request_id_check(const char *text, size_t length);

/* Writes a UUID of version 4 from 128 random bits, of which six give way to version and variant. */
void divak_request_id_write(uint64_t random_high, uint64_t random_low, char out[DIVAK_UUID_SIZE]);

#endif
