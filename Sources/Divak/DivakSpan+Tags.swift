// DivakSpan+Tags.swift - what is known of a span, as key and value.
// SPDX-License-Identifier: Apache-2.0
//
// Inlinable, so that the program that calls them looks by itself whether the span records: then nothing is called, and no
// value computed, where it doesn't.

extension DivakSpan {
    /// Tags the span with text.
    ///
    /// ```swift
    /// span.tag("http.method", request.method)
    /// span.tag("body", describe(body))            // not called when nothing is recorded
    /// ```
    ///
    /// The last value of a key wins. Text over its limit (1,024 bytes, setting `value_bytes`) is cut and counted.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> String) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a text known when the program was compiled.
    @inlinable
    public func tag(_ key: String, _ value: StaticString) {
        if isRecording { words.record(key, value) }
    }

    /// Tags the span with text under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> String) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span, under a registered key, with a text known when the program was compiled.
    @inlinable
    public func tag(_ key: DivakKey, _ value: StaticString) {
        if isRecording { words.record(key, value) }
    }
}

// MARK: - Numbers and truth

extension DivakSpan {
    /// Tags the span with a number.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> Int) {
        if isRecording { words.record(key, Int64(value())) }
    }

    /// Tags the span with a number under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Int) {
        if isRecording { words.record(key, Int64(value())) }
    }

    /// Tags the span with a number.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> Int64) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a number under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Int64) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a number.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> UInt64) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a number under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> UInt64) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a number.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> Double) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with a number under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Double) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with `true` or `false`.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> Bool) {
        if isRecording { words.record(key, value()) }
    }

    /// Tags the span with `true` or `false` under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Bool) {
        if isRecording { words.record(key, value()) }
    }
}

// MARK: - Anything else

extension DivakSpan {
    /// Tags the span with an integer of any other type.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> some BinaryInteger) {
        guard isRecording else { return }
        let value = value()
        if let value = Int64(exactly: value) {
            tag(key, value)
        } else if let value = UInt64(exactly: value) {
            tag(key, value)
        } else {
            tag(key, String(value))
        }
    }

    /// Tags the span with an integer of any other type under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> some BinaryInteger) {
        guard isRecording else { return }
        let value = value()
        if let value = Int64(exactly: value) {
            tag(key, value)
        } else if let value = UInt64(exactly: value) {
            tag(key, value)
        } else {
            tag(key, String(value))
        }
    }

    /// Tags the span with the description of a value.
    @inlinable
    public func tag(_ key: String, _ value: @autoclosure () -> some CustomStringConvertible) {
        guard isRecording else { return }
        tag(key, value().description)
    }

    /// Tags the span with the description of a value under a registered key.
    @inlinable
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> some CustomStringConvertible) {
        guard isRecording else { return }
        tag(key, value().description)
    }
}
