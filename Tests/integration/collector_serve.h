/* SPDX-License-Identifier: Apache-2.0 */
/* collector_serve.h - what the two files of the collector share. */
#ifndef DIVAK_TEST_COLLECTOR_SERVE_H
#define DIVAK_TEST_COLLECTOR_SERVE_H

#include "collector.h"

/* Notes every span of a body as seen, or as accepted. False when it is no list of spans. */
bool ledger_note_body(ledger *book, const char *body, size_t length, bool is_proto3,
                      bool is_accepted);

/* Serves for ever, in the process that was made for it. */
void collector_serve(ledger *book);

#endif
