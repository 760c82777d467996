// DivakSpan+Links.swift - spans that another one follows from, and where a span stands in its process.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakSpan {
    /// Notes that this span follows from another one, beside its parent.
    ///
    /// ```swift
    /// for message in batch { span.link(to: message.span) }
    /// ```
    ///
    /// Zipkin shows one parent only; the link is kept as the tag `link.<span id>`, whose value is
    /// `<trace id>-<span id>`.
    public func link(to other: DivakSpan) {
        withUnsafePointer(to: handle) { span in
            withUnsafePointer(to: other.handle) { _ = divak_span_link(span, $0) }
        }
    }

    /// The id of the first span of this trace in this process, or nil where that is not known: for remote spans.
    ///
    /// ```swift
    /// let isFirstHere = span.localRootID == span.spanID
    /// ```
    public var localRootID: String? {
        guard handle.local_root_id != 0 else { return nil }
        var root = handle
        root.span_id = handle.local_root_id
        return DivakSpan(handle: root).spanID
    }
}
