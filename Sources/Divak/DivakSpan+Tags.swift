// DivakSpan+Tags.swift - what is known of a span, as key and value.
// SPDX-License-Identifier: Apache-2.0
//
// This file is hot: each call writes straight into the span's slot. Nothing here allocates, as long as the text given is
// Swift's own (a literal, an interpolation, a computed string) and not a bridged one.

internal import CDivak

extension DivakSpan {
    /// Tags the span with text.
    ///
    /// ```swift
    /// span.tag("http.method", request.method)
    /// span.tag("body", describe(body))            // not called when nothing is recorded
    /// ```
    ///
    /// The last value of a key wins. Text over its limit (1,024 bytes, setting `value_bytes`) is cut and counted.
    public func tag(_ key: String, _ value: @autoclosure () -> String) {
        guard isRecording else { return }
        let value = value()
        key.withBytes { key, keyCount in
            value.withBytes { value, count in record { divak_span_tag_recorded($0, key, keyCount, value, count) } }
        }
    }

    /// Tags the span with a text known when the program was compiled.
    public func tag(_ key: String, _ value: StaticString) {
        guard isRecording else { return }
        key.withBytes { key, keyCount in
            value.withBytes { value, count in record { divak_span_tag_recorded($0, key, keyCount, value, count) } }
        }
    }

    /// Tags the span with text under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> String) {
        guard isRecording else { return }
        value().withBytes { value, count in
            record { divak_span_tag_by_key_recorded($0, key.rawValue, value, count) }
        }
    }

    /// Tags the span, under a registered key, with a text known when the program was compiled.
    public func tag(_ key: DivakKey, _ value: StaticString) {
        guard isRecording else { return }
        value.withBytes { value, count in
            record { divak_span_tag_by_key_recorded($0, key.rawValue, value, count) }
        }
    }
}

// MARK: - Numbers and truth

extension DivakSpan {
    /// Tags the span with a number.
    public func tag(_ key: String, _ value: @autoclosure () -> Int) {
        guard isRecording else { return }
        let value = Int64(value())
        key.withBytes { key, count in record { divak_span_tag_int_recorded($0, key, count, value) } }
    }

    /// Tags the span with a number under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Int) {
        guard isRecording else { return }
        let value = Int64(value())
        record { divak_span_tag_int_by_key_recorded($0, key.rawValue, value) }
    }

    /// Tags the span with a number.
    public func tag(_ key: String, _ value: @autoclosure () -> Int64) {
        guard isRecording else { return }
        let value = value()
        key.withBytes { key, count in record { divak_span_tag_int_recorded($0, key, count, value) } }
    }

    /// Tags the span with a number under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Int64) {
        guard isRecording else { return }
        let value = value()
        record { divak_span_tag_int_by_key_recorded($0, key.rawValue, value) }
    }

    /// Tags the span with a number.
    public func tag(_ key: String, _ value: @autoclosure () -> UInt64) {
        guard isRecording else { return }
        let value = value()
        key.withBytes { key, count in record { divak_span_tag_uint_recorded($0, key, count, value) } }
    }

    /// Tags the span with a number under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> UInt64) {
        guard isRecording else { return }
        let value = value()
        record { divak_span_tag_uint_by_key_recorded($0, key.rawValue, value) }
    }

    /// Tags the span with a number.
    public func tag(_ key: String, _ value: @autoclosure () -> Double) {
        guard isRecording else { return }
        let value = value()
        key.withBytes { key, count in record { divak_span_tag_double_recorded($0, key, count, value) } }
    }

    /// Tags the span with a number under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Double) {
        guard isRecording else { return }
        let value = value()
        record { divak_span_tag_double_by_key_recorded($0, key.rawValue, value) }
    }

    /// Tags the span with `true` or `false`.
    public func tag(_ key: String, _ value: @autoclosure () -> Bool) {
        guard isRecording else { return }
        let value = value()
        key.withBytes { key, count in record { divak_span_tag_bool_recorded($0, key, count, value) } }
    }

    /// Tags the span with `true` or `false` under a registered key.
    public func tag(_ key: DivakKey, _ value: @autoclosure () -> Bool) {
        guard isRecording else { return }
        let value = value()
        record { divak_span_tag_bool_by_key_recorded($0, key.rawValue, value) }
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

extension DivakSpan {
    /// Lends C the handle.
    ///
    /// The status is dropped on purpose: what could not be kept has been counted.
    @inline(__always)
    func record(_ body: (UnsafePointer<divak_span>) -> Int32) {
        _ = withUnsafePointer(to: handle) { body($0) }
    }
}
