/* SPDX-License-Identifier: Apache-2.0 */
/* collector_serve.h - what the files of the collector share. */
#ifndef DIVAK_TEST_COLLECTOR_SERVE_H
#define DIVAK_TEST_COLLECTOR_SERVE_H

#include "collector.h"

/* Notes every span of a body as seen, or as accepted. False when it is no list of spans. */
bool ledger_note_body(ledger *book, const char *body, size_t length, bool is_proto3,
                      bool is_accepted);

/* Writes a body that came in whole into the folder DIVAK_KEEP_BODIES, if that is set. */
void collector_keep(const char *head, size_t head_length, const char *body, size_t length);

/* Serves for ever, in the process that was made for it. */
void collector_serve(ledger *book);

#endif
