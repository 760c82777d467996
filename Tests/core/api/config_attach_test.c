/* config_attach_test.c - handlers, reporters and samplers reach the settings as they were given. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/configs.h"

static bool keep(void *context, divak_ended_span *span) {
    (void)context, (void)span;
    return true;
}

static uint64_t make_number(void *context) {
    return *(uint64_t *)context;
}

static int send_nowhere(void *context, const char *body, size_t length, size_t span_count) {
    (void)context, (void)body, (void)length, (void)span_count;
    return DIVAK_OK;
}

TEST(sixteen_handlers_are_kept_in_order_and_no_more) {
    divak_config *config = fresh();
    divak_settings all;
    char contexts[DIVAK_CONFIG_HANDLERS_MAX];
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_handler(config, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_handler(config, &(divak_handler){.end = NULL}));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_handler(NULL, &(divak_handler){.end = keep}));
    for (int i = 0; i < DIVAK_CONFIG_HANDLERS_MAX; i++) {
        divak_handler handler = {.end = keep, .context = &contexts[i], .wants_unsampled = i == 3};
        CHECK_INT(DIVAK_OK, divak_config_add_handler(config, &handler));
    }
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_handler(config, &(divak_handler){.end = keep}));
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
    CHECK_INT(DIVAK_CONFIG_HANDLERS_MAX, all.handler_count);
    for (int i = 0; i < DIVAK_CONFIG_HANDLERS_MAX; i++) {
        CHECK(all.handlers[i].context == &contexts[i] && all.handlers[i].end == keep);
        CHECK_INT(i == 3, all.handlers[i].wants_unsampled);
    }
    divak_settings_deinit(&all);
    divak_config_destroy(config);
}

TEST(reporters_of_all_kinds_are_kept_in_order_in_place_of_the_usual_one) {
    divak_config *config = fresh();
    divak_settings all;
    divak_memory_reporter *memory = NULL;
    CHECK_INT(DIVAK_OK, divak_config_set(config, "endpoint", "one:1"));
    CHECK_INT(DIVAK_OK, divak_config_add_memory_reporter(config, &memory));
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(config, NULL));
    CHECK_INT(DIVAK_OK, divak_config_add_zipkin_reporter(config, "https://me:pw@two"));
    CHECK_INT(DIVAK_OK, divak_config_add_console_reporter(config, 2));
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
    CHECK_INT(DIVAK_OK, divak_config_add_callback_reporter(config, send_nowhere, config));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "endpoint", "three:3")); /* NULL: as it ends up */
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
    CHECK_INT(6, all.reporter_count);
    const divak_reporter_spec *specs = all.reporters;
    CHECK(specs[0].kind == DIVAK_REPORTER_MEMORY && specs[0].memory == memory && memory != NULL);
    CHECK_INT(DIVAK_REPORTER_ZIPKIN, specs[1].kind);
    CHECK_TEXT("http://three:3/api/v2/spans", specs[1].endpoint, strlen(specs[1].endpoint));
    CHECK_TEXT("https://me:pw@two:443/api/v2/spans", specs[2].endpoint, strlen(specs[2].endpoint));
    CHECK_TEXT("https://two:443", specs[2].endpoint_display, strlen(specs[2].endpoint_display));
    CHECK(specs[3].kind == DIVAK_REPORTER_CONSOLE && specs[3].file_descriptor == 2);
    CHECK_INT(DIVAK_REPORTER_NULL, specs[4].kind);
    CHECK(specs[5].kind == DIVAK_REPORTER_CALLBACK && specs[5].send == send_nowhere &&
          specs[5].context == config);
    divak_config_destroy(config);
    divak_settings_deinit(&all);
    divak_memory_reporter_destroy(memory);
}

TEST(bad_reporters_are_refused_and_sixteen_are_all) {
    divak_config *config = fresh();
    divak_memory_reporter *memory = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_zipkin_reporter(config, "gate"));
    const char *error = divak_config_error(config);
    CHECK(strncmp(error, "endpoint: \"gate\" is not accepted: the port is missing", 53) == 0);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_zipkin_reporter(config, ""));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_console_reporter(config, -1));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_callback_reporter(config, NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_memory_reporter(config, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_null_reporter(NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_add_zipkin_reporter(NULL, NULL));
    for (int i = 0; i < DIVAK_CONFIG_REPORTERS_MAX; i++) {
        CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
    }
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_null_reporter(config));
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_zipkin_reporter(config, "a:1"));
    CHECK_INT(DIVAK_ERROR_FULL, divak_config_add_memory_reporter(config, &memory));
    CHECK(memory == NULL);
    divak_config_destroy(config);
}

static size_t make_text(void *context, char *out, size_t room) {
    (void)context;
    memcpy(out, "made", 4 < room ? 4 : room);
    return 4;
}

TEST(sampler_ids_and_clock_are_handed_on_and_taken_back_with_null) {
    divak_config *config = fresh();
    divak_settings all;
    uint64_t number = 7;
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(config, divak_sampler_never()));
    CHECK_INT(DIVAK_OK, divak_config_set_id_generator(config, make_number, &number));
    CHECK_INT(DIVAK_OK, divak_config_set_clock(config, make_number, &number));
    CHECK_INT(DIVAK_OK, divak_config_set_request_id_generator(config, make_text, &number));
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
    CHECK(all.sampler == divak_sampler_never());
    CHECK(all.make_id == make_number && all.make_id_context == &number);
    CHECK(all.read_clock == make_number && all.read_clock_context == &number);
    divak_propagation propagation;
    CHECK_INT(DIVAK_OK, divak_settings_propagation(&all, &propagation));
    CHECK(propagation.make_request_id == make_text);
    CHECK(propagation.make_request_id_context == &number);
    divak_settings_deinit(&all);
    CHECK_INT(DIVAK_OK, divak_config_set_sampler(config, NULL));
    CHECK_INT(DIVAK_OK, divak_config_set_clock(config, NULL, NULL));
    CHECK_INT(DIVAK_OK, divak_config_set_request_id_generator(config, NULL, NULL));
    CHECK_INT(DIVAK_OK, divak_config_resolve(config, &all));
    CHECK(all.sampler == NULL && all.read_clock == NULL && all.make_request_id == NULL);
    divak_settings_deinit(&all);
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set_sampler(NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set_clock(NULL, NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set_id_generator(NULL, NULL, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set_request_id_generator(NULL, NULL, NULL));
    divak_config_destroy(config);
}

CHECK_MAIN()
