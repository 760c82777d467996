/* SPDX-License-Identifier: Apache-2.0 */
/* header_block.c - carriers for those who have none: an array to read, a block to fill. */
#include <string.h>

#include "api/propagation.h"

typedef struct header_array {
    const divak_header *headers;
    size_t count;
} header_array;

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_called(const divak_header *header, const char *lower_name, size_t length) {
    if (header->name == NULL || header->name_length != length) return false;
    for (size_t i = 0; i < length; i++) {
        if (lower(header->name[i]) != lower_name[i]) return false;
    }
    return true;
}

static bool get_from_array(void *context, const char *name, size_t name_length, size_t index,
                           const char **out_value, size_t *out_length) {
    const header_array *array = context;
    for (size_t i = 0; i < array->count; i++) {
        const divak_header *header = &array->headers[i];
        if (!is_called(header, name, name_length) || index-- != 0) continue;
        *out_value = header->value;
        *out_length = header->value == NULL ? 0 : header->value_length;
        return true;
    }
    return false;
}

int divak_propagation_extract_headers(divak_propagation *propagation, const divak_header *headers,
                                      size_t count, divak_span *out_parent) {
    header_array array = {.headers = headers, .count = headers == NULL ? 0 : count};
    return divak_propagation_extract(propagation, get_from_array, &array, out_parent);
}

static char *append(divak_header_block *block, const char *text, size_t length) {
    char *place = block->bytes + block->bytes_used;
    memcpy(place, text, length);
    place[length] = '\0';
    block->bytes_used += length + 1;
    return place;
}

void divak_propagation_put_into_block(void *context, const char *name, size_t name_length,
                                      const char *value, size_t value_length) {
    divak_block_filling *to = context;
    divak_header_block *block = to->block;
    size_t left = sizeof block->bytes - block->bytes_used;
    /* Each alone before the sum, so that the sum can't wrap. */
    bool is_too_long = name_length > left || value_length > left ||
                       name_length + value_length + 2 > left;
    if (is_too_long || block->count == DIVAK_HEADERS_MAX) {
        to->left_out++;
        return;
    }
    block->headers[block->count++] = (divak_header){
        .name = append(block, name, name_length),
        .name_length = name_length,
        .value = append(block, value, value_length),
        .value_length = value_length,
    };
}

int divak_propagation_inject_block(divak_propagation *propagation, const divak_span *span,
                                   divak_header_block *out_block) {
    if (out_block == NULL) return DIVAK_ERROR_INVALID;
    out_block->count = 0;
    out_block->bytes_used = 0;
    divak_block_filling to = {.block = out_block};
    int status = divak_propagation_inject(propagation, span, false,
                                          divak_propagation_put_into_block, &to);
    if (to.left_out == 0) return status;
    divak_add_relaxed(&propagation->truncated, to.left_out);
    return DIVAK_ERROR_TRUNCATED;
}
