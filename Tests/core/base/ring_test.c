/* SPDX-License-Identifier: Apache-2.0 */
/* ring_test.c - the ring of one thread, case by case, and of two at once. */
#include "base/ring.h"

#include <pthread.h>
#include <time.h>

#include "check.h"

enum { CAPACITY = 1024 };

static divak_ring ring;
static uint8_t storage[CAPACITY + DIVAK_RING_SLACK];

static void begin_at(uint64_t position) {
    memset(storage, 0xee, sizeof storage);
    divak_ring_init(&ring, storage, CAPACITY);
    divak_store_relaxed(&ring.head, position);
    divak_store_relaxed(&ring.tail, position);
    ring.tail_seen = position;
}

/* A frame of its number's bytes; false: refused. */
static bool write_frame(uint32_t size, uint32_t number) {
    uint64_t end;
    uint8_t *frame = divak_ring_reserve(&ring, size, &end);
    if (frame == NULL) return false;
    memset(frame, (int)(number & 0xff), size);
    memcpy(frame, &size, sizeof size);
    memcpy(frame + 4, &number, sizeof number);
    divak_ring_commit(&ring, end);
    return true;
}

/* Reads the next frame, skips padding; 0: none, else its size. */
static uint32_t read_frame(uint32_t *out_number) {
    uint64_t position = divak_load_relaxed(&ring.tail), head = divak_ring_peek(&ring);
    while (position != head) {
        uint32_t length;
        const uint8_t *frame = divak_ring_frame(&ring, position, &length);
        position += length;
        if (frame == NULL) continue;
        memcpy(out_number, frame + 4, sizeof *out_number);
        for (uint32_t i = 8; i < length; i++) {
            if (frame[i] != (*out_number & 0xff)) return 1; /* no size */
        }
        divak_ring_release(&ring, position);
        return length;
    }
    divak_ring_release(&ring, position);
    return 0;
}

TEST(a_frame_is_read_as_it_was_written) {
    for (uint64_t begin = 0; begin < 2 * CAPACITY; begin += 8) {
        for (uint32_t size = 8; size <= 256; size += 8) {
            begin_at(begin);
            CHECK(write_frame(size, 7));
            uint32_t number = 0;
            CHECK_INT(size, read_frame(&number));
            CHECK_INT(7, number);
            CHECK_INT(0, read_frame(&number));
        }
    }
}

TEST(positions_may_be_larger_than_32_bits) {
    begin_at(((uint64_t)1 << 32) - CAPACITY);
    uint32_t number;
    for (uint32_t i = 0; i < 100; i++) {
        CHECK(write_frame(40, i));
        CHECK_INT(40, read_frame(&number));
        CHECK_INT(i, number);
    }
}

TEST(what_was_not_committed_is_not_there) {
    begin_at(CAPACITY - 16);
    uint64_t end;
    uint8_t *frame = divak_ring_reserve(&ring, 64, &end);
    CHECK(frame == storage); /* behind a padding frame */
    memset(frame, 0x55, 64);
    uint32_t number;
    CHECK_INT(0, read_frame(&number));
    CHECK(write_frame(64, 3)); /* the same place again */
    CHECK_INT(64, read_frame(&number));
    CHECK_INT(3, number);
}

TEST(a_full_ring_refuses_and_loses_nothing) {
    for (uint64_t begin = 0; begin < CAPACITY; begin += 8) {
        begin_at(begin);
        uint32_t written = 0, number;
        while (write_frame(72, written)) written++;
        CHECK(written >= (CAPACITY - DIVAK_RING_SLACK) / 72 - 1);
        CHECK(!write_frame(72, written));
        for (uint32_t i = 0; i < written; i++) {
            CHECK_INT(72, read_frame(&number));
            CHECK_INT(i, number);
        }
        CHECK_INT(0, read_frame(&number));
        CHECK(write_frame(72, written)); /* and goes on */
    }
}

TEST(a_frame_that_is_larger_than_the_ring_is_refused) {
    begin_at(0);
    uint64_t end;
    CHECK(divak_ring_reserve(&ring, CAPACITY, &end) == NULL);
    CHECK(divak_ring_reserve(&ring, CAPACITY - DIVAK_RING_SLACK, &end) != NULL);
}

TEST(bytes_behind_a_frame_may_be_written_over) {
    for (uint64_t begin = 0; begin < CAPACITY; begin += 8) {
        begin_at(begin);
        CHECK(write_frame(64, 1));
        uint32_t written = 1, number;
        for (;; written++) {
            uint64_t end;
            uint8_t *frame = divak_ring_reserve(&ring, 56, &end);
            if (frame == NULL) break;
            memset(frame, (int)written + 1, 56 + DIVAK_RING_SLACK);
            uint32_t size = 56, own = written + 1;
            memcpy(frame, &size, sizeof size);
            memcpy(frame + 4, &own, sizeof own);
            divak_ring_commit(&ring, end);
        }
        for (uint32_t i = 1; i <= written; i++) {
            CHECK_INT(i == 1 ? 64 : 56, read_frame(&number));
            CHECK_INT(i, number);
        }
    }
}

/* ---- two threads ---------------------------------------------------------------------------------------------------- */

enum { FRAMES = 300000 };

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t size_of(uint32_t number) {
    return 8 + (number * 2654435761u >> 28) * 8;
}

static void *write_all(void *context) {
    uint64_t random = *(const uint64_t *)context;
    for (uint32_t number = 0; number < FRAMES;) {
        if (write_frame(size_of(number), number)) {
            number++;
        } else {
            sched_yield();
        }
        if (next_random(&random) % 1024 == 0) sched_yield();
    }
    return NULL;
}

TEST(two_threads_hand_over_every_frame_whole_and_in_order) {
    uint64_t seed = (uint64_t)time(NULL) | 1;
    printf("  seed %llu\n", (unsigned long long)seed);
    begin_at(0);
    pthread_t writer;
    CHECK(pthread_create(&writer, NULL, write_all, &seed) == 0);
    uint32_t number, wrong = 0;
    for (uint32_t expected = 0; expected < FRAMES;) {
        uint32_t size = read_frame(&number);
        if (size == 0) {
            sched_yield();
            continue;
        }
        wrong += number != expected || size != size_of(expected);
        expected++;
    }
    CHECK_INT(0, wrong);
    pthread_join(writer, NULL);
    CHECK_INT(0, read_frame(&number));
}

CHECK_MAIN()
