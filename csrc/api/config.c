/* config.c - the settings as texts, what was wrong with them, and what they come to together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/config.h"

#include <stdio.h>
#include <string.h>

#include "api/own_formats.h"
#include "base/memory.h"
#include "base/system.h"
#include "wire/value.h"

/* ---- errors --------------------------------------------------------------------------------- */

static void append_text(divak_buffer *out, const char *text) {
    divak_buffer_append(out, text, strlen(text));
}

void divak_config_describe(divak_buffer *out, const char *name, const divak_setting_row *row,
                           const char *text, size_t length, const char *reason) {
    append_text(out, name);
    append_text(out, ": \"");
    divak_setting_show(row, text, length, false, out);
    append_text(out, "\" is not accepted: ");
    append_text(out, reason);
    divak_buffer_append(out, "", 1);
}

/* An error that there is no memory to describe is short enough to need none. */
static int finish_error(divak_config *config, int status) {
    if (config->error.failed) divak_buffer_deinit(&config->error);
    return status;
}

int divak_config_fail_value(divak_config *config, int status, const char *name,
                            const divak_setting_row *row, const char *text, size_t length,
                            const char *reason) {
    divak_buffer_clear(&config->error);
    divak_config_describe(&config->error, name, row, text, length, reason);
    return finish_error(config, status);
}

int divak_config_fail(divak_config *config, int status, const char *name, const char *reason) {
    divak_buffer_clear(&config->error);
    append_text(&config->error, name);
    append_text(&config->error, ": ");
    append_text(&config->error, reason);
    divak_buffer_append(&config->error, "", 1);
    return finish_error(config, status);
}

const char *divak_config_error(const divak_config *config) {
    if (config == NULL) return "";
    if (config->error.length > 0) return config->error.bytes;
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        if (config->values[row].kept_error != NULL) return config->values[row].kept_error;
    }
    return "";
}

/* ---- life ----------------------------------------------------------------------------------- */

divak_config *divak_config_create_without_environment(void) {
    divak_config *config = divak_memory_allocate_zeroed(1, sizeof *config);
    if (config == NULL) return NULL;
    divak_system_program_name(config->program_name, sizeof config->program_name);
    uint32_t address = divak_system_local_ipv4();
    unsigned char bytes[4];
    memcpy(bytes, &address, sizeof bytes);
    if (address == 0) {
        snprintf(config->local_address, sizeof config->local_address, "none");
    } else {
        snprintf(config->local_address, sizeof config->local_address, "%u.%u.%u.%u", bytes[0],
                 bytes[1], bytes[2], bytes[3]);
    }
    return config;
}

divak_config *divak_config_create(void) {
    divak_config *config = divak_config_create_without_environment();
    if (config != NULL && divak_config_read_environment(config) != DIVAK_OK) {
        divak_config_destroy(config);
        return NULL;
    }
    return config;
}

void divak_config_destroy(divak_config *config) {
    if (config == NULL) return;
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        divak_memory_release(config->values[row].text);
        divak_memory_release(config->values[row].kept_error);
    }
    for (size_t i = 0; i < config->reporter_count; i++) {
        divak_memory_release(config->reporters[i].endpoint);
        divak_memory_release(config->reporters[i].endpoint_display);
    }
    divak_process_parent_deinit(&config->parent);
    divak_buffer_deinit(&config->error);
    divak_buffer_deinit(&config->shown);
    divak_buffer_deinit(&config->reason);
    divak_memory_release(config->unknown_formats);
    divak_memory_release(config);
}

/* ---- values --------------------------------------------------------------------------------- */

static void know_formats(const divak_config *config, divak_settings *settings) {
    settings->propagator_count =
        divak_own_formats_known(config->propagators, config->propagator_count, settings->propagators);
}

const char *divak_config_formats_reason(divak_config *config, const char *hint, const char *text, size_t length) {
    static const char end[] = "; or none";
    divak_settings known = {.enabled = false};
    know_formats(config, &known);
    divak_buffer *out = &config->reason;
    divak_buffer_clear(out);
    divak_value_list list = {.text = text, .length = length};
    const divak_setting_row *row = &divak_setting_rows[divak_setting_find("propagation")];
    const char *item, *ignored;
    size_t item_length;
    while (divak_value_next(&list, &item, &item_length)) {
        /* One that stands alone is named already. */
        if (item_length == length || divak_setting_parse(row, item, item_length, &known, &ignored) == DIVAK_OK) continue;
        append_text(out, "\"");
        divak_setting_show(row, item, item_length, false, out);
        append_text(out, "\" is unknown: ");
        break;
    }
    divak_buffer_append(out, hint, strlen(hint) - strlen(end));
    for (size_t i = 0; i < known.propagator_count; i++) {
        append_text(out, ", ");
        append_text(out, known.propagators[i].name);
    }
    divak_buffer_append(out, end, sizeof end);
    return out->failed ? hint : out->bytes;
}

int divak_config_take(divak_config *config, size_t row, const char *text, size_t length,
                      uint32_t source, const char *variable, const char **out_reason) {
    divak_settings scratch = {.enabled = false};
    const divak_setting_row *setting = &divak_setting_rows[row];
    bool is_formats = setting->kind == DIVAK_SETTING_FORMATS;
    if (is_formats) know_formats(config, &scratch);
    int status = divak_setting_parse(setting, text, length, &scratch, out_reason);
    if (is_formats && status == DIVAK_ERROR_INVALID) {
        *out_reason = divak_config_formats_reason(config, setting->hint, text, length);
    }
    divak_settings_deinit(&scratch);
    if (status != DIVAK_OK) return status;

    char *copy = divak_memory_allocate(length + 1);
    if (copy == NULL) return DIVAK_ERROR_MEMORY;
    memcpy(copy, text, length);
    copy[length] = '\0';
    divak_config_value *value = &config->values[row];
    divak_memory_release(value->text);
    divak_memory_release(value->kept_error);
    *value = (divak_config_value){.text = copy, .source = source, .variable = variable};
    return DIVAK_OK;
}

void divak_config_reconsider_formats(divak_config *config) {
    size_t row = divak_setting_find("propagation");
    const char *ignored;
    if (config->unknown_formats == NULL || config->values[row].kept_error == NULL) return;
    (void)divak_config_take(config, row, config->unknown_formats, strlen(config->unknown_formats),
                            DIVAK_SOURCE_ENVIRONMENT, config->unknown_formats_variable, &ignored);
}

int divak_config_set(divak_config *config, const char *name, const char *value) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    if (name == NULL) return divak_config_fail(config, DIVAK_ERROR_INVALID, "NULL", "no setting");
    size_t row = divak_setting_find(name);
    if (row == DIVAK_SETTING_COUNT) {
        static const divak_setting_row unknown = {.kind = DIVAK_SETTING_NAME};
        return divak_config_fail_value(config, DIVAK_ERROR_INVALID, "setting", &unknown, name,
                                       strlen(name), "divak/config.h has no such name");
    }
    const divak_setting_row *setting = &divak_setting_rows[row];
    const char *text = value == NULL ? "" : value, *reason;
    size_t length = strlen(text);
    divak_value_trim(&text, &length);
    int status = divak_config_take(config, row, text, length, DIVAK_SOURCE_CODE, NULL, &reason);
    if (status == DIVAK_ERROR_INVALID) {
        return divak_config_fail_value(config, status, name, setting, text, length, reason);
    }
    if (status != DIVAK_OK) return divak_config_fail(config, status, name, "no memory");
    return status;
}

const char *divak_config_standard(const divak_config *config, size_t row) {
    const char *standard = divak_setting_rows[row].standard;
    if (standard != NULL) return standard;
    bool is_name = divak_setting_rows[row].kind == DIVAK_SETTING_NAME;
    return is_name ? config->program_name : config->local_address;
}

/* Reads one row alone into zeroed settings. */
static void read_one(const divak_config *config, const char *name, divak_settings *settings) {
    size_t row = divak_setting_find(name);
    const char *text = config->values[row].text, *reason;
    if (text == NULL) text = divak_config_standard(config, row);
    (void)divak_setting_parse(&divak_setting_rows[row], text, strlen(text), settings, &reason);
}

uint64_t divak_config_buffer_bytes(const divak_config *config) {
    divak_settings settings = {.enabled = false};
    read_one(config, "buffer_bytes", &settings);
    return settings.buffer_bytes;
}

uint32_t divak_config_log_level(const divak_config *config) {
    divak_settings settings = {.enabled = false};
    read_one(config, "log", &settings);
    return settings.log;
}
