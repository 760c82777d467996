// URLSession+Trace.swift - a session's own requests under a client span.
// SPDX-License-Identifier: Apache-2.0

#if URLSession
public import Divak
public import Foundation
#if canImport(FoundationNetworking)
public import FoundationNetworking
#endif

extension URLSession {
    /// Sends a request under a client span, which it carries on to the other side.
    ///
    /// ```swift
    /// let (data, response) = try await session.data(for: request, tracer: tracer)
    /// ```
    ///
    /// The span is a child of the current one and ends when the whole response is there. Headers of the trace that the
    /// request already has are replaced.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - tracer: What makes the span.
    ///   - remoteName: The name of the service on the other side, for Zipkin's map of services.
    ///   - tags: Further facts to tag the span with.
    public func data(
        for request: URLRequest,
        tracer: DivakTracer,
        remoteName: String? = nil,
        tags: DivakHTTPTags = []
    ) async throws -> (Data, HTTPURLResponse) {
        try await trace(request, nil, tracer, remoteName, tags)
    }

    /// Sends a request with a body under a client span, which it carries on to the other side.
    ///
    /// ```swift
    /// let (data, response) = try await session.upload(for: request, from: body, tracer: tracer)
    /// ```
    public func upload(
        for request: URLRequest,
        from body: Data,
        tracer: DivakTracer,
        remoteName: String? = nil,
        tags: DivakHTTPTags = []
    ) async throws -> (Data, HTTPURLResponse) {
        try await trace(request, body, tracer, remoteName, tags)
    }

    private func trace(
        _ request: URLRequest,
        _ body: Data?,
        _ tracer: DivakTracer,
        _ remoteName: String?,
        _ tags: DivakHTTPTags
    ) async throws -> (Data, HTTPURLResponse) {
        let head = DivakHTTPRequest(
            method: request.httpMethod ?? "GET",
            url: request.url?.absoluteString ?? "",
            headers: (request.allHTTPHeaderFields ?? [:]).map { ($0.key, $0.value) }
        )
        let transport = PreparedRequest(session: self, request: request)
        let response = try await tracer.sendRequest(
            head,
            body: body,
            over: transport,
            remoteName: remoteName,
            tags: tags
        )
        return (response.data, response.head)
    }
}

/// A request of the session's own kind, of which Divak changes the headers alone.
private struct PreparedRequest: DivakHTTPTransport {
    let session: URLSession
    let request: URLRequest

    func send(_ head: DivakHTTPRequest, body: Data?) async throws -> URLSessionTransport.Response {
        var outgoing = request
        outgoing.setHeaders(head.headers)
        return try await session.http(outgoing, from: body)
    }

    func head(of response: URLSessionTransport.Response) -> DivakHTTPResponse { DivakHTTPResponse(response) }
}
#endif
