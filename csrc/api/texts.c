/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c - numbers of the public interface in words, and the version. */
#include "divak/divak.h"

const char *divak_version(void) {
    return DIVAK_VERSION;
}

const char *divak_status_text(int status) {
    switch (status) {
    case DIVAK_OK: return "ok";
    case DIVAK_ABSENT: return "absent";
    case DIVAK_ERROR_INVALID: return "value not accepted";
    case DIVAK_ERROR_MEMORY: return "no memory";
    case DIVAK_ERROR_SYSTEM: return "refused by the system";
    case DIVAK_ERROR_FULL: return "table full";
    case DIVAK_ERROR_ENDED: return "ended before";
    case DIVAK_ERROR_STALE: return "not a live span";
    case DIVAK_ERROR_TRUNCATED: return "kept in part";
    case DIVAK_ERROR_REENTRANT: return "refused in a signal handler";
    case DIVAK_ERROR_TIMEOUT: return "deadline passed";
    case DIVAK_ERROR_LOST: return "spans were dropped";
    case DIVAK_ERROR_UNSUPPORTED: return "not supported here";
    case DIVAK_ERROR_NOT_RECORDING: return "not recorded";
    case DIVAK_ERROR_ORDER: return "closed out of order";
    default: return "unknown status";
    }
}

const char *divak_dropped_text(uint32_t reason) {
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
