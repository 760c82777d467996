// OrphanTests.swift - spans that nobody ended.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

extension Everything {
    @Suite struct OrphanTests {
        @Test func a_span_that_was_used_and_dropped_is_reported_with_its_creator_and_no_duration() async throws {
            try await withTracer { tracer, collector in
                let line = #line + 2
                do {
                    let span = tracer.startSpan("lost", kind: .client)
                    span.tag("key", "value")
                }
                let span = try await collector.spans(of: tracer).only("lost")
                #expect(span.duration == nil)
                #expect(span.tags["key"] == "value")
                #expect(span.annotations.map(\.value) == ["divak.orphan"])
                let creator = try #require(span.tags["divak.orphan.creator"])
                #expect(creator.contains("a_span_that_was_used_and_dropped"))
                #expect(creator.hasSuffix("DivakTests/OrphanTests.swift:\(line)"))
            }
        }

        @Test func a_span_that_was_dropped_unused_is_counted_and_not_reported() async throws {
            try await withTracer { tracer, collector in
                _ = tracer.startSpan("unused")
                let spans = try await collector.spans(of: tracer)
                #expect(spans.isEmpty)
                #expect(tracer.statistics.dropped.map { "\($0.key) \($0.value)" } == ["abandoned 1"])
            }
        }

        @Test(arguments: ["finish", "flush", "abandon", "finish by a copy", "finish as the current one"])
        func a_span_that_was_ended_in_any_way_is_no_orphan(how: String) async throws {
            try await withTracer { tracer, collector in
                do {
                    let span = tracer.startSpan("ended")
                    span.tag("key", "value")
                    switch how {
                    case "finish": span.finish()
                    case "flush": span.flush()
                    case "abandon": span.abandon()
                    case "finish by a copy":
                        let copy = span
                        copy.finish()
                    default: span.withCurrent { DivakSpan.current?.finish() }
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == (how == "abandon" ? 0 : 1))
                #expect(spans.allSatisfy { $0.annotations.isEmpty })
                #expect(tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test func a_span_that_another_task_still_holds_is_no_orphan_yet() async throws {
            try await withTracer { tracer, collector in
                let task: Task<Void, Never>
                do {
                    let span = tracer.startSpan("handed over")
                    task = Task {
                        try? await Task.sleep(for: .milliseconds(20))
                        span.finish()
                    }
                }
                await task.value
                let span = try await collector.spans(of: tracer).only("handed over")
                #expect(span.duration != nil)
                #expect(span.annotations.isEmpty)
            }
        }
    }
}
