// SPDX-License-Identifier: Apache-2.0
// CheckTests.swift - what `divak check` reads in an endpoint, and in the words of a refusal.

import Testing

@testable import DivakCommands

@Suite("Check")
struct CheckTests {
    @Test(arguments: [
        ("gate:9411", "gate", 9411, false), ("http://gate", "gate", 80, false), ("HTTPS://gate/x", "gate", 443, true),
        ("http://REDACTED@gate:81/REDACTED?REDACTED", "gate", 81, false), ("[::1]:9411", "::1", 9411, false),
    ])
    func hostAndPortAreFoundInEveryEndpoint(_ text: String, _ host: String, _ port: UInt16, _ isTLS: Bool) {
        let address = Address(text)
        #expect(address?.host == host && address?.port == port && address?.isTLS == isTLS)
    }

    @Test func aProxyIsTheOneThatTheLibraryTakes() throws {
        let plain = try #require(Address("gate:9411"))
        let secure = try #require(Address("https://gate"))
        let variables = ["HTTP_PROXY": "a", "https_proxy": "", "HTTPS_PROXY": "b", "ALL_PROXY": "c"]
        #expect(plain.proxyVariable(variables) == "ALL_PROXY")
        #expect(secure.proxyVariable(variables) == "HTTPS_PROXY")
        #expect(plain.proxyVariable(["http_proxy": "a"]) == "http_proxy")
        #expect(plain.proxyVariable([:]) == nil)
        #expect(Address("127.0.0.1:9411")?.proxyVariable(["http_proxy": "a"]) == nil)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var words: String
        var greeting: Probe.Greeting?
        var isTLS: Bool
        var hint: String
        var testDescription: String { words }
    }

    static let refusals = [
        Refusal(words: "http://gate:1: HTTP 301 to else is not followed", isTLS: false, hint: "DIVAK_ENDPOINT"),
        Refusal(words: "http://gate:1: HTTP 401", isTLS: false, hint: "DIVAK_HEADERS"),
        Refusal(words: "http://gate:1: HTTP 404", isTLS: false, hint: "/api/v2/spans"),
        Refusal(words: "http://gate:1: HTTP 503", isTLS: false, hint: "too much to do"),
        Refusal(words: "http://gate:1: HTTP 504", isTLS: false, hint: "gateway"),
        Refusal(words: "http://gate:1: HTTP 500", isTLS: false, hint: "log"),
        Refusal(words: "https://gate:1: HTTP 404", greeting: .http, isTLS: false, hint: "/api/v2/spans"),
        Refusal(words: "https://gate:1: SSL certificate problem: self-signed", isTLS: true, hint: "DIVAK_CA_FILE"),
        Refusal(words: "https://gate:1: SSL certificate problem: certificate has expired", isTLS: true, hint: "clock"),
        Refusal(words: "https://gate:1: SSL: no alternative certificate subject name", isTLS: true, hint: "names"),
        Refusal(words: "https://gate:1: SSL connect error", greeting: .http, isTLS: true, hint: "http:// instead"),
        Refusal(words: "https://gate:1: SSL connect error", greeting: .other, isTLS: true, hint: "1.2"),
        Refusal(words: "https://gate:1: Timeout was reached", greeting: .tls, isTLS: false, hint: "speaks TLS, and"),
        Refusal(words: "http://gate:1: Failure when receiving", greeting: .tls, isTLS: false, hint: "https:// instead"),
        Refusal(words: "http://ssl-gate:1: Timeout", greeting: .silent, isTLS: false, hint: "does not answer"),
        Refusal(words: "http://gate:1: Timeout was reached", greeting: .http, isTLS: false, hint: "too slowly"),
        Refusal(words: "http://gate:1: Unsupported protocol", greeting: .other, isTLS: false, hint: "speak HTTP"),
        Refusal(words: "http://gate:1: Couldn't connect to server", isTLS: false, hint: "proxy"),
    ]

    @Test(arguments: refusals)
    func eachRefusalHasAHintOfItsOwn(_ refusal: Refusal) throws {
        let url = try #require(Address(String(refusal.words.prefix { $0 != " " }.dropLast())))
        let judged = CheckRefusal(refusal.words, from: url) { refusal.greeting }
        #expect(judged.isTLS == refusal.isTLS)
        #expect(judged.hint.contains(refusal.hint), "\(judged.hint)")
    }
}
