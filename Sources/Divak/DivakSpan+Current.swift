// DivakSpan+Current.swift - making a span the current one.
// SPDX-License-Identifier: Apache-2.0
//
// The generic functions are inlinable, so that the program that calls them gets them made for its own types; unspecialised
// they cost 100 ns more. They reach the rest through functions that are not generic (Internal/StartedSpan.swift), where
// the C module stays an internal import.

internal import CDivak

extension DivakSpan {
    /// Makes the span current while a closure runs; does not end it.
    ///
    /// ```swift
    /// let span = tracer.startSpan("request", kind: .server, parent: incoming)
    /// let response = span.withCurrent { handle(request) }
    /// ```
    @inlinable
    public func withCurrent<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The outcome is carried out as a value: the standard library's scope would widen the type of the error.
        var outcome: Swift.Result<Result, Failure>?
        bind {
            do throws(Failure) {
                outcome = .success(try body())
            } catch {
                outcome = .failure(error)
            }
        }
        return try Self.unwrap(outcome).get()
    }

    /// Makes the span current while an asynchronous closure runs; does not end it.
    ///
    /// The closure runs where the caller runs, and neither it nor its result needs to be sendable.
    @inlinable
    public func withCurrent<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        await bind(isolation: isolation) {
            do throws(Failure) {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
        }
        return try Self.unwrap(outcome).get()
    }

    /// The outcome of a closure that has run, as `bind` promises.
    @inlinable
    static func unwrap<Outcome>(_ outcome: Outcome?) -> Outcome {
        guard let outcome else { preconditionFailure("the closure did not run") }
        return outcome
    }
}

extension DivakSpan {
    /// Runs the closure, once, with the span as the current one.
    ///
    /// It was not started just now, and may have a companion to keep.
    @usableFromInline
    func bind(_ body: () -> Void) {
        guard let companion else { return StartedSpan(self).bind { _ in body() } }
        CurrentSpan.$companion.withValue(companion) { StartedSpan(self).bind { _ in body() } }
    }

    /// The same for asynchronous closures.
    @usableFromInline
    func bind(isolation: isolated (any Actor)?, _ body: () async -> Void) async {
        guard let companion else { return await StartedSpan(self).bind(isolation: isolation) { _ in await body() } }
        await CurrentSpan.$companion.withValue(companion) {
            await StartedSpan(self).bind(isolation: isolation) { _ in await body() }
        }
    }
}
