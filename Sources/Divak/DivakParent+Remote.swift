// DivakParent+Remote.swift - parents made by hand: of ids that came by other ways than headers, and of decisions.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakParent {
    /// A span of another process, by its ids: for formats of your own, and for ids kept in a database or a file name.
    ///
    /// ```swift
    /// let parent = DivakParent.remote(traceID: job.traceID, spanID: job.spanID, isSampled: true) ?? .newTrace
    /// ```
    ///
    /// Nil when an id is not 16 hexadecimal digits (the trace's: 16 or 32) or is all zeros.
    ///
    /// - Parameters:
    ///   - traceID: The trace's id.
    ///   - spanID: The span's id.
    ///   - parentID: The id of the span's own parent: needed where a server joins its client's span.
    ///   - isSampled: What was decided about the trace; nil leaves it to the sampler.
    ///   - isDebug: Whether the trace is to be kept whatever any sampler says.
    public static func remote(
        traceID: String,
        spanID: String,
        parentID: String? = nil,
        isSampled: Bool? = nil,
        isDebug: Bool = false
    ) -> DivakParent? {
        let digits = traceID.utf8
        guard digits.count == 16 || digits.count == 32, let low = identifier(digits.suffix(16)),
            let high = digits.count == 16 ? 0 : identifier(digits.prefix(16)), high | low != 0,
            let span = identifier(spanID.utf8[...]), span != 0
        else { return nil }
        var handle = divak_span()
        (handle.trace_id_high, handle.trace_id_low, handle.span_id) = (high, low, span)
        if let parentID {
            guard let parent = identifier(parentID.utf8[...]), parent != 0 else { return nil }
            handle.parent_id = parent
        }
        handle.flags = UInt32(DIVAK_SPAN_REMOTE) | flags(isSampled: isDebug ? true : isSampled)
        if isDebug { handle.flags |= UInt32(DIVAK_SPAN_DEBUG) }
        return DivakParent(extracted: handle)
    }

    /// Nothing, but a decision: the span begins a new trace, which is sampled or not without asking the sampler.
    ///
    /// ```swift
    /// tracer.withSpan("nightly job", parent: .newTrace(isSampled: true)) { span in ... }
    /// ```
    ///
    /// A rule that may override is asked all the same.
    public static func newTrace(isSampled: Bool) -> DivakParent {
        var handle = divak_no_parent
        handle.flags |= flags(isSampled: isSampled)
        return DivakParent(extracted: handle)
    }

    private static func flags(isSampled: Bool?) -> UInt32 {
        guard let isSampled else { return 0 }
        return UInt32(DIVAK_SPAN_DECIDED) | (isSampled ? UInt32(DIVAK_SPAN_SAMPLED) : 0)
    }

    /// The number behind 16 hexadecimal digits.
    private static func identifier(_ digits: Substring.UTF8View) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): number = number << 4 | UInt64(digit - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return number
    }
}
