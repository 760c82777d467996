/* SPDX-License-Identifier: Apache-2.0 */
/* dropped.c - see dropped.h. */
#include "model/dropped.h"

const char *divak_dropped_name(uint32_t reason) {
    static const char *const texts[DIVAK_DROPPED_COUNT] = {
        [DIVAK_DROPPED_RING_FULL] = "ring_full",
        [DIVAK_DROPPED_NO_SLOT] = "no_slot",
        [DIVAK_DROPPED_TOO_BIG] = "too_big",
        [DIVAK_DROPPED_BUDGET] = "budget",
        [DIVAK_DROPPED_ENCODE] = "encode",
        [DIVAK_DROPPED_REJECTED] = "rejected",
        [DIVAK_DROPPED_RETRY_EXPIRED] = "retry_expired",
        [DIVAK_DROPPED_REDIRECT] = "redirect",
        [DIVAK_DROPPED_TLS] = "tls",
        [DIVAK_DROPPED_AFTER_SHUTDOWN] = "after_shutdown",
        [DIVAK_DROPPED_REENTRANT] = "reentrant",
        [DIVAK_DROPPED_CONTENDED] = "contended",
        [DIVAK_DROPPED_FILTERED] = "filtered",
        [DIVAK_DROPPED_TAIL_FORGOTTEN] = "tail_forgotten",
        [DIVAK_DROPPED_TAIL_EVICTED] = "tail_evicted",
        [DIVAK_DROPPED_SPOOL_FULL] = "spool_full",
        [DIVAK_DROPPED_FLUSHER_STUCK] = "flusher_stuck",
        [DIVAK_DROPPED_CRASHED] = "crashed",
        [DIVAK_DROPPED_ABANDONED] = "abandoned",
    };
    return reason < DIVAK_DROPPED_COUNT ? texts[reason] : "unknown";
}
