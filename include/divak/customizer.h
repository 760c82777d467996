/* SPDX-License-Identifier: Apache-2.0 */
/* customizer.h - a span for those who may add to it, and do no more: for code of others.
 *
 *     static void describe(const divak_customizer *span) {
 *         divak_customizer_rename(span, "get /users/{id}", 15);
 *         divak_customizer_tag(span, "http.path", 9, "/users/42", 9);
 *     }
 *
 * is somebody else's, and where the span is made
 *
 *     divak_customizer customizer = divak_span_customizer(&span);
 *     describe(&customizer);
 *     divak_span_finish(&span);
 *
 * The compiler refuses it where a divak_span is wanted: it can't be finished, moved, made current,
 * or passed on as a parent. It is a value, and harmless after the span's end. NULL is "tracing is
 * off". Results are those of the functions of the same names in span.h.
 */
#ifndef DIVAK_CUSTOMIZER_H
#define DIVAK_CUSTOMIZER_H

#include "divak/span.h"

DIVAK_BEGIN

typedef struct divak_customizer {
    divak_span hidden; /* Divak's own */
} divak_customizer;

/* The span for those who may add to it. NULL gives one that records nothing. */
static inline divak_customizer divak_span_customizer(const divak_span *span) {
    divak_customizer customizer = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
    if (span != NULL) customizer.hidden = *span;
    return customizer;
}

/* The span behind it; for the functions below. */
static inline const divak_span *divak_customizer_hidden(const divak_customizer *customizer) {
    return customizer == NULL ? NULL : &customizer->hidden;
}

static inline bool divak_customizer_is_recording(const divak_customizer *customizer) {
    return divak_span_is_recording(divak_customizer_hidden(customizer));
}
static inline int divak_customizer_tag(const divak_customizer *customizer, const char *key,
                                       size_t key_length, const char *value, size_t value_length) {
    return divak_span_tag(divak_customizer_hidden(customizer), key, key_length, value,
                          value_length);
}
static inline int divak_customizer_tag_int(const divak_customizer *customizer, const char *key,
                                           size_t key_length, int64_t value) {
    return divak_span_tag_int(divak_customizer_hidden(customizer), key, key_length, value);
}
static inline int divak_customizer_tag_uint(const divak_customizer *customizer, const char *key,
                                            size_t key_length, uint64_t value) {
    return divak_span_tag_uint(divak_customizer_hidden(customizer), key, key_length, value);
}
static inline int divak_customizer_tag_double(const divak_customizer *customizer, const char *key,
                                              size_t key_length, double value) {
    return divak_span_tag_double(divak_customizer_hidden(customizer), key, key_length, value);
}
static inline int divak_customizer_tag_bool(const divak_customizer *customizer, const char *key,
                                            size_t key_length, bool value) {
    return divak_span_tag_bool(divak_customizer_hidden(customizer), key, key_length, value);
}
static inline int divak_customizer_tag_by_key(const divak_customizer *customizer, divak_key key,
                                              const char *value, size_t value_length) {
    return divak_span_tag_by_key(divak_customizer_hidden(customizer), key, value, value_length);
}
static inline int divak_customizer_tag_int_by_key(const divak_customizer *customizer, divak_key key,
                                                  int64_t value) {
    return divak_span_tag_int_by_key(divak_customizer_hidden(customizer), key, value);
}
static inline int divak_customizer_tag_uint_by_key(const divak_customizer *customizer,
                                                   divak_key key, uint64_t value) {
    return divak_span_tag_uint_by_key(divak_customizer_hidden(customizer), key, value);
}
static inline int divak_customizer_tag_double_by_key(const divak_customizer *customizer,
                                                     divak_key key, double value) {
    return divak_span_tag_double_by_key(divak_customizer_hidden(customizer), key, value);
}
static inline int divak_customizer_tag_bool_by_key(const divak_customizer *customizer,
                                                   divak_key key, bool value) {
    return divak_span_tag_bool_by_key(divak_customizer_hidden(customizer), key, value);
}
static inline int divak_customizer_annotate(const divak_customizer *customizer, const char *text,
                                            size_t length) {
    return divak_span_annotate(divak_customizer_hidden(customizer), text, length);
}
static inline int divak_customizer_rename(const divak_customizer *customizer, const char *name,
                                          size_t name_length) {
    return divak_span_rename(divak_customizer_hidden(customizer), name, name_length);
}
static inline int divak_customizer_rename_by_key(const divak_customizer *customizer,
                                                 divak_key name) {
    return divak_span_rename_by_key(divak_customizer_hidden(customizer), name);
}

DIVAK_END

#endif
