// SPDX-License-Identifier: Apache-2.0
// ZipkinClient.swift - asks a Zipkin, or `divak collector`, over HTTP.

import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What went wrong, in one line for people.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A server that answers as Zipkin does.
struct ZipkinClient: Sendable {
    /// `http://host:port`, and a path where one stands before `/api/v2`.
    let base: URL

    /// A client of what people write: `host:port`, or a URL up to the API, or to its `/spans`.
    ///
    /// - Parameter isOnScreen: Whether a refusal may show it all: people see what they have typed, and a variable may hold a
    ///   password that somebody else has set.
    init(_ given: String, isOnScreen: Bool = true) throws(CommandFailure) {
        var text = given.trimmingCharacters(in: .whitespaces)
        if !text.contains("://") { text = "http://" + text }
        while text.hasSuffix("/") { text.removeLast() }
        for suffix in ["/spans", "/api/v2", "/zipkin"] where text.hasSuffix(suffix) {
            text.removeLast(suffix.count)
        }
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme),
            url.host?.isEmpty == false
        else {
            let shown = isOnScreen ? given : Self.withoutSecrets(given)
            throw CommandFailure("\"\(shown)\" is not accepted: host:port or http(s)://host[:port]")
        }
        base = url
    }

    /// Scheme, host and port of an address that was not understood; what else there is may be secret.
    static func withoutSecrets(_ address: String) -> String {
        let scheme = address.range(of: "://").map { String(address[..<$0.upperBound]) } ?? ""
        var rest = address.dropFirst(scheme.count)
        var shown = scheme
        // Up to the last @: a password may hold what ends a host.
        if let at = rest.lastIndex(of: "@") {
            shown += "REDACTED@"
            rest = rest[rest.index(after: at)...]
        }
        let host = rest.prefix { !":/?#".contains($0) }
        shown += host
        rest = rest.dropFirst(host.count)
        // What stands where a port should, and is no number, may be a password whose @ was forgotten.
        let port = rest.prefix { !"/?#".contains($0) }
        shown += port.dropFirst().allSatisfy { ("0"..."9").contains($0) } ? String(port) : ":REDACTED"
        return port.count == rest.count ? shown : shown + "/REDACTED"
    }

    func url(_ path: String, _ query: [(String, String?)] = []) -> URL {
        var components = URLComponents(url: base.appendingPathComponent(path), resolvingAgainstBaseURL: false)
        let items = query.compactMap { name, value in value.map { URLQueryItem(name: name, value: $0) } }
        if !items.isEmpty { components?.queryItems = items }
        // A plus is a blank to most servers, and URLComponents leaves it.
        let escaped = components?.percentEncodedQuery?.replacingOccurrences(of: "+", with: "%2B")
        components?.percentEncodedQuery = escaped
        return components?.url ?? base
    }

    /// The body of an answer of 200.
    func get(_ path: String, _ query: [(String, String?)] = []) async throws -> Data {
        try await send(URLRequest(url: url(path, query)))
    }

    /// Spans of one trace.
    func trace(_ id: String) async throws -> Data { try await get("api/v2/trace/\(id)") }

    /// Sends a request; anything but 2xx is an error with the server's words.
    func send(_ request: URLRequest) async throws -> Data {
        let (body, response): (Data, URLResponse)
        do {
            (body, response) = try await URLSession.shared.data(for: request)
        } catch {
            throw CommandFailure("\(place): \(error.localizedDescription)")
        }
        guard let status = (response as? HTTPURLResponse)?.statusCode else {
            throw CommandFailure("\(place): no answer in HTTP")
        }
        guard (200..<300).contains(status) else {
            let words = String(decoding: body.prefix(300), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            throw CommandFailure("\(place): status \(status)\(words.isEmpty ? "" : ": \(words)")")
        }
        return body
    }

    /// Host and port, without what may be secret.
    var place: String {
        let port = base.port.map { ":\($0)" } ?? ""
        return "\(base.scheme ?? "http")://\(base.host ?? "")\(port)"
    }
}
