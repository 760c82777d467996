// FakeClock.swift - a clock that a test moves by hand.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import Divak

/// A clock that stands still until a test moves it, so that times and durations are known beforehand.
///
/// ```swift
/// let clock = FakeClock()
/// var configuration = DivakConfiguration(serviceName: "test")
/// configuration.clock = { clock.now }
/// let tracer = try InMemoryCollector().makeTracer(configuration)
/// tracer.withSpan("work") { _ in clock.advance(by: .milliseconds(5)) }          // takes 5,000 microseconds
/// ```
///
/// Unchecked, since the time is guarded by the lock.
public final class FakeClock: @unchecked Sendable {
    private let lock = DispatchQueue(label: "divak.fake-clock")
    private var time: DivakTimestamp

    /// A clock that says a time: 2023-11-14T22:13:20+00:00 unless another one is given.
    public init(_ time: DivakTimestamp = DivakTimestamp(microsecondsSinceEpoch: 1_700_000_000_000_000)) {
        self.time = time
    }

    /// What the clock says; it may be set back as well.
    public var now: DivakTimestamp {
        get { lock.sync { time } }
        set { lock.sync { time = newValue } }
    }

    /// Moves the clock on, in whole microseconds.
    public func advance(by duration: Duration) {
        let (seconds, attoseconds) = duration.boundedComponents
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        lock.sync {
            let moved = Int64(clamping: time.microsecondsSinceEpoch).addingReportingOverflow(microseconds)
            time.microsecondsSinceEpoch = moved.overflow ? 0 : UInt64(clamping: moved.partialValue)
        }
    }
}
