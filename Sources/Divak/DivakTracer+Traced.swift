// DivakTracer+Traced.swift - functions that are a span each time they are called.
// SPDX-License-Identifier: Apache-2.0
//
// Those that throw and those that don't are apart: Swift 6.3 fails to compile calls that would turn `throws(Never)` of a
// function with a parameter pack into one that does not throw.

extension DivakTracer {
    /// Wraps a function, so that each call of it is a span.
    ///
    /// ```swift
    /// let area = tracer.traced("area", area(of:))
    /// let result = area(shape)
    /// ```
    ///
    /// - Parameters:
    ///   - name: The name of the spans.
    ///   - kind: Their role.
    ///   - function: What is called, with the span as the current one; ``DivakSpan/current`` gives it for tags.
    public func traced<each Argument, Result>(
        _ name: String,
        kind: DivakKind = .local,
        _ function: @escaping (repeat each Argument) -> Result
    ) -> (repeat each Argument) -> Result {
        { (arguments: repeat each Argument) -> Result in
            withSpan(name, kind: kind) { _ in function(repeat each arguments) }
        }
    }

    /// Wraps a function that may throw, so that each call of it is a span.
    ///
    /// ```swift
    /// let parse = tracer.traced("parse", parse(_:))
    /// let document = try parse(text)                 // errors are recorded, and thrown on with their type
    /// ```
    public func traced<each Argument, Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        _ function: @escaping (repeat each Argument) throws(Failure) -> Result
    ) -> (repeat each Argument) throws(Failure) -> Result {
        { (arguments: repeat each Argument) throws(Failure) -> Result in
            try withSpan(name, kind: kind) { (_) throws(Failure) in try function(repeat each arguments) }
        }
    }

    /// Wraps an asynchronous function, so that each call of it is a span.
    ///
    /// ```swift
    /// let next = tracer.traced("next job", kind: .consumer, queue.next)
    /// let job = await next()
    /// ```
    public func traced<each Argument, Result>(
        _ name: String,
        kind: DivakKind = .local,
        _ function: @escaping @Sendable (repeat each Argument) async -> Result
    ) -> @Sendable (repeat each Argument) async -> Result {
        { (arguments: repeat each Argument) async -> Result in
            await withSpan(name, kind: kind) { _ in await function(repeat each arguments) }
        }
    }

    /// Wraps an asynchronous function that may throw, so that each call of it is a span.
    ///
    /// ```swift
    /// let load = tracer.traced("load", kind: .client, database.load(id:))
    /// let user = try await load(42)
    /// ```
    public func traced<each Argument, Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        _ function: @escaping @Sendable (repeat each Argument) async throws(Failure) -> Result
    ) -> @Sendable (repeat each Argument) async throws(Failure) -> Result {
        { (arguments: repeat each Argument) async throws(Failure) -> Result in
            try await withSpan(name, kind: kind) { (_) async throws(Failure) in
                try await function(repeat each arguments)
            }
        }
    }
}
