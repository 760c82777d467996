/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - the current span of a thread, and where else to ask for one.
 *
 * What is kept here is kept for this copy of the library, and for all others if it was loaded first. The public functions
 * go there, or to the copy that was first: see current.h. */
#include "divak/scope.h"

#include "base/copies.h"
#include "base/system.h"
#include "collect/current.h"
#include "collect/engine.h"
#include "model/flags.h"

/* The copy that was loaded before this one; NULL: this one is the first. Written before anyone calls anything here. */
static const divak_first_copy *first;
/* This copy's home as it is handed around; set before its first tracer is published. */
static divak_atomic_u32 own_home;

/* ---- the provider --------------------------------------------------------------------------------------------------- */

/* Each that was ever set stays in its place, since a reader may be in it. */
enum { PROVIDERS = 8 };
static struct {
    divak_current_provider provider;
    divak_atomic_u32 is_there;
} providers[PROVIDERS];
static divak_atomic_u32 provider_count;
static divak_atomic_pointer current_provider; /* what must be seen as one is published as one pointer */

static bool is_same(const divak_current_provider *a, const divak_current_provider *b) {
    return a->current == b->current && a->mark == b->mark && a->context == b->context;
}

/* NULL: there is no place any more. Two threads that set the same at once may take a place each. */
static const divak_current_provider *keep_provider(const divak_current_provider *provider) {
    for (int i = 0; i < PROVIDERS; i++) {
        /* Acquire, with the release below: the provider is whole before it is looked at. */
        if (divak_load_acquire(&providers[i].is_there) != 0 && is_same(&providers[i].provider, provider)) {
            return &providers[i].provider;
        }
    }
    uint32_t place = divak_load_relaxed(&provider_count);
    do {
        if (place == PROVIDERS) return NULL;
        /* Relaxed: a number and nothing else. */
    } while (!divak_cas_weak_relaxed(&provider_count, &place, place + 1));
    providers[place].provider = *provider;
    divak_store_release(&providers[place].is_there, 1); /* see above */
    return &providers[place].provider;
}

static int set_provider_here(const divak_current_provider *provider) {
    const divak_current_provider *kept = provider == NULL ? NULL : keep_provider(provider);
    if (provider != NULL && kept == NULL) return DIVAK_ERROR_FULL;
    /* Pairs with the acquire in find_provider: the provider is whole before it is found. */
    divak_store_release(&current_provider, (void *)(uintptr_t)kept);
    return DIVAK_OK;
}

/* The provider, if it may be asked now: not by itself, and not by a handler that interrupted Divak. */
static inline const divak_current_provider *find_provider(const divak_thread *thread, bool may_ask) {
    if (!may_ask || divak_thread_is_inside(thread) || thread->is_asking_provider != 0) return NULL;
    return divak_load_acquire(&current_provider); /* see set_provider_here */
}

static inline uint64_t ask_mark(divak_thread *thread, bool may_ask) {
    const divak_current_provider *provider = find_provider(thread, may_ask);
    if (provider == NULL || provider->mark == NULL) return 0;
    thread->is_asking_provider = 1;
    uint64_t mark = provider->mark(provider->context);
    thread->is_asking_provider = 0;
    return mark;
}

/* What the provider says beyond a mark; DIVAK_ABSENT also when it may not be asked. */
static inline int ask_provider(divak_thread *thread, bool may_ask, const uint64_t *scope_mark, divak_span *out_span) {
    const divak_current_provider *provider = find_provider(thread, may_ask);
    if (provider == NULL || (scope_mark != NULL && provider->mark == NULL)) return DIVAK_ABSENT;
    thread->is_asking_provider = 1;
    int status = provider->current(provider->context, scope_mark, out_span);
    thread->is_asking_provider = 0;
    return status;
}

/* ---- what is kept here ---------------------------------------------------------------------------------------------- */

static inline void open_here(const divak_span *span, bool may_ask, divak_scope *out_scope) {
    divak_thread *thread = &divak_this_thread;
    const uint64_t mark = ask_mark(thread, may_ask);
    *out_scope = (divak_scope){
        .previous = thread->current,
        .span_id = span == NULL ? 0 : span->span_id,
        .previous_mark = thread->mark,
        .thread = (uint64_t)(uintptr_t)thread,
        .depth = thread->depth,
        .is_open = 1,
    };
    thread->current = span == NULL ? divak_no_parent : *span;
    thread->mark = mark;
    divak_signal_fence();
    thread->depth++;
}

static inline int close_here(divak_scope *scope, bool *out_is_other_thread) {
    divak_thread *thread = &divak_this_thread;
    *out_is_other_thread = scope->thread != (uint64_t)(uintptr_t)thread;
    if (!scope->is_open || *out_is_other_thread || scope->depth + 1 != thread->depth) return DIVAK_ERROR_ORDER;
    thread->depth--;
    divak_signal_fence();
    thread->current = scope->previous;
    thread->mark = scope->previous_mark;
    scope->is_open = 0;
    return DIVAK_OK;
}

static inline bool innermost_here(divak_span *out_span, uint64_t *out_mark) {
    const divak_thread *thread = &divak_this_thread;
    if (thread->depth == 0) return false;
    *out_span = thread->current;
    *out_mark = thread->mark;
    return true;
}

static inline int current_here(bool may_ask, divak_span *out_span) {
    divak_thread *thread = &divak_this_thread;
    const bool has_scope = thread->depth != 0;
    int status = ask_provider(thread, may_ask, has_scope ? &thread->mark : NULL, out_span);
    if (status != DIVAK_OK && has_scope) {
        *out_span = thread->current;
        status = DIVAK_OK;
    }
    return status;
}

static uint64_t make_mark_here(void) {
    enum { BLOCK = 1024 }; /* as many as a thread takes at once, so that threads seldom meet */
    static divak_atomic_u64 blocks;
    divak_thread *thread = &divak_this_thread;
    if (thread->next_mark % BLOCK == 0) thread->next_mark = divak_add_relaxed(&blocks, BLOCK) + 1;
    /* A handler of signals that comes in between takes the same number: it makes no current span. */
    return thread->next_mark++;
}

/* ---- copies --------------------------------------------------------------------------------------------------------- */

static divak_atomic_pointer enrolled[DIVAK_HOMES_MAX + 1]; /* by home, each a divak_home_services; 0: the first copy */
static divak_atomic_u32 enrolled_count;

static uint32_t enroll_here(const divak_home_services *services) {
    uint32_t home = divak_add_relaxed(&enrolled_count, 1) + 1;
    if (home > DIVAK_HOMES_MAX) return DIVAK_HOME_NONE;
    /* Relaxed: whoever asks has a span of that copy, whose tracer was published, by its mode, after this. */
    divak_store_relaxed(&enrolled[home], (void *)(uintptr_t)services);
    return home;
}

static const divak_home_services *services_here(uint32_t home) {
    return home > DIVAK_HOMES_MAX ? NULL : divak_load_relaxed(&enrolled[home]);
}

static const divak_first_copy kept_here = {
    .open = open_here,
    .close = close_here,
    .innermost = innermost_here,
    .current = current_here,
    .set_provider = set_provider_here,
    .make_mark = make_mark_here,
    .enroll = enroll_here,
    .services = services_here,
};

static bool meet(void *context, divak_copy *copy) {
    (void)context;
    /* Relaxed, like the store: both under the loader's lock, and it points to a constant. */
    first = divak_load_relaxed(&copy->shared);
    return first == NULL; /* that one has not come so far: this one is before it */
}

/* Before the code of its object runs, and under the loader's lock, so that of two copies one is first. */
static void find_first(void) __attribute__((constructor(101)));
static void find_first(void) {
    (void)divak_copies_visit(meet, NULL);
    if (first != NULL) {
        divak_system_pin_object_of(first); /* we call it from now on */
        divak_store_relaxed(&own_home, DIVAK_HOME_NONE);
        enum { KEYS = 4096 };
        _Static_assert((int)KEYS > (int)DIVAK_KEYS_MAX, "the keys of two copies are apart");
        divak_keys_before = divak_copies_salt() / KEYS * KEYS;
    }
    divak_store_relaxed(&divak_own_copy.shared, (void *)(uintptr_t)(first != NULL ? first : &kept_here));
}

void divak_home_enroll(const divak_home_services *services) {
    if (first != NULL) {
        divak_store_relaxed(&own_home, first->enroll(services));
    } else {
        divak_store_relaxed(&enrolled[0], (void *)(uintptr_t)services); /* see enroll_here */
    }
}

const divak_home_services *divak_home_of(const divak_span *span, divak_span *out_span) {
    uint32_t home = divak_home(span);
    if (home == 0) return NULL;
    if (home == DIVAK_HOME_FIRST) home = 0;
    *out_span = *span;
    out_span->tracer &= (1 << DIVAK_HOME_SHIFT) - 1; /* at home it is their own */
    return first != NULL ? first->services(home) : services_here(home);
}

/* Leaves a span what a parent needs. */
static void make_parent_only(divak_span *span) {
    span->local_root_id = 0; /* what starts under it is the first of its copy, with a time anchor of that */
    span->slot = 0;
    span->generation = 0;
    span->anchor = 0;
    span->flags &= DIVAK_SPAN_SAMPLED | DIVAK_SPAN_DECIDED | DIVAK_SPAN_DEBUG | DIVAK_SPAN_RANDOM | DIVAK_SPAN_NEW_ROOT;
}

/* A span as it is handed around, as this copy may use it. */
static inline void take_in(divak_span *span) {
    const uint32_t home = divak_home(span);
    if (__builtin_expect(home == divak_load_relaxed(&own_home), 1)) {
        span->tracer &= (1 << DIVAK_HOME_SHIFT) - 1;
        return;
    }
    make_parent_only(span);
    if (home == 0) span->tracer |= DIVAK_HOME_FIRST << DIVAK_HOME_SHIFT;
}

/* A span of this copy, as it is handed around. Only for a copy that was not first: there the two are the same. */
static divak_span give_out(const divak_span *span) {
    divak_span given = *span;
    uint32_t home = divak_home(span);
    if (home == 0) {
        home = divak_load_relaxed(&own_home);
        if (home == DIVAK_HOME_NONE) {
            make_parent_only(&given);
            given.baggage = 0;
        }
    } else if (home == DIVAK_HOME_FIRST) {
        home = 0;
    }
    given.tracer = (uint16_t)((given.tracer & ((1 << DIVAK_HOME_SHIFT) - 1)) | home << DIVAK_HOME_SHIFT);
    return given;
}

/* This copy's provider for the first one, which may be interrupted inside of the latter without knowing it. */
static int current_for_first(void *context, const uint64_t *scope_mark, divak_span *out_span) {
    const divak_current_provider *provider = context;
    if (divak_thread_is_inside(&divak_this_thread)) return DIVAK_ABSENT;
    int status = provider->current(provider->context, scope_mark, out_span);
    if (status == DIVAK_OK) *out_span = give_out(out_span);
    return status;
}

static uint64_t mark_for_first(void *context) {
    const divak_current_provider *provider = context;
    return divak_thread_is_inside(&divak_this_thread) ? 0 : provider->mark(provider->context);
}

/* ---- public --------------------------------------------------------------------------------------------------------- */

static inline bool may_ask_first(void) {
    return !divak_thread_is_inside(&divak_this_thread);
}

int divak_set_current_provider(const divak_current_provider *provider) {
    if (provider != NULL && provider->current == NULL) return DIVAK_ERROR_INVALID;
    if (first == NULL) return set_provider_here(provider);
    if (provider == NULL) return first->set_provider(NULL);
    divak_system_pin_object_of(&providers); /* they call us from now on */
    const divak_current_provider *kept = keep_provider(provider);
    if (kept == NULL) return DIVAK_ERROR_FULL;
    divak_current_provider for_first = {
        .current = current_for_first,
        .mark = provider->mark == NULL ? NULL : mark_for_first,
        .context = (void *)(uintptr_t)kept,
    };
    return first->set_provider(&for_first);
}

static divak_atomic_u64 refused_function; /* a divak_scope_refused */
static divak_atomic_pointer refused_context;

void divak_set_scope_refused(divak_scope_refused refused, void *context) {
    divak_store_relaxed(&refused_context, context);
    /* Pairs with the acquire in refuse_close: the context is there before the function is. */
    divak_store_release(&refused_function, (uint64_t)(uintptr_t)refused);
}

static __attribute__((noinline)) void refuse_close(uint64_t span_id, bool is_other_thread) {
    for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
        divak_tracer *tracer = &divak_tracers[i];
        uint32_t mode = divak_load_acquire(&tracer->mode);
        if (mode == DIVAK_TRACER_NONE || mode == DIVAK_TRACER_CLOSED) continue;
        divak_add_relaxed(&tracer->counters.scope_misuse, 1);
        break;
    }
    divak_scope_refused refused = (divak_scope_refused)(uintptr_t)divak_load_acquire(&refused_function);
    if (refused != NULL) refused(divak_load_relaxed(&refused_context), span_id, is_other_thread);
}

int divak_scope_open(const divak_span *span, divak_scope *out_scope) {
    if (out_scope == NULL) return DIVAK_ERROR_INVALID;
    if (__builtin_expect(first == NULL, 1)) {
        open_here(span, true, out_scope);
    } else {
        divak_span given = give_out(span == NULL ? &divak_no_parent : span);
        first->open(&given, may_ask_first(), out_scope);
    }
    return DIVAK_OK;
}

int divak_scope_close(divak_scope *scope) {
    if (scope == NULL) return DIVAK_ERROR_INVALID;
    bool is_other_thread;
    int status = __builtin_expect(first == NULL, 1) ? close_here(scope, &is_other_thread)
                                                    : first->close(scope, &is_other_thread);
    if (__builtin_expect(status != DIVAK_OK, 0)) refuse_close(scope->span_id, is_other_thread);
    return status;
}

bool divak_scope_innermost(divak_span *out_span, uint64_t *out_mark) {
    bool is_open = __builtin_expect(first == NULL, 1) ? innermost_here(out_span, out_mark)
                                                      : first->innermost(out_span, out_mark);
    if (is_open) take_in(out_span);
    return is_open;
}

int divak_current(divak_span *out_span) {
    if (out_span == NULL) return DIVAK_ERROR_INVALID;
    int status = __builtin_expect(first == NULL, 1) ? current_here(true, out_span)
                                                    : first->current(may_ask_first(), out_span);
    if (status == DIVAK_OK && (out_span->flags & DIVAK_SPAN_NEW_ROOT) == 0) {
        take_in(out_span);
        return DIVAK_OK;
    }
    *out_span = (divak_span){0};
    return DIVAK_ABSENT;
}

uint64_t divak_current_make_mark(void) {
    return __builtin_expect(first == NULL, 1) ? make_mark_here() : first->make_mark();
}
