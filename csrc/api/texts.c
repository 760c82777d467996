/* SPDX-License-Identifier: Apache-2.0 */
/* texts.c - numbers of the public interface in words, and the version. */
#include "divak/divak.h"
#include "model/dropped.h"

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
    return divak_dropped_name(reason);
}
