/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - a bounded queue of byte frames from one writer thread to one reader thread.
 *
 *            tail                  head
 *     .......[frame][frame][frame].......          positions only grow; position & (capacity - 1) is the place
 *
 * A frame begins with its length in 4 bytes, is a multiple of 8 long and never wraps: where it would, the rest of the
 * storage is filled with a padding frame (DIVAK_RING_PADDING set in its length). The store of `head` is the commit:
 * whatever the writer does before it does not exist for the reader.
 */
#ifndef DIVAK_BASE_RING_H
#define DIVAK_BASE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/atomics.h"

enum {
    DIVAK_RING_SLACK = 64, /* bytes behind the storage, so that writers may copy in whole blocks */
    DIVAK_RING_LINE = 128  /* two cache lines: the processor fetches them in pairs */
};
#define DIVAK_RING_PADDING 0x80000000u

typedef struct divak_ring {
    /* The writer's line. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u64 head;
    uint64_t quick_until; /* up to this position there is room, without a wrap: nothing to look at */
    uint64_t mask;        /* capacity - 1 */
    uint8_t *storage;     /* capacity + DIVAK_RING_SLACK bytes */
    uint64_t tail_seen;   /* the tail when the writer last looked */
    uint64_t capacity;    /* a power of two */
    /* The reader's line. */
    _Alignas(DIVAK_RING_LINE) divak_atomic_u64 tail;
} divak_ring;

static inline void divak_ring_init(divak_ring *ring, uint8_t *storage, uint64_t capacity) {
    divak_store_relaxed(&ring->head, 0);
    divak_store_relaxed(&ring->tail, 0);
    ring->quick_until = 0;
    ring->tail_seen = 0;
    ring->storage = storage;
    ring->capacity = capacity;
    ring->mask = capacity - 1;
}

/* Writer: as divak_ring_reserve, where that has to look: at the reader's tail, at the end of the storage. Also marks where
 * it wants to look again: when the ring is half full, and from there on after half of the rest, again and again. */
uint8_t *divak_ring_reserve_slowly(divak_ring *ring, uint64_t size, uint64_t *out_end);

/* Writer: room for a frame of `size` bytes (a multiple of 8), or NULL when the ring is full. `out_end` is what to commit
 * once the frame is written. Up to DIVAK_RING_SLACK bytes behind the frame may be written over as well. */
static inline uint8_t *divak_ring_reserve(divak_ring *ring, uint64_t size, uint64_t *out_end) {
    uint64_t head = divak_load_relaxed(&ring->head); /* ours alone */
    if (__builtin_expect(head + size > ring->quick_until, 0)) return divak_ring_reserve_slowly(ring, size, out_end);
    *out_end = head + size;
    return ring->storage + (head & ring->mask);
}

/* Writer: publishes all up to `end`. */
static inline void divak_ring_commit(divak_ring *ring, uint64_t end) {
    /* Pairs with the acquire in divak_ring_peek: the reader that sees this head sees the frame's bytes. */
    divak_store_release(&ring->head, end);
}

/* Writer: bytes in use at most, by the tail last seen. */
static inline uint64_t divak_ring_used_at_most(const divak_ring *ring) {
    return divak_load_relaxed(&ring->head) - ring->tail_seen;
}

/* Reader: the position up to which frames may be read. */
static inline uint64_t divak_ring_peek(const divak_ring *ring) {
    return divak_load_acquire(&ring->head); /* see divak_ring_commit */
}

/* Reader: the frame at `position`, with its length without the padding mark; NULL and the length for padding. */
static inline const uint8_t *divak_ring_frame(const divak_ring *ring, uint64_t position, uint32_t *out_length) {
    const uint8_t *frame = ring->storage + (position & (ring->capacity - 1));
    uint32_t length;
    memcpy(&length, frame, sizeof length);
    *out_length = length & ~DIVAK_RING_PADDING;
    return (length & DIVAK_RING_PADDING) != 0 ? NULL : frame;
}

/* Reader: gives everything before `position` back to the writer. */
static inline void divak_ring_release(divak_ring *ring, uint64_t position) {
    /* Pairs with the acquire in divak_ring_reserve: our reads come before the writer's next writes there. */
    divak_store_release(&ring->tail, position);
}

#endif
