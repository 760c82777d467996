/* SPDX-License-Identifier: Apache-2.0 */
/* memory_reporter.c - see memory_reporter.h. */
#include "export/memory_reporter.h"

#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/thread.h"
#include "collect/thread_state.h"

struct divak_memory_reporter {
    divak_mutex mutex;
    divak_condition unused; /* a lock is reset together with one */
    divak_buffer spans; /* "[{...},{...}" */
    size_t count;
};

int divak_memory_reporter_create(divak_memory_reporter **out_reporter) {
    divak_memory_reporter *reporter = divak_memory_allocate_zeroed(1, sizeof *reporter);
    if (reporter == NULL) return DIVAK_ERROR_MEMORY;
    divak_mutex_init(&reporter->mutex);
    divak_condition_init(&reporter->unused);
    *out_reporter = reporter;
    return DIVAK_OK;
}

int divak_memory_reporter_append(divak_memory_reporter *reporter, const char *json, size_t length, size_t span_count) {
    if (length < 2 || span_count == 0) return DIVAK_OK;
    divak_mutex_lock(&reporter->mutex);
    size_t before = reporter->spans.length;
    divak_buffer_append(&reporter->spans, reporter->count == 0 ? "[" : ",", 1);
    divak_buffer_append(&reporter->spans, json + 1, length - 2);
    int status = DIVAK_OK;
    if (reporter->spans.failed) {
        reporter->spans.failed = false;
        reporter->spans.length = before;
        status = DIVAK_ERROR_MEMORY;
    } else {
        reporter->count += span_count;
    }
    divak_mutex_unlock(&reporter->mutex);
    return status;
}

size_t divak_memory_reporter_count(divak_memory_reporter *reporter) {
    if (reporter == NULL) return 0;
    (void)divak_process_check_fork(); /* in a child: what is here is the parent's, and so may the lock be */
    divak_mutex_lock(&reporter->mutex);
    size_t count = reporter->count;
    divak_mutex_unlock(&reporter->mutex);
    return count;
}

char *divak_memory_reporter_take(divak_memory_reporter *reporter, size_t *out_length) {
    if (reporter == NULL) return NULL;
    (void)divak_process_check_fork();
    divak_mutex_lock(&reporter->mutex);
    char *taken = NULL;
    divak_buffer *spans = &reporter->spans;
    if (reporter->count == 0) divak_buffer_append(spans, "[", 1);
    char *end = divak_buffer_reserve(spans, 2);
    if (end != NULL) {
        end[0] = ']';
        end[1] = 0;
        taken = spans->bytes;
        if (out_length != NULL) *out_length = spans->length + 1;
        *spans = (divak_buffer){0};
        reporter->count = 0;
    } else {
        spans->failed = false;
        if (reporter->count == 0) spans->length = 0;
    }
    divak_mutex_unlock(&reporter->mutex);
    return taken;
}

void divak_memory_reporter_reset_after_fork(divak_memory_reporter *reporter) {
    divak_thread_reset_after_fork(&reporter->mutex, &reporter->unused);
    if (reporter->spans.bytes == NULL) reporter->spans.capacity = 0; /* it was just being taken */
    reporter->spans.failed = false;
    reporter->spans.length = 0;
    reporter->count = 0;
}

void divak_memory_reporter_destroy(divak_memory_reporter *reporter) {
    if (reporter == NULL) return;
    divak_buffer_deinit(&reporter->spans);
    divak_memory_release(reporter);
}

void divak_free(void *memory) {
    divak_memory_release(memory);
}
