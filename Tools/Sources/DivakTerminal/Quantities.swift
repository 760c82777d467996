// Quantities.swift - durations and times as people read them.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Durations and times as text.
public enum Quantity {
    /// Microseconds with the unit that gives three digits or so: `7 µs`, `1.25 ms`, `148 ms`, `2.04 s`, `3 m 20 s`.
    public static func duration(_ microseconds: Int64, unicode: Bool = true) -> String {
        let micro = unicode ? "µs" : "us"
        switch microseconds {
        case ..<1000: return "\(microseconds) \(micro)"
        case ..<999_950: return "\(digits(Double(microseconds) / 1000)) ms"
        case ..<60_000_000: return "\(digits(Double(microseconds) / 1_000_000)) s"
        case ..<3_600_000_000:
            let seconds = microseconds / 1_000_000
            return "\(seconds / 60) m \(seconds % 60) s"
        default:
            let minutes = microseconds / 60_000_000
            return "\(minutes / 60) h \(minutes % 60) m"
        }
    }

    /// What lies between two times, or as much of it as 64 bits can say: times come from anyone.
    public static func difference(_ later: Int64, _ earlier: Int64) -> Int64 {
        let (difference, overflow) = later.subtractingReportingOverflow(earlier)
        return overflow ? (later < earlier ? .min : .max) : difference
    }

    /// Three digits that count.
    private static func digits(_ value: Double) -> String {
        let places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return fixed(value, places)
    }

    /// A number with so many digits behind its point.
    static func fixed(_ value: Double, _ places: Int) -> String {
        let scale = [1.0, 10, 100, 1000][places]
        let scaled = Int64((value * scale).rounded())
        guard places > 0 else { return "\(scaled)" }
        let fraction = String(scaled % Int64(scale))
        return "\(scaled / Int64(scale))." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// A point in time in the local time zone: `2026-11-25 15:40:12.345`; without the day when it is today.
    public static func time(_ microseconds: Int64, now: Int64? = nil) -> String {
        let moment = parts(microseconds)
        let clock =
            "\(two(moment.tm_hour)):\(two(moment.tm_min)):\(two(moment.tm_sec))."
            + padded(Int(((microseconds % 1_000_000) + 1_000_000) % 1_000_000 / 1000), 3)
        if let now {
            let today = parts(now)
            if today.tm_year == moment.tm_year && today.tm_yday == moment.tm_yday { return clock }
        }
        return "\(moment.tm_year + 1900)-\(two(moment.tm_mon + 1))-\(two(moment.tm_mday)) \(clock)"
    }

    private static func parts(_ microseconds: Int64) -> tm {
        var seconds = time_t(microseconds / 1_000_000)
        var result = tm()
        localtime_r(&seconds, &result)
        return result
    }

    private static func two(_ number: Int32) -> String { padded(Int(number), 2) }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(width - text.count, 0)) + text
    }
}
