// DivakSpan.swift - the name of a span.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// One timed operation of a trace.
///
/// ```swift
/// tracer.withSpan("query-db", kind: .client) { span in
///     span.tag("sql.table", "users")
///     span.tag("rowcount", rows.count)
/// }
/// ```
///
/// A `DivakSpan` is a value that names a span: copy it, store it, hand it to any task or thread. Several tasks may speak
/// to one span at once. A span that is finished is no more; using its name after that is harmless and counted
/// (``DivakStatistics/usesAfterEnd``). A span that is not sampled records nothing, at next to no cost, and still carries
/// its ids on.
///
/// A span from `startSpan` that nobody finishes is reported all the same, as an orphan that names its creator, when the
/// last copy of its name is gone.
public struct DivakSpan: Sendable {
    @usableFromInline var words: SpanHandle

    /// What is known of the span beside its handle; nil where nothing is, as in `withSpan`.
    @usableFromInline var companion: SpanCompanion?

    /// The span's name as C has it.
    var handle: divak_span {
        @inline(__always) get { words.span }
        @inline(__always) set { words.span = newValue }
    }

    /// The current span: of the innermost scope around this task, Swift's or C's, or nil.
    ///
    /// ```swift
    /// DivakSpan.current?.tag("cache", "miss")
    /// ```
    public static var current: DivakSpan? { CurrentSpan.read() }
}

extension DivakSpan {
    @inline(__always)
    init(handle: divak_span, companion: SpanCompanion? = nil) {
        self.init(words: SpanHandle(handle), companion: companion)
    }

    /// Whether what is said about the span is kept.
    ///
    /// Values of tags are computed only when it is; ask this before preparing anything else that costs.
    public var isRecording: Bool {
        @inlinable @inline(__always) get { words.flags & SpanHandle.recording != 0 }
    }

    /// Whether the span goes to Zipkin.
    public var isSampled: Bool { handle.flags & UInt32(DIVAK_SPAN_SAMPLED) != 0 }

    /// Whether the trace is to be kept whatever any sampler says.
    public var isDebug: Bool { handle.flags & UInt32(DIVAK_SPAN_DEBUG) != 0 }

    /// Whether the span has the id of the client's span, of which it is the server's half.
    public var isShared: Bool { handle.flags & UInt32(DIVAK_SPAN_SHARED) != 0 }

    /// Whether the span belongs to another process, and can only be a parent here.
    public var isRemote: Bool { handle.flags & UInt32(DIVAK_SPAN_REMOTE) != 0 }

    /// The trace's id: 16 or 32 lower-case hexadecimal digits.
    public var traceID: String {
        handle.trace_id_high == 0
            ? hexadecimal(handle.trace_id_low) : hexadecimal(handle.trace_id_high, handle.trace_id_low)
    }

    /// The span's id: 16 lower-case hexadecimal digits.
    public var spanID: String { hexadecimal(handle.span_id) }

    /// The parent's id, or nil for the first span of a trace.
    public var parentID: String? { handle.parent_id == 0 ? nil : hexadecimal(handle.parent_id) }
}

extension DivakSpan: Hashable {
    /// Two names are equal when they name the same span of the same trace.
    public static func == (left: DivakSpan, right: DivakSpan) -> Bool {
        left.handle.span_id == right.handle.span_id && left.handle.trace_id_low == right.handle.trace_id_low
            && left.handle.trace_id_high == right.handle.trace_id_high && left.handle.slot == right.handle.slot
            && left.handle.generation == right.handle.generation
    }

    /// Hashes the ids.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(handle.span_id)
        hasher.combine(handle.trace_id_low)
    }
}

extension DivakSpan: CustomStringConvertible {
    /// The ids as in a `b3` header: trace, span, and 1 or 0 for sampled.
    public var description: String { "\(traceID)-\(spanID)-\(isDebug ? "d" : isSampled ? "1" : "0")" }
}

/// The digits of one half or of both, all 16 or 32 of them.
func hexadecimal(_ half: UInt64, _ other: UInt64? = nil) -> String {
    String(unsafeUninitializedCapacity: other == nil ? 16 : 32) { digits in
        func write(_ id: UInt64, at start: Int) {
            for place in 0..<16 {
                let nibble = UInt8(truncatingIfNeeded: id >> UInt64(60 - 4 * place)) & 15
                digits[start + place] = nibble + (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            }
        }
        write(half, at: 0)
        guard let other else { return 16 }
        write(other, at: 16)
        return 32
    }
}
