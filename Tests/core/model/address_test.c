/* SPDX-License-Identifier: Apache-2.0 */
/* address_test.c - texts that are addresses, and texts that are none and change nothing. */
#include "check.h"
#include "divak/span.h"

/* From a block of exactly its size, so that a sanitizer sees a read beyond it. */
static int set(divak_endpoint *endpoint, const char *text) {
    size_t length = strlen(text);
    char *copy = malloc(length == 0 ? 1 : length);
    memcpy(copy, text, length);
    int status = divak_endpoint_set_address(endpoint, copy, length);
    free(copy);
    return status;
}

TEST(every_form_of_an_ipv4_address_is_taken) {
    static const struct {
        const char *text;
        uint8_t bytes[4];
        uint16_t port;
    } cases[] = {
        {"192.0.2.1", {192, 0, 2, 1}, 0},
        {"192.0.2.1:80", {192, 0, 2, 1}, 80},
        {"0.0.0.0:65535", {0, 0, 0, 0}, 65535},
        {" 192.0.2.1\t", {192, 0, 2, 1}, 0},
        {"203.0.113.7, 10.0.0.1, 10.0.0.2", {203, 0, 113, 7}, 0}, /* X-Forwarded-For: the first */
        {"203.0.113.7:1234,garbage", {203, 0, 113, 7}, 1234},
        {"::ffff:192.0.2.1", {192, 0, 2, 1}, 0},
        {"[::ffff:192.0.2.1]:81", {192, 0, 2, 1}, 81},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        divak_endpoint endpoint = {.service = NULL};
        CHECK_INT(DIVAK_OK, set(&endpoint, cases[i].text));
        CHECK(endpoint.has_ipv4 && !endpoint.has_ipv6);
        CHECK(memcmp(endpoint.ipv4, cases[i].bytes, 4) == 0);
        CHECK_INT(cases[i].port, endpoint.port);
    }
}

TEST(every_form_of_an_ipv6_address_is_taken) {
    static const struct {
        const char *text;
        uint8_t first, last;
        uint16_t port;
    } cases[] = {
        {"2001:db8::1", 0x20, 1, 0},  {"[2001:db8::1]", 0x20, 1, 0}, {"[2001:db8::1]:80", 0x20, 1, 80},
        {"::1", 0, 1, 0},             {"::", 0, 0, 0},
        {"fe80:0:0:0:0:0:0:ff, 1.2.3.4", 0xfe, 0xff, 0},
        {"2001:0db8:0000:0000:0000:0000:192.168.100.228", 0x20, 228, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        divak_endpoint endpoint = {.service = NULL};
        CHECK_INT(DIVAK_OK, set(&endpoint, cases[i].text));
        CHECK(endpoint.has_ipv6 && !endpoint.has_ipv4);
        CHECK_INT(cases[i].first, endpoint.ipv6[0]);
        CHECK_INT(cases[i].last, endpoint.ipv6[15]);
        CHECK_INT(cases[i].port, endpoint.port);
    }
}

TEST(what_is_no_address_is_refused_and_changes_nothing) {
    static const char *const texts[] = {
        "",          " ",          ",",           "localhost",   "example.org:80", "1.2.3",
        "1.2.3.4.5", "256.1.1.1",  "1.2.3.4:",    "1.2.3.4:x",   "1.2.3.4:65536",  "1.2.3.4:-1",
        "1.2.3.4:80:", ":80",      "[::1",        "::1]",        "[::1]x",         "[::1]:",
        "[::1]:99999", "[::1]80",  "[]",          "[",           "]",              "[]:80",
        "1.2.3.4 5", "1.2.3.4:000080", "2001:db8::1::2", "12345::1", "fe80::1%eth0", ", 1.2.3.4",
        "2001:0db8:0000:0000:0000:0000:0192.0168.0100.0228", "\x01", "unknown", "1.2.3.4\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        divak_endpoint before, endpoint;
        memset(&before, 0xa5, sizeof before);
        before.has_ipv4 = before.has_ipv6 = true;
        endpoint = before;
        int status = set(&endpoint, texts[i]);
        if (status != DIVAK_ERROR_INVALID) printf("  taken: \"%s\"\n", texts[i]);
        CHECK_INT(DIVAK_ERROR_INVALID, status);
        CHECK(memcmp(&before, &endpoint, sizeof before) == 0);
    }
    divak_endpoint endpoint = {.service = NULL};
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(NULL, "1.2.3.4", 7));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(&endpoint, NULL, 7));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(&endpoint, NULL, 0));
    CHECK_INT(DIVAK_ERROR_INVALID, divak_endpoint_set_address(&endpoint, "1.2.3.4\0x", 9));
}

TEST(an_address_without_port_leaves_the_port_and_the_other_family_alone) {
    divak_endpoint endpoint = {.port = 99};
    CHECK_INT(DIVAK_OK, set(&endpoint, "1.2.3.4"));
    CHECK_INT(99, endpoint.port);
    CHECK_INT(DIVAK_OK, set(&endpoint, "::1"));
    CHECK(endpoint.has_ipv4 && endpoint.has_ipv6);
    CHECK_INT(4, endpoint.ipv4[3]);
}

CHECK_MAIN()
