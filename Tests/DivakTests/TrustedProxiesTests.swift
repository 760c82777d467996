// TrustedProxiesTests.swift - whose word about the client's address counts, and the parts of URLs.
// SPDX-License-Identifier: Apache-2.0

import Divak
import Testing

extension Everything {
    @Suite struct TrustedProxiesTests {
        private func client(
            _ proxies: [String],
            _ peer: String?,
            _ values: [String],
            _ header: TrustedProxies.Header = .xForwardedFor
        ) throws -> String? {
            let name = header == .forwarded ? "Forwarded" : "X-Forwarded-For"
            return try TrustedProxies(proxies, header: header)
                .clientAddress(of: peer, headers: values.map { (name, $0) })
        }

        @Test func without_trusted_proxies_headers_count_for_nothing() {
            let headers = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9")]
            #expect(TrustedProxies.none.clientAddress(of: "192.0.2.1:4711", headers: headers) == "192.0.2.1")
        }

        @Test func a_peer_that_is_not_trusted_is_the_client_whatever_it_says() throws {
            #expect(try client(["10.0.0.0/8"], "192.0.2.1", ["203.0.113.9"]) == "192.0.2.1")
        }

        @Test(arguments: [
            (["203.0.113.9"], "203.0.113.9"),
            (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (["6.6.6.6, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
            (["6.6.6.6", "203.0.113.9 ,10.2.3.4"], "203.0.113.9"),
            (["203.0.113.9:51324, 10.2.3.4:80"], "203.0.113.9"),
            (["2001:DB8:0:0:0:0:0:9"], "2001:db8::9"),
            (["[2001:db8::9]:443"], "2001:db8::9"),
            (["::ffff:203.0.113.9"], "203.0.113.9"),
            (["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
            (["6.6.6.6, unknown, 10.2.3.4"], "10.2.3.4"),
            (["6.6.6.6, , 10.2.3.4"], "10.2.3.4"),
            (["unknown"], "10.0.0.7"),
            ([""], "10.0.0.7"),
            ([], "10.0.0.7"),
        ])
        func the_first_from_the_right_that_is_not_trusted_is_the_client(values: [String], wanted: String) throws {
            #expect(try client(["10.0.0.0/8"], "10.0.0.7:51324", values) == wanted)
        }

        @Test(arguments: [
            (["for=203.0.113.9"], "203.0.113.9"),
            ([#"for=6.6.6.6, For="203.0.113.9:47011";proto=https;by=10.1.1.1"#], "203.0.113.9"),
            ([#"proto=http; for="[2001:db8::9]:443", for=10.2.3.4"#], "2001:db8::9"),
            ([#"for=6.6.6.6, for="_hidden,for=7.7.7.7", for=10.2.3.4"#], "10.2.3.4"),
            ([#"for=6.6.6.6;host="a\",for=7.7.7.7""#], "6.6.6.6"),
            (["for=6.6.6.6, proto=https"], "10.0.0.7"),
            (["for=unknown"], "10.0.0.7"),
        ])
        func forwarded_is_read_as_rfc_7239_has_it(values: [String], wanted: String) throws {
            #expect(try client(["10.0.0.0/8"], "10.0.0.7", values, .forwarded) == wanted)
        }

        @Test func the_header_that_the_proxies_do_not_write_is_not_read() throws {
            let proxies = try TrustedProxies(["10.0.0.0/8"])
            #expect(proxies.clientAddress(of: "10.0.0.7", headers: [("Forwarded", "for=6.6.6.6")]) == "10.0.0.7")
        }

        @Test(arguments: [
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("10.128.0.0/9", "10.127.255.255", false),
            ("10.128.0.0/9", "10.128.0.0", true), ("192.0.2.0/31", "192.0.2.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
            ("::1/128", "::1", true), ("::/0", "10.0.0.1", false), ("::ffff:10.0.0.0", "10.0.0.0", true),
            ("10.1.2.3/8", "10.9.9.9", true), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
        ])
        func a_block_holds_the_addresses_that_begin_as_it_does(block: String, peer: String, isTrusted: Bool) throws {
            let address = try client([block], peer, ["203.0.113.77"])
            #expect((address == "203.0.113.77") == isTrusted)
        }

        @Test(arguments: [
            "", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "::/129", "localhost",
            "10.0.0.1:80",
            "[::1]", "10.0.0.1, 10.0.0.2", "10.0.0.0/8 ", "10.0.0.0/٨", "::ffff:10.0.0.0/8",
        ])
        func what_is_no_block_is_refused_by_name(text: String) {
            let error = #expect(throws: DivakError.self) { try TrustedProxies([text]) }
            #expect(error?.code == .invalid && error?.message.contains("\"\(text)\"") == true)
        }

        @Test func a_peer_without_an_address_is_nobody() throws {
            #expect(try client(["10.0.0.0/8"], nil, ["203.0.113.9"]) == nil)
            #expect(try client(["10.0.0.0/8"], "/run/socket", ["203.0.113.9"]) == nil)
        }

        @Test(arguments: [
            ("0:0:0:0:0:0:0:0", "::"), ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:0:0:0:0:0", "1::"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("fe80::1%eth0", "fe80::1"), ("[fe80::1%eth0]:80", "fe80::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
        ])
        func addresses_are_written_as_rfc_5952_has_them(text: String, wanted: String) {
            #expect(TrustedProxies.none.clientAddress(of: text, headers: []) == wanted)
        }

        @Test func random_lists_never_name_an_address_left_of_an_untrusted_one() throws {
            let proxies = try TrustedProxies(["10.0.0.0/8"])
            for seed in UInt64(0)..<2000 {
                var random = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                func next(_ count: UInt64) -> UInt64 {
                    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return (random >> 33) % count
                }
                let hops = (0..<next(6)).map { _ in
                    ["10.0.0.\(next(200))", "192.0.2.\(next(200))", "unknown", "2001:db8::\(next(9))"][Int(next(4))]
                }
                // Stated from the right, one hop at a time, as the rule is told.
                var wanted = "10.0.0.1"
                for hop in hops.reversed() {
                    if hop == "unknown" { break }
                    wanted = hop
                    if !hop.hasPrefix("10.") { break }
                }
                let headers = [("x-forwarded-for", hops.joined(separator: ", "))]
                // 2001:db8::0 is written without its last digit.
                if wanted == "2001:db8::0" { wanted = "2001:db8::" }
                #expect(proxies.clientAddress(of: "10.0.0.1", headers: headers) == wanted, "seed \(seed), \(hops)")
            }
        }
    }

    @Suite struct URLTests {
        @Test(
            arguments: [
                ("http://127.0.0.1:8080/items/7?page=2#top", "127.0.0.1", UInt16(8080), "/items/7"),
                ("https://example.org", "example.org", 443, "/"), ("HTTP://example.org?x", "example.org", 80, "/"),
                ("https://ada:se@cret@example.org:8443/a", "example.org", 8443, "/a"),
                ("http://[2001:db8::1]:81/b", "2001:db8::1", 81, "/b"),
                ("http://[2001:db8::1]", "2001:db8::1", 80, "/"),
                ("/items?next=http://evil.org/", nil, nil, "/items"), ("", nil, nil, "/"), ("*", nil, nil, "*"),
                ("http://", nil, 80, "/"), ("http://h:99999/", "h", nil, "/"), ("http://h:/x", "h", 80, "/x"),
                ("//h/x", nil, nil, "//h/x"), ("http://h#a/b", "h", 80, "/"), ("http://[::1", "::1", 80, "/"),
            ] as [(String, String?, UInt16?, String)]
        )
        func the_parts_of_a_url_are_found(url: String, host: String?, port: UInt16?, path: String) {
            let request = DivakHTTPRequest(method: "GET", url: url)
            #expect(request.host == host)
            #expect(request.port == port)
            #expect(request.path == path)
        }

        @Test func a_users_name_and_password_are_left_out() {
            for (url, wanted) in [
                ("http://ada:secret@h/x@y", "http://h/x@y"), ("http://h/x@y", "http://h/x@y"), ("/x@y", "/x@y"),
                ("http://a@b@h", "http://h"),
            ] {
                #expect(DivakHTTPRequest(method: "GET", url: url).urlWithoutUser == wanted)
            }
        }

        @Test func random_bytes_never_trap() {
            var random = SystemRandomNumberGenerator()
            for _ in 0..<4_000 {
                let count = Int.random(in: 0..<30, using: &random)
                let bytes = (0..<count).map { _ in
                    Array("/:@[]?#ht.%-\"\\=;, f01a".utf8).randomElement(using: &random) ?? 0
                }
                let text = String(decoding: bytes, as: UTF8.self)
                let request = DivakHTTPRequest(method: "GET", url: text)
                _ = (request.host, request.port, request.path, request.urlWithoutUser)
                for header in [TrustedProxies.Header.forwarded, .xForwardedFor] {
                    let proxies = try? TrustedProxies(["0.0.0.0/0"], header: header)
                    let name = header == .forwarded ? "forwarded" : "x-forwarded-for"
                    #expect(proxies?.clientAddress(of: "10.0.0.1", headers: [(name, text)]) != nil)
                }
            }
        }
    }
}
