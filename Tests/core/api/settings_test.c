/* settings_test.c - texts become the values they say; what does not fit together is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings.h"

#include <string.h>

#include "api/configs.h"
#include "base/memory.h"
#include "base/system.h"
#include "collect/sampler.h"

/* Resolves after setting the names and values that follow each other, up to a NULL. */
static int resolve(const char *const *pairs, divak_settings *out, char error[256]) {
    divak_config *config = fresh();
    for (; pairs != NULL && *pairs != NULL; pairs += 2) {
        CHECK_INT(DIVAK_OK, divak_config_set(config, pairs[0], pairs[1]));
    }
    int status = divak_config_resolve(config, out);
    snprintf(error, 256, "%s", divak_config_error(config));
    divak_config_destroy(config); /* the settings stand alone */
    return status;
}

#define RESOLVE(settings, ...)                                                                     \
    do {                                                                                           \
        const char *resolve_pairs[] = {__VA_ARGS__, NULL};                                         \
        char resolve_error[256];                                                                   \
        CHECK_INT(DIVAK_OK, resolve(resolve_pairs, settings, resolve_error));                      \
        CHECK_TEXT("", resolve_error, strlen(resolve_error));                                      \
    } while (0)

static void check_text_is(const char *expected, const char *actual) {
    CHECK_TEXT(expected, actual, actual == NULL ? 0 : strlen(actual));
}

TEST(the_defaults_are_those_of_config_h) {
    divak_settings all;
    char error[256], program[256];
    CHECK_INT(DIVAK_OK, resolve(NULL, &all, error));
    divak_system_program_name(program, sizeof program);
    check_text_is(program, all.service_name);
    uint32_t address = divak_system_local_ipv4();
    CHECK_INT(address != 0, all.local_address.has_ipv4);
    CHECK(address == 0 || memcmp(all.local_address.ipv4, &address, 4) == 0);
    CHECK_INT(0, all.local_address.port);
    CHECK_INT(0, all.local_address.has_ipv6);
    CHECK(all.enabled && all.join && !all.trace_id_time && !all.resample && !all.allow_metadata && !all.give_up_refused);
    check_text_is("http://127.0.0.1:9411/api/v2/spans", all.endpoint);
    check_text_is("http://127.0.0.1:9411", all.endpoint_display);
    CHECK(all.sample_rate == 1);
    CHECK(!all.has_sample_per_second && all.sampler == NULL);
    CHECK(!all.inject.b3 && all.inject.b3multi && all.inject.tracecontext && !all.inject.baggage &&
          !all.inject.request_id);
    CHECK(all.extract.b3 && all.extract.b3multi && all.extract.tracecontext &&
          all.extract.baggage && all.extract.request_id);
    CHECK_INT(DIVAK_ENCODING_JSON, all.encoding);
    CHECK_INT(DIVAK_COMPRESSION_NONE, all.compression);
    CHECK_INT(1 << 20, all.ring_bytes);
    CHECK_INT(32 << 20, all.buffer_bytes);
    CHECK_INT(500000, all.batch_bytes);
    CHECK_INT(1000000000, all.flush_interval);
    CHECK_INT(10000000000, all.timeout);
    CHECK_INT(1000000000, all.close_timeout);
    CHECK_INT(4, all.connections);
    CHECK_INT(0, all.header_count);
    CHECK_INT(0, all.tag_count);
    CHECK(all.ca_file == NULL);
    CHECK_INT(DIVAK_LOG_WARN, all.log);
    CHECK_INT(0, all.trace_id_is_64_bit);
    CHECK_INT(DIVAK_TRUST_ALL, all.trust);
    CHECK_INT(DIVAK_EXTRACT_RESTART, all.extract_failure);
    check_text_is("none", all.baggage_fields);
    check_text_is("x-request-id", all.request_id_header);
    CHECK_INT(0, all.request_id_is_generated);
    CHECK_INT(255, all.name_bytes);
    CHECK_INT(255, all.key_bytes);
    CHECK_INT(1024, all.value_bytes);
    CHECK_INT(512, all.tags_max);
    CHECK_INT(512, all.annotations_max);
    CHECK_INT(2048, all.span_bytes);
    CHECK_INT(1, all.reporter_count);
    CHECK_INT(DIVAK_REPORTER_ZIPKIN, all.reporters[0].kind);
    check_text_is("http://127.0.0.1:9411/api/v2/spans", all.reporters[0].endpoint);
    divak_settings_deinit(&all);
    divak_settings_deinit(&all); /* harmless twice */
}

TEST(every_setting_from_code_arrives_also_when_the_config_is_gone) {
    divak_settings all;
    RESOLVE(&all, "enabled", "no", "service_name", " checkout ", "service_ip", "2001:db8::1",
            "service_port", "65535", "endpoint", "gate:9411", "sample_rate", ".25",
            "sample_per_second", "0", "propagation", "b3, request-id", "encoding", "PROTO3",
            "compression", "gzip", "ring_bytes", "16KiB", "buffer_bytes", "1MiB", "batch_bytes",
            "1KiB", "flush_interval", "250ms", "timeout", "2m", "close_timeout", "0", "connections",
            "64", "headers", "Authorization=Basic YQ==, x-team = a", "tags", "zone=b,empty=",
            "ca_file", "/etc/ssl/own.pem", "log", "debug", "trace_id_bits", "64", "trace_id_time",
            "1", "join", "off", "trust", "limited", "extract_failure", "tag", "baggage_fields",
            "country-code,user=x-user-id|x-uid,-local", "request_id_header", "X-Correlation-Id",
            "request_id", "generate", "resample", "on", "late_decision", "on", "name_bytes", "1", "key_bytes", "2",
            "value_bytes", "65535", "tags_max", "512", "annotations_max", "1", "span_bytes", "512",
            "allow_metadata", "yes", "give_up_refused", "on");
    CHECK(!all.enabled && !all.join && all.trace_id_time && all.resample && all.late_decision && all.allow_metadata);
    check_text_is("checkout", all.service_name);
    static const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    CHECK(all.local_address.has_ipv6 && !all.local_address.has_ipv4);
    CHECK(memcmp(ip, all.local_address.ipv6, 16) == 0);
    CHECK_INT(65535, all.local_address.port);
    check_text_is("http://gate:9411/api/v2/spans", all.endpoint);
    check_text_is("http://gate:9411", all.endpoint_display);
    check_text_is("http://gate:9411/api/v2/spans", all.reporters[0].endpoint);
    CHECK(all.sample_rate == .25 && all.has_sample_per_second && all.sample_per_second == 0);
    CHECK(all.inject.b3 && all.inject.request_id && !all.inject.b3multi);
    CHECK(memcmp(&all.inject, &all.extract, sizeof all.inject) == 0);
    CHECK_INT(DIVAK_ENCODING_PROTO3, all.encoding);
    CHECK_INT(DIVAK_COMPRESSION_GZIP, all.compression);
    CHECK_INT(16384, all.ring_bytes);
    CHECK_INT(1 << 20, all.buffer_bytes);
    CHECK_INT(1024, all.batch_bytes);
    CHECK_INT(250000000, all.flush_interval);
    CHECK_INT(120000000000, all.timeout);
    CHECK_INT(0, all.close_timeout);
    CHECK_INT(64, all.connections);
    CHECK_INT(2, all.header_count);
    check_text_is("Authorization: Basic YQ==", all.headers[0]);
    check_text_is("x-team: a", all.headers[1]);
    CHECK_INT(2, all.tag_count);
    CHECK_TEXT("zone", all.tags[0].key, all.tags[0].key_length);
    CHECK_TEXT("b", all.tags[0].value, all.tags[0].value_length);
    CHECK_TEXT("empty", all.tags[1].key, all.tags[1].key_length);
    CHECK_TEXT("", all.tags[1].value, all.tags[1].value_length);
    check_text_is("/etc/ssl/own.pem", all.ca_file);
    CHECK_INT(DIVAK_LOG_DEBUG, all.log);
    CHECK_INT(1, all.trace_id_is_64_bit);
    CHECK_INT(DIVAK_TRUST_LIMITED, all.trust);
    CHECK_INT(DIVAK_EXTRACT_TAG, all.extract_failure);
    check_text_is("country-code,user=x-user-id|x-uid,-local", all.baggage_fields);
    CHECK_INT(1, all.request_id_is_generated);
    CHECK_INT(1, all.name_bytes);
    CHECK_INT(2, all.key_bytes);
    CHECK_INT(65535, all.value_bytes);
    CHECK_INT(512, all.tags_max);
    CHECK_INT(1, all.annotations_max);
    CHECK_INT(512, all.span_bytes);

    divak_propagation propagation;
    CHECK_INT(DIVAK_OK, divak_settings_propagation(&all, &propagation));
    CHECK(propagation.trust == DIVAK_TRUST_LIMITED && propagation.does_generate_request_id);
    CHECK(propagation.inject.b3 && !propagation.extract.baggage);
    CHECK_INT(3, propagation.declared_count);
    CHECK_TEXT("x-correlation-id", propagation.request_id_header.text,
               propagation.request_id_header.length);
    divak_settings_deinit(&all);
}

TEST(none_takes_things_away) {
    divak_settings all;
    RESOLVE(&all, "service_ip", "None", "sample_per_second", "none", "propagation", "none",
            "compression", "none", "headers", "none", "tags", "none", "ca_file", "none",
            "baggage_fields", "none");
    CHECK(!all.local_address.has_ipv4 && !all.local_address.has_ipv6);
    CHECK(!all.has_sample_per_second && all.ca_file == NULL);
    CHECK_INT(0, all.header_count + all.tag_count);
    static const divak_formats nothing;
    CHECK(memcmp(&nothing, &all.inject, sizeof nothing) == 0);
    CHECK(memcmp(&nothing, &all.extract, sizeof nothing) == 0);
    divak_settings_deinit(&all);
}

TEST(addresses_are_read_and_mapped_ones_are_ipv4) {
    static const char *const texts[] = {"192.0.2.1", "::ffff:192.0.2.1"};
    for (size_t i = 0; i < 2; i++) {
        divak_settings all;
        RESOLVE(&all, "service_ip", texts[i], "service_port", "0");
        CHECK(all.local_address.has_ipv4 && !all.local_address.has_ipv6);
        CHECK(memcmp(all.local_address.ipv4, "\xc0\x00\x02\x01", 4) == 0);
        divak_settings_deinit(&all);
    }
}

TEST(a_flush_interval_of_0_is_as_often_as_can_be) {
    divak_settings all;
    RESOLVE(&all, "flush_interval", "0");
    CHECK_INT(1000000, all.flush_interval);
    divak_settings_deinit(&all);
}

/* ---- together ------------------------------------------------------------------------------- */

TEST(what_nobody_set_makes_room_in_a_small_buffer) {
    divak_settings all;
    RESOLVE(&all, "buffer_bytes", "1MiB");
    CHECK_INT(262144, all.ring_bytes);
    CHECK_INT(500000, all.batch_bytes);
    divak_settings_deinit(&all);
    RESOLVE(&all, "buffer_bytes", "3MB");
    CHECK_INT(524288, all.ring_bytes);
    divak_settings_deinit(&all);
}

TEST(what_was_set_and_does_not_fit_together_is_refused_by_name) {
    static const struct {
        const char *pairs[5];
        const char *error;
    } cases[] = {
        {{"ring_bytes", "16MiB", "buffer_bytes", "32MiB"},
         "ring_bytes: \"16MiB\" is not accepted: at most a quarter of buffer_bytes, 8388608"},
        {{"batch_bytes", "600KiB", "buffer_bytes", "1MiB"},
         "batch_bytes: \"600KiB\" is not accepted: at most half of buffer_bytes, 524288"},
        {{"ring_bytes", "64KiB", "span_bytes", "65536"},
         "span_bytes: \"65536\" is not accepted: at most half of ring_bytes, 32768"},
        {{"baggage_fields", "user=x-user", "request_id_header", "X-User"},
         "baggage_fields: \"user=x-user\" is not accepted: one of them is the header of "
         "request_id_header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[256];
        divak_settings all;
        memset(&all, 0x55, sizeof all);
        CHECK_INT(DIVAK_ERROR_INVALID, resolve(cases[i].pairs, &all, error));
        check_text_is(cases[i].error, error);
        CHECK_INT(0x55, *(unsigned char *)&all);
    }
    divak_settings all; /* the largest that fit, and a field in the place of another request id */
    RESOLVE(&all, "ring_bytes", "8MiB", "batch_bytes", "16MiB", "span_bytes", "65536",
            "request_id_header", "x-id", "baggage_fields", "user=x-request-id");
    divak_settings_deinit(&all);
}

TEST(the_sampler_is_that_of_code_or_else_made_of_the_settings) {
    divak_settings all;
    divak_sampler *sampler = NULL;
    bool is_owned = false;
    RESOLVE(&all, "sample_rate", "0", "sample_per_second", "5");
    CHECK_INT(DIVAK_OK, divak_settings_sampler(&all, &sampler, &is_owned));
    CHECK(is_owned && sampler->probability.has_limit);
    CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, NULL));
    divak_sampler_destroy(sampler);
    all.sampler = divak_sampler_always();
    CHECK_INT(DIVAK_OK, divak_settings_sampler(&all, &sampler, &is_owned));
    CHECK(!is_owned && sampler == divak_sampler_always());
    divak_settings_deinit(&all);
}

/* ---- without memory ------------------------------------------------------------------------- */

static int allocations_left, allocations_after; /* a second count, for "from the Nth on" */

static bool is_allowed(void) {
    if (allocations_left > 0) {
        allocations_left--;
        return true;
    }
    return allocations_after-- <= 0;
}

static void *allocate_until(size_t size) {
    return is_allowed() ? malloc(size) : NULL;
}

static void *resize_until(void *memory, size_t size) {
    return is_allowed() ? realloc(memory, size) : NULL;
}

/* Goes all the way from texts to settings; true when every step worked. */
static bool go_all_the_way(void) {
    divak_config *config = divak_config_create_without_environment();
    if (config == NULL) return false;
    int worst = DIVAK_OK, status;
    static const char *const pairs[] = {"headers", "a=b,c=d",     "tags",     "e=f",
                                        "ca_file", "/x",          "endpoint", "h:1",
                                        "baggage_fields", "g",    "sample_rate", "x"};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i += 2) {
        status = divak_config_set(config, pairs[i], pairs[i + 1]);
        bool is_bad = strcmp(pairs[i], "sample_rate") == 0;
        CHECK(status == DIVAK_ERROR_MEMORY || status == (is_bad ? DIVAK_ERROR_INVALID : DIVAK_OK));
        if (status == DIVAK_ERROR_MEMORY) worst = status;
    }
    status = divak_config_add_zipkin_reporter(config, "http://i:2");
    if (status != DIVAK_OK) worst = status;
    divak_setting setting;
    status = divak_config_setting(config, 4, &setting);
    if (status != DIVAK_OK) worst = status;
    divak_settings all;
    status = divak_config_resolve(config, &all);
    CHECK(status == DIVAK_OK || status == DIVAK_ERROR_MEMORY);
    CHECK(divak_config_error(config) != NULL);
    if (status == DIVAK_OK) divak_settings_deinit(&all);
    divak_config_destroy(config);
    return worst == DIVAK_OK && status == DIVAK_OK;
}

static int fail_each(int how_many) {
    divak_system_calls system = divak_system;
    divak_system.allocate = allocate_until;
    divak_system.resize = resize_until;
    int failed = 0;
    for (int nth = 0; nth < 200; nth++) {
        allocations_left = nth;
        allocations_after = how_many;
        if (!go_all_the_way()) failed++;
    }
    divak_system = system;
    return failed;
}

TEST(any_allocation_may_fail_once_or_all_from_it_on) {
    int once = fail_each(1), from_then_on = fail_each(1000000);
    CHECK(once > 20 && once < 100); /* one of them describes an error, and is not missed */
    CHECK(from_then_on >= once && from_then_on < 100);
}

CHECK_MAIN()
