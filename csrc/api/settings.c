/* settings.c - makes the settings of a tracer out of a configuration's texts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/settings.h"

#include <stdio.h>
#include <string.h>

#include "api/config.h"
#include "api/own_formats.h"
#include "base/memory.h"
#include "collect/sampler.h"

static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = divak_memory_allocate(size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

void divak_settings_deinit(divak_settings *settings) {
    divak_memory_release(settings->endpoint);
    divak_memory_release(settings->endpoint_display);
    divak_memory_release(settings->ca_file);
    divak_memory_release(settings->baggage_fields);
    divak_memory_release(settings->request_id_header);
    divak_process_parent_deinit(&settings->process_parent);
    for (size_t i = 0; i < settings->header_count; i++) divak_memory_release(settings->headers[i]);
    divak_memory_release(settings->headers);
    for (size_t i = 0; i < settings->tag_count; i++) {
        divak_memory_release(settings->tags[i].key);
        divak_memory_release(settings->tags[i].value);
    }
    divak_memory_release(settings->tags);
    for (size_t i = 0; i < settings->reporter_count; i++) {
        divak_memory_release(settings->reporters[i].endpoint);
        divak_memory_release(settings->reporters[i].endpoint_display);
    }
    memset(settings, 0, sizeof *settings);
}

static bool is_set(const divak_config *config, const char *name) {
    return config->values[divak_setting_find(name)].text != NULL;
}

/* Says that a setting has no accepted value although its text alone is fine. */
static int refuse(divak_config *config, const char *name, const char *reason) {
    size_t row = divak_setting_find(name);
    const divak_config_value *value = &config->values[row];
    const char *text = value->text == NULL ? divak_config_standard(config, row) : value->text;
    return divak_config_fail_value(config, DIVAK_ERROR_INVALID,
                                   value->variable == NULL ? name : value->variable,
                                   &divak_setting_rows[row], text, strlen(text), reason);
}

static int read_texts(divak_config *config, divak_settings *settings) {
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const divak_setting_row *setting = &divak_setting_rows[row];
        const char *text = config->values[row].text, *reason;
        if (text == NULL) text = divak_config_standard(config, row);
        int status = divak_setting_parse(setting, text, strlen(text), settings, &reason);
        /* A program may be called what no setting may: then it has no name that could be sent. */
        if (status == DIVAK_ERROR_INVALID && setting->kind == DIVAK_SETTING_NAME) {
            snprintf(settings->service_name, sizeof settings->service_name, "unknown");
            status = DIVAK_OK;
        }
        if (status == DIVAK_ERROR_MEMORY) {
            return divak_config_fail(config, status, setting->name, "no memory");
        }
        if (status != DIVAK_OK) return refuse(config, setting->name, reason);
    }
    return DIVAK_OK;
}

/* What each text alone could not say: how they go together. Only what was set can be wrong; what
 * was not makes room. */
static int reconcile(divak_config *config, divak_settings *settings) {
    char reason[80];
    uint64_t buffer = settings->buffer_bytes;
    if (!is_set(config, "ring_bytes")) settings->ring_bytes = divak_setting_ring_bytes(buffer);
    if (settings->ring_bytes > buffer / 4) {
        snprintf(reason, sizeof reason, "at most a quarter of buffer_bytes, %llu",
                 (unsigned long long)(buffer / 4));
        return refuse(config, "ring_bytes", reason);
    }
    if (!is_set(config, "batch_bytes")) settings->batch_bytes = divak_setting_batch_bytes(buffer);
    if (settings->batch_bytes > buffer / 2) {
        snprintf(reason, sizeof reason, "at most half of buffer_bytes, %llu",
                 (unsigned long long)(buffer / 2));
        return refuse(config, "batch_bytes", reason);
    }
    if (settings->ring_bytes < 2 * (uint64_t)settings->span_bytes) {
        snprintf(reason, sizeof reason, "at most half of ring_bytes, %llu",
                 (unsigned long long)(settings->ring_bytes / 2));
        return refuse(config, "span_bytes", reason);
    }

    enum { MILLISECOND = 1000000 }; /* oftener would be the spinning that slows recording down */
    if (settings->flush_interval < MILLISECOND) settings->flush_interval = MILLISECOND;

    /* Nobody has chosen yet what is read: all of it. What is written has its own default. */
    if (is_set(config, "propagation")) {
        settings->extract = settings->inject;
    } else {
        settings->extract = DIVAK_EVERY_FORMAT;
        settings->inject.own = (UINT32_C(1) << config->propagator_count) - 1;
    }
    divak_propagation propagation;
    if (divak_settings_propagation(settings, &propagation) != DIVAK_OK) {
        return refuse(config, "baggage_fields", "one of them is the header of request_id_header");
    }
    return DIVAK_OK;
}

static int copy_reporter(const divak_reporter_spec *from, divak_settings *settings) {
    divak_reporter_spec *to = &settings->reporters[settings->reporter_count];
    *to = *from;
    to->endpoint = to->endpoint_display = NULL;
    settings->reporter_count++;
    if (from->kind != DIVAK_REPORTER_ZIPKIN) return DIVAK_OK;
    bool is_own = from->endpoint != NULL;
    to->endpoint = copy_text(is_own ? from->endpoint : settings->endpoint);
    to->endpoint_display = copy_text(is_own ? from->endpoint_display : settings->endpoint_display);
    return to->endpoint == NULL || to->endpoint_display == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

static int copy_attached(divak_config *config, divak_settings *settings) {
    static const divak_reporter_spec zipkin = {.kind = DIVAK_REPORTER_ZIPKIN};
    settings->sampler = config->sampler;
    settings->make_id = config->make_id;
    settings->make_id_context = config->make_id_context;
    settings->read_clock = config->read_clock;
    settings->read_clock_context = config->read_clock_context;
    settings->make_request_id = config->make_request_id;
    settings->make_request_id_context = config->make_request_id_context;
    memcpy(settings->handlers, config->handlers, sizeof settings->handlers);
    settings->handler_count = config->handler_count;
    int status = config->reporter_count == 0 ? copy_reporter(&zipkin, settings) : DIVAK_OK;
    for (size_t i = 0; status == DIVAK_OK && i < config->reporter_count; i++) {
        status = copy_reporter(&config->reporters[i], settings);
    }
    if (status != DIVAK_OK) return divak_config_fail(config, status, "reporters", "no memory");
    if (settings->has_process_parent) {
        status = divak_process_parent_copy(&config->parent, &settings->process_parent);
    }
    if (status != DIVAK_OK) {
        return divak_config_fail(config, status, "process_parent", "no memory");
    }
    return DIVAK_OK;
}

int divak_config_resolve(divak_config *config, divak_settings *out_settings) {
    if (config == NULL || out_settings == NULL) return DIVAK_ERROR_INVALID;
    divak_config_reconsider_formats(config);
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const char *kept = config->values[row].kept_error;
        if (kept == NULL) continue;
        divak_buffer_clear(&config->error); /* then divak_config_error gives the first one kept */
        return DIVAK_ERROR_INVALID;
    }
    divak_settings settings = {.enabled = false};
    settings.propagator_count =
        divak_own_formats_known(config->propagators, config->propagator_count, settings.propagators);
    int status = read_texts(config, &settings);
    if (status == DIVAK_OK) status = reconcile(config, &settings);
    if (status == DIVAK_OK) status = copy_attached(config, &settings);
    if (status != DIVAK_OK) {
        divak_settings_deinit(&settings);
        return status;
    }
    divak_buffer_clear(&config->error);
    *out_settings = settings;
    return DIVAK_OK;
}

int divak_settings_sampler(const divak_settings *settings, divak_sampler **out_sampler,
                           bool *out_is_owned) {
    if (settings->sampler != NULL) {
        *out_sampler = settings->sampler;
        *out_is_owned = false;
        return DIVAK_OK;
    }
    int status =
        divak_sampler_create_limited(settings->sample_rate, settings->has_sample_per_second,
                                     settings->sample_per_second, out_sampler);
    if (status == DIVAK_OK) *out_is_owned = true;
    return status;
}

int divak_settings_propagation(const divak_settings *settings, divak_propagation *out_propagation) {
    divak_propagation_init(out_propagation);
    out_propagation->extract = settings->extract;
    out_propagation->inject = settings->inject;
    out_propagation->trust = (divak_trust)settings->trust;
    out_propagation->extract_failure = (divak_extract_failure)settings->extract_failure;
    out_propagation->does_generate_request_id = settings->request_id_is_generated != 0;
    out_propagation->make_request_id = settings->make_request_id;
    out_propagation->make_request_id_context = settings->make_request_id_context;
    memcpy(out_propagation->own, settings->propagators, sizeof out_propagation->own);
    out_propagation->own_count = settings->propagator_count;
    const char *header = settings->request_id_header, *fields = settings->baggage_fields;
    int status = divak_propagation_set_request_id_header(out_propagation, header, strlen(header));
    if (status != DIVAK_OK) return status;
    return divak_propagation_add_fields(out_propagation, fields, strlen(fields));
}
