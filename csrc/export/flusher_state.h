/* SPDX-License-Identifier: Apache-2.0 */
/* flusher_state.h - what the files of the flusher share. */
#ifndef DIVAK_EXPORT_FLUSHER_STATE_H
#define DIVAK_EXPORT_FLUSHER_STATE_H

#include "export/flusher.h"
#include "export/http_environment.h"

struct divak_http_pool;

enum {
    /* Where the flusher's thread is; what a supervisor may do follows from it. With the thread's number above, so that
     * one that was given up never takes the mark of the next one for its own. */
    DIVAK_FLUSHER_WORKING = 0,
    DIVAK_FLUSHER_IN_TRANSPORT = 1, /* inside of libcurl: may be given up */
    DIVAK_FLUSHER_GIVEN_UP = 2,
    DIVAK_FLUSHER_PLACE_BITS = 2
};

static inline uint32_t divak_flusher_place(uint32_t thread_number, uint32_t place) {
    return thread_number << DIVAK_FLUSHER_PLACE_BITS | place;
}

typedef enum divak_request_phase {
    DIVAK_REQUEST_IDLE,
    DIVAK_REQUEST_SETTLING,  /* until no span is between its end and its lane */
    DIVAK_REQUEST_DELIVERING /* until all reporters are past the target */
} divak_request_phase;

struct divak_flusher {
    divak_tracer *tracer;
    bool is_prepared;
    divak_store store;
    divak_encode_context encoder;
    divak_reporter *reporters[DIVAK_REPORTERS_MAX];
    size_t reporter_count;
    divak_delivery delivery;
    divak_atomic_u64 filtered;     /* kept from all reporters by handlers, or recorded for them only */
    divak_atomic_u64 too_big;      /* records that the store can't hold */
    uint8_t *handled;              /* the record that end handlers work on */
    uint64_t timeout, close_timeout, endpoint_interval;
    uint64_t next_maintenance;
    /* Losses, under the mutex: a span lost by several reporters between two counts is one. */
    uint64_t losses_counted;       /* of all times */
    uint64_t losses_told;          /* of those, what a flush has told its caller */
    uint64_t losses_seen[DIVAK_REPORTERS_MAX], losses_before_reporters; /* what is in losses_counted already */

    /* Options that a new thread needs once more, after a fork or a give-up; owned copies. */
    char **headers;
    size_t header_count;
    char *ca_file;
    divak_http_environment environment;
    bool is_gzip, allows_metadata;
    bool gives_up_refused; /* when it is closed */
    unsigned connections;

    /* The thread. */
    divak_atomic_u32 thread_number;  /* of the one that counts */
    divak_atomic_u32 place;          /* divak_flusher_place */
    divak_atomic_u64 heartbeat;      /* monotonic time of its last turn */
    divak_atomic_u32 needs_thread;
    divak_atomic_u64 restarts;

    /* Requests: under the mutex, but for the numbers, which the thread reads to see whether to look. */
    divak_mutex mutex;
    divak_condition condition;
    divak_atomic_u64 flush_asked;    /* tickets */
    uint64_t flush_started, flush_done;
    divak_request_phase phase;
    uint64_t target;
    uint64_t flush_losses;           /* losses_counted, when the last flush was done */
    divak_atomic_u32 closing;        /* shutdown asked */
    uint64_t close_deadline;
    bool is_closed;                  /* the thread has ended, or was never there */
    divak_atomic_u64 check_asked;
    uint64_t check_started, check_done;
    int check_result;
};

extern divak_flusher *divak_flushers[DIVAK_TRACERS_MAX];

/* The thread's body. */
void *divak_flusher_run(void *flusher);
/* A target for what a reporter sends, as divak_http_target_create; not in a build without libcurl. */
int divak_flusher_make_target(const divak_flusher *flusher, const divak_reporter *reporter, const char *url,
                              const char *display, struct divak_http_pool *pool, struct divak_http_target **out_target,
                              char *error, size_t error_capacity);
/* A pool and targets for the reporters; DIVAK_OK or why not, in `error`. */
int divak_flusher_connect(divak_flusher *flusher, char *error, size_t error_capacity);
/* Spans lost so far for any reporter, deliberate drops left out. Under the mutex. */
uint64_t divak_flusher_count_losses(divak_flusher *flusher);
/* Gives up all that has ended, where no thread is there to send it. Under the mutex. */
void divak_flusher_give_up(divak_flusher *flusher);

#endif
