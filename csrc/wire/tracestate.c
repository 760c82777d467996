/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate.c - checks, reads and changes the `tracestate` header. */
#include "wire/tracestate.h"

#include <stdbool.h>
#include <string.h>

#include "divak/status.h"

typedef struct member {
    const char *key; /* NULL: dropped to make room */
    size_t key_length;
    const char *value;
    size_t value_length;
} member;

typedef struct members {
    member list[DIVAK_TRACESTATE_MEMBERS];
    size_t count;
} members;

enum { LONG_MEMBER = 128 }; /* such go first when room is short, the specification says */

static bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_key(const char *text, size_t length) {
    if (length == 0 || length > DIVAK_TRACESTATE_TEXT || !is_alphanumeric(text[0])) return false;
    for (size_t i = 1; i < length; i++) {
        char c = text[i];
        if (!is_alphanumeric(c) && c != '_' && c != '-' && c != '*' && c != '/' && c != '@') {
            return false;
        }
    }
    return true;
}

static bool is_value(const char *text, size_t length) {
    if (length == 0 || length > DIVAK_TRACESTATE_TEXT || text[length - 1] == ' ') return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c < 0x20 || c > 0x7e || c == ',' || c == '=') return false;
    }
    return true;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static bool same_key(const member *one, const char *key, size_t key_length) {
    return one->key_length == key_length && memcmp(one->key, key, key_length) == 0;
}

/* Finds the first member with a key, NULL if there is none. */
static const member *find(const members *all, const char *key, size_t key_length) {
    for (size_t i = 0; i < all->count; i++) {
        if (same_key(&all->list[i], key, key_length)) return &all->list[i];
    }
    return NULL;
}

/* Takes what stands between two commas; `seen` counts doubles too. */
static bool take(const char *text, size_t length, members *all, size_t *seen) {
    while (length > 0 && is_space(text[0])) {
        text++;
        length--;
    }
    while (length > 0 && is_space(text[length - 1])) length--;
    if (length == 0) return true;

    const char *equals = memchr(text, '=', length);
    if (equals == NULL || ++*seen > DIVAK_TRACESTATE_MEMBERS) return false;
    member one = {.key = text, .key_length = (size_t)(equals - text), .value = equals + 1};
    one.value_length = length - one.key_length - 1;
    if (!is_key(one.key, one.key_length) || !is_value(one.value, one.value_length)) return false;
    if (find(all, one.key, one.key_length) == NULL) all->list[all->count++] = one;
    return true;
}

/* Splits text into its different members, all pointing into it. */
static int parse(const char *text, size_t length, members *all) {
    all->count = 0;
    if (text == NULL) return DIVAK_ABSENT;
    if (length > DIVAK_TRACESTATE_MAX) return DIVAK_ERROR_INVALID;
    size_t seen = 0;
    for (const char *comma; (comma = memchr(text, ',', length)) != NULL;) {
        size_t before = (size_t)(comma - text);
        if (!take(text, before, all, &seen)) return DIVAK_ERROR_INVALID;
        text += before + 1;
        length -= before + 1;
    }
    if (!take(text, length, all, &seen)) return DIVAK_ERROR_INVALID;
    return all->count == 0 ? DIVAK_ABSENT : DIVAK_OK;
}

static size_t size_of(const member *one) {
    return one->key_length + 1 + one->value_length;
}

/* Leaves out members from index `first` on until the rest fits; returns the size it then has. */
static size_t fit(members *all, size_t first, size_t capacity) {
    size_t size = 0;
    for (size_t i = 0; i < all->count; i++) size += size_of(&all->list[i]) + 1;
    size--; /* one comma less than members, of which there is one at least */
    for (int only_long = 1; only_long >= 0; only_long--) {
        for (size_t i = all->count; i > first && size > capacity; i--) {
            member *one = &all->list[i - 1];
            if (one->key == NULL || (only_long && size_of(one) <= LONG_MEMBER)) continue;
            size -= size_of(one);
            if (size > 0) size--;
            one->key = NULL;
        }
    }
    return size;
}

static void write_members(const members *all, char *out) {
    const char *begin = out;
    for (size_t i = 0; i < all->count; i++) {
        const member *one = &all->list[i];
        if (one->key == NULL) continue;
        if (out != begin) *out++ = ',';
        memcpy(out, one->key, one->key_length);
        out += one->key_length;
        *out++ = '=';
        memcpy(out, one->value, one->value_length);
        out += one->value_length;
    }
}

int divak_tracestate_check(const char *text, size_t length, size_t *out_members) {
    members all;
    int status = parse(text, length, &all);
    if (status == DIVAK_OK && out_members != NULL) *out_members = all.count;
    return status;
}

int divak_tracestate_get(const char *text, size_t length, const char *key, size_t key_length,
                         const char **out_value, size_t *out_value_length) {
    members all;
    int status = parse(text, length, &all);
    if (status != DIVAK_OK) return status;
    if (key_length == 0) return DIVAK_ABSENT; /* key may then be NULL, which memcmp must not see */
    const member *found = find(&all, key, key_length);
    if (found == NULL) return DIVAK_ABSENT;
    *out_value = found->value;
    *out_value_length = found->value_length;
    return DIVAK_OK;
}

size_t divak_tracestate_normalize(const char *text, size_t length, char *out, size_t capacity) {
    members all;
    if (parse(text, length, &all) != DIVAK_OK) return 0;
    size_t size = fit(&all, 0, capacity);
    write_members(&all, out);
    return size;
}

size_t divak_tracestate_set(const char *text, size_t length, const char *key, size_t key_length,
                            const char *value, size_t value_length, char *out, size_t capacity) {
    if (!is_key(key, key_length) || !is_value(value, value_length)) return 0;
    if (key_length + 1 + value_length > capacity) return 0;
    members old, all;
    if (parse(text, length, &old) != DIVAK_OK) old.count = 0;
    all.list[0] = (member){key, key_length, value, value_length};
    all.count = 1;
    for (size_t i = 0; i < old.count && all.count < DIVAK_TRACESTATE_MEMBERS; i++) {
        if (same_key(&old.list[i], key, key_length)) continue;
        all.list[all.count++] = old.list[i];
    }
    size_t size = fit(&all, 1, capacity);
    write_members(&all, out);
    return size;
}
