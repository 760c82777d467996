/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c - the writer's look around; see ring.h. */
#include "base/ring.h"

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint8_t *divak_ring_reserve_slowly(divak_ring *ring, uint64_t size, uint64_t *out_end) {
    uint64_t head = divak_load_relaxed(&ring->head); /* ours alone */
    uint64_t offset = head & ring->mask;
    uint64_t padding = offset + size > ring->capacity ? ring->capacity - offset : 0;
    /* Pairs with the release in divak_ring_release: once we see the reader's new tail, the reader is done with the bytes
     * behind it, and we may write over them. */
    ring->tail_seen = divak_load_acquire(&ring->tail);
    uint64_t limit = ring->tail_seen + ring->capacity - DIVAK_RING_SLACK;
    if (head + padding + size > limit) {
        ring->quick_until = 0;
        return NULL;
    }
    if (padding != 0) {
        uint32_t frame = (uint32_t)padding | DIVAK_RING_PADDING;
        memcpy(ring->storage + offset, &frame, sizeof frame);
    }
    uint64_t end = head + padding + size;
    uint64_t lap_end = ((end - 1) | ring->mask) + 1;
    uint64_t half = ring->tail_seen + ring->capacity / 2;
    ring->quick_until = least(limit, lap_end);
    if (end < half) {
        ring->quick_until = least(ring->quick_until, half);
    } else {
        /* Past half the reader may have been up at this look, and gone to sleep with little read: so the next look comes
         * while there is room still, after half of what is left, and costs little that often. */
        uint64_t step = (limit - end) / 2;
        if (step < ring->capacity / 16) step = ring->capacity / 16;
        ring->quick_until = least(ring->quick_until, end + step);
    }
    *out_end = end;
    return ring->storage + ((head + padding) & ring->mask);
}
