/* SPDX-License-Identifier: Apache-2.0 */
/* owner.pml - a slot's owner writes by plain stores, another thread ends the span, the drainer commits it, the slot lives
 * again.
 *
 * As lane.h, span_end.c and drain.c have it. The owner's stores wait in a buffer that only its own processor sees, in
 * their order, and come to memory at any time; an exchange of its own empties it, and so does the drainer's barrier. The
 * owner tags on with its handle whatever becomes of the span, then ends it; a handler of signals may end it at any time
 * in between.
 *
 * Mutants: -DNO_BARRIER, -DLOOK_BEFORE_MARK (the owner looks whether the span is open first), -DIGNORE_MARK (the drainer
 * does not look whether the owner is inside), -DFINISHER_COMMITS (who ends another's span commits it),
 * -DLEAVE_EARLY (the mark goes before the field is counted), -DHANDLER_COMMITS (as if it were not in its own tag).
 */
#define TAGS 3
#define DEPTH 4

mtype = { INSIDE, FIELD, OWNED };

/* The owner's stores on their way. */
chan buffer = [DEPTH] of { mtype, byte };

/* As memory has it. */
byte generation = 1;
bool closed;
bool inside;
byte fields, owned;

/* The list of slots handed over, and of free ones. */
bool is_handed_over, is_free;

/* Books. */
byte told;                  /* tags that were accepted */
byte commits;
bool is_writing;            /* the owner has seen the span open and has not left */

inline arrive() {
    buffer ? what, value;
    if
    :: what == INSIDE -> inside = value
    :: what == FIELD -> assert(generation == 1); fields = value   /* never into another span's bytes */
    :: what == OWNED -> assert(generation == 1); owned = value
    fi
}

inline drain_buffer() {
    do
    :: nempty(buffer) -> arrive()
    :: empty(buffer) -> break
    od
}

/* Whoever commits has the slot for itself, and finds every tag that was accepted. */
inline commit() {
    assert(!is_writing);
    assert(owned == told && fields == told);
    commits++;
    assert(commits == 1);
    generation = 2;
    is_free = true
}

proctype Buffer() {
    mtype what;
    byte value;
end:
    do
    :: atomic { nempty(buffer) -> arrive() }
    od
}

/* A finish on the owner's thread, from its own code or from a handler: one exchange, which empties the buffer. */
inline finish_as_owner(is_inside) {
    atomic {
        drain_buffer();
        if
        :: generation == 1 && !closed -> closed = true; is_won = true
        :: else -> is_won = false
        fi
    };
    if
    :: is_won && is_inside -> is_handed_over = true
    :: is_won && !is_inside -> atomic { drain_buffer(); commit() }
    :: else
    fi
}

proctype Owner() {
    mtype what;
    byte value, tag;
    bool is_open, is_won, may_interrupt = true;
    for (tag : 1 .. TAGS) {
#ifdef LOOK_BEFORE_MARK
        is_open = generation == 1 && !closed;
#endif
        buffer ! INSIDE(1);
#ifndef LOOK_BEFORE_MARK
        atomic { is_open = generation == 1 && !closed; is_writing = is_open };
#else
        is_writing = is_open;
#endif
        if
        :: may_interrupt ->
            may_interrupt = false;
#ifdef HANDLER_COMMITS
            finish_as_owner(false)
#else
            finish_as_owner(true)
#endif
        :: true
        fi;
        if
        :: is_open ->
            buffer ! FIELD(told + 1);
#ifdef LEAVE_EARLY
            is_writing = false;
            buffer ! INSIDE(0);
#endif
            buffer ! OWNED(told + 1);
            told++
        :: else
        fi;
        is_writing = false;
        buffer ! INSIDE(0)
    }
    finish_as_owner(false)
}

proctype Finisher() {
    mtype what;
    byte value;
    bool is_won;
    atomic {
        if
        :: generation == 1 && !closed -> closed = true; is_won = true
        :: else
        fi
    };
    if
#ifdef FINISHER_COMMITS
    :: is_won -> atomic { commit() }
#else
    :: is_won -> is_handed_over = true
#endif
    :: else
    fi
}

proctype Drainer() {
    mtype what;
    byte value;
    bool is_inside;
end:
    do
    :: is_handed_over ->
        is_handed_over = false;
#ifndef NO_BARRIER
        atomic { drain_buffer() };
#endif
#ifndef IGNORE_MARK
        is_inside = inside;
#endif
        if
        :: is_inside -> is_handed_over = true    /* again the next time */
        :: else -> atomic { commit() }
        fi
    od
}

/* Takes the slot, free again, for another span. */
proctype Starter() {
end:
    atomic { is_free -> is_free = false; closed = false; fields = 0; owned = 0 }
}

/* When nothing moves any more, the span was committed once. */
proctype Watch() {
    timeout ->
    assert(commits == 1 && !is_handed_over && !inside && empty(buffer))
}

init {
    atomic { run Buffer(); run Owner(); run Finisher(); run Drainer(); run Starter(); run Watch() }
}
