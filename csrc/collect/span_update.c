/* SPDX-License-Identifier: Apache-2.0 */
/* span_update.c - what is said about a live span: tags, annotations, names, endpoints. The hot path: no calls but for
 * long texts, no locks, plain stores where the span's owner says it, else two atomic operations a tag. */
#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
#include "collect/span.h"
#include "model/text_limit.h"

int divak_span_refuse(divak_tracer *tracer, const divak_span *span, divak_slot_result result) {
    if (span->slot == 0 || divak_load_relaxed(&tracer->mode) == DIVAK_TRACER_NONE) return DIVAK_ERROR_STALE;
    if (result == DIVAK_SLOT_NO_ROOM) {
        divak_add_relaxed(&tracer->counters.truncated, 1);
        return DIVAK_ERROR_TRUNCATED;
    }
    uint32_t behind = divak_slot_generation(divak_slot_at(&tracer->slab, span->slot)) - span->generation;
    if (result == DIVAK_SLOT_STALE && behind >= DIVAK_SLOT_INHERITED) {
        divak_add_relaxed(&tracer->counters.inherited_by_fork, 1);
        return DIVAK_ERROR_STALE;
    }
    divak_add_relaxed(&tracer->counters.double_finish, 1);
    return result == DIVAK_SLOT_IS_ENDED ? DIVAK_ERROR_ENDED : DIVAK_ERROR_STALE;
}

/* Ends a call that the span ended under: this writer was the last one inside. */
static __attribute__((noinline)) int commit_last(divak_tracer *tracer, divak_slot *slot) {
    (void)divak_span_commit(tracer, slot);
    return DIVAK_OK;
}

static __attribute__((noinline)) int refuse(const divak_span *span, divak_slot_result result) {
    return divak_span_refuse(divak_tracer_of(span), span, result);
}

/* Whether one more tag or annotation is within its limit; counts it. */
static bool count_field(divak_atomic_u32 *counter, uint32_t limit) {
    uint32_t count = divak_load_relaxed(counter);
    if (count >= limit) return false;
    divak_store_relaxed(counter, count + 1);
    return true;
}

static __attribute__((noinline)) bool widen(divak_slot *slot, uint32_t generation, uint64_t owned,
                                            const divak_span *span) {
    return divak_lane_widen_owned(slot, generation, owned, divak_tracer_of(span)->field_limit);
}

/* The bytes of a field whose key and value are of less than 32 bytes each. */
static inline __attribute__((always_inline)) void write_short_field(uint8_t *field, uint32_t type, const void *key,
                                                                    size_t key_length, const void *value,
                                                                    size_t value_length) {
    divak_field_write_head(field, type, key_length, value_length);
    divak_copy_short(field + DIVAK_FIELD_HEADER, key, key_length);
    divak_copy_short(field + DIVAK_FIELD_HEADER + key_length, value, value_length);
}

static inline divak_lane *lane_of(const divak_span *span) {
    return divak_this_thread.quick_lanes[span->tracer & (DIVAK_TRACERS_MAX - 1)];
}

/* Writes a field, key and value of less than 32 bytes each, into the span that this thread began last, as its owner. No call
 * and no atomic operation but plain stores. False: it is not that one, or the owner's room is used up. */
static inline __attribute__((always_inline)) bool add_to_last(const divak_span *span, uint32_t type, const void *key,
                                                              size_t key_length, const void *value,
                                                              size_t value_length) {
    divak_lane *lane = lane_of(span);
    divak_slot *slot;
    uint64_t word;
    if (__builtin_expect(!divak_lane_enter_last(lane, divak_span_key(span), &slot, &word), 0)) return false;
    const uint64_t offset = divak_load_relaxed(&slot->owned);
    const uint64_t owned = offset + divak_field_size(key_length, value_length);
    if (__builtin_expect(owned > (word & DIVAK_SLOT_RESERVED_MASK), 0)) {
        divak_lane_leave_owned(lane, slot, (uint32_t)offset);
        return false;
    }
    write_short_field(slot->fields + offset, type, key, key_length, value, value_length);
    divak_lane_leave_owned(lane, slot, (uint32_t)owned);
    return true;
}

/* The same for any span that this thread began. */
static inline __attribute__((always_inline)) bool add_owned_tag(const divak_span *span, uint32_t type, const void *key,
                                                                size_t key_length, const void *value,
                                                                size_t value_length) {
    const uint32_t number = span->slot;
    divak_lane *lane = lane_of(span);
    divak_slot *slot = divak_lane_slot(lane, number);
    const uint32_t generation = span->generation;
    if (!divak_lane_enter_owned(lane, slot, number, generation)) return false;
    const uint64_t offset = divak_load_relaxed(&slot->owned);
    const uint64_t owned = offset + divak_field_size(key_length, value_length);
    if (__builtin_expect(owned > divak_load_relaxed(&slot->owned_room), 0) && !widen(slot, generation, owned, span)) {
        divak_lane_leave_owned(lane, slot, (uint32_t)offset);
        return false;
    }
    write_short_field(slot->fields + offset, type, key, key_length, value, value_length);
    divak_lane_leave_owned(lane, slot, (uint32_t)owned);
    return true;
}

/* A tag whose texts are of less than 32 bytes, where nothing counts tags: as the owner, or in company. */
static inline __attribute__((always_inline)) int add_short_tag(const divak_span *span, uint32_t type, const void *key,
                                                               size_t key_length, const void *value,
                                                               size_t value_length) {
    if (add_owned_tag(span, type, key, key_length, value, value_length)) return DIVAK_OK;
    divak_tracer *tracer = divak_tracer_of(span);
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    uint64_t offset;
    divak_slot_result result = divak_slot_enter(slot, span->generation, divak_field_size(key_length, value_length),
                                                tracer->field_limit, &offset);
    if (__builtin_expect(result != DIVAK_SLOT_OK, 0)) return refuse(span, result);
    write_short_field(slot->fields + offset, type, key, key_length, value, value_length);
    if (__builtin_expect(divak_slot_leave(slot) == DIVAK_SLOT_LAST, 0)) return commit_last(tracer, slot);
    return DIVAK_OK;
}

static void write_field(uint8_t *field, uint8_t type, const void *key, size_t key_length, const void *value,
                        size_t value_length, const uint64_t *time_first) {
    const size_t time_length = time_first == NULL ? 0 : sizeof *time_first;
    uint32_t head = divak_field_head(type, key_length, time_length + value_length);
    memcpy(field, &head, sizeof head);
    field += DIVAK_FIELD_HEADER;
    if (key_length != 0) memcpy(field, key, key_length);
    if (time_length != 0) memcpy(field + key_length, time_first, time_length);
    if (value_length != 0) memcpy(field + key_length + time_length, value, value_length);
}

int divak_span_add_field(const divak_span *span, uint8_t type, const void *key, size_t key_length, const void *value,
                         size_t value_length, const uint64_t *time_first) {
    divak_tracer *tracer = divak_tracer_of(span);
    const uint32_t number = span->slot;
    divak_slot *slot = divak_slot_at(&tracer->slab, number);
    const size_t time_length = time_first == NULL ? 0 : sizeof *time_first;
    const size_t size = divak_field_size(key_length, time_length + value_length);
    divak_lane *lane = lane_of(span);
    uint64_t offset;
    if (divak_lane_enter_owned(lane, slot, number, span->generation)) {
        offset = divak_load_relaxed(&slot->owned);
        const bool fits = offset + size <= divak_load_relaxed(&slot->owned_room) ||
                          widen(slot, span->generation, offset + size, span);
        if (fits) write_field(slot->fields + offset, type, key, key_length, value, value_length, time_first);
        divak_lane_leave_owned(lane, slot, (uint32_t)(fits ? offset + size : offset));
        if (fits) return DIVAK_OK;
    }
    divak_slot_result result = divak_slot_enter(slot, span->generation, size, tracer->field_limit, &offset);
    if (result != DIVAK_SLOT_OK) return divak_span_refuse(tracer, span, result);
    int status = DIVAK_OK;
    uint8_t kind_of_field = type & (uint8_t)~DIVAK_FIELD_KEY_ID;
    bool fits = true;
    if (!tracer->counts_fields) {
        /* More than fit can't be. */
    } else if (kind_of_field >= DIVAK_FIELD_TAG_TEXT && kind_of_field <= DIVAK_FIELD_TAG_BOOL) {
        fits = count_field(&slot->tags, tracer->options.tags_max);
    } else if (kind_of_field == DIVAK_FIELD_ANNOTATION || kind_of_field == DIVAK_FIELD_ANNOTATION_AT) {
        fits = count_field(&slot->annotations, tracer->options.annotations_max);
    }
    if (!fits) {
        type = DIVAK_FIELD_SKIP;
        divak_add_relaxed(&tracer->counters.truncated, 1);
        status = DIVAK_ERROR_TRUNCATED;
    }
    write_field(slot->fields + offset, type, key, key_length, value, value_length, time_first);
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) (void)commit_last(tracer, slot);
    return status;
}

/* A key of which not even the first code point is within the limit: the tag is left out. */
static int refuse_key(divak_tracer *tracer) {
    divak_add_relaxed(&tracer->counters.truncated, 1);
    return DIVAK_ERROR_TRUNCATED;
}

/* Cuts what is over its limit, at a code point, then adds. */
static __attribute__((noinline)) int add_long_tag(const divak_span *span, const char *key, size_t key_length,
                                                  const char *value, size_t value_length) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (span->slot == 0) return DIVAK_ERROR_STALE;
    if (key == NULL || key_length == 0 || (value == NULL && value_length != 0)) return DIVAK_ERROR_INVALID;
    bool is_cut = divak_text_limit(key, &key_length, tracer->options.key_bytes);
    if (key_length == 0) return refuse_key(tracer);
    is_cut |= divak_text_limit(value, &value_length, tracer->options.value_bytes);
    int status = divak_span_add_field(span, DIVAK_FIELD_TAG_TEXT, key, key_length, value, value_length, NULL);
    if (status == DIVAK_OK && is_cut) {
        divak_add_relaxed(&tracer->counters.truncated, 1);
        return DIVAK_ERROR_TRUNCATED;
    }
    return status;
}

/* Looked at first where it answers first: calls for a span that is not recorded are so short that a jump taken is a tenth of
 * them; for one that is recorded it makes no difference. */
static inline bool is_recorded(const divak_span *span) {
    return (span->flags & DIVAK_SPAN_RECORDING) != 0;
}

static __attribute__((noinline)) int tag_otherwise(const divak_span *span, const char *key, size_t key_length,
                                                   const char *value, size_t value_length) {
    /* One less than 0 is more than any limit: an empty key goes the long way too. */
    if (__builtin_expect(((key_length - 1) | value_length) >= divak_tracer_of(span)->short_limit || key == NULL ||
                             value == NULL, 0)) {
        return add_long_tag(span, key, key_length, value, value_length);
    }
    return add_short_tag(span, DIVAK_FIELD_TAG_TEXT, key, key_length, value, value_length);
}

int divak_span_tag_recorded(const divak_span *span, const char *key, size_t key_length, const char *value,
                            size_t value_length) {
    if (__builtin_expect(!is_recorded(span), 1)) return DIVAK_ERROR_NOT_RECORDING;
    /* Only where nothing is cut or counted does a span have an owner, so that neither need be looked at. */
    if (__builtin_expect(((key_length - 1) | value_length) < DIVAK_COPY_SHORT_LIMIT && key != NULL && value != NULL &&
                             add_to_last(span, DIVAK_FIELD_TAG_TEXT, key, key_length, value, value_length), 1)) {
        return DIVAK_OK;
    }
    return tag_otherwise(span, key, key_length, value, value_length);
}

static __attribute__((noinline)) int add_long_key(const divak_span *span, uint8_t type, const char *key,
                                                  size_t key_length, const void *value, size_t value_length) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (key == NULL || key_length == 0) return DIVAK_ERROR_INVALID;
    bool is_cut = divak_text_limit(key, &key_length, tracer->options.key_bytes);
    if (key_length == 0) return refuse_key(tracer);
    int status = divak_span_add_field(span, type, key, key_length, value, value_length, NULL);
    if (status == DIVAK_OK && is_cut) {
        divak_add_relaxed(&tracer->counters.truncated, 1);
        return DIVAK_ERROR_TRUNCATED;
    }
    return status;
}

/* The number travels in a register on both ways: taking its address would put it on the stack. */
static __attribute__((noinline)) int add_long_number(const divak_span *span, uint32_t type, const char *key,
                                                     size_t key_length, uint64_t bits) {
    return add_long_key(span, (uint8_t)type, key, key_length, &bits, sizeof bits);
}

static __attribute__((noinline)) int number_otherwise(const divak_span *span, uint32_t type, const char *key,
                                                      size_t key_length, uint64_t bits) {
    if (__builtin_expect(key_length - 1 >= divak_tracer_of(span)->short_limit || key == NULL, 0)) {
        return add_long_number(span, type, key, key_length, bits);
    }
    return add_short_tag(span, type, key, key_length, &bits, sizeof bits);
}

static inline __attribute__((always_inline)) int add_number(const divak_span *span, uint32_t type, const char *key,
                                                            size_t key_length, uint64_t bits) {
    if (__builtin_expect(!is_recorded(span), 1)) return DIVAK_ERROR_NOT_RECORDING;
    if (__builtin_expect(key_length - 1 < DIVAK_COPY_SHORT_LIMIT && key != NULL &&
                             add_to_last(span, type, key, key_length, &bits, sizeof bits), 1)) {
        return DIVAK_OK;
    }
    return number_otherwise(span, type, key, key_length, bits);
}

int divak_span_tag_int_recorded(const divak_span *span, const char *key, size_t key_length, int64_t value) {
    return add_number(span, DIVAK_FIELD_TAG_INT, key, key_length, (uint64_t)value);
}

int divak_span_tag_uint_recorded(const divak_span *span, const char *key, size_t key_length, uint64_t value) {
    return add_number(span, DIVAK_FIELD_TAG_UINT, key, key_length, value);
}

int divak_span_tag_double_recorded(const divak_span *span, const char *key, size_t key_length, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return add_number(span, DIVAK_FIELD_TAG_DOUBLE, key, key_length, bits);
}

int divak_span_tag_bool_recorded(const divak_span *span, const char *key, size_t key_length, bool value) {
    uint8_t byte = value;
    if (!is_recorded(span)) return DIVAK_ERROR_NOT_RECORDING;
    return add_long_key(span, DIVAK_FIELD_TAG_BOOL, key, key_length, &byte, sizeof byte);
}

static __attribute__((noinline)) int add_counted_by_key(const divak_span *span, uint32_t type, divak_key key,
                                                        uint64_t bits, size_t length) {
    if (key - 1 >= divak_load_relaxed(&divak_keys.count)) return DIVAK_ERROR_INVALID;
    return divak_span_add_field(span, (uint8_t)(type | DIVAK_FIELD_KEY_ID), &key, sizeof key, &bits, length, NULL);
}

static __attribute__((noinline)) int number_by_key_otherwise(const divak_span *span, uint32_t type, divak_key key,
                                                             uint64_t bits) {
    if (__builtin_expect(divak_tracer_of(span)->short_limit == 0 || key - 1 >= divak_load_relaxed(&divak_keys.count),
                         0)) {
        return add_counted_by_key(span, type, key, bits, sizeof bits);
    }
    return add_short_tag(span, type | DIVAK_FIELD_KEY_ID, &key, sizeof key, &bits, sizeof bits);
}

static inline __attribute__((always_inline)) int add_number_by_key(const divak_span *span, uint32_t type,
                                                                   divak_key key, uint64_t bits) {
    if (__builtin_expect(!is_recorded(span), 1)) return DIVAK_ERROR_NOT_RECORDING;
    key = divak_key_id(key);
    if (__builtin_expect(key - 1 < divak_load_relaxed(&divak_keys.count) &&
                             add_to_last(span, type | DIVAK_FIELD_KEY_ID, &key, sizeof key, &bits, sizeof bits), 1)) {
        return DIVAK_OK;
    }
    return number_by_key_otherwise(span, type, key, bits);
}

static __attribute__((noinline)) int add_long_value_by_key(const divak_span *span, divak_key key, const char *value,
                                                           size_t value_length) {
    divak_tracer *tracer = divak_tracer_of(span);
    if (!is_recorded(span)) return DIVAK_ERROR_NOT_RECORDING;
    if (key - 1 >= divak_load_relaxed(&divak_keys.count)) return DIVAK_ERROR_INVALID;
    if (value == NULL && value_length != 0) return DIVAK_ERROR_INVALID;
    bool is_cut = divak_text_limit(value, &value_length, tracer->options.value_bytes);
    int status = divak_span_add_field(span, DIVAK_FIELD_TAG_TEXT | DIVAK_FIELD_KEY_ID, &key, sizeof key, value,
                                      value_length, NULL);
    if (status == DIVAK_OK && is_cut) {
        divak_add_relaxed(&tracer->counters.truncated, 1);
        return DIVAK_ERROR_TRUNCATED;
    }
    return status;
}

static __attribute__((noinline)) int tag_by_key_otherwise(const divak_span *span, divak_key key, const char *value,
                                                          size_t value_length) {
    if (__builtin_expect(value == NULL || value_length >= divak_tracer_of(span)->short_limit ||
                             divak_tracer_of(span)->short_limit == 0 ||
                             key - 1 >= divak_load_relaxed(&divak_keys.count), 0)) {
        return add_long_value_by_key(span, key, value, value_length);
    }
    return add_short_tag(span, DIVAK_FIELD_TAG_TEXT | DIVAK_FIELD_KEY_ID, &key, sizeof key, value, value_length);
}

int divak_span_tag_by_key_recorded(const divak_span *span, divak_key key, const char *value, size_t value_length) {
    if (__builtin_expect(!is_recorded(span), 1)) return DIVAK_ERROR_NOT_RECORDING;
    key = divak_key_id(key);
    if (__builtin_expect(value != NULL && value_length < DIVAK_COPY_SHORT_LIMIT &&
                             key - 1 < divak_load_relaxed(&divak_keys.count) &&
                             add_to_last(span, DIVAK_FIELD_TAG_TEXT | DIVAK_FIELD_KEY_ID, &key, sizeof key, value,
                                           value_length), 1)) {
        return DIVAK_OK;
    }
    return tag_by_key_otherwise(span, key, value, value_length);
}

int divak_span_tag_int_by_key_recorded(const divak_span *span, divak_key key, int64_t value) {
    return add_number_by_key(span, DIVAK_FIELD_TAG_INT, key, (uint64_t)value);
}

int divak_span_tag_uint_by_key_recorded(const divak_span *span, divak_key key, uint64_t value) {
    return add_number_by_key(span, DIVAK_FIELD_TAG_UINT, key, value);
}

int divak_span_tag_double_by_key_recorded(const divak_span *span, divak_key key, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return add_number_by_key(span, DIVAK_FIELD_TAG_DOUBLE, key, bits);
}

int divak_span_tag_bool_by_key_recorded(const divak_span *span, divak_key key, bool value) {
    uint8_t byte = value;
    if (!is_recorded(span)) return DIVAK_ERROR_NOT_RECORDING;
    key = divak_key_id(key);
    if (key - 1 >= divak_load_relaxed(&divak_keys.count)) return DIVAK_ERROR_INVALID;
    return divak_span_add_field(span, DIVAK_FIELD_TAG_BOOL | DIVAK_FIELD_KEY_ID, &key, sizeof key, &byte, sizeof byte,
                                NULL);
}
