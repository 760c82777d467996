// SPDX-License-Identifier: Apache-2.0
// DivakMiddleware.swift - traces what a Hummingbird router answers: all that a framework has to do for Divak.

import Divak
import HTTPTypes
import Hummingbird
import NIOCore

/// What the demo wants to know of a request: also who asks.
struct DemoContext: RequestContext, RemoteAddressRequestContext {
    var coreContext: CoreRequestContextStorage
    let remoteAddress: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}

/// Wraps each request in a ``DivakRequest``: a SERVER span that joins the caller's trace and is current in the handler.
struct DivakMiddleware: RouterMiddleware {
    let tracer: DivakTracer

    func handle(
        _ request: Request,
        context: DemoContext,
        next: (Request, DemoContext) async throws -> Response
    ) async throws -> Response {
        let head = DivakHTTPRequest(
            method: request.method.rawValue,
            url: request.uri.string,
            headers: request.headers.map { ($0.name.rawName, $0.value) }
        )
        let address = context.remoteAddress.flatMap { address in
            address.ipAddress.map { "\($0):\(address.port ?? 0)" }
        }
        let traced = DivakRequest(head, tracer: tracer, remoteAddress: address)
        do {
            let response = try await traced.run { try await next(request, context) }
            context.endpointPath.map(traced.setRoute)
            traced.finish(DivakHTTPResponse(status: response.status.code))
            return response
        } catch {
            context.endpointPath.map(traced.setRoute)
            let status = (error as? any HTTPResponseError)?.status.code ?? 500
            traced.finish(DivakHTTPResponse(status: status), error: error)
            throw error
        }
    }
}
