/* SPDX-License-Identifier: Apache-2.0 */
/* exec_config.c - what both halves of `divak exec` agree about: settings, and the span's name. */
#include <stdio.h>
#include <string.h>

#include "exec.h"

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

const char *exec_span_name(const exec_options *options) {
    return options->name != NULL ? options->name : last_part(options->command[0]);
}

divak_config *exec_config(const exec_options *options) {
    divak_config *config = divak_config_create();
    if (config == NULL) return NULL;
    /* For a single span; and with every spelling of the trace that a program may know. */
    divak_config_set(config, "buffer_bytes", "1MiB");
    divak_config_set(config, "propagation", "b3,tracecontext,baggage");
    const char *service = options->service;
    divak_setting setting;
    for (size_t i = 0; service == NULL && divak_config_setting(config, i, &setting) == DIVAK_OK; i++) {
        bool is_default = setting.source == DIVAK_SOURCE_DEFAULT;
        if (is_default && strcmp(setting.name, "service_name") == 0) service = "shell";
    }
    if (service != NULL && divak_config_set(config, "service_name", service) != DIVAK_OK) {
        fprintf(stderr, "divak exec: %s\n", divak_config_error(config));
    }
    return config;
}
