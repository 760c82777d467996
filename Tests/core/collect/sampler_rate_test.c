/* sampler_rate_test.c - a rate holds in each second, by tenths, after idle and among threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sampler.h"

#include <signal.h>
#include <sys/time.h>

#include "base/clock.h"
#include "collect/asking.h"

static const uint64_t SECOND = 1000000000, TENTH = 100000000;

static uint64_t fake_now;

static uint64_t read_fake_clock(void) {
    return fake_now;
}

static divak_sampler *rate(uint32_t per_second) {
    divak_clock.monotonic_now = read_fake_clock;
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rate(per_second, &sampler));
    return sampler;
}

/* Asks until it is refused. */
static int take_all(divak_sampler *sampler) {
    int taken = 0;
    while (taken < 100000 && ask(sampler) == DIVAK_SAMPLE) taken++;
    return taken;
}

TEST(a_rate_of_103_gives_13_in_the_first_tenth_and_103_in_a_second) {
    fake_now = 5 * SECOND + 123456789;
    divak_sampler *sampler = rate(103);
    fake_now += 17 * SECOND + 1; /* idle at first: the second begins with the first request */
    uint64_t begin = fake_now;
    CHECK_INT(13, take_all(sampler));
    fake_now = begin + TENTH - 1;
    CHECK_INT(0, take_all(sampler));
    for (uint64_t tenth = 1; tenth < 10; tenth++) {
        fake_now = begin + tenth * TENTH;
        CHECK_INT(10, take_all(sampler));
    }
    fake_now = begin + SECOND - 1;
    CHECK_INT(0, take_all(sampler));
    fake_now = begin + SECOND;
    CHECK_INT(13, take_all(sampler));
    divak_sampler_destroy(sampler);
}

TEST(what_one_tenth_leaves_over_the_next_may_use_but_no_other_second) {
    fake_now = SECOND;
    divak_sampler *sampler = rate(103);
    CHECK_INT(DIVAK_SAMPLE, ask(sampler));
    fake_now += 5 * TENTH;
    CHECK_INT(62, take_all(sampler)); /* 13 + 5 * 10, without the first */
    fake_now += 30 * SECOND;
    CHECK_INT(13, take_all(sampler)); /* nothing was saved up */
    fake_now += 9 * TENTH;
    CHECK_INT(90, take_all(sampler));
    divak_sampler_destroy(sampler);
}

TEST(rates_below_ten_are_given_at_once_and_all_rates_hold_for_each_second) {
    for (uint32_t per_second = 0; per_second <= 210; per_second++) {
        fake_now = 1;
        divak_sampler *sampler = rate(per_second);
        for (int second = 0; second < 3; second++) {
            uint64_t begin = fake_now;
            uint32_t first = per_second < 10 ? per_second : per_second / 10 + per_second % 10;
            CHECK_INT(first, take_all(sampler));
            uint32_t taken = first;
            for (int i = 0; i < 100; i++) {
                fake_now = begin + (uint64_t)i * (SECOND / 100);
                taken += (uint32_t)take_all(sampler);
            }
            CHECK_INT(per_second, taken);
            fake_now = begin + SECOND;
        }
        divak_sampler_destroy(sampler);
    }
}

TEST(a_rate_begins_anew_after_any_idle_time) {
    /* 52 days less a bit, 52 days and more: where the short names of windows come round. */
    static const uint64_t idle[] = {1, 2, 3600, 26 * 86400, 27 * 86400, 52 * 86400 - 1,
                                    53 * 86400, 200 * 86400};
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++) {
        fake_now = 0; /* the clock may begin at 0 */
        divak_sampler *sampler = rate(10);
        CHECK_INT(1, take_all(sampler));
        fake_now += idle[i] * SECOND;
        CHECK_INT(1, take_all(sampler));
        fake_now += 9 * TENTH;
        CHECK_INT(9, take_all(sampler));
        divak_sampler_destroy(sampler);
    }
}

TEST(a_rate_holds_when_threads_ask_at_once) {
    for (int round = 0; round < 20; round++) {
        fake_now += 2 * SECOND;
        divak_sampler *sampler = rate(9);
        CHECK_INT(9, ask_together(sampler, 2000));
        fake_now += SECOND;
        CHECK_INT(9, ask_together(sampler, 2000));
        divak_sampler_destroy(sampler);
    }
}

/* A clock that every reading moves on, from all threads: 1 us a reading. */
static divak_atomic_u64 moving_now;

static uint64_t read_moving_clock(void) {
    return divak_add_relaxed(&moving_now, 1000) + 1000;
}

TEST(a_rate_holds_in_every_second_while_the_clock_moves_under_several_threads) {
    divak_clock_calls clock = divak_clock;
    divak_store_relaxed(&moving_now, SECOND);
    divak_clock.monotonic_now = read_moving_clock;
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rate(1000, &sampler));
    /* Creation read the clock once; 4 million readings are four seconds, and a reading that a
     * thread held while others moved on may at most lengthen a second. */
    uint64_t sampled = ask_together(sampler, 1000000);
    CHECK(sampled <= 4000);
    CHECK(sampled >= 3900);
    divak_sampler_destroy(sampler);
    divak_clock = clock;
}

/* A signal handler that begins a new second and uses it up, wherever in the asking it comes: it is
 * all the other threads at once, at any instruction. */
static divak_sampler *interrupted;
static divak_atomic_u64 seconds_begun, sampled_by_handler;

static uint64_t read_clock_of_handler(void) {
    return divak_load_relaxed(&moving_now);
}

static void begin_second_and_use_it_up(int signal) {
    (void)signal;
    divak_add_relaxed(&moving_now, SECOND);
    divak_add_relaxed(&seconds_begun, 1);
    while (ask(interrupted) == DIVAK_SAMPLE) divak_add_relaxed(&sampled_by_handler, 1);
}

TEST(a_rate_holds_when_a_second_ends_between_any_two_instructions_of_the_asking) {
    divak_clock_calls clock = divak_clock;
    divak_clock.monotonic_now = read_clock_of_handler;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rate(5, &interrupted));
    struct sigaction action = {.sa_handler = begin_second_and_use_it_up}, before;
    struct itimerval often = {{0, 20}, {0, 20}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, &before);
    uint64_t end = clock.wall_now() + SECOND, sampled = 0;
    begin_second_and_use_it_up(0);
    setitimer(ITIMER_REAL, &often, NULL);
    while (clock.wall_now() < end) {
        for (int i = 0; i < 1000; i++) sampled += ask(interrupted) == DIVAK_SAMPLE;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    /* Every second has its five, no matter who got them. */
    CHECK(divak_load_relaxed(&seconds_begun) > 10);
    CHECK_INT(5 * divak_load_relaxed(&seconds_begun),
              sampled + divak_load_relaxed(&sampled_by_handler));
    divak_sampler_destroy(interrupted);
    divak_clock = clock;
}

TEST(a_rate_over_two_to_the_31_is_refused_and_that_one_is_not) {
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rate((UINT32_C(1) << 31) + 1, &sampler));
    CHECK(sampler == NULL);
    divak_sampler_destroy(rate(UINT32_C(1) << 31));
}

TEST(a_share_with_a_limit_passes_both) {
    fake_now = 77 * SECOND;
    divak_clock.monotonic_now = read_fake_clock;
    divak_sampler *both = NULL, *share = probability(.25);
    CHECK_INT(DIVAK_OK, divak_sampler_create_limited(.25, true, 5, &both));
    int sampled = 0, wrong = 0;
    for (uint64_t id = 1; id < 1000; id++) {
        bool is_expected = ask_id(share, id) == DIVAK_SAMPLE && sampled < 5;
        bool is_sampled = ask_id(both, id) == DIVAK_SAMPLE;
        wrong += is_expected != is_sampled;
        sampled += is_sampled;
    }
    CHECK_INT(0, wrong);
    CHECK_INT(5, sampled);
    divak_sampler_destroy(both);
    divak_sampler_destroy(share);
}

CHECK_MAIN()
