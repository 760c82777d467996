/* SPDX-License-Identifier: Apache-2.0 */
/* thread_locals_test.c - in a program with large thread-locals, which the C library takes from the stacks of its threads. */
#include <unistd.h>

#include "base/atomics.h"
#include "base/thread.h"
#include "check.h"
#include "divak/divak.h"

enum { STACK = 256 * 1024, USED = 192 * 1024 };

static _Thread_local volatile char large[400 * 1024];
static divak_atomic_u32 is_through;

static void *use_the_stack(void *context) {
    volatile char local[USED];
    (void)context;
    for (size_t i = 0; i < sizeof local; i += 1024) local[i] = 1;
    large[sizeof large - 1] = local[0];
    divak_store_release(&is_through, large[sizeof large - 1]);
    return NULL;
}

TEST(a_thread_has_the_stack_that_was_asked_for_beside_the_programs_thread_locals) {
    CHECK_INT(0, divak_thread_start_detached(use_the_stack, NULL, "divak-test", STACK));
    for (int i = 0; i < 10000 && divak_load_acquire(&is_through) == 0; i++) usleep(1000);
    CHECK_INT(1, divak_load_acquire(&is_through));
}

TEST(a_tracer_can_be_made_in_such_a_program) {
    divak_config *config = divak_config_create_without_environment();
    divak_tracer *tracer = NULL;
    CHECK_INT(DIVAK_OK, divak_config_add_null_reporter(config));
    CHECK_INT(DIVAK_OK, divak_tracer_create(config, &tracer));
    CHECK_TEXT("", divak_config_error(config), strlen(divak_config_error(config)));
    divak_config_destroy(config);
    divak_span span;
    divak_span_start(tracer, "op", 2, DIVAK_KIND_LOCAL, NULL, &span);
    CHECK_INT(DIVAK_OK, divak_span_finish(&span));
    CHECK_INT(DIVAK_OK, divak_tracer_shutdown(tracer, 20000, NULL));
}

CHECK_MAIN()
