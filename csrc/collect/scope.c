/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - the current span of a thread, and where else to ask for one. */
#include "divak/scope.h"

#include "base/atomics.h"
#include "collect/engine.h"

/* Function and context change together: two words that a reader must see as a pair are published as one pointer. */
typedef struct provider {
    divak_current_provider provide;
    void *context;
} provider;

enum { PROVIDERS = 8 }; /* as often as anyone will ever change it; the last place is then written again */
static provider providers[PROVIDERS];
static divak_atomic_u32 provider_count;
static divak_atomic_pointer current_provider;

void divak_set_current_provider(divak_current_provider provide, void *context) {
    if (provide == NULL) {
        divak_store_release(&current_provider, NULL);
        return;
    }
    uint32_t place = divak_add_relaxed(&provider_count, 1);
    provider *chosen = &providers[place < PROVIDERS ? place : PROVIDERS - 1];
    *chosen = (provider){.provide = provide, .context = context};
    /* Pairs with the acquire in divak_current: the pair is whole before it is found. */
    divak_store_release(&current_provider, chosen);
}

static divak_atomic_u64 refused_function; /* a divak_scope_refused */
static divak_atomic_pointer refused_context;

void divak_set_scope_refused(divak_scope_refused refused, void *context) {
    divak_store_relaxed(&refused_context, context);
    /* Pairs with the acquire in divak_scope_close: the context is there before the function is. */
    divak_store_release(&refused_function, (uint64_t)(uintptr_t)refused);
}

int divak_scope_open(const divak_span *span, divak_scope *out_scope) {
    if (out_scope == NULL) return DIVAK_ERROR_INVALID;
    divak_thread *thread = &divak_this_thread;
    *out_scope = (divak_scope){
        .previous = thread->current,
        .span_id = span == NULL ? 0 : span->span_id,
        .thread = (uint64_t)(uintptr_t)thread,
        .depth = thread->depth,
        .is_open = 1,
    };
    thread->current = span == NULL ? divak_no_parent : *span;
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
    scope->is_open = 0;
    return DIVAK_OK;
}

int divak_current(divak_span *out_span) {
    if (out_span == NULL) return DIVAK_ERROR_INVALID;
    divak_thread *thread = &divak_this_thread;
    if (thread->depth != 0) {
        *out_span = thread->current;
        if ((out_span->flags & DIVAK_SPAN_NEW_ROOT) != 0) {
            *out_span = (divak_span){0};
            return DIVAK_ABSENT;
        }
        return DIVAK_OK;
    }
    provider *asked = divak_load_acquire(&current_provider); /* see divak_set_current_provider */
    if (asked != NULL && !divak_thread_is_inside(thread) && thread->is_asking_provider == 0) {
        thread->is_asking_provider = 1;
        int status = asked->provide(asked->context, out_span);
        thread->is_asking_provider = 0;
        if (status == DIVAK_OK) return DIVAK_OK;
    }
    *out_span = (divak_span){0};
    return DIVAK_ABSENT;
}
