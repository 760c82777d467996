/* SPDX-License-Identifier: Apache-2.0 */
/* current.h - one current span for all copies of this library in a process, and what they ask one another.
 *
 *     first copy:  scopes of every thread, provider        found by its note (base/copies.h) and
 *          ^  ^                                            asked through a table of functions
 *          |  +---- third copy
 *          +------- second copy: its divak_scope_open, divak_current, ... are calls of the first one's
 *
 * The copy that is loaded first keeps what is current for all of them, so that of two scopes the innermost is known whoever
 * opened it, and every copy reads what another has made current. Each records its own spans all the same, delivers them
 * and counts them: a span of another copy can only be a parent here.
 *
 * Whose a span is its `tracer` says, above the number of the tracer: the home of the span.
 *
 *     in this copy      0: a span of its own; else the copy that it is of: no slot, not recording, of the handle's parts
 *                       the ids, the decision and what names the baggage there
 *     handed around     the same as the first copy has it: 0 is the first copy
 */
#ifndef DIVAK_COLLECT_CURRENT_H
#define DIVAK_COLLECT_CURRENT_H

#include "divak/propagation.h"
#include "divak/scope.h"

enum {
    DIVAK_HOME_SHIFT = 4, /* of divak_span.tracer: behind the number of one of 16 tracers */
    DIVAK_HOMES_MAX = 64, /* copies with tracers beside the first; spans of further ones give their ids and decision only */
    DIVAK_HOME_NONE = 0xffe,
    DIVAK_HOME_FIRST = 0xfff
};

static inline uint32_t divak_home(const divak_span *span) {
    return (uint32_t)span->tracer >> DIVAK_HOME_SHIFT;
}

/* What a copy does with spans of its own for others; as the public functions of these names. */
typedef struct divak_home_services {
    int (*inject)(const divak_span *span, divak_put_header put, void *context);
    int (*baggage)(const divak_span *span, const char *name, size_t name_length, char *out, size_t capacity,
                   size_t *out_length);
} divak_home_services;

/* What the first copy does for others; `may_ask`: the caller has not been interrupted inside of its own copy. Spans are as
 * they are handed around. */
typedef struct divak_first_copy {
    void (*open)(const divak_span *span, bool may_ask, divak_scope *out_scope);
    int (*close)(divak_scope *scope, bool *out_is_other_thread);
    bool (*innermost)(divak_span *out_span, uint64_t *out_mark);
    int (*current)(bool may_ask, divak_span *out_span);
    int (*set_provider)(const divak_current_provider *provider);
    uint64_t (*make_mark)(void);
    uint32_t (*enroll)(const divak_home_services *services); /* the caller's home; DIVAK_HOME_NONE: there are too many */
    const divak_home_services *(*services)(uint32_t home);   /* or NULL */
} divak_first_copy;

/* Says what this copy, which will never be unloaded from now on, does for others. Once. */
void divak_home_enroll(const divak_home_services *services);
/* Who can say more of a span of another copy, and `out_span` as it is called there; NULL: nobody, or it is our own. */
const divak_home_services *divak_home_of(const divak_span *span, divak_span *out_span);

/* Takes what a span of another copy carries into a tracer's own table, with one reference, which the caller gets. False:
 * it carries nothing, or there is no room. May allocate. Set by the layer above, where headers are known. */
extern bool (*divak_home_import_baggage)(divak_tracer *tracer, const divak_span *span, uint32_t *out_baggage,
                                         uint32_t *out_generation);

#endif
