/* sampler_rules.c - asks the sampler of the first rule that matches the request. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     may override | kind    | method | path     | then
 *     -------------+---------+--------+----------+---------------------
 *                  |         |        | /health* | never
 *                  | SERVER  | POST   | /orders* | 100 a second
 *     yes          |         |        | /debug*  | always
 *     otherwise                                    a tenth
 *
 * A sampler that another one names takes no more rules. So none can come to name itself, and how
 * deep they lie is known when they are made: asking ends, on a small stack.
 */
#include "collect/sampler.h"

#include <string.h>

#include "base/memory.h"

void divak_sampler_name(divak_sampler *by, divak_sampler *named) {
    if (named->depth > 0) named->is_named = true; /* always and never are not written */
    if (by->depth <= named->depth) by->depth = named->depth + 1;
}

int divak_sampler_create_rules(divak_sampler *otherwise, divak_sampler **out_sampler) {
    if (out_sampler == NULL) return DIVAK_ERROR_INVALID;
    if (otherwise == NULL) otherwise = divak_sampler_never();
    if (otherwise->depth >= DIVAK_SAMPLER_DEPTH_MAX) return DIVAK_ERROR_INVALID;
    divak_sampler *sampler = divak_sampler_allocate(DIVAK_SAMPLER_RULES);
    if (sampler == NULL) return DIVAK_ERROR_MEMORY;
    divak_sampler_name(sampler, otherwise);
    sampler->rules.otherwise = otherwise;
    *out_sampler = sampler;
    return DIVAK_OK;
}

static size_t length_of(const char *text) {
    return text == NULL ? 0 : strlen(text);
}

/* Copies one text to *end, and moves *end behind it. */
static const char *copy_text(char **end, const char *text, size_t length) {
    if (text == NULL) return NULL;
    char *copy = *end;
    memcpy(copy, text, length + 1);
    *end += length + 1;
    return copy;
}

int divak_sampler_add_rule(divak_sampler *rules, const divak_rule *rule, divak_sampler *then) {
    if (rules == NULL || rule == NULL || then == NULL || then == rules) return DIVAK_ERROR_INVALID;
    if (rules->type != DIVAK_SAMPLER_RULES || rules->is_named) return DIVAK_ERROR_INVALID;
    if (then->depth >= DIVAK_SAMPLER_DEPTH_MAX) return DIVAK_ERROR_INVALID;
    divak_kind kind = rule->is_kind_set ? rule->kind : (divak_kind)DIVAK_ANY_KIND;
    if (kind > DIVAK_KIND_PERIODIC && kind != DIVAK_ANY_KIND) return DIVAK_ERROR_INVALID;
    if (rules->rules.count >= DIVAK_SAMPLER_RULES_MAX) return DIVAK_ERROR_FULL;

    divak_sampler_rule copy = {
        .name_length = length_of(rule->name),
        .method_length = length_of(rule->method),
        .path_prefix_length = length_of(rule->path_prefix),
        .route_length = length_of(rule->route),
        .kind = kind,
        .may_override = rule->may_override,
        .then = then,
    };
    copy.texts = divak_memory_allocate(copy.name_length + copy.method_length +
                                       copy.path_prefix_length + copy.route_length + 4);
    if (copy.texts == NULL) return DIVAK_ERROR_MEMORY;
    divak_sampler_rule *list =
        divak_memory_resize(rules->rules.list, (rules->rules.count + 1) * sizeof *list);
    if (list == NULL) {
        divak_memory_release(copy.texts);
        return DIVAK_ERROR_MEMORY;
    }
    char *end = copy.texts;
    copy.name = copy_text(&end, rule->name, copy.name_length);
    copy.method = copy_text(&end, rule->method, copy.method_length);
    copy.path_prefix = copy_text(&end, rule->path_prefix, copy.path_prefix_length);
    copy.route = copy_text(&end, rule->route, copy.route_length);
    list[rules->rules.count] = copy;
    rules->rules.list = list;
    rules->rules.count++;

    divak_sampler_name(rules, then);
    return DIVAK_OK;
}

/* What a rule names has to be known of the request, and begin as the rule says. */
static bool begins(const char *text, size_t length, const char *prefix, size_t prefix_length) {
    if (prefix == NULL) return true;
    if (text == NULL || length < prefix_length) return false;
    return memcmp(text, prefix, prefix_length) == 0;
}

static bool equals(const char *text, size_t length, const char *wanted, size_t wanted_length) {
    if (wanted == NULL) return true;
    return length == wanted_length && begins(text, length, wanted, wanted_length);
}

static bool matches(const divak_sampler_rule *rule, const divak_sampling_request *request) {
    if (rule->kind != DIVAK_ANY_KIND && rule->kind != request->kind) return false;
    return equals(request->name, request->name_length, rule->name, rule->name_length) &&
           equals(request->method, request->method_length, rule->method, rule->method_length) &&
           equals(request->route, request->route_length, rule->route, rule->route_length) &&
           begins(request->path, request->path_length, rule->path_prefix,
                  rule->path_prefix_length);
}

/* What the first rule says that matches and does not defer; DIVAK_DEFER where there is none. */
static divak_decision ask_rules(divak_sampler *sampler, const divak_sampling_request *request,
                                bool is_decided) {
    for (size_t i = 0; i < sampler->rules.count; i++) {
        const divak_sampler_rule *rule = &sampler->rules.list[i];
        if (is_decided && !rule->may_override) continue;
        if (!matches(rule, request)) continue;
        divak_decision decision = divak_sampler_decide(rule->then, request);
        if (decision != DIVAK_DEFER) return decision;
    }
    return DIVAK_DEFER;
}

divak_decision divak_sampler_decide_by_rules(divak_sampler *sampler,
                                             const divak_sampling_request *request) {
    divak_decision decision = ask_rules(sampler, request, false);
    return decision != DIVAK_DEFER ? decision
                                   : divak_sampler_decide(sampler->rules.otherwise, request);
}

/* Who is asked when this one has no answer; NULL: nobody. */
static divak_sampler *behind(const divak_sampler *sampler) {
    if (sampler->type == DIVAK_SAMPLER_RULES) return sampler->rules.otherwise;
    if (sampler->type == DIVAK_SAMPLER_OPERATIONS) return sampler->operations.otherwise;
    return NULL;
}

/* A rule that may override asks its sampler for a full answer: it has said what it has to. */
divak_decision divak_sampler_override(divak_sampler *sampler,
                                      const divak_sampling_request *request) {
    divak_decision decision = DIVAK_DEFER;
    for (; sampler != NULL && decision == DIVAK_DEFER; sampler = behind(sampler)) {
        if (sampler->type == DIVAK_SAMPLER_RULES) decision = ask_rules(sampler, request, true);
    }
    return decision;
}

bool divak_sampler_may_override(const divak_sampler *sampler) {
    for (; sampler != NULL; sampler = behind(sampler)) {
        size_t count = sampler->type == DIVAK_SAMPLER_RULES ? sampler->rules.count : 0;
        for (size_t i = 0; i < count; i++) {
            if (sampler->rules.list[i].may_override) return true;
        }
    }
    return false;
}

void divak_sampler_release_rules(divak_sampler *sampler) {
    for (size_t i = 0; i < sampler->rules.count; i++) {
        divak_memory_release(sampler->rules.list[i].texts);
    }
    divak_memory_release(sampler->rules.list);
}
