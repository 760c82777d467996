/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - the file descriptors that are ours, and whether they still are.
 *
 *     divak_descriptors_note(&descriptors, socket(...));
 *     if (!divak_descriptors_are_ours(&descriptors)) ...      // leave all of it alone from now on
 *     if (divak_descriptors_forget(&descriptors, descriptor)) close(descriptor);
 *
 * Daemons close every descriptor that they do not know (closefrom), and programs close one twice by mistake. The number is
 * then the next file that the program opens. To write there, or to close it, would harm a file that is none of ours; so it is
 * looked at what a number stands for before it is used.
 */
#ifndef DIVAK_EXPORT_DESCRIPTORS_H
#define DIVAK_EXPORT_DESCRIPTORS_H

#include <stdbool.h>

#include "base/buffer.h"

/* Empty when zeroed. */
typedef struct divak_descriptors {
    divak_buffer noted;
} divak_descriptors;

/* Notes what a descriptor stands for now. False: no memory, or it is none. */
bool divak_descriptors_note(divak_descriptors *descriptors, int descriptor);
/* Whether all that were noted still stand for the same. */
bool divak_descriptors_are_ours(const divak_descriptors *descriptors);
/* Takes a descriptor off the list. True: it may be closed, since it still is what was noted, or never was noted. */
bool divak_descriptors_forget(divak_descriptors *descriptors, int descriptor);
void divak_descriptors_deinit(divak_descriptors *descriptors);

#endif
