/* SPDX-License-Identifier: Apache-2.0 */
/* propagation.c - the settings of propagation: declared fields, names of headers. */
#include "api/propagation.h"

#include <string.h>

#include "api/header_names.h"

/* One list for the names that are taken and for clearing. */
static const struct known_header {
    const char *name;
    enum { IN_SINGLE, IN_MULTI, IN_TRACECONTEXT, IN_BAGGAGE } format;
} known_headers[] = {
    {DIVAK_HEADER_B3, IN_SINGLE},
    {DIVAK_HEADER_B3_TRACE_ID, IN_MULTI},
    {DIVAK_HEADER_B3_SPAN_ID, IN_MULTI},
    {DIVAK_HEADER_B3_PARENT_ID, IN_MULTI},
    {DIVAK_HEADER_B3_SAMPLED, IN_MULTI},
    {DIVAK_HEADER_B3_FLAGS, IN_MULTI},
    {DIVAK_HEADER_TRACEPARENT, IN_TRACECONTEXT},
    {DIVAK_HEADER_TRACESTATE, IN_TRACECONTEXT},
    {DIVAK_HEADER_BAGGAGE, IN_BAGGAGE},
};

enum { KNOWN_HEADERS = sizeof known_headers / sizeof known_headers[0] };

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_token_character(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c > 0x20 && c < 0x7f && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL;
}

/* Copies a token in lower case; false when it is none, or too long. */
bool divak_propagation_read_header_name(const char *text, size_t length, divak_header_name *out) {
    if (text == NULL || length == 0 || length > DIVAK_HEADER_NAME_MAX) return false;
    divak_header_name name = {.length = length};
    for (size_t i = 0; i < length; i++) {
        if (!is_token_character(text[i])) return false;
        name.text[i] = lower(text[i]);
    }
    *out = name;
    return true;
}

static bool is_name(const divak_header_name *name, const char *text, size_t length) {
    if (name->length != length) return false;
    for (size_t i = 0; i < length; i++) {
        if (name->text[i] != lower(text[i])) return false;
    }
    return true;
}

void divak_propagation_init(divak_propagation *propagation) {
    memset(propagation, 0, sizeof *propagation);
    propagation->extract = DIVAK_EVERY_FORMAT;
    propagation->inject = (divak_formats){.b3multi = true, .tracecontext = true};
    divak_propagation_read_header_name("x-request-id", 12, &propagation->request_id_header);
}

/* ---- Declared fields ------------------------------------------------------------------------- */

static bool is_header_known(const divak_header_name *header) {
    for (size_t i = 0; i < KNOWN_HEADERS; i++) {
        if (is_name(header, known_headers[i].name, strlen(known_headers[i].name))) return true;
    }
    return false;
}

static bool is_header_declared(const divak_propagation *propagation,
                               const divak_header_name *header) {
    for (size_t i = 0; i < propagation->declared_count; i++) {
        const divak_declared *field = &propagation->declared[i];
        for (size_t k = 0; k < field->header_count; k++) {
            if (is_name(&field->headers[k], header->text, header->length)) return true;
        }
    }
    return false;
}

static int declare(divak_propagation *propagation, const divak_declared *field) {
    if (propagation->declared_count == DIVAK_DECLARED_MAX) return DIVAK_ERROR_FULL;
    const divak_header_name *name = &field->name;
    if (divak_propagation_find_field(propagation, name->text, name->length) >= 0 ||
        is_name(name, DIVAK_NAME_REQUEST_ID, strlen(DIVAK_NAME_REQUEST_ID))) {
        return DIVAK_ERROR_INVALID;
    }
    for (size_t i = 0; i < field->header_count; i++) {
        const divak_header_name *header = &field->headers[i];
        if (is_header_known(header) || is_header_declared(propagation, header) ||
            is_name(header, propagation->request_id_header.text,
                    propagation->request_id_header.length)) {
            return DIVAK_ERROR_INVALID;
        }
        for (size_t k = 0; k < i; k++) {
            if (is_name(header, field->headers[k].text, field->headers[k].length)) {
                return DIVAK_ERROR_INVALID;
            }
        }
    }
    propagation->declared[propagation->declared_count++] = *field;
    return DIVAK_OK;
}

typedef struct slice {
    const char *text;
    size_t length;
} slice;

static slice trim(slice text) {
    while (text.length > 0 && (text.text[0] == ' ' || text.text[0] == '\t')) {
        text.text++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.text[text.length - 1] == ' ' || text.text[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* Cuts off what comes before the separator, trimmed; false: there is none, it was all. */
static bool cut(slice *rest, char separator, slice *out_before) {
    const char *found = rest->length == 0 ? NULL : memchr(rest->text, separator, rest->length);
    size_t before = found == NULL ? rest->length : (size_t)(found - rest->text);
    *out_before = trim((slice){rest->text, before});
    if (found == NULL) return false;
    rest->text += before + 1;
    rest->length -= before + 1;
    return true;
}

/* "country-code", "user=x-user-id|x-uid" or "-local". */
static int parse_field(slice text, divak_declared *out) {
    *out = (divak_declared){.header_count = 0};
    bool is_local = text.length > 0 && text.text[0] == '-';
    if (is_local) {
        text.text++;
        text.length--;
    }
    slice name;
    bool has_headers = cut(&text, '=', &name);
    if (!divak_propagation_read_header_name(name.text, name.length, &out->name)) return DIVAK_ERROR_INVALID;
    if (is_local) return has_headers ? DIVAK_ERROR_INVALID : DIVAK_OK;
    if (!has_headers) {
        out->headers[0] = out->name;
        out->header_count = 1;
        return DIVAK_OK;
    }
    for (bool is_more = true; is_more;) {
        slice header;
        is_more = cut(&text, '|', &header);
        if (out->header_count == DIVAK_DECLARED_HEADERS) return DIVAK_ERROR_FULL;
        divak_header_name *place = &out->headers[out->header_count++];
        if (!divak_propagation_read_header_name(header.text, header.length, place)) return DIVAK_ERROR_INVALID;
    }
    return DIVAK_OK;
}

int divak_propagation_add_fields(divak_propagation *propagation, const char *text, size_t length) {
    slice rest = trim((slice){text, text == NULL ? 0 : length});
    if (rest.length == 0 || (rest.length == 4 && memcmp(rest.text, "none", 4) == 0)) {
        return DIVAK_OK;
    }
    size_t before = propagation->declared_count;
    int status = DIVAK_OK;
    for (bool is_more = true; is_more && status == DIVAK_OK;) {
        slice one;
        divak_declared field;
        is_more = cut(&rest, ',', &one);
        status = parse_field(one, &field);
        if (status == DIVAK_OK) status = declare(propagation, &field);
    }
    if (status != DIVAK_OK) propagation->declared_count = before;
    return status;
}

int divak_propagation_set_request_id_header(divak_propagation *propagation, const char *name,
                                            size_t length) {
    divak_header_name header;
    if (name == NULL || !divak_propagation_read_header_name(name, length, &header)) return DIVAK_ERROR_INVALID;
    if (is_header_known(&header) || is_header_declared(propagation, &header)) {
        return DIVAK_ERROR_INVALID;
    }
    propagation->request_id_header = header;
    return DIVAK_OK;
}

int divak_propagation_find_field(const divak_propagation *propagation, const char *name,
                                 size_t length) {
    for (size_t i = 0; i < propagation->declared_count; i++) {
        if (is_name(&propagation->declared[i].name, name, length)) return (int)i;
    }
    return -1;
}

bool divak_propagation_is_field_value(const char *value, size_t length) {
    if (length > DIVAK_DECLARED_BYTES) return false;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < 0x20 || value[i] >= 0x7f) return false;
    }
    return length == 0 || (value[0] != ' ' && value[length - 1] != ' ');
}

/* ---- Names for clearing ---------------------------------------------------------------------- */

static bool is_in_use(const divak_propagation *propagation, int format) {
    const divak_formats *extract = &propagation->extract, *inject = &propagation->inject;
    switch (format) {
    /* Messages get the one line where others get several. */
    case IN_SINGLE: return extract->b3 || inject->b3 || inject->b3multi;
    case IN_MULTI: return extract->b3multi || inject->b3multi;
    case IN_TRACECONTEXT: return extract->tracecontext || inject->tracecontext;
    default: return extract->baggage || inject->baggage;
    }
}

const char *divak_propagation_header_at(const divak_propagation *propagation, size_t index) {
    if (propagation == NULL) return NULL;
    const divak_formats *extract = &propagation->extract, *inject = &propagation->inject;
    for (size_t i = 0; i < KNOWN_HEADERS; i++) {
        if (is_in_use(propagation, known_headers[i].format) && index-- == 0) {
            return known_headers[i].name;
        }
    }
    if ((extract->request_id || inject->request_id) && index-- == 0) {
        return propagation->request_id_header.text;
    }
    for (size_t i = 0; i < propagation->declared_count; i++) {
        const divak_declared *field = &propagation->declared[i];
        if (index < field->header_count) return field->headers[index].text;
        index -= field->header_count;
    }
    for (size_t i = 0; i < propagation->own_count; i++) {
        const divak_own_format *format = &propagation->own[i];
        if (((extract->own | inject->own) >> i & 1) == 0) continue;
        if (index < format->header_count) return format->headers[index].text;
        index -= format->header_count;
    }
    return NULL;
}
