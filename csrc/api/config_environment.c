/* config_environment.c - reads the variables DIVAK_* and, as second choice, OpenTelemetry's. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each variable is read here, once, when a configuration is made: what the program sets later, from
 * whichever thread, neither races with the tracer nor redirects it. An empty variable is as if it
 * were not set; "0" is a value. Where a DIVAK_ variable is set, the other one is not looked at.
 *
 *     OTEL_SDK_DISABLED=true                        enabled=false
 *     OTEL_TRACES_SAMPLER=parentbased_traceidratio
 *     OTEL_TRACES_SAMPLER_ARG=0.25                  sample_rate=0.25
 *     OTEL_BSP_SCHEDULE_DELAY=5000                  flush_interval=5000ms
 */
#include "api/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "wire/value.h"

#define SAMPLER_ARGUMENT "OTEL_TRACES_SAMPLER_ARG"

/* A variable's trimmed text; false when it is not set, or empty. */
static bool read_variable(const char *name, const char **out_text, size_t *out_length) {
    const char *text = getenv(name);
    if (text == NULL) return false;
    *out_text = text;
    *out_length = strlen(text);
    divak_value_trim(out_text, out_length);
    return *out_length > 0;
}

static int keep_error(divak_config *config, size_t row, const char *variable, const char *text,
                      size_t length, const char *reason) {
    divak_buffer error = {0};
    divak_config_describe(&error, variable, &divak_setting_rows[row], text, length, reason);
    if (error.failed) {
        divak_buffer_deinit(&error);
        return DIVAK_ERROR_MEMORY;
    }
    config->values[row].kept_error = error.bytes; /* freed as memory of base/memory.h */
    return DIVAK_OK;
}

/* The same for a list of formats, which may be known before a tracer is made. */
static int keep_formats(divak_config *config, size_t row, const char *variable, const char *text,
                        size_t length, const char *reason) {
    config->unknown_formats = divak_memory_allocate(length + 1);
    if (config->unknown_formats == NULL) return DIVAK_ERROR_MEMORY;
    memcpy(config->unknown_formats, text, length);
    config->unknown_formats[length] = '\0';
    config->unknown_formats_variable = variable;
    return keep_error(config, row, variable, text, length, reason);
}

/* Takes `text`; where that is not accepted, keeps the error about what the variable holds. */
static int take(divak_config *config, size_t row, const char *variable, const char *text,
                const char *held, size_t held_length) {
    const char *reason;
    int status = divak_config_take(config, row, text, strlen(text), DIVAK_SOURCE_ENVIRONMENT,
                                   variable, &reason);
    if (status != DIVAK_ERROR_INVALID) return status;
    return keep_error(config, row, variable, held, held_length, reason);
}

static int take_inverted(divak_config *config, size_t row, const char *text, size_t length) {
    const char *variable = divak_setting_rows[row].otel;
    bool value;
    if (divak_value_bool(text, length, &value) != DIVAK_OK) {
        return keep_error(config, row, variable, text, length, "true or false");
    }
    return take(config, row, variable, value ? "false" : "true", text, length);
}

static int take_milliseconds(divak_config *config, size_t row, const char *text, size_t length) {
    const divak_setting_row *setting = &divak_setting_rows[row];
    enum { MILLISECOND = 1000000 };
    uint64_t number, least = setting->least / MILLISECOND, most = setting->most / MILLISECOND;
    char made[64];
    if (divak_value_unsigned(text, length, least, most, &number) != DIVAK_OK) {
        snprintf(made, sizeof made, "milliseconds from %" PRIu64 " to %" PRIu64, least, most);
        return keep_error(config, row, setting->otel, text, length, made);
    }
    snprintf(made, sizeof made, "%" PRIu64 "ms", number);
    return take(config, row, setting->otel, made, text, length);
}

/* Divak always heeds the parent first, hence both families mean the same here. */
static int take_sampler(divak_config *config, size_t row, const char *text, size_t length) {
    static const struct {
        const char *name, *rate; /* NULL: in the argument */
    } samplers[] = {
        {"always_on", "1"},
        {"always_off", "0"},
        {"traceidratio", NULL},
        {"parentbased_always_on", "1"},
        {"parentbased_always_off", "0"},
        {"parentbased_traceidratio", NULL},
    };
    const char *variable = divak_setting_rows[row].otel;
    for (size_t i = 0; i < sizeof samplers / sizeof samplers[0]; i++) {
        if (strlen(samplers[i].name) != length || memcmp(samplers[i].name, text, length) != 0) {
            continue;
        }
        if (samplers[i].rate != NULL) {
            return take(config, row, variable, samplers[i].rate, text, length);
        }
        const char *rate, *reason;
        size_t rate_length;
        if (!read_variable(SAMPLER_ARGUMENT, &rate, &rate_length)) {
            return take(config, row, variable, "1", text, length);
        }
        int status = divak_config_take(config, row, rate, rate_length, DIVAK_SOURCE_ENVIRONMENT,
                                       SAMPLER_ARGUMENT, &reason);
        if (status != DIVAK_ERROR_INVALID) return status;
        return keep_error(config, row, SAMPLER_ARGUMENT, rate, rate_length, reason);
    }
    return keep_error(config, row, variable, text, length,
                      "always_on, always_off, traceidratio, parentbased_always_on, "
                      "parentbased_always_off or parentbased_traceidratio");
}

/* Their names are ours, but request-id is not theirs. */
static int take_propagators(divak_config *config, size_t row, const char *text, size_t length) {
    static const char accepted[] = "a list of b3, b3multi, tracecontext, baggage; or none";
    static const char ours[] = "request-id";
    const char *variable = divak_setting_rows[row].otel, *item, *reason;
    size_t item_length;
    divak_value_list list = {.text = text, .length = length};
    while (divak_value_next(&list, &item, &item_length)) {
        if (item_length == strlen(ours) && memcmp(item, ours, item_length) == 0) {
            return keep_error(config, row, variable, text, length, accepted);
        }
    }
    int status = divak_config_take(config, row, text, length, DIVAK_SOURCE_ENVIRONMENT, variable,
                                   &reason);
    if (status != DIVAK_ERROR_INVALID) return status;
    reason = divak_config_formats_reason(config, accepted, text, length);
    return keep_formats(config, row, variable, text, length, reason);
}

static int read_row(divak_config *config, size_t row) {
    const divak_setting_row *setting = &divak_setting_rows[row];
    const char *text, *reason, *variable = setting->variable;
    size_t length;
    if (variable == NULL) return DIVAK_OK;
    divak_otel_form form = DIVAK_OTEL_SAME;
    if (!read_variable(variable, &text, &length)) {
        variable = setting->otel;
        form = setting->otel_form;
        if (variable == NULL || !read_variable(variable, &text, &length)) return DIVAK_OK;
    }
    switch (form) {
    case DIVAK_OTEL_INVERTED:
        return take_inverted(config, row, text, length);
    case DIVAK_OTEL_MILLISECONDS:
        return take_milliseconds(config, row, text, length);
    case DIVAK_OTEL_SAMPLER:
        return take_sampler(config, row, text, length);
    case DIVAK_OTEL_PROPAGATORS:
        return take_propagators(config, row, text, length);
    case DIVAK_OTEL_SAME:
        break;
    }
    int status = divak_config_take(config, row, text, length, DIVAK_SOURCE_ENVIRONMENT, variable,
                                   &reason);
    if (status != DIVAK_ERROR_INVALID) return status;
    if (setting->kind == DIVAK_SETTING_FORMATS) {
        return keep_formats(config, row, variable, text, length, reason);
    }
    return keep_error(config, row, variable, text, length, reason);
}

int divak_config_read_environment(divak_config *config) {
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        int status = read_row(config, row);
        if (status != DIVAK_OK) return status;
    }
    return divak_process_parent_read(&config->parent);
}
