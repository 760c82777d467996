/* settings_table.h - the one list of settings: names, variables, limits, defaults, places. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_API_SETTINGS_TABLE_H
#define DIVAK_API_SETTINGS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "api/settings.h"
#include "base/buffer.h"

typedef enum divak_setting_kind {
    DIVAK_SETTING_BOOL,
    DIVAK_SETTING_NUMBER,      /* uint32_t, least to most */
    DIVAK_SETTING_SIZE,        /* uint64_t bytes, least to most */
    DIVAK_SETTING_SHORT_SIZE,  /* the same as a uint32_t */
    DIVAK_SETTING_POWER,       /* the same, a power of two */
    DIVAK_SETTING_DURATION,    /* uint64_t nanoseconds, least to most */
    DIVAK_SETTING_WORD,        /* uint32_t, the value of one of words */
    DIVAK_SETTING_PROBABILITY, /* double */
    DIVAK_SETTING_NAME,        /* the name of the service, char[DIVAK_SERVICE_NAME_SIZE] */
    DIVAK_SETTING_ADDRESS,     /* into local_address */
    DIVAK_SETTING_PORT,        /* into local_address */
    DIVAK_SETTING_URL,         /* endpoint and endpoint_display */
    DIVAK_SETTING_PER_SECOND,  /* sample_per_second and has_sample_per_second */
    DIVAK_SETTING_FORMATS,     /* inject; looks at propagators */
    DIVAK_SETTING_HEADERS,     /* headers and header_count */
    DIVAK_SETTING_TAGS,        /* tags and tag_count */
    DIVAK_SETTING_PATH,        /* char *, NULL for none */
    DIVAK_SETTING_FIELDS,      /* baggage_fields */
    DIVAK_SETTING_HEADER_NAME  /* request_id_header */
} divak_setting_kind;

/* How a variable of OpenTelemetry says the same. */
typedef enum divak_otel_form {
    DIVAK_OTEL_SAME,
    DIVAK_OTEL_INVERTED,     /* a boolean that means the contrary */
    DIVAK_OTEL_MILLISECONDS, /* a number without unit */
    DIVAK_OTEL_SAMPLER,      /* a name, with the probability in another variable */
    DIVAK_OTEL_PROPAGATORS   /* a list of their names */
} divak_otel_form;

typedef struct divak_setting_word {
    const char *word; /* NULL ends a list */
    uint32_t value;
} divak_setting_word;

typedef struct divak_setting_row {
    const char *name;
    const char *variable; /* NULL: code only */
    const char *otel;     /* second choice, or NULL */
    divak_otel_form otel_form;
    divak_setting_kind kind;
    uint64_t least, most;
    size_t offset;        /* of the member in divak_settings that it is written to */
    const char *standard; /* its text where nobody sets it; NULL: found on this host */
    const char *hint;     /* what is accepted: `... "2" is not accepted: <hint>` */
    const divak_setting_word *words;
} divak_setting_row;

enum { DIVAK_SETTING_COUNT = 41 };

extern const divak_setting_row divak_setting_rows[DIVAK_SETTING_COUNT];

/* The row of a name, or DIVAK_SETTING_COUNT. */
size_t divak_setting_find(const char *name);

/* Reads a text into its place. DIVAK_OK, DIVAK_ERROR_INVALID (*out_reason is then the hint, or says
 * it better), DIVAK_ERROR_MEMORY. Each member is read once into zeroed settings. */
int divak_setting_parse(const divak_setting_row *row, const char *text, size_t length,
                        divak_settings *settings, const char **out_reason);

/* As divak_url_parse; the two forms are copies. */
int divak_setting_parse_url(const char *text, size_t length, char **out_full, char **out_display,
                            const char **out_reason);

/* Appends a text as it may be shown: secrets as REDACTED, no control characters. One that was not
 * accepted is shown shortened, and with less trust in where its secrets lie. */
void divak_setting_show(const divak_setting_row *row, const char *text, size_t length,
                        bool is_accepted, divak_buffer *out);

/* The defaults of ring_bytes and batch_bytes in a smaller buffer than the default one. */
uint64_t divak_setting_ring_bytes(uint64_t buffer_bytes);
uint64_t divak_setting_batch_bytes(uint64_t buffer_bytes);

#endif
