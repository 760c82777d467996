/* SPDX-License-Identifier: Apache-2.0 */
/* handler.h - code that looks at every span as it begins and as it ends, and may change or drop it.
 *
 *     static bool redact(void *context, divak_ended_span *span) {
 *         (void)context;
 *         divak_ended_span_remove_tag(span, "password", 8);
 *         return true;                                  // false: drop it
 *     }
 *
 * and where the config is made
 *
 *     divak_config_add_handler(config, &(divak_handler){.end = redact});
 *
 * Handlers run in the order of adding. A begin handler runs on the thread that starts the span,
 * inside of start; several threads may be in it at once. An end handler runs on the flusher's
 * thread before any reporter sees the span, once a span. Neither may block, and neither may call
 * flush, shutdown or check. A begin handler makes every start a little slower.
 */
#ifndef DIVAK_HANDLER_H
#define DIVAK_HANDLER_H

#include "divak/reporter.h"
#include "divak/span.h"

DIVAK_BEGIN

typedef struct divak_ended_span divak_ended_span;

/* Why the span came to the end handler. */
enum {
    DIVAK_CAUSE_FINISHED = 0,
    DIVAK_CAUSE_FLUSHED = 1 /* by divak_span_flush, without an end */
};

typedef struct divak_handler {
    /* Called for each recorded span when it starts: tag it, if you like. `parent` is NULL for a
     * root. May be NULL. */
    void (*begin)(void *context, const divak_span *span, const divak_span *parent);
    /* Called for each recorded span after its end; false drops it for the handlers after this one
     * and for all reporters (counted `filtered`). Not called for abandoned spans. May be NULL. */
    bool (*end)(void *context, divak_ended_span *span);
    /* Yours; must stay valid until the tracer is shut down. */
    void *context;
    /* Sees the unsampled spans too (a firehose): while such a handler is attached, unsampled spans
     * are recorded, at the price of sampled ones, and end as `filtered`. */
    bool wants_unsampled;
} divak_handler;

/* The handler is copied. DIVAK_ERROR_INVALID when it has neither function, DIVAK_ERROR_FULL after
 * 16. */
DIVAK_API int divak_config_add_handler(divak_config *config, const divak_handler *handler);

/* What is known of an ended span. Texts are borrowed, are not ended by 0, and are valid until the
 * handler returns or changes the span; that of a number until the next value is asked for. */

/* Ids and flags; no more than that, so nothing can be said to it. */
DIVAK_API void divak_ended_span_ids(const divak_ended_span *span, divak_span *out_span);
DIVAK_API uint32_t divak_ended_span_cause(const divak_ended_span *span);
DIVAK_API divak_kind divak_ended_span_kind(const divak_ended_span *span);
/* Microseconds since 1970; 0 unknown. */
DIVAK_API uint64_t divak_ended_span_start(const divak_ended_span *span);
/* Microseconds; 0: none. */
DIVAK_API uint64_t divak_ended_span_duration(const divak_ended_span *span);
/* "" with length 0 when it has none. */
DIVAK_API const char *divak_ended_span_name(const divak_ended_span *span, size_t *out_length);
DIVAK_API bool divak_ended_span_has_tag(const divak_ended_span *span, const char *key,
                                        size_t key_length);
/* The value of a tag as text, or NULL. The tags of the setting "tags" are not among them. */
DIVAK_API const char *divak_ended_span_tag(const divak_ended_span *span, const char *key,
                                           size_t key_length, size_t *out_length);
/* The `index`-th tag, each key once, in no certain order: false when there are no more. */
DIVAK_API bool divak_ended_span_tag_at(const divak_ended_span *span, size_t index,
                                       const char **out_key, size_t *out_key_length,
                                       const char **out_value, size_t *out_value_length);
/* The `index`-th annotation in the order of recording; its time in microseconds since 1970. */
DIVAK_API bool divak_ended_span_annotation_at(const divak_ended_span *span, size_t index,
                                              uint64_t *out_timestamp, const char **out_text,
                                              size_t *out_length);

/* Changes; DIVAK_OK, or DIVAK_ERROR_TRUNCATED when the span has no more room, DIVAK_ERROR_INVALID
 * for NULL with a length or an empty key (unchanged then).
 * set_tag replaces, also the tag "error"; its value is text. Taking away what is not there is
 * DIVAK_OK for a tag, DIVAK_ERROR_INVALID for an annotation, whose followers move up by one. */
DIVAK_API int divak_ended_span_set_name(divak_ended_span *span, const char *name, size_t length);
DIVAK_API int divak_ended_span_set_tag(divak_ended_span *span, const char *key, size_t key_length,
                                       const char *value, size_t value_length);
/* Who was on the other side, in place of what was known; what `endpoint` leaves out is left out. */
DIVAK_API int divak_ended_span_set_remote(divak_ended_span *span, const divak_endpoint *endpoint);
DIVAK_API int divak_ended_span_remove_tag(divak_ended_span *span, const char *key,
                                          size_t key_length);
DIVAK_API int divak_ended_span_remove_annotation(divak_ended_span *span, size_t index);

DIVAK_END

#endif
