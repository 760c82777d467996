// DivakSpan+Tracing.swift - a span as swift-distributed-tracing wants it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
public import Tracing

extension DivakSpan: Tracing.Span {
    /// The context that the span was started in, with this span in it.
    ///
    /// An unsampled span's carries on as well: ids, baggage, and whatever others have put there.
    public var context: ServiceContext {
        // Not retained: this span holds it.
        if let companion = lentCompanion { return companion._withUnsafeGuaranteedRef { $0.context(of: handle) } }
        return SpanCompanion(of: handle).context(of: handle)
    }

    /// The span's name.
    ///
    /// Only what `startSpan` has named can be read back; else it reads as empty.
    public var operationName: String {
        get { companion?.change { $0.name } ?? "" }
        nonmutating set {
            companion?.change { $0.name = newValue }
            rename(newValue)
        }
    }

    /// What describes the span: each becomes a tag when the span ends.
    ///
    /// Setting one is one change: two tasks that set different ones lose nothing. On a span of the native `withSpan` they
    /// are written at once, and read back as empty.
    public var attributes: SpanAttributes {
        get { companion?.attributes ?? SpanAttributes() }
        nonmutating set {
            guard isRecording else { return }
            (companion ?? SpanCompanion(of: handle)).attributes = newValue
        }
        nonmutating _modify {
            // What is needed after the change must fit into four words: more is taken from the heap, each time. So a span
            // without a companion gets one for that long, and the other one is not retained: this span holds it.
            let isAlone = companion == nil
            let keeper = isRecording ? lentCompanion ?? .passRetained(SpanCompanion(of: handle)) : nil
            var attributes = keeper?._withUnsafeGuaranteedRef { $0.lendAttributes() } ?? SpanAttributes()
            defer {
                keeper?._withUnsafeGuaranteedRef { $0.takeBackAttributes(&attributes) }
                if isAlone { keeper?.release() }
            }
            yield &attributes
        }
    }

    /// Changes several attributes as one.
    public func updateAttributes(_ update: (inout SpanAttributes) -> Void) {
        update(&attributes)
    }

    /// Notes an event at its time, with its attributes behind its name.
    public func addEvent(_ event: SpanEvent) {
        guard isRecording else { return }
        note("\(event.name)\(event.attributes.text)", event.nanosecondsSinceEpoch)
    }

    /// Marks the span as failed; with attributes, the error is an event as well.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        guard isRecording else { return }
        let message = String(describing: error)
        recordError(message: message)
        guard !attributes.isEmpty else { return }
        note("error: \(message)\(attributes.text)", instant().nanosecondsSinceEpoch)
    }

    /// Marks the span as failed when the status is an error.
    ///
    /// The first error stays; one without a message only stands where nothing else is known.
    public func setStatus(_ status: SpanStatus) {
        guard isRecording, status.code == .error else { return }
        if let message = status.message, !message.isEmpty {
            recordError(message: message)
        } else if let companion, companion.creator != nil {
            companion.change { $0.hasFailed = true }
        } else {
            recordError(message: "")
        }
    }

    /// Keeps the link as ``link(to:)`` does, as the tag `link.<span id>`, with the link's attributes behind the ids.
    public func addLink(_ link: SpanLink) {
        guard isRecording, let entry = CurrentSpan.entry(of: link.context), entry.handle.span_id != 0 else { return }
        let other = entry.span
        guard !link.attributes.isEmpty else { return self.link(to: other) }
        tag("link.\(other.spanID)", "\(other.traceID)-\(other.spanID)\(link.attributes.text)")
    }

    /// Ends the span, now or at a given time.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard isRecording else { return finish() }
        let end = instant().nanosecondsSinceEpoch
        if isNow(end) { finish() } else { finish(at: DivakTimestamp(nanosecondsSinceEpoch: end)) }
    }
}

extension DivakSpan {
    /// Notes an event at a time of the wall clock.
    private func note(_ text: String, _ nanoseconds: UInt64) {
        if isNow(nanoseconds) {
            annotate(text)
        } else {
            annotate(text, at: DivakTimestamp(nanosecondsSinceEpoch: nanoseconds))
        }
    }

    /// The companion without counting a reference, for as long as the span is lent.
    private var lentCompanion: Unmanaged<SpanCompanion>? {
        @inline(__always) get { companion.map { Unmanaged.passUnretained($0) } }
    }
}

/// Whether a reading of the wall clock was taken just now.
///
/// Then Divak's own clock is as good for when it was, and better for how long it lasts: the wall clock may be set. What
/// is a microsecond off or more was meant so.
func isNow(_ nanoseconds: UInt64) -> Bool {
    let now = DefaultTracerClock.now.nanosecondsSinceEpoch
    return now >= nanoseconds && now - nanoseconds < 1000
}

extension DivakTimestamp {
    /// The time of an instant; one so early that it would be none is the first microsecond.
    init(nanosecondsSinceEpoch nanoseconds: UInt64) {
        self.init(microsecondsSinceEpoch: max(1, nanoseconds / 1000))
    }
}
