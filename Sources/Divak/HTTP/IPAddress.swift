// IPAddress.swift - an address of IPv4 or IPv6 as bits, to be compared with blocks of addresses.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// An address; one of IPv4 that is mapped into IPv6 is that of IPv4.
struct IPAddress: Hashable, Sendable {
    /// 128 bits; an address of IPv4 has the first 32 of them.
    let high: UInt64
    let low: UInt64
    let isIPv4: Bool

    /// How many bits it has.
    var width: Int { isIPv4 ? 32 : 128 }

    /// Reads `192.0.2.1`, `2001:db8::1`, and both with a port: `192.0.2.1:80`, `[2001:db8::1]:80`.
    ///
    /// A zone, `fe80::1%eth0`, means something on this host only and is left out.
    init?(_ text: String) {
        guard !text.utf8.contains(UInt8(ascii: ",")) else { return nil }
        var text = text
        if let zone = text.firstIndex(of: "%") {
            text.removeSubrange(zone..<(text[zone...].firstIndex(of: "]") ?? text.endIndex))
        }
        var endpoint = divak_endpoint()
        guard text.withBytes({ divak_endpoint_set_address(&endpoint, $0, $1) }) == DIVAK_OK else { return nil }
        isIPv4 = endpoint.has_ipv4
        if endpoint.has_ipv4 {
            let bits = withUnsafeBytes(of: endpoint.ipv4) { $0.reduce(0) { $0 << 8 | UInt64($1) } }
            (high, low) = (bits << 32, 0)
        } else {
            (high, low) = withUnsafeBytes(of: endpoint.ipv6) { bytes in
                (bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }, bytes[8...].reduce(0) { $0 << 8 | UInt64($1) })
            }
        }
    }

    /// The address with all but its first bits 0.
    func masked(_ bits: Int) -> (high: UInt64, low: UInt64) {
        (
            bits >= 64 ? high : bits == 0 ? 0 : high & ~(.max >> UInt64(bits)),
            bits >= 128 ? low : bits <= 64 ? 0 : low & ~(.max >> UInt64(bits - 64))
        )
    }
}

extension IPAddress: CustomStringConvertible {
    /// `192.0.2.1`, or `2001:db8::1` as RFC 5952 has it.
    var description: String {
        if isIPv4 {
            return [56, 48, 40, 32].map { (shift: UInt64) in "\(high >> shift & 0xff)" }.joined(separator: ".")
        }
        let groups: [UInt64] = (0..<8).map { (place: Int) -> UInt64 in
            let half = place < 4 ? high : low
            return half >> UInt64(48 - 16 * (place % 4)) & 0xffff
        }
        // The longest run of two zeros or more, the first of several, becomes "::".
        var (longest, start) = (1, 8)
        var from = 0
        while from < 8 {
            let zeros = groups[from...].prefix { $0 == 0 }.count
            if zeros > longest { (longest, start) = (zeros, from) }
            from += max(1, zeros)
        }
        let texts = groups.map { String($0, radix: 16) }
        guard start < 8 else { return texts.joined(separator: ":") }
        return texts[..<start].joined(separator: ":") + "::" + texts[(start + longest)...].joined(separator: ":")
    }
}
