/* SPDX-License-Identifier: Apache-2.0 */
/* own_formats.c - see own_formats.h. The process' entries are written once, and read without a lock. */
#include "api/own_formats.h"

#include <string.h>

static divak_own_format registered[DIVAK_PROPAGATORS_MAX];
static divak_atomic_u32 registered_count;

static bool is_name(const char *name) {
    size_t length = name == NULL ? 0 : strnlen(name, DIVAK_FORMAT_NAME_MAX + 1);
    if (length == 0 || length > DIVAK_FORMAT_NAME_MAX) return false;
    for (size_t i = 0; i < length; i++) {
        bool is_plain = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
        if (!is_plain && name[i] != '-' && name[i] != '_') return false;
    }
    return true;
}

static bool is_taken(const char *name) {
    static const char *const taken[] = {"b3", "b3multi", "tracecontext", "baggage", "request-id", "none"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name, taken[i]) == 0) return true;
    }
    return false;
}

int divak_own_format_make(const divak_propagator *propagator, divak_own_format *out_format, const char **out_refused,
                          const char **out_reason) {
    *out_refused = propagator == NULL || propagator->name == NULL ? "" : propagator->name;
    *out_reason = "its name is to be 1 to 31 lower-case letters, digits, - and _";
    if (propagator == NULL || !is_name(propagator->name)) return DIVAK_ERROR_INVALID;
    *out_reason = "that name is one of Divak's own";
    if (is_taken(propagator->name)) return DIVAK_ERROR_INVALID;
    *out_reason = "it is to have a function";
    if (propagator->inject == NULL && propagator->extract == NULL) return DIVAK_ERROR_INVALID;
    *out_reason = "it is to have 0 to 8 headers";
    if (propagator->header_count > DIVAK_PROPAGATOR_HEADERS) return DIVAK_ERROR_INVALID;
    divak_own_format format = {
        .inject = propagator->inject,
        .extract = propagator->extract,
        .context = propagator->context,
        .header_count = propagator->header_count,
    };
    memcpy(format.name, propagator->name, strlen(propagator->name));
    *out_reason = "a header's name is a token of up to 63 bytes";
    for (size_t i = 0; i < format.header_count; i++) {
        const char *name = propagator->headers == NULL ? NULL : propagator->headers[i];
        if (name != NULL && divak_propagation_read_header_name(name, strlen(name), &format.headers[i])) continue;
        *out_refused = name == NULL ? "NULL" : name;
        return DIVAK_ERROR_INVALID;
    }
    *out_format = format;
    return DIVAK_OK;
}

int divak_own_format_find(const divak_own_format *formats, size_t count, const char *name, size_t length) {
    for (size_t i = 0; i < count; i++) {
        const char *own = formats[i].name;
        size_t k = 0;
        while (k < length && own[k] != '\0') {
            char c = name[k] >= 'A' && name[k] <= 'Z' ? (char)(name[k] + ('a' - 'A')) : name[k];
            if (c != own[k]) break;
            k++;
        }
        if (k == length && own[k] == '\0') return (int)i;
    }
    return -1;
}

int divak_own_formats_register(const divak_own_format *format) {
    uint32_t count = divak_load_relaxed(&registered_count);
    if (divak_own_format_find(registered, count, format->name, strlen(format->name)) >= 0) return DIVAK_ERROR_INVALID;
    if (count == DIVAK_PROPAGATORS_MAX) return DIVAK_ERROR_FULL;
    registered[count] = *format;
    /* Pairs with the acquire below: whoever sees the number sees the entry. */
    divak_store_release(&registered_count, count + 1);
    return DIVAK_OK;
}

size_t divak_own_formats_known(const divak_own_format *of_config, size_t count, divak_own_format *out) {
    size_t known = count;
    for (size_t i = 0; i < count; i++) out[i] = of_config[i];
    uint32_t others = divak_load_acquire(&registered_count); /* see divak_own_formats_register */
    for (uint32_t i = 0; i < others; i++) {
        if (divak_own_format_find(out, count, registered[i].name, strlen(registered[i].name)) >= 0) continue;
        out[known++] = registered[i];
    }
    return known;
}
