/* http_address.c - tables of addresses that are not talked to, and the meaning of loopback. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "export/http_address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

typedef struct {
    uint8_t prefix[16];
    unsigned bits;
} address_range;

static const address_range refused_v4[] = {
    {{0}, 8},                   /* this network; 0.0.0.0 connects to this host */
    {{169, 254}, 16},           /* link-local: the metadata service of most clouds */
    {{100, 100, 100, 200}, 32}, /* the same of Alibaba */
    {{192, 0, 0, 192}, 32},     /* and of Oracle */
};

static const address_range refused_v6[] = {
    {{0}, 128},                                                                /* :: */
    {{0xfe, 0x80}, 10},                                                        /* link-local */
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128}, /* metadata of EC2 */
};

/* IPv6 prefixes of 96 bits after which an IPv4 address follows: mapped, compatible, and NAT64. */
static const address_range carriers[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},
    {{0}, 96},
    {{0x00, 0x64, 0xff, 0x9b}, 96},
};

static bool is_inside(const uint8_t *bytes, const address_range *range) {
    unsigned whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(bytes, range->prefix, whole) != 0) return false;
    if (rest == 0) return true;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return (bytes[whole] & mask) == (range->prefix[whole] & mask);
}

static bool is_inside_any(const uint8_t *bytes, const address_range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (is_inside(bytes, &ranges[i])) return true;
    }
    return false;
}

static bool is_loopback_v6(const uint8_t *bytes) {
    static const uint8_t loopback[16] = {[15] = 1};
    return memcmp(bytes, loopback, sizeof loopback) == 0;
}

bool divak_http_address_is_refused_v4(const uint8_t bytes[4]) {
    return is_inside_any(bytes, refused_v4, sizeof refused_v4 / sizeof refused_v4[0]);
}

bool divak_http_address_is_refused_v6(const uint8_t bytes[16]) {
    if (is_loopback_v6(bytes)) return false; /* it would pass for the compatible form of 0.0.0.1 */
    if (is_inside_any(bytes, refused_v6, sizeof refused_v6 / sizeof refused_v6[0])) return true;
    if (!is_inside_any(bytes, carriers, sizeof carriers / sizeof carriers[0])) return false;
    return divak_http_address_is_refused_v4(bytes + 12);
}

/* Copies `text` up to the end, a zone or the closing bracket; false if it doesn't fit. */
static bool strip(const char *text, char *out, size_t capacity) {
    if (*text == '[') text++;
    size_t length = strcspn(text, "%]");
    if (length >= capacity) return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

bool divak_http_address_is_refused(const char *text) {
    char plain[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (text == NULL || !strip(text, plain, sizeof plain)) return true;
    if (inet_pton(AF_INET, plain, bytes) == 1) return divak_http_address_is_refused_v4(bytes);
    if (inet_pton(AF_INET6, plain, bytes) == 1) return divak_http_address_is_refused_v6(bytes);
    return true;
}

bool divak_http_host_is_loopback(const char *host) {
    static const char name[] = "localhost";
    enum { NAME_LENGTH = sizeof name - 1 };
    if (host == NULL) return false;
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.') length--;
    if (length >= NAME_LENGTH && strncasecmp(host + length - NAME_LENGTH, name, NAME_LENGTH) == 0) {
        return length == NAME_LENGTH || host[length - NAME_LENGTH - 1] == '.';
    }
    char plain[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    if (!strip(host, plain, sizeof plain)) return false;
    if (inet_pton(AF_INET, plain, bytes) == 1) return bytes[0] == 127;
    if (inet_pton(AF_INET6, plain, bytes) != 1) return false;
    return is_loopback_v6(bytes) || (is_inside(bytes, &carriers[0]) && bytes[12] == 127);
}
