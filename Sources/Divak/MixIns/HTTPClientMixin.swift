// HTTPClientMixin.swift - mix-in for handlers: requests that go out under a client span.
// SPDX-License-Identifier: Apache-2.0

/// Gives a handler `sendRequest`, which makes a client span and carries it on to the other side.
///
/// ```swift
/// import Divak
/// import DivakAsyncHTTPClient               // brings the transport
///
/// struct RowsHandler: HTTPClientMixin {
///     func get() async throws {
///         let response = try await sendRequest("http://127.0.0.1:8081/items", method: "GET")
///     }
/// }
/// ```
///
/// The transport is an HTTP client: that of the companion product which the file imports, or the handler's own
/// ``httpTransport``.
public protocol HTTPClientMixin {
    /// The kind of client.
    associatedtype Transport: DivakHTTPTransport

    /// What sends the requests.
    var httpTransport: Transport { get }
}

extension HTTPClientMixin {
    /// Sends a request under a client span of its own, a child of the current one, and carries it on.
    ///
    /// Also where the trace is not sampled, and with the id of the request if that is among the tracer's formats.
    ///
    /// - Parameters:
    ///   - url: Where to: scheme, host, path.
    ///   - method: The method, `GET` by default.
    ///   - headers: Header fields; those of the trace are added, in place of any that are there.
    ///   - body: What is sent behind the head, or nil.
    ///   - remoteName: The name of the service on the other side, for Zipkin's map of services.
    ///   - tags: Further facts to tag the span with.
    ///   - isolation: Where the call runs: where its caller does.
    /// - Throws: What the transport throws, unchanged.
    public func sendRequest(
        _ url: String,
        method: String = "GET",
        headers: [(String, String)] = [],
        body: Transport.Body? = nil,
        remoteName: String? = nil,
        tags: DivakHTTPTags = [],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Transport.Response {
        try await DivakTracer.ofRequest.sendRequest(
            DivakHTTPRequest(method: method, url: url, headers: headers),
            body: body,
            over: httpTransport,
            remoteName: remoteName,
            tags: tags,
            isolation: isolation
        )
    }
}
