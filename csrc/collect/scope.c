/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - the current span of a thread, and where else to ask for one. */
#include "divak/scope.h"

#include "base/atomics.h"
#include "collect/engine.h"

enum { PROVIDERS = 8 }; /* as often as anyone will ever change it; the last place is then written again */
static divak_current_provider providers[PROVIDERS];
static divak_atomic_u32 provider_count;
static divak_atomic_pointer current_provider; /* what must be seen as one is published as one pointer */

void divak_set_current_provider(const divak_current_provider *provider) {
    if (provider == NULL || provider->current == NULL) {
        divak_store_release(&current_provider, NULL);
        return;
    }
    uint32_t place = divak_add_relaxed(&provider_count, 1);
    divak_current_provider *chosen = &providers[place < PROVIDERS ? place : PROVIDERS - 1];
    *chosen = *provider;
    /* Pairs with the acquire in find_provider: the provider is whole before it is found. */
    divak_store_release(&current_provider, chosen);
}

static divak_atomic_u64 refused_function; /* a divak_scope_refused */
static divak_atomic_pointer refused_context;

void divak_set_scope_refused(divak_scope_refused refused, void *context) {
    divak_store_relaxed(&refused_context, context);
    /* Pairs with the acquire in divak_scope_close: the context is there before the function is. */
    divak_store_release(&refused_function, (uint64_t)(uintptr_t)refused);
}

/* The provider, if it may be asked now: not by itself, and not by a handler that interrupted Divak. */
static inline const divak_current_provider *find_provider(const divak_thread *thread) {
    if (divak_thread_is_inside(thread) || thread->is_asking_provider != 0) return NULL;
    return divak_load_acquire(&current_provider); /* see divak_set_current_provider */
}

static uint64_t ask_mark(divak_thread *thread) {
    const divak_current_provider *provider = find_provider(thread);
    if (provider == NULL || provider->mark == NULL) return 0;
    thread->is_asking_provider = 1;
    uint64_t mark = provider->mark(provider->context);
    thread->is_asking_provider = 0;
    return mark;
}

int divak_scope_open(const divak_span *span, divak_scope *out_scope) {
    if (out_scope == NULL) return DIVAK_ERROR_INVALID;
    divak_thread *thread = &divak_this_thread;
    const uint64_t mark = ask_mark(thread);
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
    return DIVAK_OK;
}

int divak_scope_close(divak_scope *scope) {
    if (scope == NULL) return DIVAK_ERROR_INVALID;
    divak_thread *thread = &divak_this_thread;
    if (!scope->is_open || scope->thread != (uint64_t)(uintptr_t)thread || scope->depth + 1 != thread->depth) {
        for (int i = 0; i < DIVAK_TRACERS_MAX; i++) {
            divak_tracer *tracer = &divak_tracers[i];
            uint32_t mode = divak_load_acquire(&tracer->mode);
            if (mode == DIVAK_TRACER_NONE || mode == DIVAK_TRACER_CLOSED) continue;
            divak_add_relaxed(&tracer->counters.scope_misuse, 1);
            break;
        }
        divak_scope_refused refused = (divak_scope_refused)(uintptr_t)divak_load_acquire(&refused_function);
        if (refused != NULL) {
            refused(divak_load_relaxed(&refused_context), scope->span_id, scope->thread != (uint64_t)(uintptr_t)thread);
        }
        return DIVAK_ERROR_ORDER;
    }
    thread->depth--;
    divak_signal_fence();
    thread->current = scope->previous;
    thread->mark = scope->previous_mark;
    scope->is_open = 0;
    return DIVAK_OK;
}

bool divak_scope_innermost(divak_span *out_span, uint64_t *out_mark) {
    const divak_thread *thread = &divak_this_thread;
    if (thread->depth == 0) return false;
    *out_span = thread->current;
    *out_mark = thread->mark;
    return true;
}

/* What the provider says beyond a mark; DIVAK_ABSENT also when it may not be asked. */
static int ask_provider(divak_thread *thread, const uint64_t *scope_mark, divak_span *out_span) {
    const divak_current_provider *provider = find_provider(thread);
    if (provider == NULL || (scope_mark != NULL && provider->mark == NULL)) return DIVAK_ABSENT;
    thread->is_asking_provider = 1;
    int status = provider->current(provider->context, scope_mark, out_span);
    thread->is_asking_provider = 0;
    return status;
}

int divak_current(divak_span *out_span) {
    if (out_span == NULL) return DIVAK_ERROR_INVALID;
    divak_thread *thread = &divak_this_thread;
    const bool has_scope = thread->depth != 0;
    int status = ask_provider(thread, has_scope ? &thread->mark : NULL, out_span);
    if (status != DIVAK_OK && has_scope) {
        *out_span = thread->current;
        status = DIVAK_OK;
    }
    if (status == DIVAK_OK && (out_span->flags & DIVAK_SPAN_NEW_ROOT) == 0) return DIVAK_OK;
    *out_span = (divak_span){0};
    return DIVAK_ABSENT;
}

uint64_t divak_current_make_mark(void) {
    enum { BLOCK = 1024 }; /* as many as a thread takes at once, so that threads seldom meet */
    static divak_atomic_u64 blocks;
    divak_thread *thread = &divak_this_thread;
    if (thread->next_mark % BLOCK == 0) thread->next_mark = divak_add_relaxed(&blocks, BLOCK) + 1;
    /* A handler of signals that comes in between takes the same number: it makes no current span. */
    return thread->next_mark++;
}
