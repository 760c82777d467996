/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - the parts of `divak exec`, and what they say to one another.
 *
 *     divak exec ...       exec.c: options.c, a span, environment.c, child.c starts the command
 *         | execv          the same process goes on as another program, with the span's ids
 *     divak-report ...     report.c: child.c lives with the command; then the span is delivered
 *
 * The first half is small and quick; the second brings libcurl along while the command already
 * runs. */
#ifndef DIVAK_TOOLS_EXEC_H
#define DIVAK_TOOLS_EXEC_H

#include <divak/divak.h>
#include <sys/types.h>

enum {
    EXEC_TAGS_MAX = 64,
    /* As shells have it. */
    EXEC_USAGE = 2,
    EXEC_CANNOT_RUN = 126,
    EXEC_NOT_FOUND = 127
};

/* ---- options.c ------------------------------------------------------------------------------- */

typedef struct exec_tag {
    const char *key; /* not ended by 0 */
    size_t key_length;
    const char *value;
} exec_tag;

typedef struct exec_options {
    const char *name;    /* of the span; NULL: the command's */
    const char *service; /* NULL: DIVAK_SERVICE_NAME, or "shell" */
    exec_tag tags[EXEC_TAGS_MAX];
    size_t tag_count;
    char **command;      /* ended by NULL */
    int exit_status;     /* when there is nothing to run: of the help, or of the mistake */
} exec_options;

/* Reads the arguments; false when there is nothing to run, and everything has been said. */
bool exec_options_read(int count, char **arguments, exec_options *out_options);

/* ---- exec.c: all of it ----------------------------------------------------------------------- */

/* `divak exec ...`; the arguments begin with "exec". Returns the exit status of the command, or
 * ends as the command did. */
int divak_exec(int count, char **arguments);

/* ---- exec_config.c --------------------------------------------------------------------------- */

/* A configuration for the one span of a command, of either half; NULL: no memory. */
divak_config *exec_config(const exec_options *options);
const char *exec_span_name(const exec_options *options);

/* ---- state.c: what the second half has to know of the first -------------------------------------- */

typedef struct exec_state {
    pid_t child;                 /* 0: it could not be started */
    int error;                   /* why not */
    uint64_t timestamp;          /* of the start: microseconds since 1970 */
    uint64_t monotonic;          /* and nanoseconds of the clock that never steps */
    uint64_t trace_id_high, trace_id_low, span_id, parent_id;
} exec_state;

enum { EXEC_STATE_SIZE = 192 };

uint64_t exec_monotonic_now(void);
uint64_t exec_wall_now(void);
void exec_state_write(const exec_state *state, char out[EXEC_STATE_SIZE]);
bool exec_state_read(const char *text, exec_state *out);
/* Becomes another of our programs, found where this one is; returns, with errno, when it can't. */
void exec_other(const char *name, char **arguments);

/* ---- environment.c --------------------------------------------------------------------------- */

/* This process's environment with the span as TRACEPARENT, TRACESTATE, BAGGAGE and B3 in the place
 * of what they held; ended by NULL, to be freed by the end of the process. NULL: no memory. */
char **exec_environment(divak_tracer *tracer, const divak_span *span);

/* ---- child.c --------------------------------------------------------------------------------- */

/* Before any other thread is there: keeps signals for exec_child_wait. */
void exec_child_prepare(void);
/* Starts the command as it would be without us: same group, terminal, mask, ignored signals.
 * Returns 0, or an error number. */
int exec_child_start(char **command, char **environment, pid_t *out_child);
/* Lives with it: passes signals on, stops and goes on with it. Returns its wait status. */
int exec_child_wait(pid_t child);
/* Ends this process by the signal that ended the child; returns only when that can't be done. */
void exec_die_by(int signal);
/* As a shell has it: the exit status, or 128 and the signal. */
int exec_exit_status(int wait_status);

#endif
