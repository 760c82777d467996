/* SPDX-License-Identifier: Apache-2.0 */
/* provider.h - one tracepoint with the payload of one span: six numbers and three texts. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER divak_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./provider.h"

#if !defined(DIVAK_BENCH_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define DIVAK_BENCH_PROVIDER_H

#include <stdint.h>
#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    divak_bench, span,
    LTTNG_UST_TP_ARGS(const uint64_t *, numbers, const char *, name, const char *, method,
                      const char *, path),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer_hex(uint64_t, trace_id_high, numbers[0])
        lttng_ust_field_integer_hex(uint64_t, trace_id_low, numbers[1])
        lttng_ust_field_integer_hex(uint64_t, span_id, numbers[2])
        lttng_ust_field_integer_hex(uint64_t, parent_id, numbers[3])
        lttng_ust_field_integer(uint64_t, start, numbers[4])
        lttng_ust_field_integer(uint64_t, status_code, numbers[5])
        lttng_ust_field_string(name, name)
        lttng_ust_field_string(method, method)
        lttng_ust_field_string(path, path)
    )
)

#endif

#include <lttng/tracepoint-event.h>
