// DivakSpan+Decision.swift - sampling a span, or no longer, after it has started.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakSpan {
    /// Changes the decision about this span before its end: whether it goes to Zipkin, and what its headers and the
    /// children that start after say.
    ///
    /// ```swift
    /// var span = span
    /// if user.isTraced { span.setSampled(true) }
    /// await span.withCurrent { await handle(request) }
    /// ```
    ///
    /// Copies made earlier have the old decision for children and headers, the current span among them: hence the
    /// `withCurrent`. Children that started before keep theirs.
    ///
    /// - Returns: Whether the decision holds. False, and nothing is changed, when the span is to be sampled but is not
    ///   recorded (set ``DivakConfiguration/allowsLateDecisions``), when it is no more, and when a debug trace is not
    ///   to be sampled.
    @discardableResult
    public mutating func setSampled(_ isSampled: Bool) -> Bool {
        if !isSampled, !isRecording { return true }
        return divak_span_set_sampled(&handle, isSampled) == DIVAK_OK
    }
}
