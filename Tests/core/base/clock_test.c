/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test.c - ticks, their rate, and readings of two clocks at once. */
#include "base/clock.h"

#include <time.h>

#include "check.h"

static uint64_t system_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

TEST(the_clocks_are_those_of_the_system) {
    divak_clock_init();
    uint64_t before = system_clock(CLOCK_REALTIME);
    uint64_t wall = divak_clock_wall_now();
    CHECK(wall >= before && wall <= system_clock(CLOCK_REALTIME));
    before = system_clock(CLOCK_MONOTONIC);
    uint64_t monotonic = divak_clock_monotonic_now();
    CHECK(monotonic >= before && monotonic <= system_clock(CLOCK_MONOTONIC));
}

TEST(ticks_never_go_back_and_their_rate_fits_the_monotonic_clock) {
    divak_clock_init();
    uint64_t ticks, monotonic, ticks_later, monotonic_later;
    divak_clock_read_monotonic_pair(&ticks, &monotonic);
    uint64_t last = divak_clock_ticks();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = divak_clock_ticks();
        CHECK(now >= last);
        last = now;
    }
    struct timespec nap = {0, 50000000};
    nanosleep(&nap, NULL);
    divak_clock_read_monotonic_pair(&ticks_later, &monotonic_later);
    double rate = divak_clock_nanoseconds_per_tick();
    double by_ticks = (double)(ticks_later - ticks) * rate;
    double by_clock = (double)(monotonic_later - monotonic);
    printf("  %.6f ns a tick, counter %s\n", rate, divak_clock.use_counter ? "used" : "not used");
    /* Wide: another program may have had the processor between two readings. */
    CHECK(by_ticks > by_clock * 0.99 && by_ticks < by_clock * 1.01);
}

static uint64_t scripted[64];
static size_t script_length, script_at;

static uint64_t next_tick(void) {
    return script_at < script_length ? scripted[script_at++] : scripted[script_length - 1];
}

static uint64_t fixed_wall(void) {
    return 5000000000u;
}

TEST(a_pair_is_taken_from_the_try_whose_readings_lay_closest) {
    divak_clock_init();
    divak_clock_calls before = divak_clock;
    divak_clock.ticks = next_tick;
    divak_clock.wall_now = divak_clock.monotonic_now = fixed_wall;
    divak_clock.use_counter = false;
    static const uint64_t tries[] = {100, 900, 1000, 1040, 2000, 2010, 3000, 3500, 4000, 4100};
    for (int which = 0; which < 2; which++) {
        memcpy(scripted, tries, sizeof tries);
        script_length = sizeof tries / sizeof *tries;
        script_at = 0;
        uint64_t ticks, other;
        if (which == 0) divak_clock_read_pair(&ticks, &other);
        else divak_clock_read_monotonic_pair(&ticks, &other);
        CHECK_INT(2005, ticks);
        CHECK_INT(5000000000u, other);
    }
    CHECK(divak_clock_nanoseconds_per_tick() == 1.0);
    /* A counter that jumps about by all it can still gives an answer. */
    for (size_t i = 0; i < 64; i++) scripted[i] = i % 2 == 0 ? 1 : 0;
    script_length = 64;
    script_at = 0;
    uint64_t ticks = 77, wall = 77;
    divak_clock_read_pair(&ticks, &wall);
    CHECK(ticks <= UINT64_MAX && wall == 5000000000u);
    divak_clock = before;
}

CHECK_MAIN()
