// HandlerTests.swift - code of the user's that sees every span begin and end.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Divak
import DivakTesting
import Testing

/// Counts by name, for several threads.
final class Counts: @unchecked Sendable {
    private let lock = DispatchQueue(label: "counts")
    private var numbers: [String: Int] = [:]

    subscript(name: String) -> Int { lock.sync { numbers[name] ?? 0 } }
    func add(_ name: String) { lock.sync { numbers[name, default: 0] += 1 } }
}

private func configured(_ handlers: DivakHandler..., rate: Double = 1) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test", sampleRate: rate)
    configuration.handlers = handlers
    return configuration
}

extension Everything {
    @Suite struct HandlerTests {
        @Test func a_handler_redacts_renames_and_drops_by_name() async throws {
            let handler = DivakHandler(end: { span in
                if span.name == "health" { return .drop }
                span["password"] = nil
                if let query = span["sql"] { span["sql"] = "\(query.utf8.count) bytes" }
                span.name = "renamed"
                span.removeAnnotations { $0.text.hasPrefix("secret") }
                return .keep
            })
            try await withTracer(configured(handler)) { tracer, collector in
                tracer.withSpan("health") { _ in }
                tracer.withSpan("login") { span in
                    span.tag("password", "hunter2")
                    span.tag("sql", "select 1")
                    span.tag("user", 7)
                    span.annotate("secret 1")
                    span.annotate("open")
                    span.annotate("secret 2")
                }
                let spans = try await collector.spans(of: tracer)
                let span = try spans.only("renamed")
                #expect(spans.count == 1)
                #expect(span.tags == ["sql": "8 bytes", "user": "7"])
                #expect(span.annotations.map(\.value) == ["open"])
                #expect(tracer.statistics.dropped.map { "\($0.key) \($0.value)" } == ["filtered 1"])
            }
        }

        @Test func a_handler_counts_the_children_of_each_span() async throws {
            let children = Counts()
            let handler = DivakHandler(
                begin: { _, parent in if let parent { children.add(parent.spanID) } },
                end: { span in
                    span["children"] = "\(children[span.context.spanID])"
                    return .keep
                }
            )
            try await withTracer(configured(handler)) { tracer, collector in
                tracer.withSpan("root") { _ in
                    tracer.withSpan("child") { _ in tracer.withSpan("leaf") { _ in } }
                    tracer.withSpan("other") { _ in }
                }
                let spans = try await collector.spans(of: tracer)
                let counts = Dictionary(uniqueKeysWithValues: spans.map { ($0.name ?? "", $0.tags["children"]) })
                #expect(counts == ["root": "2", "child": "1", "leaf": "0", "other": "0"])
            }
        }

        @Test func a_handler_sees_all_of_an_ended_span() async throws {
            let clock = FakeClock()
            let seen = Counts()
            let start = clock.now
            let handler = DivakHandler(end: { span in
                let isRight =
                    span.cause == .finished && span.kind == .client && span.start == start
                    && span.duration == .milliseconds(3) && span.tags == ["number": "1.5", "flag": "true"]
                    && span.annotations.map(\.text) == ["event"] && span.annotations.map(\.time) == [start]
                    && span["none"] == nil
                    && span.context.localRootID == span.context.spanID && span.context.isSampled
                seen.add(isRight ? "right" : "wrong \(span.tags) \(span.annotations)")
                return .keep
            })
            var configuration = configured(handler)
            configuration.clock = { clock.now }
            try await withTracer(configuration) { tracer, collector in
                tracer.withSpan("all", kind: .client) { span in
                    span.tag("number", 1.5)
                    span.tag("flag", true)
                    span.annotate("event")
                    clock.advance(by: .milliseconds(3))
                }
                _ = try await collector.spans(of: tracer)
                #expect(seen["right"] == 1)
            }
        }

        @Test func handlers_run_in_order_and_a_drop_keeps_the_later_ones_out() async throws {
            let counts = Counts()
            let first = DivakHandler(
                begin: { span, _ in span.tag("begun", "first") },
                end: { span in
                    counts.add("first")
                    return span["drop"] == nil ? .keep : .drop
                }
            )
            let second = DivakHandler(
                begin: { span, _ in span.tag("begun", "second") },
                end: { _ in
                    counts.add("second")
                    return .keep
                }
            )
            try await withTracer(configured(first, second)) { tracer, collector in
                tracer.withSpan("kept") { _ in }
                tracer.withSpan("dropped") { $0.tag("drop", "please") }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.map(\.tags) == [["begun": "second"]])
                #expect(counts["first"] == 2)
                #expect(counts["second"] == 1)
            }
        }

        @Test func a_firehose_sees_every_span_while_zipkin_gets_the_sampled_ones() async throws {
            let counts = Counts()
            let firehose = DivakHandler(
                wantsUnsampled: true,
                end: { span in
                    counts.add(span.context.isSampled ? "sampled" : "unsampled")
                    return .keep
                }
            )
            let plain = DivakHandler(end: { _ in
                counts.add("plain")
                return .keep
            })
            var configuration = configured(firehose, plain)
            configuration.sampler = .counting(10)
            try await withTracer(configuration) { tracer, collector in
                for _ in 0..<100 { tracer.withSpan("root") { _ in } }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.count == 10)
                #expect(counts["sampled"] == 10)
                #expect(counts["unsampled"] == 90)
                #expect(counts["plain"] == 10)
            }
        }

        @Test func a_redaction_that_finds_no_room_takes_the_secret_away() async throws {
            let handler = DivakHandler(end: { span in
                span["secret"] = String(repeating: "x", count: 70_000)
                return .keep
            })
            try await withTracer(configured(handler)) { tracer, collector in
                tracer.withSpan("login") { $0.tag("secret", "hunter2") }
                let reported = try await collector.spans(of: tracer)
                #expect(try reported.only("login").tags.isEmpty)
            }
        }

        @Test func peer_tags_become_the_remote_endpoint_and_disappear() async throws {
            try await withTracer(configured(.remoteEndpointFromTags)) { tracer, collector in
                tracer.withSpan("peer", kind: .client) { span in
                    span.tag("peer.service", "postgres")
                    span.tag("peer.ipv4", "192.0.2.7")
                    span.tag("peer.ipv6", "2001:db8::1")
                    span.tag("peer.port", 5432)
                    span.tag("peer.hostname", "db.example")
                    span.tag("broker.service", "not asked")
                    span.tag("other", "stays")
                }
                tracer.withSpan("broker", kind: .producer) { span in
                    span.tag("broker.hostname", "rabbit")
                    span.tag("broker.address", "192.0.2.8:5672")
                }
                tracer.withSpan("bad") { span in
                    span.tag("peer.address", "no address")
                    span.tag("peer.port", "0")
                }
                let spans = try await collector.spans(of: tracer)
                let peer = try spans.only("peer")
                #expect(peer.tags == ["peer.hostname": "db.example", "broker.service": "not asked", "other": "stays"])
                #expect(peer.remoteEndpoint?.serviceName == "postgres")
                #expect(peer.remoteEndpoint?.ipv4 == "192.0.2.7")
                #expect(peer.remoteEndpoint?.ipv6 == "2001:db8::1")
                #expect(peer.remoteEndpoint?.port == 5432)
                let broker = try spans.only("broker")
                #expect(broker.tags.isEmpty)
                #expect(broker.remoteEndpoint?.serviceName == "rabbit")
                #expect(broker.remoteEndpoint?.ipv4 == "192.0.2.8")
                #expect(broker.remoteEndpoint?.port == 5672)
                let bad = try spans.only("bad")
                #expect(bad.tags == ["peer.address": "no address", "peer.port": "0"])
                #expect(bad.remoteEndpoint == nil)
            }
        }

        @Test func a_handler_without_functions_and_a_seventeenth_one_are_refused() {
            let none = configured(DivakHandler())
            let empty = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(none) }
            #expect(empty?.code == .invalid)
            var many = configured()
            many.handlers = Array(repeating: .remoteEndpointFromTags, count: 17)
            let full = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(many) }
            #expect(full?.code == .full)
        }
    }
}
