// MemoryReporter.swift - C's list of spans in memory, for the test kit.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
import Dispatch

/// Collects the spans of all tracers that were made with it.
///
/// Unchecked, since the list is guarded by the lock, and C's reporters may be used by all threads (divak/reporter.h).
package final class MemoryReporter: @unchecked Sendable {
    private let lock = DispatchQueue(label: "divak.memory-reporter")
    private var reporters: [OpaquePointer] = []

    // C's reporters may be destroyed only when their tracers are shut down and at rest, which nobody here can know. They
    // are emptied and kept: in a list, so that leak checkers see that they are not lost.
    private static let retiredLock = DispatchQueue(label: "divak.memory-reporter.retired")
    nonisolated(unsafe) private static var retired: [OpaquePointer] = []

    package init() {}

    deinit {
        _ = take()
        Self.retiredLock.sync { Self.retired += reporters }
    }

    func add(to configuration: OpaquePointer) -> Int32 {
        var reporter: OpaquePointer?
        let status = divak_config_add_memory_reporter(configuration, &reporter)
        if let reporter { lock.sync { reporters.append(reporter) } }
        return status
    }

    /// Takes out what has arrived: for each tracer that had something a list in Zipkin's JSON.
    package func take() -> [String] {
        lock.sync {
            reporters.compactMap { reporter in
                guard divak_memory_reporter_count(reporter) > 0 else { return nil }
                var count = 0
                guard let json = divak_memory_reporter_take(reporter, &count) else { return nil }
                defer { divak_free(json) }
                return String(bytes: json, count: count)
            }
        }
    }
}
