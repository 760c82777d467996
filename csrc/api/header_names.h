/* SPDX-License-Identifier: Apache-2.0 */
/* header_names.h - the names of the headers that every tracer knows, as they are written. */
#ifndef DIVAK_API_HEADER_NAMES_H
#define DIVAK_API_HEADER_NAMES_H

#define DIVAK_HEADER_B3 "b3"
#define DIVAK_HEADER_B3_TRACE_ID "X-B3-TraceId"
#define DIVAK_HEADER_B3_SPAN_ID "X-B3-SpanId"
#define DIVAK_HEADER_B3_PARENT_ID "X-B3-ParentSpanId"
#define DIVAK_HEADER_B3_SAMPLED "X-B3-Sampled"
#define DIVAK_HEADER_B3_FLAGS "X-B3-Flags"
#define DIVAK_HEADER_TRACEPARENT "traceparent"
#define DIVAK_HEADER_TRACESTATE "tracestate"
#define DIVAK_HEADER_BAGGAGE "baggage"

/* What a request id is called in the API, whatever its header is. */
#define DIVAK_NAME_REQUEST_ID "request-id"

#endif
