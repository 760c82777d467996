// DivakTimestamp+Text.swift - a point in time as ISO 8601 has it.
// SPDX-License-Identifier: Apache-2.0

extension DivakTimestamp: CustomStringConvertible {
    /// The time in UTC, `2026-02-28T13:05:09.250000+00:00`; the fraction only where there is one.
    ///
    /// ```swift
    /// span.tag("deadline", DivakTimestamp(secondsSinceEpoch: deadline.timeIntervalSince1970))
    /// ```
    public var description: String { iso8601() }

    /// The time as ISO 8601 has it, in a time zone so many seconds ahead of UTC.
    ///
    /// ```swift
    /// span.tag("created", time.iso8601(secondsFromUTC: 3600))          // 1970-01-01T01:00:00+01:00
    /// ```
    ///
    /// Parts of a minute of the offset are left out, and so is what is beyond a day.
    public func iso8601(secondsFromUTC: Int = 0) -> String {
        let minutes = secondsFromUTC % 86_400 / 60
        let seconds = Int64(microsecondsSinceEpoch / 1_000_000) + Int64(minutes * 60)
        let fraction = microsecondsSinceEpoch % 1_000_000
        let days = (seconds - (seconds < 0 ? 86_399 : 0)) / 86_400
        let second = seconds - days * 86_400
        let (year, month, day) = Self.date(ofDay: days)
        var text = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
        text += "\(Self.padded(second / 3600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
        if fraction != 0 { text += ".\(Self.padded(Int64(fraction), 6))" }
        let offset = Int64(abs(minutes))
        return text + (minutes < 0 ? "-" : "+") + "\(Self.padded(offset / 60, 2)):\(Self.padded(offset % 60, 2))"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// The date in the Gregorian calendar of a day since 1970-01-01.
    private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // 400 years have the same number of days, whichever they are; then 100 and 4 years have, but for the last.
        var rest = day + 719_162  // since 0001-01-01
        let cycles = rest / 146_097
        rest %= 146_097
        let centuries = min(rest / 36_524, 3)
        rest -= centuries * 36_524
        let olympiads = rest / 1461
        rest %= 1461
        let years = min(rest / 365, 3)
        rest -= years * 365
        let isLeap = years == 3 && (olympiads != 24 || centuries == 3)
        var month: Int64 = 1
        for days in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] as [Int64] {
            if rest < days { break }
            rest -= days
            month += 1
        }
        return (400 * cycles + 100 * centuries + 4 * olympiads + years + 1, month, rest + 1)
    }
}
