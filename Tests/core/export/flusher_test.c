/* SPDX-License-Identifier: Apache-2.0 */
/* flusher_test.c - when spans are sent, whether flush tells the truth, and how long flush and shutdown take. */
#include "sink.h"

TEST(size_alone_triggers_sending) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    divak_config_set(t.config, "batch_bytes", "4KiB");
    divak_config_set(t.config, "ring_bytes", "16KiB");
    tracing_start(&t);
    alarm(TRACING_HANG_SECONDS);
    while (__atomic_load_n(&s.spans, __ATOMIC_RELAXED) == 0) {
        sink_record(&t, "op", 1);
        tracing_sleep_ms(1);
    }
    tracing_end(&t);
    alarm(0);
}

TEST(time_alone_triggers_sending) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "20ms");
    tracing_start(&t);
    sink_record(&t, "op", 1);
    alarm(TRACING_HANG_SECONDS);
    while (__atomic_load_n(&s.spans, __ATOMIC_RELAXED) == 0) tracing_sleep_ms(1);
    tracing_end(&t);
    alarm(0);
}

TEST(a_flush_alone_triggers_sending) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 1);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(t.tracer, 20000, NULL));
    CHECK_INT(1, s.spans);
    tracing_end(&t);
}

/* Answers as a failing collector would, now and then, by the number of the call. */
typedef struct moody_sink {
    uint64_t state, arrived;
} moody_sink;

static int moody_send(void *context, const char *body, size_t length, size_t span_count) {
    moody_sink *s = context;
    (void)body;
    (void)length;
    s->state = s->state * 6364136223846793005u + 1442695040888963407u;
    switch (s->state >> 60) {
    case 0: return DIVAK_ERROR_INVALID;
    case 1: return DIVAK_ERROR_UNSUPPORTED;
    case 2: return DIVAK_ERROR_SYSTEM;
    default: break;
    }
    __atomic_add_fetch(&s->arrived, span_count, __ATOMIC_RELAXED);
    return DIVAK_OK;
}

TEST(flush_says_ok_only_when_everything_has_arrived_in_a_thousand_flushes) {
    uint64_t seed = (uint64_t)time(NULL);
    printf("  seed %llu\n", (unsigned long long)seed);
    moody_sink s = {.state = seed};
    tracing t;
    tracing_begin_plain(&t);
    divak_config_add_callback_reporter(t.config, moody_send, &s);
    tracing_start(&t);
    uint64_t ended = 0, told = 0, lies = 0, ok = 0, lost_flushes = 0, late = 0;
    for (int i = 0; i < 1000; i++) {
        int count = 1 + i % 7;
        sink_record(&t, "op", count);
        ended += (uint64_t)count;
        uint64_t lost;
        /* Some have no time for a retry. */
        int status = divak_tracer_flush(t.tracer, i % 5 == 0 ? 1 : 60000, &lost);
        told += lost;
        uint64_t arrived = __atomic_load_n(&s.arrived, __ATOMIC_RELAXED);
        uint64_t synthetic = tracing_stats(t.tracer).synthetic;
        if (status == DIVAK_OK) {
            ok++;
            /* Told of before, or here. A report of losses is not one of ours. */
            if (arrived < ended - told || arrived > ended - told + synthetic || lost != 0) lies++;
        } else if (status == DIVAK_ERROR_LOST) {
            lost_flushes++;
            if (lost == 0 || arrived < ended - told) lies++;
        } else {
            CHECK_INT(DIVAK_ERROR_TIMEOUT, status);
            late++;
        }
    }
    printf("  %llu ok, %llu lost, %llu late\n", (unsigned long long)ok,
           (unsigned long long)lost_flushes, (unsigned long long)late);
    CHECK_INT(0, lies);
    CHECK(ok > 100 && lost_flushes > 10);
    uint64_t lost;
    (void)divak_tracer_shutdown(t.tracer, 60000, &lost);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(ended, stats.started);
    CHECK_INT(ended, stats.delivered + told + lost);
    CHECK(s.arrived >= stats.delivered && s.arrived <= stats.delivered + stats.synthetic);
    tracing_check_identity(t.tracer);
}

TEST(a_loss_that_a_late_flush_caused_is_told_by_the_next_one) {
    sink s = {.fails_first = 1, .failure = DIVAK_ERROR_UNSUPPORTED, .blocks_ms = 100};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 5);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_flush(t.tracer, 10, &lost));
    alarm(TRACING_HANG_SECONDS);
    while (tracing_stats(t.tracer).dropped[DIVAK_DROPPED_REJECTED] != 5) tracing_sleep_ms(1);
    tracing_sleep_ms(20); /* the flush that nobody waits for is done */
    CHECK_INT(DIVAK_ERROR_LOST, divak_tracer_flush(t.tracer, 20000, &lost));
    CHECK_INT(5, lost);
    tracing_end(&t);
    alarm(0);
}

typedef struct flush_call {
    tracing *t;
    int status;
} flush_call;

static void *flush_once(void *context) {
    flush_call *call = context;
    call->status = divak_tracer_flush(call->t->tracer, 20000, NULL);
    return NULL;
}

TEST(all_who_wait_in_a_flush_hear_of_the_loss) {
    sink s = {.fails_first = 1, .failure = DIVAK_ERROR_UNSUPPORTED, .blocks_ms = 50};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    sink_record(&t, "op", 5);
    enum { CALLERS = 4 };
    flush_call calls[CALLERS];
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        calls[i] = (flush_call){.t = &t};
        pthread_create(&threads[i], NULL, flush_once, &calls[i]);
    }
    int told = 0;
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        told += calls[i].status == DIVAK_ERROR_LOST;
    }
    CHECK(told >= 1);
    /* Those who came while the first was under way: nobody is told OK who asked before it was lost. */
    for (int i = 0; i < CALLERS; i++) {
        CHECK(calls[i].status == DIVAK_ERROR_LOST || calls[i].status == DIVAK_OK);
    }
    tracing_end(&t);
}

/* Runs and prints how long it took beyond its deadline. */
static int timed(int (*call)(divak_tracer *, uint32_t, uint64_t *), divak_tracer *tracer,
                 uint32_t milliseconds, const char *what) {
    uint64_t begin = tracing_now_ns();
    int status = call(tracer, milliseconds, NULL);
    double took = (double)(tracing_now_ns() - begin) / 1e6;
    printf("  %s: %.1f ms of %u\n", what, took, milliseconds);
    CHECK(took < milliseconds + 10000.0);
    return status;
}

TEST(flush_and_shutdown_return_at_their_deadline_though_the_transport_hangs) {
    sink s = {.answer = DIVAK_OK, .blocks_ms = 1500};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    sink_record(&t, "op", 5);
    CHECK_INT(DIVAK_ERROR_TIMEOUT, timed(divak_tracer_flush, t.tracer, 0, "flush at once"));
    CHECK_INT(DIVAK_ERROR_TIMEOUT, timed(divak_tracer_flush, t.tracer, 100, "flush"));
    CHECK_INT(DIVAK_ERROR_TIMEOUT, timed(divak_tracer_shutdown, t.tracer, 100, "shutdown"));
    CHECK_INT(DIVAK_ERROR_ENDED, timed(divak_tracer_shutdown, t.tracer, 1000, "again"));
    /* Its place is not given away while its thread is still in our callback. */
    sink other = {.answer = DIVAK_OK};
    tracing second;
    sink_begin(&second, &other);
    tracing_start(&second);
    CHECK(second.tracer != t.tracer);
    sink_record(&second, "op", 3);
    CHECK_INT(DIVAK_OK, divak_tracer_flush(second.tracer, 20000, NULL));
    CHECK_INT(3, other.spans);
    tracing_end(&second);
    /* And when it comes back, it settles its accounts. */
    alarm(TRACING_HANG_SECONDS);
    while (tracing_stats(t.tracer).pending != 0) tracing_sleep_ms(10);
    tracing_check_identity(t.tracer);
    alarm(0);
}

TEST(an_idle_shutdown_returns_at_once) {
    sink s = {.answer = DIVAK_OK};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    tracing_start(&t);
    tracing_sleep_ms(50); /* the thread sleeps by now */
    CHECK_INT(DIVAK_OK, timed(divak_tracer_shutdown, t.tracer, 60000, "idle shutdown"));
    CHECK_INT(0, s.calls); /* not even an empty message */
}

TEST(shutdown_sends_all_that_is_queued_before_it_ends) {
    sink s = {.answer = DIVAK_OK, .blocks_ms = 5};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1h");
    divak_config_set(t.config, "batch_bytes", "1KiB");
    tracing_start(&t);
    sink_record(&t, "op", 100);
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 60000, NULL));
    CHECK_INT(100, s.spans);
    CHECK_INT(100, tracing_stats(t.tracer).delivered);
}

TEST(what_shutdown_could_not_send_in_its_time_is_counted_expired) {
    sink s = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    sink_begin(&t, &s);
    tracing_start(&t);
    sink_record(&t, "op", 100);
    uint64_t lost;
    CHECK_INT(DIVAK_ERROR_TIMEOUT, divak_tracer_shutdown(t.tracer, 50, &lost));
    CHECK_INT(100, lost);
    divak_stats stats = tracing_stats(t.tracer);
    CHECK_INT(100, stats.dropped[DIVAK_DROPPED_RETRY_EXPIRED]);
    CHECK_INT(0, stats.pending);
    tracing_check_identity(t.tracer);
}

TEST(shutdown_tries_once_more_however_long_the_back_off_is) {
    sink s = {.answer = DIVAK_ERROR_SYSTEM};
    tracing t;
    sink_begin(&t, &s);
    divak_config_set(t.config, "flush_interval", "1ms");
    tracing_start(&t);
    sink_record(&t, "op", 10);
    alarm(TRACING_HANG_SECONDS);
    while (__atomic_load_n(&s.calls, __ATOMIC_RELAXED) < 6) tracing_sleep_ms(5);
    __atomic_store_n(&s.answer, DIVAK_OK, __ATOMIC_RELAXED);
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(t.tracer, 20000, NULL));
    CHECK_INT(10, s.spans);
    alarm(0);
}

CHECK_MAIN()
