// DivakHTTPRequest+URL.swift - the parts of a URL that spans and logs speak of.
// SPDX-License-Identifier: Apache-2.0
//
//     https://user:password@[2001:db8::1]:8443/items/7?page=2#top
//     scheme  `- never read  host         port path    `- not in the path
//
// Looked for are bytes, not characters: a `?` with an accent behind it is one character, and still begins the query. A
// target that begins with two slashes is a path, as a server sees it.

extension DivakHTTPRequest {
    /// The path without query and fragment: `/items/7`; `/` where the URL names none.
    public var path: String {
        let path = url.utf8[afterAuthority...].prefix { !"?#".utf8.contains($0) }
        return path.isEmpty ? "/" : String(Substring(path))
    }

    /// The host as the URL has it, without brackets; nil in a server's target.
    public var host: String? {
        guard let (host, _) = authority, !host.isEmpty else { return nil }
        return String(Substring(host))
    }

    /// The port that the URL names, or that of its scheme; nil in a server's target.
    public var port: UInt16? {
        guard let (_, port) = authority else { return nil }
        if let port { return UInt16(Substring(port)) }
        switch Substring(url.utf8.prefix { $0 != UInt8(ascii: ":") }).lowercased() {
        case "http", "ws": return 80
        case "https", "wss": return 443
        default: return nil
        }
    }

    /// The URL without a user's name and password, which are nobody's to read in a span or a log.
    public var urlWithoutUser: String {
        guard let start = authorityStart, let at = url.utf8[start..<afterAuthority].lastIndex(of: UInt8(ascii: "@"))
        else { return url }
        return String(url[..<start]) + String(url[url.utf8.index(after: at)...])
    }

    /// Where the authority begins, behind `://`; nil when there is none.
    private var authorityStart: String.Index? {
        let scheme = url.utf8.prefix(while: Self.isOfScheme)
        guard !scheme.isEmpty, url.utf8[scheme.endIndex...].starts(with: "://".utf8) else { return nil }
        return url.utf8.index(scheme.endIndex, offsetBy: 3)
    }

    private static func isOfScheme(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Where path, query or fragment begin.
    private var afterAuthority: String.Index {
        guard let start = authorityStart else { return url.startIndex }
        return url.utf8[start...].firstIndex { "/?#".utf8.contains($0) } ?? url.endIndex
    }

    /// Host and port as written.
    private var authority: (host: Substring.UTF8View, port: Substring.UTF8View?)? {
        guard let start = authorityStart else { return nil }
        var text = url.utf8[start..<afterAuthority]
        if let at = text.lastIndex(of: UInt8(ascii: "@")) { text = text[text.index(after: at)...] }
        let colon = UInt8(ascii: ":")
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return (text.dropFirst(), nil) }
            let rest = text[text.index(after: end)...]
            return (text[..<end].dropFirst(), rest.first == colon && rest.count > 1 ? rest.dropFirst() : nil)
        }
        guard let place = text.lastIndex(of: colon) else { return (text, nil) }
        let port = text[text.index(after: place)...]
        return (text[..<place], port.isEmpty ? nil : port)
    }
}
