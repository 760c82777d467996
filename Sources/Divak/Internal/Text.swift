// Text.swift - how text and statuses cross to C and back.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension String {
    /// Lends the UTF-8 bytes of the text for one call.
    ///
    /// Native strings, literals among them, are not copied.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress, $0.count) }
        }
    }

    /// The same without even counting a reference; nil, and nothing is called, for a text that is not Swift's own.
    @inline(__always)
    func withNativeBytes<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result? {
        utf8.withContiguousStorageIfAvailable { bytes in
            bytes.withMemoryRebound(to: CChar.self) { body($0.baseAddress, $0.count) }
        }
    }

    /// The text as Swift's own.
    var native: String {
        @inline(never) get {
            var text = self
            text.makeContiguousUTF8()
            return text
        }
    }

    /// The text behind a pointer and a length; bytes that are not UTF-8 become U+FFFD.
    @inline(__always)
    init(bytes: UnsafePointer<CChar>?, count: Int) {
        guard let bytes, count > 0 else {
            self = ""
            return
        }
        let raw = UnsafeRawBufferPointer(start: bytes, count: count)
        self = String(decoding: raw, as: UTF8.self)
    }
}

extension StaticString {
    /// Lends the bytes of the literal for one call.
    @inline(__always)
    func withBytes<Result>(_ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
        guard hasPointerRepresentation else { return description.withBytes(body) }
        let count = utf8CodeUnitCount
        return utf8Start.withMemoryRebound(to: CChar.self, capacity: count) { body($0, count) }
    }
}

extension Duration {
    /// The components of a time of up to 30,000 years in either direction; beyond, those of that.
    ///
    /// `components` ends the process where the seconds don't fit 64 bits, and leaves no room for smaller units.
    package var boundedComponents: (seconds: Int64, attoseconds: Int64) {
        let bound = Duration.seconds(1_000_000_000_000)
        return min(max(self, .zero - bound), bound).components
    }

    /// Whole milliseconds, rounded up so that no positive time becomes none, and kept within what C takes.
    var milliseconds: UInt32 {
        let (seconds, attoseconds) = boundedComponents
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 4_000_000 else { return .max }
        let part = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return UInt32(seconds * 1000 + part)
    }

    /// Whole microseconds, rounded up; negative times are none.
    var microseconds: UInt64 {
        let (seconds, attoseconds) = boundedComponents
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds * 1_000_000 + (attoseconds + 999_999_999_999) / 1_000_000_000_000)
    }

    /// The time as a setting has it: in milliseconds, away from zero; whether it is in range is for C to say.
    var setting: String {
        let (seconds, attoseconds) = boundedComponents
        let part = (attoseconds.magnitude + 999_999_999_999_999) / 1_000_000_000_000_000
        return "\(self < .zero ? "-" : "")\(seconds.magnitude * 1000 + part)ms"
    }
}
