/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint_supply.c - see endpoint_supply.h. */
#include "export/endpoint_supply.h"

#if defined(DIVAK_WITHOUT_CURL)
void divak_endpoint_supply_turn(divak_flusher *flusher, divak_reporter *reporter) {
    (void)flusher;
    (void)reporter;
}
#else

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "export/http.h"
#include "wire/url.h"
#include "wire/url_show.h"
#include "wire/value.h"

#define LOG_INTERVAL UINT64_C(60000000000)

static void note(divak_flusher *flusher, divak_reporter *reporter, const char *text) {
    if (text[0] == '\0' && reporter->supply_failure[0] == '\0') return;
    divak_mutex_lock(&flusher->mutex);
    (void)snprintf(reporter->supply_failure, sizeof reporter->supply_failure, "%s", text);
    divak_mutex_unlock(&flusher->mutex);
}

/* Counts an answer that is of no use, and says so: in words for whoever asks, in a line a minute at most. */
static void refuse(divak_flusher *flusher, divak_reporter *reporter, const char *text, const char *reason) {
    divak_buffer message = {.length = 0};
    static const char begin[] = "endpoint supplier: ";
    divak_buffer_append(&message, begin, strlen(begin));
    if (text != NULL) {
        divak_buffer_append(&message, "\"", 1);
        divak_url_show(text, strlen(text), false, &message);
        static const char middle[] = "\" is not accepted: ";
        divak_buffer_append(&message, middle, strlen(middle));
    }
    divak_buffer_append(&message, reason, strlen(reason) + 1);
    const char *said = message.failed ? "endpoint supplier: no memory" : message.bytes;
    divak_add_relaxed(&reporter->counters.bad_endpoints, 1);
    note(flusher, reporter, said);
    uint64_t now = flusher->delivery.now;
    if (flusher->delivery.logs && (reporter->last_supply_log == 0 || now - reporter->last_supply_log >= LOG_INTERVAL)) {
        reporter->last_supply_log = now;
        divak_log_line("%s; spans go on to %s", said, reporter->display);
    }
    divak_buffer_deinit(&message);
}

static char *copy(const char *text, size_t length) {
    char *memory = divak_memory_allocate(length + 1);
    if (memory == NULL) return NULL;
    memcpy(memory, text, length);
    memory[length] = '\0';
    return memory;
}

/* DIVAK_OK: from now on it sends there, unburdened by what the last endpoint did. Else nothing has changed. */
static int move(divak_flusher *flusher, divak_reporter *reporter, const divak_url *url, char *error, size_t capacity) {
    char *full = copy(url->full, url->full_length), *display = copy(url->display, url->display_length);
    struct divak_http_target *target = NULL;
    int status = full == NULL || display == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
    if (status == DIVAK_OK) {
        status = divak_flusher_make_target(flusher, reporter, full, display, flusher->delivery.pool, &target, error,
                                           capacity);
    }
    if (status != DIVAK_OK) {
        divak_memory_release(full);
        divak_memory_release(display);
        return status;
    }
    reporter->last_target = reporter->target;
    reporter->target = target;
    char *old_full = reporter->spec.endpoint, *old_display = reporter->spec.endpoint_display;
    reporter->spec.endpoint = full;
    reporter->spec.endpoint_display = display;
    divak_memory_release(old_full);
    divak_memory_release(old_display);
    (void)snprintf(reporter->display, sizeof reporter->display, "%s", display);
    reporter->accepted_bytes = UINT64_MAX;
    reporter->delivered_bytes = 0;
    reporter->failures = 0;
    reporter->not_before = 0;
    return DIVAK_OK;
}

/* As a setting is read, and without the end of a file's line. */
static int read_answer(char *text, char *buffer, size_t capacity, divak_url *out_url, const char **out_reason) {
    if (memchr(text, '\0', DIVAK_ENDPOINT_BYTES) == NULL) {
        text[DIVAK_ENDPOINT_BYTES - 1] = '\0';
        *out_reason = "it is to be ended by 0 within its room";
        return DIVAK_ERROR_INVALID;
    }
    const char *begin = text;
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
    divak_value_trim(&begin, &length);
    return divak_url_parse(begin, length, buffer, capacity, out_url, out_reason);
}

static void ask(divak_flusher *flusher, divak_reporter *reporter) {
    char text[DIVAK_ENDPOINT_BYTES] = "", buffer[DIVAK_URL_BUFFER_SIZE], error[160] = "";
    int status = reporter->spec.supply(reporter->spec.context, text, sizeof text);
    flusher->delivery.now = divak_clock_monotonic_now(); /* it may have taken its time */
    if (status == DIVAK_ABSENT) {
        note(flusher, reporter, "");
        return;
    }
    if (status != DIVAK_OK) {
        (void)snprintf(error, sizeof error, "it failed: %s", divak_status_text(status));
        refuse(flusher, reporter, NULL, error);
        return;
    }
    divak_url url;
    const char *reason = "";
    status = read_answer(text, buffer, sizeof buffer, &url, &reason);
    if (status == DIVAK_OK && strcmp(url.full, reporter->spec.endpoint) != 0) {
        status = move(flusher, reporter, &url, error, sizeof error);
        reason = error[0] != '\0' ? error : divak_status_text(status);
    }
    if (status != DIVAK_OK) refuse(flusher, reporter, text, reason);
    else note(flusher, reporter, "");
}

static bool has_something_to_send(const divak_flusher *flusher, const divak_reporter *reporter) {
    return divak_load_relaxed(&reporter->counters.pending) != 0 ||
           divak_load_acquire(&flusher->check_asked) != flusher->check_started; /* see divak_flusher_check */
}

void divak_endpoint_supply_turn(divak_flusher *flusher, divak_reporter *reporter) {
    if (reporter->spec.supply == NULL || flusher->delivery.pool == NULL) return;
    if (reporter->last_target != NULL) {
        if (divak_http_target_in_flight(reporter->last_target) != 0) return;
        divak_http_target_destroy(reporter->last_target);
        reporter->last_target = NULL;
    }
    if (flusher->delivery.now < reporter->next_supply || !has_something_to_send(flusher, reporter)) return;
    reporter->next_supply = flusher->delivery.now + flusher->endpoint_interval;
    ask(flusher, reporter);
}

#endif
