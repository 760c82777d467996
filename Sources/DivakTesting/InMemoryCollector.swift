// InMemoryCollector.swift - keeps reported spans for a test to look at.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import Divak

/// A reporter that keeps the spans.
///
/// ```swift
/// let collector = InMemoryCollector()
/// let tracer = try collector.makeTracer()
///
/// tracer.withSpan("outer") { _ in tracer.withSpan("inner") { _ in } }
///
/// let spans = try await collector.spans(of: tracer)
/// #expect(spans.map(\.name) == ["inner", "outer"])
/// ```
public final class InMemoryCollector: DivakReporterConvertible, Sendable {
    private let reporter = MemoryReporter()
    private let captured = Captured()

    /// A collector with nothing in it.
    public init() {}

    /// The reporter to put into a configuration.
    ///
    /// Several tracers may share it.
    public var asReporter: DivakReporter { DivakReporter(.memory(reporter)) }

    /// Makes a tracer that reports here alone and reads no environment, so that tests don't depend on where they run.
    ///
    /// - Parameter configuration: Further settings; its reporters are kept.
    public func makeTracer(
        _ configuration: DivakConfiguration = DivakConfiguration(serviceName: "test")
    ) throws(DivakError) -> DivakTracer {
        var configuration = configuration
        configuration.readsEnvironment = false
        configuration.reporters.append(asReporter)
        return try DivakTracer(configuration)
    }

    /// All spans captured so far, in the order in which they arrived.
    ///
    /// A span arrives some time after its end: see ``spans(of:timeout:)``. Those that ended on one thread arrive in the
    /// order of their ends; those of several threads, or of tasks that hop between threads, in any: find them by name, or
    /// sort them by their times.
    public func spans() throws -> [CapturedSpan] {
        try captured.append(reporter.take())
    }

    /// Flushes a tracer and gives all spans captured so far.
    ///
    /// - Throws: `DivakError` when the flush failed, spans lost among the reasons.
    public func spans(of tracer: DivakTracer, timeout: Duration = .seconds(10)) async throws -> [CapturedSpan] {
        try await tracer.flush(timeout: timeout)
        return try spans()
    }

    /// Waits until a number of spans has been captured: for spans that end in tasks which nobody awaits.
    ///
    /// ```swift
    /// let spans = try await collector.waitForSpans(2)
    /// ```
    ///
    /// Returns what there is, which is less than `count`, when the time is up.
    public func waitForSpans(_ count: Int, timeout: Duration = .seconds(10)) async throws -> [CapturedSpan] {
        let deadline = ContinuousClock.now + timeout
        var spans = try spans()
        while spans.count < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
            spans = try self.spans()
        }
        return spans
    }

    /// Forgets what was captured.
    public func removeAll() throws {
        _ = try spans()
        captured.removeAll()
    }
}

/// What was taken out of the reporter.
///
/// Unchecked, since the list is guarded by its queue.
private final class Captured: @unchecked Sendable {
    private let lock = DispatchQueue(label: "divak.in-memory-collector")
    private var spans: [CapturedSpan] = []

    func append(_ lists: [String]) throws -> [CapturedSpan] {
        let new = try lists.flatMap { try CapturedSpan.list(json: $0) }
        return lock.sync {
            spans += new
            return spans
        }
    }

    func removeAll() {
        lock.sync { spans = [] }
    }
}
