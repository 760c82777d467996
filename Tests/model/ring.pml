/* SPDX-License-Identifier: Apache-2.0 */
/* ring.pml - a lane's ring between a writer and a reader; the writer may die at any step.
 *
 * Storage of CAP cells; positions only grow. A frame is one or two cells, a whole frame never wraps: a padding frame
 * fills the rest. Each cell holds what the writer last put there, in steps, so that a reader in between sees a torn
 * frame if it can reach one.
 *
 * Mutants: -DCOMMIT_EARLY (head before the bytes), -DIGNORE_TAIL (writer does not look), -DRELEASE_EARLY (tail before the
 * reads), -DWRAP_FRAMES (no padding frame).
 */
#define CAP 4
#define FRAMES 6

byte cell[CAP];        /* 0: being written; n: second or only cell of frame n; 100 + n: first; 255: padding */
byte head, tail;       /* positions */
byte written, seen;
bool writer_gone, is_killed;

#define PLACE(position) ((position) % CAP)

proctype Writer() {
    byte at, need, pad, size, end;
    {
    do
    :: written == FRAMES -> break
    :: written < FRAMES ->
        size = 1 + written % 2;
        at = head;
        pad = 0;
#ifndef WRAP_FRAMES
        if
        :: PLACE(at) + size > CAP -> pad = CAP - PLACE(at)
        :: else
        fi;
#endif
        need = pad + size;
#ifndef IGNORE_TAIL
        if
        :: at + need - tail > CAP -> goto refused
        :: else
        fi;
#endif
        if
        :: pad > 0 -> cell[PLACE(at)] = 255
        :: else
        fi;
        end = at + need;
#ifdef COMMIT_EARLY
        head = end;
#endif
        /* The frame, cell by cell: torn in between. */
        cell[PLACE(at + pad)] = 0;
        if
        :: size == 2 -> cell[PLACE(at + pad + 1)] = written + 1
        :: else
        fi;
        cell[PLACE(at + pad)] = 100 + written + 1;
#ifndef COMMIT_EARLY
        head = end;
#endif
        written++;
        goto next;
refused:
        /* Refused: the caller counts it; here it comes again, or gives up. */
        if
        :: skip
        :: break
        fi;
next:   skip
    od;
    } unless { is_killed };
    writer_gone = true
}

proctype Reader() {
    byte position, limit, number, size;
    do
    :: tail == head && writer_gone -> break
    :: head != tail ->
        limit = head;
        position = tail;
        do
        :: position == limit -> break
        :: position != limit ->
            if
            :: cell[PLACE(position)] == 255 ->
                position = position + CAP - PLACE(position)
            :: else ->
                assert(cell[PLACE(position)] > 100);          /* a whole frame, not a torn one */
                number = cell[PLACE(position)] - 100;
                assert(number == seen + 1);                     /* in order, none lost, none twice */
                size = 1 + (number - 1) % 2;
#ifdef RELEASE_EARLY
                tail = position + size;
#endif
                assert(PLACE(position) + size <= CAP);          /* frames never wrap */
                if
                :: size == 2 -> assert(cell[PLACE(position + 1)] == number)
                :: else
                fi;
                assert(cell[PLACE(position)] == 100 + number);  /* and still there */
                seen = number;
                position = position + size
            fi
        od;
        tail = position
    od;
    /* All that lies before the head was read, whatever became of the writer. */
    assert(seen >= written)
}

init {
    atomic { run Writer(); run Reader() };
    if
    :: is_killed = true   /* at any step of the writer's */
    :: skip
    fi
}
