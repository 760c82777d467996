// DivakTracer+Operations.swift - one form for what is timed, counted, traced and logged.
// SPDX-License-Identifier: Apache-2.0

extension DivakTracer {
    /// Runs a closure under a span, times it for the metrics system, and puts the span's ids into log lines.
    ///
    /// ```swift
    /// let rows = try tracer.recordOperation("query-db", kind: .client) { span in
    ///     let rows = try database.rows(query)
    ///     span.tag("rowcount", rows.count)
    ///     logger.info("queried")                       // carries traceId and spanId
    ///     return rows
    /// }
    /// ```
    ///
    /// The same as `withSpan`, and beside it a sample for the swift-metrics `Timer` with the operation's name: whether
    /// the trace is sampled or not, whether the closure returns or throws, in monotonic time. Names are to be few, as
    /// with all metrics: put what varies into tags. The ids are in the lines of every logger that `Logging` was set up
    /// for (``DivakLogHandler``).
    @inlinable
    public func recordOperation<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let timing = OperationTiming(name)
        defer { timing.record() }
        return try withSpan(name, kind: kind, parent: parent, body)
    }

    /// Runs an asynchronous closure, where the caller runs, under a span, times it for the metrics system, and puts the
    /// span's ids into log lines.
    ///
    /// ```swift
    /// let user = try await tracer.recordOperation("load user") { _ in try await database.user(id) }
    /// ```
    @inlinable
    public func recordOperation<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let timing = OperationTiming(name)
        defer { timing.record() }
        return try await withSpan(name, kind: kind, parent: parent, isolation: isolation, body)
    }

    /// Counts an event: in the swift-metrics `Counter` of that name, and as an annotation of the current span.
    ///
    /// ```swift
    /// tracer.countEvent("cache miss")
    /// tracer.countEvent("rows", by: rows.count, annotates: false)
    /// ```
    ///
    /// It is counted whether the trace is sampled or not.
    ///
    /// - Parameters:
    ///   - name: What happened; names are to be few.
    ///   - amount: How often it happened, 0 or more: counters only go up. Less is left out, with one line in the log.
    ///   - annotates: Whether the current span notes it. A span has room for some dozens of annotations and tags
    ///     together, so turn it off for what happens in a loop.
    public func countEvent(_ name: String, by amount: Int = 1, annotates: Bool = true) {
        guard amount >= 0 else {
            MetricHandlers.warnOfNegative
            return
        }
        MetricHandlers.count(name, by: amount)
        guard annotates, amount > 0, let span = DivakSpan.current else { return }
        span.annotate(amount == 1 ? name : "\(name) +\(amount)")
    }
}

/// A running operation, seen by the metrics system.
@usableFromInline
struct OperationTiming {
    private let name: String
    private let start: Int64

    @usableFromInline
    init(_ name: String) {
        self.name = name
        start = Monotonic.nanoseconds()
    }

    @usableFromInline
    func record() {
        MetricHandlers.record(name, nanoseconds: max(0, Monotonic.nanoseconds() - start))
    }
}
