// SPDX-License-Identifier: Apache-2.0
// Identifiers.swift - trace ids and span ids: from lower-case hexadecimal and back, with Zipkin's words when it isn't.

/// What was wrong with bytes that should have been spans; the words are the answer's body.
public struct DecodeError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public var message: String

    /// Makes it of its parts.
    public init(_ message: String) { self.message = message }

    /// The same words.
    public var description: String { message }
}

/// 128 or 64 bits, shared by every span of a trace.
public struct TraceID: Sendable, Hashable {
    /// 0: an id of 64 bits.
    public var high: UInt64
    /// The lower half.
    public var low: UInt64

    /// Makes it of its parts.
    public init(high: UInt64 = 0, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 1 to 32 lower-case hexadecimal digits; short ids are padded on the left.
    public init(_ text: String) throws(DecodeError) {
        var copy = text
        var result: Result<TraceID, DecodeError> = .failure(DecodeError("traceId is empty"))
        copy.withUTF8 { bytes in
            result = Result { () throws(DecodeError) in try TraceID(bytes) }
        }
        self = try result.get()
    }

    init(_ text: Text) throws(DecodeError) {
        if text.isEmpty { throw DecodeError("traceId is empty") }
        if text.count > 32 { throw DecodeError("traceId.length > 32") }
        let low = max(0, text.count - 16)
        self.init(
            high: try parseHex(text, 0..<low),
            low: try parseHex(text, low..<text.count)
        )
        if high == 0 && self.low == 0 { throw DecodeError("traceId is all zeros") }
    }

    /// 16 or 32 lower-case hexadecimal digits.
    public var hex: String { high == 0 ? hexString(low) : hexString(high) + hexString(low) }
}

/// Reads digits; the words of the error quote the whole text.
@inline(__always)
func parseHex(_ text: Text, _ range: Range<Int>) throws(DecodeError) -> UInt64 {
    var value: UInt64 = 0
    for i in range {
        let byte = text[i]
        if byte &- 0x30 < 10 {
            value = value << 4 | UInt64(byte &- 0x30)
        } else if byte &- 0x61 < 6 {
            value = value << 4 | UInt64(byte &- 0x61 + 10)
        } else {
            throw DecodeError("\(text.string) should be lower-hex encoded with no prefix")
        }
    }
    return value
}

/// Reads the id of a span: 1 to 16 digits.
///
/// Sixteen zeros are refused, fewer pass, as in Zipkin.
func parseSpanID(_ text: Text) throws(DecodeError) -> UInt64 {
    if text.isEmpty { throw DecodeError("id is empty") }
    if text.count > 16 { throw DecodeError("id.length > 16") }
    let value = try parseHex(text, 0..<text.count)
    if value == 0 && text.count == 16 { throw DecodeError("id is all zeros") }
    return value
}

/// Reads the id of a parent; zeros say that there is none.
func parseParentID(_ text: Text) throws(DecodeError) -> UInt64 {
    if text.isEmpty { throw DecodeError("parentId is empty") }
    if text.count > 16 { throw DecodeError("parentId.length > 16") }
    return try parseHex(text, 0..<text.count)
}

private let hexDigits: StaticString = "0123456789abcdef"

/// 16 lower-case digits.
public func hexString(_ value: UInt64) -> String {
    var bytes: [UInt8] = []
    appendHex(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

@inline(__always)
func appendHex(_ value: UInt64, to out: inout [UInt8]) {
    let digits = hexDigits.utf8Start
    var shift: UInt64 = 60
    while true {
        out.append(digits[Int(truncatingIfNeeded: value >> shift & 0xF)])
        if shift == 0 { return }
        shift -= 4
    }
}
