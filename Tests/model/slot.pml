/* SPDX-License-Identifier: Apache-2.0 */
/* slot.pml - the word of a slot: writers come and go, several threads end the span, an old handle is used on, the slot
 * lives again.
 *
 * One slot, as slot.h has it: generation, closed, ending, writers inside, bytes reserved. The word is changed in single
 * steps as by compare and exchange. Two taggers, two finishers and one thread with the first handle that never gives
 * up; a starter begins a second span in the slot once it is free.
 *
 * Mutants: -DNO_WRITER_COUNT (writers don't count themselves), -DFINISHER_LEAVES_EARLY (a finisher with others inside
 * does not count itself), -DNO_GENERATION (a retired slot keeps its generation), -DTWO_COMMITS (the end does not close).
 */
#define MAX_FIELDS 6

byte generation = 1;
bool closed;
bool ending;
byte writers;
byte reserved;

/* The slot's content. */
byte field[MAX_FIELDS];     /* 0: not written yet; else the tagger's mark */
bool end_noted;
byte owner_generation = 1;  /* whose content it is */

/* Books. */
byte accepted[3], committed[3];  /* updates that returned OK, found in the record; by generation */
byte commits[3];
byte ends_won[3];
bool is_free;               /* in the list of free slots */
byte inside_of[3];          /* writers inside, by the generation of their handle */

inline commit(g) {
    /* The slot is the committer's own: nobody inside, content complete. */
    assert(writers == 0);
    assert(inside_of[1] == 0 && inside_of[2] == 0);
    assert(owner_generation == g);
    assert(end_noted);
    commits[g]++;
    assert(commits[g] == 1);
    i = 0;
    do
    :: i < reserved ->
        assert(field[i] == g);     /* written, and by a handle of this life */
        committed[g]++;
        i++
    :: else -> break
    od;
#ifdef NO_GENERATION
    atomic { closed = true; ending = false; reserved = 0; writers = 0 };
#else
    atomic { generation = g + 1; closed = true; ending = false; reserved = 0; writers = 0 };
#endif
    is_free = true
}

proctype Tagger(byte g; byte times) {
    byte at, i;
    bool is_last;
    do
    :: times == 0 -> break
    :: else ->
        times--;
        is_last = false;
        atomic {
            if
            :: generation == g && !closed && reserved < MAX_FIELDS ->
                at = reserved;
                reserved++;
#ifndef NO_WRITER_COUNT
                writers++;
#endif
                inside_of[g]++
            :: else -> goto refused
            fi
        };
        assert(owner_generation == g);   /* never in another span's bytes */
        field[at] = g;
        assert(owner_generation == g);
        accepted[g]++;
        atomic {
            inside_of[g]--;
#ifndef NO_WRITER_COUNT
            is_last = ending && writers == 1;
            writers--
#else
            is_last = false
#endif
        };
        if
        :: is_last -> commit(g)
        :: else
        fi;
refused: skip
    od
}

proctype Finisher(byte g) {
    byte i;
    bool is_last, alone;
    atomic {
        if
        :: generation == g && !closed ->
            alone = writers == 0;
#ifndef TWO_COMMITS
            closed = true;
#endif
            ending = true;
#ifndef FINISHER_LEAVES_EARLY
            if
            :: !alone -> writers++
            :: else
            fi
#endif
        :: else -> goto done
        fi
    };
    ends_won[g]++;
    assert(ends_won[g] == 1);
    assert(owner_generation == g);
    end_noted = true;
    if
    :: alone -> commit(g)
    :: else ->
#ifndef FINISHER_LEAVES_EARLY
        atomic {
            is_last = ending && writers == 1;
            writers--
        };
        if
        :: is_last -> commit(g)
        :: else
        fi
#else
        skip
#endif
    fi;
done: skip
}

/* Takes the slot from the list and begins a second span in it. */
proctype Starter() {
    byte g, i;
    atomic { is_free -> is_free = false };
    g = generation;
    owner_generation = 2;
    i = 0;
    do
    :: i < MAX_FIELDS -> field[i] = 0; i++
    :: else -> break
    od;
    end_noted = false;
    atomic { closed = false; reserved = 0 };
    if
    :: g == 2 ->
        run Tagger(2, 1);
        run Finisher(2)
    :: else
    fi
}

init {
    atomic {
        run Tagger(1, 2);
        run Tagger(1, 1);
        run Finisher(1);
        run Finisher(1);
        run Starter()
    };
    /* All others are over. */
    _nr_pr == 1 ->
    assert(commits[1] == 1 && commits[2] == 1);
    assert(accepted[1] == committed[1] && accepted[2] == committed[2])
}
