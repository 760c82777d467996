/* http_address_test.c - addresses that are refused, and names that mean this machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "export/http_address.h"

static void check_all(bool (*function)(const char *), const char *const *texts, bool expected) {
    for (; *texts != NULL; texts++) {
        if (function(*texts) == expected) continue;
        printf("  %s\n", *texts);
        CHECK(function(*texts) == expected);
    }
}

TEST(link_local_metadata_and_null_addresses_are_refused_in_every_form) {
    static const char *const refused[] = {"169.254.169.254",
                                          "169.254.0.0",
                                          "169.254.255.255",
                                          "169.254.170.2",
                                          "100.100.100.200",
                                          "192.0.0.192",
                                          "0.0.0.0",
                                          "0.1.2.3",
                                          "::",
                                          "fe80::1",
                                          "fe80::1%eth0",
                                          "[fe80::1]",
                                          "febf::1",
                                          "fd00:ec2::254",
                                          "::ffff:169.254.169.254",
                                          "::169.254.169.254",
                                          "64:ff9b::169.254.169.254",
                                          "::ffff:0.0.0.0",
                                          "::ffff:100.100.100.200",
                                          "",
                                          "collector",
                                          "169.254.169",
                                          "1.2.3.4.5",
                                          "fe80::%",
                                          "12345678901234567890123456789012345678901234567890",
                                          NULL};
    check_all(divak_http_address_is_refused, refused, true);
    CHECK(divak_http_address_is_refused(NULL));
}

TEST(other_addresses_are_talked_to) {
    static const char *const accepted[] = {"127.0.0.1",
                                           "127.255.255.255",
                                           "10.0.0.1",
                                           "192.168.1.1",
                                           "172.16.0.1",
                                           "169.253.255.255",
                                           "169.255.0.0",
                                           "100.100.100.199",
                                           "100.100.100.201",
                                           "192.0.0.191",
                                           "1.1.1.1",
                                           "255.255.255.255",
                                           "::1",
                                           "fe7f::1",
                                           "fec0::1",
                                           "fd00:ec2::253",
                                           "fd00:ec2::255",
                                           "2001:db8::1",
                                           "::ffff:127.0.0.1",
                                           "::ffff:10.0.0.1",
                                           "64:ff9b::1.1.1.1",
                                           "[::1]",
                                           NULL};
    check_all(divak_http_address_is_refused, accepted, false);
}

TEST(every_ipv4_address_of_the_first_two_bytes_is_judged_by_its_range) {
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t bytes[4] = {(uint8_t)first, (uint8_t)second, 7, 7};
            bool expected = first == 0 || (first == 169 && second == 254);
            CHECK(divak_http_address_is_refused_v4(bytes) == expected);
        }
    }
}

TEST(loopback_is_known_by_name_and_by_number) {
    static const char *const loopback[] = {
        "localhost",      "LocalHost",        "localhost.",         "a.localhost",
        "a.b.LOCALHOST.", "127.0.0.1",        "127.9.9.9",          "::1",
        "[::1]",          "::ffff:127.0.0.1", "[::ffff:127.3.2.1]", NULL};
    static const char *const others[] = {
        "",          ".",         "localhost.example", "notlocalhost",
        "local",     "localhos",  "127.0.0.1.example", "128.0.0.1",
        "::2",       "[fe80::1]", "::ffff:128.0.0.1",  "0.0.0.0",
        "collector", NULL};
    check_all(divak_http_host_is_loopback, loopback, true);
    check_all(divak_http_host_is_loopback, others, false);
    CHECK(!divak_http_host_is_loopback(NULL));
}

CHECK_MAIN()
