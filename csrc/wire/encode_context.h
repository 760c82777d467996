/* SPDX-License-Identifier: Apache-2.0 */
/* encode_context.h - what an encoder knows beside the record: keys, the tracer's endpoint, default
 * tags; and the parts of its output that never change, encoded once.
 *
 *     divak_encode_settings settings = {.keys = &divak_keys, .service = "shop", .service_length =
 * 4}; divak_encode_context context; if (divak_encode_context_init(&context, &settings) != DIVAK_OK)
 * ... divak_json_append_span(&body, &context, record); divak_encode_context_deinit(&context);
 *
 * One context for one thread that encodes, for either format. Registered keys and names are encoded
 * when they first appear and copied from then on; that is at most about 1 MiB with every key of a
 * full table in use.
 */
#ifndef DIVAK_WIRE_ENCODE_CONTEXT_H
#define DIVAK_WIRE_ENCODE_CONTEXT_H

#include "base/buffer.h"
#include "model/span_view.h"
#include "wire/text.h"

typedef struct divak_default_tag {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
} divak_default_tag;

/* Borrowed for the call of init, but for `keys`, which must outlive the context. */
typedef struct divak_encode_settings {
    const divak_key_table *keys; /* may be NULL: then no key is known */
    const char *service;         /* of the tracer; may be NULL */
    size_t service_length;
    divak_record_address address; /* of the tracer; zeros: none */
    const divak_default_tag
        *tags; /* on every span that has not got the key itself; of equal keys the last */
    size_t tag_count;
} divak_encode_settings;

/* A stretch of divak_fragments.bytes; length 0: none. */
typedef struct divak_fragment {
    uint32_t offset;
    uint32_t length;
} divak_fragment;

/* One registered text as the key of a tag and as the name of a span; length 0: not yet encoded. */
typedef struct divak_key_fragments {
    divak_fragment tag;
    divak_fragment name;
} divak_key_fragments;

/* What is encoded beforehand in one format. */
typedef struct divak_fragments {
    divak_buffer
        bytes; /* always with room for DIVAK_TEXT_SLACK more, so that it can be copied by blocks */
    divak_key_fragments *keys; /* by id */
    uint32_t key_count;
    divak_fragment local_endpoint;
    divak_fragment all_tags;      /* the default tags together */
    divak_fragment *default_tags; /* each of them */
} divak_fragments;

typedef struct divak_encode_context {
    const char *service;
    size_t service_length;
    divak_record_address address;
    divak_default_tag *tags;
    size_t tag_count;
    uint64_t tag_marks;       /* divak_tag_mark of the default tags */
    void *owned;              /* the memory of the texts and arrays above */
    const char *readable_end; /* of that memory: see text.h */
    divak_fragments json;
    divak_fragments proto3;
    /* Written by the encoders. Texts that were not UTF-8, values that no span can have, fields that
     * made no sense: each was mended or left out, and the span sent. */
    uint64_t sanitized;
    divak_span_view view; /* of the span at hand: too large for a small stack */
} divak_encode_context;

/* Returns DIVAK_OK, or DIVAK_ERROR_MEMORY: nothing to deinit then. */
int divak_encode_context_init(divak_encode_context *out, const divak_encode_settings *settings);
void divak_encode_context_deinit(divak_encode_context *context);

/* The tracer's endpoint with what the record says otherwise about service and address. */
typedef struct divak_endpoint_view {
    const char *service;
    size_t service_length;
    const char *readable_end;     /* see text.h */
    divak_record_address address; /* an IPv4-mapped IPv6 address has become IPv4 */
} divak_endpoint_view;

void divak_endpoint_view_local(divak_endpoint_view *out, const divak_encode_context *context);
void divak_endpoint_view_remote(divak_endpoint_view *out, const divak_encode_context *context);
/* Of the settings alone. */
void divak_endpoint_view_default(divak_endpoint_view *out, const divak_encode_context *context);

/* A registered text with enough memory around it to be read by blocks. The table itself may not be:
 * beside a text that is there, another may be being written. */
typedef struct divak_key_copy {
    size_t length;
    char text[DIVAK_FIELD_KEY_MAX + 1 + DIVAK_BLOCK_SIZE];
} divak_key_copy;

void divak_encode_context_copy_key(divak_key_copy *out, const divak_encode_context *context,
                                   uint32_t id);

/* Whether the span at hand has a tag of this key. */
bool divak_encode_context_has_tag(const divak_encode_context *context, const char *key,
                                  size_t key_length);

/* divak_buffer_reserve without a call when there is room, as there mostly is. */
static inline char *divak_encode_reserve(divak_buffer *out, size_t extra) {
    if (!out->failed && extra <= out->capacity - out->length) return out->bytes + out->length;
    return divak_buffer_reserve(out, extra);
}

/* ---- fragments ---- */

/* Begins a fragment of at most `worst` bytes; NULL: no memory. */
char *divak_fragments_begin(divak_fragments *fragments, size_t worst);
/* Ends the fragment begun last. */
divak_fragment divak_fragments_end(divak_fragments *fragments, const char *end);
/* The place of a key, made if need be; NULL: no memory. `id` is a registered key. */
divak_key_fragments *divak_fragments_of_key(divak_fragments *fragments, uint32_t id);

static inline divak_fragment divak_fragments_find_tag(const divak_fragments *fragments,
                                                      uint32_t id) {
    return id < fragments->key_count ? fragments->keys[id].tag : (divak_fragment){0, 0};
}

static inline divak_fragment divak_fragments_find_name(const divak_fragments *fragments,
                                                       uint32_t id) {
    return id < fragments->key_count ? fragments->keys[id].name : (divak_fragment){0, 0};
}

static inline char *divak_fragment_copy(char *out, const divak_fragments *fragments,
                                        divak_fragment fragment) {
    return divak_text_copy_blocks(out, fragments->bytes.bytes + fragment.offset, fragment.length);
}

#endif
