// DivakStatistics.swift - what became of every span, exactly.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// Counts of what became of every span.
///
/// ```swift
/// let statistics = tracer.statistics
/// print("\(statistics.delivered) of \(statistics.started) delivered, dropped: \(statistics.dropped)")
/// ```
///
/// When nothing moves, ``isBalanced`` holds: started + recovered = delivered + dropped + pending + live. No term is
/// computed from the others.
public struct DivakStatistics: Sendable {
    let counts: divak_stats

    /// Why a span was dropped.
    ///
    /// New reasons may appear in later versions.
    public struct DropReason: Sendable, Hashable, CustomStringConvertible {
        let rawValue: UInt32

        /// The reason's short name: `ring_full`, `retry_expired`, and so on.
        public var description: String { String(cString: divak_dropped_text(rawValue)) }

        /// All reasons, in the order of the C interface.
        public static let all: [DropReason] = (0..<UInt32(DIVAK_DROPPED_COUNT)).map { DropReason(rawValue: $0) }
    }

    /// Spans that were recorded from their start on.
    public var started: UInt64 { counts.started }
    /// Spans of an earlier process that were found again.
    public var recovered: UInt64 { counts.recovered }
    /// Spans that the collector acknowledged.
    public var delivered: UInt64 { counts.delivered }
    /// Spans that have ended and are on their way.
    public var pending: UInt64 { counts.pending }
    /// Spans that have not ended yet.
    public var live: UInt64 { counts.live }

    /// How many spans were dropped, by reason; reasons that never came up are left out.
    public var dropped: [DropReason: UInt64] {
        withUnsafeBytes(of: counts.dropped) { bytes in
            let numbers = bytes.bindMemory(to: UInt64.self)
            var dropped: [DropReason: UInt64] = [:]
            for reason in DropReason.all where numbers[Int(reason.rawValue)] > 0 {
                dropped[reason] = numbers[Int(reason.rawValue)]
            }
            return dropped
        }
    }

    /// How many spans were dropped, whatever the reason.
    public var droppedInAll: UInt64 { dropped.values.reduce(0, +) }

    /// Whether every span is accounted for.
    ///
    /// May be false for a moment while spans move.
    public var isBalanced: Bool { started + recovered == delivered + droppedInAll + pending + live }

    /// Texts, tags and annotations that were cut or left out.
    public var truncated: UInt64 { counts.truncated }
    /// Texts that were not UTF-8.
    public var sanitized: UInt64 { counts.sanitized }
    /// Uses of a span after its end.
    public var usesAfterEnd: UInt64 { counts.double_finish }
    /// Spans sent again after an outcome that was never learned.
    public var possibleDuplicates: UInt64 { counts.maybe_duplicate }
    /// Incoming headers that were malformed.
    public var badHeaders: UInt64 { counts.bad_header }
    /// Members of baggage over a limit.
    public var droppedBaggage: UInt64 { counts.baggage_dropped }
    /// C scopes closed out of order or on another thread.
    public var scopeMisuses: UInt64 { counts.scope_misuse }
    /// Messages sent, tries included.
    public var messages: UInt64 { counts.messages }
    /// Bytes of the messages sent.
    public var messageBytes: UInt64 { counts.message_bytes }
    /// Tries to send a message that failed.
    public var messageFailures: UInt64 { counts.message_failures }
    /// Answers of a reporter's closure that were no endpoint.
    public var badEndpoints: UInt64 { counts.bad_endpoints }
    /// Ends before their start, reported as 1 microsecond.
    public var negativeDurations: UInt64 { counts.negative_duration }
    /// Uses of spans that the parent process had opened before it forked.
    public var inheritedByFork: UInt64 { counts.inherited_by_fork }
    /// Spans made by Divak to report a loss, which are in no term of the balance.
    public var lossReports: UInt64 { counts.synthetic }
    /// Threads of Divak's that hung in a library, and were given up and replaced.
    public var flusherRestarts: UInt64 { counts.flusher_restarts }
    /// Calls refused in signal handlers that had interrupted Divak.
    public var reentrantCalls: UInt64 { counts.reentrant }
    /// Bytes of memory that the tracer holds.
    public var bytesMapped: UInt64 { counts.bytes_mapped }
}

extension DivakStatistics: CustomStringConvertible {
    /// The terms of the balance in one line.
    public var description: String {
        let reasons = dropped.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        return "started \(started), recovered \(recovered), delivered \(delivered), pending \(pending), live \(live), "
            + "dropped \(droppedInAll)\(reasons.isEmpty ? "" : " (\(reasons))")"
    }
}
