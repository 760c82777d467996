/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - a command that lives as if nobody stood between it and whoever started it.
 *
 * It stays in our process group, so that the terminal is its own and the terminal's signals reach
 * it directly. All signals are blocked here and taken one by one: those that the terminal has sent
 * to the whole group the child has too; those sent to us alone are passed on. When it stops we
 * stop, so that a shell sees a stopped job; `fg` wakes both. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"

static sigset_t mask_before; /* what the child is to have */
static sigset_t taken;       /* what we take one by one */

/* Both halves prepare; the second finds the mask as the first left it, and has no child to start. */
void exec_child_prepare(void) {
    sigfillset(&taken);
    /* Those that tell of our own mistakes go their usual way. */
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&taken, own[i]);
    sigprocmask(SIG_BLOCK, &taken, &mask_before);
    /* Where it is ignored children vanish with their status. */
    signal(SIGCHLD, SIG_DFL);
}

int exec_child_start(char **command, char **environment, pid_t *out_child) {
    posix_spawnattr_t attributes;
    int status = posix_spawnattr_init(&attributes);
    if (status != 0) return status;
    posix_spawnattr_setsigmask(&attributes, &mask_before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    status = posix_spawnp(out_child, command[0], NULL, &attributes, command, environment);
    posix_spawnattr_destroy(&attributes);
    return status;
}

/* What has become of the child; true when it is over. */
static bool look_after(pid_t child, int *status) {
    for (;;) {
        pid_t changed = waitpid(child, status, WNOHANG | WUNTRACED);
        if (changed < 0 && errno == EINTR) continue;
        if (changed <= 0) return changed < 0;
        if (!WIFSTOPPED(*status)) return true;
        /* The signal that stopped it must not be pending for us when we go on. */
        raise(SIGSTOP);
    }
}

/* Whether a signal went to the child as well. */
static bool is_for_both(pid_t child, const siginfo_t *info) {
    /* From the child itself: whoever signals its group does not mean to signal itself again. */
    if (info->si_code <= 0) return info->si_pid == child;
    /* From the kernel: keys and sizes of a terminal are told to the whole group, its going away to
     * the leader of the session alone; and nobody else has our alarm. */
    switch (info->si_signo) {
    case SIGALRM:
    case SIGVTALRM:
    case SIGPROF: return false;
    case SIGHUP:
    case SIGCONT: return getsid(0) != getpid();
    default: return true;
    }
}

int exec_child_wait(pid_t child) {
    int status = 0;
    while (!look_after(child, &status)) {
        siginfo_t info;
        if (sigwaitinfo(&taken, &info) < 0) continue;
        if (info.si_signo != SIGCHLD && !is_for_both(child, &info)) kill(child, info.si_signo);
    }
    return status;
}

int exec_exit_status(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void exec_die_by(int signal_number) {
    /* The dump, if there is one, is the child's. */
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(signal_number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal_number);
    raise(signal_number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}
