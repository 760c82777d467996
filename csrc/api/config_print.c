/* config_print.c - every setting with its value and where that came from, as data and as lines. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     service_name       checkout                             DIVAK_SERVICE_NAME
 *     endpoint           http://REDACTED@gate:9411            code
 *     sample_rate        1                                    default
 */
#include "api/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Appends what is used where nobody has set anything. */
static void show_standard(const divak_config *config, size_t row, divak_buffer *out) {
    const divak_setting_row *setting = &divak_setting_rows[row];
    const char *text = divak_config_standard(config, row);
    bool is_ring = setting->offset == offsetof(divak_settings, ring_bytes);
    if (is_ring || setting->offset == offsetof(divak_settings, batch_bytes)) {
        uint64_t buffer = divak_config_buffer_bytes(config);
        uint64_t own = is_ring ? divak_setting_ring_bytes(buffer)
                               : divak_setting_batch_bytes(buffer);
        uint64_t usual = is_ring ? divak_setting_ring_bytes(UINT64_MAX)
                                 : divak_setting_batch_bytes(UINT64_MAX);
        char number[24];
        if (own != usual) {
            int length = snprintf(number, sizeof number, "%llu", (unsigned long long)own);
            divak_buffer_append(out, number, (size_t)length);
            return;
        }
    }
    divak_setting_show(setting, text, strlen(text), true, out);
}

static void show(const divak_config *config, size_t row, divak_buffer *out) {
    const char *text = config->values[row].text;
    if (text == NULL) show_standard(config, row, out);
    else divak_setting_show(&divak_setting_rows[row], text, strlen(text), true, out);
}

int divak_config_setting(divak_config *config, size_t index, divak_setting *out_setting) {
    if (config == NULL || out_setting == NULL) return DIVAK_ERROR_INVALID;
    if (index >= DIVAK_SETTING_COUNT) return DIVAK_ABSENT;
    const divak_config_value *value = &config->values[index];
    divak_buffer_clear(&config->shown);
    show(config, index, &config->shown);
    divak_buffer_append(&config->shown, "", 1);
    if (config->shown.failed) {
        return divak_config_fail(config, DIVAK_ERROR_MEMORY, divak_setting_rows[index].name,
                                 "no memory");
    }
    *out_setting = (divak_setting){
        .name = divak_setting_rows[index].name,
        .value = config->shown.bytes,
        .source = value->source,
        .variable = value->variable == NULL ? divak_setting_rows[index].variable : value->variable,
    };
    return DIVAK_OK;
}

static void pad_to(divak_buffer *out, size_t column) {
    do {
        divak_buffer_append(out, " ", 1);
    } while (!out->failed && out->length < column);
}

static void append_line(divak_buffer *out, const divak_config *config, size_t row) {
    enum { VALUE_COLUMN = 19, SOURCE_COLUMN = 56 };
    const divak_config_value *value = &config->values[row];
    const char *source = "default";
    if (value->source == DIVAK_SOURCE_CODE) source = "code";
    if (value->source == DIVAK_SOURCE_ENVIRONMENT) source = value->variable;
    size_t begin = out->length;
    divak_buffer_append(out, divak_setting_rows[row].name, strlen(divak_setting_rows[row].name));
    pad_to(out, begin + VALUE_COLUMN);
    show(config, row, out);
    pad_to(out, begin + SOURCE_COLUMN);
    divak_buffer_append(out, source, strlen(source));
    divak_buffer_append(out, "\n", 1);
}

int divak_config_print(divak_config *config, int file_descriptor) {
    if (config == NULL) return DIVAK_ERROR_INVALID;
    divak_buffer lines = {0};
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) append_line(&lines, config, row);
    int status = lines.failed ? DIVAK_ERROR_MEMORY : DIVAK_OK;
    for (size_t written = 0; status == DIVAK_OK && written < lines.length;) {
        ssize_t count = write(file_descriptor, lines.bytes + written, lines.length - written);
        if (count > 0) written += (size_t)count;
        else if (count == 0 || errno != EINTR) status = DIVAK_ERROR_SYSTEM;
    }
    if (status == DIVAK_OK) status = (int)lines.length; /* 40 texts of 64 KiB at most */
    divak_buffer_deinit(&lines);
    return status;
}
