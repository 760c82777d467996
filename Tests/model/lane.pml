/* SPDX-License-Identifier: Apache-2.0 */
/* lane.pml - lanes are leased, given back, and taken back from threads that ended without saying so; the kernel gives
 * the id of an ended thread to a new one.
 *
 * `owner` is as lane.c has it: the thread's id (0: free) and how often the lane changed hands. All threads get the same
 * id, one after the other, the worst case; one other thread has an id of its own. The reclaimer looks at the owner, asks
 * the kernel, and exchanges, each a step of its own.
 *
 * Mutants: -DNO_COUNT (hands are not counted at all), -DCOUNT_ONLY_TAKEOVERS (a lane given back forgets its count),
 * -DNO_EXCHANGE (the reclaimer stores without comparing).
 */
#define LANES 2
#define SAME 1
#define OTHER 2
#define RECLAIMER 3
#define LIVES 3      /* threads that bear the id SAME, one after the other */

byte owner_id[LANES];
byte owner_count[LANES];
bool is_used[LANES];        /* by a living thread, which believes the lane its own */
byte cached[LANES];         /* slots in it; only its user touches them */
byte living_same;           /* 1 while a thread with the id SAME lives */
bool other_alive;
byte given;                 /* slots taken out of the list */
byte lives_left = LIVES;

#ifdef NO_COUNT
#define HANDS_ON(count) (count)
#else
#define HANDS_ON(count) ((count) + 1)
#endif
#ifdef COUNT_ONLY_TAKEOVERS
#define AFTER_RETURN(count) 0
#else
#define AFTER_RETURN(count) (count)
#endif

inline use_lane(lane) {
    assert(!is_used[lane]);
    is_used[lane] = true;
    cached[lane]++;
    given++
}

/* Empties the lane's cache and frees it; the caller owns it. */
inline give_back(lane) {
    given = given - cached[lane];
    cached[lane] = 0;
    is_used[lane] = false;
    atomic { owner_id[lane] = 0; owner_count[lane] = AFTER_RETURN(owner_count[lane]) }
}

inline lease(id, lane) {
    lane = 0;
    do
    :: lane == LANES -> break
    :: lane < LANES ->
        seen_id = owner_id[lane];
        seen_count = owner_count[lane];
        if
        :: seen_id == id ->
            atomic {
                if
                :: owner_id[lane] == seen_id && owner_count[lane] == seen_count ->
                    owner_count[lane] = HANDS_ON(seen_count);
                    goto leased
                :: else
                fi
            }
        :: seen_id == 0 ->
            atomic {
                if
                :: owner_id[lane] == 0 && owner_count[lane] == seen_count ->
                    owner_id[lane] = id;
#ifndef COUNT_ONLY_TAKEOVERS
                    owner_count[lane] = HANDS_ON(seen_count);
#endif
                    goto leased
                :: else
                fi
            }
        :: else
        fi;
        lane++
    od;
    goto none;
leased:
    skip
}

proctype Same() {
    byte lane, seen_id, seen_count;
    lease(SAME, lane);
    use_lane(lane);
    if
    :: give_back(lane)
    :: is_used[lane] = false   /* ended without a word: the lane stays in its name */
    fi;
none:
    living_same = 0
}

/* The kernel gives the id away again, at any time after its bearer has ended. */
proctype Births() {
    do
    :: lives_left > 0 ->
        atomic { living_same == 0 -> lives_left--; living_same = 1; run Same() }
    :: else -> break
    od
}

proctype Other() {
    byte lane, seen_id, seen_count;
    lease(OTHER, lane);
    use_lane(lane);
    give_back(lane);
none:
    other_alive = false
}

proctype Reclaimer() {
    byte lane, seen_id, seen_count, rounds;
    bool exists;
    for (rounds : 1 .. 2) {
        for (lane : 0 .. LANES - 1) {
            atomic { seen_id = owner_id[lane]; seen_count = owner_count[lane] };
            if
            :: seen_id == 0 || seen_id == RECLAIMER -> goto next
            :: else
            fi;
            atomic { exists = (seen_id == SAME && living_same > 0) || (seen_id == OTHER && other_alive) };
            if
            :: exists -> goto next
            :: else
            fi;
            atomic {
                if
#ifdef NO_EXCHANGE
                :: true ->
#else
                :: owner_id[lane] == seen_id && owner_count[lane] == seen_count ->
#endif
                    owner_id[lane] = RECLAIMER;
                    assert(!is_used[lane])   /* a dead thread's, or the id of a living one was mistaken */
                :: else -> goto next
                fi
            };
            give_back(lane);
next:       skip
        }
    }
}

init {
    atomic {
        other_alive = true;
        run Births();
        run Other();
        run Reclaimer()
    };
    _nr_pr == 1 ->
    /* One more look: nobody is left, so everything comes back. */
    run Reclaimer();
    _nr_pr == 1 ->
    assert(given == 0 && owner_id[0] == 0 && owner_id[1] == 0)
}
