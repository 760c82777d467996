/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - the settings of a tracer: from code, else from the environment, else their defaults.
 *
 *     divak_config *config = divak_config_create();             // reads the environment, once, now
 *     divak_config_set(config, "service_name", "checkout");
 *     divak_config_set(config, "sample_rate", "0.1");
 *     divak_tracer *tracer;
 *     if (divak_tracer_create(config, &tracer) != DIVAK_OK) {
 *         fprintf(stderr, "%s\n", divak_config_error(config));
 *     }
 *     divak_config_destroy(config);
 *
 * Each setting has a name here. Its environment variable is that name in upper case behind DIVAK_
 * (DIVAK_SAMPLE_RATE), and both take the same texts. Sizes: 65536, 64KiB, 1MiB. Times: 250ms, 1s,
 * 2m. Booleans: true, false, 1, 0, yes, no, on, off. An empty variable is as if it were not set.
 * Variables of OpenTelemetry that mean the same are second choice (named in brackets).
 *
 *   setting            default, and what it means
 *
 *   enabled            true [OTEL_SDK_DISABLED]
 *   service_name       the program's name [OTEL_SERVICE_NAME]
 *   service_ip         the first site-local IPv4 address of this host; "none": left out
 *   service_port       0: left out
 *   endpoint           http://127.0.0.1:9411/api/v2/spans [OTEL_EXPORTER_ZIPKIN_ENDPOINT]; host and
 *                      port alone, or with /api/v2, mean the same; with http:// or https://
 *   sample_rate        1: the share of new traces, 0 to 1 [OTEL_TRACES_SAMPLER and _ARG]
 *   sample_per_second  none: of those, at most so many new traces a second
 *   propagation        b3multi,tracecontext: a list of b3, b3multi, tracecontext, baggage,
 *                      request-id, and formats of your own (propagation.h); or none. What is
 *                      written, and when it is set what is read as well; unset, all are read
 *                      [OTEL_PROPAGATORS]
 *   process_parent     environment: spans without a parent, but for kinds SERVER and CONSUMER, are
 *                      children of what TRACEPARENT (with TRACESTATE) or B3 name in the
 *                      environment, with its BAGGAGE; so a script's programs share its trace. none:
 *                      these variables are not heeded
 *   encoding           json, or proto3
 *   compression        none, or gzip (plain where the system has no zlib)
 *   buffer_bytes       32MiB: everything together, 1MiB to 64GiB
 *   ring_bytes         1MiB: a thread's lane, 16KiB to 1GiB; at most a quarter of buffer_bytes
 *   batch_bytes        500000: a message, 1KiB to 16MiB; at most half of buffer_bytes
 *   flush_interval     1s: how long a span waits for others [OTEL_BSP_SCHEDULE_DELAY in ms]
 *   timeout            10s: of a request [OTEL_EXPORTER_ZIPKIN_TIMEOUT in ms]
 *   close_timeout      1s: what exit waits for the last spans at most; 0: it does not wait
 *   endpoint_interval  30s: how often a supplier of endpoints is asked at most (reporter.h)
 *   connections        4: requests in flight at once to one endpoint, 1 to 64
 *   headers            none: name=value,... sent with every request
 *   tags               none: name=value,... on every span that has not got the tag itself
 *   ca_file            none: certificates to trust, instead of the system's
 *   log                warn: at most one line a minute to standard error; or off. debug says no
 *                      more than warn so far
 *
 * From code only (no environment variable):
 *
 *   trace_id_bits      128, or 64
 *   trace_id_time      false; true: the upper 32 bits of a 128-bit trace id are the seconds since
 *                      1970
 *   join               true: a server span takes the id of the client's; false: it is a child
 *   trust              all: what incoming headers may decide; limited: debug counts as accepted,
 *                      and what is accepted passes through the sampler; none: only ids are taken
 *   extract_failure    restart: what malformed headers do; or error, from divak_extract; or tag: a
 *                      tag error.extract on the new root
 *   baggage_fields     none: names of header fields carried along (propagation.h):
 *                      country-code,user=x-user-id|x-uid,-local
 *   request_id_header  x-request-id
 *   request_id         copy; or generate: make one (UUID 4) where none came
 *   resample           false; true: traces that upstream did not sample are offered to the sampler
 *   late_decision      false; true: unsampled spans are recorded, at the price of sampled ones, so
 *                      that divak_span_set_sampled can still send them; else they end as `filtered`
 *   name_bytes         255: of a name, 1 to 65535; longer is cut, as with the next two
 *   key_bytes          255: of a tag's key, 1 to 255
 *   value_bytes        1024: of a tag's value or an annotation, 1 to 65535
 *   tags_max           512: 1 to 512 a span. A limit below what span_bytes has room for has to be
 *                      counted, which costs a little: set it only if bytes are not limit enough
 *   annotations_max    512: likewise
 *   span_bytes         2048: what a span may hold altogether, 512 to 65536, a power of two; at most
 *                      half of ring_bytes. About an eighth of buffer_bytes holds the open spans:
 *                      2,048 at once by the defaults
 *   allow_metadata     false; true: the endpoint may be a link-local address
 *   give_up_refused    false; true: shutdown and exit do not wait for a collector whose address
 *                      refuses the connection, since nobody listens there; for short programs
 *
 * Beside these http_proxy, https_proxy, all_proxy and no_proxy are heeded, but not for loopback,
 * and SSL_CERT_FILE where "ca_file" is none. They are read once, when a tracer is made, by the
 * thread that makes it; a forked child goes on with what was read then.
 */
#ifndef DIVAK_CONFIG_H
#define DIVAK_CONFIG_H

#include "divak/handler.h"
#include "divak/propagation.h"
#include "divak/reporter.h"
#include "divak/sampler.h"
#include "divak/span.h"

DIVAK_BEGIN

/* A config is one thread's at a time; tracers made from it do not need it any more. */

/* A new configuration with the environment read into it; NULL when there is no memory. A bad
 * variable is kept as an error that divak_tracer_create returns, unless code sets that setting. */
DIVAK_API divak_config *divak_config_create(void);
/* The same without looking at the environment: for tests. */
DIVAK_API divak_config *divak_config_create_without_environment(void);
/* Any time. NULL is fine. Samplers, contexts and memory reporters stay their owners'. */
DIVAK_API void divak_config_destroy(divak_config *config);

/* Sets one setting from text ended by 0. DIVAK_ERROR_INVALID: no such setting, or not a value for
 * it; the setting stays as it was, and divak_config_error names setting, value and what is
 * accepted. */
DIVAK_API int divak_config_set(divak_config *config, const char *name, const char *value);
/* The last error in words, or "" when there was none. Valid until the next call with this
 * config. */
DIVAK_API const char *divak_config_error(const divak_config *config);

/* The root sampler, in place of sample_rate and sample_per_second; NULL brings those back. It must
 * outlive the tracers made from this config (sampler.h). */
DIVAK_API int divak_config_set_sampler(divak_config *config, divak_sampler *sampler);

/* A format of headers of your own, whose name the setting "propagation" knows from now on
 * (propagation.h). DIVAK_ERROR_INVALID when it has neither function, a header that is no token, or
 * a name that is none or taken; DIVAK_ERROR_FULL after 4. */
DIVAK_API int divak_config_add_propagator(divak_config *config, const divak_propagator *propagator);

/* Another source of ids: called for each new span id and each half of a trace id; 0 is asked again
 * up to 8 times, then Divak makes the id. Called on any thread that starts spans, several at once;
 * must not block. NULL: Divak's own, as below. */
typedef uint64_t (*divak_make_id)(void *context);
DIVAK_API int divak_config_set_id_generator(divak_config *config, divak_make_id make,
                                            void *context);
/* Makes the ids of requests that come without one, whatever the setting "request_id" says: writes
 * up to `room` bytes (128) to `out` and returns how many; 0: the request has no id. A UUID takes
 * the place of what may not be one: of more bytes than that, or with anything but printable ASCII
 * in it, with blanks, quotes (also `), \ < > or commas. Called on any thread that extracts, several
 * at once; must not block. NULL: as the setting says. */
typedef size_t (*divak_make_request_id)(void *context, char *out, size_t room);
DIVAK_API int divak_config_set_request_id_generator(divak_config *config,
                                                    divak_make_request_id make, void *context);
/* Another clock: microseconds since 1970, for starts, ends and annotations. Called as above. */
typedef uint64_t (*divak_read_clock)(void *context);
DIVAK_API int divak_config_set_clock(divak_config *config, divak_read_clock read, void *context);

/* Where a setting's value came from. */
enum {
    DIVAK_SOURCE_DEFAULT = 0,
    DIVAK_SOURCE_ENVIRONMENT = 1, /* `variable` says which */
    DIVAK_SOURCE_CODE = 2
};

typedef struct divak_setting {
    const char *name;
    /* Text as it would be set; secrets (header values, user info) as "REDACTED". */
    const char *value;
    uint32_t source;
    /* The environment variable it came from or could come from; NULL: code only. */
    const char *variable;
} divak_setting;

/* The `index`-th setting: DIVAK_OK, or DIVAK_ABSENT when there are no more. Texts are valid until
 * the next call. */
DIVAK_API int divak_config_setting(divak_config *config, size_t index, divak_setting *out_setting);
/* All of them, a line each: name, value, source. Returns the number of bytes written to the file
 * descriptor, or negative. */
DIVAK_API int divak_config_print(divak_config *config, int file_descriptor);

DIVAK_END

#endif
