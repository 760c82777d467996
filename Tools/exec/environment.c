/* SPDX-License-Identifier: Apache-2.0 */
/* environment.c - the trace in the environment of a child. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

extern char **environ;

static const char *const variables[] = {"TRACEPARENT", "TRACESTATE", "BAGGAGE", "B3"};
enum { VARIABLES = sizeof variables / sizeof *variables };

/* The place of a name in `variables`, whatever its case; VARIABLES: it is none of them. */
static size_t find(const char *name, size_t length) {
    size_t i = 0;
    while (i < VARIABLES &&
           (strlen(variables[i]) != length || strncasecmp(variables[i], name, length) != 0)) {
        i++;
    }
    return i;
}

static bool is_renewed(const char *entry) {
    const char *equals = strchr(entry, '=');
    size_t length = equals == NULL ? strlen(entry) : (size_t)(equals - entry);
    size_t place = find(entry, length);
    return place < VARIABLES && strncmp(entry, variables[place], length) == 0;
}

typedef struct filling {
    char **entries;
    size_t count;
    bool failed;
} filling;

static void put(void *context, const char *name, size_t name_length, const char *value,
                size_t value_length) {
    filling *environment = context;
    size_t place = find(name, name_length);
    if (place == VARIABLES) return;
    char *entry = NULL;
    if (asprintf(&entry, "%s=%.*s", variables[place], (int)value_length, value) < 0) {
        environment->failed = true;
        return;
    }
    environment->entries[environment->count++] = entry;
}

char **exec_environment(divak_tracer *tracer, const divak_span *span) {
    size_t count = 0;
    while (environ[count] != NULL) count++;
    filling environment = {.entries = calloc(count + VARIABLES + 1, sizeof(char *))};
    if (environment.entries == NULL) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_renewed(environ[i])) environment.entries[environment.count++] = environ[i];
    }
    divak_inject(tracer, span, put, &environment);
    return environment.failed ? NULL : environment.entries;
}
