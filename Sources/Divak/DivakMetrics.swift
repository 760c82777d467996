// DivakMetrics.swift - Divak's own counters, for whatever the program sends its metrics to.
// SPDX-License-Identifier: Apache-2.0

public import CoreMetrics
import Dispatch

/// Hands the statistics of a tracer to swift-metrics, under the names that OpenTelemetry has for them.
///
/// ```swift
/// let metrics = DivakMetrics(tracer)
/// try await withThrowingTaskGroup(of: Void.self) { group in
///     group.addTask { await metrics.run(every: .seconds(10)) }
///     ...
/// }
/// ```
///
/// | name | what it counts |
/// |---|---|
/// | `otel.sdk.span.started` | spans that were recorded from their start on |
/// | `otel.sdk.span.live` | spans that have not ended yet |
/// | `otel.sdk.processor.span.queue.size` | spans that have ended and are on their way |
/// | `otel.sdk.processor.span.processed` | spans handed to the reporter; with `error.type` those that never were |
/// | `otel.sdk.exporter.span.exported` | spans delivered; with `error.type` those that the way out cost |
/// | `divak.span.dropped` | all spans dropped, by `reason` |
/// | `divak.message.sent`, `divak.message.bytes`, `divak.message.failed` | requests to the collector |
/// | `divak.span.use_after_end`, `divak.span.duplicate` | uses of ended spans; spans that may have arrived twice |
/// | `divak.truncated`, `divak.sanitized`, `divak.bad_header`, `divak.baggage.dropped` | what was cut or refused |
/// | `divak.memory.mapped` | bytes of memory that the tracer holds |
///
/// Live, queue size and memory are meters, the rest counters. Where OpenTelemetry's names tell components apart,
/// `otel.component.name` says which reporter, `divak_reporter/0`, and `otel.component.type` is `divak_reporter`. Spans
/// that are not sampled are in none of these: they cost too little to be counted. Spans that handlers or the program
/// itself dropped are no errors, and in `divak.span.dropped` alone.
///
/// One value a tracer, for each begins to count where the tracer did.
public struct DivakMetrics: Sendable {
    private let tracer: DivakTracer
    private let state: State

    /// Metrics of a tracer, for the metrics system of the program or another one.
    public init(_ tracer: DivakTracer, factory: (any MetricsFactory)? = nil) {
        self.tracer = tracer
        state = State(factory ?? MetricsSystem.factory)
    }

    /// Hands over what the statistics say now.
    ///
    /// ```swift
    /// metrics.record()
    /// ```
    public func record() {
        state.withLock { state in
            var index = 0
            while let statistics = tracer.statistics(ofReporter: index) {
                if index == 0 { Self.recordTracer(statistics, &state) }
                Self.recordReporter(statistics, index, &state)
                index += 1
            }
        }
    }

    /// Hands over the statistics at intervals, of a millisecond to a day, until the task is cancelled, and then once more.
    public func run(every interval: Duration = .seconds(10)) async {
        // Of longer ones some end the process in `sleep`, which reckons in nanoseconds.
        let interval = min(max(interval, .milliseconds(1)), .seconds(86_400))
        while !Task.isCancelled {
            record()
            try? await Task.sleep(for: interval)
        }
        record()
    }
}

// MARK: - Names

extension DivakMetrics {
    /// What is the same for all reporters.
    private static func recordTracer(_ statistics: DivakStatistics, _ state: inout State.Values) {
        state.count("otel.sdk.span.started", [], statistics.started)
        state.set("otel.sdk.span.live", [], statistics.live)
        state.count("divak.span.use_after_end", [], statistics.usesAfterEnd)
        state.count("divak.truncated", [], statistics.truncated)
        state.count("divak.sanitized", [], statistics.sanitized)
        state.count("divak.bad_header", [], statistics.badHeaders)
        state.count("divak.baggage.dropped", [], statistics.droppedBaggage)
        state.set("divak.memory.mapped", [], statistics.bytesMapped)
    }

    private static func recordReporter(_ statistics: DivakStatistics, _ index: Int, _ state: inout State.Values) {
        let component = [
            ("otel.component.type", "divak_reporter"), ("otel.component.name", "divak_reporter/\(index)"),
        ]
        var exported = statistics.delivered
        state.count("otel.sdk.exporter.span.exported", component, statistics.delivered)
        for (reason, spans) in statistics.dropped {
            let name = reason.description
            state.count("divak.span.dropped", component + [("reason", name)], spans)
            switch name {
            case "filtered", "abandoned":
                break
            case "rejected", "retry_expired", "redirect", "tls", "flusher_stuck":
                exported += spans
                state.count("otel.sdk.exporter.span.exported", component + [("error.type", name)], spans)
            default:
                let error = errorTypes[name] ?? name
                state.count("otel.sdk.processor.span.processed", component + [("error.type", error)], spans, from: name)
            }
        }
        state.count("otel.sdk.processor.span.processed", component, exported)
        state.set("otel.sdk.processor.span.queue.size", component, statistics.pending)
        state.count("divak.span.duplicate", component, statistics.possibleDuplicates)
        state.count("divak.message.sent", component, statistics.messages)
        state.count("divak.message.bytes", component, statistics.messageBytes)
        state.count("divak.message.failed", component, statistics.messageFailures)
    }

    /// The reasons that OpenTelemetry has a word for.
    private static let errorTypes = [
        "ring_full": "queue_full", "no_slot": "queue_full", "budget": "queue_full", "contended": "queue_full",
        "after_shutdown": "already_shutdown",
    ]
}

// MARK: - State

/// What was handed over so far.
///
/// Unchecked, since the values are touched under the lock alone.
private final class State: @unchecked Sendable {
    struct Values {
        let factory: any MetricsFactory
        var counters: [String: (counter: Counter, last: [String: UInt64])] = [:]
        var meters: [String: Meter] = [:]

        /// Adds to a counter what its number has grown by; several numbers, told apart by `source`, may share one.
        mutating func count(
            _ name: String,
            _ dimensions: [(String, String)],
            _ number: UInt64,
            from source: String = ""
        ) {
            let key = Self.key(name, dimensions)
            var entry = counters[key] ?? (Counter(label: name, dimensions: dimensions, factory: factory), [:])
            let last = entry.last[source] ?? 0
            // Less than before: a forked child counts from zero.
            let grown = number >= last ? number - last : number
            if grown > 0 { entry.counter.increment(by: Int64(clamping: grown)) }
            entry.last[source] = number
            counters[key] = entry
        }

        mutating func set(_ name: String, _ dimensions: [(String, String)], _ number: UInt64) {
            let key = Self.key(name, dimensions)
            let meter = meters[key] ?? Meter(label: name, dimensions: dimensions, factory: factory)
            meter.set(Int64(clamping: number))
            meters[key] = meter
        }

        private static func key(_ name: String, _ dimensions: [(String, String)]) -> String {
            dimensions.reduce(name) { "\($0),\($1.0)=\($1.1)" }
        }
    }

    private let lock = DispatchQueue(label: "divak.metrics")
    private var values: Values

    init(_ factory: any MetricsFactory) {
        values = Values(factory: factory)
    }

    func withLock(_ body: (inout Values) -> Void) {
        lock.sync { body(&values) }
    }
}
