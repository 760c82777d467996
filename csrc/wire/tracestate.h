/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate.h - the `tracestate` header of W3C Trace Context (level 2): checked, read, changed.
 *
 * Header lines are joined with commas before they come here. Legal:
 *
 *     rojo=00f067aa0ba902b7,congo=t61rcWkgMzE
 *     rojo=1 ,	congo=2                 white space (spaces, tabs) around members
 *     rojo=1,,congo=2,                 empty members, which many header lines make
 *     fw529a3039@dt=1, 0a@b@c=2        any number of @ in a key; a digit may begin it
 *     rojo=1,rojo=2                    a key twice: the first one counts
 *
 * A key is 1 to 256 of a-z 0-9 _ - * / @ and begins with a letter or digit. A value is 1 to 256
 * printable ASCII characters without comma and equals sign, not ending in a space.
 * Malformed as a whole, so that all of it is to be dropped: a member that isn't so, 33 members or
 * more (doubles count), or more than DIVAK_TRACESTATE_MAX bytes. */
#ifndef DIVAK_WIRE_TRACESTATE_H
#define DIVAK_WIRE_TRACESTATE_H

#include <stddef.h>

enum {
    DIVAK_TRACESTATE_MEMBERS = 32,
    DIVAK_TRACESTATE_TEXT = 256, /* longest key, and longest value */
    DIVAK_TRACESTATE_MAX = 8192, /* bytes read at most; 512 have to be carried */
};

/* DIVAK_OK and the number of different members; DIVAK_ABSENT when there is none (NULL, empty, only
 * commas); DIVAK_ERROR_INVALID. out_members may be NULL and is written only on DIVAK_OK. */
int divak_tracestate_check(const char *text, size_t length, size_t *out_members);

/* Finds a member's value, which points into text. DIVAK_OK; DIVAK_ABSENT; DIVAK_ERROR_INVALID when
 * text is malformed. Out parameters are written only on DIVAK_OK. */
int divak_tracestate_get(const char *text, size_t length, const char *key, size_t key_length,
                         const char **out_value, size_t *out_value_length);

/* Writes text again with single commas, without white space, empty members and doubles, and returns
 * the length: 0 if text is absent or malformed. At most `capacity` bytes: to make room, members of
 * more than 128 bytes go first, then the last ones. `out` must not overlap text. */
size_t divak_tracestate_normalize(const char *text, size_t length, char *out, size_t capacity);

/* The same with the caller's own member in front, in place of one with its key. A malformed text
 * leaves the own member alone. The 33rd member, then, is dropped. Returns 0, and writes nothing, if
 * key or value is malformed or the own member doesn't fit. */
size_t divak_tracestate_set(const char *text, size_t length, const char *key, size_t key_length,
                            const char *value, size_t value_length, char *out, size_t capacity);

#endif
