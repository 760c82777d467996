/* SPDX-License-Identifier: Apache-2.0 */
/* loss_span.c - see loss_span.h. */
#include "export/loss_span.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/dropped.h"

uint64_t divak_next_random(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15u;
    uint64_t value = *state;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

static uint8_t *write_number(uint8_t *end, const char *key, uint64_t number) {
    return divak_field_write(end, DIVAK_FIELD_TAG_UINT, key, strlen(key), &number, sizeof number);
}

divak_record *divak_loss_span_make(uint64_t storage[DIVAK_LOSS_SPAN_WORDS], const uint64_t lost[DIVAK_DROPPED_COUNT],
                                   uint64_t total, uint64_t *random) {
    uint64_t sum = 0;
    for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) sum += lost[reason];
    divak_record *record = (divak_record *)(void *)storage;
    *record = (divak_record){
        .flags = DIVAK_RECORD_SAMPLED | DIVAK_RECORD_SYNTHETIC,
        .trace_id_high = divak_next_random(random) | 1,
        .trace_id_low = divak_next_random(random) | 1,
        .start = divak_clock_wall_now() / 1000,
        .duration = 1,
    };
    record->span_id = record->trace_id_low;
    uint8_t *end = (uint8_t *)record + DIVAK_RECORD_HEADER;
    end = divak_field_write(end, DIVAK_FIELD_NAME, NULL, 0, "divak.lost", 10);
    end = write_number(end, "divak.lost", sum);
    for (uint32_t reason = 0; reason < DIVAK_DROPPED_COUNT; reason++) {
        char key[48];
        if (lost[reason] == 0) continue;
        (void)snprintf(key, sizeof key, "divak.lost.%s", divak_dropped_name(reason));
        end = write_number(end, key, lost[reason]);
    }
    end = write_number(end, "divak.lost.total", total);
    size_t length = (size_t)(end - (uint8_t *)record);
    while (length % 8 != 0) ((uint8_t *)record)[length++] = 0;
    record->length = (uint32_t)length;
    return record;
}
