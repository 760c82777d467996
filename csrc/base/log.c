/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/system.h"

void divak_log_line(const char *format, ...) {
    char line[512] = "divak: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    if (written < 0) return;
    length += (size_t)written < sizeof line - length - 1 ? (size_t)written : sizeof line - length - 2;
    line[length++] = '\n';
    divak_system_write_error(line, length);
}
