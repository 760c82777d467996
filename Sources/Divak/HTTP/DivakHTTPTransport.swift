// DivakHTTPTransport.swift - what an HTTP client has to offer so that Divak can trace it.
// SPDX-License-Identifier: Apache-2.0

/// An HTTP client, as Divak sees one: it sends a head with a body, and tells the head of what came back.
///
/// ```swift
/// struct MyTransport: DivakHTTPTransport {
///     func send(_ request: DivakHTTPRequest, body: [UInt8]?) async throws -> MyResponse {
///         try await client.execute(request.method, request.url, request.headers, body)
///     }
///
///     func head(of response: MyResponse) -> DivakHTTPResponse {
///         DivakHTTPResponse(status: response.status)
///     }
/// }
/// ```
///
/// `DivakAsyncHTTPClient` and `DivakURLSession` bring one each.
public protocol DivakHTTPTransport: Sendable {
    /// What is sent behind the head.
    associatedtype Body: Sendable
    /// What comes back.
    associatedtype Response: Sendable

    /// Sends a request with exactly the headers given, and returns when the head of the response is there.
    func send(_ request: DivakHTTPRequest, body: Body?) async throws -> Response

    /// Whether the client makes a span and headers of its own for this request; false unless said otherwise.
    ///
    /// Divak then makes none, so that there are not two, and takes out of the request what it has of such headers.
    var tracesItself: Bool { get }

    /// The head of a response.
    func head(of response: Response) -> DivakHTTPResponse
}

extension DivakHTTPTransport {
    /// False: most clients don't.
    public var tracesItself: Bool { false }
}
