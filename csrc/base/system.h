/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - the operating system's calls that Divak needs, as the table in memory.h names them. */
#ifndef DIVAK_BASE_SYSTEM_H
#define DIVAK_BASE_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

void *divak_system_map(size_t size);
void divak_system_unmap(void *memory, size_t size);
int divak_system_wipe_on_fork(void *memory, size_t size);
int divak_system_barrier_everywhere(void);
int divak_system_random_bytes(void *memory, size_t size);

/* Tells the kernel that this process will use barrier_everywhere; without that it refuses. Harmless to repeat. */
void divak_system_prepare_barrier(void);
/* The id of the calling thread as the kernel has it; never 0. A system call: not for the hot path. */
uint32_t divak_system_thread_id(void);
/* Whether a thread of this process with that id exists. */
int divak_system_thread_exists(uint32_t thread_id);
/* The processor the caller runs on just now, a hint; 0 where that can't be known. */
unsigned divak_system_processor(void);
/* How many processors this process may use, at least 1. */
unsigned divak_system_processor_count(void);
/* Sleeps while *word == expected, until woken or for `nanoseconds`; may return early for no reason. */
void divak_system_sleep_on(const void *word, uint32_t expected, uint64_t nanoseconds);
/* Wakes one sleeper of `word`. Async-signal-safe. Only for threads of the same process. */
void divak_system_wake(const void *word);
/* The name of the running program without its folder, or "unknown"; `out` is always ended by 0. */
void divak_system_program_name(char *out, size_t capacity);
/* Pins the object that holds this code, so that dlclose never unmaps it. Harmless to repeat. */
void divak_system_pin_object(void);
/* The same with the object that holds an address. */
void divak_system_pin_object_of(const void *address);
/* Writes to standard error in one call, ignoring errors. */
void divak_system_write_error(const char *text, size_t length);
/* The first site-local or else first non-loopback IPv4 address of this host in network order, 0 when there is none. */
uint32_t divak_system_local_ipv4(void);
/* The same of these. */
struct ifaddrs;
uint32_t divak_system_choose_ipv4(const struct ifaddrs *all);

#endif
