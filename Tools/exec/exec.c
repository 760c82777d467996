/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - the first half of `divak exec`: from the arguments to a command that runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"

/* A tracer that makes ids and decides, and sends nothing; NULL when there can be none, which was
 * said, and is no reason not to run. */
static divak_tracer *make_tracer(const exec_options *options) {
    divak_config *config = exec_config(options);
    if (config == NULL || divak_config_add_null_reporter(config) != DIVAK_OK) return NULL;
    divak_tracer *tracer;
    divak_tracer_create(config, &tracer);
    divak_config_destroy(config);
    return tracer;
}

/* Without a report: the span is not sampled, or there is nobody to report it. */
static int just_wait(const exec_state *state) {
    if (state->child == 0) return state->error == ENOENT ? EXEC_NOT_FOUND : EXEC_CANNOT_RUN;
    int status = exec_child_wait(state->child);
    if (WIFSIGNALED(status)) exec_die_by(WTERMSIG(status));
    return exec_exit_status(status);
}

static void hand_over(const exec_state *state, int count, char **arguments) {
    char text[EXEC_STATE_SIZE];
    exec_state_write(state, text);
    char **handed = calloc((size_t)count + 3, sizeof *handed);
    if (handed != NULL) {
        handed[0] = (char[]){"divak-report"};
        handed[1] = text;
        memcpy(handed + 2, arguments, (size_t)count * sizeof *handed);
        exec_other("divak-report", handed);
    }
    fprintf(stderr, "divak exec: divak-report: %s; the command runs, its span is lost\n", strerror(errno));
}

int divak_exec(int count, char **arguments) {
    exec_options options;
    if (!exec_options_read(count, arguments, &options)) return options.exit_status;
    exec_child_prepare();
    divak_tracer *tracer = make_tracer(&options);
    const char *name = exec_span_name(&options);
    exec_state state = {.timestamp = exec_wall_now() / 1000, .monotonic = exec_monotonic_now()};
    divak_span span;
    divak_span_start(tracer, name, strlen(name), DIVAK_KIND_LOCAL, NULL, &span);
    extern char **environ;
    char **environment = tracer == NULL ? environ : exec_environment(tracer, &span);
    state.error = environment == NULL
                      ? ENOMEM
                      : exec_child_start(options.command, environment, &state.child);
    if (state.error != 0) {
        state.child = 0;
        fprintf(stderr, "divak exec: %s: %s\n", options.command[0], strerror(state.error));
    }
    if (divak_span_is_sampled(&span)) {
        state.trace_id_high = span.trace_id_high;
        state.trace_id_low = span.trace_id_low;
        state.span_id = span.span_id;
        state.parent_id = span.parent_id;
        hand_over(&state, count, arguments);
    }
    return just_wait(&state);
}
