/* SPDX-License-Identifier: Apache-2.0 */
/* carried.c - writes and reads the sections of a baggage entry. */
#include "api/carried.h"

static void write_head(char *head, uint8_t kind, uint8_t field, size_t length) {
    head[0] = (char)kind;
    head[1] = (char)field;
    head[2] = (char)(length & 0xff);
    head[3] = (char)(length >> 8 & 0xff);
}

void divak_carried_add(divak_buffer *buffer, uint8_t kind, uint8_t field, const char *text,
                       size_t length) {
    if (length > DIVAK_CARRIED_TEXT_MAX) return;
    /* Both or none: a head without its text would take the next section for it. */
    char *head = divak_buffer_reserve(buffer, DIVAK_CARRIED_HEAD + length);
    if (head == NULL) return;
    write_head(head, kind, field, length);
    buffer->length += DIVAK_CARRIED_HEAD;
    divak_buffer_append(buffer, text, length);
}

size_t divak_carried_begin(divak_buffer *buffer, uint8_t kind, uint8_t field) {
    size_t at = buffer->length;
    char *head = divak_buffer_reserve(buffer, DIVAK_CARRIED_HEAD);
    if (head == NULL) return at;
    write_head(head, kind, field, 0);
    buffer->length += DIVAK_CARRIED_HEAD;
    return at;
}

void divak_carried_end(divak_buffer *buffer, size_t at) {
    if (buffer->length < at + DIVAK_CARRIED_HEAD) return; /* begin found no memory */
    size_t length = buffer->length - at - DIVAK_CARRIED_HEAD;
    if (length == 0 || length > DIVAK_CARRIED_TEXT_MAX) {
        buffer->length = at;
        return;
    }
    char *head = buffer->bytes + at;
    head[2] = (char)(length & 0xff);
    head[3] = (char)(length >> 8 & 0xff);
}

bool divak_carried_next(const unsigned char *bytes, size_t length, size_t *at, divak_carried *out) {
    if (length - *at < DIVAK_CARRIED_HEAD) return false;
    const unsigned char *head = bytes + *at;
    size_t text_length = (size_t)head[2] | (size_t)head[3] << 8;
    if (length - *at - DIVAK_CARRIED_HEAD < text_length) return false;
    *out = (divak_carried){
        .kind = head[0],
        .field = head[1],
        .text = (const char *)(head + DIVAK_CARRIED_HEAD),
        .length = text_length,
    };
    *at += DIVAK_CARRIED_HEAD + text_length;
    return true;
}
