/* sampler_operations_test.c - each operation has a sampler of its own, however many there are. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/sampler.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "collect/asking.h"

static divak_sampler *operations(divak_sampler *otherwise) {
    divak_sampler *sampler = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_operations(otherwise, &sampler));
    return sampler;
}

static divak_decision ask_name(divak_sampler *sampler, const char *name) {
    return divak_sampler_ask(
        sampler, &(divak_sampling_request){.name = name, .name_length = strlen(name)});
}

enum { NAME_SIZE = 32 };
static const char *name_of(int number, char out[NAME_SIZE]) {
    snprintf(out, NAME_SIZE, "get /things/%d", number);
    return out;
}

TEST(each_of_four_thousand_operations_is_asked_for_itself_and_one_more_is_refused) {
    divak_sampler *sampler = operations(NULL), *drop = probability(0);
    char name[NAME_SIZE];
    for (int i = 0; i < DIVAK_SAMPLER_OPERATIONS_MAX; i++) {
        divak_sampler *then = i % 3 == 0 ? divak_sampler_always() : drop;
        CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, name_of(i, name), then));
    }
    CHECK_INT(DIVAK_ERROR_FULL, divak_sampler_add_operation(sampler, "more", drop));
    for (int i = 0; i < DIVAK_SAMPLER_OPERATIONS_MAX; i++) {
        CHECK_INT(i % 3 == 0 ? DIVAK_SAMPLE : DIVAK_DROP, ask_name(sampler, name_of(i, name)));
    }
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(drop);
}

TEST(an_operation_keeps_its_own_count) {
    divak_sampler *sampler = operations(divak_sampler_never()), *first = NULL, *second = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_counting(10, &first));
    CHECK_INT(DIVAK_OK, divak_sampler_create_counting(90, &second));
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "a", first));
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "b", second));
    int a = 0, b = 0;
    for (int i = 0; i < 100; i++) {
        a += ask_name(sampler, "a") == DIVAK_SAMPLE;
        b += ask_name(sampler, "b") == DIVAK_SAMPLE;
    }
    CHECK_INT(10, a);
    CHECK_INT(90, b);
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(first);
    divak_sampler_destroy(second);
}

TEST(other_names_no_name_and_those_whose_sampler_defers_are_left_to_the_one_behind) {
    divak_sampler *defer = NULL, *none = operations(divak_sampler_always());
    divak_decision said = DIVAK_DEFER;
    CHECK_INT(DIVAK_SAMPLE, ask_name(none, "any"));
    CHECK_INT(DIVAK_OK, divak_sampler_create_custom(answer, &said, &defer));
    divak_sampler *sampler = operations(divak_sampler_always());
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "no", divak_sampler_never()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "", divak_sampler_never()));
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "open", defer));
    CHECK_INT(DIVAK_DROP, ask_name(sampler, "no"));
    CHECK_INT(DIVAK_DROP, ask_name(sampler, ""));
    CHECK_INT(DIVAK_SAMPLE, ask_name(sampler, "open"));
    CHECK_INT(DIVAK_SAMPLE, ask_name(sampler, "NO"));
    CHECK_INT(DIVAK_SAMPLE, ask_name(sampler, "no "));
    CHECK_INT(DIVAK_SAMPLE, ask(sampler));
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(none);
    divak_sampler_destroy(defer);
}

TEST(upstreams_decision_stands_but_for_rules_behind_that_may_override) {
    divak_sampler *rules = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(divak_sampler_always(), &rules));
    divak_sampler *plain = operations(divak_sampler_always());
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(plain, "a", divak_sampler_always()));
    CHECK(!divak_sampler_may_override(plain));
    divak_rule debug = {.path_prefix = "/debug", .may_override = true};
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(rules, &debug, divak_sampler_never()));
    divak_sampler *sampler = operations(rules);
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "a", divak_sampler_always()));
    CHECK(divak_sampler_may_override(sampler));

    divak_span decided = {.flags = DIVAK_SPAN_DECIDED};
    divak_sampling_request request = {.name = "a", .name_length = 1, .parent = &decided};
    CHECK_INT(DIVAK_DEFER, divak_sampler_ask(plain, &request));
    CHECK_INT(DIVAK_DEFER, divak_sampler_ask(sampler, &request));
    request.path = "/debug";
    request.path_length = 6;
    CHECK_INT(DIVAK_DROP, divak_sampler_ask(sampler, &request));
    request.parent = NULL; /* a new trace: the operation comes before the rules behind it */
    CHECK_INT(DIVAK_SAMPLE, divak_sampler_ask(sampler, &request));
    divak_sampler_destroy(sampler);
    divak_sampler_destroy(plain);
    divak_sampler_destroy(rules);
}

TEST(operations_and_rules_never_form_a_circle_and_are_only_so_deep) {
    divak_sampler *one = operations(NULL), *other = operations(NULL), *rules = NULL;
    CHECK_INT(DIVAK_OK, divak_sampler_create_rules(NULL, &rules));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(one, "a", one));
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(one, "a", other));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(other, "a", one));
    CHECK_INT(DIVAK_OK, divak_sampler_add_rule(rules, &(divak_rule){0}, one));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(one, "b", rules));
    divak_sampler_destroy(rules);
    divak_sampler_destroy(one);
    divak_sampler_destroy(other);

    divak_sampler *chain[DIVAK_SAMPLER_DEPTH_MAX], *behind = divak_sampler_always();
    for (int i = 0; i < DIVAK_SAMPLER_DEPTH_MAX; i++) behind = chain[i] = operations(behind);
    CHECK_INT(DIVAK_SAMPLE, ask(behind));
    divak_sampler *last = NULL, *beside = operations(NULL);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_operations(behind, &last));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_rules(behind, &last));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(beside, "a", behind));
    divak_sampler_destroy(beside);
    for (int i = 0; i < DIVAK_SAMPLER_DEPTH_MAX; i++) divak_sampler_destroy(chain[i]);
}

TEST(bad_operations_are_refused) {
    divak_sampler *sampler = operations(NULL), *always = divak_sampler_always();
    CHECK_INT(DIVAK_OK, divak_sampler_add_operation(sampler, "a", always));
    divak_sampler *never = divak_sampler_never();
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(sampler, "a", never));
    CHECK_INT(DIVAK_SAMPLE, ask_name(sampler, "a"));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(sampler, NULL, always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(sampler, "b", NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(NULL, "b", always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_operation(always, "b", sampler));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_add_rule(sampler, &(divak_rule){0}, always));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_sampler_create_operations(NULL, NULL));
    divak_sampler_destroy(sampler);
}

static int allocations_left;

static void *allocate_a_few(size_t size) {
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

TEST(without_memory_nothing_is_added_and_nothing_lost) {
    divak_system_calls system = divak_system;
    int failures = 0;
    for (int left = 0; left < 100; left++) {
        divak_sampler *sampler = NULL;
        char name[NAME_SIZE];
        divak_system.allocate = allocate_a_few;
        allocations_left = left;
        int status = divak_sampler_create_operations(NULL, &sampler), added = 0;
        while (status == DIVAK_OK && added < 40) {
            status = divak_sampler_add_operation(sampler, name_of(added, name),
                                                 divak_sampler_always());
            added += status == DIVAK_OK;
        }
        divak_system = system;
        CHECK_INT(sampler == NULL || added < 40 ? DIVAK_ERROR_MEMORY : DIVAK_OK, status);
        failures += status != DIVAK_OK;
        for (int i = 0; sampler != NULL && i < 40; i++) {
            CHECK_INT(i < added ? DIVAK_SAMPLE : DIVAK_DROP, ask_name(sampler, name_of(i, name)));
        }
        divak_sampler_destroy(sampler);
    }
    /* The sampler, a copy for each of 40 names, tables of 16, 32, 64 and 128 places. */
    CHECK_INT(45, failures);
}

CHECK_MAIN()
