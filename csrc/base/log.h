/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - the few lines that Divak writes to standard error. */
#ifndef DIVAK_BASE_LOG_H
#define DIVAK_BASE_LOG_H

/* Writes "divak: ..." and a line end in one call, cut at 512 bytes; never while recording. */
__attribute__((format(printf, 1, 2))) void divak_log_line(const char *format, ...);

#endif
