// OperationTests.swift - operations are traced, timed, counted and logged by one form.
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Divak
import DivakTesting
import Foundation
import InMemoryLogging
import Logging
import MetricsTestKit
import Testing

/// Runs the body with a metrics system of its own.
private func withMetrics(_ body: (TestMetrics, DivakTracer, InMemoryCollector) async throws -> Void) async throws {
    let metrics = TestMetrics()
    try await withTracer { tracer, collector in
        try await withMetricsFactory(metrics) { () async throws in try await body(metrics, tracer, collector) }
    }
}

private struct Handler: RequestTracker {}

/// A metrics system that counts what it makes, by Divak.
private final class CountingFactory: MetricsFactory {
    let metrics = TestMetrics()

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        DivakTracer.disabled.countEvent("timer made")
        return metrics.makeTimer(label: label, dimensions: dimensions)
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        metrics.makeCounter(label: label, dimensions: dimensions)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        metrics.makeRecorder(label: label, dimensions: dimensions, aggregate: aggregate)
    }

    func destroyTimer(_ handler: any TimerHandler) {}
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
}

extension Everything {
    @Suite struct OperationTests {
        @Test func an_operation_is_a_span_a_timer_sample_and_ids_in_every_line_inside() async throws {
            try await withMetrics { metrics, tracer, collector in
                let memory = InMemoryLogHandler()
                let logger = Logger(label: "any") { _ in DivakLogHandler(memory) }
                let result = tracer.recordOperation("query-db") { span in
                    logger.info("inside")
                    span.tag("rowcount", 3)
                    return span.spanID
                }
                logger.info("outside")
                let span = try await collector.spans(of: tracer).only("query-db")
                #expect(span.id == result && span.tags["rowcount"] == "3")
                #expect(try metrics.expectTimer("query-db").values.count == 1)
                #expect(memory.entries.first?.metadata["spanId"] == "\(span.id)")
                #expect(memory.entries.first?.metadata["traceId"] == "\(span.traceID)")
                #expect(memory.entries.last?.metadata == [:])
            }
        }

        @Test func an_operation_is_timed_when_it_throws_and_the_error_keeps_its_type() async throws {
            try await withMetrics { metrics, tracer, collector in
                do throws(Spilled) {
                    try tracer.recordOperation("pour") { _ throws(Spilled) in throw Spilled(liters: 2) }
                } catch {
                    #expect(error.liters == 2)
                }
                do throws(Spilled) {
                    try await tracer.recordOperation("pour") { _ async throws(Spilled) in
                        await Task.yield()
                        throw Spilled(liters: 3)
                    }
                } catch {
                    #expect(error.liters == 3)
                }
                #expect(try metrics.expectTimer("pour").values.count == 2)
                let spans = try await collector.spans(of: tracer)
                #expect(spans.map(\.error) == ["spilled 2 l", "spilled 3 l"])
            }
        }

        @Test func a_metrics_backend_may_count_while_it_makes_a_timer() async {
            await #expect(processExitsWith: .success) {
                let counting = CountingFactory()
                MetricsSystem.bootstrap(counting)
                // A thread that waits for itself would do so for ever.
                startThread {
                    Thread.sleep(forTimeInterval: 20)
                    exit(1)
                }
                for _ in 0..<2 { DivakTracer.disabled.recordOperation("op") { _ in } }
                let timer = try counting.metrics.expectTimer("op")
                let made = try counting.metrics.expectCounter("timer made")
                #expect(timer.values.count == 2 && made.totalValue == 1)
            }
        }

        @Test func a_timer_sample_is_the_time_that_passed() async throws {
            try await withMetrics { metrics, tracer, _ in
                await tracer.recordOperation("sleep") { _ in try? await Task.sleep(for: .milliseconds(30)) }
                let value = try #require(try metrics.expectTimer("sleep").lastValue)
                #expect(value >= 30_000_000 && value < 30_000_000_000)
            }
        }

        @Test func what_is_not_sampled_is_timed_and_counted_all_the_same() async throws {
            let metrics = TestMetrics()
            let configuration = DivakConfiguration(serviceName: "test", sampleRate: 0)
            try await withTracer(configuration) { tracer, collector in
                withMetricsFactory(metrics) {
                    tracer.recordOperation("quiet") { span in
                        #expect(!span.isRecording)
                        tracer.countEvent("event", by: 4)
                    }
                    DivakTracer.disabled.recordOperation("quiet") { _ in }
                }
                #expect(try metrics.expectTimer("quiet").values.count == 2)
                #expect(try metrics.expectCounter("event").totalValue == 4)
                let spans = try await collector.spans(of: tracer)
                #expect(spans.isEmpty)
            }
        }

        @Test func events_are_counted_exactly_and_noted_on_the_current_span() async throws {
            try await withMetrics { metrics, tracer, collector in
                tracer.withSpan("work") { _ in
                    tracer.countEvent("miss")
                    tracer.countEvent("miss", by: 10)
                    tracer.countEvent("miss", by: 0)
                    tracer.countEvent("row", by: 5, annotates: false)
                    tracer.countEvent("miss", by: -1)
                }
                tracer.countEvent("miss")
                #expect(try metrics.expectCounter("miss").values == [1, 10, 0, 1])
                #expect(try metrics.expectCounter("row").totalValue == 5)
                let span = try await collector.spans(of: tracer).only("work")
                #expect(span.annotations.map(\.value) == ["miss", "miss +10"])
            }
        }

        @Test func a_handler_of_a_metric_is_made_once_a_name_and_metrics_system() async throws {
            let (first, second) = (Counting(), Counting())
            withMetricsFactory(first) {
                for _ in 0..<100 { DivakTracer.disabled.recordOperation("often") { _ in } }
            }
            withMetricsFactory(second) { DivakTracer.disabled.recordOperation("often") { _ in } }
            withMetricsFactory(first) { DivakTracer.disabled.recordOperation("often") { _ in } }
            #expect(first.made == 2 && first.metrics.timers(label: "often").flatMap(\.values).count == 101)
            #expect(second.made == 1 && second.metrics.timers(label: "often").flatMap(\.values).count == 1)
        }

        @Test func names_made_from_data_do_not_lose_samples() async throws {
            let counting = Counting()
            withMetricsFactory(counting) {
                for number in 0..<3000 { DivakTracer.disabled.countEvent("event \(number % 1500)") }
            }
            #expect((0..<1500).allSatisfy { counting.metrics.counterTotal(label: "event \($0)") == 2 })
        }

        @MainActor @Test func the_closure_stays_on_the_callers_actor() async throws {
            let basket = Basket()
            let same = await DivakTracer.disabled.recordOperation("pick") { _ in
                MainActor.assertIsolated()
                await Task.yield()
                MainActor.assertIsolated()
                return basket
            }
            #expect(same === basket)
            let again = await Handler().recordOperation("pick") {
                MainActor.assertIsolated()
                await Task.yield()
                return basket
            }
            #expect(again === basket)
        }

        @Test func a_hundred_operations_at_once_are_all_timed_and_traced() async throws {
            try await withMetrics { metrics, tracer, collector in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            await tracer.recordOperation("parallel") { _ in
                                await Task.yield()
                                tracer.countEvent("parallel")
                            }
                        }
                    }
                }
                #expect(try metrics.expectTimer("parallel").values.count == 100)
                #expect(try metrics.expectCounter("parallel").totalValue == 100)
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == 100)
            }
        }
    }
}

/// The test kit's metrics, which count how often a handler was asked for.
private final class Counting: MetricsFactory, @unchecked Sendable {
    let metrics = TestMetrics()
    // Each is used by one test alone, one call after the other.
    private(set) var made = 0

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        made += 1
        return metrics.makeCounter(label: label, dimensions: dimensions)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        metrics.makeRecorder(label: label, dimensions: dimensions, aggregate: aggregate)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        made += 1
        return metrics.makeTimer(label: label, dimensions: dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) { metrics.destroyCounter(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { metrics.destroyRecorder(handler) }
    func destroyTimer(_ handler: any TimerHandler) { metrics.destroyTimer(handler) }
}
