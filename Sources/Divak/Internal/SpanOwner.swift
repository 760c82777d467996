// SpanOwner.swift - ends a span exactly once, at the latest when nobody can any more.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Owns a span whose end lies in hands that may never come to it: those who write a body, or read a stream.
///
/// Whoever comes first ends it. When the last reference goes and nobody has, the owner does.
@available(macOS 15.0, iOS 18.0, watchOS 11.0, tvOS 18.0, visionOS 2.0, *)
package final class SpanOwner: Sendable {
    package let span: DivakSpan
    private let isEnded = Atomic(false)
    private let whenForgotten: @Sendable (DivakSpan) -> Void

    /// Takes a span over.
    ///
    /// - Parameter whenForgotten: What is to be said about a span that nobody ended.
    package init(_ span: DivakSpan, whenForgotten: @escaping @Sendable (DivakSpan) -> Void = { _ in }) {
        self.span = span
        self.whenForgotten = whenForgotten
    }

    deinit { end(whenForgotten) }

    /// Ends the span after some last words; does nothing when it has ended.
    package func end(_ lastWords: (DivakSpan) -> Void = { _ in }) {
        guard !isEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        lastWords(span)
        span.finish()
    }
}
