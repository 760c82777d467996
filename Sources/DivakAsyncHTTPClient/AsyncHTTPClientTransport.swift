// AsyncHTTPClientTransport.swift - AsyncHTTPClient as the client behind `sendRequest`.
// SPDX-License-Identifier: Apache-2.0

#if AsyncHTTPClient
public import AsyncHTTPClient
public import Divak
public import NIOCore
import NIOHTTP1

/// Sends the requests of a handler with `HTTPClientMixin` over AsyncHTTPClient.
///
/// ```swift
/// import Divak
/// import DivakAsyncHTTPClient
///
/// struct RowsHandler: HTTPClientMixin {
///     func get() async throws {
///         let response = try await sendRequest("http://127.0.0.1:8081/items")
///         let body = try await response.body.collect(upTo: 1 << 20)
///     }
/// }
/// ```
///
/// Importing the module is enough: requests go over ``shared`` then; where a module imports both this and another
/// one, a handler says `typealias Transport = AsyncHTTPClientTransport`. A handler that wants a client of its own says so:
///
/// ```swift
/// let httpTransport = AsyncHTTPClientTransport(client, timeout: .seconds(2))
/// ```
///
/// Each request makes one client span and one set of headers, whether or not the client traces by itself: where it does
/// (`tracing.tracer` of its configuration, which is the tracer that was bootstrapped when the configuration was made),
/// the span is left to it.
///
/// The span ends when the head of the response is there. What happens before that (looking up the name, connecting, TLS)
/// the client does not show to those who call it; ``AsyncHTTPClient/HTTPClient/sendRequest(_:tracer:parent:remoteName:tags:phases:deadline:logger:)``
/// notes what it does show.
public struct AsyncHTTPClientTransport: DivakHTTPTransport {
    /// The client.
    public let client: HTTPClient
    /// How long a request may take, until the head of the response is there.
    public let timeout: TimeAmount

    /// Requests over a client.
    ///
    /// - Parameters:
    ///   - client: It stays yours to shut down.
    ///   - timeout: How long a request may take, until the head of the response is there.
    public init(_ client: HTTPClient, timeout: TimeAmount = .seconds(60)) {
        self.client = client
        self.timeout = timeout
    }

    /// A client for the whole process, on NIO's shared threads, that does not trace by itself.
    public static let shared = AsyncHTTPClientTransport(sharedClient)

    private static let sharedClient: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.tracing.tracer = nil
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Whether the client has a tracer of its own.
    public var tracesItself: Bool { client.tracer != nil }

    /// Sends a request with exactly the headers given.
    public func send(_ request: DivakHTTPRequest, body: HTTPClientRequest.Body?) async throws -> HTTPClientResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        outgoing.headers = HTTPHeaders(request.headers)
        outgoing.body = body
        return try await client.execute(outgoing, timeout: timeout)
    }

    /// The head of a response.
    public func head(of response: HTTPClientResponse) -> DivakHTTPResponse {
        DivakHTTPResponse(response.status, response.headers)
    }
}

extension HTTPClientMixin where Transport == AsyncHTTPClientTransport {
    /// The client of the process, ``AsyncHTTPClientTransport/shared``.
    public var httpTransport: AsyncHTTPClientTransport { .shared }
}

extension DivakHTTPResponse {
    /// The head of a response as NIO has it.
    init(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) {
        self.init(status: Int(status.code), headers: headers.map { ($0.name, $0.value) }, reason: status.reasonPhrase)
    }
}
#endif
