// DivakSpan+OptionalTags.swift - tags of values that may be absent: nil is no tag.
// SPDX-License-Identifier: Apache-2.0

extension DivakSpan {
    /// Tags the span with text, if there is any.
    ///
    /// ```swift
    /// span.tag("http.user_agent", request.headers["user-agent"])
    /// ```
    public func tag(_ key: String, _ value: @autoclosure () -> String?) {
        guard isRecording, let value = value() else { return }
        tag(key, value)
    }

    /// Tags the span with text under a registered key, if there is any.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> String?) {
        guard isRecording, let value = value() else { return }
        tag(key, value)
    }

    /// Tags the span with a number, if there is one.
    public func tag(_ key: String, _ value: @autoclosure () -> Double?) {
        guard isRecording, let value = value() else { return }
        tag(key, value)
    }

    /// Tags the span with a number under a registered key, if there is one.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Double?) {
        guard isRecording, let value = value() else { return }
        tag(key, value)
    }

    /// Tags the span with the description of a value, if there is one.
    @inlinable
    public func tag<Value: CustomStringConvertible>(_ key: String, _ value: @autoclosure () -> Value?) {
        guard isRecording, let value = value() else { return }
        tag(key, value.description)
    }

    /// Tags the span with the description of a value under a registered key, if there is one.
    @inlinable
    public func tag<Value: CustomStringConvertible>(_ key: DivakKey, _ value: @autoclosure () -> Value?) {
        guard isRecording, let value = value() else { return }
        tag(key, value.description)
    }
}
