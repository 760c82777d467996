/* connection.h - serves one connection: requests in, checksums out, a SERVER span for each. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEMO_CONNECTION_H
#define DEMO_CONNECTION_H

#include "divak/divak.h"

/* A folder whose files may be asked for, under a name. */
typedef struct demo_root {
    const char *name;
    char *folder; /* absolute, without links */
} demo_root;

typedef struct demo_service {
    divak_tracer *tracer;
    const demo_root *roots;
    size_t root_count;
} demo_service;

/* Answers what comes over `socket` until either side closes it; does not close it. */
void demo_connection_serve(const demo_service *service, int socket);

#endif
