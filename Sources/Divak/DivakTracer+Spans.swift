// DivakTracer+Spans.swift - starting spans, and running code under them.
// SPDX-License-Identifier: Apache-2.0
//
// This file is hot: a sampled span with three tags allocates nothing on its way through here.

internal import CDivak
internal import Tracing

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
    /// Its parent is the current span. An error that the closure throws is recorded and thrown on unchanged.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind).run(body)
    }

    /// Runs a closure under a span of a given parent.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind, parent).run(body)
    }

    /// Runs a closure under a span whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind).run(body)
    }

    /// Runs a closure under a span of a given parent, whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind, parent).run(body)
    }
}

// MARK: - Asynchronous

extension DivakTracer {
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
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await begin(name, kind).run(isolation: isolation, body)
    }

    /// Runs an asynchronous closure under a span of a given parent.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent,
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
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await begin(name, kind).run(isolation: isolation, body)
    }

    /// Runs an asynchronous closure under a span of a given parent, whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent,
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
        return begin(name, kind, parent).span.watched(name, kind, by: creator)
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
        return begin(name, kind, parent).span.watched("", kind, by: creator)
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
    /// Starts a child of the current span that somebody here will end: nothing watches for that.
    @usableFromInline
    func begin(_ name: String, _ kind: DivakKind) -> StartedSpan {
        guard name.isContiguousUTF8 else { return begin(name.native, kind) }
        return beginCurrent { parent, handle in
            name.withNativeBytes { name, count in
                divak_span_start(pointer, name, count, kind.rawValue, parent, handle)
            }
        }
    }

    /// Starts a span that somebody here will end.
    @usableFromInline
    func begin(_ name: String, _ kind: DivakKind, _ parent: DivakParent) -> StartedSpan {
        begin(parent) { parent, handle in
            name.withBytes { name, count in divak_span_start(pointer, name, count, kind.rawValue, parent, handle) }
        }
    }

    /// The first with a registered name.
    @usableFromInline
    func begin(_ name: DivakKey, _ kind: DivakKind) -> StartedSpan {
        beginCurrent { parent, handle in
            divak_span_start_by_key(pointer, name.rawValue, kind.rawValue, parent, handle)
        }
    }

    /// The second with a registered name.
    @usableFromInline
    func begin(_ name: DivakKey, _ kind: DivakKind, _ parent: DivakParent) -> StartedSpan {
        begin(parent) { parent, handle in
            divak_span_start_by_key(pointer, name.rawValue, kind.rawValue, parent, handle)
        }
    }

    /// Starts a span under what is asked for, and finds out what it starts in.
    func begin(
        _ parent: DivakParent,
        _ start: (UnsafePointer<divak_span>, UnsafeMutablePointer<divak_span>) -> Int32
    ) -> StartedSpan {
        if parent.origin == .current { return beginCurrent(start) }
        var started = StartedSpan()
        parent.withHandle { parent in _ = started.span.words.fill { start(parent, $0) } }
        return StartedSpan(started.span)
    }

    /// Finds out what is current, once, and starts a span under it.
    @inline(__always)
    func beginCurrent(
        _ start: (UnsafePointer<divak_span>, UnsafeMutablePointer<divak_span>) -> Int32?
    ) -> StartedSpan {
        var started = StartedSpan()
        let context = ServiceContext.current
        let entry = context.flatMap { CurrentSpan.lentEntry(of: $0) }
        var current = CurrentSpan.scope
        started.mark = entry?.mark ?? 0
        if divak_scope_innermost(&current.handle, &current.mark) { started.binding = .insideScope }
        let isScope = started.mark == 0 || started.mark == current.mark
        if let entry, !isScope { current.handle = entry.handle }
        withExtendedLifetime(context) { _ = started.span.words.fill { start(&current.handle, $0) } }
        // An unsampled child of an unsampled span is its parent by another name: it is current already.
        if started.span.words.slot == 0, isScope, started.mark == current.mark, started.binding == .needed,
            started.span.words.spanID == current.handle.span_id, started.span.words.flags == current.handle.flags
        {
            started.binding = .present
        }
        return started
    }
}
