// HTTPClient+SendRequest.swift - the client's own requests under a client span, on its async path and its future path.
// SPDX-License-Identifier: Apache-2.0

#if AsyncHTTPClient
public import AsyncHTTPClient
public import Divak
public import Logging
public import NIOCore
import NIOHTTP1

extension HTTPClient {
    /// Sends a request under a client span, which it carries on to the other side.
    ///
    /// ```swift
    /// var request = HTTPClientRequest(url: "https://example.org/items")
    /// request.method = .POST
    /// request.body = .bytes(ByteBuffer(string: "..."))
    /// let response = try await client.sendRequest(request, tracer: tracer)
    /// ```
    ///
    /// The span is a child of the current one and ends when the head of the response is there. Headers of the trace that
    /// the request already has are replaced. A client that traces by itself makes span and headers itself, and Divak
    /// none.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - tracer: What makes the span.
    ///   - remoteName: The name of the service on the other side, for Zipkin's map of services.
    ///   - tags: Further facts to tag the span with.
    ///   - timeout: How long the request may take, until the head of the response is there.
    ///   - logger: Where the client says what it does.
    public func sendRequest(
        _ request: HTTPClientRequest,
        tracer: DivakTracer,
        remoteName: String? = nil,
        tags: DivakHTTPTags = [],
        timeout: TimeAmount = .seconds(60),
        logger: Logger? = nil
    ) async throws -> HTTPClientResponse {
        let head = DivakHTTPRequest(
            method: request.method.rawValue,
            url: request.url,
            headers: request.headers.map { ($0.name, $0.value) }
        )
        let transport = PreparedRequest(client: self, request: request, timeout: timeout, logger: logger)
        return try await tracer.sendRequest(head, over: transport, remoteName: remoteName, tags: tags)
    }

    /// Sends a request under a client span, for code that works with futures.
    ///
    /// ```swift
    /// let request = try HTTPClient.Request(url: "https://example.org/items")
    /// client.sendRequest(request, tracer: tracer, parent: .span(span)).whenSuccess { response in ... }
    /// ```
    ///
    /// A callback of a future knows no current span, so name the parent there. The span ends when the whole response is
    /// there.
    ///
    /// Give it a client that does not trace by itself (`configuration.tracing.tracer = nil`). One that does makes a span of
    /// its own on this path, beside this one, but writes no headers into the request: so here the span that the other
    /// side continues is Divak's in any case, and `execute(request:)` alone would not carry the trace on at all.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - tracer: What makes the span.
    ///   - parent: The parent of the span.
    ///   - remoteName: The name of the service on the other side, for Zipkin's map of services.
    ///   - tags: Further facts to tag the span with.
    ///   - phases: Whether the span notes when the head of the request, the whole request and the head of the response
    ///     passed. When the client looks up the name, connects and talks TLS it does not tell.
    ///   - deadline: When the request is given up.
    ///   - logger: Where the client says what it does.
    public func sendRequest(
        _ request: Request,
        tracer: DivakTracer,
        parent: DivakParent = .current,
        remoteName: String? = nil,
        tags: DivakHTTPTags = [],
        phases: Bool = false,
        deadline: NIODeadline? = nil,
        logger: Logger? = nil
    ) -> EventLoopFuture<Response> {
        var head = DivakHTTPRequest(
            method: request.method.rawValue,
            url: request.url.absoluteString,
            headers: request.headers.map { ($0.name, $0.value) }
        )
        let span = tracer.startClientSpan(for: &head, parent: parent, remoteName: remoteName, tags: tags)
        var outgoing = request
        outgoing.headers = HTTPHeaders(head.headers)
        let future: EventLoopFuture<Response>
        if phases {
            let delegate = PhaseDelegate(request: outgoing, span: span)
            future =
                execute(
                    request: outgoing,
                    delegate: delegate,
                    eventLoop: .indifferent,
                    deadline: deadline,
                    logger: logger
                ).futureResult
        } else {
            future = execute(request: outgoing, eventLoop: .indifferent, deadline: deadline, logger: logger)
        }
        future.whenComplete { result in
            switch result {
            case .success(let response): span.tag(DivakHTTPResponse(response.status, response.headers), tags)
            case .failure(let error): span.recordError(error)
            }
            span.finish()
        }
        return future
    }
}

/// A request of the client's own kind, of which Divak changes the headers alone.
private struct PreparedRequest: DivakHTTPTransport {
    let client: HTTPClient
    let request: HTTPClientRequest
    let timeout: TimeAmount
    let logger: Logger?

    var tracesItself: Bool { client.tracer != nil }

    func send(_ head: DivakHTTPRequest, body: HTTPClientRequest.Body?) async throws -> HTTPClientResponse {
        var outgoing = request
        outgoing.headers = HTTPHeaders(head.headers)
        return try await client.execute(outgoing, timeout: timeout, logger: logger)
    }

    func head(of response: HTTPClientResponse) -> DivakHTTPResponse {
        DivakHTTPResponse(response.status, response.headers)
    }
}
#endif
