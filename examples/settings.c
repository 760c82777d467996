/* settings.c - prints every setting of Divak, its value, and where that came from. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     DIVAK_SAMPLE_RATE=0.1 OTEL_SERVICE_NAME=shop settings connections=8
 *
 *     enabled            true                                 default
 *     service_name       shop                                 OTEL_SERVICE_NAME
 *     ...
 *     sample_rate        0.1                                  DIVAK_SAMPLE_RATE
 *     connections        8                                    code
 *
 * Arguments are settings as a program's own code would make them. A value that is not accepted is
 * named on standard error, and the exit status is 1: nobody's service would start with it.
 */
#include <divak/divak.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets "name=value"; false and an explanation when it is no such thing. */
static int set(divak_config *config, const char *argument) {
    const char *sign = strchr(argument, '=');
    char name[32];
    size_t length = sign == NULL ? 0 : (size_t)(sign - argument);
    if (length == 0 || length >= sizeof name) {
        fprintf(stderr, "settings: an argument is not NAME=VALUE\n");
        return 0;
    }
    memcpy(name, argument, length);
    name[length] = '\0';
    if (divak_config_set(config, name, sign + 1) == DIVAK_OK) return 1;
    fprintf(stderr, "settings: %s\n", divak_config_error(config));
    return 0;
}

int main(int argc, char **argv) {
    divak_config *config = divak_config_create();
    if (config == NULL) {
        fprintf(stderr, "settings: no memory\n");
        return EXIT_FAILURE;
    }
    int status = EXIT_SUCCESS;
    for (int i = 1; i < argc; i++) {
        if (!set(config, argv[i])) status = EXIT_FAILURE;
    }
    if (status == EXIT_SUCCESS && divak_config_error(config)[0] != '\0') {
        fprintf(stderr, "settings: %s\n", divak_config_error(config));
        status = EXIT_FAILURE;
    }
    if (divak_config_print(config, 1) < 0) status = EXIT_FAILURE;
    divak_config_destroy(config);
    return status;
}
