/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_ring.c - one writer and one reader of a lane's ring: whole frames, in order, none twice, none lost. */
#include "base/ring.h"
#include "simulator.h"

enum { CAPACITY = 256, FRAMES = 10 };

static divak_ring *ring;
static unsigned written, seen;

static void prepare(void) {
    ring = sim_allocate(sizeof *ring);
    divak_ring_init(ring, sim_allocate(CAPACITY + DIVAK_RING_SLACK), CAPACITY);
}

static uint32_t size_of(unsigned number) {
    return 24 + number % 3 * 24;
}

/* A frame: its length, its number, and bytes that tell it. */
static bool write_frame(unsigned number) {
    uint32_t size = size_of(number);
    uint64_t end;
    uint8_t *frame = divak_ring_reserve(ring, size, &end);
    if (frame == NULL) return false;
    memcpy(frame, &size, sizeof size);
    memcpy(frame + 4, &number, sizeof number);
    memset(frame + 8, (int)number + 1, size - 8);
    divak_ring_commit(ring, end);
    return true;
}

static void write_all(void) {
    for (unsigned number = 0; number < FRAMES; number++) {
        for (int tries = 0; tries < 4; tries++) {
            if (write_frame(number)) {
                written++;
                break;
            }
            sim_yield();
        }
        if (written != number + 1) return;
    }
}

static void read_some(void) {
    uint64_t position = divak_load_relaxed(&ring->tail);
    uint64_t head = divak_ring_peek(ring);
    while (position != head) {
        uint32_t length;
        const uint8_t *frame = divak_ring_frame(ring, position, &length);
        if (frame != NULL) {
            unsigned number;
            memcpy(&number, frame + 4, sizeof number);
            CLAIM(number == seen);
            CLAIM(length == size_of(number));
            CLAIM(frame[8] == number + 1 && frame[length - 1] == number + 1);
            seen++;
        }
        CLAIM(length != 0 && length % 8 == 0 && length <= head - position);
        position += length;
        if (sim_choose(2) == 0) divak_ring_release(ring, position);
    }
    divak_ring_release(ring, position);
}

static void read_often(void) {
    for (int i = 0; i < 5; i++) {
        read_some();
        sim_yield();
    }
}

static void end(void) {
    read_some();
    CLAIM(seen == written);
}

SCENARIO(ring, .prepare = prepare, .threads = {write_all, read_often}, .end = end)
