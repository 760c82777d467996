/* SPDX-License-Identifier: Apache-2.0 */
/* carried.h - the bytes of a baggage entry: sections, one behind the other.
 *
 *     kind (1)  field (1)  length (2, low byte first)  text
 *
 * Only what passed its own grammar gets into a section, so that it can be sent as it is. Each kind
 * occurs once, but for FIELD, which occurs once for each declared field. */
#ifndef DIVAK_API_CARRIED_H
#define DIVAK_API_CARRIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum {
    DIVAK_CARRIED_REQUEST_ID = 1,
    DIVAK_CARRIED_TRACESTATE = 2, /* checked, as it came */
    DIVAK_CARRIED_FIELD = 3,      /* the value of the declared field number `field` */
    DIVAK_CARRIED_BAGGAGE = 4     /* members as the W3C header has them, percent-encoded */
};

enum { DIVAK_CARRIED_HEAD = 4, DIVAK_CARRIED_TEXT_MAX = 65535 };

typedef struct divak_carried {
    uint8_t kind;
    uint8_t field; /* of FIELD; else 0 */
    const char *text;
    size_t length;
} divak_carried;

/* Appends a section; the buffer notes when there is no memory. Texts over the maximum are left
 * out. */
void divak_carried_add(divak_buffer *buffer, uint8_t kind, uint8_t field, const char *text,
                       size_t length);
/* The same in two steps, for text that is written in place behind `at`, which begin returns. */
size_t divak_carried_begin(divak_buffer *buffer, uint8_t kind, uint8_t field);
/* The section that begins at `at` ends here; an empty one is taken back. */
void divak_carried_end(divak_buffer *buffer, size_t at);

/* The section at *at, which moves behind it; false at the end. Start with 0. */
bool divak_carried_next(const unsigned char *bytes, size_t length, size_t *at, divak_carried *out);

#endif
