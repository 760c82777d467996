/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.h - every text one mistake away from a legal one, each in a block of its exact size.
 *
 * A read past the end is then a read past the block, which AddressSanitizer reports. References are
 * POSIX regular expressions, so that a parser and its judge have no line in common.
 */
#ifndef DIVAK_TEST_MUTATE_H
#define DIVAK_TEST_MUTATE_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void mutate_visit(const char *text, size_t length);

static inline void mutate_one(mutate_visit *visit, const char *head, size_t head_length,
                              const char *middle, size_t middle_length, const char *tail,
                              size_t tail_length) {
    size_t length = head_length + middle_length + tail_length;
    char *copy = malloc(length == 0 ? 1 : length);
    if (copy == NULL) abort();
    if (head_length > 0) memcpy(copy, head, head_length);
    if (middle_length > 0) memcpy(copy + head_length, middle, middle_length);
    if (tail_length > 0) memcpy(copy + head_length + middle_length, tail, tail_length);
    visit(copy, length);
    free(copy);
}

/* The text itself; each prefix; each byte deleted, or replaced by any of 256; any of 256 inserted
 * at each place. */
static inline void mutate_all(const char *text, mutate_visit *visit) {
    size_t length = strlen(text);
    mutate_one(visit, text, length, NULL, 0, NULL, 0);
    for (size_t i = 0; i <= length; i++) {
        mutate_one(visit, text, i, NULL, 0, NULL, 0);
        for (int value = 0; value < 256; value++) {
            char byte = (char)value;
            mutate_one(visit, text, i, &byte, 1, text + i, length - i);
            if (i < length) mutate_one(visit, text, i, &byte, 1, text + i + 1, length - i - 1);
        }
        if (i < length) mutate_one(visit, text, i, NULL, 0, text + i + 1, length - i - 1);
    }
}

/* Whether an expression matches a text that may hold any byte. groups may be NULL. */
static inline bool mutate_matches(regex_t *expression, const char *text, size_t length,
                                  regmatch_t *groups, size_t count) {
    char copy[20000];
    if (length >= sizeof copy || (length > 0 && memchr(text, '\0', length) != NULL)) return false;
    if (length > 0) memcpy(copy, text, length);
    copy[length] = '\0';
    return regexec(expression, copy, groups == NULL ? 0 : count, groups, 0) == 0;
}

static inline regex_t mutate_expression(const char *pattern) {
    regex_t expression;
    if (regcomp(&expression, pattern, REG_EXTENDED) != 0) {
        printf("  not an expression: %s\n", pattern);
        abort();
    }
    return expression;
}

#endif
