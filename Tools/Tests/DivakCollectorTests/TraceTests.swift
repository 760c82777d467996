// SPDX-License-Identifier: Apache-2.0
// TraceTests.swift - pieces and halves of spans, trees, clocks, and who called whom.

import Testing

@testable import DivakCollector

@Suite struct TraceTests {
    // ---- merging ----

    @Test func a_span_sent_in_pieces_comes_back_whole() async throws {
        let collector = try Collector.inMemory()
        await collector.post(
            #"[{"traceId":"1","id":"2","timestamp":5,"localEndpoint":{"serviceName":"a"},"tags":{"x":"1","y":"1"}}]"#
        )
        await collector.post(#"[{"traceId":"1","id":"3","name":"other"}]"#)
        await collector.post(
            #"[{"traceId":"1","id":"2","name":"late","duration":7,"localEndpoint":{"ipv4":"1.2.3.4"},"tags":{"y":"2"}}]"#
        )
        let expected =
            #"[{"traceId":"0000000000000001","id":"0000000000000002","name":"late","timestamp":5,"duration":7,"#
            + #""localEndpoint":{"serviceName":"a","ipv4":"1.2.3.4"},"tags":{"x":"1","y":"2"}},"#
            + #"{"traceId":"0000000000000001","id":"0000000000000003","name":"other"}]"#
        #expect(await collector.text("/api/v2/trace/1") == expected)
        #expect(try Span.list(json: (await collector.get("/api/v2/trace/1?raw=true")).body).count == 3)
    }

    @Test func a_span_sent_twice_is_one() {
        let one = span(1, 2, service: "a", name: "n", at: 5, for: 7, tags: ["a": "b"])
        #expect(merge([one, one, one]) == [one])
    }

    @Test func so_many_pieces_cost_no_more_than_their_number() {
        var pieces: [Span] = []
        for i in 0..<20_000 {
            var piece = span(1, 2, tags: ["k\(i)": "v"])
            piece.annotations = [Annotation(timestamp: Int64(i), value: "e")]
            pieces.append(piece)
        }
        let begin = ContinuousClock.now
        let merged = merge(pieces)
        #expect(merged.count == 1 && merged[0].tags.count == 20_000 && merged[0].annotations.count == 20_000)
        // One by one into what there is already: more than a minute.
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test func halves_on_two_hosts_stay_two_and_the_server_is_marked_as_shared() {
        let client = span(1, 2, parent: 9, kind: .client, service: "web")
        let server = span(1, 2, kind: .server, service: "app")
        let merged = merge([server, client])
        var expected = server
        expected.shared = true
        expected.parent = 9
        #expect(merged == [expected, client])
    }

    @Test func the_longest_trace_id_wins() {
        var long = span(1, 2)
        long.trace.high = 5
        #expect(merge([span(1, 1), long]).map(\.trace.high) == [5, 5])
    }

    // ---- ids of 64 and 128 bits ----

    @Test func ids_of_64_and_128_bits_are_two_traces_or_one_as_told() async throws {
        let body =
            #"[{"traceId":"000000000000000a0000000000000001","id":"1","timestamp":1000},"#
            + #"{"traceId":"1","id":"2","timestamp":1000}]"#
        let strict = try Collector.inMemory()
        await strict.post(body)
        #expect(try Span.list(json: (await strict.get("/api/v2/trace/1")).body).map(\.id) == [2])
        #expect(await strict.text("/api/v2/traces?endTs=1&lookback=1").components(separatedBy: "],[").count == 2)
        let lenient = try Collector.inMemory(isStrict: false)
        await lenient.post(body)
        for id in ["1", "a0000000000000001", "b0000000000000001"] {
            #expect(try Span.list(json: (await lenient.get("/api/v2/trace/\(id)")).body).map(\.id) == [1, 2])
        }
        #expect(await lenient.text("/api/v2/traceMany?traceIds=1,a0000000000000001").hasSuffix("]]"))
    }

    // ---- trees ----

    @Test func a_shared_span_hangs_below_its_client_and_above_what_its_host_did() {
        var server = span(1, 2, parent: 1, kind: .server, service: "app", at: 30)
        server.shared = true
        let tree = TraceTree([
            span(1, 3, parent: 2, service: "app", at: 40),
            server,
            span(1, 2, parent: 1, kind: .client, service: "web", at: 20),
            span(1, 1, service: "web", at: 10),
        ])
        var seen: [(UInt64, Kind?, Int)] = []
        tree.depthFirst { node, depth in seen.append((tree.spans[node].id, tree.spans[node].kind, depth)) }
        #expect(seen.map(\.0) == [1, 2, 2, 3])
        #expect(seen.map(\.1) == [nil, .client, .server, nil])
        #expect(seen.map(\.2) == [0, 1, 2, 3])
    }

    @Test func spans_without_their_parent_hang_below_the_root_or_stand_side_by_side() {
        let withRoot = TraceTree([span(1, 1, at: 10), span(1, 5, parent: 99, at: 20), span(1, 6, parent: 98, at: 15)])
        #expect(withRoot.tops == [0])
        #expect(withRoot.children[0] == [2, 1])
        let without = TraceTree([span(1, 5, parent: 99, at: 20), span(1, 6, parent: 98, at: 15)])
        #expect(without.tops == [1, 0])
    }

    @Test func no_span_is_lost_whatever_the_ids_are() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var dice = Dice(seed: seed)
        for _ in 0..<3000 {
            var spans: [Span] = []
            for _ in 0..<Int.random(in: 1...12, using: &dice) {
                var made = span(
                    1,
                    UInt64.random(in: 0...5, using: &dice),
                    parent: UInt64.random(in: 0...5, using: &dice),
                    kind: [nil, .client, .server].randomElement(using: &dice)!,
                    service: ["a", "b", nil].randomElement(using: &dice)!
                )
                if made.parent == made.id { made.parent = 0 }
                made.shared = made.kind != .client && Bool.random(using: &dice)
                spans.append(made)
            }
            let tree = TraceTree(spans)
            var seen: [Int] = []
            tree.depthFirst { node, _ in seen.append(node) }
            #expect(seen.sorted() == Array(tree.spans.indices), "seed \(seed)")
            #expect(tree.adjustedForClockSkew().spans.count == tree.spans.count)
        }
    }

    // ---- clocks ----

    @Test func a_server_that_seems_to_begin_before_its_client_is_moved_with_all_below_it() {
        var server = span(1, 2, parent: 1, kind: .server, service: "app", at: 400, for: 60)
        server.annotations = [Annotation(timestamp: 410, value: "x")]
        let tree = TraceTree([
            span(1, 1, kind: .client, service: "web", at: 1000, for: 100),
            server,
            span(1, 3, parent: 2, service: "app", at: 420, for: 10),
            span(1, 4, parent: 2, kind: .client, service: "app", at: 430, for: 10),
            span(1, 5, parent: 4, kind: .server, service: "db", at: 432, for: 5),
        ]).adjustedForClockSkew()
        #expect(tree.spans.map(\.timestamp) == [1000, 1020, 1040, 1050, 1052])
        #expect(tree.spans[1].annotations[0].timestamp == 1030)
    }

    @Test func clocks_that_agree_are_left_alone() {
        let spans = [
            span(1, 1, kind: .client, service: "web", at: 1000, for: 100),
            span(1, 2, parent: 1, kind: .server, service: "app", at: 1010, for: 80),
            span(1, 3, parent: 1, kind: .server, service: "web", at: 900, for: 80),
        ]
        #expect(TraceTree(spans).adjustedForClockSkew().spans == spans)
    }

    @Test func times_at_the_ends_of_what_fits_are_adjusted_and_answered() async throws {
        let collector = try Collector.inMemory()
        var below = span(1, 4, parent: 3, kind: .server, service: "db", at: 1, for: 1)
        below.annotations = [Annotation(timestamp: .min, value: "x")]
        collector.store.append(
            batch([
                span(1, 1, kind: .client, service: "web", at: .max, for: .max),
                span(1, 2, parent: 1, kind: .server, service: "app", at: 1, for: 1),
                span(1, 3, parent: 2, kind: .client, service: "app", at: .max, for: .max),
                below,
            ])
        )
        #expect(await collector.get("/api/divak/trace/1").status == 200)
        #expect(await collector.get("/api/v2/traces?endTs=\(Int64.max)&lookback=\(Int64.max)").status == 200)
        #expect(await collector.get("/api/v2/dependencies?endTs=\(Int64.max)&lookback=\(Int64.max)").status == 200)
    }

    // ---- links ----

    private func links(_ spans: [Span]) -> [DependencyLink] {
        var linker = DependencyLinker()
        linker.add(TraceTree(spans))
        return linker.links
    }

    private func link(_ parent: String, _ child: String, _ calls: Int = 1, errors: Int = 0) -> DependencyLink {
        DependencyLink(parent: parent, child: child, callCount: calls, errorCount: errors)
    }

    @Test func a_call_that_both_sides_report_counts_once() {
        let found = links([
            span(1, 1, kind: .server, service: "web"),
            span(1, 2, parent: 1, kind: .client, service: "web", remote: "app-by-another-name"),
            span(1, 3, parent: 2, kind: .server, service: "app"),
        ])
        #expect(found == [link("web", "app")])
    }

    @Test func a_call_to_a_service_that_reports_nothing_counts_by_the_clients_word() {
        #expect(links([span(1, 1, kind: .client, service: "app", remote: "mysql")]) == [link("app", "mysql")])
        #expect(links([span(1, 1, service: "app", remote: "cache")]) == [link("app", "cache")])
        #expect(links([span(1, 1, kind: .client, service: "app")]) == [])
    }

    @Test func local_spans_between_two_remote_ones_are_looked_through() {
        let found = links([
            span(1, 1, kind: .server, service: "web"),
            span(1, 2, parent: 1, service: "web"),
            span(1, 3, parent: 2, kind: .server, service: "app"),
        ])
        #expect(found == [link("web", "app")])
    }

    @Test func a_deep_pile_of_local_spans_is_looked_through_once() {
        var spans = [span(1, 1, kind: .server, service: "web")]
        for i in UInt64(2)...20_000 { spans.append(span(1, i, parent: i - 1, service: "web")) }
        for i in UInt64(20_001)...40_000 { spans.append(span(1, i, parent: 20_000, kind: .server, service: "app")) }
        let begin = ContinuousClock.now
        #expect(links(spans) == [link("web", "app", 20_000)])
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test func an_error_on_either_side_makes_the_call_an_error() {
        let client = span(1, 1, kind: .client, service: "web", tags: ["error": ""])
        let server = span(1, 2, parent: 1, kind: .server, service: "app")
        #expect(links([client, server]) == [link("web", "app", errors: 1)])
        let failed = span(1, 2, parent: 1, kind: .server, service: "app", tags: ["error": "false"])
        #expect(links([span(1, 1, kind: .client, service: "web"), failed]) == [link("web", "app", errors: 1)])
    }

    @Test func messages_count_between_a_service_and_its_broker() {
        let found = links([
            span(1, 1, kind: .producer, service: "shop", remote: "kafka"),
            span(1, 2, parent: 1, kind: .consumer, service: "mail", remote: "kafka", tags: ["error": "x"]),
            span(1, 3, parent: 1, kind: .consumer, service: "stats"),
        ])
        #expect(found == [link("shop", "kafka"), link("kafka", "mail", errors: 1)])
    }

    @Test func a_client_below_another_service_shows_a_call_that_nobody_reported() {
        let found = links([
            span(1, 1, kind: .server, service: "web"),
            span(1, 2, parent: 1, kind: .client, service: "app", remote: "db"),
        ])
        #expect(found == [link("web", "app"), link("app", "db")])
    }

    @Test func a_root_server_counts_only_when_it_knows_its_client() {
        #expect(links([span(1, 1, kind: .server, service: "web")]) == [])
        #expect(links([span(1, 1, kind: .server, service: "web", remote: "phone")]) == [link("phone", "web")])
    }

    @Test func links_come_from_traces_within_the_time_asked_for() async throws {
        let collector = try Collector.inMemory()
        collector.store.append(
            batch([
                span(1, 1, kind: .client, service: "a", at: 5_000_000, remote: "b"),
                span(2, 1, kind: .client, service: "a", at: 9_000_000, remote: "c"),
            ])
        )
        #expect(
            await collector.text("/api/v2/dependencies?endTs=6000&lookback=2000")
                == #"[{"parent":"a","child":"b","callCount":1}]"#
        )
        #expect(await collector.text("/api/v2/dependencies?endTs=4000&lookback=2000") == "[]")
    }
}
