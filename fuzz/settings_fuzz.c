/* SPDX-License-Identifier: Apache-2.0 */
/* settings_fuzz.c - any names and values of settings, from the environment and from code.
 *
 *     $DIVAK_SAMPLE_RATE=2        a line with a $ is a variable
 *     timeout=10s                 any other one is a setting from code
 */
#include "api/config.h"
#include "exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The value of a line "name=value", both ended by 0 then; NULL where there is no sign. */
static char *cut(exact_text line) {
    char *sign = line.length == 0 ? NULL : memchr(line.text, '=', line.length);
    if (sign != NULL) *sign = '\0';
    return sign == NULL ? NULL : sign + 1;
}

static void clear_environment(void) {
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const divak_setting_row *setting = &divak_setting_rows[row];
        if (setting->variable != NULL) unsetenv(setting->variable);
        if (setting->otel != NULL) unsetenv(setting->otel);
    }
    unsetenv("OTEL_TRACES_SAMPLER_ARG");
}

static int read_nothing(void *context, divak_get_header get, void *get_context, divak_span *out) {
    (void)context, (void)get, (void)get_context, (void)out;
    return DIVAK_ABSENT;
}

/* A format of the user's, which lists of formats may name. */
static void add_own(divak_config *config) {
    const divak_propagator own = {.name = "own", .extract = read_nothing};
    MUST(divak_config_add_propagator(config, &own) == DIVAK_OK);
}

/* A copy of a line with a 0 behind it. */
static exact_text terminated(exact_text line) {
    exact_text copy = exact_room(line.length + 1);
    if (line.length > 0) memcpy(copy.text, line.text, line.length);
    copy.length = line.length;
    return copy;
}

static void must_be_shown_safely(const char *text) {
    for (; *text != '\0'; text++) MUST((unsigned char)*text >= 0x20 && *text != 0x7f);
}

/* Each text that is shown means what was set: another configuration takes it, and shows it. */
static void must_be_repeatable(divak_config *config) {
    divak_config *again = divak_config_create_without_environment();
    MUST(again != NULL);
    add_own(again);
    divak_setting setting, other;
    for (size_t i = 0; divak_config_setting(config, i, &setting) == DIVAK_OK; i++) {
        must_be_shown_safely(setting.value);
        MUST(setting.source <= DIVAK_SOURCE_CODE);
        MUST(setting.source != DIVAK_SOURCE_ENVIRONMENT || setting.variable != NULL);
        if (strchr(setting.value, '?') != NULL) continue; /* may stand for what can't be shown */
        MUST(divak_config_set(again, setting.name, setting.value) == DIVAK_OK);
        MUST(divak_config_setting(again, i, &other) == DIVAK_OK);
        MUST(strcmp(setting.value, other.value) == 0);
    }
    divak_config_destroy(again);
}

static void must_be_within_limits(const divak_settings *all) {
    MUST(all->sample_rate >= 0 && all->sample_rate <= 1);
    MUST(all->ring_bytes >= 16384 && all->ring_bytes <= all->buffer_bytes / 4);
    MUST(all->buffer_bytes >= 1 << 20 && all->batch_bytes <= all->buffer_bytes / 2);
    MUST(all->span_bytes >= 512 && all->span_bytes <= all->ring_bytes / 2);
    MUST((all->span_bytes & (all->span_bytes - 1)) == 0);
    MUST(all->name_bytes >= 1 && all->key_bytes >= 1 && all->key_bytes <= 255);
    MUST(all->tags_max >= 1 && all->tags_max <= 512 && all->connections >= 1);
    MUST(all->flush_interval >= 1000000 && all->timeout >= 1000000);
    MUST(strlen(all->service_name) > 0 && all->reporter_count == 1);
    MUST(strncmp(all->endpoint, "http", 4) == 0 && strchr(all->endpoint_display, '@') == NULL);
    for (size_t i = 0; i < all->header_count; i++) {
        MUST(strstr(all->headers[i], ": ") != NULL && strpbrk(all->headers[i], "\r\n") == NULL);
    }
    for (size_t i = 0; i < all->tag_count; i++) {
        MUST(all->tags[i].key_length >= 1 && all->tags[i].key_length <= 255);
    }
    divak_propagation propagation;
    MUST(divak_settings_propagation(all, &propagation) == DIVAK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *at = data;
    size_t left = size;
    clear_environment();
    while (left > 0) {
        exact_text line = exact_line(&at, &left), text = terminated(line);
        char *value = cut(text);
        bool is_ours = strncmp(text.text, "$DIVAK_", 7) == 0;
        is_ours |= strncmp(text.text, "$OTEL_", 6) == 0;
        if (value != NULL && is_ours) setenv(text.text + 1, value, 1);
        free(text.text);
        free(line.text);
    }
    divak_config *config = divak_config_create();
    clear_environment();
    MUST(config != NULL);
    must_be_shown_safely(divak_config_error(config));
    add_own(config);

    at = data;
    left = size;
    while (left > 0) {
        exact_text line = exact_line(&at, &left), text = terminated(line);
        char *value = cut(text);
        if (text.text[0] != '$' && divak_config_set(config, text.text, value) != DIVAK_OK) {
            MUST(strstr(divak_config_error(config), "\" is not accepted: ") != NULL);
            MUST(strlen(divak_config_error(config)) < 1024);
        }
        free(text.text);
        free(line.text);
    }
    must_be_shown_safely(divak_config_error(config));
    must_be_repeatable(config);

    divak_settings all;
    if (divak_config_resolve(config, &all) == DIVAK_OK) {
        must_be_within_limits(&all);
        divak_settings_deinit(&all);
        MUST(divak_config_error(config)[0] == '\0');
    } else {
        MUST(strstr(divak_config_error(config), "\" is not accepted: ") != NULL);
    }
    divak_config_destroy(config);
    return 0;
}
