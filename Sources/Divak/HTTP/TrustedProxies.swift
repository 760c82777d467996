// TrustedProxies.swift - the client's real address behind proxies, of which only known ones are believed.
// SPDX-License-Identifier: Apache-2.0
//
// Each proxy writes at the right end who connected to it. So one reads from the right, beginning with the connection
// itself, as long as the one who says so is trusted; what stands further left may be invented by anybody.

/// The proxies whose word about the client's address counts.
///
/// ```swift
/// let proxies = try TrustedProxies(["10.0.0.0/8", "::1", "fd00::/8"])
/// let client = proxies.clientAddress(of: "10.0.0.7:51324", headers: request.headers)
/// ```
///
/// Without any, the default, the address is that of the connection, whatever headers say.
public struct TrustedProxies: Sendable, Hashable {
    /// A header that proxies write.
    public struct Header: Sendable, Hashable {
        let name: String

        /// `X-Forwarded-For: client, proxy`.
        public static let xForwardedFor = Header(name: "x-forwarded-for")
        /// `Forwarded: for=client;proto=https, for=proxy` of RFC 7239.
        public static let forwarded = Header(name: "forwarded")
    }

    private struct Block: Sendable, Hashable {
        let high: UInt64
        let low: UInt64
        let bits: Int
        let isIPv4: Bool
    }

    private let blocks: [Block]
    private let header: Header

    /// No proxy is trusted.
    public static let none = TrustedProxies(blocks: [], header: .xForwardedFor)

    private init(blocks: [Block], header: Header) {
        self.blocks = blocks
        self.header = header
    }

    /// The proxies at these addresses: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
    ///
    /// - Parameters:
    ///   - blocks: Addresses, or blocks of them, in either version of IP.
    ///   - header: The one that they write. A client may send the other one itself, so that is never read.
    /// - Throws: `.invalid` for what is no block of addresses.
    public init(_ blocks: [String], header: Header = .xForwardedFor) throws(DivakError) {
        var parsed: [Block] = []
        for text in blocks {
            guard let block = Self.block(text) else {
                throw DivakError(
                    code: .invalid,
                    message: "trusted proxy \(LogText.quoted(text)): expected an address or a block of addresses, like "
                        + "192.0.2.1, 10.0.0.0/8 or 2001:db8::/32"
                )
            }
            parsed.append(block)
        }
        self.init(blocks: parsed, header: header)
    }

    /// The address of the client behind a connection, `192.0.2.1`; nil when the peer has no address.
    ///
    /// That is the first from the right that is not of a trusted proxy, and the leftmost when all are. Something that is
    /// no address, such as `unknown`, ends the search: nobody can vouch for what is left of it.
    ///
    /// - Parameters:
    ///   - peer: The other end of the connection, with or without its port.
    ///   - headers: Those of the request.
    public func clientAddress(of peer: String?, headers: [(String, String)]) -> String? {
        guard let peer, var client = IPAddress(peer) else { return nil }
        guard isTrusted(client) else { return client.description }
        for hop in hops(headers.values(of: header.name)).reversed() {
            guard let address = IPAddress(hop) else { break }
            client = address
            if !isTrusted(address) { break }
        }
        return client.description
    }

    private func isTrusted(_ address: IPAddress) -> Bool {
        blocks.contains { block in
            block.isIPv4 == address.isIPv4 && address.masked(block.bits) == (block.high, block.low)
        }
    }

    /// What the header names, from left to right; an empty text for what can't be read.
    private func hops(_ values: [String]) -> [String] {
        guard header == .forwarded else {
            return values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(Self.trim)
        }
        return values.flatMap { Self.split($0, at: ",") }.map { element in
            for pair in Self.split(element, at: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, isSameHeader(Self.trim(parts[0]), "for") else { continue }
                return Self.unquote(Self.trim(parts[1]))
            }
            return ""
        }
    }
}

// MARK: - Reading

extension TrustedProxies {
    private static func block(_ text: String) -> Block? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        // A port would be read as part of the address: blocks have none.
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])), !hasPort(parts[0]) else {
            return nil
        }
        var bits = address.width
        if parts.count == 2 {
            guard parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(parts[1]) else { return nil }
            // An address of IPv4 that is written as one of IPv6 has 96 bits more in front.
            let isMapped = address.isIPv4 && parts[0].contains(":")
            bits = isMapped ? number - 96 : number
            guard (0...address.width).contains(bits) else { return nil }
        }
        let (high, low) = address.masked(bits)
        return Block(high: high, low: low, bits: bits, isIPv4: address.isIPv4)
    }

    private static func hasPort(_ address: Substring) -> Bool {
        address.contains("[") || address.filter { $0 == ":" }.count == 1
    }

    private static func trim(_ text: some StringProtocol) -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    /// Splits outside of quotes.
    private static func split(_ text: String, at separator: Character) -> [String] {
        var (parts, isQuoted, isEscaped) = ([""], false, false)
        for character in text {
            if character == separator, !isQuoted {
                parts.append("")
                continue
            }
            if isEscaped {
                isEscaped = false
            } else if character == "\\", isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            }
            parts[parts.count - 1].append(character)
        }
        return parts
    }

    private static func unquote(_ text: String) -> String {
        guard text.count >= 2, text.first == "\"", text.last == "\"" else { return text }
        var (plain, isEscaped) = ("", false)
        for character in text.dropFirst().dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            plain.append(character)
        }
        return plain
    }
}
