/* SPDX-License-Identifier: Apache-2.0 */
/* local_sinks.h - reporters that need no network: memory, console, callback, null. */
#ifndef DIVAK_EXPORT_LOCAL_SINKS_H
#define DIVAK_EXPORT_LOCAL_SINKS_H

#include "export/reporter.h"

/* Hands the part on top of the message over and settles it at once. */
void divak_local_sink_send(divak_reporter *reporter, divak_delivery *delivery, divak_message *message,
                           const char *bytes, size_t length);

#endif
