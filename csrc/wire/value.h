/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - reads the values of settings: what a person writes into an environment variable.
 *
 *     bool         true false 1 0 yes no on off        in any case
 *     unsigned     42
 *     size         65536  64KiB  1MiB  2GiB  500KB     KiB is 1024, KB 1000; B may be added
 *     duration     250ms  1s  10us  500ns  2m  1h  1.5s  0
 *     probability  0  1  0.25  .5  1e-4
 *     list         b3, tracecontext                    empty items are skipped
 *     pairs        name=value, other = value           a value may hold =, but no comma
 *
 * White space (spaces, tabs) around a value is ignored, inside it is an error, and so is an empty
 * value, a sign, a value too large for its type. Units count in any case. The locale has no say.
 *
 * Every reader returns DIVAK_OK or DIVAK_ERROR_INVALID and writes its out parameter only on
 * DIVAK_OK. The hints complete the sentence "NAME=value is not understood; accepted: ...". */
#ifndef DIVAK_WIRE_VALUE_H
#define DIVAK_WIRE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIVAK_VALUE_BOOL_HINT "true, false, 1, 0, yes, no, on, off"
#define DIVAK_VALUE_UNSIGNED_HINT "a whole number, like 42"
#define DIVAK_VALUE_SIZE_HINT "a number of bytes, like 65536, 64KiB, 1MiB, 2GiB, 500KB"
#define DIVAK_VALUE_DURATION_HINT \
    "a number with a unit (ns, us, ms, s, m, h), like 250ms or 1.5s; or 0"
#define DIVAK_VALUE_PROBABILITY_HINT "a number from 0 to 1, like 0.25 or 1e-4"
#define DIVAK_VALUE_PAIRS_HINT "name=value, with commas between several"

/* Takes white space off both ends. */
void divak_value_trim(const char **text, size_t *length);

int divak_value_bool(const char *text, size_t length, bool *out);

/* A decimal number from `least` to `most`, both included. */
int divak_value_unsigned(const char *text, size_t length, uint64_t least, uint64_t most,
                         uint64_t *out);

int divak_value_size(const char *text, size_t length, uint64_t *out_bytes);

/* Nanoseconds, INT64_MAX at most (292 years), so that they can be added to a clock's time. Nothing
 * is rounded: 0.5ns is an error. */
int divak_value_duration(const char *text, size_t length, uint64_t *out_nanoseconds);

/* Correctly rounded up to 15 significant digits, within 2 units in the last place beyond. */
int divak_value_probability(const char *text, size_t length, double *out);

/* Walks over a list: set text and length, the rest to zero. */
typedef struct divak_value_list {
    const char *text;
    size_t length;
    size_t offset;
} divak_value_list;

/* The next item that is not empty, without white space around it; false at the end. */
bool divak_value_next(divak_value_list *list, const char **out_item, size_t *out_length);

typedef struct divak_value_pair {
    const char *name;
    size_t name_length;
    const char *value; /* may be empty */
    size_t value_length;
} divak_value_pair;

/* The next pair: DIVAK_OK; DIVAK_ABSENT at the end; DIVAK_ERROR_INVALID for an item without =, with
 * an empty name, or with a control character in it (it would end a header's line early). The walk
 * may go on after an error. */
int divak_value_next_pair(divak_value_list *list, divak_value_pair *out);

#endif
