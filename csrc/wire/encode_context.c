/* SPDX-License-Identifier: Apache-2.0 */
/* encode_context.c - see encode_context.h. */
#include "wire/encode_context.h"

#include "base/atomics.h"
#include "base/memory.h"
#include "divak/status.h"
#include "wire/json.h"
#include "wire/proto3.h"

/* ---- endpoints ---- */

/* An IPv4 address written as ::ffff:a.b.c.d is that IPv4 address. */
static void unwrap_ipv4(divak_record_address *address) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (!address->has_ipv6 || memcmp(address->ipv6, mapped, sizeof mapped) != 0) return;
    memcpy(address->ipv4, address->ipv6 + sizeof mapped, sizeof address->ipv4);
    address->has_ipv4 = 1;
    address->has_ipv6 = 0;
}

static void take_service(divak_endpoint_view *out, const divak_span_view *view,
                         divak_field_place place) {
    if (place == 0) return;
    divak_field field;
    divak_span_view_field(view, place, &field);
    out->service = (const char *)field.value;
    out->service_length = field.value_length;
    out->readable_end = (const char *)view->record + view->record->length;
}

static void take_address(divak_endpoint_view *out, const divak_span_view *view,
                         divak_field_place place) {
    if (place == 0) return;
    divak_field field;
    divak_span_view_field(view, place, &field);
    memcpy(&out->address, field.value, sizeof out->address);
    unwrap_ipv4(&out->address);
}

void divak_endpoint_view_default(divak_endpoint_view *out, const divak_encode_context *context) {
    *out = (divak_endpoint_view){.service = context->service,
                                 .service_length = context->service_length,
                                 .readable_end = context->readable_end,
                                 .address = context->address};
    unwrap_ipv4(&out->address);
}

void divak_endpoint_view_local(divak_endpoint_view *out, const divak_encode_context *context) {
    divak_endpoint_view_default(out, context);
    take_service(out, &context->view, context->view.local_service);
    take_address(out, &context->view, context->view.local_address);
}

void divak_endpoint_view_remote(divak_endpoint_view *out, const divak_encode_context *context) {
    *out = (divak_endpoint_view){0};
    take_service(out, &context->view, context->view.remote_service);
    take_address(out, &context->view, context->view.remote_address);
}

/* ---- tags ---- */

bool divak_encode_context_has_tag(const divak_encode_context *context, const char *key,
                                  size_t key_length) {
    const divak_span_view *view = &context->view;
    if ((view->tag_marks & divak_tag_mark(key, key_length)) == 0) return false;
    for (size_t i = 0; i < view->tag_count; i++) {
        divak_field field;
        divak_span_view_field(view, view->tags[i], &field);
        size_t length;
        const char *text = divak_span_view_key(view, &field, &length);
        if (length == key_length && (length == 0 || memcmp(text, key, length) == 0)) return true;
    }
    return false;
}

static bool keys_equal(const divak_default_tag *a, const divak_default_tag *b) {
    return a->key_length == b->key_length &&
           (a->key_length == 0 || memcmp(a->key, b->key, a->key_length) == 0);
}

/* ---- fragments ---- */

char *divak_fragments_begin(divak_fragments *fragments, size_t worst) {
    if (fragments->bytes.length > UINT32_MAX / 2 || worst > UINT32_MAX / 2) return NULL;
    fragments->bytes.failed = false; /* memory may be there now */
    return divak_buffer_reserve(&fragments->bytes, worst + DIVAK_TEXT_SLACK);
}

divak_fragment divak_fragments_end(divak_fragments *fragments, const char *end) {
    size_t offset = fragments->bytes.length;
    fragments->bytes.length = (size_t)(end - fragments->bytes.bytes);
    return (divak_fragment){(uint32_t)offset, (uint32_t)(fragments->bytes.length - offset)};
}

divak_key_fragments *divak_fragments_of_key(divak_fragments *fragments, uint32_t id) {
    if (id < fragments->key_count) return &fragments->keys[id];
    uint32_t count = id < 64 ? 128 : 2 * id;
    divak_key_fragments *keys = divak_memory_resize(NULL, count * sizeof *keys);
    if (keys == NULL) return NULL;
    divak_key_fragments *before = fragments->keys;
    if (before != NULL) memcpy(keys, before, fragments->key_count * sizeof *keys);
    memset(keys + fragments->key_count, 0, (count - fragments->key_count) * sizeof *keys);
    /* As in base/buffer.c: a fork finds keys that are there, and no more of them than there are. */
    fragments->keys = keys;
    divak_fence_sequential();
    divak_memory_release(before);
    fragments->key_count = count;
    return &keys[id];
}

void divak_encode_context_copy_key(divak_key_copy *out, const divak_encode_context *context,
                                   uint32_t id) {
    const divak_key_table *keys = context->view.keys;
    const divak_key_entry *entry = divak_key_table_find(keys, id);
    memset(out, 0, sizeof *out);
    out->length = entry->length;
    memcpy(out->text, keys->bytes + entry->offset, entry->length);
}

/* ---- life ---- */

static const char *keep_text(char **at, const char *text, size_t length) {
    char *kept = *at;
    if (length != 0) memcpy(kept, text, length);
    *at += length;
    return kept;
}

/* Takes copies of the texts in one piece of memory: tags, two lists of fragments, texts. */
static int keep_settings(divak_encode_context *context, const divak_encode_settings *settings) {
    size_t count = settings->tag_count;
    if (count > UINT16_MAX || settings->service_length > UINT32_MAX / 16) return DIVAK_ERROR_MEMORY;
    size_t text_size = settings->service_length;
    for (size_t i = 0; i < count; i++) {
        if (settings->tags[i].key_length > UINT16_MAX ||
            settings->tags[i].value_length > UINT32_MAX / 16) {
            return DIVAK_ERROR_MEMORY;
        }
        text_size += settings->tags[i].key_length + settings->tags[i].value_length;
    }
    size_t each = sizeof(divak_default_tag) + 2 * sizeof(divak_fragment);
    size_t size =
        count * each + text_size + DIVAK_BLOCK_SIZE; /* so many are readable before the end */
    context->owned = divak_memory_allocate_zeroed(1, size);
    if (context->owned == NULL) return DIVAK_ERROR_MEMORY;
    context->readable_end = (const char *)context->owned + size;
    context->tags = context->owned;
    context->json.default_tags = (divak_fragment *)(void *)(context->tags + count);
    context->proto3.default_tags = context->json.default_tags + count;
    char *text = (char *)(context->proto3.default_tags + count);
    context->service = keep_text(&text, settings->service, settings->service_length);
    context->service_length = settings->service_length;
    for (size_t i = 0; i < count; i++) {
        const divak_default_tag *given = &settings->tags[i];
        divak_default_tag tag = *given;
        tag.key = keep_text(&text, given->key, given->key_length);
        tag.value = keep_text(&text, given->value, given->value_length);
        size_t at = 0;
        while (at < context->tag_count && !keys_equal(&context->tags[at], &tag)) at++;
        context->tags[at] = tag;
        if (at == context->tag_count) context->tag_count++;
        context->tag_marks |= divak_tag_mark(tag.key, tag.key_length);
    }
    return DIVAK_OK;
}

int divak_encode_context_init(divak_encode_context *out, const divak_encode_settings *settings) {
    memset(out, 0, offsetof(divak_encode_context, view));
    divak_span_view_init(&out->view, settings->keys);
    out->address = settings->address;
    int status = keep_settings(out, settings);
    if (status == DIVAK_OK) status = divak_json_prepare(out);
    if (status == DIVAK_OK) status = divak_proto3_prepare(out);
    if (status != DIVAK_OK) divak_encode_context_deinit(out);
    return status;
}

void divak_encode_context_deinit(divak_encode_context *context) {
    divak_buffer_deinit(&context->json.bytes);
    divak_memory_release(context->json.keys);
    divak_buffer_deinit(&context->proto3.bytes);
    divak_memory_release(context->proto3.keys);
    divak_memory_release(context->owned);
    memset(context, 0, offsetof(divak_encode_context, view));
}
