/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_process.c - what is published once and read by all: keys, formats of propagation, the provider of the current
 * span, the epoch. */
#include <string.h>

#include "api/own_formats.h"
#include "base/memory.h"
#include "base/thread.h"
#include "collect/sampler.h"
#include "collect/thread_state.h"
#include "divak/scope.h"
#include "model/keys.h"
#include "simulator.h"

/* ---- keys --------------------------------------------------------------------------------------------------------------- */

static divak_mutex lock = DIVAK_MUTEX_INITIALIZER;

static void add_keys(void) {
    static const char *const texts[] = {"one", "two", "error"};
    for (int i = 0; i < 3; i++) {
        divak_mutex_lock(&lock);
        CLAIM(divak_key_table_add(&divak_keys, texts[i], strlen(texts[i])) != DIVAK_KEY_NONE);
        divak_mutex_unlock(&lock);
    }
}

static void find_keys(void) {
    for (uint32_t id = 3; id >= 1; id--) {
        const divak_key_entry *entry = divak_key_table_find(&divak_keys, id);
        if (entry == NULL) continue;
        CLAIM(entry->length == 3 || entry->length == 5);
        CLAIM(divak_keys.bytes[entry->offset] != 0 && divak_keys.bytes[entry->offset + entry->length - 1] != 0);
    }
}

SCENARIO(keys, .threads = {add_keys, add_keys, find_keys})

/* ---- formats of propagation ---------------------------------------------------------------------------------------------- */

static void inject_nothing(void *context, const divak_span *span, bool is_message, divak_put_header put, void *put_context) {
    (void)context;
    (void)span;
    (void)is_message;
    (void)put;
    (void)put_context;
}

static void register_formats(void) {
    static const char *const names[] = {"first", "second"};
    for (int i = 0; i < 2; i++) {
        divak_own_format format;
        const char *refused, *reason;
        divak_propagator given = {.name = names[i], .inject = inject_nothing};
        CLAIM(divak_own_format_make(&given, &format, &refused, &reason) == DIVAK_OK);
        CLAIM(divak_own_formats_register(&format) == DIVAK_OK);
    }
}

static void find_formats(void) {
    divak_own_format known[DIVAK_OWN_FORMATS_MAX];
    for (int i = 0; i < 2; i++) {
        size_t count = divak_own_formats_known(NULL, 0, known);
        for (size_t k = 0; k < count; k++) CLAIM(known[k].inject == inject_nothing && known[k].name[0] != '\0');
    }
}

SCENARIO(formats_registered, .threads = {register_formats, find_formats})

/* ---- the provider of the current span ----------------------------------------------------------------------------------- */

static int provide(void *context, const uint64_t *scope_mark, divak_span *out_span) {
    (void)scope_mark;
    CLAIM(*(const unsigned *)context == 0x1234);
    *out_span = (divak_span){.span_id = 5};
    return DIVAK_OK;
}

static unsigned contexts[2], others_contexts[2];

static void set_provider(void) {
    for (int i = 0; i < 2; i++) {
        contexts[i] = 0x1234;
        divak_set_current_provider(&(divak_current_provider){.current = provide, .context = &contexts[i]});
    }
}

static void set_others_provider(void) {
    for (int i = 0; i < 2; i++) {
        others_contexts[i] = 0x1234;
        divak_set_current_provider(&(divak_current_provider){.current = provide, .context = &others_contexts[i]});
    }
}

static void ask_provider(void) {
    divak_span span;
    for (int i = 0; i < 2; i++) CLAIM(divak_current(&span) == DIVAK_ABSENT || span.span_id == 5);
}

SCENARIO(current_provider, .threads = {set_provider, ask_provider, ask_provider})
/* Who sets one looks at those that others have set. */
SCENARIO(current_provider_of_two, .threads = {set_provider, set_others_provider, ask_provider})

/* ---- who is told of a scope that may not be closed ------------------------------------------------------------------------- */

static void on_refused(void *context, uint64_t span_id, bool is_other_thread) {
    CLAIM(context == contexts && contexts[0] == 0x1234 && span_id == 5 && !is_other_thread);
}

static void set_refused(void) {
    contexts[0] = 0x1234;
    divak_set_scope_refused(on_refused, contexts);
}

static void close_closed(void) {
    divak_scope scope = {.span_id = 5, .thread = (uint64_t)(uintptr_t)&divak_this_thread};
    for (int i = 0; i < 3; i++) CLAIM(divak_scope_close(&scope) == DIVAK_ERROR_ORDER);
}

SCENARIO(scope_refused, .threads = {set_refused, close_closed})

/* ---- a forked child notices ----------------------------------------------------------------------------------------------- */

static unsigned resets;      /* plain: written by the reset, read by whoever has caught up */
static unsigned reset_state[4];

static void reset_tracers(bool is_forker) {
    (void)is_forker;
    resets++;
    for (int i = 0; i < 4; i++) reset_state[i] = resets;
}

static void prepare_process(void) {
    divak_process_forked = reset_tracers;
    CLAIM(divak_process_init() == DIVAK_OK);
}

/* As the kernel does in a child: the epoch is wiped, before there is any other thread. */
static void wipe_epoch(void) {
    divak_store_relaxed(&divak_process->epoch, 0);
}

static void enter_after_fork(void) {
    for (int i = 0; i < 3; i++) {
        divak_thread *thread = divak_thread_enter();
        if (thread == NULL) {
            sim_yield();
            continue;
        }
        CLAIM(thread == &divak_this_thread && thread->epoch != 0);
        CLAIM(resets == 1 && reset_state[3] == 1);
        (void)divak_thread_random(thread, 1);
    }
}

/* As calls do that need no thread of their own, such as the end of an inherited span. */
static void check_after_fork(void) {
    for (int i = 0; i < 3; i++) {
        if (divak_process_check_fork()) CLAIM(resets == 1 && reset_state[3] == 1);
        else sim_yield();
    }
}

static void end_fork(void) {
    CLAIM(resets == 1);
}

SCENARIO(fork_noticed, .prepare = prepare_process, .begin = wipe_epoch, .end = end_fork,
         .threads = {enter_after_fork, enter_after_fork, enter_after_fork})
SCENARIO(fork_checked, .prepare = prepare_process, .begin = wipe_epoch, .end = end_fork,
         .threads = {check_after_fork, check_after_fork, enter_after_fork})

/* The next thread to reset, in a child of the child, finds what the one before has done. */
static void wipe_again(void) {
    CLAIM(divak_process_check_fork());
    divak_store_relaxed(&divak_process->epoch, 0);
    CLAIM(divak_process_check_fork());
    CLAIM(resets == 2);
}

SCENARIO(fork_noticed_twice, .prepare = prepare_process, .begin = wipe_epoch, .threads = {wipe_again})

/* ---- a thread's end -------------------------------------------------------------------------------------------------------- */

static void on_exit_of_thread(void *value) { (void)value; }

static void make_exit_key(void) {
    divak_mutex_lock(&lock);
    CLAIM(divak_thread_at_exit_create(on_exit_of_thread) == 0);
    divak_mutex_unlock(&lock);
}

static void set_exit_key(void) {
    static int value;
    for (int i = 0; i < 3; i++) (void)divak_thread_at_exit_set(&value);
}

SCENARIO(exit_key, .threads = {make_exit_key, set_exit_key, set_exit_key})

/* ---- new seeds ----------------------------------------------------------------------------------------------------------- */

static void reseed(void) {
    uint64_t before = divak_load_relaxed(&divak_process->epoch);
    divak_process_reseed();
    CLAIM(divak_load_relaxed(&divak_process->epoch) >= before);
}

static void enter_twice(void) {
    for (int i = 0; i < 2; i++) {
        divak_thread *thread = divak_thread_enter();
        CLAIM(thread != NULL && thread->epoch != DIVAK_EPOCH_NEVER);
        CLAIM(divak_thread_random(thread, 1) != divak_thread_random(thread, 1));
    }
}

SCENARIO(reseed, .prepare = prepare_process, .threads = {reseed, reseed, enter_twice})

static unsigned seeds_drawn; /* plain: as the seeds are, but for their order */

static int draw_seed(void *bytes, size_t size) {
    seeds_drawn++;
    memset(bytes, (int)seeds_drawn, size);
    return 0;
}

static void prepare_seeds(void) {
    divak_system.random_bytes = draw_seed;
    prepare_process();
}

/* Whoever has the new epoch has the new seeds. */
static void look_at_seeds(void) {
    for (int i = 0; i < 3; i++) {
        divak_thread *thread = divak_thread_enter();
        CLAIM(thread != NULL);
        if ((uint32_t)thread->epoch == 2) CLAIM(seeds_drawn == 2);
    }
}

SCENARIO(reseed_seen, .prepare = prepare_seeds, .threads = {divak_process_reseed, look_at_seeds, look_at_seeds})

/* ---- so many a second -------------------------------------------------------------------------------------------------------- */

enum { A_SECOND = 2 };
static divak_rate_limit limit;
static unsigned taken[SIM_THREADS_MAX], seconds[SIM_THREADS_MAX];

static void prepare_limit(void) { divak_rate_limit_init(&limit, A_SECOND); }
static void take_some(void) {
    for (int i = 0; i < 3; i++) {
        taken[sim_thread()] += divak_rate_limit_take(&limit);
        if (sim_choose(3) != 0) continue;
        sim_advance_time(1000000000);
        seconds[sim_thread()]++;
    }
}
/* A window begins when the one before is a second old, and has its limit. */
static void end_limit(void) {
    unsigned sampled = 0, windows = 1;
    for (int i = 0; i < SIM_THREADS_MAX; i++) {
        sampled += taken[i];
        windows += seconds[i];
    }
    CLAIM(sampled >= A_SECOND && sampled <= A_SECOND * windows);
}

SCENARIO(rate_limit, .prepare = prepare_limit, .threads = {take_some, take_some, take_some}, .end = end_limit)
