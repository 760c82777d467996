/* http_environment.c - the one place where the transport's variables are read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/http_environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "divak/status.h"

/* A copy of the first that is set, up to a NULL; false: no memory. */
static bool read_first(const char *const *names, char **out) {
    *out = NULL;
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value == NULL || *value == '\0') continue;
        size_t size = strlen(value) + 1;
        *out = divak_memory_allocate(size);
        if (*out == NULL) return false;
        memcpy(*out, value, size);
        return true;
    }
    return true;
}

int divak_http_environment_read(divak_http_environment *out) {
    static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                            NULL};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};
    static const char *const ca_files[] = {"SSL_CERT_FILE", NULL};
    divak_http_environment environment = {.ca_file = NULL};
    if (read_first(for_http, &environment.proxy_for_http) &&
        read_first(for_https, &environment.proxy_for_https) &&
        read_first(exceptions, &environment.no_proxy) &&
        read_first(ca_files, &environment.ca_file)) {
        *out = environment;
        return DIVAK_OK;
    }
    divak_http_environment_deinit(&environment);
    return DIVAK_ERROR_MEMORY;
}

void divak_http_environment_deinit(divak_http_environment *environment) {
    divak_memory_release(environment->proxy_for_http);
    divak_memory_release(environment->proxy_for_https);
    divak_memory_release(environment->no_proxy);
    divak_memory_release(environment->ca_file);
    *environment = (divak_http_environment){.ca_file = NULL};
}
