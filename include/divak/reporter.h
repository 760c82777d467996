/* SPDX-License-Identifier: Apache-2.0 */
/* reporter.h - where spans go. Each reporter of a tracer gets every sampled span, at its own pace.
 *
 *     divak_memory_reporter *memory;
 *     divak_config_add_memory_reporter(config, &memory);
 *     divak_tracer_create(config, &tracer);
 *     divak_tracer_flush(tracer, 1000, NULL);
 *     size_t length;
 *     char *json = divak_memory_reporter_take(memory, &length);        // "[{...},{...}]"
 *     divak_free(json);
 *
 * With none added, a tracer reports to Zipkin at the configured endpoint; adding one replaces that.
 * A tracer takes at most 8: with more, divak_tracer_create returns DIVAK_ERROR_INVALID.
 *
 * Each add returns DIVAK_OK, DIVAK_ERROR_INVALID for a value that is not accepted
 * (divak_config_error says why), DIVAK_ERROR_FULL, or DIVAK_ERROR_MEMORY.
 */
#ifndef DIVAK_REPORTER_H
#define DIVAK_REPORTER_H

#include "divak/export.h"
#include "divak/status.h"

DIVAK_BEGIN

typedef struct divak_config divak_config;

/* Zipkin by HTTP. NULL endpoint: the configured one. What else there is to say is in the
 * settings. */
DIVAK_API int divak_config_add_zipkin_reporter(divak_config *config, const char *endpoint);

/* Says where the collector is by now: an endpoint as the setting takes it, written into `out`
 * (`capacity` bytes, DIVAK_ENDPOINT_BYTES) and ended by 0; the end of a line behind it is ignored.
 * DIVAK_OK; DIVAK_ABSENT: nothing new; anything else: it could not be found out. */
typedef int (*divak_supply_endpoint)(void *context, char *out, size_t capacity);
enum { DIVAK_ENDPOINT_BYTES = 2048 };

/* Zipkin by HTTP at an endpoint that may change while the tracer runs: where a registry, a file or
 * a rollout says. `supply` is asked by the flusher's thread alone, before it sends and at most once
 * in the setting "endpoint_interval"; it must not block for long, nor call flush, shutdown or
 * check. Until its first answer the configured endpoint holds. Spans that are on their way to the
 * endpoint before end there, or are tried again at the new one.
 *
 *     static int from_registry(void *registry, char *out, size_t capacity);     // "10.0.0.7:9411"
 *     divak_config_add_supplied_reporter(config, from_registry, registry);
 *
 * An answer that is no endpoint, or that failed, changes nothing: the last good one stays, the
 * answer is counted `bad_endpoints`, and divak_tracer_failure says what was wrong with it. */
DIVAK_API int divak_config_add_supplied_reporter(divak_config *config, divak_supply_endpoint supply,
                                                 void *context);

/* A list in memory, for tests; it grows without limit until it is taken. It lives until
 * divak_memory_reporter_destroy, also after its tracer is shut down. Spans come into it when the
 * flusher sends them: flush first. A forked child begins with an empty one. */
typedef struct divak_memory_reporter divak_memory_reporter;
DIVAK_API int divak_config_add_memory_reporter(divak_config *config,
                                               divak_memory_reporter **out_reporter);
/* How many spans are in the list. Any thread. */
DIVAK_API size_t divak_memory_reporter_count(divak_memory_reporter *reporter);
/* Takes all out of the list, as a Zipkin v2 JSON list ended by 0 ("[]" when it was empty); free it
 * with divak_free. `out_length`, which may be NULL, does not count the 0. NULL: no memory, nothing
 * is lost. Any thread. */
DIVAK_API char *divak_memory_reporter_take(divak_memory_reporter *reporter, size_t *out_length);
/* Only after every tracer that reports to it is shut down, and the config is destroyed. */
DIVAK_API void divak_memory_reporter_destroy(divak_memory_reporter *reporter);
/* Frees what divak_memory_reporter_take gave. NULL is fine. */
DIVAK_API void divak_free(void *memory);

/* One line for each span, its Zipkin v2 JSON, written to a file descriptor (2: standard error). */
DIVAK_API int divak_config_add_console_reporter(divak_config *config, int file_descriptor);
/* Nowhere; they count as delivered. */
DIVAK_API int divak_config_add_null_reporter(divak_config *config);

/* Your own transport. `send` gets a whole message of `span_count` spans, valid during the call, in
 * the configured encoding (a Zipkin v2 JSON list, or a proto3 ListOfSpans), on the flusher's
 * thread, and says what became of it: DIVAK_OK delivered; DIVAK_ERROR_SYSTEM try again later;
 * DIVAK_ERROR_INVALID split it, some span is bad; anything else negative: refused for good. It must
 * not call flush, shutdown or check. divak_tracer_check calls it with an empty list and no
 * spans. */
typedef int (*divak_send)(void *context, const char *body, size_t length, size_t span_count);
DIVAK_API int divak_config_add_callback_reporter(divak_config *config, divak_send send,
                                                 void *context);

DIVAK_END

#endif
