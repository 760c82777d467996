// DivakTracer+HTTPClient.swift - one outgoing request: a client span, its headers, and what came back.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

extension DivakTracer {
    /// Sends a request under a client span, which it carries on to the other side.
    ///
    /// ```swift
    /// let request = DivakHTTPRequest(method: "GET", url: "http://127.0.0.1:8080/items/7")
    /// let response = try await tracer.sendRequest(request, over: transport, remoteName: "items")
    /// ```
    ///
    /// The span is a child of the current one, named after the method, and ends when the head of the response is there.
    /// Headers of the trace that the request already has are replaced. An unsampled trace is carried on too.
    ///
    /// - Parameters:
    ///   - request: The head: method, URL, headers.
    ///   - body: What is sent behind the head, or nil.
    ///   - transport: The HTTP client that sends it.
    ///   - remoteName: The name of the service on the other side, for Zipkin's map of services.
    ///   - tags: Further facts to tag the span with.
    ///   - isolation: Where the call runs: where its caller does.
    /// - Throws: What the transport throws, unchanged; the span's tag `error` says it too.
    public func sendRequest<Transport: DivakHTTPTransport>(
        _ request: DivakHTTPRequest,
        body: Transport.Body? = nil,
        over transport: Transport,
        remoteName: String? = nil,
        tags: DivakHTTPTags = [],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Transport.Response {
        var outgoing = request
        if transport.tracesItself {
            removePropagationHeaders(from: &outgoing.headers)
            return try await transport.send(outgoing, body: body)
        }
        let span = startClientSpan(for: &outgoing, remoteName: remoteName, tags: tags)
        do {
            let response = try await span.withCurrent { () async throws in
                try await transport.send(outgoing, body: body)
            }
            span.tag(transport.head(of: response), tags)
            span.finish()
            return response
        } catch {
            span.recordError(error)
            span.finish()
            throw error
        }
    }

    /// Starts the span of an outgoing request, and puts its headers there in place of any that are.
    package func startClientSpan(
        for request: inout DivakHTTPRequest,
        parent: DivakParent = .current,
        remoteName: String?,
        tags: DivakHTTPTags
    ) -> DivakSpan {
        var span = startSpan(request, parent: parent, remoteName: remoteName, tags: tags)
        // An id that was given to the request after the current span began has to go along as well.
        if let requestID = DivakRequest.current?.requestID, span.baggage(DivakRequest.baggageName) != requestID {
            try? span.setBaggage(DivakRequest.baggageName, requestID)
        }
        inject(span, into: &request.headers)
        return span
    }

    /// Takes out all headers that the tracer may write or read.
    package func removePropagationHeaders(from headers: inout [(String, String)]) {
        let names = propagationHeaders
        headers.removeAll { header in names.contains { isSameHeader($0, header.0) } }
    }

    /// The client's span of a request.
    private func startSpan(
        _ request: DivakHTTPRequest,
        parent: DivakParent,
        remoteName: String?,
        tags: DivakHTTPTags
    ) -> DivakSpan {
        let span = startSpan(
            request.method,
            kind: .client,
            parent: parent,
            method: request.method,
            path: request.path
        )
        guard span.isRecording else { return span }
        span.tag(request, tags)
        let remote = DivakEndpoint(service: remoteName, address: request.host, port: request.port ?? 0)
        if remoteName != nil || remote.hasAddress { span.setRemote(remote) }
        return span
    }
}

extension DivakTracer {
    /// Starts a span of HTTP: samplers with rules learn its method and path.
    func startSpan(_ name: String, kind: DivakKind, parent: DivakParent, method: String, path: String) -> DivakSpan {
        var handle = divak_span()
        var options = divak_start_options()
        options.kind = kind.rawValue
        parent.withHandle { parent in
            options.parent = parent
            name.withBytes { text, count in
                (options.name, options.name_length) = (text, count)
                method.withBytes { text, count in
                    (options.method, options.method_length) = (text, count)
                    path.withBytes { text, count in
                        (options.path, options.path_length) = (text, count)
                        _ = divak_span_start_with(pointer, &options, &handle)
                    }
                }
            }
        }
        return DivakSpan(handle: handle)
    }
}
