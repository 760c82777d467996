/* asking.h - asks samplers in tests: about one id, or from several threads at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_TESTS_ASKING_H
#define DIVAK_TESTS_ASKING_H

#include "base/thread.h"
#include "check.h"
#include "collect/sampler.h"

static inline divak_decision ask_id(divak_sampler *sampler, uint64_t id) {
    return divak_sampler_ask(sampler, &(divak_sampling_request){.trace_id_low = id});
}

static inline divak_decision ask(divak_sampler *sampler) {
    return ask_id(sampler, 1);
}

static inline divak_sampler *probability(double share) {
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_probability(share, &sampler));
    return sampler;
}

/* A custom sampler: what its context says, but no opinion on requests without a name. */
static inline divak_decision answer(void *context, const divak_sampling_request *request) {
    return request->name == NULL ? DIVAK_DEFER : *(divak_decision *)context;
}

enum { THREADS = 4 };

typedef struct crowd {
    divak_sampler *sampler;
    int questions;
    divak_atomic_u64 sampled;
} crowd;

static inline void *ask_often(void *context) {
    crowd *all = context;
    uint64_t sampled = 0;
    for (int i = 0; i < all->questions; i++) sampled += ask(all->sampler) == DIVAK_SAMPLE;
    divak_add_relaxed(&all->sampled, sampled);
    return NULL;
}

/* How many of `questions` each that several threads ask at once are sampled. */
static inline uint64_t ask_together(divak_sampler *sampler, int questions) {
    crowd all = {.sampler = sampler, .questions = questions};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_create(&threads[i], NULL, ask_often, &all));
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return divak_load_relaxed(&all.sampled);
}

#endif
