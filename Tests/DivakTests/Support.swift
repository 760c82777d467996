// Support.swift - what the tests share.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Foundation
import Testing

/// All tests, one after the other: a process has room for 15 tracers, and nearly every test makes one.
@Suite(.serialized) enum Everything {}

/// A tracer with its collector, which is shut down when the test is through.
func withTracer(
    _ configuration: DivakConfiguration = DivakConfiguration(serviceName: "test"),
    _ body: (DivakTracer, InMemoryCollector) async throws -> Void
) async throws {
    let collector = InMemoryCollector()
    let tracer = try collector.makeTracer(configuration)
    do {
        try await body(tracer, collector)
    } catch {
        try? await tracer.shutdown()
        throw error
    }
    try? await tracer.shutdown()
}

extension [CapturedSpan] {
    /// The one span of a name.
    func only(_ name: String, _ location: SourceLocation = #_sourceLocation) throws -> CapturedSpan {
        let found = filter { $0.name == name }
        #expect(found.count == 1, "spans named \(name)", sourceLocation: location)
        return try #require(found.first, sourceLocation: location)
    }
}

struct Spilled: Error, Equatable, CustomStringConvertible {
    var liters: Int
    var description: String { "spilled \(liters) l" }
}

/// Starts a plain thread, which no task runs on.
func startThread(_ body: @escaping @Sendable () -> Void) {
    Thread.detachNewThread(body)
}

/// Runs a closure on a plain thread and waits for it.
func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { done in
        startThread {
            body()
            done.resume()
        }
    }
}
