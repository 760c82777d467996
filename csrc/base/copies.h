/* SPDX-License-Identifier: Apache-2.0 */
/* copies.h - finds the other copies of this library that a process has.
 *
 * A program may link the static library while one of its libraries brings the shared one. Neither sees the other's symbols
 * as a rule: a static copy exports none. But every copy has an ELF note, which every linker keeps and which the loader
 * tells of whatever is exported, hidden or loaded with RTLD_LOCAL:
 *
 *     .note.divak:  "Divak", type = version, offset of this copy's divak_copy from here
 *
 * The type of the note is the version of all that copies say to one another: those of another version are counted and
 * left alone. Where there are no such notes (not ELF), a copy is always alone.
 */
#ifndef DIVAK_BASE_COPIES_H
#define DIVAK_BASE_COPIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

/* Another number with any change of divak_copy, of what it points to (collect/current.h), or of the layout of divak_span,
 * divak_scope and divak_current_provider. */
#define DIVAK_COPIES_VERSION 1

/* Where others find a copy: written by it before its object's own code runs. */
typedef struct divak_copy {
    divak_atomic_pointer shared; /* NULL: it has not come so far */
} divak_copy;

extern DIVAK_HIDDEN divak_copy divak_own_copy;

/* Calls `visit` with each copy but this one, until it returns false. Returns how many of other versions were met on the
 * way. Not for signal handlers: it takes the loader's lock. */
unsigned divak_copies_visit(bool (*visit)(void *context, divak_copy *copy), void *context);

/* A number that differs from copy to copy, all but certainly: for where to begin counting, so that what one copy gave out
 * is not taken for something of another's. */
uint32_t divak_copies_salt(void);

#endif
