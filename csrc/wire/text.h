/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - copies text that may hold any bytes into JSON or into UTF-8.
 *
 *     char *end = divak_text_write_json(out, "a\"b", 3, text_end, &how);      // a\"b, without
 * quotes around it
 *
 * What is not UTF-8 becomes U+FFFD, one for each maximal subpart (utf8.h), and is counted. Into
 * JSON, as Zipkin's own codec writes it: \" \\ \b \t \n \f \r, other controls and U+2028, U+2029 as
 * \u00xx; everything else as it is.
 *
 * Text that ends in yAnnotations is special: followed by the quote that closes a JSON string it
 * would make a Zipkin server take the whole message for its old format and refuse it. There the
 * last s is written \u0073.
 *
 * Copying is by blocks: up to DIVAK_TEXT_SLACK bytes after the end of the result are overwritten,
 * and bytes after the text may be read, but never one at or behind `readable_end`. The 16 bytes
 * before `readable_end` must be readable: of a record they are, since its header comes first.
 */
#ifndef DIVAK_WIRE_TEXT_H
#define DIVAK_WIRE_TEXT_H

#include <stdbool.h>

#include "wire/block.h"

enum {
    DIVAK_TEXT_JSON_GROWTH = 6, /* a control character becomes \u00xx */
    DIVAK_TEXT_UTF8_GROWTH = 3, /* a bad byte becomes U+FFFD */
    DIVAK_TEXT_SLACK = 32       /* bytes after the result that may be overwritten */
};

/* Both write `length` bytes of text at `out`, which has room for the growth and the slack, and
 * return the end. `readable_end`: text + length or later. `lower`: A to Z become a to z (other
 * letters stay as they are: no tables of Unicode here). One is added to *mended when the text was
 * not UTF-8. */
char *divak_text_write_json_any(char *out, const char *text, size_t length,
                                const char *readable_end, bool lower, uint64_t *mended);
char *divak_text_write_utf8(char *out, const char *text, size_t length, const char *readable_end,
                            bool lower, uint64_t *mended);

/* Whether a JSON string must not end with this text. */
static inline bool divak_text_ends_badly(const char *text, size_t length) {
    enum { SIZE = sizeof "yAnnotations" - 1 };
    /* The last byte alone rules out nearly all. */
    return length >= SIZE && text[length - 1] == 's' &&
           memcmp(text + length - SIZE, "yAnnotations", SIZE) == 0;
}

/* Compilers find these too large to repeat; but most of them is known at each use, and a call would
 * be half their time. */
#define DIVAK_TEXT_INLINE static inline __attribute__((always_inline))

static inline divak_block divak_text_load(const char *text, const char *readable_end) {
    /* Readable too, as above; and known before the text is. */
    if (text <= readable_end - DIVAK_BLOCK_SIZE) return divak_block_load(text);
    return divak_block_load_tail(text, readable_end);
}

/* The common cases of the above in place: plain text of one block or two. */
DIVAK_TEXT_INLINE char *divak_text_write_json(char *out, const char *text, size_t length,
                                              const char *readable_end, bool lower,
                                              uint64_t *mended) {
    if (length <= 2 * DIVAK_BLOCK_SIZE) {
        divak_block block = divak_text_load(text, readable_end);
        divak_block_store(out, lower ? divak_block_lower(block) : block);
        uint32_t special = divak_block_escapes(block);
        if (length > DIVAK_BLOCK_SIZE) {
            block = divak_text_load(text + DIVAK_BLOCK_SIZE, readable_end);
            divak_block_store(out + DIVAK_BLOCK_SIZE, lower ? divak_block_lower(block) : block);
            special |= divak_block_escapes(block) << DIVAK_BLOCK_SIZE;
        }
        special &= (uint32_t)((UINT64_C(1) << length) - 1);
        if (special == 0 && (lower || !divak_text_ends_badly(text, length))) return out + length;
    }
    return divak_text_write_json_any(out, text, length, readable_end, lower, mended);
}

/* Copies at most two blocks of text as they are, and says whether they are ASCII: if not, or if they
 * are more, the copy is of no use. */
DIVAK_TEXT_INLINE bool divak_text_copy_ascii(char *out, const char *text, size_t length,
                                             const char *readable_end, bool lower) {
    if (length <= DIVAK_BLOCK_SIZE) {
        divak_block block = divak_text_load(text, readable_end);
        divak_block_store(out, lower ? divak_block_lower(block) : block);
        return divak_block_first(divak_block_high(block), length) == 0;
    }
    if (length > 2 * DIVAK_BLOCK_SIZE) return false;
    /* The two overlap, so that neither has a byte of something else. */
    size_t second_at = length - DIVAK_BLOCK_SIZE;
    divak_block first = divak_block_load(text), second = divak_block_load(text + second_at);
    divak_block_store(out, lower ? divak_block_lower(first) : first);
    divak_block_store(out + second_at, lower ? divak_block_lower(second) : second);
    return (divak_block_high(first) | divak_block_high(second)) == 0;
}

/* Copies by whole blocks: both sides have DIVAK_TEXT_SLACK bytes more than `length`. */
DIVAK_TEXT_INLINE char *divak_text_copy_blocks(char *out, const char *bytes, size_t length) {
    divak_block first = divak_block_load(bytes),
                second = divak_block_load(bytes + DIVAK_BLOCK_SIZE);
    divak_block_store(out, first);
    divak_block_store(out + DIVAK_BLOCK_SIZE, second);
    for (size_t done = 2 * DIVAK_BLOCK_SIZE; done < length; done += DIVAK_BLOCK_SIZE) {
        divak_block_store(out + done, divak_block_load(bytes + done));
    }
    return out + length;
}

#endif
