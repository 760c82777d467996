/* SPDX-License-Identifier: Apache-2.0 */
/* reporter_spec.h - what a configuration says about one reporter. */
#ifndef DIVAK_EXPORT_REPORTER_SPEC_H
#define DIVAK_EXPORT_REPORTER_SPEC_H

#include "divak/reporter.h"

typedef enum divak_reporter_kind {
    DIVAK_REPORTER_ZIPKIN,
    DIVAK_REPORTER_MEMORY,
    DIVAK_REPORTER_CONSOLE,
    DIVAK_REPORTER_NULL,
    DIVAK_REPORTER_CALLBACK
} divak_reporter_kind;

typedef struct divak_reporter_spec {
    divak_reporter_kind kind;
    char *endpoint;                /* ZIPKIN: normalised, may hold a password */
    char *endpoint_display;        /* ZIPKIN: scheme://host:port, for texts */
    divak_memory_reporter *memory; /* MEMORY: borrowed, the program destroys it */
    int file_descriptor;           /* CONSOLE */
    divak_send send;               /* CALLBACK */
    divak_supply_endpoint supply;  /* ZIPKIN: NULL, or says where the endpoint is by now */
    void *context;                 /* of send or supply */
} divak_reporter_spec;

#endif
