// SPDX-License-Identifier: Apache-2.0
// JSONReader.swift - tokens of JSON, one after another, straight from the bytes of a body.
//
// Takes what Zipkin's reader takes, which is a little more than the standard: control characters inside of strings,
// \' and an escaped line end, wrong UTF-8 (each wrong sequence becomes U+FFFD), half surrogate pairs (which become ?),
// literals in any case. Text without escapes stays where it is; other text is copied into the scratch.

struct JSONReader: ~Copyable {
    private let body: Text
    private(set) var at = 0
    var scratch: Scratch

    init(_ body: Text) {
        self.body = body
        scratch = Scratch(forBodyOf: body.count)
    }

    /// What Zipkin says of anything that isn't JSON.
    static let malformed = DecodeError("Malformed")

    // ---- structure ----

    /// The next byte that isn't white space, without taking it; 0 at the end.
    @inline(__always) mutating func peek() -> UInt8 {
        while at < body.count {
            let byte = body[at]
            if byte != 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09 { return byte }
            at += 1
        }
        return 0
    }

    /// Takes the next byte when it is this one.
    @inline(__always) mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte, at < body.count else { return false }
        at += 1
        return true
    }

    /// Takes the opening bracket of an array or the brace of an object.
    @inline(__always) mutating func open(_ byte: UInt8, _ path: @autoclosure () -> String) throws(DecodeError) {
        if take(byte) { return }
        // Zipkin keeps its words for a missing object to itself.
        if byte == UInt8(ascii: "{") { throw JSONReader.malformed }
        throw unexpected("BEGIN_ARRAY", path())
    }

    /// True when another element follows, false when the closing byte was taken instead.
    @inline(__always) mutating func more(
        until closing: UInt8,
        _ isFirst: inout Bool
    ) throws(DecodeError) -> Bool {
        let byte = peek()
        if byte == closing && at < body.count && isFirst {
            at += 1
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        if byte == closing {
            at += 1
            return false
        }
        guard byte == UInt8(ascii: ",") else { throw JSONReader.malformed }
        at += 1
        return true
    }

    /// The key of a member, and its colon.
    @inline(__always) mutating func name() throws(DecodeError) -> Text {
        guard peek() == UInt8(ascii: "\"") else { throw JSONReader.malformed }
        at += 1
        let name = try quoted()
        guard take(UInt8(ascii: ":")) else { throw JSONReader.malformed }
        return name
    }

    // ---- values ----

    /// True when the next value is null, which is taken.
    @inline(__always) mutating func takeNull() throws(DecodeError) -> Bool {
        guard peek() | 0x20 == UInt8(ascii: "n") else { return false }
        guard takeWord("null") else { throw JSONReader.malformed }
        return true
    }

    /// A string, or a number as it is spelled.
    @inline(__always) mutating func string(_ path: @autoclosure () -> String) throws(DecodeError) -> Text {
        let byte = peek()
        if byte == UInt8(ascii: "\"") {
            at += 1
            return try quoted()
        }
        if byte == UInt8(ascii: "-") || byte &- 0x30 < 10 { return try number() }
        throw unexpected("a string", path())
    }

    /// A whole number, which may be spelled as a string, with a fraction of zero, or with an exponent.
    mutating func integer(
        _ what: StaticString,
        _ path: @autoclosure () -> String,
        in range: ClosedRange<Int64> = .min ... .max
    ) throws(DecodeError) -> Int64 {
        let byte = peek()
        var text: Text
        if byte == UInt8(ascii: "\"") {
            at += 1
            text = try quoted()
        } else if byte == UInt8(ascii: "-") || byte &- 0x30 < 10 {
            text = try number()
        } else {
            throw unexpected("\(what)", path())
        }
        if let value = JSONReader.plainInteger(text), range.contains(value) { return value }
        guard let value = Double(text.string), !text.isEmpty else {
            throw DecodeError("For input string: \"\(text.string)\"")
        }
        guard let exact = Int64(exactly: value), range.contains(exact) else {
            throw DecodeError("Expected \(what) but was \(text.string)\(place(path()))")
        }
        return exact
    }

    mutating func boolean(_ path: @autoclosure () -> String) throws(DecodeError) -> Bool {
        let byte = peek() | 0x20
        if byte == UInt8(ascii: "t") {
            guard takeWord("true") else { throw JSONReader.malformed }
            return true
        }
        if byte == UInt8(ascii: "f") {
            guard takeWord("false") else { throw JSONReader.malformed }
            return false
        }
        throw unexpected("a boolean", path())
    }

    /// Takes any value and forgets it.
    mutating func skip(depth: Int = 0) throws(DecodeError) {
        guard depth < 200 else { throw JSONReader.malformed }
        let byte = peek()
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            at += 1
            let isObject = byte == UInt8(ascii: "{")
            var isFirst = true
            while try more(until: byte + 2, &isFirst) {
                if isObject { _ = try name() }
                try skip(depth: depth + 1)
            }
        case UInt8(ascii: "\""):
            at += 1
            _ = try quoted()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            _ = try number()
        default:
            guard takeWord("null") || takeWord("true") || takeWord("false") else { throw JSONReader.malformed }
        }
    }

    // ---- words of errors ----

    /// What Zipkin says of a value of another type.
    private mutating func unexpected(_ wanted: String, _ path: String) -> DecodeError {
        let found: String
        switch peek() {
        case UInt8(ascii: "{"): found = "BEGIN_OBJECT"
        case UInt8(ascii: "["): found = "BEGIN_ARRAY"
        case UInt8(ascii: "\""): found = "STRING"
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): found = "NUMBER"
        default:
            if takeWord("null") {
                found = "NULL"
            } else if takeWord("true") || takeWord("false") {
                found = "BOOLEAN"
            } else {
                return JSONReader.malformed
            }
        }
        return DecodeError("Expected \(wanted) but was \(found)\(place(path))")
    }

    /// Where the reader is, for people: lines and columns count from 1.
    func place(_ path: String) -> String {
        var line = 1
        var start = 0
        for i in 0..<min(at, body.count) where body[i] == 0x0A {
            line += 1
            start = i + 1
        }
        return " at line \(line) column \(at - start + 1) path \(path)"
    }

    // ---- tokens ----

    /// Takes a word in any case, unless more letters follow.
    private mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard at + count <= body.count else { return false }
        for i in 0..<count where body[at + i] | 0x20 != word.utf8Start[i] { return false }
        if at + count < body.count {
            let next = body[at + count]
            if next | 0x20 &- 0x61 < 26 || next &- 0x30 < 10 || next == UInt8(ascii: "_") { return false }
        }
        at += count
        return true
    }

    /// The rest of a string whose opening quote was taken.
    @inline(__always) private mutating func quoted() throws(DecodeError) -> Text {
        let start = at
        var mixed: UInt8 = 0
        var i = at
        while i < body.count {
            let byte = body[i]
            if byte == UInt8(ascii: "\"") {
                at = i + 1
                let text = Text(rebasing: body[start..<i])
                if mixed < 0x80 || isWellFormed(text) { return text }
                return scratch.repaired(text)
            }
            if byte == UInt8(ascii: "\\") { break }
            mixed |= byte
            i += 1
        }
        return try quotedWithEscapes(from: start, firstEscape: i)
    }

    private mutating func quotedWithEscapes(from start: Int, firstEscape: Int) throws(DecodeError) -> Text {
        let mark = scratch.mark
        scratch.append(Text(rebasing: body[start..<firstEscape]))
        at = firstEscape
        while at < body.count {
            let byte = body[at]
            at += 1
            if byte == UInt8(ascii: "\"") {
                let text = scratch.text(from: mark)
                return isWellFormed(text) ? text : scratch.repaired(text)
            }
            if byte == UInt8(ascii: "\\") {
                try escape()
            } else {
                scratch.append(byte)
            }
        }
        throw JSONReader.malformed
    }

    private mutating func escape() throws(DecodeError) {
        guard at < body.count else { throw JSONReader.malformed }
        let byte = body[at]
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"), 0x0A: scratch.append(byte)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            if unit & 0xFC00 == 0xD800, at + 1 < body.count, body[at] == UInt8(ascii: "\\"),
                body[at + 1] == UInt8(ascii: "u")
            {
                let before = at
                at += 2
                let second = try codeUnit()
                if second & 0xFC00 == 0xDC00 {
                    let value = 0x10000 + (unit & 0x3FF) << 10 + (second & 0x3FF)
                    if let scalar = Unicode.Scalar(value) { scratch.append(scalar) }
                    return
                }
                at = before
            }
            if let scalar = Unicode.Scalar(unit) {
                scratch.append(scalar)
            } else {
                scratch.append(UInt8(ascii: "?"))
            }
        default: throw JSONReader.malformed
        }
    }

    private mutating func codeUnit() throws(DecodeError) -> UInt32 {
        guard at + 4 <= body.count else { throw JSONReader.malformed }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = body[at]
            let lower = byte | 0x20
            if byte &- 0x30 < 10 {
                unit = unit << 4 | UInt32(byte - 0x30)
            } else if lower &- 0x61 < 6 {
                unit = unit << 4 | UInt32(lower - 0x61 + 10)
            } else {
                throw JSONReader.malformed
            }
            at += 1
        }
        return unit
    }

    /// A number as it is spelled.
    ///
    ///     -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
    private mutating func number() throws(DecodeError) -> Text {
        let start = at
        if body[at] == UInt8(ascii: "-") { at += 1 }
        let first = at
        guard digits() else { throw JSONReader.malformed }
        if body[first] == UInt8(ascii: "0") && at - first > 1 { throw JSONReader.malformed }
        if at < body.count && body[at] == UInt8(ascii: ".") {
            at += 1
            guard digits() else { throw JSONReader.malformed }
        }
        if at < body.count && body[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < body.count && (body[at] == UInt8(ascii: "+") || body[at] == UInt8(ascii: "-")) { at += 1 }
            guard digits() else { throw JSONReader.malformed }
        }
        if at < body.count {
            let next = body[at]
            if next | 0x20 &- 0x61 < 26 || next == UInt8(ascii: ".") || next == UInt8(ascii: "_") {
                throw JSONReader.malformed
            }
        }
        return Text(rebasing: body[start..<at])
    }

    private mutating func digits() -> Bool {
        let start = at
        while at < body.count && body[at] &- 0x30 < 10 { at += 1 }
        return at > start
    }

    /// Digits that fit, with a sign in front or not; nil for anything else.
    @inline(__always) static func plainInteger(_ text: Text) -> Int64? {
        var i = 0
        let isNegative = text.first == UInt8(ascii: "-")
        if isNegative { i = 1 }
        guard i < text.count, text.count <= 20 else { return nil }
        var value: UInt64 = 0
        while i < text.count {
            let digit = text[i] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            value = sum
            i += 1
        }
        if isNegative { return value <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- value) : nil }
        return value < 1 << 63 ? Int64(value) : nil
    }
}
