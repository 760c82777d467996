/* SPDX-License-Identifier: Apache-2.0 */
/* sleep.pml - the drainer goes to sleep, and no wake is lost.
 *
 * Producers store and then load without a fence: each processor has a buffer of one store to itself, so that the load
 * may come before the store is seen (as on x86 and weaker). The drainer pays for both sides: its barrier empties all
 * buffers. Sleep is the kernel's: it compares the word once more, and wakes only by a call.
 *
 * Mutants: -DNO_BARRIER, -DNO_SECOND_LOOK, -DNO_COMPARE (the kernel does not look), -DMARK_AFTER_LOOK.
 */
#define PRODUCERS 2
#define ROUNDS 2

byte fill[PRODUCERS];       /* as memory has it: records in a producer's lane */
byte drained[PRODUCERS];
bool has_buffered[PRODUCERS];
byte buffered[PRODUCERS];   /* the store of `fill` that only its own processor sees */
bool is_asleep;             /* the mark */
bool is_in_kernel;
byte wakes_due;

inline drain_buffer(p) {
    if
    :: has_buffered[p] -> fill[p] = buffered[p]; has_buffered[p] = false
    :: else
    fi
}

/* A processor's buffer empties at some time of its own. */
proctype Buffer(byte p) {
end:
    do
    :: atomic { has_buffered[p] -> drain_buffer(p) }
    od
}

proctype Producer(byte p) {
    byte round;
    bool took;
    for (round : 1 .. ROUNDS) {
        /* Publish: into the buffer. */
        atomic { !has_buffered[p] -> buffered[p] = round; has_buffered[p] = true };
        /* Look at the mark; only who takes it away wakes. */
        if
        :: is_asleep ->
            took = false;
            atomic {
                drain_buffer(p);     /* an exchange empties the buffer */
                if
                :: is_asleep -> is_asleep = false; took = true
                :: else
                fi
            };
            if
            :: took -> is_in_kernel = false
            :: else
            fi
        :: !is_asleep
        fi
    }
}

#define HAS_WORK (fill[0] != drained[0] || fill[1] != drained[1])

proctype Drainer() {
    do
    :: true ->
        atomic { drained[0] = fill[0]; drained[1] = fill[1] };
#ifndef MARK_AFTER_LOOK
        is_asleep = true;
#endif
#ifndef NO_BARRIER
        atomic { drain_buffer(0); drain_buffer(1) };
#endif
#ifndef NO_SECOND_LOOK
        if
        :: HAS_WORK -> is_asleep = false; goto again
        :: else
        fi;
#endif
#ifdef MARK_AFTER_LOOK
        is_asleep = true;
#endif
        /* The kernel, in one step under its lock: compares and sleeps. */
        atomic {
#ifndef NO_COMPARE
            if
            :: !is_asleep -> goto woken
            :: else
            fi;
#endif
            is_in_kernel = true
        };
end_asleep:
        !is_in_kernel;
woken:  is_asleep = false;
again:  skip
    od
}

/* When nothing moves any more, the drainer sleeps with nothing to do: all work was seen. */
proctype Watch() {
    timeout ->
    assert(!HAS_WORK && !has_buffered[0] && !has_buffered[1])
}

init {
    atomic {
        run Buffer(0); run Buffer(1);
        run Producer(0); run Producer(1);
        run Drainer(); run Watch()
    }
}
