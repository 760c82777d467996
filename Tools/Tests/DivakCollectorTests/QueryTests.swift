// SPDX-License-Identifier: Apache-2.0
// QueryTests.swift - addresses and parameters: answers, statuses and words of Zipkin.

import Testing

@testable import DivakCollector

@Suite struct QueryTests {
    static let refused: [(String, String)] = [
        ("/api/v2/spans", "Required parameter 'serviceName' is missing"),
        ("/api/v2/remoteServices", "Required parameter 'serviceName' is missing"),
        ("/api/v2/autocompleteValues", "Required parameter 'key' is missing"),
        ("/api/v2/dependencies", "Required parameter 'endTs' is missing"),
        ("/api/v2/dependencies?endTs=0", "endTs <= 0"),
        ("/api/v2/dependencies?endTs=1&lookback=0", "lookback <= 0"),
        ("/api/v2/dependencies?endTs=now", "endTs should be a whole number of 64 bits, not \"now\""),
        ("/api/v2/trace/0e8b46e1-81b", "0e8b46e1-81b should be lower-hex encoded with no prefix"),
        ("/api/v2/trace/0", "traceId is all zeros"),
        ("/api/v2/traceMany", "Required parameter 'traceIds' is missing"),
        ("/api/v2/traceMany?traceIds=", "traceIds parameter is empty"),
        ("/api/v2/traceMany?traceIds=1", "Use /api/v2/trace/{traceId} endpoint to retrieve a single trace"),
        ("/api/v2/traceMany?traceIds=1,2,1", "redundant traceId: 1"),
        ("/api/v2/traceMany?traceIds=1,X", "X should be lower-hex encoded with no prefix"),
        ("/api/v2/traces?endTs=0", "endTs <= 0"),
        ("/api/v2/traces?limit=0", "limit <= 0"),
        ("/api/v2/traces?limit=9999999999", "limit should be a whole number of 32 bits, not 9999999999"),
        ("/api/v2/traces?lookback=-1", "lookback <= 0"),
        ("/api/v2/traces?minDuration=0", "minDuration <= 0"),
        ("/api/v2/traces?minDuration=2&maxDuration=1", "maxDuration < minDuration"),
        ("/api/v2/traces?maxDuration=1", "maxDuration is only valid with minDuration"),
    ]

    @Test(arguments: refused)
    func a_wrong_question_is_told_what_is_wrong(_ address: String, _ words: String) async throws {
        let answer = await (try Collector.inMemory()).get(address)
        #expect(answer.status == 400)
        #expect(answer.text == words)
    }

    @Test func a_trace_that_is_not_there_is_404_with_its_whole_id() async throws {
        let answer = await (try Collector.inMemory()).get("/api/v2/trace/abc%20")
        #expect(answer.status == 404)
        #expect(answer.text == "0000000000000abc not found")
    }

    @Test func names_are_sorted_escaped_and_cached_once_there_are_many() async throws {
        let collector = try Collector.inMemory()
        collector.store.append(batch([span(1, 1, service: "foo\tbar", name: "whopper", remote: "r")]))
        #expect(await collector.text("/api/v2/services") == #"["foo\tbar"]"#)
        #expect(await collector.get("/api/v2/services").headers.contains { $0.name == "cache-control" } == false)
        for name in ["quz", "bar", "baz"] { collector.store.append(batch([span(1, 1, service: name, name: "n")])) }
        let services = await collector.get("/api/v2/services")
        #expect(services.text == #"["bar","baz","foo\tbar","quz"]"#)
        #expect(services.headers.contains { $0 == ("cache-control", "max-age=300, must-revalidate") })
        #expect(await collector.text("/api/v2/spans?serviceName=BAR") == #"["n"]"#)
        #expect(await collector.text("/api/v2/spans?serviceName=%E4%B8%AA") == "[]")
        #expect(await collector.text("/api/v2/remoteServices?serviceName=foo%09bar") == #"["r"]"#)
    }

    @Test func values_of_configured_tags_are_offered() async throws {
        let collector = try Collector.inMemory(autocompleteKeys: ["env", "az"])
        collector.store.append(
            batch([span(1, 1, tags: ["env": "prod", "other": "x"]), span(1, 2, tags: ["env": "dev"])])
        )
        #expect(await collector.text("/api/v2/autocompleteKeys") == #"["az","env"]"#)
        #expect(await collector.text("/api/v2/autocompleteValues?key=env") == #"["dev","prod"]"#)
        #expect(await collector.text("/api/v2/autocompleteValues?key=other") == "[]")
    }

    @Test func a_value_that_is_too_long_to_choose_is_not_offered() async throws {
        let collector = try Collector.inMemory(autocompleteKeys: ["env"])
        for length in [256, 257] {
            collector.store.append(batch([span(1, 1, tags: ["env": String(repeating: "x", count: length)])]))
        }
        #expect(await collector.text("/api/v2/autocompleteValues?key=env").utf8.count == 256 + 4)
    }

    /// Names in any case; around keys and values white space doesn't count; a key alone asks for no less than a value did.
    @Test(arguments: [
        ("remoteServiceName=DB", 1), ("remoteServiceName=web", 0), ("serviceName=Web", 1), ("spanName=GET", 1),
        ("annotationQuery=error=sold+out", 1), ("annotationQuery=+error+=+sold+out++and++http.path+", 1),
        ("annotationQuery=error=late+and+error", 0), ("annotationQuery=error+and+error=late", 0),
        ("annotationQuery=error=sold+out+and+error", 1), ("annotationQuery=error=late+and+error=sold+out", 1),
    ])
    func conditions_are_read_as_Zipkin_reads_them(_ query: String, _ count: Int) async throws {
        let collector = try Collector.inMemory()
        let tags = ["error": "sold out", "http.path": "/"]
        let called = span(1, 1, service: "web", name: "get", at: 9_000_000, remote: "db", tags: tags)
        collector.store.append(batch([called]))
        let found = await collector.text("/api/v2/traces?endTs=10000&\(query)")
        #expect(found.contains("traceId") == (count == 1), "\(found)")
    }

    @Test(arguments: [
        ("GET", "/api/v2/nothing", 404), ("POST", "/api/v2/traces", 405), ("TRACE", "/", 405), ("DELETE", "/", 405),
        ("TRACE", "/whatever", 405), ("GET", "/health", 200), ("GET", "/info", 200), ("GET", "/metrics", 200),
        ("GET", "/prometheus", 200), ("GET", "/config.json", 200), ("GET", "/zipkin/config.json", 200),
        ("GET", "/zipkin/api/v2/services", 200), ("GET", "/api/v2/trace/", 404), ("HEAD", "/health", 200),
    ])
    func addresses_and_methods_are_answered_as_by_Zipkin(_ method: String, _ path: String, _ status: Int) async throws {
        let answer = await (try Collector.inMemory()).answer(Request(method: method, path: path))
        #expect(answer.status == status)
    }

    @Test func pages_from_elsewhere_may_ask_and_send() async throws {
        let collector = try Collector.inMemory()
        let headers = ["origin": "http://foo.example.com"]
        let asked = await collector.answer(Request(path: "/api/v2/traces", headers: headers))
        #expect(asked.headers.contains { $0 == ("access-control-allow-origin", "*") })
        let preflight = await collector.answer(
            Request(method: "OPTIONS", path: "/api/v2/spans", headers: headers)
        )
        #expect(preflight.headers.contains { $0 == ("access-control-allow-methods", "GET,POST") })
        #expect(preflight.headers.contains { $0 == ("access-control-allow-headers", "content-type") })
    }

    @Test func counts_tell_what_came_and_what_was_refused() async throws {
        let collector = try Collector.inMemory()
        await collector.post(#"[{"traceId":"1","id":"1"},{"traceId":"1","id":"2"}]"#)
        await collector.post("nonsense")
        let metrics = await collector.text("/metrics")
        #expect(metrics.contains(#""counter.zipkin_collector.messages.http":2"#))
        #expect(metrics.contains(#""counter.zipkin_collector.messages_dropped.http":1"#))
        #expect(metrics.contains(#""counter.zipkin_collector.spans.http":2"#))
        #expect(await collector.text("/prometheus").contains("zipkin_collector_spans_total{transport=\"http\"} 2\n"))
    }

    @Test func queries_are_decoded() {
        let query = parseQuery("a=1&b=x%20y+z&c&d=%zz&e=%E2%82%AC=")
        #expect(query.map(\.name) == ["a", "b", "c", "d", "e"])
        #expect(query.map(\.value) == ["1", "x y z", "", "%zz", "€="])
    }

    @Test(
        arguments: [
            ("2001:db8::c001", "2001:db8::c001"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
            ("2001:0:0:4:0:0:0:8", "2001:0:0:4::8"), ("2001:0:0:4::", "2001::4:0:0:0:0"), ("fe80::", "fe80::"),
            ("1::2::3", nil), ("1:2", nil), (":1:2:3:4:5:6:7", nil), ("12345::", nil), ("::g", nil),
            ("1.2.3.4", "1.2.3.4"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("::1.2.3.4", "1.2.3.4"), ("1.2.3.256", nil), ("1.2.3", nil), ("", nil),
            ("1.2.3.4:", nil),
        ] as [(String, String?)]
    )
    func addresses_are_read_and_written_as_Zipkin_does(_ text: String, _ expected: String?) {
        var out: [UInt8] = []
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            switch IPAddress(bytes) {
            case .v4(let address): appendIPv4(address, to: &out)
            case .v6(let high, let low): appendIPv6(high, low, to: &out)
            case nil: break
            }
        }
        #expect(String(decoding: out, as: UTF8.self) == expected ?? "")
    }
}
