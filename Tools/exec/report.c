/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the second half of `divak exec`: lives with the command, and delivers its span.
 *
 *     divak-report STATE exec [OPTION]... [--] COMMAND [ARGUMENT]...
 *
 * The ids that the command has in its environment were made in the first half; they come out of an
 * id generator here: three for a new trace (low, high, span), one for a child of the trace that the
 * environment names, which both halves read. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"

static exec_state state;
static unsigned ids_made;
static int ending_signal; /* of the child */

static uint64_t next_id(void *context) {
    (void)context;
    if (state.parent_id != 0) return state.span_id;
    const uint64_t ids[] = {state.trace_id_low, state.trace_id_high, state.span_id};
    return ids[ids_made < 2 ? ids_made++ : 2];
}

/* The first hook registered is the last to run: the span is delivered, or given up, by then. */
static void end_as_the_child_did(void) {
    if (ending_signal != 0) exec_die_by(ending_signal);
}

/* NULL when there can be none, which was said. */
static divak_tracer *make_tracer(const exec_options *options) {
    divak_config *config = exec_config(options);
    if (config == NULL) return NULL;
    divak_config_set_id_generator(config, next_id, NULL);
    divak_config_set_sampler(config, divak_sampler_always()); /* it was decided already */
    divak_config_set(config, "give_up_refused", "true"); /* a script may run hundreds of commands */
    divak_tracer *tracer;
    divak_tracer_create(config, &tracer);
    divak_config_destroy(config);
    return tracer;
}

/* Takes the numbers of standard files that are closed: what we say of trouble is not for whoever is
 * at the other end of a connection. Each the wrong way round, so that its use fails as before. */
static void claim_standard_files(void) {
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        if (fcntl(file, F_GETFD) != -1 || errno != EBADF) continue;
        (void)open("/dev/null", (file == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    }
}

static void describe(const divak_span *span, const exec_options *options) {
    const char *executable = strrchr(options->command[0], '/');
    executable = executable == NULL ? options->command[0] : executable + 1;
    divak_span_tag(span, "process.executable.name", 23, executable, strlen(executable));
    if (state.child != 0) divak_span_tag_int(span, "process.pid", 11, state.child);
    for (size_t i = 0; i < options->tag_count; i++) {
        const exec_tag *tag = &options->tags[i];
        divak_span_tag(span, tag->key, tag->key_length, tag->value, strlen(tag->value));
    }
}

/* What the end of the command says about it; returns our exit status. */
static int describe_end(const divak_span *span, int status) {
    char text[64];
    int code = exec_exit_status(status);
    if (WIFSIGNALED(status)) {
        ending_signal = WTERMSIG(status);
        const char *name = sigabbrev_np(ending_signal);
        if (name != NULL) snprintf(text, sizeof text, "killed by SIG%s", name);
        else snprintf(text, sizeof text, "killed by signal %d", ending_signal);
        divak_span_error(span, text, strlen(text));
        return code;
    }
    divak_span_tag_int(span, "process.exit.code", 17, code);
    if (code != 0) {
        snprintf(text, sizeof text, "exit status %d", code);
        divak_span_error(span, text, strlen(text));
    }
    return code;
}

static int describe_failure(const divak_span *span) {
    const char *text = strerror(state.error);
    divak_span_error(span, text, strlen(text));
    return state.error == ENOENT ? EXEC_NOT_FOUND : EXEC_CANNOT_RUN;
}

int main(int count, char **arguments) {
    exec_options options;
    if (count < 3 || !exec_state_read(arguments[1], &state)) {
        fprintf(stderr, "divak-report: a part of \"divak exec\", which see\n");
        return EXEC_USAGE;
    }
    if (!exec_options_read(count - 2, arguments + 2, &options)) return options.exit_status;
    claim_standard_files(); /* the command has them as they are: it runs already */
    atexit(end_as_the_child_did);
    exec_child_prepare();
    divak_tracer *tracer = make_tracer(&options);
    const char *name = exec_span_name(&options);
    const divak_start_options start = {
        .name = name,
        .name_length = strlen(name),
        .timestamp = state.timestamp,
    };
    divak_span span;
    divak_span_start_with(tracer, &start, &span);
    describe(&span, &options);
    int status = state.child == 0 ? describe_failure(&span)
                                  : describe_end(&span, exec_child_wait(state.child));
    divak_span_finish_with_duration(&span, (exec_monotonic_now() - state.monotonic) / 1000);
    exit(status); /* its hooks deliver the span within close_timeout */
}
