/* sampler.h - what a sampler is made of, and what the engine asks beyond divak/sampler.h. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new trace:             divak_sampler_ask(sampler, &request)
 * Upstream has decided:    if (divak_sampler_may_override(sampler)) divak_sampler_ask(...), where
 *                          request.parent has DIVAK_SPAN_DECIDED; DIVAK_DEFER: its decision stands
 * To be decided again:     as a new trace, with a copy of the parent without DIVAK_SPAN_DECIDED
 *
 * Asking takes no lock and allocates nothing: safe in a signal handler but for custom samplers.
 */
#ifndef DIVAK_COLLECT_SAMPLER_H
#define DIVAK_COLLECT_SAMPLER_H

#include "base/atomics.h"
#include "divak/sampler.h"

typedef enum divak_sampler_type {
    DIVAK_SAMPLER_ALWAYS,
    DIVAK_SAMPLER_NEVER,
    DIVAK_SAMPLER_PROBABILITY,
    DIVAK_SAMPLER_COUNTING,
    DIVAK_SAMPLER_RATE,
    DIVAK_SAMPLER_MODULO,
    DIVAK_SAMPLER_CUSTOM,
    DIVAK_SAMPLER_RULES,
    DIVAK_SAMPLER_OPERATIONS
} divak_sampler_type;

enum {
    DIVAK_SAMPLER_WINDOW = 100,          /* requests that a counting sampler spreads its N over */
    DIVAK_SAMPLER_RULES_MAX = 64,        /* of one rules sampler, asked one after the other */
    DIVAK_SAMPLER_OPERATIONS_MAX = 4096, /* of one operations sampler, found by hash */
    DIVAK_SAMPLER_DEPTH_MAX = 8          /* of these two, behind one another */
};

/* A limit a second. A window begins with the first request after the last one is over. */
typedef struct divak_rate_limit {
    uint32_t per_second;
    /* Written by whoever asks. */
    divak_atomic_u64 window; /* when it began, by the monotonic clock in nanoseconds */
    divak_atomic_u64 used;   /* high half: which window this counts for; low half: how many */
} divak_rate_limit;

/* Samples where hash < threshold; all when is_certain, since 2^64 has no room. */
typedef struct divak_probability {
    uint64_t threshold;
    bool is_certain;
} divak_probability;

/* Texts are copies in one block; NULL matches all. */
typedef struct divak_sampler_rule {
    char *texts;
    const char *name, *method, *path_prefix, *route;
    size_t name_length, method_length, path_prefix_length, route_length;
    divak_kind kind; /* DIVAK_ANY_KIND: all */
    bool may_override;
    divak_sampler *then;
} divak_sampler_rule;

/* A place in the table of an operations sampler; free while `then` is NULL. */
typedef struct divak_sampler_operation {
    char *name; /* a copy */
    size_t name_length;
    divak_sampler *then;
} divak_sampler_operation;

struct divak_sampler {
    divak_sampler_type type;
    /* Rules and operations only: named by another one, hence closed; and itself with those behind
     * it, 0 for all others. */
    bool is_named;
    uint32_t depth;
    union {
        struct {
            divak_probability share;
            bool has_limit; /* what the share lets through has to pass the limit as well */
            divak_rate_limit limit;
        } probability;
        struct {
            uint64_t is_sampled[2]; /* a bit for each place in the window */
            divak_atomic_u64 asked;
        } counting;
        divak_rate_limit rate;
        uint64_t divisor;
        struct {
            divak_sample sample;
            void *context;
        } custom;
        struct {
            divak_sampler_rule *list;
            size_t count;
            divak_sampler *otherwise;
        } rules;
        struct {
            divak_sampler_operation *table;
            size_t capacity; /* 0 or a power of two */
            size_t count;
            divak_sampler *otherwise;
        } operations;
    };
};

/* The sampler that the settings name: a share of the traces and, when has_limit, of those no more
 * than per_second. Results as for the public creates. */
int divak_sampler_create_limited(double probability, bool has_limit, uint32_t per_second,
                                 divak_sampler **out_sampler);

/* Whether any rule may override upstream's decision: only then is it asked where there is one. */
bool divak_sampler_may_override(const divak_sampler *sampler);

/* ---- among the files of the sampler --------------------------------------------------------- */

/* Zeroed but for its type; NULL without memory. */
divak_sampler *divak_sampler_allocate(divak_sampler_type type);
/* Makes `by` the one that names `named`: closes that, and knows how deep it is then. */
void divak_sampler_name(divak_sampler *by, divak_sampler *named);
/* What the sampler says of the request, whatever upstream has decided. */
divak_decision divak_sampler_decide(divak_sampler *sampler, const divak_sampling_request *request);
/* What the first rule that matches says, or `otherwise`. */
divak_decision divak_sampler_decide_by_rules(divak_sampler *sampler,
                                             const divak_sampling_request *request);
/* What rules say that may override, also those further behind; DIVAK_DEFER: none does. */
divak_decision divak_sampler_override(divak_sampler *sampler,
                                      const divak_sampling_request *request);
/* What the operation's sampler says, or `otherwise`. */
divak_decision divak_sampler_decide_by_operation(divak_sampler *sampler,
                                                 const divak_sampling_request *request);
void divak_sampler_release_rules(divak_sampler *sampler);
void divak_sampler_release_operations(divak_sampler *sampler);
void divak_rate_limit_init(divak_rate_limit *limit, uint32_t per_second);
/* True: one more is within the limit, and is counted. */
bool divak_rate_limit_take(divak_rate_limit *limit);

#endif
