/* config_test.c - where a setting's value comes from, what is refused, and what is shown of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/config.h"

#include <ctype.h>
#include <string.h>

#include "api/configs.h"

TEST(names_and_variables_are_the_same_but_for_case_and_each_occurs_once) {
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const divak_setting_row *setting = &divak_setting_rows[row];
        CHECK_INT(row, divak_setting_find(setting->name));
        CHECK(setting->hint != NULL && strlen(setting->hint) > 0);
        CHECK((setting->variable != NULL) == (row <= divak_setting_find("log")));
        if (setting->variable == NULL) continue;
        char expected[64];
        int length = snprintf(expected, sizeof expected, "DIVAK_%s", setting->name);
        for (int i = 0; i < length; i++) expected[i] = (char)toupper((unsigned char)expected[i]);
        CHECK_TEXT(expected, setting->variable, strlen(setting->variable));
    }
    CHECK_INT(DIVAK_SETTING_COUNT, divak_setting_find("nope"));
}

TEST(what_is_shown_can_be_set_again_and_means_the_same) {
    divak_config *config = fresh(), *again = fresh();
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        divak_setting setting;
        CHECK_INT(DIVAK_OK, divak_config_setting(config, row, &setting));
        CHECK_INT(DIVAK_SOURCE_DEFAULT, setting.source);
        CHECK_INT(DIVAK_OK, divak_config_set(again, setting.name, setting.value));
    }
    divak_setting setting;
    CHECK_INT(DIVAK_ABSENT, divak_config_setting(config, DIVAK_SETTING_COUNT, &setting));
    divak_settings first, second;
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &first));
    CHECK_INT(DIVAK_OK, divak_config_resolve(again, &second));
    CHECK_INT(first.ring_bytes, second.ring_bytes);
    CHECK(memcmp(&first.local_address, &second.local_address, sizeof first.local_address) == 0);
    divak_settings_deinit(&first);
    divak_settings_deinit(&second);
    divak_config_destroy(config);
    divak_config_destroy(again);
}

/* ---- sources -------------------------------------------------------------------------------- */

TEST(code_wins_over_divak_variables_and_those_over_opentelemetry) {
    divak_config *config = WITH("OTEL_SERVICE_NAME", "otel", "OTEL_BSP_SCHEDULE_DELAY", "5000",
                                "DIVAK_SERVICE_NAME", "divak", "DIVAK_SAMPLE_RATE", " 0 ",
                                "OTEL_TRACES_SAMPLER", "nonsense", "DIVAK_ENCODING", "proto3");
    CHECK_INT(DIVAK_OK, divak_config_set(config, "encoding", "json"));
    check_setting(config, "service_name", "divak", DIVAK_SOURCE_ENVIRONMENT, "DIVAK_SERVICE_NAME");
    check_setting(config, "flush_interval", "5000ms", DIVAK_SOURCE_ENVIRONMENT,
                  "OTEL_BSP_SCHEDULE_DELAY");
    check_setting(config, "sample_rate", "0", DIVAK_SOURCE_ENVIRONMENT, "DIVAK_SAMPLE_RATE");
    check_setting(config, "encoding", "json", DIVAK_SOURCE_CODE, "DIVAK_ENCODING");
    check_setting(config, "connections", "4", DIVAK_SOURCE_DEFAULT, "DIVAK_CONNECTIONS");
    check_setting(config, "join", "true", DIVAK_SOURCE_DEFAULT, NULL);
    divak_settings all;
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
    CHECK(all.sample_rate == 0 && all.flush_interval == 5000000000);
    divak_settings_deinit(&all);
    divak_config_destroy(config);
}

TEST(an_empty_variable_is_as_if_it_were_not_set) {
    divak_config *config = WITH("DIVAK_SAMPLE_RATE", "", "DIVAK_TIMEOUT", " \t",
                                "OTEL_SERVICE_NAME", "", "OTEL_EXPORTER_ZIPKIN_TIMEOUT", "3");
    check_error(config, "");
    check_setting(config, "sample_rate", "1", DIVAK_SOURCE_DEFAULT, "DIVAK_SAMPLE_RATE");
    check_setting(config, "timeout", "3ms", DIVAK_SOURCE_ENVIRONMENT,
                  "OTEL_EXPORTER_ZIPKIN_TIMEOUT");
    divak_config_destroy(config);
}

TEST(the_environment_is_read_once_and_not_at_all_where_that_is_said) {
    divak_config *config = WITH("DIVAK_SERVICE_NAME", "before");
    setenv("DIVAK_SERVICE_NAME", "after", 1);
    divak_config *without = fresh();
    check_setting(config, "service_name", "before", DIVAK_SOURCE_ENVIRONMENT, "DIVAK_SERVICE_NAME");
    CHECK_INT(DIVAK_SOURCE_DEFAULT, find(without, "service_name").source);
    clear_environment();
    divak_config_destroy(config);
    divak_config_destroy(without);
}

TEST(settings_that_only_code_may_set_have_no_variable) {
    setenv("DIVAK_TRUST", "none", 1);
    setenv("DIVAK_ALLOW_METADATA", "true", 1);
    divak_config *config = WITH("DIVAK_LOG", "off");
    unsetenv("DIVAK_TRUST");
    unsetenv("DIVAK_ALLOW_METADATA");
    check_setting(config, "trust", "all", DIVAK_SOURCE_DEFAULT, NULL);
    check_setting(config, "allow_metadata", "false", DIVAK_SOURCE_DEFAULT, NULL);
    check_setting(config, "give_up_refused", "false", DIVAK_SOURCE_DEFAULT, NULL);
    divak_config_destroy(config);
}

TEST(variables_of_opentelemetry_that_mean_the_same_are_understood) {
    static const struct {
        const char *variables[5];
        const char *name, *value, *variable;
    } cases[] = {
        {{"OTEL_SDK_DISABLED", "true"}, "enabled", "false", "OTEL_SDK_DISABLED"},
        {{"OTEL_SDK_DISABLED", "false"}, "enabled", "true", "OTEL_SDK_DISABLED"},
        {{"OTEL_SERVICE_NAME", "a"}, "service_name", "a", "OTEL_SERVICE_NAME"},
        {{"OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z:1/api/v2/spans"}, "endpoint",
         "http://z:1/api/v2/spans", "OTEL_EXPORTER_ZIPKIN_ENDPOINT"},
        {{"OTEL_EXPORTER_ZIPKIN_TIMEOUT", "10000"}, "timeout", "10000ms",
         "OTEL_EXPORTER_ZIPKIN_TIMEOUT"},
        {{"OTEL_BSP_SCHEDULE_DELAY", "0"}, "flush_interval", "0ms", "OTEL_BSP_SCHEDULE_DELAY"},
        {{"OTEL_PROPAGATORS", "tracecontext,baggage,b3,b3multi"}, "propagation",
         "tracecontext,baggage,b3,b3multi", "OTEL_PROPAGATORS"},
        {{"OTEL_PROPAGATORS", "none"}, "propagation", "none", "OTEL_PROPAGATORS"},
        {{"OTEL_TRACES_SAMPLER", "always_on"}, "sample_rate", "1", "OTEL_TRACES_SAMPLER"},
        {{"OTEL_TRACES_SAMPLER", "always_off"}, "sample_rate", "0", "OTEL_TRACES_SAMPLER"},
        {{"OTEL_TRACES_SAMPLER", "parentbased_always_on"}, "sample_rate", "1",
         "OTEL_TRACES_SAMPLER"},
        {{"OTEL_TRACES_SAMPLER", "parentbased_always_off", "OTEL_TRACES_SAMPLER_ARG", "0.5"},
         "sample_rate", "0", "OTEL_TRACES_SAMPLER"},
        {{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5"}, "sample_rate",
         "0.5", "OTEL_TRACES_SAMPLER_ARG"},
        {{"OTEL_TRACES_SAMPLER", "traceidratio"}, "sample_rate", "1", "OTEL_TRACES_SAMPLER"},
        {{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0"},
         "sample_rate", "0", "OTEL_TRACES_SAMPLER_ARG"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        divak_config *config = with_environment(cases[i].variables);
        check_error(config, "");
        check_setting(config, cases[i].name, cases[i].value, DIVAK_SOURCE_ENVIRONMENT,
                      cases[i].variable);
        divak_config_destroy(config);
    }
}

/* ---- errors --------------------------------------------------------------------------------- */

TEST(a_bad_variable_is_an_error_that_names_it_until_code_sets_the_setting) {
    static const struct {
        const char *variables[5];
        const char *name, *good, *error;
    } cases[] = {
        {{"DIVAK_SAMPLE_RATE", "2"}, "sample_rate", "1",
         "DIVAK_SAMPLE_RATE: \"2\" is not accepted: a number from 0 to 1"},
        {{"DIVAK_ENABLED", "maybe"}, "enabled", "no",
         "DIVAK_ENABLED: \"maybe\" is not accepted: true, false, 1, 0, yes, no, on, off"},
        {{"OTEL_SDK_DISABLED", "2"}, "enabled", "no",
         "OTEL_SDK_DISABLED: \"2\" is not accepted: true or false"},
        {{"OTEL_TRACES_SAMPLER", "jaeger_remote"}, "sample_rate", "1",
         "OTEL_TRACES_SAMPLER: \"jaeger_remote\" is not accepted: always_on, always_off, "
         "traceidratio, parentbased_always_on, parentbased_always_off or "
         "parentbased_traceidratio"},
        {{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "-1"}, "sample_rate",
         "1", "OTEL_TRACES_SAMPLER_ARG: \"-1\" is not accepted: a number from 0 to 1"},
        {{"OTEL_PROPAGATORS", "b3,jaeger"}, "propagation", "b3",
         "OTEL_PROPAGATORS: \"b3,jaeger\" is not accepted: \"jaeger\" is unknown: a list of b3, "
         "b3multi, tracecontext, baggage; or none"},
        {{"OTEL_PROPAGATORS", "request-id"}, "propagation", "request-id",
         "OTEL_PROPAGATORS: \"request-id\" is not accepted: a list of b3, b3multi, tracecontext, "
         "baggage; or none"},
        {{"OTEL_BSP_SCHEDULE_DELAY", "1s"}, "flush_interval", "1s",
         "OTEL_BSP_SCHEDULE_DELAY: \"1s\" is not accepted: milliseconds from 0 to 3600000"},
        {{"OTEL_EXPORTER_ZIPKIN_TIMEOUT", "0"}, "timeout", "1s",
         "OTEL_EXPORTER_ZIPKIN_TIMEOUT: \"0\" is not accepted: milliseconds from 1 to 3600000"},
        {{"DIVAK_ENDPOINT", "gate"}, "endpoint", "gate:1",
         "DIVAK_ENDPOINT: \"gate\" is not accepted: the port is missing; accepted: host:port or "
         "http(s)://[user:password@]host[:port][/path]"},
        {{"DIVAK_TIMEOUT", "10", "DIVAK_RING_BYTES", "1"}, "ring_bytes", "1MiB",
         "DIVAK_RING_BYTES: \"1\" is not accepted: a size from 16KiB to 1GiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        divak_config *config = with_environment(cases[i].variables);
        divak_settings all;
        check_error(config, cases[i].error);
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_resolve(config, &all));
        check_error(config, cases[i].error);
        CHECK_INT(DIVAK_SOURCE_DEFAULT, find(config, cases[i].name).source);
        CHECK_INT(DIVAK_OK, divak_config_set(config, cases[i].name, cases[i].good));
        divak_config_set(config, "timeout", "10s");
        CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
        check_error(config, "");
        divak_settings_deinit(&all);
        divak_config_destroy(config);
    }
}

TEST(the_log_level_holds_also_beside_a_bad_variable) {
    divak_config *config = WITH("DIVAK_LOG", "off", "DIVAK_SAMPLE_RATE", "x");
    CHECK_INT(DIVAK_LOG_OFF, divak_config_log_level(config));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "log", "debug"));
    CHECK_INT(DIVAK_LOG_DEBUG, divak_config_log_level(config));
    divak_config_destroy(config);
    config = WITH("DIVAK_LOG", "loud");
    CHECK_INT(DIVAK_LOG_WARN, divak_config_log_level(config));
    divak_config_destroy(config);
}

TEST(values_that_are_none_are_refused_and_change_nothing) {
    static const char *const bad[] = {
        "enabled", "", "enabled", "2", "enabled", "tru", "service_name", "", "service_name", "  ",
        "service_name", "a\nb", "service_ip", "1.2.3", "service_ip", "1.2.3.4:80", "service_ip",
        "localhost", "service_ip", "::1%lo", "service_port", "65536", "service_port", "-1",
        "service_port", "0x1", "endpoint", "ftp://a:1", "endpoint", "http://a:0", "endpoint",
        "http://a:65536", "endpoint", "http://a b:1", "sample_rate", "-0.1", "sample_rate", "1.01",
        "sample_rate", "50%", "sample_rate", "nan", "sample_rate", "0,5", "sample_per_second",
        "-1", "sample_per_second", "2147483649", "sample_per_second", "1.5", "propagation",
        "zipkin", "propagation", "b3,none", "propagation", ",", "encoding", "thrift",
        "compression", "zstd", "ring_bytes", "16383", "ring_bytes", "2GiB", "ring_bytes", "1 MiB",
        "buffer_bytes", "1023KiB", "buffer_bytes", "65GiB", "buffer_bytes",
        "99999999999999999999", "batch_bytes", "1023", "batch_bytes", "17MiB", "flush_interval",
        "1", "flush_interval", "-1s", "flush_interval", "61m", "timeout", "0", "timeout", "999us",
        "close_timeout", "2h", "connections", "0", "connections", "65", "headers", "a", "headers",
        "=b", "headers", "a b=c", "headers", "a:b=c", "headers", "a=b\r\nx: y", "headers", ",",
        "tags", "x", "tags", "=", "ca_file", "a\tb", "log", "info", "trace_id_bits", "96",
        "trace_id_time", "x", "join", "", "trust", "some", "extract_failure", "abort",
        "baggage_fields", "a b", "baggage_fields", "a,a", "baggage_fields", "a=b3",
        "request_id_header", "x id", "request_id_header", "traceparent", "request_id", "uuid",
        "resample", "x", "late_decision", "2", "name_bytes", "0", "name_bytes", "65536", "key_bytes", "256",
        "value_bytes", "0", "tags_max", "0", "tags_max", "513", "annotations_max", "513",
        "span_bytes", "511", "span_bytes", "513", "span_bytes", "131072", "allow_metadata", "x",
    };
    divak_config *config = fresh();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i += 2) {
        char before[256];
        snprintf(before, sizeof before, "%s", find(config, bad[i]).value);
        if (divak_config_set(config, bad[i], bad[i + 1]) != DIVAK_ERROR_INVALID) {
            printf("  accepted: %s = \"%s\"\n", bad[i], bad[i + 1]);
            CHECK(false);
        }
        const char *error = divak_config_error(config);
        CHECK(strncmp(error, bad[i], strlen(bad[i])) == 0);
        CHECK(strstr(error, "\" is not accepted: ") != NULL);
        check_setting(config, bad[i], before, DIVAK_SOURCE_DEFAULT, find(config, bad[i]).variable);
    }
    char key[300];
    memset(key, 'k', sizeof key);
    memcpy(key + 256, "=v", 3);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "tags", key));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "tags", key + 1));
    key[256] = '\0';
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "service_name", key));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "service_name", key + 1));
    divak_config_destroy(config);
}

TEST(an_unknown_name_and_null_are_refused) {
    divak_config *config = fresh();
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "nope", "1"));
    check_error(config, "setting: \"nope\" is not accepted: divak/config.h has no such name");
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "log", NULL));
    check_error(config, "log: \"\" is not accepted: off, warn or debug");
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, NULL, "1"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(NULL, "log", "off"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_setting(NULL, 0, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_setting(config, 0, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_resolve(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_print(NULL, 1));
    CHECK_INT(DIVAK_ERROR_SYSTEM, divak_config_print(config, -1));
    check_error(NULL, "");
    divak_config_destroy(NULL);
    divak_config_destroy(config);
}

/* ---- printing ------------------------------------------------------------------------------- */

TEST(all_settings_are_printed_a_line_each_with_value_and_source) {
    divak_config *config = WITH("DIVAK_LOG", "off", "OTEL_SERVICE_NAME", "shop");
    CHECK_INT(DIVAK_OK, divak_config_set(config, "buffer_bytes", "2MiB"));
    char shown[16384];
    show_all(config, shown, sizeof shown);
    static const char *const lines[] = {
        "\nservice_name       shop                                 OTEL_SERVICE_NAME\n",
        "\nring_bytes         524288                               default\n",
        "\nbuffer_bytes       2MiB                                 code\n",
        "\nbatch_bytes        500000                               default\n",
        "\nlog                off                                  DIVAK_LOG\n",
        "\nsample_rate        1                                    default\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK(strstr(shown, lines[i]) != NULL);
    }
    int count = 0;
    for (const char *c = strstr(shown, "\nenabled "); *c != '\0'; c++) count += *c == '\n';
    CHECK_INT(DIVAK_SETTING_COUNT + 1, count);
    divak_config_destroy(config);
}

CHECK_MAIN()
