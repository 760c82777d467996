// SystemClocks.swift - the system's two clocks: one that never steps, for durations, and the one on the wall.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum Monotonic {
    /// Nanoseconds since some moment before the process began.
    @inline(__always)
    static func nanoseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}

extension DivakTimestamp {
    /// The time on the wall.
    static var now: DivakTimestamp {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        guard now.tv_sec > 0 else { return DivakTimestamp(microsecondsSinceEpoch: 0) }
        return DivakTimestamp(microsecondsSinceEpoch: UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000)
    }
}
