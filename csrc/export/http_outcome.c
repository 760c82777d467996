/* http_outcome.c - statuses and failures turned into outcomes; no I/O. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/http_outcome.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

/* Long enough not to pay for a refused request often, short enough to notice an upgrade. */
static const uint64_t gzip_refusal_time = 300 * SECOND;
/* A batch is split within this time: one plain probe for all its parts rather than one for each. */
static const uint64_t gzip_innocence_time = 5 * SECOND;

static divak_outcome outcome_without_status(divak_http_failure failure) {
    switch (failure) {
    case DIVAK_HTTP_FAILURE_TLS:
        return DIVAK_OUTCOME_TLS;
    case DIVAK_HTTP_FAILURE_ADDRESS:
        return DIVAK_OUTCOME_REJECTED;
    case DIVAK_HTTP_FAILURE_NONE:
    case DIVAK_HTTP_FAILURE_NETWORK:
    case DIVAK_HTTP_FAILURE_GARBLED:
        break;
    }
    return DIVAK_OUTCOME_RETRY;
}

divak_outcome divak_http_outcome(const divak_http_result *result) {
    int status = result->status;
    if (status < 100 || status > 599) return outcome_without_status(result->failure);
    if (status >= 500) return DIVAK_OUTCOME_RETRY;
    if (status >= 400) {
        /* 408 is what some proxies write on an idle connection just when we reuse it; 425 asks for
         * a repetition. */
        if (status == 408 || status == 425 || status == 429) return DIVAK_OUTCOME_RETRY;
        return status == 400 || status == 413 ? DIVAK_OUTCOME_SPLIT : DIVAK_OUTCOME_REJECTED;
    }
    if (status >= 300) return DIVAK_OUTCOME_REDIRECT;
    if (status < 200) return DIVAK_OUTCOME_REJECTED;
    return result->whole_body_left ? DIVAK_OUTCOME_DELIVERED : DIVAK_OUTCOME_RETRY;
}

bool divak_http_maybe_delivered(const divak_http_result *result) {
    return result->status == 0 && result->whole_body_left;
}

uint64_t divak_http_retry_after(int64_t seconds) {
    if (seconds <= 0) return 0;
    if (seconds > DIVAK_HTTP_RETRY_AFTER_LIMIT) seconds = DIVAK_HTTP_RETRY_AFTER_LIMIT;
    return (uint64_t)seconds * SECOND;
}

bool divak_http_handshake_was_cut(const char *detail) {
    static const char *const signs[] = {"SSL_ERROR_SYSCALL", "unexpected eof", "Connection reset",
                                        "Connection closed abruptly"};
    for (size_t i = 0; detail != NULL && i < sizeof signs / sizeof signs[0]; i++) {
        if (strstr(detail, signs[i]) != NULL) return true;
    }
    return false;
}

static size_t append_printable(char *out, size_t length, size_t capacity, const char *text) {
    for (; *text != '\0' && length + 1 < capacity; text++) {
        unsigned char byte = (unsigned char)*text;
        out[length++] = byte >= 0x20 && byte < 0x7f ? *text : '?';
    }
    return length;
}

void divak_http_text_write(char *out, size_t capacity, const char *display, const char *what) {
    if (capacity == 0) return;
    size_t length = append_printable(out, 0, capacity, display == NULL ? "collector" : display);
    length = append_printable(out, length, capacity, ": ");
    length = append_printable(out, length, capacity, what == NULL ? "failed" : what);
    out[length] = '\0';
}

bool divak_http_encoding_is_gzip(const divak_http_encoding *encoding, uint64_t now) {
    return encoding->gzip_wanted && now >= encoding->refused_until;
}

bool divak_http_encoding_wants_plain(const divak_http_encoding *encoding, int status,
                                     uint64_t now) {
    if (status == 415) return true;
    return status == 400 && now >= encoding->innocent_until;
}

void divak_http_encoding_learn(divak_http_encoding *encoding, int gzip_status, int plain_status,
                               uint64_t now) {
    bool plain_accepted = plain_status >= 200 && plain_status < 300;
    /* 415 is about the encoding (or the type): any other plain answer shows which of the two. */
    bool plain_understood = gzip_status == 415 && plain_status != 0 && plain_status != 415;
    if (plain_accepted || plain_understood) {
        encoding->refused_until = now + gzip_refusal_time;
    } else if (plain_status == gzip_status) {
        encoding->innocent_until = now + gzip_innocence_time;
    }
}
