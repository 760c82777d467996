/* SPDX-License-Identifier: Apache-2.0 */
/* sampler.h - which traces are recorded.
 *
 *     divak_sampler *tenth, *rules;
 *     divak_sampler_create_probability(0.1, &tenth);
 *     divak_sampler_create_rules(tenth, &rules);                      // everything else: a tenth
 *     divak_rule health = {.path_prefix = "/health"};
 *     divak_sampler_add_rule(rules, &health, divak_sampler_never());
 *     divak_config_set_sampler(config, rules);
 *
 * A sampler is asked once for each new trace, and for spans whose parent left the decision open.
 * What the caller decided upstream stands, unless a rule says `may_override`; debug always stands.
 * Samplers are immutable once in use, may be shared by tracers, and must not be destroyed while a
 * tracer may ask them: make them at start, and keep them. Method, path and route are known only for
 * spans started by divak_span_start_with.
 */
#ifndef DIVAK_SAMPLER_H
#define DIVAK_SAMPLER_H

#include "divak/span.h"

DIVAK_BEGIN

typedef struct divak_sampler divak_sampler;

typedef int32_t divak_decision;

enum {
    DIVAK_DROP = 0,
    DIVAK_SAMPLE = 1,
    DIVAK_DEFER = 2 /* no opinion: the next rule decides, or the sampler behind */
};

/* What is known when a sampler is asked. Texts are borrowed, NULL where unknown. */
typedef struct divak_sampling_request {
    uint64_t trace_id_high;
    uint64_t trace_id_low;
    divak_kind kind;
    const char *name; /* given as text or as a key */
    size_t name_length;
    const char *method;
    size_t method_length;
    const char *path;
    size_t path_length;
    const char *route;
    size_t route_length;
    const divak_span *parent; /* NULL for a new trace */
} divak_sampling_request;

/* There is one of each in the process, for ever. */
DIVAK_API divak_sampler *divak_sampler_always(void);
DIVAK_API divak_sampler *divak_sampler_never(void);

/* Each create gives DIVAK_OK, or DIVAK_ERROR_INVALID for a value out of range, or
 * DIVAK_ERROR_MEMORY; `out_sampler` is written on DIVAK_OK alone. */

/* A share of the traces, 0 to 1, exact down to 1e-9 and decided by a hash of the low 64 bits of the
 * trace id: two processes with the same probability choose the same traces, and a higher one
 * chooses a superset. */
DIVAK_API int divak_sampler_create_probability(double probability, divak_sampler **out_sampler);
/* Exactly `sampled` of each 100 requests one after the other, in a shuffled order; 0 to 100. */
DIVAK_API int divak_sampler_create_counting(uint32_t sampled, divak_sampler **out_sampler);
/* At most `per_second` traces each second, 0 to 2^31: at 10 or more, a tenth of it in each tenth of
 * a second and the remainder in the first; what one tenth leaves over the next may use, but never
 * another second's. */
DIVAK_API int divak_sampler_create_rate(uint32_t per_second, divak_sampler **out_sampler);
/* Traces whose id (its low 64 bits) divided by `divisor` leaves no remainder; 1 or more. */
DIVAK_API int divak_sampler_create_modulo(uint64_t divisor, divak_sampler **out_sampler);

/* Your own: returns DIVAK_SAMPLE, DIVAK_DROP or DIVAK_DEFER (as DIVAK_DROP where nothing is
 * behind). Called on the thread that starts the span; must not block, and must bear several threads
 * at once. `context` must stay valid as long as the sampler. */
typedef divak_decision (*divak_sample)(void *context, const divak_sampling_request *request);
DIVAK_API int divak_sampler_create_custom(divak_sample sample, void *context,
                                          divak_sampler **out_sampler);

/* A rule matches when everything that it names does; what is NULL, and the kind unless is_kind_set,
 * matches all. Texts end with 0 and are copied. */
enum { DIVAK_ANY_KIND = 255 };
typedef struct divak_rule {
    uint32_t is_kind_set;     /* 0: any kind */
    divak_kind kind;          /* DIVAK_ANY_KIND: any kind too */
    const char *name;         /* equal */
    const char *method;       /* equal, case counts */
    const char *path_prefix;  /* begins with */
    const char *route;        /* equal */
    bool may_override;        /* also asked when upstream has decided */
} divak_rule;

/* Rules in order, the first that matches and does not defer decides; `otherwise` (NULL: never) when
 * none does. `otherwise` may be a rules sampler itself, up to 8 behind one another. */
DIVAK_API int divak_sampler_create_rules(divak_sampler *otherwise, divak_sampler **out_sampler);
/* Before the sampler is in use, or named by another. DIVAK_ERROR_FULL after 64 rules. */
DIVAK_API int divak_sampler_add_rule(divak_sampler *rules, const divak_rule *rule,
                                     divak_sampler *then);

/* A sampler for each operation, by the name that its span starts with; asking costs the same for
 * two of them and for thousands. `otherwise` (NULL: never) decides about all other names, and where
 * an operation's sampler defers; it may be a rules or operations sampler itself, up to 8 behind one
 * another. */
DIVAK_API int divak_sampler_create_operations(divak_sampler *otherwise,
                                              divak_sampler **out_sampler);
/* Before the sampler is in use, or named by another. The name ends with 0 and is copied.
 * DIVAK_ERROR_INVALID for one that is there already, DIVAK_ERROR_FULL after 4,096. */
DIVAK_API int divak_sampler_add_operation(divak_sampler *operations, const char *name,
                                          divak_sampler *then);

/* Asks, as a tracer would; asking counts for those that count. Any thread. Never DIVAK_DEFER from
 * the built-in ones but rules and operations, where upstream has decided and no rule that may
 * override matches. */
DIVAK_API divak_decision divak_sampler_ask(divak_sampler *sampler,
                                           const divak_sampling_request *request);

/* Frees a sampler that no tracer uses; those from always and never are left alone; NULL is fine. A
 * rules or operations sampler does not free the samplers it names. */
DIVAK_API void divak_sampler_destroy(divak_sampler *sampler);

DIVAK_END

#endif
