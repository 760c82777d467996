/* SPDX-License-Identifier: Apache-2.0 */
/* b3.c - reads and writes the B3 headers. */
#include "wire/b3.h"

#include "divak/status.h"

enum { ID = DIVAK_HEX_SIZE, SHORTEST_ID = 2 };

/* '0', '1' and 'd' as sampling states; false for any other character. */
static bool sampling_from(char character, divak_sampling *out_sampling) {
    switch (character) {
    case '0': *out_sampling = DIVAK_SAMPLING_DENY; return true;
    case '1': *out_sampling = DIVAK_SAMPLING_ACCEPT; return true;
    case 'd': *out_sampling = DIVAK_SAMPLING_DEBUG; return true;
    default: return false;
    }
}

static bool nonzero_id(const char *text, size_t length, uint64_t *out_id) {
    return divak_hex_parse(text, length, out_id) && *out_id != 0;
}

/* 1 to 32 digits, not all of them zero. The upper half is what exceeds 16 digits. */
static bool trace_id(const char *text, size_t length, divak_ids *ids) {
    ids->trace_id_high = 0;
    if (length > ID) {
        if (!divak_hex_parse(text, length - ID, &ids->trace_id_high)) return false;
        text += length - ID;
        length = ID;
    }
    if (!divak_hex_parse(text, length, &ids->trace_id_low)) return false;
    return (ids->trace_id_high | ids->trace_id_low) != 0;
}

/* What follows trace and span: "", "-0", "-0-parent" or "-parent". */
static bool single_tail(const char *text, size_t length, divak_b3 *b3) {
    if (length == 0) return true;
    if (length == 2 || length == 2 + 1 + ID) {
        if (text[0] != '-' || !sampling_from(text[1], &b3->sampling)) return false;
        text += 2;
        length -= 2;
        if (length == 0) return true;
    }
    if (length != 1 + ID || text[0] != '-') return false;
    return divak_hex_parse(text + 1, ID, &b3->ids.parent_id);
}

int divak_b3_parse_single(const char *text, size_t length, divak_b3 *out) {
    if (text == NULL) return DIVAK_ABSENT;
    divak_b3 b3 = {.sampling = DIVAK_SAMPLING_DEFER};
    if (length == 1) {
        if (!sampling_from(text[0], &b3.sampling)) return DIVAK_ERROR_INVALID;
        *out = b3;
        return DIVAK_OK;
    }
    /* Where the first hyphen is tells the trace id's length; every later place follows from it. */
    if (length < ID + 1 + ID || length > DIVAK_B3_SINGLE_MAX) return DIVAK_ERROR_INVALID;
    size_t trace_length = text[ID] == '-' ? (size_t)ID : (size_t)2 * ID;
    size_t head = trace_length + 1 + ID;
    if (length < head || text[trace_length] != '-') return DIVAK_ERROR_INVALID;
    if (!trace_id(text, trace_length, &b3.ids)) return DIVAK_ERROR_INVALID;
    if (!nonzero_id(text + trace_length + 1, ID, &b3.ids.span_id)) return DIVAK_ERROR_INVALID;
    if (!single_tail(text + head, length - head, &b3)) return DIVAK_ERROR_INVALID;
    b3.has_ids = true;
    *out = b3;
    return DIVAK_OK;
}

static bool equals_ignoring_case(const char *text, const char *lower, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c != lower[i]) return false;
    }
    return true;
}

static bool multi_sampled(const char *text, size_t length, divak_sampling *out_sampling) {
    if ((length == 1 && text[0] == '1') || (length == 4 && equals_ignoring_case(text, "true", 4))) {
        *out_sampling = DIVAK_SAMPLING_ACCEPT;
        return true;
    }
    if ((length == 1 && text[0] == '0') ||
        (length == 5 && equals_ignoring_case(text, "false", 5))) {
        *out_sampling = DIVAK_SAMPLING_DENY;
        return true;
    }
    return false;
}

int divak_b3_parse_multi(const char *trace, size_t trace_length, const char *span,
                         size_t span_length, const char *parent, size_t parent_length,
                         const char *sampled, size_t sampled_length, const char *flags,
                         size_t flags_length, divak_b3 *out) {
    divak_b3 b3 = {.sampling = DIVAK_SAMPLING_DEFER};
    /* A malformed Sampled is malformed even if debug would have beaten it. */
    if (sampled != NULL && !multi_sampled(sampled, sampled_length, &b3.sampling)) {
        return DIVAK_ERROR_INVALID;
    }
    if (flags != NULL && flags_length == 1 && flags[0] == '1') b3.sampling = DIVAK_SAMPLING_DEBUG;

    if (trace == NULL && span == NULL) {
        if (b3.sampling == DIVAK_SAMPLING_DEFER) return DIVAK_ABSENT;
        *out = b3;
        return DIVAK_OK;
    }
    if (trace == NULL || span == NULL) return DIVAK_ERROR_INVALID;
    if (trace_length < SHORTEST_ID || trace_length > (size_t)2 * ID) return DIVAK_ERROR_INVALID;
    if (!trace_id(trace, trace_length, &b3.ids)) return DIVAK_ERROR_INVALID;
    if (span_length < SHORTEST_ID || !nonzero_id(span, span_length, &b3.ids.span_id)) {
        return DIVAK_ERROR_INVALID;
    }
    if (parent != NULL && (parent_length < SHORTEST_ID ||
                           !divak_hex_parse(parent, parent_length, &b3.ids.parent_id))) {
        return DIVAK_ERROR_INVALID;
    }
    b3.has_ids = true;
    *out = b3;
    return DIVAK_OK;
}

int divak_b3_parse(const char *single, size_t single_length, const char *trace,
                   size_t trace_length, const char *span, size_t span_length, const char *parent,
                   size_t parent_length, const char *sampled, size_t sampled_length,
                   const char *flags, size_t flags_length, divak_b3 *out) {
    int from_single = divak_b3_parse_single(single, single_length, out);
    if (from_single == DIVAK_OK) return DIVAK_OK;
    int from_multi =
        divak_b3_parse_multi(trace, trace_length, span, span_length, parent, parent_length, sampled,
                             sampled_length, flags, flags_length, out);
    /* A malformed line with nothing beside it is malformed, not absent: somebody meant it. */
    return from_multi == DIVAK_ABSENT ? from_single : from_multi;
}

static char sampling_character(divak_sampling sampling) {
    switch (sampling) {
    case DIVAK_SAMPLING_DENY: return '0';
    case DIVAK_SAMPLING_ACCEPT: return '1';
    case DIVAK_SAMPLING_DEBUG: return 'd';
    default: return '\0';
    }
}

size_t divak_b3_write_single(const divak_b3 *b3, bool with_parent, char out[DIVAK_B3_SINGLE_MAX]) {
    char state = sampling_character(b3->sampling);
    if (!b3->has_ids) {
        if (state == '\0') return 0;
        out[0] = state;
        return 1;
    }
    size_t at = divak_trace_id_write(out, &b3->ids);
    out[at++] = '-';
    divak_hex_write(out + at, b3->ids.span_id);
    at += ID;
    if (state != '\0') {
        out[at++] = '-';
        out[at++] = state;
    }
    if (with_parent && b3->ids.parent_id != 0) {
        out[at++] = '-';
        divak_hex_write(out + at, b3->ids.parent_id);
        at += ID;
    }
    return at;
}

void divak_b3_write_multi(const divak_b3 *b3, bool with_parent, divak_b3_multi *out) {
    *out = (divak_b3_multi){.trace_id_length = 0};
    if (b3->has_ids) {
        out->trace_id_length = divak_trace_id_write(out->trace_id, &b3->ids);
        divak_hex_write(out->span_id, b3->ids.span_id);
        out->span_id_length = ID;
        if (with_parent && b3->ids.parent_id != 0) {
            divak_hex_write(out->parent_id, b3->ids.parent_id);
            out->parent_id_length = ID;
        }
    }
    if (b3->sampling == DIVAK_SAMPLING_DEBUG) {
        out->flags[0] = '1';
        out->flags_length = 1;
    } else if (b3->sampling != DIVAK_SAMPLING_DEFER) {
        out->sampled[0] = sampling_character(b3->sampling);
        out->sampled_length = 1;
    }
}
