/* SPDX-License-Identifier: Apache-2.0 */
/* count_calls.c - an interposed heap and a seccomp filter that report to counters of the thread. */
#include "count_calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

__thread bench_call_counts bench_calls __attribute__((tls_model("initial-exec"))) = {
    .last_other = -1};

/* ---- the heap ---- */

/* glibc's own names for what we stand in front of. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *malloc(size_t size) {
    bench_calls.allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    bench_calls.allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    bench_calls.allocations++;
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
    bench_calls.allocations++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    bench_calls.allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out_memory, size_t alignment, size_t size) {
    bench_calls.allocations++;
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *out_memory = memory;
    return 0;
}

void free(void *memory) {
    bench_calls.releases++;
    __libc_free(memory);
}

/* ---- the kernel ---- */

/* A system call from the one place that the filter lets pass: bench_call_end is the address
 * after its instruction, which is what the kernel gives to the filter. */
long bench_call(long number, long a, long b, long c, long d, long e, long f);
extern const char bench_call_end[];

#if defined(__x86_64__)
#define BENCH_ARCHITECTURE AUDIT_ARCH_X86_64
__asm__(".text\n"
        ".globl bench_call\n.globl bench_call_end\n"
        ".type bench_call, @function\n"
        "bench_call:\n"
        "    mov %rdi, %rax\n    mov %rsi, %rdi\n    mov %rdx, %rsi\n    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n    mov %r9, %r8\n    mov 8(%rsp), %r9\n"
        "    syscall\n"
        "bench_call_end:\n"
        "    ret\n"
        ".size bench_call, . - bench_call\n");
#elif defined(__aarch64__)
#define BENCH_ARCHITECTURE AUDIT_ARCH_AARCH64
__asm__(".text\n"
        ".globl bench_call\n.globl bench_call_end\n"
        ".type bench_call, %function\n"
        "bench_call:\n"
        "    mov x8, x0\n    mov x0, x1\n    mov x1, x2\n    mov x2, x3\n"
        "    mov x3, x4\n    mov x4, x5\n    mov x5, x6\n"
        "    svc #0\n"
        "bench_call_end:\n"
        "    ret\n"
        ".size bench_call, . - bench_call\n");
#endif

#ifdef BENCH_ARCHITECTURE

static void caught(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *state = context;
#if defined(__x86_64__)
    greg_t *r = state->uc_mcontext.gregs;
    long number = info->si_syscall;
    long a = r[REG_RDI], b = r[REG_RSI], c = r[REG_RDX], d = r[REG_R10], e = r[REG_R8],
         f = r[REG_R9];
#else
    unsigned long long *r = state->uc_mcontext.regs;
    long number = info->si_syscall;
    long a = (long)r[0], b = (long)r[1], c = (long)r[2], d = (long)r[3], e = (long)r[4],
         f = (long)r[5];
#endif
    int operation = (int)b & FUTEX_CMD_MASK;
    bench_calls.system_calls++;
    if (number == SYS_futex && (operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET)) {
        bench_calls.futex_wakes++;
    } else {
        bench_calls.last_other = number;
    }
    long result = bench_call(number, a, b, c, d, e, f);
#if defined(__x86_64__)
    r[REG_RAX] = result;
#else
    r[0] = (unsigned long long)result;
#endif
}

static int install_filter(void) {
    uint64_t door = (uint64_t)(uintptr_t)bench_call_end;
    uint32_t door_low = (uint32_t)door, door_high = (uint32_t)(door >> 32);
    enum {
        NUMBER = offsetof(struct seccomp_data, nr),
        ARCHITECTURE = offsetof(struct seccomp_data, arch),
        ADDRESS = offsetof(struct seccomp_data, instruction_pointer) /* both are little-endian */
    };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARCHITECTURE),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BENCH_ARCHITECTURE, 0, 7),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
        /* The end of the handler itself. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ADDRESS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, door_low, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ADDRESS + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, door_high, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSYS, &action, NULL) != 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int bench_count_calls(void) {
    if (install_filter() != 0) {
        perror("count_calls: no seccomp filter");
        return -1;
    }
    char *volatile first = strdup("the first allocation may ask the kernel for memory");
    free(first);
    /* One of each must be seen, or a count of none would mean nothing. */
    bench_call_counts before = bench_calls;
    uint32_t word = 0;
    char *volatile copy = strdup("counted"); /* volatile: not to be optimised away */
    free(copy);
    syscall(SYS_getppid);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    bench_call_counts seen = bench_calls;
    if (seen.allocations - before.allocations != 1 || seen.releases - before.releases != 1 ||
        seen.system_calls - before.system_calls != 2 ||
        seen.futex_wakes - before.futex_wakes != 1 || seen.last_other != SYS_getppid) {
        fputs("count_calls: the counters don't count here\n", stderr);
        return -1;
    }
    bench_calls.last_other = -1;
    return 0;
}

#else

int bench_count_calls(void) {
    fputs("count_calls: not on this architecture\n", stderr);
    return -1;
}

#endif
