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
/// `DivakAsyncHTTPClient` and `DivakURLSession` bring one each. A client that traces by itself should have that turned
/// off: otherwise there are two spans and two sets of headers.
public protocol DivakHTTPTransport: Sendable {
    /// What is sent behind the head.
    associatedtype Body: Sendable
    /// What comes back.
    associatedtype Response: Sendable

    /// Sends a request with exactly the headers given, and returns when the head of the response is there.
    func send(_ request: DivakHTTPRequest, body: Body?) async throws -> Response

    /// The head of a response.
    func head(of response: Response) -> DivakHTTPResponse
}
