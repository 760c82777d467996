// RecordedTags.swift - tags on their way to C, where it is known that the span records.
// SPDX-License-Identifier: Apache-2.0
//
// This file is hot: each call writes straight into the span's slot. Nothing here allocates, or counts a reference, as
// long as the text given is Swift's own (a literal, an interpolation, a computed string) and not a bridged one. That is
// why these are functions of the handle: the whole name may have an object to count. The status is dropped on purpose:
// what could not be kept has been counted.

internal import CDivak

extension SpanHandle {
    @usableFromInline
    func record(_ key: String, _ value: String) {
        let isNative: Void?? = key.withNativeBytes { key, keyCount in
            value.withNativeBytes { value, count in
                tell { divak_span_tag_recorded($0, key, keyCount, value, count) }
            }
        }
        if case .some(.some) = isNative { return }
        record(key.native, value.native)
    }

    @usableFromInline
    func record(_ key: String, _ value: StaticString) {
        let isNative: Void? = key.withNativeBytes { key, keyCount in
            value.withBytes { value, count in
                tell { divak_span_tag_recorded($0, key, keyCount, value, count) }
            }
        }
        if isNative == nil { record(key.native, value) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: String) {
        let isNative: Void? = value.withNativeBytes { value, count in
            tell { divak_span_tag_by_key_recorded($0, key.rawValue, value, count) }
        }
        if isNative == nil { record(key, value.native) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: StaticString) {
        value.withBytes { value, count in
            tell { divak_span_tag_by_key_recorded($0, key.rawValue, value, count) }
        }
    }

    @usableFromInline
    func record(_ key: String, _ value: Int64) {
        let isNative: Void? = key.withNativeBytes { key, count in
            tell { divak_span_tag_int_recorded($0, key, count, value) }
        }
        if isNative == nil { record(key.native, value) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: Int64) {
        tell { divak_span_tag_int_by_key_recorded($0, key.rawValue, value) }
    }

    @usableFromInline
    func record(_ key: String, _ value: UInt64) {
        let isNative: Void? = key.withNativeBytes { key, count in
            tell { divak_span_tag_uint_recorded($0, key, count, value) }
        }
        if isNative == nil { record(key.native, value) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: UInt64) {
        tell { divak_span_tag_uint_by_key_recorded($0, key.rawValue, value) }
    }

    @usableFromInline
    func record(_ key: String, _ value: Double) {
        let isNative: Void? = key.withNativeBytes { key, count in
            tell { divak_span_tag_double_recorded($0, key, count, value) }
        }
        if isNative == nil { record(key.native, value) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: Double) {
        tell { divak_span_tag_double_by_key_recorded($0, key.rawValue, value) }
    }

    @usableFromInline
    func record(_ key: String, _ value: Bool) {
        let isNative: Void? = key.withNativeBytes { key, count in
            tell { divak_span_tag_bool_recorded($0, key, count, value) }
        }
        if isNative == nil { record(key.native, value) }
    }

    @usableFromInline
    func record(_ key: DivakKey, _ value: Bool) {
        tell { divak_span_tag_bool_by_key_recorded($0, key.rawValue, value) }
    }

    /// Lends C the handle.
    @inline(__always)
    private func tell(_ body: (UnsafePointer<divak_span>) -> Int32) {
        _ = lend(body)
    }
}

extension DivakSpan {
    /// Lends C the handle.
    @inline(__always)
    func record(_ body: (UnsafePointer<divak_span>) -> Int32) {
        _ = words.lend(body)
    }
}
