/* SPDX-License-Identifier: Apache-2.0 */
/* current_test.c - this program's static copy of the library, and the shared one beside it: one current span. */
#include "collect/current.h"

#include <dlfcn.h>
#include <sys/wait.h>

#include "base/copies.h"
#include "base/memory.h"
#include "collect/engine.h"
#include "tracing.h"

/* The functions of the other copy. They have other addresses than those that are linked. */
static struct other {
    __typeof__(divak_config_create_without_environment) *config_create_without_environment;
    __typeof__(divak_config_set) *config_set;
    __typeof__(divak_config_add_memory_reporter) *config_add_memory_reporter;
    __typeof__(divak_config_destroy) *config_destroy;
    __typeof__(divak_tracer_create) *tracer_create;
    __typeof__(divak_tracer_stats) *tracer_stats;
    __typeof__(divak_span_start_recorded) *span_start_recorded;
    __typeof__(divak_span_tag_recorded) *span_tag_recorded;
    __typeof__(divak_span_finish_recorded) *span_finish_recorded;
    __typeof__(divak_span_abandon) *span_abandon;
    __typeof__(divak_span_baggage) *span_baggage;
    __typeof__(divak_span_set_baggage) *span_set_baggage;
    __typeof__(divak_scope_open) *scope_open;
    __typeof__(divak_scope_close) *scope_close;
    __typeof__(divak_scope_innermost) *scope_innermost;
    __typeof__(divak_current) *current;
    __typeof__(divak_current_make_mark) *current_make_mark;
    __typeof__(divak_set_current_provider) *set_current_provider;
    divak_tracer *tracer;
} other;

static void load_function(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}

#define LOAD(name) load_function(library, "divak_" #name, &other.name)

static void load_other(void) {
    if (other.tracer != NULL) return;
    void *library = dlopen(DIVAK_SHARED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    if (library == NULL) {
        printf("  %s\n", dlerror());
        exit(1);
    }
    LOAD(config_create_without_environment);
    LOAD(config_set);
    LOAD(config_add_memory_reporter);
    LOAD(config_destroy);
    LOAD(tracer_create);
    LOAD(tracer_stats);
    LOAD(span_start_recorded);
    LOAD(span_tag_recorded);
    LOAD(span_finish_recorded);
    LOAD(span_abandon);
    LOAD(span_baggage);
    LOAD(span_set_baggage);
    LOAD(scope_open);
    LOAD(scope_close);
    LOAD(scope_innermost);
    LOAD(current);
    LOAD(current_make_mark);
    LOAD(set_current_provider);
    CHECK(other.current != divak_current);
    divak_config *config = other.config_create_without_environment();
    static divak_memory_reporter *reporter; /* for as long as the process lives */
    CHECK_INT(DIVAK_OK, other.config_set(config, "log", "off"));
    CHECK_INT(DIVAK_OK, other.config_set(config, "buffer_bytes", "8MiB"));
    CHECK_INT(DIVAK_OK, other.config_set(config, "baggage_fields", "tenant"));
    CHECK_INT(DIVAK_OK, other.config_add_memory_reporter(config, &reporter));
    CHECK_INT(DIVAK_OK, other.tracer_create(config, &other.tracer));
    other.config_destroy(config);
}

/* A span of the other copy, under what is current there. */
static divak_span start_there(const char *name) {
    divak_span span;
    CHECK_INT(DIVAK_OK, other.span_start_recorded(other.tracer, name, strlen(name), DIVAK_KIND_LOCAL, NULL, &span));
    return span;
}

static void begin(tracing *t) {
    load_other();
    tracing_begin(t);
    CHECK_INT(DIVAK_OK, divak_config_set(t->config, "baggage_fields", "tenant,-secret"));
    tracing_start(t);
}

static bool is_child(const divak_span *child, const divak_span *parent) {
    return child->parent_id == parent->span_id && child->trace_id_low == parent->trace_id_low &&
           child->trace_id_high == parent->trace_id_high && child->span_id != parent->span_id;
}

TEST(what_one_copy_makes_current_is_the_parent_in_the_other) {
    tracing t;
    begin(&t);
    divak_span a = tracing_span(t.tracer, "a", NULL);
    divak_scope in_a, in_b, in_c;
    divak_scope_open(&a, &in_a);
    divak_span b = start_there("b");
    CHECK(is_child(&b, &a));
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    divak_span c = tracing_span(t.tracer, "c", NULL), found;
    CHECK(is_child(&c, &b));
    divak_scope_open(&c, &in_c);
    divak_span d = start_there("d");
    CHECK(is_child(&d, &c));
    CHECK_INT(DIVAK_OK, divak_scope_close(&in_c));
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, divak_current(&found));
    CHECK(memcmp(&found, &a, sizeof a) == 0); /* its own comes back as it was */
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    CHECK_INT(DIVAK_OK, other.current(&found));
    CHECK(memcmp(&found, &b, sizeof b) == 0);
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, divak_scope_close(&in_a));
    CHECK_INT(DIVAK_ABSENT, other.current(&found));
    divak_span e = start_there("e");
    CHECK_INT(0, e.parent_id);
    const divak_span *theirs[] = {&b, &d, &e}, *ours[] = {&a, &c};
    for (int i = 0; i < 3; i++) CHECK_INT(DIVAK_OK, other.span_finish_recorded(theirs[i]));
    for (int i = 0; i < 2; i++) CHECK_INT(DIVAK_OK, divak_span_finish(ours[i]));
    tracing_end(&t);
}

TEST(a_span_of_another_copy_can_be_a_parent_and_nothing_else) {
    tracing t;
    begin(&t);
    divak_span b = start_there("b"), found;
    divak_scope in_b, again;
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    CHECK_INT(DIVAK_OK, divak_current(&found));
    CHECK(found.span_id == b.span_id && found.trace_id_low == b.trace_id_low);
    CHECK(divak_span_is_sampled(&found) && !divak_span_is_recording(&found) && !divak_span_is_open(&found));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_tag(&found, "k", 1, "v", 1));
    CHECK_INT(DIVAK_ERROR_NOT_RECORDING, divak_span_finish(&found));
    CHECK_INT(DIVAK_ERROR_STALE, divak_span_set_baggage(&found, "tenant", 6, "v", 1));
    /* Carried on as the current span of this copy it is the same parent to both. */
    CHECK_INT(DIVAK_OK, divak_scope_open(&found, &again));
    divak_span c = start_there("c"), d = tracing_span(t.tracer, "d", NULL);
    CHECK(is_child(&c, &b) && is_child(&d, &b));
    CHECK_INT(DIVAK_OK, divak_scope_close(&again));
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, divak_span_finish(&d));
    CHECK_INT(DIVAK_OK, other.span_finish_recorded(&c));
    CHECK_INT(DIVAK_OK, other.span_finish_recorded(&b));
    tracing_end(&t);
}

TEST(a_cleared_scope_and_an_unsampled_span_are_the_other_copys_too) {
    tracing t;
    begin(&t);
    divak_span a = tracing_span(t.tracer, "a", NULL), found;
    divak_span unsampled = {.trace_id_low = 7, .span_id = 8, .flags = DIVAK_SPAN_DECIDED};
    divak_scope in_a, cleared;
    divak_scope_open(&a, &in_a);
    CHECK_INT(DIVAK_OK, other.scope_open(NULL, &cleared));
    CHECK_INT(DIVAK_ABSENT, divak_current(&found));
    uint64_t mark;
    CHECK(divak_scope_innermost(&found, &mark) && (found.flags & DIVAK_SPAN_NEW_ROOT) != 0);
    divak_span root = tracing_span(t.tracer, "root", &found);
    CHECK_INT(0, root.parent_id);
    CHECK_INT(DIVAK_OK, other.scope_close(&cleared));
    CHECK_INT(DIVAK_OK, divak_scope_close(&in_a));

    divak_scope_open(&unsampled, &in_a);
    divak_span b = start_there("b");
    CHECK(!divak_span_is_sampled(&b) && b.slot == 0 && b.trace_id_low == 7 && b.span_id == 8);
    CHECK_INT(DIVAK_OK, divak_scope_close(&in_a));
    CHECK_INT(DIVAK_OK, other.scope_open(&unsampled, &in_a));
    divak_span c = tracing_span(t.tracer, "c", NULL);
    CHECK(!divak_span_is_sampled(&c) && c.slot == 0 && c.trace_id_low == 7 && c.span_id == 8);
    CHECK_INT(DIVAK_OK, other.scope_close(&in_a));
    divak_span_finish(&a);
    divak_span_finish(&root);
    tracing_end(&t);
}

typedef struct provided {
    divak_span span;
    uint64_t mark;
    int asked;
} provided;

static int provide(void *context, const uint64_t *scope_mark, divak_span *out_span) {
    provided *p = context;
    p->asked++;
    if (scope_mark != NULL && p->mark == *scope_mark) return DIVAK_ABSENT;
    *out_span = p->span;
    return DIVAK_OK;
}

static uint64_t give_mark(void *context) {
    return ((provided *)context)->mark;
}

/* With the provider of either copy, asked by either. */
static void check_provider(__typeof__(divak_set_current_provider) *set, const divak_span *span, divak_thread *inside) {
    provided p = {.span = *span, .mark = 5};
    divak_span found;
    divak_scope here, there;
    set(&(divak_current_provider){.current = provide, .mark = give_mark, .context = &p});
    CHECK(divak_current(&found) == DIVAK_OK && found.span_id == span->span_id);
    CHECK(other.current(&found) == DIVAK_OK && found.span_id == span->span_id);
    CHECK_INT(2, p.asked);
    CHECK_INT(DIVAK_OK, divak_scope_open(NULL, &here));
    CHECK_INT(DIVAK_ABSENT, other.current(&found)); /* the provider's was there before */
    p.mark = 6;
    CHECK(other.current(&found) == DIVAK_OK && found.span_id == span->span_id);
    CHECK_INT(DIVAK_OK, other.scope_open(NULL, &there));
    CHECK_INT(DIVAK_ABSENT, divak_current(&found));
    CHECK_INT(DIVAK_OK, other.scope_close(&there));
    CHECK_INT(DIVAK_OK, divak_scope_close(&here));
    /* As a handler of signals that interrupted this copy would find it. */
    const int asked = p.asked;
    const uint64_t gate = inside->gate;
    inside->gate = DIVAK_GATE_INSIDE;
    CHECK_INT(DIVAK_ABSENT, divak_current(&found));
    CHECK_INT(DIVAK_ABSENT, other.current(&found));
    inside->gate = gate;
    CHECK_INT(asked, p.asked);
    set(&(divak_current_provider){.current = provide, .context = &p});
    CHECK_INT(DIVAK_OK, divak_scope_open(NULL, &here));
    CHECK_INT(DIVAK_ABSENT, other.current(&found)); /* without marks a scope hides it */
    CHECK_INT(DIVAK_OK, divak_scope_close(&here));
    set(NULL);
    CHECK_INT(DIVAK_ABSENT, divak_current(&found));
    CHECK_INT(DIVAK_ABSENT, other.current(&found));
}

TEST(the_provider_of_either_copy_is_asked_by_both) {
    tracing t;
    begin(&t);
    divak_span a = tracing_span(t.tracer, "a", NULL), b = start_there("b");
    check_provider(divak_set_current_provider, &a, &divak_this_thread);
    check_provider(other.set_current_provider, &b, &divak_this_thread);
    CHECK_INT(DIVAK_OK, divak_span_finish(&a));
    CHECK_INT(DIVAK_OK, other.span_finish_recorded(&b));
    tracing_end(&t);
}

TEST(a_scope_closed_wrongly_is_counted_by_the_copy_that_was_asked) {
    tracing t;
    begin(&t);
    divak_stats there;
    divak_scope outer, inner;
    CHECK_INT(DIVAK_OK, other.tracer_stats(other.tracer, 0, &there));
    const uint64_t before = there.scope_misuse;
    CHECK_INT(DIVAK_OK, divak_scope_open(NULL, &outer));
    CHECK_INT(DIVAK_OK, other.scope_open(NULL, &inner));
    CHECK_INT(DIVAK_ERROR_ORDER, divak_scope_close(&outer));
    CHECK_INT(DIVAK_OK, other.scope_close(&inner));
    CHECK_INT(DIVAK_ERROR_ORDER, other.scope_close(&inner));
    CHECK_INT(DIVAK_ERROR_ORDER, other.scope_close(&inner));
    CHECK_INT(DIVAK_OK, divak_scope_close(&outer));
    CHECK_INT(DIVAK_OK, other.tracer_stats(other.tracer, 0, &there));
    CHECK_INT(2, there.scope_misuse - before);
    CHECK_INT(1, tracing_stats(t.tracer).scope_misuse);
    tracing_end(&t);
}

TEST(marks_of_two_copies_differ) {
    load_other();
    uint64_t last = 0;
    for (int i = 0; i < 5000; i++) {
        uint64_t here = divak_current_make_mark(), there = other.current_make_mark();
        CHECK(here > last && there > here);
        last = there;
    }
}

TEST(baggage_goes_to_the_other_copy_and_is_let_go_of) {
    tracing t;
    begin(&t);
    char value[16];
    size_t length;
    for (int i = 0; i < 3 * DIVAK_BAGGAGE_ENTRIES; i++) {
        divak_span a = tracing_span(t.tracer, "a", NULL), found;
        divak_scope in_a, in_b;
        CHECK_INT(DIVAK_OK, divak_span_set_baggage(&a, "tenant", 6, "acme", 4));
        CHECK_INT(DIVAK_OK, divak_span_set_baggage(&a, "secret", 6, "here", 4));
        divak_scope_open(&a, &in_a);
        CHECK_INT(DIVAK_OK, other.current(&found));
        CHECK_INT(DIVAK_OK, other.span_baggage(&found, "tenant", 6, value, sizeof value, &length));
        CHECK_TEXT("acme", value, length);
        divak_span b = start_there("b");
        CHECK_INT(DIVAK_OK, other.span_baggage(&b, "tenant", 6, value, sizeof value, &length));
        CHECK_TEXT("acme", value, length);
        CHECK_INT(DIVAK_ABSENT, other.span_baggage(&b, "secret", 6, value, sizeof value, &length));
        CHECK_INT(DIVAK_OK, other.span_set_baggage(&b, "tenant", 6, "umbrella", 8));
        CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
        divak_span c = tracing_span(t.tracer, "c", NULL);
        CHECK_INT(DIVAK_OK, divak_span_baggage(&c, "tenant", 6, value, sizeof value, &length));
        CHECK_TEXT("umbrella", value, length);
        CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
        CHECK_INT(DIVAK_OK, divak_scope_close(&in_a));
        /* Rings would be full. */
        CHECK_INT(DIVAK_OK, divak_span_abandon(&c));
        CHECK_INT(DIVAK_OK, other.span_abandon(&b));
        CHECK_INT(DIVAK_OK, divak_span_abandon(&a));
    }
    CHECK_INT(0, tracing_stats(t.tracer).baggage_dropped);
    divak_stats there;
    CHECK_INT(DIVAK_OK, other.tracer_stats(other.tracer, 0, &there));
    CHECK_INT(0, there.baggage_dropped);
    tracing_end(&t);
}

static size_t make_request_id(void *context, char *out, size_t room) {
    CHECK(room >= 4);
    ++*(int *)context;
    memcpy(out, "made", 4);
    return 4;
}

TEST(under_a_span_of_the_other_copy_no_request_id_is_made_for_no_request_came) {
    tracing t;
    int made = 0;
    load_other();
    tracing_begin(&t);
    CHECK_INT(DIVAK_OK, divak_config_set(t.config, "baggage_fields", "tenant"));
    CHECK_INT(DIVAK_OK, divak_config_set_request_id_generator(t.config, make_request_id, &made));
    tracing_start(&t);
    char value[16];
    size_t length;
    divak_span b = start_there("b"), found;
    divak_scope in_b;
    CHECK_INT(DIVAK_OK, other.span_set_baggage(&b, "tenant", 6, "acme", 4));
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    divak_span c = tracing_span(t.tracer, "c", NULL);
    CHECK_INT(DIVAK_OK, divak_span_baggage(&c, "tenant", 6, value, sizeof value, &length));
    CHECK_TEXT("acme", value, length);
    CHECK_INT(DIVAK_ABSENT, divak_span_baggage(&c, "request-id", 10, value, sizeof value, &length));
    divak_header_block block;
    CHECK_INT(DIVAK_OK, divak_current(&found));
    CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &found, &block));
    CHECK_INT(0, made);
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, divak_span_finish(&c));
    CHECK_INT(DIVAK_OK, other.span_abandon(&b));
    tracing_end(&t);
}

static _Thread_local bool has_no_memory;

static void *allocate(size_t size) {
    return has_no_memory ? NULL : malloc(size);
}

TEST(without_memory_for_what_the_other_copys_span_carries_its_child_starts_without_and_that_is_counted) {
    tracing t;
    void *(*before)(size_t size) = divak_system.allocate;
    divak_system.allocate = allocate;
    begin(&t);
    char value[16];
    size_t length;
    divak_span b = start_there("b");
    divak_scope in_b;
    CHECK_INT(DIVAK_OK, other.span_set_baggage(&b, "tenant", 6, "acme", 4));
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    has_no_memory = true;
    divak_span c = tracing_span(t.tracer, "c", NULL);
    has_no_memory = false;
    CHECK(is_child(&c, &b));
    CHECK_INT(DIVAK_ABSENT, divak_span_baggage(&c, "tenant", 6, value, sizeof value, &length));
    CHECK_INT(1, tracing_stats(t.tracer).baggage_dropped);
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, divak_span_finish(&c));
    CHECK_INT(DIVAK_OK, other.span_abandon(&b));
    tracing_end(&t);
    divak_system.allocate = before;
}

TEST(a_forked_child_goes_on_under_what_the_other_copy_made_current) {
    tracing t;
    begin(&t);
    divak_span b = start_there("b");
    divak_scope in_b;
    CHECK_INT(DIVAK_OK, other.scope_open(&b, &in_b));
    pid_t child = fork();
    if (child == 0) {
        divak_span c = tracing_span(t.tracer, "c", NULL), d = start_there("d");
        bool holds = is_child(&c, &b) && is_child(&d, &b) && divak_span_finish(&c) == DIVAK_OK &&
                     other.span_finish_recorded(&d) == DIVAK_OK && other.scope_close(&in_b) == DIVAK_OK &&
                     other.span_finish_recorded(&b) == DIVAK_ERROR_STALE;
        _exit(holds ? 0 : 1);
    }
    int status;
    CHECK_INT(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_INT(DIVAK_OK, other.scope_close(&in_b));
    CHECK_INT(DIVAK_OK, other.span_finish_recorded(&b));
    tracing_end(&t);
}

static bool note_copy(void *context, divak_copy *copy) {
    *(divak_copy **)context = copy;
    return true;
}

TEST(the_other_copy_is_found_and_says_who_is_first) {
    load_other();
    divak_copy *found = NULL;
    CHECK_INT(0, divak_copies_visit(note_copy, &found));
    CHECK(found != NULL && found != &divak_own_copy);
    if (found != NULL) CHECK(divak_load_relaxed(&found->shared) == divak_load_relaxed(&divak_own_copy.shared));
}

TEST(forged_spans_of_copies_that_do_not_exist_are_borne) {
    tracing t;
    begin(&t);
    char value[16];
    size_t length;
    for (uint32_t home = 1; home <= DIVAK_HOME_FIRST; home++) {
        divak_span forged = {.trace_id_low = 7, .span_id = UINT64_MAX, .flags = DIVAK_SPAN_DECIDED | DIVAK_SPAN_SAMPLED,
                             .baggage = 9, .baggage_generation = 10,
                             .tracer = (uint16_t)(home << DIVAK_HOME_SHIFT | (home & 15))};
        CHECK_INT(DIVAK_ABSENT, divak_span_baggage(&forged, "tenant", 6, value, sizeof value, &length));
        divak_header_block block;
        CHECK_INT(DIVAK_OK, divak_inject_headers(t.tracer, &forged, &block));
        divak_span child = tracing_span(t.tracer, "child", &forged);
        CHECK(is_child(&child, &forged));
        CHECK_INT(0, child.baggage);
        divak_span_abandon(&child);
        divak_span_release(&forged);
    }
    tracing_end(&t);
}

CHECK_MAIN()
