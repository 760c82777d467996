// HeadServer.swift - a server that keeps the heads of what it was sent; and a client that nobody traces.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Divak
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Keeps the heads of requests, and answers by path: `/status/404`, `/redirect`, anything else with its own body.
actor HeadServer {
    private(set) var heads: [HTTPRequest] = []

    private func note(_ head: HTTPRequest) { heads.append(head) }

    /// All values of a header in the last request.
    func values(of name: String) -> [String] {
        guard let name = HTTPField.Name(name), let head = heads.last else { return [] }
        return head.headerFields[values: name]
    }

    /// Headers of the last request that carry a trace, each as name and value.
    var traceHeaders: [String] {
        (heads.last?.headerFields ?? [:]).map { "\($0.name.canonicalName): \($0.value)" }
            .filter { $0.hasPrefix("b3:") || $0.hasPrefix("x-b3-") || $0.hasPrefix("traceparent:") }
            .sorted()
    }

    /// Runs a server while a closure runs.
    static func run<Result: Sendable>(
        _ body: @Sendable @escaping (_ server: HeadServer, _ url: String) async throws -> Result
    ) async throws -> Result {
        let server = HeadServer()
        let router = Router()
        let answer: @Sendable (Request, BasicRequestContext) async throws -> Response = { request, _ in
            await server.note(request.head)
            if request.uri.path == "/redirect" { return Response.redirect(to: "/target") }
            let code = request.uri.path.hasPrefix("/status/") ? Int(request.uri.path.dropFirst(8)) ?? 200 : 200
            let bytes = try await request.body.collect(upTo: 1 << 20)
            return Response(status: .init(code: code), body: ResponseBody(byteBuffer: bytes))
        }
        for method in [HTTPRequest.Method.get, .put, .post] {
            router.on("/", method: method, use: answer)
            router.on("**", method: method, use: answer)
        }
        return try await withServer(router) { port in try await body(server, "http://127.0.0.1:\(port)") }
    }
}

/// A client with or without a tracer of its own, which is shut down when the closure is through.
func withClient<Result>(
    _ change: (inout HTTPClient.Configuration) -> Void = { $0.tracing.tracer = nil },
    _ body: (HTTPClient) async throws -> Result
) async throws -> Result {
    var configuration = HTTPClient.Configuration()
    // Where nobody listens the client tries again and again for so long.
    configuration.timeout.connect = .seconds(1)
    change(&configuration)
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
        let result = try await body(client)
        try await client.shutdown()
        return result
    } catch {
        try? await client.shutdown()
        throw error
    }
}

/// What came back, read to its end.
struct Answer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: String
}

/// Sends a request that nobody traces, follows no redirect, and reads the answer to its end.
func fetch(
    _ url: String,
    method: String = "GET",
    headers: [(String, String)] = [],
    body: String? = nil
) async throws -> Answer {
    let configure: (inout HTTPClient.Configuration) -> Void = {
        $0.tracing.tracer = nil
        $0.redirectConfiguration = .disallow
    }
    return try await withClient(configure) { client in
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        request.headers = HTTPHeaders(headers)
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await client.execute(request, timeout: .seconds(20))
        let bytes = try await response.body.collect(upTo: 1 << 22)
        return Answer(status: Int(response.status.code), headers: response.headers, body: String(buffer: bytes))
    }
}
