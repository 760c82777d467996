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
    init(_ given: String) throws(CommandFailure) {
        var text = given.contains("://") ? given : "http://" + given
        while text.hasSuffix("/") { text.removeLast() }
        for suffix in ["/spans", "/api/v2", "/zipkin"] where text.hasSuffix(suffix) {
            text.removeLast(suffix.count)
        }
        guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme),
            url.host?.isEmpty == false
        else { throw CommandFailure("\"\(given)\" is not accepted: host:port or http(s)://host[:port]") }
        base = url
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
