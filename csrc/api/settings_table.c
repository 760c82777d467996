/* settings_table.c - the one list of settings: names, variables, limits, defaults, places. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings_table.h"

#include <string.h>

#define KIB             UINT64_C(1024)
#define MIB             (1024 * KIB)
#define GIB             (1024 * MIB)
#define MILLISECOND     UINT64_C(1000000)
#define HOUR            (3600 * 1000 * MILLISECOND)

#define AT(member)      .offset = offsetof(divak_settings, member)
#define FROM(variable_) .variable = "DIVAK_" variable_

static const char boolean[] = "true, false, 1, 0, yes, no, on, off";

static const divak_setting_word encodings[] = {
    {"json", DIVAK_ENCODING_JSON}, {"proto3", DIVAK_ENCODING_PROTO3}, {NULL, 0}};
static const divak_setting_word compressions[] = {
    {"none", DIVAK_COMPRESSION_NONE}, {"gzip", DIVAK_COMPRESSION_GZIP}, {NULL, 0}};
static const divak_setting_word logs[] = {
    {"off", DIVAK_LOG_OFF}, {"warn", DIVAK_LOG_WARN}, {"debug", DIVAK_LOG_DEBUG}, {NULL, 0}};
static const divak_setting_word trusts[] = {{"all", DIVAK_TRUST_ALL},
                                            {"limited", DIVAK_TRUST_LIMITED},
                                            {"none", DIVAK_TRUST_NONE},
                                            {NULL, 0}};
static const divak_setting_word failures[] = {{"restart", DIVAK_EXTRACT_RESTART},
                                              {"error", DIVAK_EXTRACT_ERROR},
                                              {"tag", DIVAK_EXTRACT_TAG},
                                              {NULL, 0}};
static const divak_setting_word process_parents[] = {{"none", 0}, {"environment", 1}, {NULL, 0}};
static const divak_setting_word request_ids[] = {{"copy", 0}, {"generate", 1}, {NULL, 0}};
static const divak_setting_word id_bits[] = {{"128", 0}, {"64", 1}, {NULL, 0}};

#define BOOLEAN .kind = DIVAK_SETTING_BOOL, .hint = boolean

/* Each line: names; place and kind; limits; default and hint. In the order of divak/config.h. */
const divak_setting_row divak_setting_rows[DIVAK_SETTING_COUNT] = {
    {"enabled", FROM("ENABLED"), "OTEL_SDK_DISABLED", DIVAK_OTEL_INVERTED,
     AT(enabled), BOOLEAN, .standard = "true"},
    {"service_name", FROM("SERVICE_NAME"), "OTEL_SERVICE_NAME",
     AT(service_name), .kind = DIVAK_SETTING_NAME,
     .hint = "1 to 255 bytes of text without control characters"},
    {"service_ip", FROM("SERVICE_IP"),
     AT(local_address), .kind = DIVAK_SETTING_ADDRESS,
     .hint = "an IPv4 or IPv6 address, or none"},
    {"service_port", FROM("SERVICE_PORT"),
     AT(local_address), .kind = DIVAK_SETTING_PORT, .most = 65535,
     .standard = "0", .hint = "a port from 1 to 65535, or 0 for none"},
    {"endpoint", FROM("ENDPOINT"), "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
     AT(endpoint), .kind = DIVAK_SETTING_URL,
     .standard = "http://127.0.0.1:9411/api/v2/spans",
     .hint = "host:port or http(s)://host[:port][/path]"},
    {"sample_rate", FROM("SAMPLE_RATE"), "OTEL_TRACES_SAMPLER", DIVAK_OTEL_SAMPLER,
     AT(sample_rate), .kind = DIVAK_SETTING_PROBABILITY,
     .standard = "1", .hint = "a number from 0 to 1"},
    {"sample_per_second", FROM("SAMPLE_PER_SECOND"),
     AT(sample_per_second), .kind = DIVAK_SETTING_PER_SECOND, .most = UINT64_C(1) << 31,
     .standard = "none", .hint = "a whole number from 0 to 2147483648, or none"},
    {"propagation", FROM("PROPAGATION"), "OTEL_PROPAGATORS", DIVAK_OTEL_PROPAGATORS,
     AT(inject), .kind = DIVAK_SETTING_FORMATS, .standard = "b3multi,tracecontext",
     .hint = "a list of b3, b3multi, tracecontext, baggage, request-id; or none"},
    {"process_parent", FROM("PROCESS_PARENT"),
     AT(has_process_parent), .kind = DIVAK_SETTING_WORD, .words = process_parents,
     .standard = "environment", .hint = "environment or none"},
    {"encoding", FROM("ENCODING"),
     AT(encoding), .kind = DIVAK_SETTING_WORD, .words = encodings,
     .standard = "json", .hint = "json or proto3"},
    {"compression", FROM("COMPRESSION"),
     AT(compression), .kind = DIVAK_SETTING_WORD, .words = compressions,
     .standard = "none", .hint = "none or gzip"},
    {"ring_bytes", FROM("RING_BYTES"),
     AT(ring_bytes), .kind = DIVAK_SETTING_SIZE, .least = 16 * KIB, .most = GIB,
     .standard = "1MiB", .hint = "a size from 16KiB to 1GiB"},
    {"buffer_bytes", FROM("BUFFER_BYTES"),
     AT(buffer_bytes), .kind = DIVAK_SETTING_SIZE, .least = MIB, .most = 64 * GIB,
     .standard = "32MiB", .hint = "a size from 1MiB to 64GiB"},
    {"batch_bytes", FROM("BATCH_BYTES"),
     AT(batch_bytes), .kind = DIVAK_SETTING_SIZE, .least = KIB, .most = 16 * MIB,
     .standard = "500000", .hint = "a size from 1KiB to 16MiB"},
    {"flush_interval", FROM("FLUSH_INTERVAL"), "OTEL_BSP_SCHEDULE_DELAY", DIVAK_OTEL_MILLISECONDS,
     AT(flush_interval), .kind = DIVAK_SETTING_DURATION, .most = HOUR,
     .standard = "1s", .hint = "a time up to 1h, like 250ms, 1s, 2m"},
    {"timeout", FROM("TIMEOUT"), "OTEL_EXPORTER_ZIPKIN_TIMEOUT", DIVAK_OTEL_MILLISECONDS,
     AT(timeout), .kind = DIVAK_SETTING_DURATION, .least = MILLISECOND, .most = HOUR,
     .standard = "10s", .hint = "a time from 1ms to 1h, like 250ms, 1s, 2m"},
    {"close_timeout", FROM("CLOSE_TIMEOUT"),
     AT(close_timeout), .kind = DIVAK_SETTING_DURATION, .most = HOUR,
     .standard = "1s", .hint = "a time up to 1h, like 250ms, 1s, 2m"},
    {"endpoint_interval", FROM("ENDPOINT_INTERVAL"),
     AT(endpoint_interval), .kind = DIVAK_SETTING_DURATION, .least = MILLISECOND, .most = HOUR,
     .standard = "30s", .hint = "a time from 1ms to 1h, like 250ms, 1s, 2m"},
    {"connections", FROM("CONNECTIONS"),
     AT(connections), .kind = DIVAK_SETTING_NUMBER, .least = 1, .most = 64,
     .standard = "4", .hint = "a whole number from 1 to 64"},
    {"headers", FROM("HEADERS"),
     AT(headers), .kind = DIVAK_SETTING_HEADERS, .standard = "none",
     .hint = "name=value, with commas between several; or none"},
    {"tags", FROM("TAGS"),
     AT(tags), .kind = DIVAK_SETTING_TAGS, .standard = "none",
     .hint = "name=value, with commas between several, names up to 255 bytes; or none"},
    {"ca_file", FROM("CA_FILE"),
     AT(ca_file), .kind = DIVAK_SETTING_PATH, .standard = "none",
     .hint = "the path of a file, without control characters; or none"},
    {"log", FROM("LOG"),
     AT(log), .kind = DIVAK_SETTING_WORD, .words = logs,
     .standard = "warn", .hint = "off, warn or debug"},

    {"trace_id_bits",
     AT(trace_id_is_64_bit), .kind = DIVAK_SETTING_WORD, .words = id_bits,
     .standard = "128", .hint = "128 or 64"},
    {"trace_id_time", AT(trace_id_time), BOOLEAN, .standard = "false"},
    {"join", AT(join), BOOLEAN, .standard = "true"},
    {"trust",
     AT(trust), .kind = DIVAK_SETTING_WORD, .words = trusts,
     .standard = "all", .hint = "all, limited or none"},
    {"extract_failure",
     AT(extract_failure), .kind = DIVAK_SETTING_WORD, .words = failures,
     .standard = "restart", .hint = "restart, error or tag"},
    {"baggage_fields",
     AT(baggage_fields), .kind = DIVAK_SETTING_FIELDS, .standard = "none",
     .hint = "names like country-code,user=x-user-id|x-uid,-local, each name and header once; "
             "or none"},
    {"request_id_header",
     AT(request_id_header), .kind = DIVAK_SETTING_HEADER_NAME, .standard = "x-request-id",
     .hint = "the name of a header that no other setting uses"},
    {"request_id",
     AT(request_id_is_generated), .kind = DIVAK_SETTING_WORD, .words = request_ids,
     .standard = "copy", .hint = "copy or generate"},
    {"resample", AT(resample), BOOLEAN, .standard = "false"},
    {"late_decision", AT(late_decision), BOOLEAN, .standard = "false"},
    {"name_bytes",
     AT(name_bytes), .kind = DIVAK_SETTING_SHORT_SIZE, .least = 1, .most = 65535,
     .standard = "255", .hint = "a size from 1 to 65535"},
    {"key_bytes",
     AT(key_bytes), .kind = DIVAK_SETTING_SHORT_SIZE, .least = 1, .most = 255,
     .standard = "255", .hint = "a size from 1 to 255"},
    {"value_bytes",
     AT(value_bytes), .kind = DIVAK_SETTING_SHORT_SIZE, .least = 1, .most = 65535,
     .standard = "1024", .hint = "a size from 1 to 65535"},
    {"tags_max",
     AT(tags_max), .kind = DIVAK_SETTING_NUMBER, .least = 1, .most = 512,
     .standard = "512", .hint = "a whole number from 1 to 512"},
    {"annotations_max",
     AT(annotations_max), .kind = DIVAK_SETTING_NUMBER, .least = 1, .most = 512,
     .standard = "512", .hint = "a whole number from 1 to 512"},
    {"span_bytes",
     AT(span_bytes), .kind = DIVAK_SETTING_POWER, .least = 512, .most = 65536,
     .standard = "2048", .hint = "a size from 512 to 65536 that is a power of two"},
    {"allow_metadata", AT(allow_metadata), BOOLEAN, .standard = "false"},
    {"give_up_refused", AT(give_up_refused), BOOLEAN, .standard = "false"},
};

size_t divak_setting_find(const char *name) {
    size_t row = 0;
    while (row < DIVAK_SETTING_COUNT && strcmp(name, divak_setting_rows[row].name) != 0) row++;
    return row;
}

uint64_t divak_setting_ring_bytes(uint64_t buffer_bytes) {
    uint64_t ring = MIB;
    while (ring > buffer_bytes / 4) ring /= 2;
    return ring;
}

uint64_t divak_setting_batch_bytes(uint64_t buffer_bytes) {
    enum { USUAL = 500000 };
    return buffer_bytes / 2 < USUAL ? buffer_bytes / 2 : USUAL;
}
