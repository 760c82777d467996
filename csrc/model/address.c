/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - endpoints from text: "192.0.2.1", "2001:db8::1", with or without a port, or a list of them. */
#include <arpa/inet.h>
#include <string.h>

#include "divak/span.h"

static void trim(const char **text, size_t *length) {
    while (*length != 0 && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
        (*text)++;
        (*length)--;
    }
    while (*length != 0 && ((*text)[*length - 1] == ' ' || (*text)[*length - 1] == '\t')) (*length)--;
}

static bool parse_port(const char *text, size_t length, uint16_t *out_port) {
    if (length == 0 || length > 5) return false;
    uint32_t port = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (port > 65535) return false;
    *out_port = (uint16_t)port;
    return true;
}

static bool is_mapped_ipv4(const uint8_t ipv6[16]) {
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(ipv6, prefix, sizeof prefix) == 0;
}

int divak_endpoint_set_address(divak_endpoint *endpoint, const char *address, size_t length) {
    if (endpoint == NULL || address == NULL) return DIVAK_ERROR_INVALID;
    const char *comma = memchr(address, ',', length);
    if (comma != NULL) length = (size_t)(comma - address);
    trim(&address, &length);

    const char *host = address;
    size_t host_length = length;
    uint16_t port = 0;
    bool has_port = false;
    if (length != 0 && address[0] == '[') {
        const char *end = memchr(address, ']', length);
        if (end == NULL) return DIVAK_ERROR_INVALID;
        host = address + 1;
        host_length = (size_t)(end - host);
        size_t rest = length - host_length - 2;
        if (rest != 0) {
            if (end[1] != ':' || !parse_port(end + 2, rest - 1, &port)) return DIVAK_ERROR_INVALID;
            has_port = true;
        }
    } else {
        const char *colon = memchr(address, ':', length);
        bool is_only_colon =
            colon != NULL && memchr(colon + 1, ':', length - (size_t)(colon - address) - 1) == NULL;
        if (is_only_colon) {
            host_length = (size_t)(colon - address);
            if (!parse_port(colon + 1, length - host_length - 1, &port)) return DIVAK_ERROR_INVALID;
            has_port = true;
        }
    }
    char text[INET6_ADDRSTRLEN];
    if (host_length == 0 || host_length >= sizeof text) return DIVAK_ERROR_INVALID;
    if (memchr(host, 0, host_length) != NULL) return DIVAK_ERROR_INVALID;
    memcpy(text, host, host_length);
    text[host_length] = 0;
    uint8_t ipv4[4], ipv6[16];
    if (inet_pton(AF_INET, text, ipv4) == 1) {
        memcpy(endpoint->ipv4, ipv4, sizeof ipv4);
        endpoint->has_ipv4 = true;
    } else if (inet_pton(AF_INET6, text, ipv6) == 1) {
        if (is_mapped_ipv4(ipv6)) {
            memcpy(endpoint->ipv4, ipv6 + 12, sizeof endpoint->ipv4);
            endpoint->has_ipv4 = true;
        } else {
            memcpy(endpoint->ipv6, ipv6, sizeof ipv6);
            endpoint->has_ipv6 = true;
        }
    } else {
        return DIVAK_ERROR_INVALID;
    }
    if (has_port) endpoint->port = port;
    return DIVAK_OK;
}
