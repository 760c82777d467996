// DivakParent.swift - under what a span starts.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
internal import Tracing

/// What a new span is a child of.
///
/// ```swift
/// tracer.withSpan("step") { _ in ... }                                       // .current
/// tracer.withSpan("job", parent: .newTrace) { _ in ... }
/// tracer.withSpan("late", parent: .span(earlier)) { _ in ... }
/// tracer.withSpan("get", kind: .server, parent: tracer.extract(from: headers)) { _ in ... }
/// ```
public struct DivakParent: Sendable {
    /// Where the parent comes from.
    enum Origin: Sendable {
        /// From around the caller, when the span starts.
        case current
        /// From this process.
        case process
        /// From headers, or from what could have been in some.
        case headers
    }

    let origin: Origin
    let handle: divak_span
    /// What goes with the span, and holds the baggage beside extracted ids until the last who names it is gone.
    private let held: SpanCompanion?

    private init(_ origin: Origin, _ handle: divak_span, _ held: SpanCompanion? = nil) {
        self.origin = origin
        self.handle = handle
        self.held = held
    }

    /// The current span, or a new trace where there is none.
    public static var current: DivakParent { DivakParent(.current, divak_span()) }

    /// Nothing: the span begins a new trace, whatever is current.
    public static var newTrace: DivakParent { DivakParent(.process, divak_no_parent) }

    /// A span of this process, live or finished.
    public static func span(_ span: DivakSpan) -> DivakParent {
        DivakParent(.process, span.handle, span.companion)
    }

    /// A parent that came in headers, or could have.
    init(extracted handle: divak_span) {
        self.init(.headers, handle, handle.baggage == 0 ? nil : SpanCompanion(of: handle, isExtracted: true))
    }

    /// The span that is meant, as a value to read ids and baggage from; nil for ``current`` and ``newTrace``, and when
    /// the headers named none.
    public var span: DivakSpan? { handle.span_id == 0 ? nil : DivakSpan(handle: handle, companion: held) }

    /// A value that came with the headers beside the ids, even if they named no span; nil when there is none.
    public func baggage(_ name: String) -> String? { DivakSpan(handle: handle).baggage(name) }
}

extension DivakParent {
    /// Lends C the parent.
    @inline(__always)
    func withHandle<Result>(_ body: (UnsafePointer<divak_span>) -> Result) -> Result {
        withExtendedLifetime(held) {
            guard origin == .current else { return withUnsafePointer(to: handle) { body($0) } }
            // Asked for here and not by C, which would call back for it.
            let context = ServiceContext.current
            return withExtendedLifetime(context) {
                let entry = context.flatMap { CurrentSpan.lentEntry(of: $0) }
                return withUnsafePointer(to: CurrentSpan.resolve(entry).handle) { body($0) }
            }
        }
    }
}
