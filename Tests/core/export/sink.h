/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - a callback reporter for tests: it answers as told and keeps an account of what it took. */
#ifndef DIVAK_TEST_SINK_H
#define DIVAK_TEST_SINK_H

#include "tracing.h"

typedef struct sink {
    /* What to do. */
    int answer;                /* to every message; DIVAK_OK unless set */
    const char *poison;        /* text that makes a message DIVAK_ERROR_INVALID */
    uint64_t fails_first;      /* so many messages are answered `failure` before others count */
    int failure;
    long blocks_ms;            /* each call takes that long */
    bool keeps_last;
    /* What happened: written by the flusher's thread, read after a flush or atomically. */
    uint64_t calls, spans, taken; /* spans: those of messages answered DIVAK_OK */
    size_t largest, smallest_count;
    uint64_t malformed;
    char *last;                /* the last message, when keeps_last */
} sink;

/* Spans in a JSON list as Divak writes it: objects at depth one. */
static inline size_t sink_count(const char *body, size_t length) {
    if (length < 2 || body[0] != '[' || body[length - 1] != ']') return SIZE_MAX;
    size_t count = 0;
    int depth = 0;
    bool in_text = false;
    for (size_t i = 1; i + 1 < length; i++) {
        char byte = body[i];
        if (in_text) {
            if (byte == '\\') i++;
            else if (byte == '"') in_text = false;
        } else if (byte == '"') {
            in_text = true;
        } else if (byte == '{' || byte == '[') {
            if (depth++ == 0) count++;
        } else if (byte == '}' || byte == ']') {
            depth--;
        } else if (depth == 0 && byte != ',') {
            return SIZE_MAX;
        }
    }
    return depth == 0 ? count : SIZE_MAX;
}

static inline bool sink_contains(const char *body, size_t length, const char *text) {
    return memmem(body, length, text, strlen(text)) != NULL;
}

static inline int sink_send(void *context, const char *body, size_t length, size_t span_count) {
    sink *s = context;
    uint64_t call = __atomic_add_fetch(&s->calls, 1, __ATOMIC_RELAXED);
    if (sink_count(body, length) != span_count) s->malformed++;
    if (length > s->largest) s->largest = length;
    if (span_count < s->smallest_count || call == 1) s->smallest_count = span_count;
    if (s->keeps_last) {
        free(s->last);
        s->last = strndup(body, length);
    }
    if (s->blocks_ms != 0) tracing_sleep_ms(s->blocks_ms);
    if (call <= s->fails_first) return s->failure;
    if (s->poison != NULL && sink_contains(body, length, s->poison)) return DIVAK_ERROR_INVALID;
    int answer = __atomic_load_n(&s->answer, __ATOMIC_RELAXED);
    if (answer == DIVAK_OK) __atomic_add_fetch(&s->spans, span_count, __ATOMIC_RELAXED);
    return answer;
}

/* A tracer whose first reporter is the sink. */
static inline void sink_begin(tracing *t, sink *s) {
    tracing_begin_plain(t);
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(t->config, sink_send, s));
}

static inline void sink_record(tracing *t, const char *name, int count) {
    for (int i = 0; i < count; i++) {
        divak_span span = tracing_span(t->tracer, name, &divak_no_parent);
        CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    }
}

#endif
