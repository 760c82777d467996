/* SPDX-License-Identifier: Apache-2.0 */
/* span_facts.c - what is said about a live span less often: annotations, name, kind, start, error, endpoints. */
#include <string.h>

#include "base/clock.h"
#include "collect/span.h"
#include "model/text_limit.h"

/* Enters a recorded span without room, to change what is not a field; NULL and a status when it is none. */
static divak_slot *enter(const divak_span *span, int *out_status) {
    if (!divak_span_is_recording(span)) {
        *out_status = DIVAK_ERROR_NOT_RECORDING;
        return NULL;
    }
    divak_tracer *tracer = divak_tracer_of(span);
    divak_slot *slot = divak_slot_at(&tracer->slab, span->slot);
    uint64_t offset;
    divak_slot_result result = divak_slot_enter(slot, span->generation, 0, tracer->field_limit, &offset);
    *out_status = result == DIVAK_SLOT_OK ? DIVAK_OK : divak_span_refuse(tracer, span, result);
    return result == DIVAK_SLOT_OK ? slot : NULL;
}

static int leave(const divak_span *span, divak_slot *slot) {
    if (divak_slot_leave(slot) == DIVAK_SLOT_LAST) {
        (void)divak_span_commit(divak_tracer_of(span), slot);
    }
    return DIVAK_OK;
}

/* Kind and flags of the record share a word that others may be at. */
static void change_meta(divak_slot *slot, uint64_t clear, uint64_t set) {
    uint64_t meta = divak_load_relaxed(&slot->meta);
    /* Relaxed: the leave that follows hands it over. */
    while (!divak_cas_weak_relaxed(&slot->meta, &meta, (meta & ~clear) | set)) {
    }
}

/* Adds a text with no key, cut to `limit`. */
static int add_text(const divak_span *span, uint8_t type, const char *text, size_t length, size_t limit,
                    const uint64_t *time_first) {
    if (text == NULL && length != 0) return DIVAK_ERROR_INVALID;
    bool is_cut = divak_text_limit(text, &length, limit);
    int status = divak_span_add_field(span, type, NULL, 0, text, length, time_first);
    if (status != DIVAK_OK || !is_cut) return status;
    divak_add_relaxed(&divak_tracer_of(span)->counters.truncated, 1);
    return DIVAK_ERROR_TRUNCATED;
}

int divak_span_annotate(const divak_span *span, const char *text, size_t length) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    divak_tracer *tracer = divak_tracer_of(span);
    uint64_t now = divak_tracer_ticks(tracer);
    return add_text(span, DIVAK_FIELD_ANNOTATION, text, length, tracer->options.value_bytes, &now);
}

int divak_span_annotate_at(const divak_span *span, uint64_t timestamp, const char *text, size_t length) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    if (timestamp == 0) return DIVAK_ERROR_INVALID;
    return add_text(span, DIVAK_FIELD_ANNOTATION_AT, text, length, divak_tracer_of(span)->options.value_bytes,
                    &timestamp);
}

int divak_span_error(const divak_span *span, const char *text, size_t length) {
    return divak_span_tag(span, "error", 5, text == NULL ? "" : text, text == NULL ? 0 : length);
}

int divak_span_rename(const divak_span *span, const char *name, size_t name_length) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    return add_text(span, DIVAK_FIELD_NAME, name, name_length, divak_tracer_of(span)->options.name_bytes, NULL);
}

int divak_span_rename_by_key(const divak_span *span, divak_key name) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    name = divak_key_id(name);
    if (name - 1 >= divak_load_relaxed(&divak_keys.count)) return DIVAK_ERROR_INVALID;
    return divak_span_add_field(span, DIVAK_FIELD_NAME | DIVAK_FIELD_KEY_ID, &name, sizeof name, NULL, 0, NULL);
}

int divak_span_set_kind(const divak_span *span, divak_kind kind) {
    if (kind > DIVAK_KIND_PERIODIC) return DIVAK_ERROR_INVALID;
    int status;
    divak_slot *slot = enter(span, &status);
    if (slot == NULL) return status;
    change_meta(slot, 0xff, kind);
    return leave(span, slot);
}

int divak_span_set_start(const divak_span *span, uint64_t timestamp) {
    if (timestamp == 0) return DIVAK_ERROR_INVALID;
    int status;
    divak_slot *slot = enter(span, &status);
    if (slot == NULL) return status;
    /* Two threads may set it at once; whoever commits comes after both. */
    __atomic_store_n(&slot->record.start, timestamp, __ATOMIC_RELAXED);
    change_meta(slot, 0, (uint64_t)DIVAK_RECORD_START_GIVEN << 8);
    return leave(span, slot);
}

int divak_span_set_shared(const divak_span *span, bool shared) {
    int status;
    divak_slot *slot = enter(span, &status);
    if (slot == NULL) return status;
    change_meta(slot, (uint64_t)DIVAK_RECORD_SHARED << 8, shared ? (uint64_t)DIVAK_RECORD_SHARED << 8 : 0);
    return leave(span, slot);
}

int divak_span_set_sampled(divak_span *span, bool sampled) {
    if (span == NULL) return DIVAK_ERROR_NOT_RECORDING;
    if ((span->flags & DIVAK_SPAN_DEBUG) != 0 && !sampled) return DIVAK_ERROR_INVALID;
    int status;
    divak_slot *slot = enter(span, &status);
    if (slot == NULL) return status;
    const uint64_t bit = (uint64_t)DIVAK_RECORD_SAMPLED << 8;
    change_meta(slot, bit, sampled ? bit : 0);
    span->flags = (span->flags & ~(uint32_t)DIVAK_SPAN_SAMPLED) | DIVAK_SPAN_DECIDED |
                  (sampled ? DIVAK_SPAN_SAMPLED : 0u);
    return leave(span, slot);
}

static int set_endpoint(const divak_span *span, const divak_endpoint *endpoint, uint8_t service_type,
                        uint8_t address_type) {
    if (!divak_span_is_recording(span)) return DIVAK_ERROR_NOT_RECORDING;
    if (endpoint == NULL) return DIVAK_ERROR_INVALID;
    int status = DIVAK_OK;
    if (endpoint->service != NULL && endpoint->service_length != 0) {
        status = add_text(span, service_type, endpoint->service, endpoint->service_length,
                          divak_tracer_of(span)->options.name_bytes, NULL);
        if (status != DIVAK_OK && status != DIVAK_ERROR_TRUNCATED) return status;
    }
    if (!endpoint->has_ipv4 && !endpoint->has_ipv6 && endpoint->port == 0) return status;
    divak_record_address address = {
        .has_ipv4 = endpoint->has_ipv4, .has_ipv6 = endpoint->has_ipv6, .port = endpoint->port};
    memcpy(address.ipv4, endpoint->ipv4, sizeof address.ipv4);
    memcpy(address.ipv6, endpoint->ipv6, sizeof address.ipv6);
    int second = divak_span_add_field(span, address_type, NULL, 0, &address, sizeof address, NULL);
    return second != DIVAK_OK ? second : status;
}

int divak_span_set_remote(const divak_span *span, const divak_endpoint *endpoint) {
    return set_endpoint(span, endpoint, DIVAK_FIELD_REMOTE_SERVICE, DIVAK_FIELD_REMOTE_ADDRESS);
}

int divak_span_set_local(const divak_span *span, const divak_endpoint *endpoint) {
    return set_endpoint(span, endpoint, DIVAK_FIELD_LOCAL_SERVICE, DIVAK_FIELD_LOCAL_ADDRESS);
}
