/* SPDX-License-Identifier: Apache-2.0 */
/* memory_reporter.h - a list of spans in memory, between the flusher and a test. */
#ifndef DIVAK_EXPORT_MEMORY_REPORTER_H
#define DIVAK_EXPORT_MEMORY_REPORTER_H

#include <stddef.h>
#include <stdint.h>

#include "divak/reporter.h"

/* DIVAK_OK or DIVAK_ERROR_MEMORY. */
int divak_memory_reporter_create(divak_memory_reporter **out_reporter);
/* Appends the spans of a JSON list, its brackets included in `length`. DIVAK_OK or DIVAK_ERROR_MEMORY. */
int divak_memory_reporter_append(divak_memory_reporter *reporter, const char *json, size_t length, size_t span_count);
/* For a forked child: the lock is free, the list empty. */
void divak_memory_reporter_reset_after_fork(divak_memory_reporter *reporter);

#endif
