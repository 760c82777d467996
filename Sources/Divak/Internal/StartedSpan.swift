// StartedSpan.swift - a span that was started to run a closure under it: how it becomes current, and how it ends.
// SPDX-License-Identifier: Apache-2.0
//
// This file is hot: binding the task-local is most of what an unsampled span costs. What is generic is inlinable, so that
// the program that calls it gets it made for its own types; the rest are plain functions behind it.

internal import CDivak

/// A span that was just started, and what it started in: bytes alone, so that nothing is counted when it is handed on.
@usableFromInline
struct StartedSpan: Sendable {
    enum Binding {
        /// The span is to be made current.
        case needed
        /// It is current.
        case present
        /// A C scope is open on this thread, which would hide it.
        case insideScope
    }

    @usableFromInline var span = DivakSpan(words: SpanHandle(), companion: nil)
    /// Of the entry in the task's context, 0 when there is none.
    var mark: UInt64 = 0
    var binding = Binding.needed
}

extension StartedSpan {
    /// Runs a closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(_ body: (DivakSpan) throws(Failure) -> Result) throws(Failure) -> Result {
        // The outcome is carried out as a value: the standard library's scope would widen the type of the error.
        var outcome: Swift.Result<Result, Failure>?
        bind { span in
            do throws(Failure) {
                outcome = .success(try body(span))
            } catch {
                outcome = .failure(error)
            }
        }
        return try end(with: outcome)
    }

    /// Runs an asynchronous closure with the span as the current one, and ends it.
    @inlinable
    func run<Result, Failure: Error>(
        isolation: isolated (any Actor)?,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        await bind(isolation: isolation) { span in
            do throws(Failure) {
                outcome = .success(try await body(span))
            } catch {
                outcome = .failure(error)
            }
        }
        return try end(with: outcome)
    }

    /// Ends the span, with the error if there is one, and hands on how its closure ended.
    @inlinable @inline(__always)
    func end<Result, Failure: Error>(with outcome: Swift.Result<Result, Failure>?) throws(Failure) -> Result {
        switch DivakSpan.unwrap(outcome) {
        case .success(let result):
            finish()
            return result
        case .failure(let error):
            span.recordError(error)
            finish()
            throw error
        }
    }

    @usableFromInline
    func finish() {
        _ = span.words.lend { divak_span_finish($0) }
    }
}

extension StartedSpan {
    /// Runs the closure, once, with the span as the current one.
    @usableFromInline
    func bind(_ body: (DivakSpan) -> Void) {
        switch binding {
        case .needed:
            CurrentSpan.$scope.withValue(SpanScope(handle: span.words.span, mark: mark)) { body(span) }
        case .present:
            body(span)
        case .insideScope:
            // As a C scope too: the one around would hide this, the inner one.
            var inner = divak_scope()
            _ = span.words.lend { divak_scope_open($0, &inner) }
            CurrentSpan.$scope.withValue(SpanScope(handle: span.words.span, mark: mark)) { body(span) }
            divak_scope_close(&inner)
        }
    }

    /// Runs the closure, once, where the caller runs, with the span as the current one.
    @usableFromInline
    func bind(isolation: isolated (any Actor)?, _ body: (DivakSpan) async -> Void) async {
        // A C scope is closed before anything waits; so it can't hide this one for long.
        if binding == .present { return await body(span) }
        await CurrentSpan.$scope.withValue(SpanScope(handle: span.words.span, mark: mark)) { await body(span) }
    }
}

extension StartedSpan {
    /// A span that was started earlier, in what there is around the caller.
    init(_ span: DivakSpan) {
        self.span = span
        mark = CurrentSpan.entry?.mark ?? 0
        var (innermost, itsMark) = (divak_span(), UInt64(0))
        if divak_scope_innermost(&innermost, &itsMark) { binding = .insideScope }
    }
}
