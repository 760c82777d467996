// URLSessionTransport.swift - URLSession as the client behind `sendRequest`.
// SPDX-License-Identifier: Apache-2.0

#if URLSession
public import Divak
public import Foundation
#if canImport(FoundationNetworking)
public import FoundationNetworking
#endif

/// Sends the requests of a handler with `HTTPClientMixin` over a URLSession.
///
/// ```swift
/// import Divak
/// import DivakURLSession
///
/// struct RowsHandler: HTTPClientMixin {
///     func get() async throws {
///         let response = try await sendRequest("http://127.0.0.1:8081/items")
///         print(response.status, response.data.count)
///     }
/// }
/// ```
///
/// Importing the module is enough: requests go over `URLSession.shared` then; where a module imports both this and another
/// one, a handler says `typealias Transport = URLSessionTransport`. A handler that wants a session of its own
/// says so:
///
/// ```swift
/// let httpTransport = URLSessionTransport(session)
/// ```
///
/// The span ends when the whole response is there, redirects included: a session follows them by itself.
public struct URLSessionTransport: DivakHTTPTransport {
    /// A response with its body.
    public struct Response: Sendable {
        /// The head.
        public let head: HTTPURLResponse
        /// The body.
        public let data: Data

        /// The status code.
        public var status: Int { head.statusCode }
    }

    /// The session.
    public let session: URLSession

    /// Requests over a session.
    public init(_ session: URLSession = .shared) {
        self.session = session
    }

    /// Sends a request with exactly the headers given.
    ///
    /// - Throws: `URLError`; `.badURL` for a text that is no URL.
    public func send(_ request: DivakHTTPRequest, body: Data?) async throws -> Response {
        guard let url = URL(string: request.url) else {
            throw URLError(.badURL, userInfo: [NSLocalizedDescriptionKey: "\"\(request.url)\" is no URL"])
        }
        var outgoing = URLRequest(url: url)
        outgoing.httpMethod = request.method
        outgoing.setHeaders(request.headers)
        outgoing.httpBody = body
        return try await session.http(outgoing, from: nil)
    }

    /// The head of a response.
    public func head(of response: Response) -> DivakHTTPResponse { DivakHTTPResponse(response) }
}

extension HTTPClientMixin where Transport == URLSessionTransport {
    /// The session that the process shares.
    public var httpTransport: URLSessionTransport { URLSessionTransport() }
}

extension URLRequest {
    /// Takes headers from a list, in place of all that were there; several of one name become one, joined by commas.
    mutating func setHeaders(_ headers: [(String, String)]) {
        for name in (allHTTPHeaderFields ?? [:]).keys { setValue(nil, forHTTPHeaderField: name) }
        for (name, value) in headers { addValue(value, forHTTPHeaderField: name) }
    }
}

extension URLSession {
    /// Sends a request whose answer is one of HTTP.
    func http(_ request: URLRequest, from body: Data?) async throws -> URLSessionTransport.Response {
        let (data, response): (Data, URLResponse)
        if let body {
            (data, response) = try await upload(for: request, from: body)
        } else {
            (data, response) = try await self.data(for: request)
        }
        guard let head = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return URLSessionTransport.Response(head: head, data: data)
    }
}

extension DivakHTTPResponse {
    /// The head of a response as Foundation has it.
    init(_ response: URLSessionTransport.Response) {
        let headers = response.head.allHeaderFields.compactMap { name, value in
            (name as? String).map { ($0, "\(value)") }
        }
        self.init(status: response.head.statusCode, headers: headers, bodyBytes: response.data.count)
    }
}
#endif
