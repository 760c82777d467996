/* SPDX-License-Identifier: Apache-2.0 */
/* system.c - the operating system's calls; what Linux has and others have not is decided here. */
#include "base/system.h"

#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/random.h>
#include <sys/syscall.h>
#else
#include <fcntl.h>
#include <stdlib.h>
#endif

#include "base/clock.h"

void *divak_system_map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void divak_system_unmap(void *memory, size_t size) {
    munmap(memory, size);
}

int divak_system_wipe_on_fork(void *memory, size_t size) {
#if defined(MADV_WIPEONFORK)
    return madvise(memory, size, MADV_WIPEONFORK);
#else
    (void)memory;
    (void)size;
    return -1;
#endif
}

void divak_system_prepare_barrier(void) {
#if defined(__linux__)
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
#endif
}

int divak_system_barrier_everywhere(void) {
#if defined(__linux__)
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ? 0 : -1;
#else
    return -1;
#endif
}

int divak_system_random_bytes(void *memory, size_t size) {
#if defined(__linux__)
    uint8_t *at = memory;
    while (size != 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return -1;
        at += got;
        size -= (size_t)got;
    }
#else
    arc4random_buf(memory, size);
#endif
    return 0;
}

uint32_t divak_system_thread_id(void) {
#if defined(__linux__)
    return (uint32_t)syscall(SYS_gettid);
#else
    static _Thread_local char mark;
    return (uint32_t)((uintptr_t)&mark >> 4) | 1;
#endif
}

int divak_system_thread_exists(uint32_t thread_id) {
#if defined(__linux__)
    /* Signal 0 asks without sending. */
    return syscall(SYS_tgkill, getpid(), (int)thread_id, 0) == 0 || errno != ESRCH;
#else
    (void)thread_id;
    return 1;
#endif
}

unsigned divak_system_processor(void) {
#if defined(__linux__)
    int processor = sched_getcpu();
    return processor < 0 ? 0 : (unsigned)processor;
#else
    return 0;
#endif
}

unsigned divak_system_processor_count(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

void divak_system_sleep_on(const void *word, uint32_t expected, uint64_t nanoseconds) {
#if defined(__linux__)
    /* The kernel's own layout of a relative time-out. */
    struct {
        long seconds;
        long nanoseconds;
    } limit = {(long)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &limit, NULL, 0);
#else
    (void)word;
    (void)expected;
    /* No futex: a short nap; the caller looks again. */
    usleep((useconds_t)(nanoseconds > 1000000u ? 1000u : nanoseconds / 1000u));
#endif
}

void divak_system_wake(const void *word) {
#if defined(__linux__)
    int before = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = before;
#else
    (void)word;
#endif
}

void divak_system_program_name(char *out, size_t capacity) {
    const char *name = NULL;
#if defined(__linux__)
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        char *slash = strrchr(path, '/');
        name = slash == NULL ? path : slash + 1;
    }
#else
    name = getprogname();
#endif
    if (name == NULL || *name == 0) name = "unknown";
    size_t kept = strlen(name) < capacity ? strlen(name) : capacity - 1;
    memcpy(out, name, kept);
    out[kept] = 0;
}

void divak_system_pin_object_of(const void *address) {
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) return;
    /* Never closed: the object stays mapped for as long as the process lives. */
#if defined(RTLD_NODELETE)
    (void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

void divak_system_pin_object(void) {
    static const char inside = 0;
    divak_system_pin_object_of(&inside);
}

void divak_system_write_error(const char *text, size_t length) {
    int before = errno;
    while (length != 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text += written;
        length -= (size_t)written;
    }
    errno = before;
}

static bool ipv4_is_site_local(uint32_t host_order) {
    return host_order >> 24 == 10 || host_order >> 20 == (172u << 4 | 1u) ||
           host_order >> 16 == (192u << 8 | 168u);
}

uint32_t divak_system_choose_ipv4(const struct ifaddrs *all) {
    uint32_t found = 0;
    bool found_site_local = false;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET) continue;
        struct sockaddr_in address;
        memcpy(&address, one->ifa_addr, sizeof address);
        uint32_t host_order = ntohl(address.sin_addr.s_addr);
        if (host_order >> 24 == 127 || host_order == 0) continue;
        bool site_local = ipv4_is_site_local(host_order);
        if (found != 0 && (found_site_local || !site_local)) continue;
        found = address.sin_addr.s_addr;
        found_site_local = site_local;
    }
    return found;
}

uint32_t divak_system_local_ipv4(void) {
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) return 0;
    uint32_t found = divak_system_choose_ipv4(all);
    freeifaddrs(all);
    return found;
}
