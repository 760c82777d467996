// SPDX-License-Identifier: Apache-2.0
// IPAddress.swift - addresses of endpoints, read and written the way Zipkin does.
//
//     1.2.3.4            IPv4
//     ::ffff:1.2.3.4     IPv4 too, also with zeros in place of ffff, or none: ::1.2.3.4
//     2001:db8::c001     IPv6
//
// Anything else is no address and is left out silently, as Zipkin does.

enum IPAddress: Equatable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    init?(_ text: Text) {
        var hasColon = false
        var hasDot = false
        for byte in text {
            if byte == UInt8(ascii: ".") {
                hasDot = true
            } else if byte == UInt8(ascii: ":") {
                if hasDot { return nil }
                hasColon = true
            } else if hexValue(byte) == nil {
                return nil
            }
        }
        if !hasColon {
            guard hasDot, let address = parseV4(text) else { return nil }
            self = .v4(address)
        } else if hasDot {
            guard let colon = text.lastIndex(of: UInt8(ascii: ":")),
                let address = parseV4(Text(rebasing: text[(colon + 1)...]))
            else { return nil }
            guard text[0] == UInt8(ascii: ":"), text[1] == UInt8(ascii: ":") || colon == 1 else { return nil }
            guard colon == 1 || colon == 6 else { return nil }
            for i in 2..<max(colon, 2) where ![0x66, 0x46, 0x30].contains(text[i]) { return nil }
            self = .v4(address)
        } else {
            guard let (high, low) = parseV6(text) else { return nil }
            self = .v6(high: high, low: low)
        }
    }

    /// Reads 4 or 16 bytes in network order.
    ///
    /// An old-style embedded IPv4 address (::1.2.3.4) is unwrapped, except ::1.
    init?(bytes: Text) {
        if bytes.count == 4 {
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        } else if bytes.count == 16 {
            let high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
            let low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
            if high == 0 && low >> 32 == 0 && low != 1 {
                self = .v4(UInt32(low))
            } else {
                self = .v6(high: high, low: low)
            }
        } else {
            return nil
        }
    }
}

private func hexValue(_ byte: UInt8) -> UInt64? {
    switch byte {
    case 0x30...0x39: return UInt64(byte - 0x30)
    case 0x61...0x66: return UInt64(byte - 0x61 + 10)
    case 0x41...0x46: return UInt64(byte - 0x41 + 10)
    default: return nil
    }
}

private func parseV4(_ text: Text) -> UInt32? {
    var address: UInt32 = 0
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    for part in parts {
        guard (1...3).contains(part.count) else { return nil }
        var value: UInt32 = 0
        for byte in part {
            guard byte &- 0x30 < 10 else { return nil }
            value = value * 10 + UInt32(byte - 0x30)
        }
        guard value <= 255 else { return nil }
        address = address << 8 | value
    }
    return address
}

private func parseV6(_ text: Text) -> (UInt64, UInt64)? {
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (3...9).contains(parts.count) else { return nil }
    // The place of "::" is the one empty part that is neither first nor last.
    let gaps = (1..<(parts.count - 1)).filter { parts[$0].isEmpty }
    guard gaps.count <= 1 else { return nil }
    var before = Array(parts)
    var after: [Text.SubSequence] = []
    if let gap = gaps.first {
        before = Array(parts[..<gap])
        after = Array(parts[(gap + 1)...])
        if before[0].isEmpty { before.removeFirst() }
        if after[after.count - 1].isEmpty { after.removeLast() }
        guard before.count + after.count < 8 else { return nil }
    } else {
        guard parts.count == 8 else { return nil }
    }
    func groups(_ parts: [Text.SubSequence]) -> [UInt64]? {
        var values: [UInt64] = []
        for part in parts {
            guard !part.isEmpty, part.count <= 8 else { return nil }
            let value = part.reduce(UInt64(0)) { $0 << 4 | (hexValue($1) ?? 0) }
            guard value <= 0xFFFF else { return nil }
            values.append(value)
        }
        return values
    }
    guard let front = groups(before), let back = groups(after) else { return nil }
    let all = front + [UInt64](repeating: 0, count: 8 - front.count - back.count) + back
    return (all[..<4].reduce(0) { $0 << 16 | $1 }, all[4...].reduce(0) { $0 << 16 | $1 })
}

@inline(__always)
func appendIPv4(_ address: UInt32, to out: inout [UInt8]) {
    for shift: UInt32 in [24, 16, 8, 0] {
        appendDecimal(Int64(address >> shift & 0xFF), to: &out)
        if shift != 0 { out.append(UInt8(ascii: ".")) }
    }
}

/// Writes lower-case groups without leading zeros.
///
/// Of the runs of zeros that end before the last group the longest is compressed, a trailing run only when there is
/// no other: Zipkin's reading, which golden data pins.
func appendIPv6(_ high: UInt64, _ low: UInt64, to out: inout [UInt8]) {
    if high == 0 && low == 0 {
        out.append(contentsOf: "::".utf8)
        return
    }
    var groups: [UInt64] = []
    for half in [high, low] {
        for shift: UInt64 in [48, 32, 16, 0] { groups.append(half >> shift & 0xFFFF) }
    }
    var best = 0..<0
    var start: Int? = nil
    for (i, group) in groups.enumerated() {
        if group == 0 {
            if start == nil { start = i }
        } else if let from = start {
            if i - from > best.count { best = from..<i }
            start = nil
        }
    }
    if let from = start, best.isEmpty { best = from..<8 }
    var i = 0
    while i < 8 {
        if !best.isEmpty && i == best.lowerBound {
            out.append(UInt8(ascii: ":"))
            i = best.upperBound
            if i == 8 { out.append(UInt8(ascii: ":")) }
            continue
        }
        if i != 0 { out.append(UInt8(ascii: ":")) }
        out.append(contentsOf: String(groups[i], radix: 16).utf8)
        i += 1
    }
}

/// Writes a number in decimal digits.
@inline(__always)
func appendDecimal(_ value: Int64, to out: inout [UInt8]) {
    if value < 0 { out.append(UInt8(ascii: "-")) }
    var rest = value.magnitude
    if rest < 10 {
        out.append(UInt8(truncatingIfNeeded: rest) + 0x30)
        return
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
        var at = 20
        while rest != 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            at -= 1
            digits[at] = UInt8(truncatingIfNeeded: digit) + 0x30
            rest = quotient
        }
        out.append(contentsOf: UnsafeBufferPointer(rebasing: digits[at...]))
    }
}
