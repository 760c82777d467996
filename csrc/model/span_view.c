/* SPDX-License-Identifier: Apache-2.0 */
/* span_view.c - see span_view.h. Few fields are compared with each other, many are sorted, so that
 * a record of the largest size costs milliseconds and not minutes. */
#include "model/span_view.h"

#include "divak/span.h"
#include "divak/status.h"

enum { FEW = 64 }; /* up to here a scan of all that came before beats sorting */

/* ---- order of fields ---- */

typedef struct text {
    const char *bytes;
    size_t length;
} text;

static text key_text(const divak_span_view *view, divak_field_place place) {
    divak_field field;
    divak_span_view_field(view, place, &field);
    text key;
    key.bytes = divak_span_view_key(view, &field, &key.length);
    return key;
}

static int text_compare(text a, text b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter == 0 ? 0 : memcmp(a.bytes, b.bytes, shorter);
    if (order != 0) return order;
    return a.length < b.length ? -1 : a.length > b.length;
}

static bool text_equals(text a, text b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static uint64_t time_at(const divak_span_view *view, divak_field_place place) {
    divak_field field;
    divak_span_view_field(view, place, &field);
    return divak_annotation_time(&field);
}

static text annotation_text(const divak_span_view *view, divak_field_place place) {
    divak_field field;
    divak_span_view_field(view, place, &field);
    return (text){(const char *)field.value + 8, field.value_length - 8};
}

/* Whether a belongs before b. Places differ, so that none of these orders has ties and sorting is
 * as good as stable. */
typedef bool (*before)(const divak_span_view *view, divak_field_place a, divak_field_place b);

static bool before_by_key(const divak_span_view *view, divak_field_place a, divak_field_place b) {
    int order = text_compare(key_text(view, a), key_text(view, b));
    return order != 0 ? order < 0 : a < b;
}

static bool before_by_time(const divak_span_view *view, divak_field_place a, divak_field_place b) {
    uint64_t time_a = time_at(view, a), time_b = time_at(view, b);
    return time_a != time_b ? time_a < time_b : a < b;
}

static bool before_by_time_and_text(const divak_span_view *view, divak_field_place a,
                                    divak_field_place b) {
    uint64_t time_a = time_at(view, a), time_b = time_at(view, b);
    if (time_a != time_b) return time_a < time_b;
    int order = text_compare(annotation_text(view, a), annotation_text(view, b));
    return order != 0 ? order < 0 : a < b;
}

static void sift_down(const divak_span_view *view, divak_field_place *places, size_t root,
                      size_t count, before is_before) {
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count) return;
        if (child + 1 < count && is_before(view, places[child], places[child + 1])) child++;
        if (!is_before(view, places[root], places[child])) return;
        divak_field_place moved = places[root];
        places[root] = places[child];
        places[child] = moved;
        root = child;
    }
}

/* Heapsort: in place, and no input makes it slow. */
static void sort(const divak_span_view *view, divak_field_place *places, size_t count,
                 before is_before) {
    for (size_t root = count / 2; root-- > 0;) sift_down(view, places, root, count, is_before);
    for (size_t end = count; end-- > 1;) {
        divak_field_place largest = places[0];
        places[0] = places[end];
        places[end] = largest;
        sift_down(view, places, 0, end, is_before);
    }
}

/* ---- tags ---- */

static bool is_error_key(text key) {
    return key.length == 5 && memcmp(key.bytes, "error", 5) == 0;
}

/* Takes in a tag whose mark is there already: it may be a key's second value, or the mark is
 * another's. While tags are few, the winner takes the place of the one before; else all are kept
 * for now. */
static void add_marked_tag(divak_span_view *view, divak_field_place place) {
    if (view->tag_count <= FEW) {
        text key = key_text(view, place);
        for (size_t i = 0; i < view->tag_count; i++) {
            if (!text_equals(key_text(view, view->tags[i]), key)) continue;
            if (!is_error_key(key)) view->tags[i] = place;
            return;
        }
    }
    view->tags[view->tag_count++] = place;
}

/* What is noted of a registered key: its length, above it divak_tag_number, and a bit that says so;
 * 0: no such key. */
enum { NOTE_NUMBER_SHIFT = 8, NOTE_IS_SET = 0x8000 };

static uint32_t make_note(divak_span_view *view, uint32_t id) {
    const divak_key_entry *entry = view->keys == NULL ? NULL : divak_key_table_find(view->keys, id);
    if (entry == NULL) return 0;
    uint32_t number = divak_tag_number(view->keys->bytes + entry->offset, entry->length);
    uint32_t note = NOTE_IS_SET | number << NOTE_NUMBER_SHIFT | entry->length;
    view->key_notes[id] = (uint16_t)note;
    return note;
}

static inline uint32_t note_of_key(divak_span_view *view, const uint8_t *key) {
    uint32_t id;
    memcpy(&id, key, sizeof id);
    if (id > DIVAK_KEYS_MAX) return 0;
    uint32_t note = view->key_notes[id];
    return note != 0 ? note : make_note(view, id);
}

/* Brings equal keys together and keeps one of each. The place of a winner is not its first one's:
 * sorting by key and place makes the last of equals the last recorded. */
static void resolve_many_tags(divak_span_view *view) {
    sort(view, view->tags, view->tag_count, before_by_key);
    size_t kept = 0;
    for (size_t i = 0; i < view->tag_count; i++) {
        text key = key_text(view, view->tags[i]);
        if (kept > 0 && text_equals(key_text(view, view->tags[kept - 1]), key)) {
            if (!is_error_key(key)) view->tags[kept - 1] = view->tags[i];
        } else {
            view->tags[kept++] = view->tags[i];
        }
    }
    view->tag_count = (uint16_t)kept;
}

/* ---- annotations ---- */

static bool annotations_equal(const divak_span_view *view, divak_field_place a,
                              divak_field_place b) {
    return time_at(view, a) == time_at(view, b) &&
           text_equals(annotation_text(view, a), annotation_text(view, b));
}

/* Inserts from the back: annotations mostly come in order, and then this is one comparison. */
static void add_annotation(divak_span_view *view, divak_field_place place, uint64_t time) {
    size_t at = view->annotation_count;
    if (at != 0 && at <= FEW) {
        while (at > 0 && time_at(view, view->annotations[at - 1]) > time) at--;
        for (size_t i = at; i > 0 && time_at(view, view->annotations[i - 1]) == time; i--) {
            if (annotations_equal(view, view->annotations[i - 1], place)) return;
        }
        for (size_t i = view->annotation_count; i > at; i--)
            view->annotations[i] = view->annotations[i - 1];
    }
    view->annotations[at] = place;
    view->annotation_count++;
}

static void resolve_many_annotations(divak_span_view *view) {
    divak_field_place *places = view->annotations;
    sort(view, places, view->annotation_count, before_by_time_and_text);
    size_t kept = 0;
    for (size_t i = 0; i < view->annotation_count; i++) {
        if (kept > 0 && annotations_equal(view, places[kept - 1], places[i])) continue;
        places[kept++] = places[i];
    }
    view->annotation_count = (uint16_t)kept;
    sort(view, places, kept, before_by_time);
}

/* ---- the walk ---- */

/* Notes a field that is no tag. False: it makes no sense. */
static bool take_field(divak_span_view *view, uint32_t head, const uint8_t *key,
                       divak_field_place place) {
    uint32_t type = head & UINT8_MAX, key_length = head >> 8 & UINT8_MAX, value_length = head >> 16;
    const uint8_t *value = key + key_length;
    switch (type) {
    case DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID: {
        uint32_t note = key_length == 4 ? note_of_key(view, key) : 0;
        if (note == 0) return false;
        view->key_bytes += note & UINT8_MAX;
        view->name = place;
        return true;
    }
    case DIVAK_FIELD_NAME:
        view->name = value_length != 0 ? place : 0;
        return true;
    case DIVAK_FIELD_ANNOTATION:
    case DIVAK_FIELD_ANNOTATION_AT: {
        uint64_t time;
        if (value_length < sizeof time) return false;
        memcpy(&time, value, sizeof time);
        if (time == 0 || time > INT64_MAX) return false;
        add_annotation(view, place, time);
        return true;
    }
    case DIVAK_FIELD_LOCAL_SERVICE:
        view->local_service = place;
        return true;
    case DIVAK_FIELD_REMOTE_SERVICE:
        view->remote_service = place;
        return true;
    case DIVAK_FIELD_LOCAL_ADDRESS:
        if (value_length != sizeof(divak_record_address)) return false;
        view->local_address = place;
        return true;
    case DIVAK_FIELD_REMOTE_ADDRESS:
        if (value_length != sizeof(divak_record_address)) return false;
        view->remote_address = place;
        return true;
    default:
        return true; /* nothing that is reported */
    }
}

/* What the type byte says of a tag: that it is one, whether by number, and the length its value
 * must have (0: any). */
enum { SHAPE_TAG = 1, SHAPE_BY_ID = 2, SHAPE_LENGTH_SHIFT = 4 };

#define TAG_SHAPES(type, length)                                                                   \
    [type] = SHAPE_TAG | (length) << SHAPE_LENGTH_SHIFT,                                           \
    [(type) | DIVAK_FIELD_KEY_ID] = SHAPE_TAG | SHAPE_BY_ID | (length) << SHAPE_LENGTH_SHIFT

static const uint8_t shapes[256] = {
    TAG_SHAPES(DIVAK_FIELD_TAG_TEXT, 0), TAG_SHAPES(DIVAK_FIELD_TAG_INT, 8),
    TAG_SHAPES(DIVAK_FIELD_TAG_UINT, 8), TAG_SHAPES(DIVAK_FIELD_TAG_DOUBLE, 8),
    TAG_SHAPES(DIVAK_FIELD_TAG_BOOL, 1),
};

/* The walk: as divak_field_next, but with the least work for a tag, since most fields are tags. */
static void take_fields(divak_span_view *view, const divak_record *record) {
    const uint8_t *start = (const uint8_t *)record;
    /* As offsets: they can't overflow, for a record has at most 64 KiB and a field little more. */
    uint32_t end = record->length, next = DIVAK_RECORD_HEADER, key_bytes = 0, skipped = 0;
    uint64_t marks = 0;
    while (next + DIVAK_FIELD_HEADER <= end) {
        uint32_t place = next, head = divak_field_load_head(start + place);
        uint32_t type = head & UINT8_MAX, key_length = head >> 8 & UINT8_MAX,
                 value_length = head >> 16;
        const uint8_t *key = start + place + DIVAK_FIELD_HEADER;
        next = place + DIVAK_FIELD_HEADER + key_length + value_length;
        if (next > end) { /* bytes that collect did not write; what follows is unreadable */
            skipped++;
            break;
        }
        uint32_t shape = shapes[type], length_wanted = shape >> SHAPE_LENGTH_SHIFT, number;
        if ((shape & SHAPE_TAG) == 0) {
            if (type == 0) break;
            skipped += !take_field(view, head, key, (divak_field_place)place);
            continue;
        }
        if (length_wanted != 0 && length_wanted != value_length) {
            skipped++;
            continue;
        }
        if ((shape & SHAPE_BY_ID) != 0) {
            uint32_t note = key_length == 4 ? note_of_key(view, key) : 0;
            if (note == 0) {
                skipped++;
                continue;
            }
            key_bytes += note & UINT8_MAX;
            number = note >> NOTE_NUMBER_SHIFT & 63;
        } else {
            number = divak_tag_number((const char *)key, key_length);
        }
        uint64_t mark = UINT64_C(1) << number;
        if ((marks & mark) != 0) {
            add_marked_tag(view, (divak_field_place)place);
            continue;
        }
        marks |= mark;
        view->tags[view->tag_count++] = (divak_field_place)place;
    }
    view->tag_marks = marks;
    view->key_bytes += key_bytes;
    view->skipped += skipped;
}

static void take_header(divak_span_view *view, const divak_record *record) {
    view->parent_id = record->parent_id == record->span_id ? 0 : record->parent_id;
    view->is_debug = (record->flags & DIVAK_RECORD_DEBUG) != 0;
    view->kind = record->kind == DIVAK_KIND_PERIODIC ? DIVAK_KIND_SERVER : record->kind;
    if (view->kind > DIVAK_KIND_CONSUMER) {
        view->kind = DIVAK_KIND_LOCAL;
        view->skipped++;
    }
    view->is_shared = (record->flags & DIVAK_RECORD_SHARED) != 0 && view->kind != DIVAK_KIND_CLIENT;
    view->timestamp = record->start;
    if (record->start > INT64_MAX) {
        view->timestamp = 0;
        view->skipped++;
    }
    if ((record->flags & DIVAK_RECORD_NO_DURATION) != 0) return;
    view->duration = record->duration;
    if (record->duration > INT64_MAX) { /* negative, if anything: shorter than we can say */
        view->duration = 1;
        view->skipped++;
    } else if (record->duration == 0 && view->timestamp != 0) {
        view->duration = 1;
    }
}

void divak_span_view_init(divak_span_view *out, const divak_key_table *keys) {
    out->keys = keys;
    memset(out->key_notes, 0, sizeof out->key_notes);
}

int divak_span_view_read(divak_span_view *view, const divak_record *record) {
    if (record == NULL || record->length < DIVAK_RECORD_HEADER ||
        record->length > DIVAK_RECORD_MAX || record->length % 8 != 0 || record->span_id == 0 ||
        (record->trace_id_high | record->trace_id_low) == 0) {
        return DIVAK_ERROR_INVALID;
    }
    memset(view, 0, offsetof(divak_span_view, tags));
    view->record = record;
    take_header(view, record);
    take_fields(view, record);
    if (view->tag_count > FEW) resolve_many_tags(view);
    if (view->annotation_count > FEW) resolve_many_annotations(view);
    return DIVAK_OK;
}

const char *divak_span_view_name(const divak_span_view *view, size_t *out_length) {
    *out_length = 0;
    if (view->name == 0) return NULL;
    divak_field field;
    divak_span_view_field(view, view->name, &field);
    if (field.key_is_id) return divak_span_view_key(view, &field, out_length);
    *out_length = field.value_length;
    return (const char *)field.value;
}
