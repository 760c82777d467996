/* SPDX-License-Identifier: Apache-2.0 */
/* exact.h - cuts a fuzzer's input into texts, each in a block of exactly its size.
 *
 * Where two texts lie side by side in one block, a parser that reads past the first one is not seen
 * by AddressSanitizer. So each is copied out.
 */
#ifndef DIVAK_FUZZ_EXACT_H
#define DIVAK_FUZZ_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A claim that has to hold for every input. */
#define MUST(claim)                                                                                \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef struct exact_text {
    char *text; /* NULL: absent, as a header can be */
    size_t length;
} exact_text;

static inline exact_text exact_room(size_t length) {
    exact_text room = {calloc(length == 0 ? 1 : length, 1), length};
    if (room.text == NULL) abort();
    return room;
}

static inline exact_text exact_copy(const void *bytes, size_t length) {
    exact_text copy = exact_room(length);
    if (length > 0) memcpy(copy.text, bytes, length);
    return copy;
}

/* Takes the next line off the input; absent if there is no input left. Corpora stay readable. */
static inline exact_text exact_line(const uint8_t **data, size_t *size) {
    if (*size == 0) return (exact_text){NULL, 0};
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t length = end == NULL ? *size : (size_t)(end - *data);
    exact_text line = exact_copy(*data, length);
    size_t taken = length + (end != NULL);
    *data += taken;
    *size -= taken;
    return line;
}

/* Whether all of a text is made of the characters of a set. */
static inline bool exact_only(const char *text, size_t length, const char *set) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || strchr(set, text[i]) == NULL) return false;
    }
    return true;
}

#endif
