/* config.h - what a divak_config is made of, and how its files say what went wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIVAK_API_CONFIG_H
#define DIVAK_API_CONFIG_H

#include "api/process_parent.h"
#include "api/settings.h"
#include "api/settings_table.h"
#include "base/buffer.h"

/* One setting. */
typedef struct divak_config_value {
    char *text;           /* as it was set, trimmed; NULL: the default */
    uint32_t source;      /* DIVAK_SOURCE_... */
    const char *variable; /* which one it came from; NULL for the other sources */
    char *kept_error;     /* of a variable that was not accepted, until code sets the setting */
} divak_config_value;

struct divak_config {
    divak_config_value values[DIVAK_SETTING_COUNT];
    divak_sampler *sampler;
    divak_make_id make_id;
    void *make_id_context;
    divak_read_clock read_clock;
    void *read_clock_context;
    divak_make_request_id make_request_id;
    void *make_request_id_context;
    divak_own_format propagators[DIVAK_PROPAGATORS_MAX];
    size_t propagator_count;
    divak_handler handlers[DIVAK_CONFIG_HANDLERS_MAX];
    size_t handler_count;
    divak_reporter_spec reporters[DIVAK_CONFIG_REPORTERS_MAX]; /* NULL endpoint: the configured */
    size_t reporter_count;
    divak_process_parent parent;
    divak_buffer error; /* the last one, ended by 0; no bytes: none so far */
    divak_buffer shown; /* what divak_config_setting gave out */
    divak_buffer reason; /* why formats were not accepted, ended by 0 */
    /* A list of formats in a variable, of which one was unknown by then; NULL: none such. */
    char *unknown_formats;
    const char *unknown_formats_variable;
    /* Defaults that are found on this host. */
    char program_name[DIVAK_SERVICE_NAME_SIZE];
    char local_address[16];
};

/* The text of a setting that nobody has set; ring_bytes and batch_bytes as for the usual buffer. */
const char *divak_config_standard(const divak_config *config, size_t row);

/* Appends `name: "text" is not accepted: reason`, ended by 0; the row says how text is shown. */
void divak_config_describe(divak_buffer *out, const char *name, const divak_setting_row *row,
                           const char *text, size_t length, const char *reason);
/* Makes that the last error, or a plain text of its own. Returns `status`. */
int divak_config_fail_value(divak_config *config, int status, const char *name,
                            const divak_setting_row *row, const char *text, size_t length,
                            const char *reason);
int divak_config_fail(divak_config *config, int status, const char *name, const char *reason);

/* Takes a text as the value of a row. DIVAK_ERROR_INVALID: it is none, and nothing was changed. */
int divak_config_take(divak_config *config, size_t row, const char *text, size_t length,
                      uint32_t source, const char *variable, const char **out_reason);

/* `hint`, which ends by "; or none", with the formats of the user's that are known, behind the one in
 * the list that is not. Valid until the next call. */
const char *divak_config_formats_reason(divak_config *config, const char *hint, const char *text,
                                        size_t length);
/* Takes the list of formats of a variable after all, if it is known by now what it names. */
void divak_config_reconsider_formats(divak_config *config);

/* Reads all variables. What is not accepted is kept as an error of its setting;
 * DIVAK_ERROR_MEMORY. */
int divak_config_read_environment(divak_config *config);

/* Single values, as they hold when the others are bad: buffer_bytes, and DIVAK_LOG_... */
uint64_t divak_config_buffer_bytes(const divak_config *config);
uint32_t divak_config_log_level(const divak_config *config);

#endif
