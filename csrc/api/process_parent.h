/* SPDX-License-Identifier: Apache-2.0 */
/* process_parent.h - the trace that whoever started this process handed on in its environment.
 *
 *     TRACEPARENT=00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01
 *     TRACESTATE=vendor=value     BAGGAGE=country-code=nl     B3=80f1...-e457...-d
 *
 * Headers under the names of environment variables. A program between the two that knows only one
 * of the formats renews that one and leaves the other stale; most know TRACEPARENT, so where the
 * two name different spans it wins. B3 says more where they agree: debug, and an open decision. */
#ifndef DIVAK_API_PROCESS_PARENT_H
#define DIVAK_API_PROCESS_PARENT_H

#include "api/propagation.h"

enum { DIVAK_PROCESS_PARENT_TEXTS = 4 };

/* The variables' texts, NULL where one is not set. */
typedef struct divak_process_parent {
    char *texts[DIVAK_PROCESS_PARENT_TEXTS];
} divak_process_parent;

/* Copies them out of the environment into an empty one. DIVAK_OK, or DIVAK_ERROR_MEMORY. */
int divak_process_parent_read(divak_process_parent *parent);
/* Copies texts; DIVAK_OK, or DIVAK_ERROR_MEMORY. What was copied is for the caller to deinit either
 * way. */
int divak_process_parent_copy(const divak_process_parent *from, divak_process_parent *to);
void divak_process_parent_deinit(divak_process_parent *parent);

/* Makes a parent of them, through the settings of a tracer's headers: those formats that it reads.
 * Zeroed where there is none. */
void divak_process_parent_extract(const divak_process_parent *parent,
                                  divak_propagation *propagation, divak_span *out_parent);

#endif
