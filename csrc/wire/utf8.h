/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - finds where text stops being UTF-8, and cuts it without splitting a code point.
 *
 * Well formed is what Unicode's table 3-7 lists: no overlong forms, no surrogates, nothing above
 * U+10FFFF. Text that isn't is shown with one U+FFFD for each maximal subpart: the longest run of
 * bytes that could have begun a code point, or else a single byte.
 *
 *     for (size_t i = 0; i < length;) {
 *         size_t valid = divak_utf8_sanitize(text + i, length - i);
 *         append(text + i, valid);
 *         i += valid;
 *         if (i == length) break;
 *         uint32_t code;
 *         i += divak_utf8_decode(text + i, length - i, &code);   // here code is DIVAK_UTF8_BAD
 *         append(DIVAK_UTF8_REPLACEMENT, 3);
 *     }
 */
#ifndef DIVAK_WIRE_UTF8_H
#define DIVAK_WIRE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define DIVAK_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, 3 bytes */

enum { DIVAK_UTF8_REPLACEMENT_SIZE = 3 };

#define DIVAK_UTF8_BAD UINT32_C(0xffffffff) /* not a code point: the bytes are malformed */

/* The length of the longest prefix that is well formed; `length` itself if all of it is. */
size_t divak_utf8_sanitize(const char *text, size_t length);

/* The largest prefix of at most `max` bytes that does not end inside a code point. Where the bytes
 * at the cut are malformed anyway, just `max`. Never more than `length`. */
size_t divak_utf8_cut(const char *text, size_t length, size_t max);

/* Reads one code point and returns how many bytes it took; or sets *out_code to DIVAK_UTF8_BAD and
 * returns the size of the maximal subpart (1 to 3). Returns 0 only for no text at all. */
size_t divak_utf8_decode(const char *text, size_t length, uint32_t *out_code);

#endif
