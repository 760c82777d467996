/* span_view.h - what a record says, resolved: the last name, each tag once, annotations in order.
 *
 * A record is a list of fields in the order of the calls that made it. Reading it walks that list
 * once and notes where the fields that count begin; no text is copied.
 *
 *     static divak_span_view view;                // 48 KiB, mostly untouched: not for a small stack
 *     divak_span_view_init(&view, keys);
 *     if (divak_span_view_read(&view, record) != DIVAK_OK) ...
 *     for (size_t i = 0; i < view.tag_count; i++) {
 *         divak_field tag;
 *         divak_span_view_field(&view, view.tags[i], &tag);
 *         size_t length;
 *         const char *key = divak_span_view_key(&view, &tag, &length);
 *
 * The rules that are the same for every format live here:
 *
 *   tags          the last value of a key stays, but the first of "error"; a key by number and the
 *                 same key as text are one. The order says nothing
 *   annotations   by time, within a microsecond as recorded; a repeated one (time and text) once;
 *                 none without a time
 *   name, remote  the last
 *   times         a start that is no time (0, or beyond int64) is unknown; a duration is at least 1
 *   parent        none when it is the span itself
 *   kind          a periodic job is reported as SERVER, for it is the root of its own trace
 *   shared        not on a client's half
 *
 * Fields that make no sense (bytes that collect did not write) are left out and counted in
 * `skipped`.
 */
#ifndef DIVAK_MODEL_SPAN_VIEW_H
#define DIVAK_MODEL_SPAN_VIEW_H

#include "model/keys.h"
#include "model/record.h"

enum {
    /* As many as fit: a tag takes 4 bytes of a record at least, an annotation 12. */
    DIVAK_VIEW_TAGS_MAX = (DIVAK_RECORD_MAX - DIVAK_RECORD_HEADER) / DIVAK_FIELD_HEADER,
    DIVAK_VIEW_ANNOTATIONS_MAX = (DIVAK_RECORD_MAX - DIVAK_RECORD_HEADER) / (DIVAK_FIELD_HEADER + 8)
};

/* Where a field begins, in bytes from the start of its record; 0: there is none. */
typedef uint16_t divak_field_place;

typedef struct divak_span_view {
    const divak_record *record;
    uint64_t parent_id; /* 0: none */
    uint64_t timestamp; /* microseconds since 1970, 0: unknown */
    uint64_t duration;  /* microseconds, 0: none */
    uint8_t kind;       /* DIVAK_KIND_LOCAL to DIVAK_KIND_CONSUMER */
    bool is_debug;
    bool is_shared;
    divak_field_place name; /* never of an empty one */
    divak_field_place local_service, local_address;
    divak_field_place remote_service, remote_address;
    uint16_t tag_count;
    uint16_t annotation_count;
    uint32_t
        skipped; /* fields left out or values mended: what the record held was not presentable */
    uint32_t key_bytes; /* lengths of the registered texts that the fields refer to, together */
    uint64_t tag_marks; /* a set bit for divak_tag_mark of each key */
    divak_field_place tags[DIVAK_VIEW_TAGS_MAX];
    divak_field_place annotations[DIVAK_VIEW_ANNOTATIONS_MAX];
    /* Kept from span to span: length and mark of each registered key seen, so that the table needs
     * no look. */
    const divak_key_table *keys;
    uint16_t key_notes[DIVAK_KEYS_MAX + 1];
} divak_span_view;

/* Makes a view that knows these keys; NULL: none. Borrows them. */
void divak_span_view_init(divak_span_view *out, const divak_key_table *keys);

/* Reads a record whose times are in microseconds, and borrows it. Whatever the view showed before
 * is forgotten. Returns DIVAK_OK, or DIVAK_ERROR_INVALID when the record can't be a span: a length
 * that is none, or a trace id or span id of 0; the view must not be used then. */
int divak_span_view_read(divak_span_view *view, const divak_record *record);

/* The four bytes before a field as one number: type, then from bit 8 the key's length, from bit 16
 * the value's. */
static inline uint32_t divak_field_load_head(const uint8_t *field) {
    uint32_t head;
    memcpy(&head, field, sizeof head);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    head = __builtin_bswap32(head);
#endif
    return head;
}

/* The field at a place of the view's record that is not 0. */
static inline void divak_span_view_field(const divak_span_view *view, divak_field_place place,
                                         divak_field *out) {
    const uint8_t *field = (const uint8_t *)view->record + place;
    uint32_t head = divak_field_load_head(field);
    out->type = head & 127;
    out->key_is_id = (head & DIVAK_FIELD_KEY_ID) != 0;
    out->key = field + DIVAK_FIELD_HEADER;
    out->key_length = head >> 8 & UINT8_MAX;
    out->key_id = 0;
    if (out->key_is_id) memcpy(&out->key_id, out->key, 4);
    out->value = out->key + out->key_length;
    out->value_length = head >> 16;
}

/* The text of a key, or of a name by number, as it was given. */
static inline const char *divak_span_view_key(const divak_span_view *view, const divak_field *field,
                                              size_t *out_length) {
    if (!field->key_is_id) {
        *out_length = field->key_length;
        return (const char *)field->key;
    }
    const divak_key_entry *entry = divak_key_table_find(view->keys, field->key_id);
    *out_length = entry->length;
    return view->keys->bytes + entry->offset;
}

/* The span's name as it was given; NULL and length 0 when it has none. */
const char *divak_span_view_name(const divak_span_view *view, size_t *out_length);

/* The time of an annotation; its text is the rest of the value. */
static inline uint64_t divak_annotation_time(const divak_field *field) {
    uint64_t time;
    memcpy(&time, field->value, sizeof time);
    return time;
}

/* A number below 64 for a key: keys with different numbers are different. */
static inline uint32_t divak_tag_number(const char *key, size_t length) {
    return length == 0 ? 0 : ((uint32_t)length * 9 + (uint8_t)key[length - 1]) & 63;
}

/* The same as one of 64 bits. */
static inline uint64_t divak_tag_mark(const char *key, size_t length) {
    return UINT64_C(1) << divak_tag_number(key, length);
}

#endif
