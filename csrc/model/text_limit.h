/* SPDX-License-Identifier: Apache-2.0 */
/* text_limit.h - cuts a text that is over its limit, never inside of a code point. */
#ifndef DIVAK_MODEL_TEXT_LIMIT_H
#define DIVAK_MODEL_TEXT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>

/* Makes *length at most `limit`; true when it had to. The cut falls before the code point that would not fit whole; in
 * bytes that are not UTF-8 it falls at the limit. */
static inline bool divak_text_limit(const char *text, size_t *length, size_t limit) {
    if (*length <= limit) return false;
    size_t end = limit;
    /* A code point has at most 3 continuation bytes: more of them are no UTF-8, and cut anywhere. */
    while (end > 0 && limit - end < 3 && ((unsigned char)text[end] & 0xc0) == 0x80) end--;
    *length = ((unsigned char)text[end] & 0xc0) == 0x80 ? limit : end;
    return true;
}

#endif
