/* http_options_test.c - what is checked, copied and read from the environment for a target. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/memory.h"
#include "divak/status.h"
#include "export/http_options.h"

#include <stdbool.h>

static const char *const variables[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                        "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                        "no_proxy",    "NO_PROXY",   "SSL_CERT_FILE"};

static void clear_environment(void) {
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) unsetenv(variables[i]);
}

static char error[200];

/* With the environment as it is now. */
static int init_with(divak_http_settings *settings, divak_http_options options, const char *host) {
    divak_http_environment environment;
    error[0] = '\0';
    int status = divak_http_environment_read(&environment);
    if (status != DIVAK_OK) return status;
    options.environment = &environment;
    status = divak_http_settings_init(settings, &options, host, error, sizeof error);
    divak_http_environment_deinit(&environment);
    return status;
}

static int init(divak_http_settings *settings, const char *url, const char *host) {
    return init_with(settings, (divak_http_options){.url = url, .display = "http://h:1"}, host);
}

static void check_proxy(const char *url, const char *host, const char *expected) {
    divak_http_settings settings;
    CHECK_INT(DIVAK_OK, init(&settings, url, host));
    CHECK_TEXT(expected, settings.proxy, strlen(settings.proxy));
    divak_http_settings_deinit(&settings);
}

TEST(defaults_are_filled_in_and_texts_are_copies) {
    clear_environment();
    char url[] = "http://h:1/x", line[] = "X-Key: value", empty[] = "X-Empty:  ";
    const char *const headers[] = {line, empty};
    const divak_http_options options = {.url = url, .headers = headers, .header_count = 2};
    divak_http_settings settings;
    CHECK_INT(DIVAK_OK, divak_http_settings_init(&settings, &options, "h", error, sizeof error));
    memset(url, 'x', sizeof url - 1);
    memset(line, 'x', sizeof line - 1);
    CHECK_TEXT("http://h:1/x", settings.url, strlen(settings.url));
    CHECK_TEXT("", settings.display, strlen(settings.display));
    CHECK_TEXT("Content-Type: application/json", settings.content_type_line,
               strlen(settings.content_type_line));
    CHECK_INT(2, settings.header_count);
    CHECK_TEXT("X-Key: value", settings.header_lines[0], strlen(settings.header_lines[0]));
    CHECK_TEXT("X-Empty;", settings.header_lines[1], strlen(settings.header_lines[1]));
    CHECK_TEXT("", settings.proxy, strlen(settings.proxy));
    CHECK_TEXT("", settings.no_proxy, strlen(settings.no_proxy));
    CHECK(settings.ca_file == NULL);
    CHECK_INT(INT64_C(10000000000), settings.timeout);
    CHECK_INT(settings.timeout, settings.connect_timeout);
    CHECK_INT(4, settings.max_in_flight);
    CHECK(!settings.is_https);
    divak_http_settings_deinit(&settings);
    divak_http_settings_deinit(&settings);
}

TEST(too_many_requests_at_once_are_brought_down_to_the_limit) {
    const divak_http_options options = {.url = "https://h", .max_in_flight = 1000000};
    divak_http_settings settings;
    CHECK_INT(DIVAK_OK, divak_http_settings_init(&settings, &options, "h", error, sizeof error));
    CHECK_INT(64, settings.max_in_flight);
    CHECK(settings.is_https);
    divak_http_settings_deinit(&settings);
}

TEST(urls_other_than_http_and_https_are_refused_without_being_quoted) {
    static const char *const urls[] = {NULL,
                                       "",
                                       "ftp://user:SECRET@h/",
                                       "file:///etc/SECRET",
                                       "gopher://SECRET",
                                       "SECRET",
                                       "http:/SECRET",
                                       "http://h/SE CRET",
                                       "http://h/SECRET\r\nX: y",
                                       "https://h/SECRET\n",
                                       "http://h/\x7fSECRET"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        divak_http_settings settings;
        CHECK_INT(DIVAK_ERROR_INVALID, init(&settings, urls[i], "h"));
        CHECK(strstr(error, "endpoint") != NULL);
        CHECK(strstr(error, "SECRET") == NULL);
        CHECK(settings.url == NULL);
    }
    divak_http_settings settings;
    CHECK_INT(DIVAK_ERROR_INVALID, init(&settings, "http://", ""));
    CHECK_INT(DIVAK_ERROR_INVALID, init(&settings, "http://", NULL));
}

TEST(headers_that_could_split_or_contradict_the_request_are_refused_without_being_quoted) {
    static const char *const lines[] = {NULL,
                                        "",
                                        "SECRET",
                                        ": SECRET",
                                        "X Y: SECRET",
                                        "X: SECRET\r\nY: z",
                                        "X: SECRET\n",
                                        "X\t: SECRET",
                                        "\xc3\xa9: SECRET",
                                        "X: SECRET\x01",
                                        "Content-Type: SECRET",
                                        "content-length: 1",
                                        "CONTENT-ENCODING: br",
                                        "Transfer-Encoding: chunked",
                                        "Expect: SECRET",
                                        "Connection: close",
                                        "B3: 1",
                                        "b3:1"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const headers[] = {"X-Fine: 1", lines[i]};
        const divak_http_options options = {
            .url = "http://h", .headers = headers, .header_count = 2};
        divak_http_settings settings;
        error[0] = '\0';
        CHECK_INT(DIVAK_ERROR_INVALID,
                  divak_http_settings_init(&settings, &options, "h", error, sizeof error));
        CHECK(strstr(error, "header 2") != NULL);
        CHECK(strstr(error, "SECRET") == NULL);
    }
    const divak_http_options options = {.url = "http://h", .content_type = "a\r\nb: c"};
    divak_http_settings settings;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_http_settings_init(&settings, &options, "h", NULL, 0));
}

TEST(the_proxy_is_that_of_the_scheme_and_lower_case_wins) {
    clear_environment();
    setenv("ALL_PROXY", "all-upper", 1);
    check_proxy("http://h", "h", "all-upper");
    setenv("all_proxy", "all-lower", 1);
    check_proxy("https://h", "h", "all-lower");
    setenv("HTTPS_PROXY", "https-upper", 1);
    check_proxy("https://h", "h", "https-upper");
    check_proxy("http://h", "h", "all-lower");
    setenv("https_proxy", "https-lower", 1);
    check_proxy("https://h", "h", "https-lower");
    setenv("HTTP_PROXY", "from-a-client", 1);
    check_proxy("http://h", "h", "all-lower");
    setenv("http_proxy", "http-lower", 1);
    check_proxy("HTTP://h", "h", "http-lower");
    setenv("http_proxy", "", 1);
    check_proxy("http://h", "h", "all-lower");
    clear_environment();
}

TEST(what_was_read_of_the_environment_holds_whatever_is_set_later) {
    clear_environment();
    setenv("https_proxy", "first", 1);
    setenv("no_proxy", "a,b", 1);
    divak_http_environment environment;
    CHECK_INT(DIVAK_OK, divak_http_environment_read(&environment));
    setenv("https_proxy", "second", 1);
    unsetenv("no_proxy");
    const divak_http_options options = {.url = "https://h", .environment = &environment};
    divak_http_settings settings;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(DIVAK_OK, divak_http_settings_init(&settings, &options, "h", error, sizeof error));
        CHECK_TEXT("first", settings.proxy, strlen(settings.proxy));
        CHECK_TEXT("a,b", settings.no_proxy, strlen(settings.no_proxy));
        divak_http_settings_deinit(&settings);
    }
    divak_http_environment_deinit(&environment);
    divak_http_environment_deinit(&environment);
    const divak_http_options without = {.url = "https://h"};
    CHECK_INT(DIVAK_OK, divak_http_settings_init(&settings, &without, "h", error, sizeof error));
    CHECK_TEXT("", settings.proxy, strlen(settings.proxy));
    divak_http_settings_deinit(&settings);
    clear_environment();
}

TEST(loopback_is_never_proxied) {
    static const char *const hosts[] = {"localhost", "127.0.0.1", "127.8.8.8", "[::1]",
                                        "x.localhost"};
    clear_environment();
    setenv("http_proxy", "proxy", 1);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        check_proxy("http://x", hosts[i], "");
    clear_environment();
}

TEST(the_ca_file_is_the_option_before_the_variable_and_must_be_readable) {
    clear_environment();
    char path[] = "/tmp/divak-ca-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0);
    divak_http_settings settings;
    setenv("SSL_CERT_FILE", path, 1);
    CHECK_INT(DIVAK_OK, init(&settings, "https://h", "h"));
    CHECK(settings.ca_file != NULL && strcmp(settings.ca_file, path) == 0);
    divak_http_settings_deinit(&settings);

    setenv("SSL_CERT_FILE", "/no/such/file", 1);
    CHECK_INT(DIVAK_ERROR_INVALID, init(&settings, "https://h", "h"));
    CHECK(strstr(error, "SSL_CERT_FILE") != NULL && strstr(error, "/no/such/file") != NULL);
    CHECK_INT(DIVAK_OK, init(&settings, "http://h", "h"));
    CHECK(settings.ca_file == NULL);
    divak_http_settings_deinit(&settings);

    divak_http_options options = {.url = "https://h", .ca_file = path};
    CHECK_INT(DIVAK_OK, init_with(&settings, options, "h"));
    CHECK(settings.ca_file != NULL && strcmp(settings.ca_file, path) == 0);
    divak_http_settings_deinit(&settings);
    options.ca_file = "/no/such/option";
    CHECK_INT(DIVAK_ERROR_INVALID, init_with(&settings, options, "h"));
    CHECK(strstr(error, "DIVAK_CA_FILE") != NULL && strstr(error, "/no/such/option") != NULL);
    clear_environment();
    remove(path);
}

static long until_failure;

static void *failing_allocate(size_t size) {
    return until_failure-- == 0 ? NULL : malloc(size);
}

TEST(each_allocation_may_fail_and_nothing_is_kept) {
    clear_environment();
    setenv("https_proxy", "http://proxy", 1);
    setenv("no_proxy", "a,b", 1);
    setenv("SSL_CERT_FILE", "/dev/null", 1);
    const char *const headers[] = {"X-A: 1", "X-B: 2"};
    const divak_http_options options = {.url = "https://h", .headers = headers, .header_count = 2};
    divak_system.allocate = failing_allocate;
    int failures = 0;
    for (long number = 0;; number++) {
        divak_http_settings settings;
        until_failure = number;
        int status = init_with(&settings, options, "h");
        if (status == DIVAK_OK) {
            divak_http_settings_deinit(&settings);
            break;
        }
        CHECK_INT(DIVAK_ERROR_MEMORY, status);
        failures++;
    }
    CHECK_INT(12, failures); /* three of them while the variables are read */
    divak_system.allocate = malloc;
    clear_environment();
}

CHECK_MAIN()
