/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - see json.h. The worst case of a span is reserved once; then all is written through one
 * plain pointer.
 *
 * Members of a list are written with a comma before each, and the first comma becomes the opening
 * bracket after.
 */
#include "wire/json.h"

#include "divak/status.h"
#include "wire/number.h"

/* Appends a literal without its final 0; the compiler makes a few moves of it. */
#define PUT(at, literal) (memcpy((at), (literal), sizeof(literal) - 1), (at) + sizeof(literal) - 1)

enum {
    FIXED_PARTS = 768, /* all that is written of a span beside texts and numbers of its fields: 500
                          and some */
    TAG_FRAME = sizeof ",\"\":\"\"" - 1
};

/* ---- endpoints ---- */

static char *put_ipv4(char *at, const uint8_t ipv4[4]) {
    for (int i = 0; i < 4; i++) {
        at = divak_number_write_short(at, ipv4[i]);
        *at++ = '.';
    }
    return at - 1;
}

/* As RFC 5952 has it: groups without leading zeros, the longest run of two or more zero groups (the
 * first of equals) as "::". */
static char *put_ipv6(char *at, const uint8_t ipv6[16]) {
    uint32_t groups[8];
    for (int i = 0; i < 8; i++) groups[i] = (uint32_t)ipv6[2 * i] << 8 | ipv6[2 * i + 1];
    int run_start = -1, run_length = 1;
    for (int i = 0; i < 8;) {
        int end = i;
        while (end < 8 && groups[end] == 0) end++;
        if (end - i > run_length) {
            run_start = i;
            run_length = end - i;
        }
        i = end == i ? i + 1 : end;
    }
    for (int i = 0; i < 8; i++) {
        if (i == run_start) {
            *at++ = ':';
            if (i == 0) *at++ = ':';
            i += run_length - 1;
            continue;
        }
        bool has_begun = false;
        for (int shift = 12; shift >= 0; shift -= 4) {
            uint32_t digit = groups[i] >> shift & 15;
            has_begun |= digit != 0 || shift == 0;
            if (has_begun) *at++ = "0123456789abcdef"[digit];
        }
        if (i < 7) *at++ = ':';
    }
    return at;
}

/* The members, each with a comma before it. */
static char *put_endpoint_members(char *at, const divak_endpoint_view *endpoint, uint64_t *mended) {
    if (endpoint->service_length != 0) {
        at = PUT(at, ",\"serviceName\":\"");
        at = divak_text_write_json(at, endpoint->service, endpoint->service_length,
                                   endpoint->readable_end, true, mended);
        *at++ = '"';
    }
    if (endpoint->address.has_ipv4) {
        at = PUT(at, ",\"ipv4\":\"");
        at = put_ipv4(at, endpoint->address.ipv4);
        *at++ = '"';
    }
    if (endpoint->address.has_ipv6) {
        at = PUT(at, ",\"ipv6\":\"");
        at = put_ipv6(at, endpoint->address.ipv6);
        *at++ = '"';
    }
    if (endpoint->address.port != 0) {
        at = PUT(at, ",\"port\":");
        at = divak_number_write_short(at, endpoint->address.port);
    }
    return at;
}

static char *put_local_endpoint(char *at, const divak_endpoint_view *endpoint, uint64_t *mended) {
    char *members = PUT(at, ",\"localEndpoint\":");
    char *end = put_endpoint_members(members, endpoint, mended);
    if (end == members) return at;
    *members = '{';
    *end++ = '}';
    return end;
}

static char *put_remote_endpoint(char *at, const divak_endpoint_view *endpoint, uint64_t *mended) {
    char *members = PUT(at, ",\"remoteEndpoint\":");
    char *end = put_endpoint_members(members, endpoint, mended);
    if (end == members) return at;
    *members = '{';
    *end++ = '}';
    return end;
}

/* ---- fragments ---- */

/* `,"key":"` of a registered key. */
static bool prepare_tag_key(divak_encode_context *context, uint32_t id, divak_fragment *out) {
    divak_key_copy key;
    divak_encode_context_copy_key(&key, context, id);
    char *at =
        divak_fragments_begin(&context->json, DIVAK_TEXT_JSON_GROWTH * key.length + TAG_FRAME);
    divak_key_fragments *slot = divak_fragments_of_key(&context->json, id);
    if (at == NULL || slot == NULL) return false;
    at = PUT(at, ",\"");
    at = divak_text_write_json(at, key.text, key.length, key.text + sizeof key.text, false,
                               &context->sanitized);
    at = PUT(at, "\":\"");
    slot->tag = *out = divak_fragments_end(&context->json, at);
    return true;
}

/* `,"name":"key"` of a registered name. */
static bool prepare_name(divak_encode_context *context, uint32_t id, divak_fragment *out) {
    divak_key_copy key;
    divak_encode_context_copy_key(&key, context, id);
    char *at =
        divak_fragments_begin(&context->json, DIVAK_TEXT_JSON_GROWTH * key.length + TAG_FRAME + 8);
    divak_key_fragments *slot = divak_fragments_of_key(&context->json, id);
    if (at == NULL || slot == NULL) return false;
    at = PUT(at, ",\"name\":\"");
    at = divak_text_write_json(at, key.text, key.length, key.text + sizeof key.text, true,
                               &context->sanitized);
    *at++ = '"';
    slot->name = *out = divak_fragments_end(&context->json, at);
    return true;
}

int divak_json_prepare(divak_encode_context *context) {
    divak_endpoint_view endpoint;
    divak_endpoint_view_default(&endpoint, context);
    char *at = divak_fragments_begin(
        &context->json, DIVAK_TEXT_JSON_GROWTH * endpoint.service_length + FIXED_PARTS);
    if (at == NULL) return DIVAK_ERROR_MEMORY;
    at = put_local_endpoint(at, &endpoint, &context->sanitized);
    context->json.local_endpoint = divak_fragments_end(&context->json, at);
    for (size_t i = 0; i < context->tag_count; i++) {
        const divak_default_tag *tag = &context->tags[i];
        at = divak_fragments_begin(&context->json,
                                   DIVAK_TEXT_JSON_GROWTH * (tag->key_length + tag->value_length) +
                                       TAG_FRAME);
        if (at == NULL) return DIVAK_ERROR_MEMORY;
        at = PUT(at, ",\"");
        at = divak_text_write_json(at, tag->key, tag->key_length, context->readable_end, false,
                                   &context->sanitized);
        at = PUT(at, "\":\"");
        at = divak_text_write_json(at, tag->value, tag->value_length, context->readable_end, false,
                                   &context->sanitized);
        *at++ = '"';
        divak_fragment fragment = divak_fragments_end(&context->json, at);
        if (i == 0) context->json.all_tags.offset = fragment.offset;
        context->json.all_tags.length += fragment.length;
        context->json.default_tags[i] = fragment;
    }
    return DIVAK_OK;
}

/* ---- a span ---- */

static char *put_ids(char *at, const divak_record *record, uint64_t parent_id) {
    at = PUT(at, "{\"traceId\":\"");
    if (record->trace_id_high != 0) {
        divak_block_hex(at, record->trace_id_high);
        at += 16;
    }
    divak_block_hex(at, record->trace_id_low);
    at += 16;
    if (parent_id != 0) {
        at = PUT(at, "\",\"parentId\":\"");
        divak_block_hex(at, parent_id);
        at += 16;
    }
    at = PUT(at, "\",\"id\":\"");
    divak_block_hex(at, record->span_id);
    at += 16;
    *at++ = '"';
    return at;
}

static char *put_kind(char *at, uint8_t kind) {
    static const struct {
        char text[32];
        size_t length;
    } kinds[5] = {
        {"", 0},
        {",\"kind\":\"CLIENT\"", 16},
        {",\"kind\":\"SERVER\"", 16},
        {",\"kind\":\"PRODUCER\"", 18},
        {",\"kind\":\"CONSUMER\"", 18},
    };
    memcpy(at, kinds[kind].text, sizeof kinds[kind].text);
    return at + kinds[kind].length;
}

/* NULL: no memory for a fragment. */
static char *put_name(char *at, divak_encode_context *context) {
    divak_field name;
    divak_span_view_field(&context->view, context->view.name, &name);
    if (name.key_is_id) {
        divak_fragment fragment = divak_fragments_find_name(&context->json, name.key_id);
        if (fragment.length == 0 && !prepare_name(context, name.key_id, &fragment)) return NULL;
        return divak_fragment_copy(at, &context->json, fragment);
    }
    const divak_record *record = context->view.record;
    at = PUT(at, ",\"name\":\"");
    at = divak_text_write_json(at, (const char *)name.value, name.value_length,
                               (const char *)record + record->length, true, &context->sanitized);
    *at++ = '"';
    return at;
}

static char *put_annotations(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    const char *record_end = (const char *)view->record + view->record->length;
    char *list = at = PUT(at, ",\"annotations\":");
    for (size_t i = 0; i < view->annotation_count; i++) {
        divak_field field;
        divak_span_view_field(view, view->annotations[i], &field);
        at = PUT(at, ",{\"timestamp\":");
        at = divak_number_write_time(at, divak_annotation_time(&field));
        at = PUT(at, ",\"value\":\"");
        at = divak_text_write_json(at, (const char *)field.value + 8, field.value_length - 8,
                                   record_end, false, &context->sanitized);
        at = PUT(at, "\"}");
    }
    *list = '[';
    *at++ = ']';
    return at;
}

static char *put_number(char *at, uint32_t type, const uint8_t *value) {
    uint64_t bits;
    if (type == DIVAK_FIELD_TAG_BOOL) return *value != 0 ? PUT(at, "true") : PUT(at, "false");
    memcpy(&bits, value, sizeof bits);
    if (type == DIVAK_FIELD_TAG_UINT) return divak_number_write_uint(at, bits);
    if (type == DIVAK_FIELD_TAG_INT) return divak_number_write_int(at, (int64_t)bits);
    double number;
    memcpy(&number, &bits, sizeof number);
    return divak_number_write_double(at, number);
}

/* NULL: no memory for a fragment. */
static char *put_tags(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    const uint8_t *record = (const uint8_t *)view->record;
    const char *record_end = (const char *)record + view->record->length;
    const divak_field_place *place = view->tags, *end_of_places = place + view->tag_count;
    for (; place < end_of_places; place++) {
        const uint8_t *field = record + *place;
        uint32_t head = divak_field_load_head(field), type = head & (DIVAK_FIELD_KEY_ID - 1);
        size_t key_length = head >> 8 & UINT8_MAX, value_length = head >> 16;
        const char *key = (const char *)field + DIVAK_FIELD_HEADER, *value = key + key_length;
        if ((head & DIVAK_FIELD_KEY_ID) != 0) {
            uint32_t id;
            memcpy(&id, key, sizeof id);
            divak_fragment fragment = divak_fragments_find_tag(&context->json, id);
            if (fragment.length == 0 && !prepare_tag_key(context, id, &fragment)) return NULL;
            at = divak_fragment_copy(at, &context->json, fragment);
        } else {
            at = PUT(at, ",\"");
            at = divak_text_write_json(at, key, key_length, record_end, false, &context->sanitized);
            at = PUT(at, "\":\"");
        }
        if (type == DIVAK_FIELD_TAG_TEXT) {
            at = divak_text_write_json(at, value, value_length, record_end, false,
                                       &context->sanitized);
        } else {
            at = put_number(at, type, (const uint8_t *)value);
        }
        *at++ = '"';
    }
    return at;
}

static char *put_default_tags(char *at, const divak_encode_context *context) {
    if ((context->tag_marks & context->view.tag_marks) == 0) {
        return divak_fragment_copy(at, &context->json, context->json.all_tags);
    }
    for (size_t i = 0; i < context->tag_count; i++) {
        const divak_default_tag *tag = &context->tags[i];
        if (divak_encode_context_has_tag(context, tag->key, tag->key_length)) continue;
        at = divak_fragment_copy(at, &context->json, context->json.default_tags[i]);
    }
    return at;
}

/* Writes the span of the context's view; NULL: no memory for a fragment. */
static char *put_span(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    at = put_ids(at, view->record, view->parent_id);
    at = put_kind(at, view->kind);
    if (view->name != 0) {
        at = put_name(at, context);
        if (at == NULL) return NULL;
    }
    if (view->timestamp != 0) {
        at = PUT(at, ",\"timestamp\":");
        at = divak_number_write_time(at, view->timestamp);
    }
    if (view->duration != 0) {
        at = PUT(at, ",\"duration\":");
        at = divak_number_write_uint(at, view->duration);
    }
    divak_endpoint_view endpoint;
    if ((view->local_service | view->local_address) == 0) {
        at = divak_fragment_copy(at, &context->json, context->json.local_endpoint);
    } else {
        divak_endpoint_view_local(&endpoint, context);
        at = put_local_endpoint(at, &endpoint, &context->sanitized);
    }
    if ((view->remote_service | view->remote_address) != 0) {
        divak_endpoint_view_remote(&endpoint, context);
        at = put_remote_endpoint(at, &endpoint, &context->sanitized);
    }
    if (view->annotation_count != 0) at = put_annotations(at, context);
    if (view->tag_count + context->tag_count != 0) {
        char *list = at = PUT(at, ",\"tags\":");
        at = put_tags(at, context);
        if (at == NULL) return NULL;
        if (context->tag_count != 0) at = put_default_tags(at, context);
        *list = '{';
        *at++ = '}';
    }
    if (view->is_debug) at = PUT(at, ",\"debug\":true");
    if (view->is_shared) at = PUT(at, ",\"shared\":true");
    *at++ = '}';
    return at;
}

size_t divak_json_span_bound(const divak_encode_context *context, const divak_span_view *view) {
    /* The frame of any field is shorter than six times its head and numbers, see
     * DIVAK_TEXT_JSON_GROWTH. */
    return DIVAK_TEXT_JSON_GROWTH * ((size_t)view->record->length + view->key_bytes) +
           context->json.local_endpoint.length + context->json.all_tags.length + FIXED_PARTS +
           DIVAK_TEXT_SLACK;
}

int divak_json_append_span(divak_buffer *out, divak_encode_context *context,
                           const divak_record *record) {
    int status = divak_span_view_read(&context->view, record);
    if (status != DIVAK_OK) return status;
    char *start = divak_encode_reserve(out, divak_json_span_bound(context, &context->view));
    if (start == NULL) return DIVAK_ERROR_MEMORY;
    char *end = put_span(start, context);
    if (end == NULL) return DIVAK_ERROR_MEMORY;
    context->sanitized += context->view.skipped;
    out->length += (size_t)(end - start);
    return DIVAK_OK;
}
