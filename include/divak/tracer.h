/* SPDX-License-Identifier: Apache-2.0 */
/* tracer.h - one engine: it records spans, and a thread of its own sends them.
 *
 *     divak_tracer *tracer = NULL;
 *     divak_tracer_create(NULL, &tracer);            // NULL: environment and defaults
 *     // ... start and finish spans, on any thread ...
 *     divak_tracer_flush(tracer, 1000, NULL);        // milliseconds
 *     divak_tracer_shutdown(tracer, 1000, NULL);
 *
 * A tracer is never freed: every call stays safe for ever, also from other threads and after
 * shutdown, also on NULL, which is a tracer that does nothing. At most 15 exist at a time; one that
 * is shut down leaves its place, and its memory, to a later one with the same sizes. exit, and the
 * return from main, send what is left, for `close_timeout` at most; _exit, quick_exit and a crash
 * do not. A forked child has a tracer of its own under the same pointer, with nothing of the
 * parent's spans in it. A handler of signals that forks must not return in the child, but end there
 * or exec: the call of Divak's that it may have interrupted can't go on in a tracer that was just
 * emptied.
 *
 * Any thread may call these. None is for signal handlers.
 */
#ifndef DIVAK_TRACER_H
#define DIVAK_TRACER_H

#include "divak/config.h"
#include "divak/span.h"

DIVAK_BEGIN

/* Makes a tracer and starts its flusher. The config stays the caller's, and may make more tracers.
 * On failure `out_tracer` is NULL, which is safe to use; one line went to standard error (setting
 * "log"); and with a config divak_config_error says what was wrong: DIVAK_ERROR_INVALID a setting,
 * DIVAK_ERROR_MEMORY, DIVAK_ERROR_SYSTEM no thread, DIVAK_ERROR_FULL 15 tracers exist,
 * DIVAK_ERROR_UNSUPPORTED this build, or this system's libcurl, can't speak HTTP. The collector
 * need not be there. Takes a few milliseconds the first time. */
DIVAK_API int divak_tracer_create(divak_config *config, divak_tracer **out_tracer);

/* A tracer of the process that is not shut down, or NULL: the first one, while none has taken the
 * place of one that was shut down. For libraries whose caller has made the tracer. */
DIVAK_API divak_tracer *divak_tracer_current(void);

/* Sends everything that ended before the call, and waits. DIVAK_OK only when every reporter has it
 * acknowledged and nothing was dropped since the last flush; DIVAK_ERROR_LOST when something was
 * dropped since then (`out_lost`, which may be NULL, says how many; what handlers dropped and
 * divak_span_abandon forgot does not count); DIVAK_ERROR_TIMEOUT when the time came first: what was
 * not sent is kept and tried again; DIVAK_ERROR_ENDED after shutdown. On a NULL tracer DIVAK_OK.
 * Returns within the time given plus 50 ms. */
DIVAK_API int divak_tracer_flush(divak_tracer *tracer, uint32_t milliseconds, uint64_t *out_lost);

/* Refuses new spans, sends what it can until the time is up, and stops the flusher. Spans that are
 * still open end as `after_shutdown`; what could not be sent is counted `retry_expired`, and makes
 * the result DIVAK_ERROR_TIMEOUT. A collector that failed before is tried once more at once.
 * Results as for flush otherwise; a second shutdown returns DIVAK_ERROR_ENDED at once. An idle
 * tracer is shut down at once. */
DIVAK_API int divak_tracer_shutdown(divak_tracer *tracer, uint32_t milliseconds,
                                    uint64_t *out_lost);

/* The kill switch. False: nothing new is recorded, spans still get ids from their parents and pass
 * them on, what is open or on its way goes on. The setting "enabled" is where it begins. */
DIVAK_API void divak_tracer_set_enabled(divak_tracer *tracer, bool enabled);
DIVAK_API bool divak_tracer_is_enabled(divak_tracer *tracer);

/* Asks every reporter whether it would take spans, through the flusher: Zipkin by POSTing an empty
 * list. DIVAK_OK when all said yes (a 2xx); else DIVAK_ERROR_SYSTEM, or DIVAK_ERROR_TIMEOUT.
 * DIVAK_ERROR_ENDED after shutdown and for NULL. */
DIVAK_API int divak_tracer_check(divak_tracer *tracer, uint32_t milliseconds);

/* Why the last message to a reporter, by order of adding, or the last check of it failed: words
 * such as "http://127.0.0.1:9411: Couldn't connect to server" in `out`, cut to `capacity` bytes and
 * ended by 0; 256 are enough. Where neither failed, why the last answer of its supplier of
 * endpoints was of no use. DIVAK_OK; DIVAK_ABSENT and "" when it did not fail, or there was
 * none; DIVAK_ERROR_INVALID when there is no such reporter, or no room. */
DIVAK_API int divak_tracer_failure(divak_tracer *tracer, size_t reporter, char *out,
                                   size_t capacity);

/* New seeds for all ids: after a snapshot of the machine was cloned. Forks need no such call. */
DIVAK_API void divak_reseed(void);

DIVAK_END

#endif
