/* SPDX-License-Identifier: Apache-2.0 */
/* local_sinks.c - see local_sinks.h. */
#include "export/local_sinks.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "export/console.h"
#include "export/memory_reporter.h"

static bool write_all(int file, const char *bytes, size_t length) {
    while (length != 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static size_t spans_of(const divak_message *message) {
    if (message->is_probe) return 0;
    const divak_span_range *part = &message->parts[message->part_count - 1];
    return part->end - part->first;
}

void divak_local_sink_send(divak_reporter *reporter, divak_delivery *delivery, divak_message *message,
                           const char *bytes, size_t length) {
    divak_part_result result = DIVAK_PART_DELIVERED;
    uint32_t reason = DIVAK_DROPPED_REJECTED;
    switch (reporter->spec.kind) {
    case DIVAK_REPORTER_MEMORY:
        if (divak_memory_reporter_append(reporter->spec.memory, bytes, length, spans_of(message)) != DIVAK_OK) {
            result = DIVAK_PART_RETRY;
        }
        break;
    case DIVAK_REPORTER_CONSOLE: {
        divak_buffer text = {0};
        divak_console_format(&text, bytes, length);
        if (text.failed) {
            result = DIVAK_PART_RETRY;
        } else if (!write_all(reporter->spec.file_descriptor, text.bytes, text.length)) {
            result = DIVAK_PART_DROP;
        }
        divak_buffer_deinit(&text);
        break;
    }
    case DIVAK_REPORTER_CALLBACK: {
        int status = reporter->spec.send(reporter->spec.context, bytes, length, spans_of(message));
        if (status == DIVAK_ERROR_SYSTEM) result = DIVAK_PART_RETRY;
        else if (status == DIVAK_ERROR_INVALID) result = DIVAK_PART_SPLIT;
        else if (status < 0) result = DIVAK_PART_DROP;
        break;
    }
    case DIVAK_REPORTER_NULL:
    case DIVAK_REPORTER_ZIPKIN:
        break;
    }
    divak_reporter_settle_part(reporter, delivery, message, result, reason, 0, "");
}
