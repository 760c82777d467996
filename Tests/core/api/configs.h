/* configs.h - configurations for tests: fresh, from given variables, and looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_TESTS_CONFIGS_H
#define DIVAK_TESTS_CONFIGS_H

#include <stdlib.h>
#include <string.h>

#include "api/config.h"
#include "check.h"

static inline divak_config *fresh(void) {
    divak_config *config = divak_config_create_without_environment();
    if (config == NULL) abort();
    return config;
}

static inline void clear_environment(void) {
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const divak_setting_row *setting = &divak_setting_rows[row];
        if (setting->variable != NULL) unsetenv(setting->variable);
        if (setting->otel != NULL) unsetenv(setting->otel);
    }
    unsetenv("OTEL_TRACES_SAMPLER_ARG");
}

/* A configuration made with these variables: names and values after one another, up to a NULL. */
static inline divak_config *with_environment(const char *const *pairs) {
    clear_environment();
    for (; *pairs != NULL; pairs += 2) setenv(pairs[0], pairs[1], 1);
    divak_config *config = divak_config_create();
    if (config == NULL) abort();
    clear_environment();
    return config;
}

#define WITH(...) with_environment((const char *const[]){__VA_ARGS__, NULL})

static inline void check_error(const divak_config *config, const char *expected) {
    const char *error = divak_config_error(config);
    CHECK_TEXT(expected, error, strlen(error));
}

static inline divak_setting find(divak_config *config, const char *name) {
    divak_setting setting = {.name = NULL};
    CHECK_INT(DIVAK_OK, divak_config_setting(config, divak_setting_find(name), &setting));
    return setting;
}

static inline void check_setting(divak_config *config, const char *name, const char *value,
                                 int source, const char *variable) {
    divak_setting setting = find(config, name);
    CHECK_TEXT(name, setting.name, strlen(setting.name));
    CHECK_TEXT(value, setting.value, strlen(setting.value));
    CHECK_INT(source, setting.source);
    if (variable == NULL) CHECK(setting.variable == NULL);
    else CHECK_TEXT(variable, setting.variable, strlen(setting.variable));
}

/* All that can be read of a configuration, in one text. */
static inline void show_all(divak_config *config, char *out, size_t capacity) {
    size_t length = (size_t)snprintf(out, capacity, "%s\n", divak_config_error(config));
    divak_setting setting;
    for (size_t i = 0; divak_config_setting(config, i, &setting) == DIVAK_OK; i++) {
        length += (size_t)snprintf(out + length, capacity - length, "%s\n", setting.value);
    }
    FILE *file = tmpfile();
    CHECK(file != NULL);
    int written = divak_config_print(config, fileno(file));
    rewind(file);
    size_t count = fread(out + length, 1, capacity - length - 1, file);
    fclose(file);
    CHECK_INT(written, count);
    out[length + count] = '\0';
}

#endif
