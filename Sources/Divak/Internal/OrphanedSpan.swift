// OrphanedSpan.swift - what becomes of a span that its program dropped without ending it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

enum OrphanedSpan {
    /// Reports an open span of which no name is left: with a mark and its creator, and without a duration.
    ///
    /// One that was never used is only counted, as abandoned.
    static func report(_ handle: divak_span, _ creator: SpanCreator) {
        let span = DivakSpan(handle: handle)
        guard !withUnsafePointer(to: handle, divak_span_is_untouched) else {
            span.abandon()
            return
        }
        span.annotate("divak.orphan")
        span.tag("divak.orphan.creator", creator.description)
        span.flush()
    }
}
