/* SPDX-License-Identifier: Apache-2.0 */
/* own_formats.h - formats of headers that programs bring along: checked, and known by name.
 *
 *     divak_propagator --make--> divak_own_format --> a config's list -----+
 *                                     |                                    v
 *                                     +--> the process' list ----> what the setting "propagation" may name
 */
#ifndef DIVAK_API_OWN_FORMATS_H
#define DIVAK_API_OWN_FORMATS_H

#include "api/propagation.h"

/* Makes a format out of what a user gave. DIVAK_ERROR_INVALID: *out_refused, otherwise the format's name, is what is not
 * accepted, that or a header's name, and *out_reason says what is. */
int divak_own_format_make(const divak_propagator *propagator, divak_own_format *out_format, const char **out_refused,
                          const char **out_reason);

/* The number of a name, regardless of case, or -1. */
int divak_own_format_find(const divak_own_format *formats, size_t count, const char *name, size_t length);

/* Adds a format to the process' list, where it stays. DIVAK_ERROR_INVALID: the name is taken; DIVAK_ERROR_FULL. One
 * caller at a time; readers need not wait. */
int divak_own_formats_register(const divak_own_format *format);

/* All that there are for a config: its own, then the process', without those of a name that it has itself. Returns
 * their number; `out` holds DIVAK_OWN_FORMATS_MAX. */
size_t divak_own_formats_known(const divak_own_format *of_config, size_t count, divak_own_format *out);

#endif
