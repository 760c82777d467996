/* SPDX-License-Identifier: Apache-2.0 */
/* url_test.c - the collector's address: what is filled in, what is shown, what is refused. */
#include "wire/url.h"

#include "check.h"
#include "divak/status.h"
#include "mutate.h"

#define SPANS "/api/v2/spans"

static const struct {
    const char *text, *full, *display;
} good[] = {
    {"localhost:9411", "http://localhost:9411" SPANS, "http://localhost:9411"},
    {"127.0.0.1:9411", "http://127.0.0.1:9411" SPANS, "http://127.0.0.1:9411"},
    {"zipkin:1", "http://zipkin:1" SPANS, "http://zipkin:1"},
    {"zipkin:65535", "http://zipkin:65535" SPANS, "http://zipkin:65535"},
    {"zipkin:9411/", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"zipkin:9411/api/v2", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411/", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411/api/v2", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411/api/v2/", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411/api/v2/spans", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin:9411/api/v2/spans/", "http://zipkin:9411" SPANS, "http://zipkin:9411"},
    {"http://zipkin", "http://zipkin:80" SPANS, "http://zipkin:80"},
    {"https://zipkin", "https://zipkin:443" SPANS, "https://zipkin:443"},
    {"HTTPS://Zipkin.Example.COM", "https://zipkin.example.com:443" SPANS,
     "https://zipkin.example.com:443"},
    {"https://z.example.com./api/v2", "https://z.example.com.:443" SPANS,
     "https://z.example.com.:443"},
    {"my_zipkin-1:9411", "http://my_zipkin-1:9411" SPANS, "http://my_zipkin-1:9411"},
    {"9411.example:80", "http://9411.example:80" SPANS, "http://9411.example:80"},
    {"1a:80", "http://1a:80" SPANS, "http://1a:80"},
    /* Another path is kept as given, and so is a query. */
    {"http://zipkin:9411/ingest", "http://zipkin:9411/ingest", "http://zipkin:9411"},
    {"http://zipkin:9411/ingest/", "http://zipkin:9411/ingest/", "http://zipkin:9411"},
    {"http://zipkin:9411/API/v2", "http://zipkin:9411/API/v2", "http://zipkin:9411"},
    {"http://zipkin:9411//", "http://zipkin:9411//", "http://zipkin:9411"},
    {"http://zipkin:9411/x/api/v2/spans", "http://zipkin:9411/x/api/v2/spans",
     "http://zipkin:9411"},
    {"zipkin:9411/a%20b;c@d:e", "http://zipkin:9411/a%20b;c@d:e", "http://zipkin:9411"},
    {"http://zipkin:9411?key=secret", "http://zipkin:9411" SPANS "?key=secret",
     "http://zipkin:9411"},
    {"http://zipkin:9411/in?key=a/b?c", "http://zipkin:9411/in?key=a/b?c", "http://zipkin:9411"},
    {"zipkin:9411?to=http://x", "http://zipkin:9411" SPANS "?to=http://x", "http://zipkin:9411"},
    /* IPv6 stands in brackets. */
    {"[::1]:9411", "http://[::1]:9411" SPANS, "http://[::1]:9411"},
    {"http://[::1]", "http://[::1]:80" SPANS, "http://[::1]:80"},
    {"http://[2001:DB8::1]:9411/in", "http://[2001:db8::1]:9411/in", "http://[2001:db8::1]:9411"},
    {"http://[::ffff:10.0.0.1]:1", "http://[::ffff:10.0.0.1]:1" SPANS,
     "http://[::ffff:10.0.0.1]:1"},
    /* User and password go to the transport and are shown to nobody. */
    {"http://user:secret@gate:8080/in", "http://user:secret@gate:8080/in", "http://gate:8080"},
    {"user:secret@gate:8080", "http://user:secret@gate:8080" SPANS, "http://gate:8080"},
    {"https://user:p%40ss@[::1]", "https://user:p%40ss@[::1]:443" SPANS, "https://[::1]:443"},
    {"http://token@gate", "http://token@gate:80" SPANS, "http://gate:80"},
    {"http://:secret@gate", "http://:secret@gate:80" SPANS, "http://gate:80"},
};

TEST(an_address_is_completed_and_shown_without_its_secrets) {
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char buffer[DIVAK_URL_BUFFER_SIZE];
        divak_url url = {.full = NULL};
        const char *error = NULL;
        int status = divak_url_parse(good[i].text, strlen(good[i].text), buffer, sizeof buffer,
                                     &url, &error);
        if (status != DIVAK_OK) printf("  row: %s: %s\n", good[i].text, error);
        CHECK_INT(DIVAK_OK, status);
        if (status != DIVAK_OK) continue;
        CHECK_TEXT(good[i].full, url.full, url.full_length);
        CHECK_TEXT(good[i].display, url.display, url.display_length);
        CHECK(url.full[url.full_length] == '\0' && url.display[url.display_length] == '\0');
        CHECK_INT(strncmp(good[i].full, "https", 5) == 0, url.is_https);
        CHECK_INT(strtol(strrchr(good[i].display, ':') + 1, NULL, 10), url.port);

        /* What came out goes in again and stays as it is. */
        char second[DIVAK_URL_BUFFER_SIZE];
        divak_url again;
        CHECK_INT(DIVAK_OK, divak_url_parse(url.full, url.full_length, second, sizeof second,
                                            &again, NULL));
        CHECK_TEXT(url.full, again.full, again.full_length);
        CHECK_TEXT(url.display, again.display, again.display_length);
    }
}

static const struct {
    const char *text, *because; /* a part of what is said */
} bad[] = {
    {"", "empty"},
    {"zipkin", "port is missing"},
    {"true", "port is missing"},
    {"/api/v2/spans", "host is missing"},
    {":9411", "host is missing"},
    {"http://", "host is missing"},
    {"http://:9411", "host is missing"},
    {"http:///api/v2", "host is missing"},
    {"http://user@", "host is missing"},
    {"://zipkin:9411", "scheme"},
    {"ftp://zipkin:9411", "scheme"},
    {"httpx://zipkin:9411", "scheme"},
    {"file:///etc/passwd", "scheme"},
    {"https ://zipkin:9411", "scheme"},
    {"zipkin:0", "port"},
    {"zipkin:65536", "port"},
    {"zipkin:99999999999999999999", "port"},
    {"zipkin:", "port"},
    {"http://zipkin:", "port"},
    {"zipkin:-1", "port"},
    {"zipkin:+80", "port"},
    {"zipkin:80a", "port"},
    {"zipkin: 80", "port"},
    {"zipkin:0x50", "port"},
    {"zipkin:000080", "port"},
    {"http:/zipkin:9411", "port"},
    {"http:zipkin:9411", "colons"},
    {"::1:9411", "colons"},
    {"zipkin:9411:9412", "colons"},
    {"[::1", "no ]"},
    {"[]:9411", "IPv6"},
    {"[zipkin]:9411", "IPv6"},
    {"[127.0.0.1]:9411", "IPv6"},
    {"[::1%25eth0]:9411", "IPv6"},
    {"[fe80::1%eth0]:9411", "IPv6"},
    {"[1:2:3:4:5:6:7:8:9]:9411", "IPv6"},
    {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:1", "IPv6"},
    {"[::1]9411", "port"},
    {"[::1]", "port is missing"},
    {"zip kin:9411", "host"},
    {" zipkin:9411", "host"},
    {"zipkin\t:9411", "host"},
    {"zipkin:9411 ", "port"},
    {"zipkin:9411\n", "port"},
    {"zip%6bin:9411", "host"},
    {"zipk\xc3\xacn:9411", "host"},
    {"zip..kin:9411", "host"},
    {".zipkin:9411", "host"},
    {".:9411", "host"},
    {"zip*kin:9411", "host"},
    {"zipkin\\@evil:9411", "percent-encoded"},
    /* Numbers that are only almost an address. */
    {"127.1:9411", "host"},
    {"256.0.0.1:9411", "host"},
    {"1.2.3.4.5:9411", "host"},
    {"0177.0.0.1:9411", "host"},
    {"2130706433:9411", "host"},
    {"0x7f000001:9411", "host"},
    {"0x7f.1:9411", "host"},
    {"127.0.0.0x1:9411", "host"},
    {"127.0.0.1.:9411", "host"},
    /* Which host would it be? */
    {"http://a@b@c:9411", "host"},
    {"http://us er@zipkin:9411", "percent-encoded"},
    {"http://us\ner@zipkin:9411", "percent-encoded"},
    {"http://us%er@zipkin:9411", "percent-encoded"},
    {"zipkin:9411/a b", "percent-encoded"},
    {"zipkin:9411/a\r\nX: y", "percent-encoded"},
    {"zipkin:9411/%zz", "percent-encoded"},
    {"zipkin:9411/a%2", "percent-encoded"},
    {"zipkin:9411/\xc3\xa9", "percent-encoded"},
    {"zipkin:9411/\"", "percent-encoded"},
    {"zipkin:9411/<x>", "percent-encoded"},
    {"zipkin:9411/[x]", "percent-encoded"},
    {"zipkin:9411/a\\b", "percent-encoded"},
    {"zipkin:9411/#top", "fragment"},
    {"zipkin:9411#top", "fragment"},
};

TEST(a_bad_address_is_refused_with_the_reason) {
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char buffer[DIVAK_URL_BUFFER_SIZE];
        divak_url url = {.port = 4242};
        const char *error = "";
        int status =
            divak_url_parse(bad[i].text, strlen(bad[i].text), buffer, sizeof buffer, &url, &error);
        bool is_right = status == DIVAK_ERROR_INVALID && strstr(error, bad[i].because) != NULL &&
                        strstr(error, "accepted: ") != NULL && url.port == 4242;
        if (!is_right) printf("  row: %s: %s\n", bad[i].text, error);
        CHECK(is_right);
    }
    divak_url url;
    char buffer[DIVAK_URL_BUFFER_SIZE];
    const char *error = NULL;
    CHECK_INT(DIVAK_ERROR_INVALID, divak_url_parse(NULL, 0, buffer, sizeof buffer, &url, &error));
    CHECK(error != NULL);
    CHECK_INT(DIVAK_ERROR_INVALID,
              divak_url_parse("zip\0kin:1", 9, buffer, sizeof buffer, &url, NULL));
    CHECK_INT(DIVAK_ERROR_INVALID,
              divak_url_parse("[::1\0]:1", 8, buffer, sizeof buffer, &url, NULL));
}

TEST(the_loopback_is_known_in_all_its_names) {
    static const struct {
        const char *text;
        bool is_loopback;
    } rows[] = {
        {"localhost:1", true}, {"LOCALHOST:1", true}, {"localhost.:1", true},
        {"a.localhost:1", true}, {"127.0.0.1:1", true}, {"127.9.8.7:1", true}, {"[::1]:1", true},
        {"[0:0:0:0:0:0:0:1]:1", true}, {"128.0.0.1:1", false}, {"[::2]:1", false},
        {"localhost.evil.com:1", false}, {"alocalhost:1", false}, {"localhos:1", false},
        {"10.0.0.127:1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[DIVAK_URL_BUFFER_SIZE];
        divak_url url;
        CHECK_INT(DIVAK_OK, divak_url_parse(rows[i].text, strlen(rows[i].text), buffer,
                                            sizeof buffer, &url, NULL));
        CHECK_INT(rows[i].is_loopback, url.is_loopback);
    }
}

TEST(a_host_has_at_most_253_bytes_and_a_label_63) {
    char text[300], buffer[DIVAK_URL_BUFFER_SIZE];
    divak_url url;
    for (size_t label = 62; label <= 64; label++) {
        memset(text, 'x', label);
        memcpy(text + label, ".de:1", 5);
        CHECK_INT(label <= 63 ? DIVAK_OK : DIVAK_ERROR_INVALID,
                  divak_url_parse(text, label + 5, buffer, sizeof buffer, &url, NULL));
    }
    for (size_t length = 250; length <= 256; length++) {
        for (size_t i = 0; i < length; i++) text[i] = i % 50 == 49 ? '.' : 'x';
        memcpy(text + length, ":1", 2);
        CHECK_INT(length <= 253 ? DIVAK_OK : DIVAK_ERROR_INVALID,
                  divak_url_parse(text, length + 2, buffer, sizeof buffer, &url, NULL));
    }
}

static regex_t url_expression, numeric_expression;

/* Only what the form decides: whether a numeric host is an address is left to the rows above. */
static void judge(const char *text, size_t length) {
    char buffer[DIVAK_URL_BUFFER_SIZE];
    divak_url url;
    bool is_read = divak_url_parse(text, length, buffer, sizeof buffer, &url, NULL) == DIVAK_OK;
    regmatch_t groups[12];
    bool is_legal = mutate_matches(&url_expression, text, length, groups, 12);
    if (is_legal) {
        regmatch_t scheme = groups[1], host = groups[5], port = groups[9];
        if (scheme.rm_so < 0 && port.rm_so < 0) is_legal = false;
        if (port.rm_so >= 0) {
            char number[8] = {0};
            memcpy(number, text + port.rm_so, (size_t)(port.rm_eo - port.rm_so));
            long value = strtol(number, NULL, 10);
            is_legal = is_legal && value >= 1 && value <= 65535;
        }
        if (host.rm_so < 0) return; /* in brackets */
        if (mutate_matches(&numeric_expression, text + host.rm_so,
                           (size_t)(host.rm_eo - host.rm_so), NULL, 0)) {
            return;
        }
    }
    if (is_legal != is_read) {
        printf("  %s: %.*s\n", is_read ? "accepted" : "refused", (int)length, text);
    }
    CHECK_INT(is_legal, is_read);
    if (!is_read) return;
    /* Nothing shown was in user, path or query, and nothing at all is a control character. */
    CHECK(strpbrk(url.display, "@?#% ") == NULL);
    CHECK(strchr(strstr(url.display, "://") + 3, '/') == NULL);
    for (size_t i = 0; i < url.full_length; i++) CHECK(url.full[i] > 0x20 && url.full[i] < 0x7f);
}

TEST(one_mistake_in_an_address_is_judged_as_by_a_regular_expression) {
#define PLAIN "0-9A-Za-z._~!$&'()*+,;="
#define ENCODED "%[0-9A-Fa-f][0-9A-Fa-f]"
#define LABEL "[0-9A-Za-z_-]+"
    url_expression =
        mutate_expression("^([hH][tT][tT][pP][sS]?://)?"
                          "(([" PLAIN ":-]|" ENCODED ")*@)?"
                          "((" LABEL "(\\." LABEL ")*\\.?)|\\[[0-9A-Fa-f:.]+\\])"
                          "(:(0*([0-9]{1,5})))?"
                          "([/?]([" PLAIN ":@/?-]|" ENCODED ")*)?$");
    numeric_expression = mutate_expression("^((.*\\.)?([0-9]+|0[xX][^.]*)\\.?|)$");
    mutate_all("zipkin:9411", judge);
    mutate_all("http://zipkin", judge);
    mutate_all("https://z.example.com:443/api/v2", judge);
    mutate_all("http://user:p%40@gate:8080/in/?k=v", judge);
    regfree(&url_expression);
    regfree(&numeric_expression);
}

TEST(the_buffer_size_suffices_for_the_longest_address_and_less_is_refused_not_overrun) {
    char *text = malloc(DIVAK_URL_MAX + 1);
    if (text == NULL) abort();
    static const char *const heads[] = {"http://zipkin:9411/", "user:", "zipkin:9411?"};
    static const char *const tails[] = {"", "@zipkin:9411", ""};
    for (size_t k = 0; k < 3; k++) {
        memset(text, 'x', DIVAK_URL_MAX + 1);
        memcpy(text, heads[k], strlen(heads[k]));
        memcpy(text + DIVAK_URL_MAX - strlen(tails[k]), tails[k], strlen(tails[k]));
        char *buffer = malloc(DIVAK_URL_BUFFER_SIZE);
        if (buffer == NULL) abort();
        divak_url url;
        CHECK_INT(DIVAK_OK, divak_url_parse(text, DIVAK_URL_MAX, buffer, DIVAK_URL_BUFFER_SIZE,
                                            &url, NULL));
        CHECK_INT(DIVAK_ERROR_INVALID, divak_url_parse(text, DIVAK_URL_MAX + 1, buffer,
                                                       DIVAK_URL_BUFFER_SIZE, &url, NULL));
        free(buffer);
    }
    free(text);
    const char *address = "user:secret@gate:80/in";
    size_t needed = strlen("http://user:secret@gate:80/in") + 1 + strlen("http://gate:80") + 1;
    for (size_t capacity = 0; capacity <= needed; capacity++) {
        char *buffer = malloc(capacity == 0 ? 1 : capacity);
        if (buffer == NULL) abort();
        divak_url url;
        CHECK_INT(capacity == needed ? DIVAK_OK : DIVAK_ERROR_INVALID,
                  divak_url_parse(address, strlen(address), buffer, capacity, &url, NULL));
        free(buffer);
    }
}

CHECK_MAIN()
