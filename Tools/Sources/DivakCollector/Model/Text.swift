// SPDX-License-Identifier: Apache-2.0
// Text.swift - UTF-8 text where it lies: comparing, lower-casing and repairing bytes without making Strings of them.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Borrowed UTF-8.
///
/// Absent text has no address; empty text has one.
typealias Text = UnsafeBufferPointer<UInt8>

extension UnsafeBufferPointer<UInt8> {
    static var absent: Text { Text(start: nil, count: 0) }

    @inline(__always) var isAbsent: Bool { baseAddress == nil }

    /// What is said: neither absent nor empty.
    @inline(__always) var isPresent: Bool { count != 0 }

    @inline(__always) var string: String { String(decoding: self, as: UTF8.self) }

    @inline(__always) func equals(_ other: StaticString) -> Bool {
        guard let baseAddress, count == other.utf8CodeUnitCount else { return false }
        return memcmp(baseAddress, other.utf8Start, count) == 0
    }

    @inline(__always) func equals(_ other: Text) -> Bool {
        guard count == other.count else { return false }
        guard let left = baseAddress, let right = other.baseAddress else { return true }
        return memcmp(left, right, count) == 0
    }

    /// Orders as Java does, by UTF-16 code units: characters beyond U+FFFF come before U+E000.
    func precedes(_ other: Text) -> Bool {
        let shorter = Swift.min(count, other.count)
        for i in 0..<shorter {
            let left = self[i]
            let right = other[i]
            if left != right { return Text.rank(left) < Text.rank(right) }
        }
        return count < other.count
    }

    /// The first byte of a surrogate pair (0xF0...) ranks between 0xED and 0xEE.
    @inline(__always) private static func rank(_ byte: UInt8) -> Int {
        byte >= 0xF0 ? 0xEE * 256 - 256 + Int(byte) : Int(byte) * 256
    }

    /// FNV-1a, continued from `seed`; good for tables, not against an attacker.
    @inline(__always) func hash(_ seed: UInt64) -> UInt64 {
        var hash = seed
        for byte in self { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (hash ^ 0xFF) &* 0x100_0000_01B3
    }
}

/// Room for the text of one span that can't stay where it came from: unescaped, repaired, lower-cased.
///
/// Its capacity is fixed when it is made, so that what was written never moves. Text from a body never grows by more
/// than a factor of three each time it is copied (one wrong byte becomes the three of U+FFFD).
struct Scratch: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private var used = 0

    init(forBodyOf count: Int) {
        capacity = 8 * count + 64
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Forgets everything that was written: the span that it belonged to is done.
    mutating func reset() { used = 0 }

    /// Where the next byte would be written; `close` ends the text that began there.
    @inline(__always) var mark: Int { used }

    @inline(__always) mutating func append(_ byte: UInt8) {
        if used < capacity {
            base[used] = byte
            used += 1
        }
    }

    mutating func append(_ text: Text) {
        guard let from = text.baseAddress, used + text.count <= capacity else { return }
        (base + used).update(from: from, count: text.count)
        used += text.count
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        for byte in String(Character(scalar)).utf8 { append(byte) }
    }

    func text(from mark: Int) -> Text { Text(start: base + mark, count: used - mark) }

    /// The same text with every wrong sequence replaced by U+FFFD.
    mutating func repaired(_ text: Text) -> Text {
        let start = mark
        for byte in String(decoding: text, as: UTF8.self).utf8 { append(byte) }
        return self.text(from: start)
    }

    /// The same text in lower case, in place when there is nothing to do.
    mutating func lowercased(_ text: Text) -> Text {
        var hasUpper = false
        var isASCII = true
        for byte in text {
            if byte >= 0x80 { isASCII = false }
            if byte &- 0x41 < 26 { hasUpper = true }
        }
        if isASCII && !hasUpper { return text }
        let start = mark
        if isASCII {
            for byte in text { append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
        } else {
            for byte in text.string.lowercased().utf8 { append(byte) }
        }
        return self.text(from: start)
    }
}

/// True when the bytes are well-formed UTF-8.
func isWellFormed(_ text: Text) -> Bool {
    var i = 0
    let count = text.count
    while i < count {
        let lead = text[i]
        if lead < 0x80 {
            i += 1
            continue
        }
        let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, lead <= 0xF4, i + length <= count else { return false }
        let second = text[i + 1]
        let low: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
        let high: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
        guard second >= low, second <= high else { return false }
        for j in 2..<max(length, 2) where text[i + j] & 0xC0 != 0x80 { return false }
        i += length
    }
    return true
}
