/* SPDX-License-Identifier: Apache-2.0 */
/* dropped.h - the reasons for which spans are dropped: their names, and which of them are a loss. */
#ifndef DIVAK_MODEL_DROPPED_H
#define DIVAK_MODEL_DROPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "divak/stats.h"

/* "ring_full"; "unknown" for a number that is no reason. */
const char *divak_dropped_name(uint32_t reason);

/* What handlers drop and callers abandon is gone on purpose: nobody has to hear of it. */
static inline bool divak_dropped_is_loss(uint32_t reason) {
    return reason != DIVAK_DROPPED_FILTERED && reason != DIVAK_DROPPED_ABANDONED;
}

#endif
