// DivakTracer+Tracing.swift - a tracer as swift-distributed-tracing wants it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
public import Tracing

extension DivakTracer: Tracer {
    /// Starts a span through the interface `Tracing`: what frameworks call.
    ///
    /// ```swift
    /// InstrumentationSystem.bootstrap(try DivakTracer())
    /// ```
    ///
    /// The parent is Divak's entry in the context, unless a span became current inside of that: then it is this one, for
    /// the context that a caller gets by default knows only what was bound as context.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> DivakSpan {
        let base = context()
        // Lent by the context, which is held until it goes into the companion.
        let entry = CurrentSpan.lentEntry(of: base)
        let kind = DivakKind(kind)
        let parent = CurrentSpan.resolve(entry)
        var handle = divak_span()
        withExtendedLifetime(base) {
            withUnsafePointer(to: parent.handle) { parent in
                operationName.withBytes { name, count in
                    _ = divak_span_start(pointer, name, count, kind.rawValue, parent, &handle)
                }
            }
        }
        let span = DivakSpan(handle: handle)
        guard span.isRecording else {
            // The parent by another name is in the context already; anything else gets an entry of its own.
            let parent = withExtendedLifetime(base) {
                entry.flatMap { $0.mark == parent.mark && $0.handle.slot == 0 ? $0.companion : nil }
            }
            let isParent = parent.map { $0.span == span } ?? false
            return DivakSpan(handle: handle, companion: isParent ? parent : SpanCompanion(of: handle, base: base))
        }
        let start = instant().nanosecondsSinceEpoch
        if !isNow(start) { span.setStart(DivakTimestamp(nanosecondsSinceEpoch: start)) }
        let companion = SpanCompanion(
            of: handle,
            name: operationName,
            kind: kind,
            creator: SpanCreator(function: function, file: fileID, line: line),
            base: base
        )
        return DivakSpan(handle: handle, companion: companion)
    }

    /// The span of this process that a context names, if it has not ended.
    public func activeSpan(identifiedBy context: ServiceContext) -> DivakSpan? {
        guard let entry = CurrentSpan.entry(of: context), entry.handle.span_id != 0, !entry.span.isRemote else {
            return nil
        }
        guard !entry.span.isRecording || withUnsafePointer(to: entry.handle, divak_span_is_open) else { return nil }
        return entry.span
    }

    /// Lets what has ended be sent now rather than soon; does not wait for it.
    ///
    /// What was lost is left for ``flush(timeout:)`` to tell.
    public func forceFlush() {
        _ = divak_tracer_flush(pointer, 0, nil)
    }
}

extension DivakKind {
    init(_ kind: SpanKind) {
        switch kind {
        case .server: self = .server
        case .client: self = .client
        case .producer: self = .producer
        case .consumer: self = .consumer
        default: self = .local
        }
    }
}
