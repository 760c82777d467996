/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - one program hands on to another what it has begun: the child, the clock, the ids. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exec.h"

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t exec_monotonic_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t exec_wall_now(void) {
    return read_clock(CLOCK_REALTIME);
}

void exec_state_write(const exec_state *state, char out[EXEC_STATE_SIZE]) {
    snprintf(out, EXEC_STATE_SIZE,
             "%d:%d:%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64,
             (int)state->child, state->error, state->timestamp, state->monotonic,
             state->trace_id_high, state->trace_id_low, state->span_id, state->parent_id);
}

bool exec_state_read(const char *text, exec_state *out) {
    int child;
    int count = sscanf(text, "%d:%d:%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64,
                       &child, &out->error, &out->timestamp, &out->monotonic, &out->trace_id_high,
                       &out->trace_id_low, &out->span_id, &out->parent_id);
    out->child = child;
    return count == 8;
}

void exec_other(const char *name, char **arguments) {
    /* Seen from this one: installed, and as built. */
    static const char *const folders[] = {"../libexec/divak/", ""};
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) slash[1] = '\0';
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s%s%s", self, folders[i], name);
        execv(path, arguments);
        if (errno != ENOENT && errno != ENOTDIR) return;
    }
}
