// FakeIDs.swift - ids that a test knows beforehand.
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A source of ids that counts: 1, 2, 3.
///
/// ```swift
/// let ids = FakeIDs()
/// var configuration = DivakConfiguration(serviceName: "test")
/// configuration.idGenerator = { ids.next() }
/// let tracer = try InMemoryCollector().makeTracer(configuration)
/// tracer.withSpan("root") { span in
///     #expect(span.traceID == "00000000000000020000000000000001")   // the low half is made first
///     #expect(span.spanID == "0000000000000003")
/// }
/// ```
///
/// A root takes three numbers, or two when trace ids have 64 bits (setting `trace_id_bits`), and a child takes one.
///
/// Unchecked, since the number is guarded by the lock.
public final class FakeIDs: @unchecked Sendable {
    private let lock = DispatchQueue(label: "divak.fake-ids")
    private var number: UInt64

    /// A source whose first id is 1, or another number.
    public init(first: UInt64 = 1) {
        number = first &- 1
    }

    /// The next id.
    public func next() -> UInt64 {
        lock.sync {
            number &+= 1
            return number
        }
    }
}
