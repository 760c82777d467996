/* SPDX-License-Identifier: Apache-2.0 */
/* slot.h - where a live span is recorded, and the one atomic word that lets any number of threads work on it.
 *
 *     word:  generation (32) | closed (1) | ending (1) | writers inside (14) | field bytes reserved (16)
 *
 *     start     free slot: closed -> open, generation as in the handle       (release: record header before the word)
 *     tag       CAS: reserved += size, writers += 1;  write the field;  writers -= 1
 *     finish    CAS: closed, ending;  when no writer is inside, commit;  else the last writer to leave commits
 *     commit    copy the record into the committing thread's lane, then free: generation + 1, not ending
 *
 * A handle whose generation is not the word's names nothing. A writer that stalls keeps its slot from being committed,
 * hence from being reused: it never meets another span's bytes. An update that came in before the end is in the record.
 * (16,384 threads would have to stand still inside of one span at once to overflow the count of writers.)
 *
 * A span has an owner where it can: the lane whose thread began it. The owner writes the first fields[], up to owned_room,
 * by plain stores (collect/lane.h) for as long as nobody else has written; the word then says no more than the generation
 * and owned_room, behind which the bytes reserved by others begin. Whoever ends another lane's span can't tell whether the
 * owner is inside, and hands the slot over to the drainer, who can (collect/drain.c).
 *
 * A handle names a slot by a number: 1 + the slot's place in units of 64 bytes.
 */
#ifndef DIVAK_COLLECT_SLOT_H
#define DIVAK_COLLECT_SLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "model/record.h"

#define DIVAK_SLOT_RESERVED_MASK UINT64_C(0xffff)
#define DIVAK_SLOT_WRITER UINT64_C(0x10000)
#define DIVAK_SLOT_WRITERS_MASK UINT64_C(0x3fff0000)
#define DIVAK_SLOT_ENDING UINT64_C(0x40000000) /* ended, not yet committed */
#define DIVAK_SLOT_CLOSED UINT64_C(0x80000000) /* ended or free */

enum {
    DIVAK_SLOT_UNIT = 64,
    /* How far a reset moves generations: a handle that far behind was a parent process's. */
    DIVAK_SLOT_RESET_STRIDE = 0x20000001,
    DIVAK_SLOT_INHERITED = 0x10000000
};

/* What the end of a slot has to do beyond committing its record. */
enum {
    DIVAK_SLOT_CARRIES_ONLY = 1,  /* an unsampled span that holds a reference to baggage; nothing is recorded */
    DIVAK_SLOT_DEFERRED = 2,      /* finish only notes the end */
    DIVAK_SLOT_FINISH_NOTED = 4,  /* a deferred span that has been finished: its end is written down */
    DIVAK_SLOT_FINISH_BEGUN = 8,  /* ... is being written down */
    DIVAK_SLOT_NOTED_FLAGS = 8    /* how far above are the flags that explain the end noted */
};

/* Kind, flags and anchor of the record, in one word that setters change by CAS. */
static inline uint64_t divak_slot_meta(uint32_t kind, uint32_t flags, uint16_t anchor) {
    return kind | flags << 8 | (uint64_t)anchor << 16;
}

typedef struct divak_slot {
    divak_atomic_u64 word;
    divak_atomic_u64 meta;           /* divak_slot_meta */
    divak_atomic_u64 baggage;        /* generation << 32 | number; 0: none. 0 in a free slot */
    divak_atomic_u32 usage;          /* DIVAK_SLOT_CARRIES_ONLY ...; 0 in a free slot */
    divak_atomic_u32 next;           /* in the list of free slots: a number, 0: none */
    divak_atomic_u32 tags;           /* how many, where a limit counts them; by a plain add: concurrent writers may pass */
    divak_atomic_u32 annotations;    /* the limit by one each */
    divak_atomic_u64 noted_end;      /* of a deferred span that has been finished */
    divak_atomic_u32 owned;          /* bytes of fields that the owner has written, from the first on */
    divak_atomic_u32 owned_room;     /* bytes that it may write: behind them begin those of others */
    divak_atomic_pointer owner;      /* the lane that began the span and writes into it by itself; NULL: none does.
                                      * Another one in each life, never changed in between */
    divak_record record;             /* ids and start from the start on, the rest at commit */
    uint8_t fields[];                /* up to the slot's size */
} divak_slot;

typedef struct divak_slot_slab {
    uint8_t *bytes;
    uint64_t byte_mask;              /* of the place of a slot in bytes */
    uint32_t slot_bytes;             /* of each, a power of two */
    uint32_t count;                  /* a power of two */
    uint32_t field_bytes;            /* what fields[] holds of it */
    uint32_t owned_room;             /* how much of that is its owner's at first, where a slot has one */
    divak_atomic_u64 free_list;      /* change count << 32 | number */
    divak_atomic_u64 handed_over;    /* how many << 32 | number of the last: ended, and left to the drainer */
} divak_slot_slab;

/* Lays out `bytes` (zeroed, count * slot_bytes) with all slots free. Generations begin at `first_generation`. */
void divak_slot_slab_init(divak_slot_slab *slab, uint8_t *bytes, uint32_t slot_bytes, uint32_t count,
                          uint32_t first_generation);
/* Frees every slot, with a new generation each: the child of a fork has nothing live. */
void divak_slot_slab_reset(divak_slot_slab *slab);

/* The slot a number names; any number is safe, the generation tells whether it is the one meant. */
static inline divak_slot *divak_slot_at(const divak_slot_slab *slab, uint32_t number) {
    return (divak_slot *)(void *)(slab->bytes + (((uint64_t)number - 1) * DIVAK_SLOT_UNIT & slab->byte_mask));
}

/* The number of the `index`-th slot. */
static inline uint32_t divak_slot_number(const divak_slot_slab *slab, uint32_t index) {
    return index * (slab->slot_bytes / DIVAK_SLOT_UNIT) + 1;
}

static inline uint32_t divak_slot_number_of(const divak_slot_slab *slab, const divak_slot *slot) {
    return (uint32_t)((uint64_t)((const uint8_t *)slot - slab->bytes) / DIVAK_SLOT_UNIT) + 1;
}

/* A slot that is nobody's: what handles find where no tracer was ever made. */
extern DIVAK_HIDDEN divak_slot divak_no_slot;

/* Takes a free slot's number out of the list, 0 when there is none. */
uint32_t divak_slot_slab_take(divak_slot_slab *slab);
/* Puts a slot that is not live back. */
void divak_slot_slab_give(divak_slot_slab *slab, uint32_t number);

/* Leaves an ended slot to the drainer, which commits what its owner may still be writing into; returns how many are. */
uint32_t divak_slot_slab_hand_over(divak_slot_slab *slab, uint32_t number);
/* Takes all that were handed over: the number of the first, whose `next` is the second; 0: none. */
uint32_t divak_slot_slab_take_over(divak_slot_slab *slab);

static inline uint32_t divak_slot_slab_count_handed_over(const divak_slot_slab *slab) {
    return (uint32_t)(divak_load_relaxed(&slab->handed_over) >> 32); /* a number and nothing else */
}

/* Slots that hold a recorded span that has not ended. */
uint64_t divak_slot_slab_count_live(const divak_slot_slab *slab);
/* True when no slot is between its end and its commit. */
bool divak_slot_slab_is_settled(const divak_slot_slab *slab);

/* The generation of a live slot, or the one a free slot will have when it is next live. */
static inline uint32_t divak_slot_generation(const divak_slot *slot) {
    return (uint32_t)(divak_load_relaxed(&slot->word) >> 32);
}

/* Makes a taken slot live: `word` is its generation, and the bytes of fields that are not others' to reserve. */
static inline void divak_slot_publish(divak_slot *slot, uint64_t word) {
    /* Pairs with the acquire in divak_slot_end: whoever ends the span reads the record as it was begun. */
    divak_store_release(&slot->word, word);
}

/* Whether the word is that of a live span of this generation which has not ended: one comparison, since the closed bit
 * stands right below the generation. */
static inline bool divak_slot_is_open(uint64_t word, uint32_t generation) {
    return word >> 31 == (uint64_t)generation << 1;
}

/* The word of a slot that has an owner, while nobody else has written into it. */
static inline uint64_t divak_slot_owned_word(const divak_slot *slot, uint32_t generation) {
    return (uint64_t)generation << 32 | divak_load_relaxed(&slot->owned_room);
}

typedef enum divak_slot_result {
    DIVAK_SLOT_OK,
    DIVAK_SLOT_LAST,   /* done, and the caller must commit: the slot is all its own */
    DIVAK_SLOT_STALE,  /* another generation: the span is long gone */
    DIVAK_SLOT_IS_ENDED,
    DIVAK_SLOT_NO_ROOM
} divak_slot_result;

/* Why a word is not open for a generation. */
static inline divak_slot_result divak_slot_why_closed(uint64_t word, uint32_t generation) {
    bool is_ending = (uint32_t)(word >> 32) == generation && (word & DIVAK_SLOT_ENDING) != 0;
    return is_ending ? DIVAK_SLOT_IS_ENDED : DIVAK_SLOT_STALE;
}

/* Enters the slot and reserves `size` bytes; `out_offset` is where they begin in fields[]. After DIVAK_SLOT_OK the
 * caller writes them and calls divak_slot_leave. */
static inline divak_slot_result divak_slot_enter(divak_slot *slot, uint32_t generation, uint64_t size,
                                                 uint64_t limit, uint64_t *out_offset) {
    uint64_t word = divak_load_relaxed(&slot->word);
    do {
        if (__builtin_expect(!divak_slot_is_open(word, generation), 0)) {
            return divak_slot_why_closed(word, generation);
        }
        if (__builtin_expect((word & DIVAK_SLOT_RESERVED_MASK) + size > limit, 0)) return DIVAK_SLOT_NO_ROOM;
        /* Relaxed: the bytes reserved are this writer's own, and who got the handle came after the start already. */
    } while (__builtin_expect(!divak_cas_weak_relaxed(&slot->word, &word, word + size + DIVAK_SLOT_WRITER), 0));
    *out_offset = word & DIVAK_SLOT_RESERVED_MASK;
    return DIVAK_SLOT_OK;
}

/* Leaves; DIVAK_SLOT_LAST when the span ended meanwhile and nobody else is inside. */
static inline divak_slot_result divak_slot_leave(divak_slot *slot) {
    /* Release: our field goes to whoever commits. Acquire, for the case that it is us: the fields of those who left
     * before, and the end that the finisher noted. Its partners are this same operation and divak_slot_end. */
    uint64_t word = divak_subtract_acquire_release(&slot->word, DIVAK_SLOT_WRITER);
    if (__builtin_expect((word & DIVAK_SLOT_ENDING) != 0, 0) &&
        (word & DIVAK_SLOT_WRITERS_MASK) == DIVAK_SLOT_WRITER) {
        return DIVAK_SLOT_LAST;
    }
    return DIVAK_SLOT_OK;
}

/* Ends the span. DIVAK_SLOT_LAST: nobody is inside, the caller notes the end and commits. DIVAK_SLOT_OK: others are
 * inside; the caller counts as one of them, notes the end and calls divak_slot_leave. */
static inline divak_slot_result divak_slot_end(divak_slot *slot, uint32_t generation) {
    uint64_t word = divak_load_relaxed(&slot->word);
    uint64_t next;
    do {
        if (__builtin_expect(!divak_slot_is_open(word, generation), 0)) {
            return divak_slot_why_closed(word, generation);
        }
        next = word | DIVAK_SLOT_CLOSED | DIVAK_SLOT_ENDING;
        if (__builtin_expect((word & DIVAK_SLOT_WRITERS_MASK) != 0, 0)) next += DIVAK_SLOT_WRITER;
        /* Acquire: the fields of those who left (divak_slot_leave) and the record's beginning (divak_slot_publish) are
         * ours to read. */
    } while (__builtin_expect(!divak_cas_weak_acquire(&slot->word, &word, next), 0));
    return (word & DIVAK_SLOT_WRITERS_MASK) == 0 ? DIVAK_SLOT_LAST : DIVAK_SLOT_OK;
}

/* Committed: not live, next generation, which is what counts of `next_word`. The caller then gives the slot's number back. */
static inline void divak_slot_retire_as(divak_slot *slot, uint64_t next_word) {
    /* Release: our reads of the record come before the next owner's writes; pairs with the acquire by which the number
     * comes out of the free list (divak_slot_slab_take), or is this thread's own order. It also lets a reader of the
     * word that sees the slot free see the record in the lane (divak_slot_slab_is_settled). */
    divak_store_release(&slot->word, next_word | DIVAK_SLOT_CLOSED);
}
static inline void divak_slot_retire(divak_slot *slot, uint32_t generation) {
    divak_slot_retire_as(slot, (uint64_t)(generation + 1) << 32);
}

#endif
