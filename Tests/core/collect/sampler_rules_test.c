/* sampler_rules_test.c - the first rule that matches decides; upstream may be overridden. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sampler.h"

#include <string.h>

#include "collect/asking.h"
#include "base/clock.h"

static divak_sampler *rules(divak_sampler *otherwise) {
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(otherwise, &sampler));
    return sampler;
}

#define REQUEST(field, text)                                                                       \
    &(divak_sampling_request) {                                                                    \
        .field = (text), .field##_length = sizeof(text) - 1                                        \
    }

TEST(each_part_of_a_rule_has_to_match_and_what_is_not_known_does_not) {
    static const divak_rule parts[] = {
        {.name = "get"}, {.method = "GET"}, {.path_prefix = "/health"}, {.route = "/users/{id}"}};
    for (size_t i = 0; i < 4; i++) {
        divak_sampler *sampler = rules(NULL);
        CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &parts[i], divak_sampler_always()));
        CHECK_INT(i == 0, divak_sampler_ask(sampler, REQUEST(name, "get")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(name, "get ")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(name, "ge")));
        CHECK_INT(i == 1, divak_sampler_ask(sampler, REQUEST(method, "GET")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(method, "get")));
        CHECK_INT(i == 2, divak_sampler_ask(sampler, REQUEST(path, "/health")));
        CHECK_INT(i == 2, divak_sampler_ask(sampler, REQUEST(path, "/health/live")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(path, "/healt")));
        CHECK_INT(i == 3, divak_sampler_ask(sampler, REQUEST(route, "/users/{id}")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(route, "/users/{id}/x")));
        CHECK_INT(DIVAK_DROP, ask(sampler));
        divak_sampler_destroy(sampler);
    }
}

TEST(a_rule_on_a_kind_matches_that_kind_and_any_kind_matches_all) {
    for (uint32_t kind = 0; kind <= DIVAK_KIND_PERIODIC; kind++) {
        divak_sampler *sampler = rules(NULL), *any = rules(NULL);
        divak_rule rule = {.is_kind_set = 1, .kind = kind}, all = {1, .kind = DIVAK_ANY_KIND};
        CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &rule, divak_sampler_always()));
        CHECK_INT(DIVAK_OK, divak_sampler_add_rule(any, &all, divak_sampler_always()));
        for (uint32_t asked = 0; asked <= DIVAK_KIND_PERIODIC; asked++) {
            divak_sampling_request request = {.kind = asked};
            CHECK_INT(asked == kind, divak_sampler_ask(sampler, &request));
            CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(any, &request));
        }
        divak_sampler_destroy(sampler);
        divak_sampler_destroy(any);
    }
}

static uint64_t read_stopped_clock(void) {
    return 7;
}

TEST(the_first_rule_that_matches_and_does_not_defer_decides) {
    divak_sampler *foo = NULL, *defer = NULL, *sampler = rules(divak_sampler_always());
    divak_clock_calls clock = divak_clock;
    divak_clock.monotonic_now = read_stopped_clock;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rate(2, &foo));
    divak_decision said = DIVAK_DEFER;
    CHECK_INT(DIVAK_OK, divak_sampler_create_custom(answer, &said, &defer));
    char path[] = "/favicon";
    divak_rule favicon = {.path_prefix = path}, slow = {.path_prefix = "/foo"}, any = {0};
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &any, defer));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &favicon, divak_sampler_never()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &slow, foo));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &slow, divak_sampler_always()));
    memset(path, 'x', strlen(path)); /* the rule has a copy */
    CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(path, "/favicon.ico")));
    CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(sampler, REQUEST(path, "/foo")));
    CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(sampler, REQUEST(path, "/foo")));
    CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(path, "/foo")));
    CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(sampler, REQUEST(path, "/bar")));
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(defer);
    divak_sampler_destroy(foo);
    divak_clock = clock;
}

/* A declared rate for each operation. */
TEST(operations_by_name_have_samplers_of_their_own) {
    divak_sampler *sampler = rules(divak_sampler_never());
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &(divak_rule){.name = "a"},
                                               divak_sampler_always()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &(divak_rule){.name = "b"},
                                               divak_sampler_never()));
    for (int i = 0; i < 100; i++) {
        CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(sampler, REQUEST(name, "a")));
        CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, REQUEST(name, "b")));
    }
    divak_sampler_destroy(sampler);
}

TEST(upstreams_decision_stands_unless_a_rule_may_override) {
    divak_sampler *inner = rules(divak_sampler_always());
    divak_rule debug = {.path_prefix = "/debug", .may_override = true};
    divak_rule health = {.path_prefix = "/h"};
    CHECK(!divak_sampler_may_override(inner));
    CHECK(!divak_sampler_may_override(NULL) && !divak_sampler_may_override(divak_sampler_always()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(inner, &debug, divak_sampler_never()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(inner, &health, divak_sampler_never()));
    divak_sampler *outer = rules(inner);
    CHECK(divak_sampler_may_override(inner) && divak_sampler_may_override(outer));

    divak_span decided = {.flags = DIVAK_SPAN_DECIDED}, open = {.flags = DIVAK_SPAN_REMOTE};
    static const struct {
        const char *path;
        divak_decision when_decided, when_open;
    } cases[] = {{"/debug", DIVAK_DROP, DIVAK_DROP},
                 {"/h", DIVAK_DEFER, DIVAK_DROP},
                 {"/", DIVAK_DEFER, DIVAK_SAMPLE}};
    for (size_t i = 0; i < 3; i++) {
        divak_sampling_request request = {.path = cases[i].path,
                                          .path_length = strlen(cases[i].path)};
        CHECK_INT(cases[i].when_open, divak_sampler_ask(outer, &request));
        request.parent = &open;
        CHECK_INT(cases[i].when_open, divak_sampler_ask(outer, &request));
        request.parent = &decided;
        CHECK_INT(cases[i].when_decided, divak_sampler_ask(outer, &request));
    }
    divak_sampler_destroy(outer);
    divak_sampler_destroy(inner);
}

TEST(rules_never_form_a_circle_and_are_only_so_deep_and_so_many) {
    divak_sampler *sampler = rules(NULL), *other = rules(NULL);
    divak_rule any = {0};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(sampler, &any, sampler));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &any, other));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(other, &any, sampler));
    for (int i = 1; i < DIVAK_SAMPLER_RULES_MAX; i++) {
        CHECK_INT(DIVAK_OK, divak_sampler_add_rule(sampler, &any, divak_sampler_never()));
    }
    CHECK_INT(DIVAK_ERROR_FULL, divak_sampler_add_rule(sampler, &any, divak_sampler_never()));
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(other);

    divak_sampler *chain[DIVAK_SAMPLER_DEPTH_MAX], *behind = divak_sampler_always();
    for (int i = 0; i < DIVAK_SAMPLER_DEPTH_MAX; i++) behind = chain[i] = rules(behind);
    CHECK_INT(DIVAK_SAMPLE, ask(behind));
    divak_sampler *last = NULL, *beside = rules(NULL);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rules(behind, &last));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(beside, &any, behind));
    divak_sampler_destroy(beside);
    for (int i = 0; i < DIVAK_SAMPLER_DEPTH_MAX; i++) divak_sampler_destroy(chain[i]);
}

TEST(bad_rules_are_refused) {
    divak_sampler *sampler = rules(NULL), *always = divak_sampler_always();
    divak_rule any = {0}, bad_kind = {.is_kind_set = 1, .kind = 6};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(sampler, &bad_kind, always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(sampler, &any, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(sampler, NULL, always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(NULL, &any, always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(always, &any, sampler));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rules(NULL, NULL));
    divak_sampler_destroy(sampler);
}

CHECK_MAIN()
