// RequestTracker.swift - mix-in for handlers: operations, tags and the name of the request's span.
// SPDX-License-Identifier: Apache-2.0

/// Gives a handler operations, tags and a name for its request.
///
/// ```swift
/// struct RowsHandler: RequestTracker, RequestLogger, HTTPClientMixin {
///     func get() async throws -> String {
///         setDivakName("rows")
///         let rows = try await recordOperation("query-db") {
///             let rows = try await database.rows()
///             addDivakTag("query-db.rowcount", rows.count)
///             return rows
///         }
///         for row in rows {
///             logger.debug("processing", metadata: ["row": "\(row)"])
///             _ = try await sendRequest("http://127.0.0.1:8081/\(row)")
///         }
///         return "\(rows.count)"
///     }
/// }
/// ```
///
/// There is nothing to store and nothing to set up: it acts on the ``DivakRequest`` that the current task answers, which
/// the framework's middleware made. Where there is none it acts on the current span and the process's first tracer.
public protocol RequestTracker {}

extension RequestTracker {
    /// Runs a closure under a span, times it for the metrics system, and puts the span's ids into log lines.
    ///
    /// As ``DivakTracer/recordOperation(_:kind:parent:_:)``, under the current span.
    @inlinable
    public func recordOperation<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try DivakTracer.ofRequest.recordOperation(name, kind: kind) { _ throws(Failure) in try body() }
    }

    /// Runs an asynchronous closure, where the caller runs, under a span, times it for the metrics system, and puts the
    /// span's ids into log lines.
    @inlinable
    public func recordOperation<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await DivakTracer.ofRequest.recordOperation(name, kind: kind, isolation: isolation) {
            _ async throws(Failure) in try await body()
        }
    }

    /// Counts an event: in the swift-metrics `Counter` of that name, and as an annotation of the current span.
    ///
    /// As ``DivakTracer/countEvent(_:by:annotates:)``.
    public func countEvent(_ name: String, by amount: Int = 1, annotates: Bool = true) {
        DivakTracer.ofRequest.countEvent(name, by: amount, annotates: annotates)
    }

    /// Names the request's span, whatever operation is current; without a request, the current span.
    public func setDivakName(_ name: @autoclosure () -> String) {
        if let request = DivakRequest.current { return request.setName(name()) }
        DivakSpan.current?.rename(name())
    }
}

// MARK: - Tags

extension RequestTracker {
    /// Tags the current span, which is that of the innermost operation, with text.
    ///
    /// The value is not computed when nothing is recorded, here and below.
    public func addDivakTag(_ key: String, _ value: @autoclosure () -> String) {
        DivakSpan.current?.tag(key, value())
    }

    /// Tags the current span with a number.
    public func addDivakTag(_ key: String, _ value: @autoclosure () -> Int) {
        DivakSpan.current?.tag(key, value())
    }

    /// Tags the current span with a number.
    public func addDivakTag(_ key: String, _ value: @autoclosure () -> Double) {
        DivakSpan.current?.tag(key, value())
    }

    /// Tags the current span with `true` or `false`.
    public func addDivakTag(_ key: String, _ value: @autoclosure () -> Bool) {
        DivakSpan.current?.tag(key, value())
    }

    /// Tags the current span with the description of a value.
    public func addDivakTag(_ key: String, _ value: @autoclosure () -> some CustomStringConvertible) {
        DivakSpan.current?.tag(key, value().description)
    }
}

extension DivakTracer {
    /// The tracer of the request that the current task answers, else the process's first, else one that does nothing.
    @usableFromInline
    static var ofRequest: DivakTracer { DivakRequest.current?.tracer ?? current ?? disabled }
}
