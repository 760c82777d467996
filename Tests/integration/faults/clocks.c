/* SPDX-License-Identifier: Apache-2.0 */
/* clocks.c - durations and times while every clock misbehaves; linked with the static library,
 * whose clocks it replaces.
 *
 *     clocks SPANS
 *
 * The wall clock is stepped by an hour and by ten years, forwards and backwards; the counter runs
 * ten times too fast and ten times too slow, stands still for a while and jumps on as after a
 * suspend, and goes backwards now and then. Two threads record while that happens. Every duration
 * must be at least one microsecond and not more than could be; and a second after a step of the
 * wall clock new traces must have its time within a millisecond. Prints "spans N negative N
 * worst_after_step N steps N" (microseconds).
 */
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "driver.h"

#define SECOND INT64_C(1000000000)
enum { LONGEST = 1000 }; /* seconds that a duration may have, jumps and all */

static int64_t wall_offset, ticks_offset, ticks_base;
static double ticks_rate = 1.0;
static int is_over;
static uint64_t spans_seen, negative, recorded;
static int64_t worst_after_step;
static divak_tracer *tracer;

static uint64_t real(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t fake_wall(void) {
    return real(CLOCK_REALTIME) + (uint64_t)__atomic_load_n(&wall_offset, __ATOMIC_RELAXED);
}

static uint64_t fake_monotonic(void) {
    return real(CLOCK_MONOTONIC);
}

static uint64_t fake_ticks(void) {
    double rate;
    __atomic_load(&ticks_rate, &rate, __ATOMIC_RELAXED);
    int64_t since = (int64_t)real(CLOCK_MONOTONIC) - ticks_base;
    return (uint64_t)(1000 * SECOND + (int64_t)((double)since * rate) +
                      __atomic_load_n(&ticks_offset, __ATOMIC_RELAXED));
}

static bool on_end(void *context, divak_ended_span *span) {
    (void)context;
    uint64_t duration = divak_ended_span_duration(span);
    spans_seen++;
    if (duration == 0 || duration > LONGEST * UINT64_C(1000000)) negative++;
    size_t length;
    const char *name = divak_ended_span_name(span, &length);
    if (length != 5 || memcmp(name, "check", 5) != 0) return false;
    /* Its tag is the time that the program had. */
    const char *text = divak_ended_span_tag(span, "now", 3, &length);
    int64_t off = (int64_t)divak_ended_span_start(span) - (int64_t)strtoull(text, NULL, 10);
    if (off < 0) off = -off;
    if (off > worst_after_step) worst_after_step = off;
    return false;
}

static void *keep_busy(void *context) {
    (void)context;
    divak_span root;
    for (uint64_t i = 0; !__atomic_load_n(&is_over, __ATOMIC_ACQUIRE); i++) {
        if (i % 1000 == 0)
            (void)divak_span_start(tracer, "root", 4, DIVAK_KIND_LOCAL, &divak_no_parent, &root);
        driver_span(tracer, NULL, &root, i);
        if (i % 1000 == 999) (void)divak_span_finish(&root);
        __atomic_add_fetch(&recorded, 1, __ATOMIC_RELAXED);
        if (i % 1000 == 500) usleep(200);
    }
    return NULL;
}

static void check_time(void) {
    for (int i = 0; i < 20; i++) {
        char text[32];
        divak_span span;
        uint64_t now = fake_wall() / 1000;
        (void)divak_span_start(tracer, "check", 5, DIVAK_KIND_LOCAL, &divak_no_parent, &span);
        int length = snprintf(text, sizeof text, "%" PRIu64, now);
        (void)divak_span_tag(&span, "now", 3, text, (size_t)length);
        (void)divak_span_finish(&span);
        usleep(2000);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) return 2;
    uint64_t spans = strtoull(argv[1], NULL, 10), steps = 0;
    divak_clock_init();
    ticks_base = (int64_t)real(CLOCK_MONOTONIC);
    divak_clock = (divak_clock_calls){
        .ticks = fake_ticks, .wall_now = fake_wall, .monotonic_now = fake_monotonic};
    divak_config *config = divak_config_create_without_environment();
    (void)divak_config_add_null_reporter(config);
    (void)divak_config_add_handler(config, &(divak_handler){.end = on_end});
    if (divak_tracer_create(config, &tracer) != DIVAK_OK) return 2;
    divak_config_destroy(config);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, keep_busy, NULL);
    static const int64_t offsets[] = {3600, -3600, 315360000, -315360000, 0};
    do {
        for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++, steps++) {
            __atomic_store_n(&wall_offset, offsets[i] * SECOND, __ATOMIC_RELAXED);
            usleep(1000000);
            check_time();
        }
        /* The counter: fast, slow, suspended, backwards. No times are looked at meanwhile. */
        static const double rates[] = {10.0, 0.1, 1.0};
        for (int i = 0; i < 3; i++) {
            double rate = rates[i];
            __atomic_store(&ticks_rate, &rate, __ATOMIC_RELAXED);
            usleep(300000);
        }
        for (int i = 0; i < 200; i++) {
            __atomic_add_fetch(&ticks_offset, i % 2 == 0 ? -SECOND / 1000 * i : SECOND,
                               __ATOMIC_RELAXED);
            usleep(1000);
        }
    } while (__atomic_load_n(&recorded, __ATOMIC_RELAXED) < spans);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    (void)divak_tracer_shutdown(tracer, 5000, NULL);
    printf("spans %" PRIu64 " negative %" PRIu64 " worst_after_step %" PRId64 " steps %" PRIu64
           "\n",
           spans_seen, negative, worst_after_step, steps);
    return negative == 0 && worst_after_step <= 1000 ? EXIT_SUCCESS : EXIT_FAILURE;
}
