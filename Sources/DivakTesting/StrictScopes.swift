// StrictScopes.swift - fails a test that leaves a span or a scope open.
// SPDX-License-Identifier: Apache-2.0

import Divak

/// What a test left open, or closed where it may not be.
public struct StrictScopesError: Error, Sendable, CustomStringConvertible {
    /// Each problem in words: which span or scope, who started it, and what is wrong with it.
    public let problems: [String]

    /// All problems, a line each.
    public var description: String { problems.joined(separator: "\n") }
}

/// Runs a closure, and fails if it leaves anything open: by throwing a ``StrictScopesError`` that names it.
///
/// ```swift
/// @Test func nothing_is_left_open() throws {
///     try withStrictScopes {
///         handle(request)
///     }
/// }
/// ```
///
/// Found are: spans from `startSpan` that are open at the end, or that were dropped without an end (orphans), each with
/// the place where it was started; scopes of C that were left open on this thread; and scopes of C that were closed out of
/// order or on another thread than the one that opened them. Only spans that are recorded are watched: let the tracer
/// sample all. What the closure's child tasks do counts too, what detached ones do does not.
///
/// - Throws: What the closure throws; else a ``StrictScopesError``.
public func withStrictScopes<Result>(_ body: () throws -> Result) throws -> Result {
    let watch = SpanWatch()
    let before = DivakSpan.current
    // A watch ends when it is asked, whatever the closure throws.
    defer { _ = watch.problems() }
    let result = try SpanWatch.$current.withValue(watch) { try body() }
    let problems = watch.problems() + (SpanWatch.leftOpen(since: before).map { [$0] } ?? [])
    guard problems.isEmpty else { throw StrictScopesError(problems: problems) }
    return result
}

/// Runs an asynchronous closure, and fails if it leaves anything open: by throwing a ``StrictScopesError`` that names it.
///
/// ```swift
/// @Test func nothing_is_left_open() async throws {
///     try await withStrictScopes {
///         try await handle(request)
///     }
/// }
/// ```
///
/// As the synchronous form. A scope of C that is left open stays on the thread that opened it, which need not be the one
/// that the closure ends on: that is not noticed then.
public func withStrictScopes<Result>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async throws -> Result {
    let watch = SpanWatch()
    let before = DivakSpan.current
    defer { _ = watch.problems() }
    let result = try await SpanWatch.$current.withValue(watch) { try await body() }
    let problems = watch.problems() + (SpanWatch.leftOpen(since: before).map { [$0] } ?? [])
    guard problems.isEmpty else { throw StrictScopesError(problems: problems) }
    return result
}
