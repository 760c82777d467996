// SpanCompanion.swift - what goes with a span that its handle has no room for, and its end when nobody ended it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// Where in a program a span was started.
struct SpanCreator: Sendable {
    let function: String
    let file: String
    let line: UInt
}

extension SpanCreator: CustomStringConvertible {
    var description: String { "\(function) at \(file):\(line)" }
}

/// An object that all copies of a span's name share.
///
/// Only spans that are started by hand have one: those of `withSpan` are ended by it, and allocate nothing. When the last
/// copy is gone and the span is still open, it is an orphan.
final class SpanCompanion: Sendable {
    let handle: divak_span
    let creator: SpanCreator

    init(of handle: divak_span, creator: SpanCreator) {
        self.handle = handle
        self.creator = creator
    }

    deinit {
        // C knows whether it was ended, by whichever copy of its handle, in whichever language.
        if withUnsafePointer(to: handle, divak_span_is_open) { OrphanedSpan.report(handle, creator) }
    }
}

extension DivakSpan {
    /// The span with a companion that reports it when it is dropped; a span that records nothing needs none.
    @inline(__always)
    func watched(by creator: @autoclosure () -> SpanCreator) -> DivakSpan {
        guard isRecording else { return self }
        return DivakSpan(handle: handle, companion: SpanCompanion(of: handle, creator: creator()))
    }
}
