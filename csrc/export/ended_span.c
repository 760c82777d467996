/* SPDX-License-Identifier: Apache-2.0 */
/* ended_span.c - reads and changes the record of an ended span: changes are appended, what is replaced is marked. */
#include "export/ended_span.h"

#include <string.h>

#include "wire/number.h"

static const char *key_of(const divak_ended_span *span, const divak_field *field, size_t *out_length) {
    if (!field->key_is_id) {
        *out_length = field->key_length;
        return (const char *)field->key;
    }
    const divak_key_entry *entry = divak_key_table_find(span->keys, field->key_id);
    *out_length = entry == NULL ? 0 : entry->length;
    return entry == NULL ? "" : span->keys->bytes + entry->offset;
}

static bool is_tag(const divak_field *field) {
    return field->type >= DIVAK_FIELD_TAG_TEXT && field->type <= DIVAK_FIELD_TAG_BOOL;
}

/* Finds the field that counts for a tag: the last, but the first of "error". */
static bool find_tag(const divak_ended_span *span, const char *key, size_t key_length, divak_field *out) {
    if (key == NULL) return false;
    const uint8_t *at = divak_record_fields(span->record);
    bool first_counts = key_length == 5 && memcmp(key, "error", 5) == 0;
    bool found = false;
    divak_field field;
    while (divak_field_next(span->record, &at, &field)) {
        if (!is_tag(&field) || (found && first_counts)) continue;
        size_t length;
        const char *text = key_of(span, &field, &length);
        if (length != key_length || memcmp(text, key, length) != 0) continue;
        *out = field;
        found = true;
    }
    return found;
}

static const char *value_text(divak_ended_span *span, const divak_field *field, size_t *out_length) {
    char *end = span->number;
    switch (field->type) {
    case DIVAK_FIELD_TAG_TEXT:
        *out_length = field->value_length;
        return (const char *)field->value;
    case DIVAK_FIELD_TAG_BOOL: {
        bool value = field->value_length == 1 && field->value[0] != 0;
        *out_length = value ? 4 : 5;
        return value ? "true" : "false";
    }
    case DIVAK_FIELD_TAG_INT: {
        int64_t value;
        memcpy(&value, field->value, sizeof value);
        end = divak_number_write_int(span->number, value);
        break;
    }
    case DIVAK_FIELD_TAG_UINT: {
        uint64_t value;
        memcpy(&value, field->value, sizeof value);
        end = divak_number_write_uint(span->number, value);
        break;
    }
    case DIVAK_FIELD_TAG_DOUBLE: {
        double value;
        memcpy(&value, field->value, sizeof value);
        end = divak_number_write_double(span->number, value);
        break;
    }
    default:
        break;
    }
    *out_length = (size_t)(end - span->number);
    return span->number;
}

void divak_ended_span_ids(const divak_ended_span *span, divak_span *out_span) {
    const divak_record *record = span->record;
    *out_span = (divak_span){
        .trace_id_high = record->trace_id_high,
        .trace_id_low = record->trace_id_low,
        .span_id = record->span_id,
        .parent_id = record->parent_id,
        .local_root_id = record->span_id,
        .flags = DIVAK_SPAN_DECIDED | ((record->flags & DIVAK_RECORD_SAMPLED) != 0 ? DIVAK_SPAN_SAMPLED : 0u) |
                 ((record->flags & DIVAK_RECORD_DEBUG) != 0 ? DIVAK_SPAN_DEBUG : 0u) |
                 ((record->flags & DIVAK_RECORD_SHARED) != 0 ? DIVAK_SPAN_SHARED : 0u),
    };
    const uint8_t *at = divak_record_fields(record);
    divak_field field;
    while (divak_field_next(record, &at, &field)) {
        if (field.type == DIVAK_FIELD_LOCAL_ROOT && field.value_length == sizeof(uint64_t)) {
            memcpy(&out_span->local_root_id, field.value, sizeof(uint64_t));
        }
    }
}

uint32_t divak_ended_span_cause(const divak_ended_span *span) {
    return (span->record->flags & DIVAK_RECORD_NO_DURATION) != 0 ? DIVAK_CAUSE_FLUSHED : DIVAK_CAUSE_FINISHED;
}

divak_kind divak_ended_span_kind(const divak_ended_span *span) {
    return span->record->kind;
}

uint64_t divak_ended_span_start(const divak_ended_span *span) {
    return span->record->start;
}

uint64_t divak_ended_span_duration(const divak_ended_span *span) {
    return span->record->duration;
}

const char *divak_ended_span_name(const divak_ended_span *span, size_t *out_length) {
    const char *name = "";
    size_t length = 0;
    const uint8_t *at = divak_record_fields(span->record);
    divak_field field;
    while (divak_field_next(span->record, &at, &field)) {
        if (field.type != DIVAK_FIELD_NAME) continue;
        if (field.key_is_id) {
            name = key_of(span, &field, &length);
        } else {
            name = (const char *)field.value;
            length = field.value_length;
        }
    }
    *out_length = length;
    return name;
}

bool divak_ended_span_has_tag(const divak_ended_span *span, const char *key, size_t key_length) {
    divak_field field;
    return find_tag(span, key, key_length, &field);
}

const char *divak_ended_span_tag(const divak_ended_span *span, const char *key, size_t key_length,
                                 size_t *out_length) {
    divak_field field;
    if (!find_tag(span, key, key_length, &field)) return NULL;
    /* The number's text is scratch space, not part of what the caller sees as the span. */
    return value_text((divak_ended_span *)(uintptr_t)span, &field, out_length);
}

bool divak_ended_span_tag_at(const divak_ended_span *span, size_t index, const char **out_key,
                             size_t *out_key_length, const char **out_value, size_t *out_value_length) {
    const uint8_t *at = divak_record_fields(span->record);
    divak_field field;
    while (divak_field_next(span->record, &at, &field)) {
        if (!is_tag(&field)) continue;
        size_t length;
        const char *key = key_of(span, &field, &length);
        divak_field counts;
        /* Only where it is the field that counts for its key. */
        if (!find_tag(span, key, length, &counts) || counts.value != field.value) continue;
        if (index-- != 0) continue;
        *out_key = key;
        *out_key_length = length;
        *out_value = value_text((divak_ended_span *)(uintptr_t)span, &field, out_value_length);
        return true;
    }
    return false;
}

static bool find_annotation(const divak_ended_span *span, size_t index, divak_field *out) {
    const uint8_t *at = divak_record_fields(span->record);
    while (divak_field_next(span->record, &at, out)) {
        if (out->type == DIVAK_FIELD_ANNOTATION && out->value_length >= sizeof(uint64_t) && index-- == 0) return true;
    }
    return false;
}

bool divak_ended_span_annotation_at(const divak_ended_span *span, size_t index, uint64_t *out_timestamp,
                                    const char **out_text, size_t *out_length) {
    divak_field field;
    if (!find_annotation(span, index, &field)) return false;
    memcpy(out_timestamp, field.value, sizeof *out_timestamp);
    *out_text = (const char *)field.value + sizeof *out_timestamp;
    *out_length = field.value_length - sizeof *out_timestamp;
    return true;
}

static uint8_t *bytes_of(const divak_ended_span *span) {
    return (uint8_t *)span->record;
}

/* Rounds the length up over zeros, which end the fields. */
static void close_record(divak_ended_span *span) {
    size_t length = span->fields_end;
    while (length % 8 != 0) bytes_of(span)[length++] = 0;
    span->record->length = (uint32_t)length;
}

static int append_field(divak_ended_span *span, uint8_t type, const char *key, size_t key_length, const char *value,
                        size_t value_length) {
    if (key_length > DIVAK_FIELD_KEY_MAX || value_length > UINT16_MAX ||
        divak_field_size(key_length, value_length) + 8 > span->capacity - span->fields_end) {
        return DIVAK_ERROR_TRUNCATED;
    }
    uint8_t *end = divak_field_write(bytes_of(span) + span->fields_end, type, key, key_length, value, value_length);
    span->fields_end = (size_t)(end - bytes_of(span));
    close_record(span);
    return DIVAK_OK;
}

static void forget_field(divak_ended_span *span, const divak_field *field) {
    bytes_of(span)[field->key - DIVAK_FIELD_HEADER - bytes_of(span)] = DIVAK_FIELD_SKIP;
}

int divak_ended_span_set_name(divak_ended_span *span, const char *name, size_t length) {
    if (name == NULL && length != 0) return DIVAK_ERROR_INVALID;
    return append_field(span, DIVAK_FIELD_NAME, NULL, 0, name, length);
}

int divak_ended_span_set_tag(divak_ended_span *span, const char *key, size_t key_length, const char *value,
                             size_t value_length) {
    if (key == NULL || key_length == 0 || (value == NULL && value_length != 0)) return DIVAK_ERROR_INVALID;
    size_t before = span->fields_end;
    int status = append_field(span, DIVAK_FIELD_TAG_TEXT, key, key_length, value, value_length);
    if (status != DIVAK_OK) return status;
    /* Any older value goes, so that this one counts whatever the key's rule is. */
    divak_field field;
    const uint8_t *at = divak_record_fields(span->record);
    while (divak_field_next(span->record, &at, &field) && (size_t)(field.key - bytes_of(span)) < before) {
        size_t length;
        const char *text = key_of(span, &field, &length);
        if (is_tag(&field) && length == key_length && memcmp(text, key, length) == 0) forget_field(span, &field);
    }
    return DIVAK_OK;
}

/* What was said before, whichever half of an endpoint it was. */
static void forget_remote(divak_ended_span *span, size_t before) {
    divak_field field;
    const uint8_t *at = divak_record_fields(span->record);
    while (divak_field_next(span->record, &at, &field) && (size_t)(field.key - bytes_of(span)) < before) {
        bool is_remote = field.type == DIVAK_FIELD_REMOTE_SERVICE || field.type == DIVAK_FIELD_REMOTE_ADDRESS;
        if (is_remote) forget_field(span, &field);
    }
}

int divak_ended_span_set_remote(divak_ended_span *span, const divak_endpoint *endpoint) {
    if (endpoint == NULL || (endpoint->service == NULL && endpoint->service_length != 0)) return DIVAK_ERROR_INVALID;
    const size_t before = span->fields_end;
    const bool has_address = endpoint->has_ipv4 || endpoint->has_ipv6 || endpoint->port != 0;
    divak_record_address address = {
        .has_ipv4 = endpoint->has_ipv4, .has_ipv6 = endpoint->has_ipv6, .port = endpoint->port};
    memcpy(address.ipv4, endpoint->ipv4, sizeof address.ipv4);
    memcpy(address.ipv6, endpoint->ipv6, sizeof address.ipv6);
    int status = DIVAK_OK;
    if (endpoint->service_length != 0) {
        status = append_field(span, DIVAK_FIELD_REMOTE_SERVICE, NULL, 0, endpoint->service, endpoint->service_length);
    }
    if (status == DIVAK_OK && has_address) {
        status = append_field(span, DIVAK_FIELD_REMOTE_ADDRESS, NULL, 0, (const char *)&address, sizeof address);
    }
    if (status != DIVAK_OK) {
        span->fields_end = before; /* all of it or nothing */
        close_record(span);
        return status;
    }
    forget_remote(span, before);
    return DIVAK_OK;
}

int divak_ended_span_remove_tag(divak_ended_span *span, const char *key, size_t key_length) {
    divak_field field;
    while (find_tag(span, key, key_length, &field)) forget_field(span, &field);
    return DIVAK_OK;
}

int divak_ended_span_remove_annotation(divak_ended_span *span, size_t index) {
    divak_field field;
    if (!find_annotation(span, index, &field)) return DIVAK_ERROR_INVALID;
    forget_field(span, &field);
    return DIVAK_OK;
}

bool divak_ended_span_handle(const divak_handler *handlers, size_t count, const divak_key_table *keys,
                             const divak_record *record, void *storage, size_t capacity) {
    divak_ended_span span = {.keys = keys, .record = storage, .capacity = capacity};
    memcpy(storage, record, record->length);
    const uint8_t *at = divak_record_fields(span.record);
    const uint8_t *end = at;
    divak_field field;
    while (divak_field_next(span.record, &at, &field)) end = at;
    span.fields_end = (size_t)(end - bytes_of(&span));
    close_record(&span);
    for (size_t i = 0; i < count; i++) {
        if (handlers[i].end == NULL) continue;
        if ((record->flags & DIVAK_RECORD_SAMPLED) == 0 && !handlers[i].wants_unsampled) continue;
        if (!handlers[i].end(handlers[i].context, &span)) return false;
    }
    return true;
}
