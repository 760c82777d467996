// DivakHTTPRequest+URL.swift - the parts of a URL that spans and logs speak of.
// SPDX-License-Identifier: Apache-2.0
//
//     https://user:password@[2001:db8::1]:8443/items/7?page=2#top
//     scheme  `- never read  host         port path    `- not in the path

extension DivakHTTPRequest {
    /// The path without query and fragment: `/items/7`; `/` where the URL names none.
    public var path: String {
        let target = url[afterAuthority...]
        let path = target.prefix { $0 != "?" && $0 != "#" }
        return path.isEmpty ? "/" : String(path)
    }

    /// The host as the URL has it, without brackets; nil in a server's target.
    public var host: String? {
        guard let (host, _) = authority else { return nil }
        return host.isEmpty ? nil : String(host)
    }

    /// The port that the URL names, or that of its scheme; nil in a server's target.
    public var port: UInt16? {
        guard let (_, port) = authority else { return nil }
        if let port { return UInt16(port) }
        switch url.prefix(while: { $0 != ":" }).lowercased() {
        case "http", "ws": return 80
        case "https", "wss": return 443
        default: return nil
        }
    }

    /// The URL without a user's name and password, which are nobody's to read in a span or a log.
    public var urlWithoutUser: String {
        guard let start = authorityStart, let at = url[start..<afterAuthority].lastIndex(of: "@") else { return url }
        return String(url[..<start]) + String(url[url.index(after: at)...])
    }

    /// Where the authority begins, behind `//`; nil when there is none.
    private var authorityStart: String.Index? {
        if url.hasPrefix("//") { return url.index(url.startIndex, offsetBy: 2) }
        let scheme = url.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        guard !scheme.isEmpty, url[scheme.endIndex...].hasPrefix("://") else { return nil }
        return url.index(scheme.endIndex, offsetBy: 3)
    }

    /// Where path, query or fragment begin.
    private var afterAuthority: String.Index {
        guard let start = authorityStart else { return url.startIndex }
        return url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
    }

    /// Host and port as written.
    private var authority: (host: Substring, port: Substring?)? {
        guard let start = authorityStart else { return nil }
        var text = url[start..<afterAuthority]
        if let at = text.lastIndex(of: "@") { text = text[text.index(after: at)...] }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return (text.dropFirst(), nil) }
            let rest = text[text.index(after: end)...]
            return (text[..<end].dropFirst(), rest.first == ":" && rest.count > 1 ? rest.dropFirst() : nil)
        }
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        let port = text[text.index(after: colon)...]
        return (text[..<colon], port.isEmpty ? nil : port)
    }
}
