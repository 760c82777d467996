/* sampler_test.c - what is sampled by share, by counting, by id and by code. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sampler.h"

#include <math.h>
#include <string.h>

#include "collect/asking.h"
#include "base/memory.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(always_samples_all_and_never_samples_none) {
    int sampled = 0, unsampled = 0;
    for (uint64_t id = 0; id < 10000; id++) {
        sampled += ask_id(divak_sampler_always(), id) == DIVAK_SAMPLE;
        unsampled += ask_id(divak_sampler_never(), id) == DIVAK_DROP;
    }
    CHECK_INT(10000, sampled);
    CHECK_INT(10000, unsampled);
    divak_sampler_destroy(divak_sampler_always());
    divak_sampler_destroy(divak_sampler_never());
    divak_sampler_destroy(NULL);
    CHECK_INT(DIVAK_SAMPLE, ask(divak_sampler_always()));
    CHECK_INT(DIVAK_DROP, divak_sampler_ask(NULL, NULL));
    CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(divak_sampler_always(), NULL));
}

/* ---- probability ----------------------------------------------------------------------------- */

enum { IDS = 10000000 };

/* Whether as many of IDS ids are sampled as the share says, within three standard deviations. */
static bool is_within_three_sigma(double share, bool are_random, uint64_t seed) {
    divak_sampler *sampler = probability(share);
    uint64_t id = seed;
    double sampled = 0;
    for (int i = 0; i < IDS; i++) {
        uint64_t next = are_random ? next_random(&id) : ++id;
        sampled += ask_id(sampler, next) == DIVAK_SAMPLE;
    }
    divak_sampler_destroy(sampler);
    double expected = share * IDS, sigma = sqrt(expected * (1 - share));
    bool is_within = fabs(sampled - expected) <= 3 * sigma;
    if (!is_within) {
        printf("  share %g, seed %llu: %.0f sampled, %.0f expected\n", share,
               (unsigned long long)seed, sampled, expected);
    }
    return is_within;
}

/* The seeds are fixed, for one run in 370 of each would be outside of three sigma by right. */
TEST(a_probability_is_exact_on_random_ids_and_on_counted_ones) {
    static const double shares[] = {1e-4, 1e-3, .01, .5};
    for (size_t i = 0; i < 4; i++) {
        CHECK(is_within_three_sigma(shares[i], true, UINT64_C(88172645463325252)));
        CHECK(is_within_three_sigma(shares[i], false, UINT64_C(1) << 40));
    }
}

/* Part of the wire behaviour: other versions and languages must come to the same decision. */
TEST(the_same_ids_are_sampled_in_every_process_and_version) {
    static const struct {
        uint64_t id;
        double most_that_drops, least_that_samples;
    } known[] = {
        {0, 0, 1e-9},
        {1, 0.704448519, 0.704448521},
        {UINT64_C(0x00f067aa0ba902b7), 0.185904590, 0.185904592},
        {UINT64_MAX, 0.393393637, 0.393393639},
    };
    for (size_t i = 0; i < 4; i++) {
        divak_sampler *less = probability(known[i].most_that_drops);
        divak_sampler *more = probability(known[i].least_that_samples);
        CHECK_INT(DIVAK_DROP, ask_id(less, known[i].id));
        CHECK_INT(DIVAK_SAMPLE, ask_id(more, known[i].id));
        divak_sampler_destroy(less);
        divak_sampler_destroy(more);
    }
}

TEST(a_higher_probability_samples_a_superset) {
    static const double shares[] = {0, 1e-9, 1e-4, .001, .0011, .25, .5, .75, .999999, 1};
    enum { COUNT = sizeof shares / sizeof shares[0] };
    divak_sampler *samplers[COUNT];
    for (int i = 0; i < COUNT; i++) samplers[i] = probability(shares[i]);
    uint64_t id = UINT64_C(0x1234567);
    int holes = 0;
    for (int i = 0; i < 200000; i++) {
        next_random(&id);
        bool was_sampled = false;
        for (int j = 0; j < COUNT; j++) {
            bool is_sampled = ask_id(samplers[j], id) == DIVAK_SAMPLE;
            holes += was_sampled && !is_sampled;
            was_sampled = is_sampled;
        }
        holes += !was_sampled || ask_id(samplers[0], id) != DIVAK_DROP;
    }
    CHECK_INT(0, holes);
    for (int i = 0; i < COUNT; i++) divak_sampler_destroy(samplers[i]);
}

TEST(a_trace_gets_one_answer_whatever_its_upper_half_and_however_often_it_asks) {
    divak_sampler *one = probability(.5), *other = probability(.5);
    int different = 0;
    for (uint64_t id = 1; id <= 10000; id++) {
        divak_sampling_request long_id = {.trace_id_high = id * 7, .trace_id_low = id};
        divak_decision first = ask_id(one, id);
        different += first != ask_id(one, id) || first != ask_id(other, id) ||
                     first != divak_sampler_ask(other, &long_id);
    }
    CHECK_INT(0, different);
    divak_sampler_destroy(one);
    divak_sampler_destroy(other);
}

TEST(what_is_no_probability_is_refused) {
    static const double wrong[] = {-1e-9, 1.0000001, -1, 100, NAN, INFINITY, -INFINITY};
    divak_sampler *sampler = divak_sampler_always();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_probability(wrong[i], &sampler));
    }
    CHECK(sampler == divak_sampler_always());
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_probability(.5, NULL));
    divak_sampler *negative_zero = probability(-0.0);
    CHECK_INT(DIVAK_DROP, ask_id(negative_zero, 0));
    divak_sampler_destroy(negative_zero);
}

/* ---- counting -------------------------------------------------------------------------------- */

TEST(counting_samples_exactly_so_many_of_any_hundred_one_after_the_other) {
    for (uint32_t wanted = 0; wanted <= 100; wanted++) {
        divak_sampler *sampler = NULL;
        CHECK_INT(DIVAK_OK, divak_sampler_create_counting(wanted, &sampler));
        bool window[100];
        uint32_t within = 0;
        int wrong = 0;
        for (int i = 0; i < 1000; i++) {
            if (i >= 100) within -= window[i % 100];
            window[i % 100] = ask(sampler) == DIVAK_SAMPLE;
            within += window[i % 100];
            wrong += i >= 99 && within != wanted;
        }
        CHECK_INT(0, wrong);
        divak_sampler_destroy(sampler);
    }
    divak_sampler *none = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_counting(101, &none));
    CHECK(none == NULL);
}

static int fixed_bytes(void *memory, size_t size) {
    memset(memory, 7, size);
    return 0;
}

static int no_bytes(void *memory, size_t size) {
    (void)memory, (void)size;
    return DIVAK_ERROR_SYSTEM;
}

/* The places of the first window, as a text of 1 and 0. */
static void places_of(char places[101]) {
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_counting(50, &sampler));
    for (int i = 0; i < 100; i++) places[i] = ask(sampler) == DIVAK_SAMPLE ? '1' : '0';
    places[100] = '\0';
    divak_sampler_destroy(sampler);
}

TEST(the_order_is_shuffled_and_another_for_each_sampler) {
    char first[101], second[101], fixed[101];
    places_of(first);
    places_of(second);
    CHECK(strcmp(first, second) != 0); /* equal once in 10^29 runs */
    divak_system_calls system = divak_system;
    divak_system.random_bytes = fixed_bytes;
    places_of(fixed);
    divak_system.random_bytes = no_bytes;
    places_of(first);
    divak_system = system;
    CHECK(strncmp(fixed, "11111111", 8) != 0 && strstr(fixed, "0000000000") == NULL);
    CHECK(strcmp(first, fixed) != 0);
}

TEST(counting_stays_exact_when_threads_ask_at_once) {
    static const uint32_t wanted[] = {0, 1, 37, 99, 100};
    for (size_t i = 0; i < 5; i++) {
        divak_sampler *sampler = NULL;
        CHECK_INT(DIVAK_OK, divak_sampler_create_counting(wanted[i], &sampler));
        CHECK_INT(wanted[i] * (THREADS * 250000 / 100), ask_together(sampler, 250000));
        divak_sampler_destroy(sampler);
    }
}

/* ---- modulo, custom -------------------------------------------------------------------------- */

TEST(modulo_samples_the_multiples_of_its_divisor) {
    static const uint64_t divisors[] = {1, 2, 7, 1000, UINT64_MAX};
    for (size_t i = 0; i < 5; i++) {
        divak_sampler *sampler = NULL;
        CHECK_INT(DIVAK_OK, divak_sampler_create_modulo(divisors[i], &sampler));
        int wrong = 0;
        for (uint64_t id = 0; id < 5000; id++) {
            wrong += (ask_id(sampler, id) == DIVAK_SAMPLE) != (id % divisors[i] == 0);
        }
        CHECK_INT(0, wrong);
        CHECK_INT(DIVAK_SAMPLE, ask_id(sampler, divisors[i]));
        divak_sampler_destroy(sampler);
    }
    divak_sampler *none = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_modulo(0, &none));
}

TEST(a_custom_sampler_is_handed_the_request_and_strange_answers_drop) {
    static const struct {
        divak_decision said, expected;
    } cases[] = {{DIVAK_SAMPLE, DIVAK_SAMPLE}, {DIVAK_DROP, DIVAK_DROP}, {DIVAK_DEFER, DIVAK_DEFER},
                 {3, DIVAK_DROP},              {-1, DIVAK_DROP}};
    divak_decision said;
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_custom(answer, &said, &sampler));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        said = cases[i].said;
        divak_sampling_request named = {.name = "get", .name_length = 3};
        CHECK_INT(cases[i].expected, divak_sampler_ask(sampler, &named));
        CHECK_INT(DIVAK_DEFER, ask(sampler));
    }
    divak_sampler_destroy(sampler);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_custom(NULL, NULL, &sampler));
}

/* ---- without memory -------------------------------------------------------------------------- */

static int allocations_left;

static void *allocate_until(size_t size) {
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *resize_until(void *memory, size_t size) {
    return allocations_left-- > 0 ? realloc(memory, size) : NULL;
}

TEST(without_memory_each_create_says_so_and_leaves_nothing_behind) {
    divak_system_calls system = divak_system;
    divak_sampler *sampler = NULL;
    divak_sampler *list = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(NULL, &list));
    divak_system.allocate = allocate_until;
    divak_system.resize = resize_until;
    allocations_left = 0;
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_probability(.5, &sampler));
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_counting(5, &sampler));
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_rate(5, &sampler));
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_modulo(5, &sampler));
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_custom(answer, NULL, &sampler));
    CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_create_rules(NULL, &sampler));
    CHECK(sampler == NULL);
    for (int left = 0; left < 2; left++) {
        allocations_left = left;
        divak_rule rule = {.name = "a"};
        CHECK_INT(DIVAK_ERROR_MEMORY, divak_sampler_add_rule(list, &rule, divak_sampler_always()));
        divak_sampling_request request = {.name = "a", .name_length = 1};
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(list, &request));
    }
    divak_system = system;
    divak_sampler_destroy(list);
}

CHECK_MAIN()
