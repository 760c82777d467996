/* SPDX-License-Identifier: Apache-2.0 */
/* ended_span.h - an ended span in the hands of end handlers; the contract is divak/handler.h. */
#ifndef DIVAK_EXPORT_ENDED_SPAN_H
#define DIVAK_EXPORT_ENDED_SPAN_H

#include "divak/handler.h"
#include "model/keys.h"
#include "model/record.h"

/* Room for changes: a record may double, up to the largest there is. */
struct divak_ended_span {
    const divak_key_table *keys;
    divak_record *record; /* ours, `capacity` bytes */
    size_t capacity;
    size_t fields_end;    /* bytes of the record in use, padding excluded */
    char number[40];      /* the text of the number asked for last */
};

/* Copies `record` (times in microseconds) into `storage` and lets the handlers at it. False: dropped. The changed record
 * is in `storage`, with its length a multiple of 8. */
bool divak_ended_span_handle(const divak_handler *handlers, size_t count, const divak_key_table *keys,
                             const divak_record *record, void *storage, size_t capacity);

#endif
