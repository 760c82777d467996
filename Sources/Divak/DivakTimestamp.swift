// DivakTimestamp.swift - a point in time as Zipkin counts it.
// SPDX-License-Identifier: Apache-2.0

/// Microseconds since 1970, for events whose time is known from elsewhere.
///
/// ```swift
/// span.annotate("enqueued", at: DivakTimestamp(secondsSinceEpoch: message.date.timeIntervalSince1970))
/// ```
public struct DivakTimestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01 00:00 UTC.
    ///
    /// 0 is not a time: what is given it is refused.
    public var microsecondsSinceEpoch: UInt64

    /// A time in microseconds.
    public init(microsecondsSinceEpoch: UInt64) {
        self.microsecondsSinceEpoch = microsecondsSinceEpoch
    }

    /// A time in seconds and their fractions; what lies before 1970 or is not a number becomes 0.
    public init(secondsSinceEpoch seconds: Double) {
        let microseconds = (seconds * 1_000_000).rounded()
        self.init(microsecondsSinceEpoch: microseconds > 0 ? UInt64(exactly: microseconds) ?? 0 : 0)
    }

    /// Orders by time.
    public static func < (left: DivakTimestamp, right: DivakTimestamp) -> Bool {
        left.microsecondsSinceEpoch < right.microsecondsSinceEpoch
    }
}
