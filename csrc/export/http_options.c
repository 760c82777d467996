/* http_options.c - checks, copies and completes the options of a target. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/http_options.h"

#include "base/memory.h"
#include "divak/status.h"
#include "export/http_address.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const uint64_t default_timeout = UINT64_C(10000000000);

/* Headers that would contradict what is sent. */
static const char *const own_headers[] = {
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "expect",
    "connection",
    "b3",
};

static char *copy(const char *text, size_t length) {
    char *memory = divak_memory_allocate(length + 1);
    if (memory == NULL) return NULL;
    if (length > 0) memcpy(memory, text, length);
    memory[length] = '\0';
    return memory;
}

static char *copy_text(const char *text) {
    return text == NULL ? copy("", 0) : copy(text, strlen(text));
}

static bool is_token_byte(unsigned char byte) {
    if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= 'a' && byte <= 'z'))
        return true;
    return byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

/* Whether a text can stand in a header line without ending it. */
static bool is_one_line(const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
    }
    return true;
}

static bool is_own_header(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof own_headers / sizeof own_headers[0]; i++) {
        if (strlen(own_headers[i]) == length && strncasecmp(own_headers[i], name, length) == 0)
            return true;
    }
    return false;
}

/* Writes the line into settings. The error names the header by its place alone: a line without a
 * colon may be nothing but a secret. */
static int add_header(divak_http_settings *settings, const char *line, char *error,
                      size_t capacity) {
    size_t place = settings->header_count + 1;
    size_t name = 0;
    while (line != NULL && is_token_byte((unsigned char)line[name])) name++;
    if (line == NULL || name == 0 || line[name] != ':' || !is_one_line(line)) {
        snprintf(error, capacity, "header %zu is not \"name: value\" on one line", place);
        return DIVAK_ERROR_INVALID;
    }
    if (is_own_header(line, name)) {
        snprintf(error, capacity, "header %zu, \"%.*s\", is set by the library itself", place,
                 name > 40 ? 40 : (int)name, line);
        return DIVAK_ERROR_INVALID;
    }
    const char *value = line + name + 1 + strspn(line + name + 1, " \t");
    char *kept = copy(line, strlen(line));
    if (kept == NULL) return DIVAK_ERROR_MEMORY;
    if (*value == '\0') {
        kept[name] = ';';
        kept[name + 1] = '\0';
    }
    settings->header_lines[settings->header_count++] = kept;
    return DIVAK_OK;
}

static int read_proxy(divak_http_settings *settings, const divak_http_environment *environment,
                      const char *host) {
    bool is_loopback = divak_http_host_is_loopback(host);
    const char *proxy =
        settings->is_https ? environment->proxy_for_https : environment->proxy_for_http;
    settings->proxy = copy_text(is_loopback ? NULL : proxy);
    settings->no_proxy = copy_text(is_loopback ? NULL : environment->no_proxy);
    settings->has_tls_proxy = settings->proxy != NULL && strncasecmp(settings->proxy, "https://", 8) == 0;
    return settings->proxy == NULL || settings->no_proxy == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

/* A CA file that can't be read would make every request fail: better to say so now. */
static int read_ca_file(divak_http_settings *settings, const char *option,
                        const divak_http_environment *environment, char *error, size_t capacity) {
    if (!settings->is_https && !settings->has_tls_proxy) return DIVAK_OK;
    const char *origin = "ca_file (DIVAK_CA_FILE)";
    const char *path = option;
    if (path == NULL || *path == '\0') {
        origin = "SSL_CERT_FILE";
        path = environment->ca_file;
    }
    if (path == NULL || *path == '\0') return DIVAK_OK;
    if (access(path, R_OK) != 0) {
        snprintf(error, capacity, "%s \"%s\" can't be read", origin, path);
        return DIVAK_ERROR_INVALID;
    }
    settings->ca_file = copy_text(path);
    return settings->ca_file == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

static int read_url(divak_http_settings *settings, const divak_http_options *options,
                    const char *host, char *error, size_t capacity) {
    const char *url = options->url == NULL ? "" : options->url;
    settings->is_https = strncasecmp(url, "https://", 8) == 0;
    if (!settings->is_https && strncasecmp(url, "http://", 7) != 0) {
        snprintf(error, capacity, "the endpoint is neither http:// nor https://");
        return DIVAK_ERROR_INVALID;
    }
    if (!is_one_line(url) || strpbrk(url, " \t") != NULL || host == NULL || *host == '\0') {
        snprintf(error, capacity, "the endpoint is not a URL with a host");
        return DIVAK_ERROR_INVALID;
    }
    settings->url = copy_text(url);
    settings->display = copy_text(options->display);
    return settings->url == NULL || settings->display == NULL ? DIVAK_ERROR_MEMORY : DIVAK_OK;
}

static int read_content_type(divak_http_settings *settings, const char *type, char *error,
                             size_t capacity) {
    if (type == NULL) type = "application/json";
    if (*type == '\0' || !is_one_line(type)) {
        snprintf(error, capacity, "the content type is not a text on one line");
        return DIVAK_ERROR_INVALID;
    }
    size_t size = sizeof "Content-Type: " + strlen(type);
    settings->content_type_line = divak_memory_allocate(size);
    if (settings->content_type_line == NULL) return DIVAK_ERROR_MEMORY;
    snprintf(settings->content_type_line, size, "Content-Type: %s", type);
    return DIVAK_OK;
}

static int read_headers(divak_http_settings *settings, const divak_http_options *options,
                        char *error, size_t capacity) {
    if (options->header_count == 0) return DIVAK_OK;
    settings->header_lines = divak_memory_allocate_zeroed(options->header_count, sizeof(char *));
    if (settings->header_lines == NULL) return DIVAK_ERROR_MEMORY;
    for (size_t i = 0; i < options->header_count; i++) {
        int status = add_header(settings, options->headers[i], error, capacity);
        if (status != DIVAK_OK) return status;
    }
    return DIVAK_OK;
}

int divak_http_settings_init(divak_http_settings *settings, const divak_http_options *options,
                             const char *host, char *error, size_t error_capacity) {
    *settings = (divak_http_settings){
        .timeout = options->timeout == 0 ? default_timeout : options->timeout,
        .max_in_flight =
            options->max_in_flight == 0 ? DIVAK_HTTP_MAX_IN_FLIGHT : options->max_in_flight,
        .gzip = options->gzip,
        .allow_metadata_addresses = options->allow_metadata_addresses,
    };
    settings->connect_timeout =
        options->connect_timeout == 0 ? settings->timeout : options->connect_timeout;
    if (settings->max_in_flight > DIVAK_HTTP_MAX_IN_FLIGHT_LIMIT) {
        settings->max_in_flight = DIVAK_HTTP_MAX_IN_FLIGHT_LIMIT;
    }
    static const divak_http_environment empty = {.ca_file = NULL};
    const divak_http_environment *environment =
        options->environment == NULL ? &empty : options->environment;
    int status = read_url(settings, options, host, error, error_capacity);
    if (status == DIVAK_OK)
        status = read_content_type(settings, options->content_type, error, error_capacity);
    if (status == DIVAK_OK) status = read_headers(settings, options, error, error_capacity);
    if (status == DIVAK_OK) status = read_proxy(settings, environment, host);
    if (status == DIVAK_OK)
        status = read_ca_file(settings, options->ca_file, environment, error, error_capacity);
    if (status != DIVAK_OK) divak_http_settings_deinit(settings);
    return status;
}

void divak_http_settings_deinit(divak_http_settings *settings) {
    for (size_t i = 0; i < settings->header_count; i++)
        divak_memory_release(settings->header_lines[i]);
    divak_memory_release(settings->header_lines);
    divak_memory_release(settings->url);
    divak_memory_release(settings->display);
    divak_memory_release(settings->content_type_line);
    divak_memory_release(settings->ca_file);
    divak_memory_release(settings->proxy);
    divak_memory_release(settings->no_proxy);
    *settings = (divak_http_settings){0};
}
