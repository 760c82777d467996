// MetricsTests.swift - Divak's own counters as swift-metrics gets them.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import MetricsTestKit
import Testing

private let component = [("otel.component.type", "divak_reporter"), ("otel.component.name", "divak_reporter/0")]

extension Everything {
    @Suite struct MetricsTests {
        private func total(_ metrics: TestMetrics, _ name: String, _ dimensions: [(String, String)] = []) -> Int64? {
            try? metrics.expectCounter(name, dimensions).totalValue
        }

        @Test func the_counters_say_what_the_statistics_say_and_grow_by_what_is_new() async throws {
            try await withTracer { tracer, collector in
                let test = TestMetrics()
                let metrics = DivakMetrics(tracer, factory: test)
                let open = tracer.startSpan("open")
                for _ in 0..<3 { tracer.withSpan("done") { _ in } }
                tracer.startSpan("gone").abandon()
                try? await tracer.flush()
                metrics.record()
                #expect(total(test, "otel.sdk.span.started") == 5)
                #expect(try test.expectMeter("otel.sdk.span.live").lastValue == 1)
                #expect(total(test, "otel.sdk.exporter.span.exported", component) == 3)
                #expect(total(test, "otel.sdk.processor.span.processed", component) == 3)
                #expect(total(test, "divak.span.dropped", component + [("reason", "abandoned")]) == 1)
                #expect(try test.expectMeter("otel.sdk.processor.span.queue.size", component).lastValue == 0)
                #expect(try test.expectMeter("divak.memory.mapped").lastValue ?? 0 > 0)

                open.finish()
                open.finish()
                _ = tracer.extract(from: ["b3": "bad"])
                try await tracer.flush()
                metrics.record()
                metrics.record()
                #expect(total(test, "otel.sdk.span.started") == 5)
                #expect(total(test, "otel.sdk.exporter.span.exported", component) == 4)
                #expect(try test.expectMeter("otel.sdk.span.live").lastValue == 0)
                #expect(total(test, "divak.bad_header") == 1)
                #expect(total(test, "divak.span.use_after_end") == 1)
                #expect(total(test, "divak.message.sent", component) == Int64(tracer.statistics.messages))
            }
        }

        @Test func dropped_spans_have_the_error_type_that_their_reason_is() async throws {
            var configuration = DivakConfiguration(serviceName: "test", endpoint: "http://127.0.0.1:1")
            configuration.reporters = [.zipkin()]
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer(configuration)
            let test = TestMetrics()
            let metrics = DivakMetrics(tracer, factory: test)
            for _ in 0..<4 { tracer.withSpan("lost") { _ in } }
            let open = tracer.startSpan("late")
            open.tag("key", "value")
            try? await tracer.shutdown(timeout: .milliseconds(500))
            open.finish()
            metrics.record()
            let second = [("otel.component.type", "divak_reporter"), ("otel.component.name", "divak_reporter/1")]
            #expect(total(test, "otel.sdk.exporter.span.exported", component + [("error.type", "retry_expired")]) == 4)
            #expect(total(test, "otel.sdk.exporter.span.exported", component) == 0)
            #expect(total(test, "otel.sdk.exporter.span.exported", second) == 4)
            let late = component + [("error.type", "already_shutdown")]
            #expect(total(test, "otel.sdk.processor.span.processed", late) == 1)
            #expect(total(test, "divak.span.dropped", component + [("reason", "after_shutdown")]) == 1)
        }

        @Test func the_loop_records_at_intervals_and_once_more_when_it_is_cancelled() async throws {
            try await withTracer { tracer, _ in
                let test = TestMetrics()
                let metrics = DivakMetrics(tracer, factory: test)
                let task = Task { await metrics.run(every: .milliseconds(5)) }
                tracer.withSpan("first") { _ in }
                let deadline = ContinuousClock.now + .seconds(20)
                while total(test, "otel.sdk.span.started") != 1, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(total(test, "otel.sdk.span.started") == 1)
                task.cancel()
                await task.value

                let slow = TestMetrics()
                let last = Task { await DivakMetrics(tracer, factory: slow).run(every: .seconds(600)) }
                while total(slow, "otel.sdk.span.started") == nil, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .milliseconds(5))
                }
                tracer.withSpan("second") { _ in }
                last.cancel()
                await last.value
                #expect(total(slow, "otel.sdk.span.started") == 2)
            }
        }
    }
}
