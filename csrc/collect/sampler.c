/* sampler.c - decides which traces are recorded: by share, by counting, by id, or as code says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sampler.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* Never written: not const only because callers get a plain pointer to them. */
static divak_sampler always = {.type = DIVAK_SAMPLER_ALWAYS};
static divak_sampler never = {.type = DIVAK_SAMPLER_NEVER};

divak_sampler *divak_sampler_always(void) {
    return &always;
}

divak_sampler *divak_sampler_never(void) {
    return &never;
}

divak_sampler *divak_sampler_allocate(divak_sampler_type type) {
    divak_sampler *sampler = divak_memory_allocate_zeroed(1, sizeof *sampler);
    if (sampler != NULL) sampler->type = type;
    return sampler;
}

/* ---- a share of the traces ---------------------------------------------------------------------
 *
 * The low half of the trace id is hashed before it is compared. Ids that Divak makes are random
 * anyway, but a foreign one may be a counter or a time, and a collector that samples by the plain
 * id itself (Zipkin's does) would see only ids of one kind. The hash is the 64-bit finalizer of
 * MurmurHash3, which is in the public domain: one to one, so that a share p is hit by exactly a
 * share p of all ids, and part of the wire behaviour: it may never change, or processes of
 * different versions would disagree about a trace. */
static uint64_t hash(uint64_t x) {
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

/* False when it is no probability. 2^64 is exact in a double, and so is the product, but for what
 * is below one id in 2^64. A larger probability has a larger threshold: it samples a superset. */
static bool set_probability(divak_probability *share, double probability) {
    if (!(probability >= 0 && probability <= 1)) return false; /* NaN is neither */
    share->is_certain = probability == 1;
    share->threshold = share->is_certain ? 0 : (uint64_t)(probability * 0x1p64);
    return true;
}

int divak_sampler_create_limited(double probability, bool has_limit, uint32_t per_second,
                                 divak_sampler **out_sampler) {
    divak_probability share;
    if (out_sampler == NULL || !set_probability(&share, probability)) return DIVAK_ERROR_INVALID;
    if (has_limit && per_second > UINT32_C(1) << 31) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_PROBABILITY);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    sampler->probability.share = share;
    sampler->probability.has_limit = has_limit;
    if (has_limit) divak_rate_limit_init(&sampler->probability.limit, per_second);
    *out_sampler = sampler;
    return DIVAK_OK;
}

int divak_sampler_create_probability(double probability, divak_sampler **out_sampler) {
    return divak_sampler_create_limited(probability, false, 0, out_sampler);
}

static bool ask_probability(divak_sampler *sampler, uint64_t trace_id_low) {
    const divak_probability *share = &sampler->probability.share;
    if (!share->is_certain && hash(trace_id_low) >= share->threshold) return false;
    return !sampler->probability.has_limit || divak_rate_limit_take(&sampler->probability.limit);
}

/* ---- so many of each hundred ---------------------------------------------------------------- */

/* The next of a series that looks random: Steele, Lea and Flood's SplitMix64. */
static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

int divak_sampler_create_counting(uint32_t sampled, divak_sampler **out_sampler) {
    if (out_sampler == NULL || sampled > DIVAK_SAMPLER_WINDOW) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_COUNTING);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;

    /* Replicas that get the same requests in turn shall not all pick the same ones. Where the
     * kernel has no random bytes to give, the clock is good enough for that. */
    uint64_t seed;
    if (divak_system.random_bytes(&seed, sizeof seed) < 0) seed = divak_clock_monotonic_now();
    uint32_t places[DIVAK_SAMPLER_WINDOW];
    for (uint32_t i = 0; i < DIVAK_SAMPLER_WINDOW; i++) places[i] = i;
    for (uint32_t i = 0; i < sampled; i++) {
        uint32_t other = i + (uint32_t)(next_random(&seed) % (DIVAK_SAMPLER_WINDOW - i));
        uint32_t place = places[other];
        places[other] = places[i];
        sampler->counting.is_sampled[place / 64] |= UINT64_C(1) << (place % 64);
    }
    *out_sampler = sampler;
    return DIVAK_OK;
}

/* Every window has the same order, and therefore any hundred requests one after the other have
 * their exact number, wherever they begin. */
static bool ask_counting(divak_sampler *sampler) {
    /* Relaxed: each asker needs a number of its own and hands nothing on. */
    uint64_t place = divak_add_relaxed(&sampler->counting.asked, 1) % DIVAK_SAMPLER_WINDOW;
    return (sampler->counting.is_sampled[place / 64] >> (place % 64) & 1) != 0;
}

/* ---- by id, and by code --------------------------------------------------------------------- */

int divak_sampler_create_modulo(uint64_t divisor, divak_sampler **out_sampler) {
    if (out_sampler == NULL || divisor == 0) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_MODULO);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    sampler->divisor = divisor;
    *out_sampler = sampler;
    return DIVAK_OK;
}

int divak_sampler_create_custom(divak_sample sample, void *context, divak_sampler **out_sampler) {
    if (out_sampler == NULL || sample == NULL) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_CUSTOM);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    sampler->custom.sample = sample;
    sampler->custom.context = context;
    *out_sampler = sampler;
    return DIVAK_OK;
}

/* A number that is no decision samples nothing: what goes wrong must not fill a collector. */
static divak_decision ask_custom(divak_sampler *sampler, const divak_sampling_request *request) {
    divak_decision decision = sampler->custom.sample(sampler->custom.context, request);
    return decision == DIVAK_SAMPLE || decision == DIVAK_DEFER ? decision : DIVAK_DROP;
}

/* ---- all of them ---------------------------------------------------------------------------- */

divak_decision divak_sampler_decide(divak_sampler *sampler, const divak_sampling_request *request) {
    bool is_sampled = false;
    switch (sampler->type) {
    case DIVAK_SAMPLER_ALWAYS:
        is_sampled = true;
        break;
    case DIVAK_SAMPLER_NEVER:
        break;
    case DIVAK_SAMPLER_PROBABILITY:
        is_sampled = ask_probability(sampler, request->trace_id_low);
        break;
    case DIVAK_SAMPLER_COUNTING:
        is_sampled = ask_counting(sampler);
        break;
    case DIVAK_SAMPLER_RATE:
        is_sampled = divak_rate_limit_take(&sampler->rate);
        break;
    case DIVAK_SAMPLER_MODULO:
        is_sampled = request->trace_id_low % sampler->divisor == 0;
        break;
    case DIVAK_SAMPLER_CUSTOM:
        return ask_custom(sampler, request);
    case DIVAK_SAMPLER_RULES:
        return divak_sampler_decide_by_rules(sampler, request);
    case DIVAK_SAMPLER_OPERATIONS:
        return divak_sampler_decide_by_operation(sampler, request);
    }
    return is_sampled ? DIVAK_SAMPLE : DIVAK_DROP;
}

divak_decision divak_sampler_ask(divak_sampler *sampler, const divak_sampling_request *request) {
    static const divak_sampling_request nothing_known;
    if (sampler == NULL) return DIVAK_DROP;
    if (request == NULL) request = &nothing_known;
    bool is_decided = request->parent != NULL && (request->parent->flags & DIVAK_SPAN_DECIDED) != 0;
    bool is_list = sampler->depth > 0; /* rules or operations */
    return is_decided && is_list ? divak_sampler_override(sampler, request)
                                   : divak_sampler_decide(sampler, request);
}

void divak_sampler_destroy(divak_sampler *sampler) {
    if (sampler == NULL || sampler == &always || sampler == &never) return;
    if (sampler->type == DIVAK_SAMPLER_RULES) divak_sampler_release_rules(sampler);
    if (sampler->type == DIVAK_SAMPLER_OPERATIONS) divak_sampler_release_operations(sampler);
    divak_memory_release(sampler);
}
