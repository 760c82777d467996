// DivakSpan+Facts.swift - events, errors, names and endpoints of a span.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakSpan {
    /// Notes an event that happens now.
    ///
    /// ```swift
    /// span.annotate("cache miss")
    /// ```
    public func annotate(_ event: @autoclosure () -> String) {
        guard isRecording else { return }
        event().withBytes { text, count in record { divak_span_annotate($0, text, count) } }
    }

    /// Notes an event that happened at a time; time 0 is refused.
    public func annotate(_ event: @autoclosure () -> String, at time: DivakTimestamp) {
        guard isRecording else { return }
        event().withBytes { text, count in
            record { divak_span_annotate_at($0, time.microsecondsSinceEpoch, text, count) }
        }
    }

    /// Marks the span as failed by an error: the tag `error` with its description.
    ///
    /// ```swift
    /// span.recordError(error)
    /// ```
    ///
    /// The first error stays. `withSpan` does this for what its closure throws.
    public func recordError(_ error: any Error) {
        guard isRecording else { return }
        recordError(message: String(describing: error))
    }

    /// Marks the span as failed: the tag `error` with a text, which may be empty.
    public func recordError(message: @autoclosure () -> String) {
        guard isRecording else { return }
        message().withBytes { text, count in record { divak_span_error($0, text, count) } }
    }

    /// Gives the span another name: the last one before its end is reported.
    ///
    /// ```swift
    /// span.rename("get /users/{id}")
    /// ```
    public func rename(_ name: @autoclosure () -> String) {
        guard isRecording else { return }
        name().withBytes { text, count in record { divak_span_rename($0, text, count) } }
    }

    /// Gives the span another name, by a registered key.
    public func rename(_ name: DivakKey) {
        record { divak_span_rename_by_key($0, name.rawValue) }
    }

    /// Gives the span another kind.
    public func setKind(_ kind: DivakKind) {
        record { divak_span_set_kind($0, kind.rawValue) }
    }

    /// Moves the start; time 0 is refused.
    public func setStart(_ time: DivakTimestamp) {
        record { divak_span_set_start($0, time.microsecondsSinceEpoch) }
    }

    /// Says who was on the other side.
    ///
    /// ```swift
    /// span.setRemote(DivakEndpoint(service: "postgres", address: "192.0.2.7:5432"))
    /// ```
    public func setRemote(_ endpoint: @autoclosure () -> DivakEndpoint) {
        guard isRecording else { return }
        endpoint().withEndpoint { endpoint in record { divak_span_set_remote($0, endpoint) } }
    }

    /// Lets this span alone report another local endpoint than its tracer's.
    public func setLocal(_ endpoint: @autoclosure () -> DivakEndpoint) {
        guard isRecording else { return }
        endpoint().withEndpoint { endpoint in record { divak_span_set_local($0, endpoint) } }
    }
}

// MARK: - End

extension DivakSpan {
    /// Ends the span now.
    ///
    /// Only for spans from `startSpan`: `withSpan` ends its own.
    ///
    /// Ending twice is harmless: the second end is counted and nothing else.
    public func finish() {
        companion?.complete()
        _ = withUnsafePointer(to: handle) { divak_span_finish($0) }
    }

    /// Ends the span at a time; an end before the start is reported as 1 microsecond.
    public func finish(at time: DivakTimestamp) {
        companion?.complete()
        record { divak_span_finish_at($0, time.microsecondsSinceEpoch) }
    }

    /// Ends the span with a duration, rounded up to a microsecond.
    public func finish(after duration: Duration) {
        companion?.complete()
        record { divak_span_finish_with_duration($0, duration.microseconds) }
    }

    /// Reports the span as it is, without a duration.
    public func flush() {
        companion?.complete()
        record { divak_span_flush($0) }
    }

    /// Forgets the span: nothing is reported, and it is counted as abandoned.
    public func abandon() {
        record { divak_span_abandon($0) }
    }
}
