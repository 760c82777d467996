// DivakParent.swift - under what a span starts.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// What a new span is a child of.
///
/// ```swift
/// tracer.withSpan("step") { _ in ... }                                       // .current
/// tracer.withSpan("job", parent: .newTrace) { _ in ... }
/// tracer.withSpan("late", parent: .span(earlier)) { _ in ... }
/// tracer.withSpan("get", kind: .server, parent: tracer.extract(from: headers)) { _ in ... }
/// ```
public struct DivakParent: Sendable {
    enum Storage: Sendable {
        case current
        case newTrace
        case handle(divak_span)
        case extracted(divak_span, Baggage?)
    }

    let storage: Storage

    /// The current span, or a new trace where there is none.
    public static var current: DivakParent { DivakParent(storage: .current) }

    /// Nothing: the span begins a new trace, whatever is current.
    public static var newTrace: DivakParent { DivakParent(storage: .newTrace) }

    /// A span of this process, live or finished.
    public static func span(_ span: DivakSpan) -> DivakParent {
        DivakParent(storage: .handle(span.handle))
    }

    /// The span that is meant, as a value to read ids and baggage from; nil for ``current`` and ``newTrace``, and when
    /// the headers named none.
    public var span: DivakSpan? {
        switch storage {
        case .current, .newTrace: nil
        case .handle(let handle), .extracted(let handle, _): handle.span_id == 0 ? nil : DivakSpan(handle: handle)
        }
    }

    /// A value that came with the headers beside the ids, even if they named no span; nil when there is none.
    public func baggage(_ name: String) -> String? {
        switch storage {
        case .current, .newTrace: nil
        case .handle(let handle), .extracted(let handle, _): DivakSpan(handle: handle).baggage(name)
        }
    }
}

extension DivakParent {
    /// Holds what travels beside extracted ids until the last copy of the parent is gone.
    ///
    /// `divak_span_release` may be called on any thread and counts references by itself: hence sendable.
    final class Baggage: Sendable {
        private let handle: divak_span

        init(of handle: divak_span) {
            self.handle = handle
        }

        deinit {
            var handle = handle
            divak_span_release(&handle)
        }
    }

    /// A parent that came in headers.
    init(extracted handle: divak_span) {
        let baggage = handle.baggage == 0 ? nil : Baggage(of: handle)
        storage = .extracted(handle, baggage)
    }

    /// Lends C the parent.
    @inline(__always)
    func withHandle<Result>(_ body: (UnsafePointer<divak_span>) -> Result) -> Result {
        switch storage {
        case .current:
            // Asked for here and not by C, which would call back for it.
            let entry = CurrentSpan.entry
            return withExtendedLifetime(entry) {
                withUnsafePointer(to: CurrentSpan.resolve(entry).handle) { body($0) }
            }
        case .newTrace:
            return withUnsafePointer(to: divak_no_parent) { body($0) }
        case .handle(let handle):
            return withUnsafePointer(to: handle) { body($0) }
        case .extracted(let handle, let baggage):
            return withExtendedLifetime(baggage) { withUnsafePointer(to: handle) { body($0) } }
        }
    }
}
