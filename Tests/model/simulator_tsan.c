/* SPDX-License-Identifier: Apache-2.0 */
/* simulator_tsan.c - the functions that -fsanitize=thread makes the sources call, and the library's that touch memory. */
#include <string.h>

#include "simulator_state.h"

#define CALLER __builtin_return_address(0)

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}

/* ---- plain accesses -------------------------------------------------------------------------------------------------- */

#define ONE_PLAIN(name, size, is_write)                                                                               \
    void name(void *address);                                                                                         \
    void name(void *address) { sim_plain_access((uintptr_t)address, size, is_write, CALLER); }
#define PLAIN(size)                                                                                                   \
    ONE_PLAIN(__tsan_read##size, size, false)                                                                         \
    ONE_PLAIN(__tsan_write##size, size, true)                                                                         \
    ONE_PLAIN(__tsan_unaligned_read##size, size, false)                                                               \
    ONE_PLAIN(__tsan_unaligned_write##size, size, true)                                                               \
    ONE_PLAIN(__tsan_volatile_read##size, size, false)                                                                \
    ONE_PLAIN(__tsan_volatile_write##size, size, true)
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size) { sim_plain_access((uintptr_t)address, size, false, CALLER); }
void __tsan_write_range(void *address, size_t size) { sim_plain_access((uintptr_t)address, size, true, CALLER); }

/* See simulator_names.h. */
#define ONE_COPY(name, real)                                                                                          \
    void *name(void *to, const void *from, size_t size);                                                              \
    void *name(void *to, const void *from, size_t size) {                                                             \
        sim_plain_access((uintptr_t)from, size, false, CALLER);                                                       \
        sim_plain_access((uintptr_t)to, size, true, CALLER);                                                          \
        return real(to, from, size);                                                                                  \
    }
ONE_COPY(sim_memcpy, memcpy)
ONE_COPY(sim_memmove, memmove)

void *sim_memset(void *memory, int byte, size_t size);
void *sim_memset(void *memory, int byte, size_t size) {
    sim_plain_access((uintptr_t)memory, size, true, CALLER);
    return memset(memory, byte, size);
}

int sim_memcmp(const void *a, const void *b, size_t size);
int sim_memcmp(const void *a, const void *b, size_t size) {
    sim_plain_access((uintptr_t)a, size, false, CALLER);
    sim_plain_access((uintptr_t)b, size, false, CALLER);
    return memcmp(a, b, size);
}

/* ---- atomics --------------------------------------------------------------------------------------------------------- */

static uint64_t add(uint64_t before, uint64_t operand) { return before + operand; }
static uint64_t subtract(uint64_t before, uint64_t operand) { return before - operand; }
static uint64_t replace(uint64_t before, uint64_t operand) { (void)before; return operand; }
static uint64_t keep_bits(uint64_t before, uint64_t operand) { return before & operand; }
static uint64_t set_bits(uint64_t before, uint64_t operand) { return before | operand; }
static uint64_t flip_bits(uint64_t before, uint64_t operand) { return before ^ operand; }

#define ONE_MODIFY(bits, name, modify)                                                                                \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *word, uint##bits##_t operand, int order);    \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *word, uint##bits##_t operand, int order) {   \
        return (uint##bits##_t)sim_atomic_modify((uintptr_t)word, bits / 8, modify, operand, order, CALLER);          \
    }
#define ONE_EXCHANGE(bits, strength, is_weak)                                                                         \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *word, uint##bits##_t *expected,    \
                                                          uint##bits##_t desired, int order, int failure_order);     \
    int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *word, uint##bits##_t *expected,    \
                                                          uint##bits##_t desired, int order, int failure_order) {    \
        uint64_t wide = *expected;                                                                                    \
        bool done = sim_atomic_exchange_if((uintptr_t)word, bits / 8, &wide, desired, order, failure_order, is_weak,  \
                                           CALLER);                                                                   \
        *expected = (uint##bits##_t)wide;                                                                             \
        return done;                                                                                                  \
    }
#define ATOMICS(bits)                                                                                                 \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *word, int order);                        \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *word, int order) {                       \
        return (uint##bits##_t)sim_atomic_load((uintptr_t)word, bits / 8, order, CALLER);                             \
    }                                                                                                                 \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *word, uint##bits##_t value, int order);                 \
    void __tsan_atomic##bits##_store(volatile uint##bits##_t *word, uint##bits##_t value, int order) {                \
        sim_atomic_store((uintptr_t)word, bits / 8, value, order, CALLER);                                            \
    }                                                                                                                 \
    ONE_MODIFY(bits, exchange, replace)                                                                               \
    ONE_MODIFY(bits, fetch_add, add)                                                                                  \
    ONE_MODIFY(bits, fetch_sub, subtract)                                                                             \
    ONE_MODIFY(bits, fetch_and, keep_bits)                                                                            \
    ONE_MODIFY(bits, fetch_or, set_bits)                                                                              \
    ONE_MODIFY(bits, fetch_xor, flip_bits)                                                                            \
    ONE_EXCHANGE(bits, strong, false)                                                                                 \
    ONE_EXCHANGE(bits, weak, true)
ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_thread_fence(int order) { sim_fence(order); }
void __tsan_atomic_signal_fence(int order) {
    (void)order;
    sim_signal_fence();
}
