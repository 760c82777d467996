/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - see convert.h. */
#include "collect/convert.h"

#include <string.h>

static uint64_t duration_between(divak_tracer *tracer, uint64_t start, uint64_t end) {
    if (end > start) return end - start;
    if (end < start) divak_add_relaxed(&tracer->counters.negative_duration, 1);
    return 1;
}

static void convert_span(divak_tracer *tracer, divak_record *record) {
    uint8_t flags = record->flags;
    uint64_t start_ticks = record->start, end = record->duration;
    if ((flags & DIVAK_RECORD_START_GIVEN) == 0) {
        record->start = divak_anchors_convert(tracer->anchors, record->anchor, start_ticks);
    }
    if ((flags & DIVAK_RECORD_NO_DURATION) != 0) {
        record->duration = 0;
    } else if ((flags & DIVAK_RECORD_DURATION_GIVEN) != 0) {
        record->duration = end;
    } else if ((flags & DIVAK_RECORD_END_GIVEN) != 0) {
        record->duration = duration_between(tracer, record->start, end);
    } else if ((flags & DIVAK_RECORD_START_GIVEN) != 0) {
        end = divak_anchors_convert(tracer->anchors, record->anchor, end);
        record->duration = duration_between(tracer, record->start, end);
    } else if (end >= start_ticks) {
        record->duration = divak_anchors_convert_duration(tracer->anchors, record->anchor, end - start_ticks);
    } else {
        record->duration = duration_between(tracer, start_ticks, end);
    }
    record->flags = flags & (uint8_t)~(DIVAK_RECORD_START_GIVEN | DIVAK_RECORD_DURATION_GIVEN | DIVAK_RECORD_END_GIVEN);
}

void divak_record_convert_times(divak_tracer *tracer, divak_record *record) {
    const uint8_t *at = divak_record_fields(record);
    divak_field field;
    while (divak_field_next(record, &at, &field)) {
        if (field.type != DIVAK_FIELD_ANNOTATION && field.type != DIVAK_FIELD_ANNOTATION_AT) continue;
        if (field.value_length < sizeof(uint64_t)) continue;
        uint8_t *head = (uint8_t *)record + (field.key - DIVAK_FIELD_HEADER - (const uint8_t *)record);
        uint8_t *value = (uint8_t *)record + (field.value - (const uint8_t *)record);
        if (field.type == DIVAK_FIELD_ANNOTATION_AT) {
            head[0] = DIVAK_FIELD_ANNOTATION;
            continue;
        }
        uint64_t time;
        memcpy(&time, value, sizeof time);
        time = divak_anchors_convert(tracer->anchors, record->anchor, time);
        memcpy(value, &time, sizeof time);
    }
    convert_span(tracer, record);
}
