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
        var around = Surroundings()
        return try begin(name, kind, parent, &around).run(around, body)
    }

    /// Runs a closure under a span whose name is registered.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: DivakKey,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var around = Surroundings()
        return try begin(name, kind, parent, &around).run(around, body)
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
        var around = Surroundings()
        return try await begin(name, kind, parent, &around).run(around, isolation: isolation, body)
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
        var around = Surroundings()
        return try await begin(name, kind, parent, &around).run(around, isolation: isolation, body)
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
        var around = Surroundings()
        return begin(name, kind, parent, &around).watched(name, kind, by: creator)
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
        var around = Surroundings()
        return begin(name, kind, parent, &around).watched("", kind, by: creator)
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
    func begin(_ name: String, _ kind: DivakKind, _ parent: DivakParent, _ around: inout Surroundings) -> DivakSpan {
        begin(parent, &around) { parent, handle in
            name.withBytes { name, count in divak_span_start(pointer, name, count, kind.rawValue, parent, handle) }
        }
    }

    /// The same with a registered name.
    @usableFromInline
    func begin(_ name: DivakKey, _ kind: DivakKind, _ parent: DivakParent, _ around: inout Surroundings) -> DivakSpan {
        begin(parent, &around) { parent, handle in
            divak_span_start_by_key(pointer, name.rawValue, kind.rawValue, parent, handle)
        }
    }

    /// Finds out what is current, once, and starts a span under it or under what else is asked for.
    @inline(__always)
    func begin(
        _ parent: DivakParent,
        _ around: inout Surroundings,
        _ start: (UnsafePointer<divak_span>, UnsafeMutablePointer<divak_span>) -> Int32
    ) -> DivakSpan {
        var handle = divak_span()
        let entry = CurrentSpan.entry
        var current = CurrentSpan.scope
        around.mark = entry?.mark ?? 0
        if divak_scope_innermost(&current.handle, &current.mark) { around.binding = .insideScope }
        if case .current = parent.storage {
            let isScope = around.mark == 0 || around.mark == current.mark
            if let entry, !isScope { current.handle = entry.handle }
            withExtendedLifetime(entry) { _ = start(&current.handle, &handle) }
            // An unsampled child of an unsampled span is its parent by another name: it is current already.
            if isScope, handle.slot == 0, around.mark == current.mark, around.binding == .needed,
                handle.span_id == current.handle.span_id, handle.flags == current.handle.flags
            {
                around.binding = .present
            }
        } else {
            parent.withHandle { _ = start($0, &handle) }
        }
        return DivakSpan(handle: handle)
    }
}

/// What a span starts in, found out once.
@usableFromInline
struct Surroundings: Sendable {
    enum Binding {
        /// The span is to be made current.
        case needed
        /// It is current.
        case present
        /// A C scope is open on this thread, which would hide it.
        case insideScope
    }

    /// Of the entry in the task's context, 0 when there is none.
    var mark: UInt64 = 0
    var binding = Binding.needed

    @usableFromInline
    init() {}
}

// MARK: - The common end

extension DivakSpan {
    /// Runs a closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(
        _ around: Surroundings,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The outcome is carried out as a value: the standard library's scope would widen the type of the error.
        var outcome: Swift.Result<Result, Failure>?
        bind(around) {
            do throws(Failure) {
                outcome = .success(try body(self))
            } catch {
                outcome = .failure(error)
            }
        }
        return try end(with: outcome)
    }

    /// Runs an asynchronous closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(
        _ around: Surroundings,
        isolation: isolated (any Actor)?,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        await bind(around, isolation: isolation) {
            do throws(Failure) {
                outcome = .success(try await body(self))
            } catch {
                outcome = .failure(error)
            }
        }
        return try end(with: outcome)
    }

    /// Ends the span, with the error if there is one, and hands on how its closure ended.
    @inlinable @inline(__always)
    func end<Result, Failure: Error>(with outcome: Swift.Result<Result, Failure>?) throws(Failure) -> Result {
        switch Self.unwrap(outcome) {
        case .success(let result):
            finish()
            return result
        case .failure(let error):
            recordError(error)
            finish()
            throw error
        }
    }
}
