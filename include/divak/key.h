/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - names and tag keys registered once, so that recording and encoding them costs less.
 *
 *     static divak_key rowcount;                           // 0: not registered yet
 *     if (rowcount == DIVAK_NO_KEY) rowcount = divak_key_register("rowcount", 8);
 *     divak_span_tag_int_by_key(&span, rowcount, 42);
 *
 * Registering is optional: every function that takes a key has a twin that takes text, which is
 * copied at the call. A key is a number that lives as long as the process, needs no release, is the
 * same for all tracers (not for another copy of the library, see scope.h), and stays valid when the
 * program unloads the object that registered it. It stands for a name as well as for the key of a
 * tag. At most 2,048 keys of 1 to 255 bytes, 64 KiB together; so register what the program's text
 * names, never what its users send.
 */
#ifndef DIVAK_KEY_H
#define DIVAK_KEY_H

#include "divak/export.h"

DIVAK_BEGIN

typedef uint32_t divak_key;

enum { DIVAK_NO_KEY = 0 };

/* The key of `text`: the same number whenever the text is the same. DIVAK_NO_KEY when the text is
 * empty or too long, or the table is full; recording by DIVAK_NO_KEY is refused with
 * DIVAK_ERROR_INVALID. Any thread, also before the first tracer; takes a lock: not for signal
 * handlers. */
DIVAK_API divak_key divak_key_register(const char *text, size_t length);

DIVAK_END

#endif
