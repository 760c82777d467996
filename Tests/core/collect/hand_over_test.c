/* SPDX-License-Identifier: Apache-2.0 */
/* hand_over_test.c - slots that another thread than their owner ended: when the drainer takes them without a barrier, what
 * their lane does next, and threads that all tag and end each other's spans. */
#include <sys/wait.h>

#include "base/clock.h"
#include "base/memory.h"
#include "collect/span.h"
#include "tracing.h"

static const void *owner_of(const divak_span *span) {
    return divak_load_relaxed(&divak_slot_at(&divak_tracer_of(span)->slab, span->slot)->owner);
}

static void *finish(void *span) {
    CHECK_INT(DIVAK_OK, divak_span_finish(span));
    return NULL;
}

static void finish_on_another_thread(divak_span span) {
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, finish, &span));
    pthread_join(thread, NULL);
}

/* ---- drained by hand ----------------------------------------------------------------------------------------------------- */

static divak_tracer *const engine = &divak_tracers[DIVAK_TRACERS_MAX - 1]; /* which no tracer of this program gets */
static uint64_t now;
static int (*real_barrier)(void);
static int barrier_result;

static uint64_t read_now(void) {
    return now;
}

static int barrier_or_none(void) {
    return barrier_result == 0 ? real_barrier() : barrier_result;
}

static const divak_engine_options options = {
    .ring_bytes = 4096,
    .buffer_bytes = 1 << 20,
    .span_bytes = 2048,
    .name_bytes = 128,
    .key_bytes = 128,
    .value_bytes = 128,
    .tags_max = UINT32_MAX,
    .annotations_max = UINT32_MAX,
};

static divak_clock_calls kept_clock;

static void begin_by_hand(void) {
    real_barrier = divak_system.barrier_everywhere;
    divak_system.barrier_everywhere = barrier_or_none;
    barrier_result = 0;
    kept_clock = divak_clock;
    divak_clock.monotonic_now = read_now;
    now = 1000000000;
    CHECK_INT(DIVAK_OK, divak_process_init());
    CHECK_INT(DIVAK_OK, divak_engine_prepare(engine, DIVAK_TRACERS_MAX - 1, &options));
    divak_engine_set_mode(engine, DIVAK_TRACER_ON);
}

static void end_by_hand(void) {
    CHECK_INT(0, divak_engine_live(engine));
    CHECK_INT(0, divak_engine_pending(engine));
    divak_engine_set_mode(engine, DIVAK_TRACER_CLOSED);
    divak_system.barrier_everywhere = real_barrier;
    divak_clock = kept_clock;
}

static divak_span begin_span(void) {
    divak_span span;
    CHECK_INT(DIVAK_OK, divak_span_start(engine, "op", 2, DIVAK_KIND_LOCAL, &divak_no_parent, &span));
    return span;
}

/* One that its lane owns where there is a barrier, whatever happened before. */
static divak_span begin_owned(void) {
    divak_span span = begin_span();
    divak_span_abandon(&span);
    divak_store_relaxed(&divak_this_thread.quick_lanes[DIVAK_TRACERS_MAX - 1]->shy, 0);
    return begin_span();
}

static bool count_record(void *context, divak_record *record) {
    CHECK(record->length >= DIVAK_RECORD_HEADER);
    ++*(int *)context;
    return true;
}

static int drain(void) {
    int records = 0;
    (void)divak_engine_drain(engine, count_record, &records);
    return records;
}

enum { MILLISECOND = 1000000 };

TEST(without_the_barrier_nothing_is_taken_before_it_has_waited_its_time) {
    begin_by_hand();
    divak_span first = begin_owned(), second = begin_owned();
    const bool are_owned = owner_of(&first) != NULL && owner_of(&second) != NULL;
    barrier_result = -1;
    finish_on_another_thread(first);
    CHECK_INT(are_owned ? 0 : 1, drain());
    CHECK_INT(are_owned ? 1 : 0, divak_engine_pending(engine));
    now += 15 * MILLISECOND;
    finish_on_another_thread(second);
    if (are_owned) {
        CHECK_INT(0, drain());
        now += 6 * MILLISECOND; /* long enough for the first, not for the second */
        CHECK(drain() <= 1);
        CHECK(divak_engine_pending(engine) >= 1);
        now += 15 * MILLISECOND;
    }
    (void)drain();
    end_by_hand();
}

TEST(once_the_barrier_is_lost_no_span_has_an_owner_any_more) {
    begin_by_hand();
    divak_span span = begin_owned();
    const bool is_owned = owner_of(&span) != NULL;
    barrier_result = -1;
    finish_on_another_thread(span);
    (void)drain();
    span = begin_owned();
    if (is_owned) CHECK(owner_of(&span) == NULL);
    finish_on_another_thread(span);
    now += 30 * MILLISECOND;
    CHECK_INT(is_owned ? 2 : 1, drain());
    end_by_hand();
}

TEST(a_lane_of_which_a_span_was_handed_over_begins_the_next_one_without_owner) {
    begin_by_hand();
    divak_span span = begin_owned();
    finish_on_another_thread(span);
    span = begin_span(); /* before the drainer has seen anything */
    CHECK(owner_of(&span) == NULL);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(2, drain());
    end_by_hand();
}

/* ---- threads that tag and end each other's spans --------------------------------------------------------------------------- */

enum { SHARED = 24, WANDERERS = 4, STEPS = 6000, LIVES = 3 };

typedef struct place {
    pthread_mutex_t mutex;
    bool is_taken;
    divak_span span;
} place;

static place places[SHARED];
static tracing wandering;
static divak_atomic_u64 spans_begun, spans_ended, tags_said;

/* A handle, which others may have as well. */
static bool look(place *at, divak_span *out_span) {
    pthread_mutex_lock(&at->mutex);
    const bool is_taken = at->is_taken;
    *out_span = at->span;
    pthread_mutex_unlock(&at->mutex);
    return is_taken;
}

/* Puts a span there; true: in the place of another one. */
static bool put(place *at, const divak_span *span, divak_span *out_before) {
    pthread_mutex_lock(&at->mutex);
    const bool was_taken = at->is_taken;
    *out_before = at->span;
    at->span = *span;
    at->is_taken = true;
    pthread_mutex_unlock(&at->mutex);
    return was_taken;
}

static void say(const divak_span *span, unsigned *number) {
    char key[24], value[64];
    const int length = snprintf(key, sizeof key, "k%lx.%u", (unsigned long)pthread_self(), (*number)++);
    const size_t value_length = *number % 7 == 0 ? 60 : *number % 20;
    memset(value, 'v', sizeof value);
    if (divak_span_tag(span, key, (size_t)length, value, value_length) == DIVAK_OK) divak_add_relaxed(&tags_said, 1);
}

static void end(const divak_span *span) {
    if (divak_span_finish(span) == DIVAK_OK) divak_add_relaxed(&spans_ended, 1);
}

static void flush(void) {
    const int status = divak_tracer_flush(wandering.tracer, 20000, NULL);
    CHECK(status == DIVAK_OK || status == DIVAK_ERROR_LOST);
}

/* As if no span of this thread had been handed over yet. */
static void be_bold(void) {
    divak_lane *lane = divak_this_thread.quick_lanes[wandering.tracer->index];
    if (lane != &divak_no_lane) divak_store_relaxed(&lane->shy, 0);
}

static void *wander(void *seed) {
    unsigned random = (unsigned)(uintptr_t)seed * 2654435761u, number = 0;
    for (int i = 0; i < STEPS; i++) {
        if (i % 64 == 63) flush(); /* so that no lane fills up, and slots suffice */
        if (i % 8 == 0) be_bold();
        random = random * 1664525u + 1013904223u;
        place *at = &places[(random >> 20) % SHARED];
        divak_span span;
        switch ((random >> 8) % 8) {
        case 0:
        case 1:
            if (divak_span_start(wandering.tracer, "op", 2, DIVAK_KIND_LOCAL, NULL, &span) != DIVAK_OK) break;
            divak_add_relaxed(&spans_begun, 1);
            say(&span, &number);
            say(&span, &number);
            divak_span before;
            if (put(at, &span, &before)) end(&before);
            break;
        case 2:
            if (look(at, &span)) end(&span);
            break;
        case 3:
            if (look(at, &span)) (void)divak_span_is_untouched(&span);
            break;
        default:
            if (look(at, &span)) say(&span, &number);
        }
    }
    return NULL;
}

static uint64_t count_taken(uint64_t *out_spans) {
    flush();
    char *json = divak_memory_reporter_take(wandering.memory, NULL);
    uint64_t tags = 0;
    /* By hand: a search is told to ThreadSanitizer with all that it might have gone through. */
    for (const char *at = json; *at != 0; at++) {
        if (*at != '"') continue;
        tags += at[1] == 'k' && at[2] != 'i'; /* kind */
        *out_spans += at[1] == 'o' && at[2] == 'p' && at[3] == '"'; /* not divak.lost */
    }
    divak_free(json);
    return tags;
}

static divak_stats let_wander(const char *ring_bytes) {
    tracing_begin_plain(&wandering);
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(wandering.config, &wandering.memory));
    CHECK_INT(DIVAK_OK, divak_config_set(wandering.config, "ring_bytes", ring_bytes));
    tracing_start(&wandering);
    uint64_t spans = 0, tags = 0;
    spans_begun = spans_ended = tags_said = 0;
    for (int i = 0; i < SHARED; i++) places[i] = (place){.mutex = PTHREAD_MUTEX_INITIALIZER};
    for (uintptr_t life = 0; life < LIVES; life++) {
        pthread_t threads[WANDERERS];
        for (uintptr_t i = 0; i < WANDERERS; i++) {
            CHECK_INT(0, pthread_create(&threads[i], NULL, wander, (void *)(life * WANDERERS + i + 1)));
        }
        for (int i = 0; i < WANDERERS; i++) pthread_join(threads[i], NULL);
        tags += count_taken(&spans);
    }
    for (int i = 0; i < SHARED; i++) {
        divak_span span;
        if (look(&places[i], &span)) end(&span); /* begun by a thread that has ended long since */
    }
    tags += count_taken(&spans);
    const divak_stats stats = tracing_stats(wandering.tracer);
    CHECK_INT(0, stats.live);
    CHECK_INT(0, stats.pending);
    CHECK_INT(stats.delivered, spans);
    CHECK_INT(stats.started, spans + tracing_dropped(&stats));
    /* Each was ended once. Tags of a span that was dropped are no more either. */
    if (tracing_dropped(&stats) == 0) {
        CHECK_INT(divak_load_relaxed(&spans_begun), spans);
        CHECK_INT(divak_load_relaxed(&spans_ended), spans);
        CHECK_INT(divak_load_relaxed(&tags_said), tags);
    } else {
        CHECK(divak_load_relaxed(&tags_said) >= tags);
    }
    if (divak_system.barrier_everywhere() == 0) CHECK(divak_load_relaxed(&wandering.tracer->counters.handed_over) > 0);
    tracing_end(&wandering);
    return stats;
}

TEST(threads_that_tag_and_end_each_others_spans_lose_none_and_no_tag) {
    const divak_stats stats = let_wander("256KiB");
    CHECK_INT(0, tracing_dropped(&stats));
}

/* Two lanes for four threads. Who shares one may find it busy, which is counted. */
TEST(threads_that_share_lanes_may_tag_and_end_the_spans_of_one_that_has_its_own) {
    const divak_stats stats = let_wander("1MiB");
    CHECK_INT(tracing_dropped(&stats), stats.dropped[DIVAK_DROPPED_CONTENDED]);
}

CHECK_MAIN()
