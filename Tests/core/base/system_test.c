/* system_test.c - what is asked of the operating system: the address and the name that spans carry by default. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/system.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"

/* ---- Addresses ---- */

/* The choice among addresses in this order, separated by blanks; "-" is an interface without one, ":" one of IPv6. */
static const char *chosen_of(const char *addresses) {
    static char out[INET_ADDRSTRLEN];
    struct ifaddrs list[16] = {{0}};
    struct sockaddr_in v4[16] = {{0}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    char text[256];
    size_t count = 0;
    snprintf(text, sizeof text, "%s", addresses);
    for (char *rest = text, *one; (one = strtok_r(rest, " ", &rest)) != NULL; count++) {
        if (count > 0) list[count - 1].ifa_next = &list[count];
        if (*one == '-') continue;
        if (*one == ':') {
            list[count].ifa_addr = (struct sockaddr *)(void *)&v6;
            continue;
        }
        v4[count].sin_family = AF_INET;
        CHECK_INT(1, inet_pton(AF_INET, one, &v4[count].sin_addr));
        list[count].ifa_addr = (struct sockaddr *)(void *)&v4[count];
    }
    struct in_addr found = {divak_system_choose_ipv4(count == 0 ? NULL : list)};
    return found.s_addr == 0 ? "none" : inet_ntop(AF_INET, &found, out, sizeof out);
}

static void check_chosen(const char *expected, const char *addresses) {
    const char *chosen = chosen_of(addresses);
    CHECK_TEXT(expected, chosen, strlen(chosen));
}

TEST(the_first_site_local_address_is_chosen_else_the_first_that_is_no_loopback) {
    check_chosen("none", "");
    check_chosen("none", "127.0.0.1");
    check_chosen("none", "127.0.0.1 127.255.0.9 0.0.0.0 - :");
    check_chosen("203.0.113.5", "127.0.0.1 203.0.113.5 198.51.100.1");
    check_chosen("10.1.2.3", "127.0.0.1 203.0.113.5 10.1.2.3 192.168.0.1");
    check_chosen("192.168.0.1", "- : 192.168.0.1 203.0.113.5 10.1.2.3");
    check_chosen("172.16.0.1", "203.0.113.5 172.16.0.1 10.0.0.1");
    check_chosen("172.31.255.255", "203.0.113.5 172.31.255.255");
    check_chosen("192.168.255.255", "203.0.113.5 192.168.255.255");
    check_chosen("10.255.255.255", "203.0.113.5 10.255.255.255");
}

TEST(an_address_next_to_a_site_local_range_is_not_of_it) {
    static const char *const beside[] = {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"};
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        char both[64];
        snprintf(both, sizeof both, "%s 10.0.0.1", beside[i]);
        check_chosen("10.0.0.1", both);
        check_chosen(beside[i], beside[i]);
    }
}

TEST(the_address_of_this_host_is_one_of_its_interfaces) {
    uint32_t address = divak_system_local_ipv4();
    struct ifaddrs *all;
    CHECK_INT(0, getifaddrs(&all));
    bool is_there = address == 0;
    for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET) continue;
        struct sockaddr_in v4;
        memcpy(&v4, one->ifa_addr, sizeof v4);
        is_there |= v4.sin_addr.s_addr == address;
    }
    CHECK(is_there);
    CHECK_INT(divak_system_choose_ipv4(all), address);
    freeifaddrs(all);
}

/* ---- The program ---- */

TEST(the_name_of_the_program_is_that_of_its_file_cut_to_what_there_is_room_for) {
    char name[256], short_name[8];
    divak_system_program_name(name, sizeof name);
    CHECK_TEXT("base_system_test", name, strlen(name));
    divak_system_program_name(short_name, sizeof short_name);
    CHECK_TEXT("base_sy", short_name, strlen(short_name));
}

CHECK_MAIN()
