// LogLines.swift - keeps what is logged, for a test to look at.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// The lines of one or more loggers: level, message, and metadata as `key=value`.
///
/// Unchecked, since the list is guarded by the lock.
final class LogLines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    /// All lines so far.
    var all: [String] { lock.withLock { lines } }

    /// A handler that adds to the lines.
    var handler: any LogHandler { Handler(lines: self) }

    fileprivate func add(_ line: String) {
        lock.withLock { lines.append(line) }
    }
}

private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all =
            metadata
            .merging(metadataProvider?.get() ?? [:]) { $1 }
            .merging(event.metadata ?? [:]) { $1 }
        let text = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        lines.add("\(event.level) \(event.message)\(text)")
    }
}
