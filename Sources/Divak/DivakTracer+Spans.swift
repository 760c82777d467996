// DivakTracer+Spans.swift - starting spans, and running code under them.
// SPDX-License-Identifier: Apache-2.0
//
// This file is hot: a sampled span with three tags allocates nothing on its way through here.

internal import CDivak

extension DivakTracer {
    /// Runs a closure under a span of its own, which is current meanwhile and ends with it.
    ///
    /// ```swift
    /// let total = try tracer.withSpan("sum") { span in
    ///     span.tag("count", numbers.count)
    ///     return try sum(numbers)
    /// }
    /// ```
    ///
    /// An error that the closure throws is recorded and thrown on unchanged.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind, parent).run(body)
    }

    /// Runs a closure under a span whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind, parent).run(body)
    }

    /// Runs an asynchronous closure under a span of its own, which is current meanwhile and ends with it.
    ///
    /// ```swift
    /// let user = try await tracer.withSpan("load user", kind: .client) { span in
    ///     span.tag("id", id)
    ///     return try await database.user(id)
    /// }
    /// ```
    ///
    /// The closure runs where the caller runs: on its actor if it has one. Neither the closure nor its result needs to be
    /// sendable. Tasks that the closure makes inherit the span as their parent; detached ones don't.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await begin(name, kind, parent).run(isolation: isolation, body)
    }

    /// Runs an asynchronous closure under a span whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await begin(name, kind, parent).run(isolation: isolation, body)
    }
}

// MARK: - By hand

extension DivakTracer {
    /// Starts a span that you finish yourself; it does not become current.
    ///
    /// ```swift
    /// let span = tracer.startSpan("download", kind: .client)
    /// download(url) { result in
    ///     span.tag("bytes", result.count)
    ///     span.finish()
    /// }
    /// ```
    ///
    /// Never fails: where nothing can be kept the span does not record, which is counted, and still carries ids on. One
    /// whose last copy goes before it was finished, flushed or abandoned is reported as an orphan with the place of this
    /// call.
    public func startSpan(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        function: String = #function,
        file: String = #fileID,
        line: UInt = #line
    ) -> DivakSpan {
        let creator = SpanCreator(function: function, file: file, line: line)
        return begin(name, kind, parent).watched(name, kind, by: creator)
    }

    /// Starts a span whose name is registered.
    public func startSpan(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        function: String = #function,
        file: String = #fileID,
        line: UInt = #line
    ) -> DivakSpan {
        let creator = SpanCreator(function: function, file: file, line: line)
        return begin(name, kind, parent).watched("", kind, by: creator)
    }

    /// Starts a span that began at a time in the past.
    public func startSpan(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        at time: DivakTimestamp,
        function: String = #function,
        file: String = #fileID,
        line: UInt = #line
    ) -> DivakSpan {
        var handle = divak_span()
        parent.withHandle { parent in
            name.withBytes { name, count in
                var options = divak_start_options()
                options.name = name
                options.name_length = count
                options.kind = kind.rawValue
                options.parent = parent
                options.timestamp = time.microsecondsSinceEpoch
                _ = divak_span_start_with(pointer, &options, &handle)
            }
        }
        let creator = SpanCreator(function: function, file: file, line: line)
        return DivakSpan(handle: handle).watched(name, kind, by: creator)
    }
}

// MARK: - The common beginning

extension DivakTracer {
    /// Starts a span that somebody here will end: nothing watches for that.
    @usableFromInline
    func begin(_ name: String, _ kind: DivakKind, _ parent: DivakParent) -> DivakSpan {
        var handle = divak_span()
        parent.withHandle { parent in
            name.withBytes { name, count in
                _ = divak_span_start(pointer, name, count, kind.rawValue, parent, &handle)
            }
        }
        return DivakSpan(handle: handle)
    }

    /// The same with a registered name.
    @usableFromInline
    func begin(_ name: DivakKey, _ kind: DivakKind, _ parent: DivakParent) -> DivakSpan {
        var handle = divak_span()
        parent.withHandle { parent in
            _ = divak_span_start_by_key(pointer, name.rawValue, kind.rawValue, parent, &handle)
        }
        return DivakSpan(handle: handle)
    }
}

// MARK: - The common end

extension DivakSpan {
    /// Runs a closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        do throws(Failure) {
            let result = try withCurrent { () throws(Failure) in try body(self) }
            finish()
            return result
        } catch {
            recordError(error)
            finish()
            throw error
        }
    }

    /// Runs an asynchronous closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(
        isolation: isolated (any Actor)?,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        do throws(Failure) {
            let result = try await withCurrent(isolation: isolation) { () async throws(Failure) in
                try await body(self)
            }
            finish()
            return result
        } catch {
            recordError(error)
            finish()
            throw error
        }
    }
}
