/* SPDX-License-Identifier: Apache-2.0 */
/* proto3.c - see proto3.h. The worst case of a span is reserved once; then all is written through
 * one plain pointer. What is short and ASCII, as most texts are, has lengths of one byte that are
 * known before; everything else takes a longer way.
 */
#include "wire/proto3.h"

#include "divak/status.h"
#include "wire/number.h"
#include "wire/proto3_parts.h"

enum {
    FIXED_PARTS = 512, /* all that is written of a span beside texts and numbers of its fields: 150
                          and some */
    GROWTH = 4,        /* of a field's bytes: at most 3 for text, and the frames of small ones */
    TAG_FRAME = 16     /* tags and lengths of a tag's three parts: at most 11 */
};

/* ---- endpoints ---- */

static char *put_endpoint(char *at, uint8_t tag, const divak_endpoint_view *endpoint,
                          uint64_t *mended) {
    const divak_record_address *address = &endpoint->address;
    size_t guessed = varint_size(endpoint->service_length + 32);
    char *start = at, *length_at = at + 1, *members = length_at + guessed;
    *start = (char)tag;
    at = members;
    if (endpoint->service_length != 0) {
        at = put_text(at, ENDPOINT_SERVICE, endpoint->service, endpoint->service_length,
                      endpoint->readable_end, true, mended);
    }
    if (address->has_ipv4) {
        *at++ = ENDPOINT_IPV4;
        *at++ = sizeof address->ipv4;
        memcpy(at, address->ipv4, sizeof address->ipv4);
        at += sizeof address->ipv4;
    }
    if (address->has_ipv6) {
        *at++ = ENDPOINT_IPV6;
        *at++ = sizeof address->ipv6;
        memcpy(at, address->ipv6, sizeof address->ipv6);
        at += sizeof address->ipv6;
    }
    if (address->port != 0) {
        *at++ = ENDPOINT_PORT;
        at = put_varint(at, address->port);
    }
    return at == members ? start : close_length(length_at, guessed, at);
}

/* ---- fragments ---- */

/* The key of a tag: what stands inside of the entry, before its value. */
static bool prepare_tag_key(divak_encode_context *context, uint32_t id, divak_fragment *out) {
    divak_key_copy key;
    divak_encode_context_copy_key(&key, context, id);
    char *at =
        divak_fragments_begin(&context->proto3, DIVAK_TEXT_UTF8_GROWTH * key.length + TAG_FRAME);
    divak_key_fragments *slot = divak_fragments_of_key(&context->proto3, id);
    if (at == NULL || slot == NULL) return false;
    at = put_text(at, TAG_KEY, key.text, key.length, key.text + sizeof key.text, false,
                  &context->sanitized);
    slot->tag = *out = divak_fragments_end(&context->proto3, at);
    return true;
}

static bool prepare_name(divak_encode_context *context, uint32_t id, divak_fragment *out) {
    divak_key_copy key;
    divak_encode_context_copy_key(&key, context, id);
    char *at =
        divak_fragments_begin(&context->proto3, DIVAK_TEXT_UTF8_GROWTH * key.length + TAG_FRAME);
    divak_key_fragments *slot = divak_fragments_of_key(&context->proto3, id);
    if (at == NULL || slot == NULL) return false;
    at = put_text(at, SPAN_NAME, key.text, key.length, key.text + sizeof key.text, true,
                  &context->sanitized);
    slot->name = *out = divak_fragments_end(&context->proto3, at);
    return true;
}

int divak_proto3_prepare(divak_encode_context *context) {
    divak_endpoint_view endpoint;
    divak_endpoint_view_default(&endpoint, context);
    divak_fragments *fragments = &context->proto3;
    char *at = divak_fragments_begin(fragments, GROWTH * endpoint.service_length + FIXED_PARTS);
    if (at == NULL) return DIVAK_ERROR_MEMORY;
    /* The other format has counted what had to be mended. */
    uint64_t counted = 0;
    at = put_endpoint(at, SPAN_LOCAL_ENDPOINT, &endpoint, &counted);
    fragments->local_endpoint = divak_fragments_end(fragments, at);
    for (size_t i = 0; i < context->tag_count; i++) {
        const divak_default_tag *tag = &context->tags[i];
        at = divak_fragments_begin(fragments,
                                   GROWTH * (tag->key_length + tag->value_length) + TAG_FRAME);
        if (at == NULL) return DIVAK_ERROR_MEMORY;
        *at++ = SPAN_TAG;
        char *length_at = at++;
        at = put_text(at, TAG_KEY, tag->key, tag->key_length, context->readable_end, false,
                      &counted);
        at = put_text(at, TAG_VALUE, tag->value, tag->value_length, context->readable_end, false,
                      &counted);
        divak_fragment fragment = divak_fragments_end(fragments, close_length(length_at, 1, at));
        if (i == 0) fragments->all_tags.offset = fragment.offset;
        fragments->all_tags.length += fragment.length;
        fragments->default_tags[i] = fragment;
    }
    return DIVAK_OK;
}

/* ---- a span ---- */

static char *put_ids(char *at, const divak_record *record, uint64_t parent_id) {
    if (record->trace_id_high != 0) {
        *at++ = SPAN_TRACE_ID;
        *at++ = 16;
        divak_store_big64(at, record->trace_id_high);
        divak_store_big64(at + 8, record->trace_id_low);
        at += 16;
    } else {
        at = put_id(at, SPAN_TRACE_ID, record->trace_id_low);
    }
    if (parent_id != 0) at = put_id(at, SPAN_PARENT_ID, parent_id);
    return put_id(at, SPAN_ID, record->span_id);
}

/* NULL: no memory for a fragment. */
static char *put_name(char *at, divak_encode_context *context) {
    const divak_record *record = context->view.record;
    divak_field name;
    divak_span_view_field(&context->view, context->view.name, &name);
    if (!name.key_is_id) {
        return put_text(at, SPAN_NAME, (const char *)name.value, name.value_length,
                        (const char *)record + record->length, true, &context->sanitized);
    }
    divak_fragment fragment = divak_fragments_find_name(&context->proto3, name.key_id);
    if (fragment.length == 0 && !prepare_name(context, name.key_id, &fragment)) return NULL;
    return divak_fragment_copy(at, &context->proto3, fragment);
}

static char *put_annotations(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    const char *record_end = (const char *)view->record + view->record->length;
    for (size_t i = 0; i < view->annotation_count; i++) {
        divak_field field;
        divak_span_view_field(view, view->annotations[i], &field);
        const char *text = (const char *)field.value + 8;
        size_t length = field.value_length - 8;
        *at++ = SPAN_ANNOTATION;
        char *length_at = at;
        at = put_fixed64(length_at + 1, ANNOTATION_TIMESTAMP, divak_annotation_time(&field));
        char *end = put_short_text(at, ANNOTATION_VALUE, text, length, record_end, false);
        if (end != NULL) {
            *length_at = (char)(end - length_at - 1);
            at = end;
            continue;
        }
        size_t guessed = varint_size(length + 12);
        at = put_fixed64(length_at + guessed, ANNOTATION_TIMESTAMP, divak_annotation_time(&field));
        at = put_any_text(at, ANNOTATION_VALUE, text, length, record_end, false,
                          &context->sanitized);
        at = close_length(length_at, guessed, at);
    }
    return at;
}

static char *put_number(char *at, uint32_t type, const uint8_t *value) {
    *at++ = TAG_VALUE;
    char *length_at = at++, *end = at;
    uint64_t bits = 0;
    if (type != DIVAK_FIELD_TAG_BOOL) memcpy(&bits, value, sizeof bits);
    if (type == DIVAK_FIELD_TAG_UINT) {
        end = divak_number_write_uint(at, bits);
    } else if (type == DIVAK_FIELD_TAG_INT) {
        end = divak_number_write_int(at, (int64_t)bits);
    } else if (type == DIVAK_FIELD_TAG_DOUBLE) {
        double number;
        memcpy(&number, &bits, sizeof number);
        end = divak_number_write_double(at, number);
    } else {
        bool is_true = *value != 0;
        memcpy(at, is_true ? "true\0" : "false", 5);
        end = at + (is_true ? 4 : 5);
    }
    *length_at = (char)(end - at);
    return end;
}

/* Any tag; NULL: no memory for a fragment. Apart, so that the usual tags have all registers. */
static __attribute__((noinline)) char *put_any_tag(char *at, divak_encode_context *context, const divak_field *field) {
    const divak_record *record = context->view.record;
    const char *record_end = (const char *)record + record->length;
    *at++ = SPAN_TAG;
    char *length_at = at;
    size_t guessed = varint_size(field->key_length + field->value_length + 4);
    at += guessed;
    if (field->key_is_id) {
        divak_fragment fragment = divak_fragments_find_tag(&context->proto3, field->key_id);
        if (fragment.length == 0 && !prepare_tag_key(context, field->key_id, &fragment))
            return NULL;
        at = divak_fragment_copy(at, &context->proto3, fragment);
    } else {
        at = put_any_text(at, TAG_KEY, (const char *)field->key, field->key_length, record_end,
                          false, &context->sanitized);
    }
    if (field->type == DIVAK_FIELD_TAG_TEXT) {
        at = put_any_text(at, TAG_VALUE, (const char *)field->value, field->value_length,
                          record_end, false, &context->sanitized);
    } else {
        at = put_number(at, field->type, field->value);
    }
    return close_length(length_at, guessed, at);
}

/* A tag of short ASCII texts, so that all lengths are one byte; NULL when it is another. */
static inline char *put_short_tag(char *at, const divak_encode_context *context,
                                  const uint8_t *field, const char *record_end) {
    uint32_t head = divak_field_load_head(field), type = head & (DIVAK_FIELD_KEY_ID - 1);
    size_t key_length = head >> 8 & UINT8_MAX, value_length = head >> 16;
    const char *key = (const char *)field + DIVAK_FIELD_HEADER, *value = key + key_length;
    char *end = at + 2;
    if ((head & DIVAK_FIELD_KEY_ID) != 0) {
        uint32_t id;
        memcpy(&id, key, sizeof id);
        divak_fragment fragment = divak_fragments_find_tag(&context->proto3, id);
        if (fragment.length - 1 >= 2 * SHORT_TEXT) return NULL; /* longer, or 0: not there */
        end = divak_fragment_copy(end, &context->proto3, fragment);
    } else {
        end = put_short_text(end, TAG_KEY, key, key_length, record_end, false);
        if (end == NULL) return NULL;
    }
    if (type == DIVAK_FIELD_TAG_TEXT) {
        end = put_short_text(end, TAG_VALUE, value, value_length, record_end, false);
        if (end == NULL) return NULL;
    } else {
        end = put_number(end, type, (const uint8_t *)value);
    }
    at[0] = SPAN_TAG;
    at[1] = (char)(end - at - 2);
    return end;
}

/* NULL: no memory for a fragment. */
static char *put_tags(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    const uint8_t *record = (const uint8_t *)view->record;
    const char *record_end = (const char *)record + view->record->length;
    const divak_field_place *place = view->tags, *end_of_places = place + view->tag_count;
    for (; place < end_of_places; place++) {
        char *end = put_short_tag(at, context, record + *place, record_end);
        if (end == NULL) {
            divak_field field;
            divak_span_view_field(view, *place, &field);
            end = put_any_tag(at, context, &field);
            if (end == NULL) return NULL;
        }
        at = end;
    }
    return at;
}

static char *put_default_tags(char *at, const divak_encode_context *context) {
    if ((context->tag_marks & context->view.tag_marks) == 0) {
        return divak_fragment_copy(at, &context->proto3, context->proto3.all_tags);
    }
    for (size_t i = 0; i < context->tag_count; i++) {
        const divak_default_tag *tag = &context->tags[i];
        if (divak_encode_context_has_tag(context, tag->key, tag->key_length)) continue;
        at = divak_fragment_copy(at, &context->proto3, context->proto3.default_tags[i]);
    }
    return at;
}

/* Writes what is inside of the span; NULL: no memory for a fragment. */
static char *put_span(char *at, divak_encode_context *context) {
    const divak_span_view *view = &context->view;
    at = put_ids(at, view->record, view->parent_id);
    if (view->kind != 0) {
        *at++ = SPAN_KIND;
        *at++ = (char)view->kind; /* the numbers are the same */
    }
    if (view->name != 0) {
        at = put_name(at, context);
        if (at == NULL) return NULL;
    }
    if (view->timestamp != 0) at = put_fixed64(at, SPAN_TIMESTAMP, view->timestamp);
    if (view->duration != 0) {
        *at++ = SPAN_DURATION;
        at = put_varint(at, view->duration);
    }
    divak_endpoint_view endpoint;
    if ((view->local_service | view->local_address) == 0) {
        at = divak_fragment_copy(at, &context->proto3, context->proto3.local_endpoint);
    } else {
        divak_endpoint_view_local(&endpoint, context);
        at = put_endpoint(at, SPAN_LOCAL_ENDPOINT, &endpoint, &context->sanitized);
    }
    if ((view->remote_service | view->remote_address) != 0) {
        divak_endpoint_view_remote(&endpoint, context);
        at = put_endpoint(at, SPAN_REMOTE_ENDPOINT, &endpoint, &context->sanitized);
    }
    at = put_annotations(at, context);
    at = put_tags(at, context);
    if (at == NULL) return NULL;
    if (context->tag_count != 0) at = put_default_tags(at, context);
    if (view->is_debug) {
        *at++ = SPAN_DEBUG;
        *at++ = 1;
    }
    if (view->is_shared) {
        *at++ = SPAN_SHARED;
        *at++ = 1;
    }
    return at;
}

size_t divak_proto3_span_bound(const divak_encode_context *context, const divak_span_view *view) {
    return GROWTH * ((size_t)view->record->length + view->key_bytes) +
           context->proto3.local_endpoint.length + context->proto3.all_tags.length + FIXED_PARTS +
           DIVAK_TEXT_SLACK;
}

int divak_proto3_append_span(divak_buffer *out, divak_encode_context *context,
                             const divak_record *record) {
    enum { GUESSED = 2 }; /* bytes of a span's length: from 128 to 16,383 bytes */
    int status = divak_span_view_read(&context->view, record);
    if (status != DIVAK_OK) return status;
    char *start = divak_encode_reserve(out, divak_proto3_span_bound(context, &context->view));
    if (start == NULL) return DIVAK_ERROR_MEMORY;
    *start = LIST_SPAN;
    char *end = put_span(start + 1 + GUESSED, context);
    if (end == NULL) return DIVAK_ERROR_MEMORY;
    size_t length = (size_t)(end - start) - 1 - GUESSED;
    if (length >= 0x80 && length < 0x4000) {
        start[1] = (char)(length | 0x80);
        start[2] = (char)(length >> 7);
    } else {
        end = close_length(start + 1, GUESSED, end);
    }
    context->sanitized += context->view.skipped;
    out->length += (size_t)(end - start);
    return DIVAK_OK;
}
