/* config_attach.c - what is attached to a config: sampler, ids, clock, formats, handlers, reporters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/config.h"
#include "api/own_formats.h"
#include "base/memory.h"
#include "export/memory_reporter.h"
#include "wire/value.h"

/* NULL brings Divak's own back. */
int divak_config_set_sampler(divak_config *config, divak_sampler *sampler) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    config->sampler = sampler;
    return DIVAK_OK;
}

int divak_config_set_id_generator(divak_config *config, divak_make_id make, void *context) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    config->make_id = make;
    config->make_id_context = context;
    return DIVAK_OK;
}

int divak_config_set_request_id_generator(divak_config *config, divak_make_request_id make,
                                          void *context) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    config->make_request_id = make;
    config->make_request_id_context = context;
    return DIVAK_OK;
}

int divak_config_set_clock(divak_config *config, divak_read_clock read, void *context) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    config->read_clock = read;
    config->read_clock_context = context;
    return DIVAK_OK;
}

int divak_config_add_propagator(divak_config *config, const divak_propagator *propagator) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    const char *refused, *reason;
    divak_own_format format;
    int status = divak_own_format_make(propagator, &format, &refused, &reason);
    if (status == DIVAK_OK && divak_own_format_find(config->propagators, config->propagator_count, format.name,
                                                    strlen(format.name)) >= 0) {
        status = DIVAK_ERROR_INVALID;
        reason = "another one has that name";
    }
    if (status == DIVAK_OK && config->propagator_count == DIVAK_PROPAGATORS_MAX) {
        status = DIVAK_ERROR_FULL;
        reason = "there are 4 already";
    }
    if (status != DIVAK_OK) {
        static const divak_setting_row plain = {.kind = DIVAK_SETTING_NAME};
        return divak_config_fail_value(config, status, "propagator", &plain, refused, strlen(refused), reason);
    }
    config->propagators[config->propagator_count++] = format;
    divak_config_reconsider_formats(config);
    return DIVAK_OK;
}

int divak_config_add_handler(divak_config *config, const divak_handler *handler) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    if (handler == NULL || (handler->begin == NULL && handler->end == NULL)) {
        return divak_config_fail(config, DIVAK_ERROR_INVALID, "handler", "it has no function");
    }
    if (config->handler_count == DIVAK_CONFIG_HANDLERS_MAX) {
        return divak_config_fail(config, DIVAK_ERROR_FULL, "handler", "there are 16 already");
    }
    config->handlers[config->handler_count++] = *handler;
    return DIVAK_OK;
}

static int add_reporter(divak_config *config, const divak_reporter_spec *spec) {
    if (config->reporter_count == DIVAK_CONFIG_REPORTERS_MAX) {
        return divak_config_fail(config, DIVAK_ERROR_FULL, "reporter", "there are 16 already");
    }
    config->reporters[config->reporter_count++] = *spec;
    return DIVAK_OK;
}

int divak_config_add_zipkin_reporter(divak_config *config, const char *endpoint) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_ZIPKIN};
    if (endpoint != NULL) {
        const divak_setting_row *row = &divak_setting_rows[divak_setting_find("endpoint")];
        const char *reason = row->hint;
        size_t length = strlen(endpoint);
        divak_value_trim(&endpoint, &length);
        int status = divak_setting_parse_url(endpoint, length, &spec.endpoint,
                                             &spec.endpoint_display, &reason);
        if (status == DIVAK_ERROR_INVALID) {
            return divak_config_fail_value(config, status, "endpoint", row, endpoint, length,
                                           reason);
        }
        if (status != DIVAK_OK) return divak_config_fail(config, status, "endpoint", "no memory");
    }
    int status = add_reporter(config, &spec);
    if (status != DIVAK_OK) {
        divak_memory_release(spec.endpoint);
        divak_memory_release(spec.endpoint_display);
    }
    return status;
}

int divak_config_add_supplied_reporter(divak_config *config, divak_supply_endpoint supply, void *context) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    if (supply == NULL) {
        return divak_config_fail(config, DIVAK_ERROR_INVALID, "supplied reporter", "it has no function");
    }
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_ZIPKIN, .supply = supply, .context = context};
    return add_reporter(config, &spec);
}

int divak_config_add_memory_reporter(divak_config *config, divak_memory_reporter **out_reporter) {
    if (config == NULL || out_reporter == NULL) return DIVAK_ERROR_INVALID;
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_MEMORY};
    int status = divak_memory_reporter_create(&spec.memory);
    if (status != DIVAK_OK) return divak_config_fail(config, status, "reporter", "no memory");
    status = add_reporter(config, &spec);
    if (status != DIVAK_OK) {
        divak_memory_reporter_destroy(spec.memory);
        return status;
    }
    *out_reporter = spec.memory;
    return DIVAK_OK;
}

int divak_config_add_console_reporter(divak_config *config, int file_descriptor) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    if (file_descriptor < 0) {
        return divak_config_fail(config, DIVAK_ERROR_INVALID, "console reporter",
                                 "a file descriptor is 0 or more");
    }
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_CONSOLE, .file_descriptor = file_descriptor};
    return add_reporter(config, &spec);
}

int divak_config_add_null_reporter(divak_config *config) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    return add_reporter(config, &(divak_reporter_spec){.kind = DIVAK_REPORTER_NULL});
}

int divak_config_add_callback_reporter(divak_config *config, divak_send send, void *context) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    if (send == NULL) {
        return divak_config_fail(config, DIVAK_ERROR_INVALID, "callback reporter",
                                 "it has no function");
    }
    divak_reporter_spec spec = {.kind = DIVAK_REPORTER_CALLBACK, .send = send, .context = context};
    return add_reporter(config, &spec);
}
