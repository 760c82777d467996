/* SPDX-License-Identifier: Apache-2.0 */
/* handles.c - a C program with the static library, and the C library on the shared one: what is one's is refused by the
 * other, and current spans are shared all the same.
 *
 *     handles LIBRARY
 *     handles parents LIBRARY        spans alone, for a program that exports the static library: there is one copy then
 *
 * run.py looks at the spans.
 */
#include <string.h>

#include "peer.h"
#include "refuse.h"

enum { SPANS = 300 };

static divak_tracer *tracer;

static void under_peer(void *context) {
    divak_span span;
    (void)context;
    expect("start under the library's span", DIVAK_OK,
           divak_span_start(tracer, "s2", 2, DIVAK_KIND_LOCAL, NULL, &span));
    expect("finish", DIVAK_OK, divak_span_finish(&span));
}

int main(int count, char **arguments) {
    static divak_span own[SPANS], theirs[SPANS];
    divak_config *config = divak_config_create();
    divak_scope scope;
    (void)divak_config_set(config, "service_name", "swift"); /* the side that is not the library's, as run.py has it */
    (void)divak_config_set(config, "baggage_fields", "tenant");
    expect("create", DIVAK_OK, divak_tracer_create(config, &tracer));
    divak_config_destroy(config);
    expect("peer_start", 0, peer_start("1"));
    divak_key keys[2] = {divak_key_register("own one", 7), divak_key_register("own two", 7)};

    (void)divak_span_start(tracer, "s1", 2, DIVAK_KIND_LOCAL, NULL, &own[0]);
    (void)divak_scope_open(&own[0], &scope);
    peer_span("c1", under_peer, NULL);
    if (count > 2 && strcmp(arguments[1], "parents") == 0) {
        (void)divak_scope_close(&scope);
        (void)divak_span_finish(&own[0]);
        return unexpected != 0 || peer_stop(0) != 0 || divak_tracer_shutdown(tracer, 5000, NULL) != DIVAK_OK;
    }
    for (int i = 1; i < SPANS; i++) (void)divak_span_start(tracer, "many", 4, DIVAK_KIND_LOCAL, NULL, &own[i]);
    divak_key key = peer_lend(theirs, SPANS);
    for (int round = 0; round < 50; round++) { /* slots are used again, their generations move */
        for (int i = 0; i < SPANS; i++) refuse_span(&theirs[i]);
        refuse_key_and_tracer(&own[0], key, peer_tracer());
        unexpected += peer_refuse(own, SPANS, &theirs[0], keys[round % 2], tracer);
        for (int i = 1; i < SPANS; i++) {
            expect("finish", DIVAK_OK, divak_span_finish(&own[i]));
            (void)divak_span_start(tracer, "many", 4, DIVAK_KIND_LOCAL, NULL, &own[i]);
        }
    }
    for (int i = 1; i < SPANS; i++) expect("finish", DIVAK_OK, divak_span_finish(&own[i]));
    unexpected += peer_take_back(theirs, SPANS);
    expect("close", DIVAK_OK, divak_scope_close(&scope));
    expect("finish", DIVAK_OK, divak_span_finish(&own[0]));

    divak_stats stats;
    expect("shutdown", DIVAK_OK, divak_tracer_shutdown(tracer, 5000, NULL));
    expect("stats", DIVAK_OK, divak_tracer_stats(tracer, 0, &stats));
    expect("started", 2 + (SPANS - 1) * 51, (int)stats.started);
    expect("delivered", (int)stats.started, (int)stats.delivered);
    expect("peer_stop", 0, peer_stop(0));
    return unexpected == 0 ? 0 : 1;
}
