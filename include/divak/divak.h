/* SPDX-License-Identifier: Apache-2.0 */
/* divak.h - all of Divak: tracing for C and Swift programs, reported to Zipkin.
 *
 *     #include <divak/divak.h>
 *
 *     int main(void) {
 *         divak_tracer *tracer;
 *         divak_tracer_create(NULL, &tracer);                                  // config.h
 *         divak_span span;
 *         divak_span_start(tracer, "hello", 5, DIVAK_KIND_LOCAL, NULL, &span); // span.h
 *         divak_span_tag(&span, "who", 3, "world", 5);
 *         divak_span_finish(&span);
 *         return divak_tracer_shutdown(tracer, 1000, NULL) == DIVAK_OK ? 0 : 1;
 *     }
 *
 * Read on in this order: span.h, tracer.h, config.h, scope.h, propagation.h, sampler.h, stats.h,
 * reporter.h, handler.h; customizer.h, key.h and status.h when you come across them.
 *
 * What holds everywhere, unless a function says otherwise: texts are a pointer and a length, or end
 * with 0 where there is no length; they are borrowed for the call. Results come through pointers
 * called out_..., which must not be NULL and are written when the status is DIVAK_OK. Handles and
 * spans may be NULL, which is "tracing is off". Times are microseconds, time-outs milliseconds.
 * Everything is for any thread but configs and samplers while they are being made, and scopes.
 */
#ifndef DIVAK_DIVAK_H
#define DIVAK_DIVAK_H

#include "divak/config.h"
#include "divak/customizer.h"
#include "divak/export.h"
#include "divak/handler.h"
#include "divak/key.h"
#include "divak/propagation.h"
#include "divak/reporter.h"
#include "divak/sampler.h"
#include "divak/scope.h"
#include "divak/span.h"
#include "divak/stats.h"
#include "divak/status.h"
#include "divak/tracer.h"

DIVAK_BEGIN

#define DIVAK_VERSION "0.1.0"

/* The version of the library that runs, "0.1.0"; DIVAK_VERSION is that of the headers. */
DIVAK_API const char *divak_version(void);

DIVAK_END

#endif
