/* settings.h - what a configuration comes to: every setting as a value that the tracer can use. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     environment --config_environment.c--+
 *                                         v
 *     code ------> config.c: a text for each row of settings_table.c
 *                                         |  settings.c
 *                                         v
 *                                  divak_settings ----> tracer.c and what it is made of
 *
 *     divak_settings settings;
 *     int status = divak_config_resolve(config, &settings);     // else divak_config_error(config)
 *     ...
 *     divak_settings_deinit(&settings);
 */
#ifndef DIVAK_API_SETTINGS_H
#define DIVAK_API_SETTINGS_H

#include "api/process_parent.h"
#include "api/propagation.h"
#include "divak/config.h"
#include "export/reporter_spec.h"
#include "model/record.h"

enum {
    DIVAK_CONFIG_HANDLERS_MAX = 16,
    DIVAK_CONFIG_REPORTERS_MAX = 16,
    DIVAK_SERVICE_NAME_SIZE = 256,
    DIVAK_SETTING_TEXT_MAX = 65535 /* bytes of the text of a setting */
};

enum { DIVAK_ENCODING_JSON = 0, DIVAK_ENCODING_PROTO3 = 1 };
enum { DIVAK_COMPRESSION_NONE = 0, DIVAK_COMPRESSION_GZIP = 1 };
enum { DIVAK_LOG_OFF = 0, DIVAK_LOG_WARN = 1, DIVAK_LOG_DEBUG = 2 };

typedef struct divak_setting_tag {
    char *key;
    size_t key_length;
    char *value;
    size_t value_length;
} divak_setting_tag;

typedef struct divak_settings {
    bool enabled;

    /* The local endpoint. */
    char service_name[DIVAK_SERVICE_NAME_SIZE];
    divak_record_address local_address;

    /* Which traces. A sampler from code, or else NULL and these; see divak_settings_sampler. */
    divak_sampler *sampler;
    double sample_rate;
    bool has_sample_per_second;
    uint32_t sample_per_second;
    bool resample;
    bool late_decision;

    /* Ids and time. NULL: Divak's own. */
    uint32_t trace_id_is_64_bit; /* 0 or 1 */
    bool trace_id_time;
    divak_make_id make_id;
    void *make_id_context;
    divak_read_clock read_clock;
    void *read_clock_context;
    divak_make_request_id make_request_id;
    void *make_request_id_context;

    /* Headers; see divak_settings_propagation. */
    divak_formats inject;
    divak_formats extract;
    bool join;
    uint32_t has_process_parent; /* 0 or 1 */
    divak_process_parent process_parent;
    uint32_t trust;           /* divak_trust */
    uint32_t extract_failure; /* divak_extract_failure */
    char *baggage_fields;     /* as divak_propagation_add_fields takes them */
    char *request_id_header;
    uint32_t request_id_is_generated; /* 0 or 1 */

    /* Sizes in bytes and in number. */
    uint64_t ring_bytes;
    uint64_t buffer_bytes;
    uint64_t batch_bytes;
    uint32_t name_bytes;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t tags_max;
    uint32_t annotations_max;
    uint32_t span_bytes;

    /* Delivery; times in nanoseconds. */
    char *endpoint;         /* normalised, may hold a password: for the transport alone */
    char *endpoint_display; /* scheme://host:port, for texts */
    uint32_t encoding;      /* DIVAK_ENCODING_... */
    uint32_t compression;   /* DIVAK_COMPRESSION_... */
    uint64_t flush_interval; /* 1 ms or more */
    uint64_t timeout;        /* 1 ms or more */
    uint64_t close_timeout;  /* 0: exit does not wait */
    uint64_t endpoint_interval;
    uint32_t connections;
    char **headers; /* lines "name: value"; secrets */
    size_t header_count;
    divak_setting_tag *tags;
    size_t tag_count;
    char *ca_file; /* NULL: the system's certificates */
    bool allow_metadata;
    bool give_up_refused;
    uint32_t log; /* DIVAK_LOG_... */

    divak_own_format propagators[DIVAK_OWN_FORMATS_MAX]; /* all that "propagation" may name */
    size_t propagator_count;
    divak_handler handlers[DIVAK_CONFIG_HANDLERS_MAX];
    size_t handler_count;
    divak_reporter_spec reporters[DIVAK_CONFIG_REPORTERS_MAX];
    size_t reporter_count; /* 1 or more: Zipkin at the endpoint, where none was added */
} divak_settings;

/* Makes settings of a configuration, which may be destroyed or changed after. DIVAK_OK;
 * DIVAK_ERROR_INVALID for a bad variable that code did not set, or settings that don't go together,
 * DIVAK_ERROR_MEMORY: nothing to deinit then, and divak_config_error says what. */
int divak_config_resolve(divak_config *config, divak_settings *out_settings);
/* Frees what settings own: not samplers, memory reporters and contexts. Harmless on zeroed ones. */
void divak_settings_deinit(divak_settings *settings);

/* The sampler that the settings mean. *out_is_owned: made here, for the caller to destroy. */
int divak_settings_sampler(const divak_settings *settings, divak_sampler **out_sampler,
                           bool *out_is_owned);
/* Initialises propagation by these settings, but for its table and source of random numbers. As
 * divak_propagation_add_fields for what does not go together. */
int divak_settings_propagation(const divak_settings *settings, divak_propagation *out_propagation);

#endif
