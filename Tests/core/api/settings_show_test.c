/* settings_show_test.c - what is shown of a setting: no secret, nothing long, nothing harmful. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/configs.h"

TEST(no_secret_is_shown_whether_its_setting_was_accepted_or_not) {
    static const char *const secrets[] = {
        "headers", "authorization=s3cr3t", "headers", "a=b,authorization=Bearer s3cr3t==",
        "headers", "s3cr3t", "headers", "a=b, s3cr3t", "headers", "authorization: s3cr3t",
        "headers", "x=\x01s3cr3t", "headers", "=s3cr3t", "headers", "a=x=s3cr3t",
        "endpoint", "http://s3cr3t@gate:1", "endpoint", "http://me:s3cr3t@gate:1/api/v2/spans",
        "endpoint", "https://me:s3cr3t@gate", "endpoint", "me:s3cr3t@gate:1",
        "endpoint", "http://me:s3cr3t@", "endpoint", "http://me:s3cr3t@gate:99999",
        "endpoint", "http://me:s3cr3t/x@gate:1", "endpoint", "http://me:s3cr3t?x@gate:1",
        "endpoint", "http://me:s3cr3t#@gate:1", "endpoint", "http://me:p@s3cr3t@gate:1",
        "endpoint", "http://me:s3cr3t", "endpoint", "http://me:s3cr3t:9411",
        "endpoint", "http://gate:1/s3cr3t", "endpoint", "http://gate:1/api/v2/spans/s3cr3t",
        "endpoint", "http://gate:1/?key=s3cr3t", "endpoint", "gate:1?s3cr3t", "endpoint",
        "gate?api-key=s3cr3t", "endpoint", "http://gate:1/api/v2/spans?key=s3cr3t",
        "endpoint", "http://gate:1/#s3cr3t", "endpoint", "ftp://me:s3cr3t@gate:1",
        "endpoint", "HTTP://me:s3cr3t@gate:1", "endpoint", "http:/me:s3cr3t@gate:1",
        "endpoint", "http://gate:s3cr3t", "endpoint", "//me:s3cr3t@gate", "endpoint",
        "http://[s3cr3t]:1", "endpoint", "http://me%3As3cr3t%40gate:1", "endpoint",
        "http://me:\ns3cr3t@gate:1", "endpoint", "http://me:s3cr3t\\@gate:1",
    };
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i += 2) {
        char variable[64], shown[16384];
        snprintf(variable, sizeof variable, "DIVAK_%s",
                 strcmp(secrets[i], "headers") == 0 ? "HEADERS" : "ENDPOINT");
        divak_config *config = fresh(), *other = WITH(variable, secrets[i + 1]);
        int status = divak_config_set(config, secrets[i], secrets[i + 1]);
        show_all(config, shown, sizeof shown);
        bool is_shown = strstr(shown, "s3cr3t") != NULL;
        show_all(other, shown, sizeof shown);
        is_shown |= strstr(shown, "s3cr3t") != NULL;
        if (status != DIVAK_OK) is_shown |= divak_config_error(other)[0] == '\0';
        if (is_shown) printf("  %s = %s\n", secrets[i], secrets[i + 1]);
        CHECK(!is_shown);
        if (strcmp(secrets[i], "endpoint") == 0) {
            divak_config_add_zipkin_reporter(config, secrets[i + 1]);
            CHECK(strstr(divak_config_error(config), "s3cr3t") == NULL);
        }
        divak_config_destroy(config);
        divak_config_destroy(other);
    }
}

TEST(what_is_no_secret_is_shown_beside_them) {
    divak_config *config = fresh();
    CHECK_INT(DIVAK_OK, divak_config_set(config, "headers", "authorization=abc, x-team = a"));
    CHECK_INT(DIVAK_OK, divak_config_set(config, "endpoint", "http://me:pass@[::1]:99/in?key=1"));
    check_setting(config, "headers", "authorization=REDACTED,x-team=REDACTED", DIVAK_SOURCE_CODE,
                  "DIVAK_HEADERS");
    check_setting(config, "endpoint", "http://REDACTED@[::1]:99/REDACTED?REDACTED",
                  DIVAK_SOURCE_CODE, "DIVAK_ENDPOINT");
    CHECK_INT(DIVAK_OK, divak_config_set(config, "endpoint", "HTTPS://me:pass@gate/in@out:x"));
    check_setting(config, "endpoint", "https://REDACTED@gate/REDACTED", DIVAK_SOURCE_CODE,
                  "DIVAK_ENDPOINT");
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "endpoint", "http://me:pw@gate:99999"));
    check_error(config, "endpoint: \"http://REDACTED@gate:99999\" is not accepted: the port is not "
                        "1 to 65535; accepted: host:port or "
                        "http(s)://[user:password@]host[:port][/path]");
    divak_config_destroy(config);
}

TEST(a_port_that_is_none_leaves_its_host_to_be_seen) {
    static const char *const shown[] = {
        "127.0.0.1:abc",     "127.0.0.1:REDACTED", "http://gate:94l1",  "http://gate:REDACTED",
        "https://[::1]:x/a", "https://[::1]:REDACTED/REDACTED", "gate:-1", "gate:REDACTED",
        "127.0.0.1:99999",   "127.0.0.1:99999",    ":9411",             ":9411",
        ":x",                ":REDACTED",          "[::1x]:9411",       "REDACTED",
        "ga te:9411",        "REDACTED",           "me@:x",             "REDACTED@:REDACTED",
    };
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i += 2) {
        divak_config *config = fresh();
        char beginning[128];
        snprintf(beginning, sizeof beginning, "endpoint: \"%s\" is not accepted: ", shown[i + 1]);
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "endpoint", shown[i]));
        bool is_shown = strncmp(divak_config_error(config), beginning, strlen(beginning)) == 0;
        if (!is_shown) printf("  %s: %s\n", shown[i], divak_config_error(config));
        CHECK(is_shown);
        divak_config_destroy(config);
    }
}

TEST(long_and_strange_values_are_shown_short_and_harmless) {
    divak_config *config = fresh();
    char *huge = malloc(70001);
    memset(huge, 'x', 70000);
    huge[70000] = '\0';
    for (size_t row = 0; row < DIVAK_SETTING_COUNT; row++) {
        const char *name = divak_setting_rows[row].name;
        CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, name, huge));
        CHECK(strlen(divak_config_error(config)) < 400);
    }
    free(huge);
    const char *strange = "\x1b[31m\n\xff\xc2\x9b\xc3\xa9";
    CHECK_INT(DIVAK_ERROR_INVALID, divak_config_set(config, "log", strange));
    check_error(config, "log: \"?[31m???\xc3\xa9\" is not accepted: off, warn or debug");
    divak_config_destroy(config);
}

CHECK_MAIN()
