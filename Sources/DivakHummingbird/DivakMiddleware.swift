// DivakMiddleware.swift - a server span, a request id and a line in the access log for each request.
// SPDX-License-Identifier: Apache-2.0

#if Hummingbird
public import Divak
public import Hummingbird
import HTTPTypes
import Logging
import NIOHTTP1

/// Traces the requests that a Hummingbird server answers.
///
/// ```swift
/// let router = Router(context: DivakRequestContext.self)
/// router.add(middleware: DivakMiddleware(tracer))
/// router.get("/users/{id}") { request, context in
///     context.logger.info("hello")                      // ... spanId=... traceId=... hello
///     return "..."
/// }
/// ```
///
/// An application with Divak's mix-ins hands over itself, and with it the propagators that it has:
///
/// ```swift
/// router.add(middleware: try DivakMiddleware(shop.divak, accessLog: AccessLog(.combined)))
/// ```
///
/// For each request it
/// - reads the caller's headers and starts a span of kind server in that trace,
/// - reads or makes the request id and puts it on the response, be it an error's,
/// - runs the rest under that span, with a `DivakRequest` for the mix-ins, and the ids in the context's logger,
/// - names the span after method and route (`GET /users/{id}`, else `GET not_found`, `GET redirected`, or the method),
/// - tags it with `http.method`, `http.path`, `http.status_code` unless that is 2xx, and `error` above 399 or when
///   something was thrown,
/// - ends it when the last of the response's body has been written, and writes a line of the access log.
///
/// Add it first. It is also where errors become responses, as Hummingbird would make them, since a response that is made
/// further out can have neither the request id nor an end that anybody sees; middleware around it sees responses only. An
/// error that says no status of its own becomes a 500, and is logged.
///
/// Hummingbird's own `TracingMiddleware` works with a bootstrapped `DivakTracer` too. One of the two is enough.
public struct DivakMiddleware<Context: RequestContext>: RouterMiddleware {
    /// What traces the requests.
    public let tracer: DivakTracer
    /// How the id of a request is read, made and sent back; nil: it is passed on at the most.
    public var requestIDs: RequestIdPropagation?
    /// The access log, or nil for none; its lines go to the context's logger.
    public var accessLog: AccessLog?
    /// The proxies whose word about the client's address counts.
    ///
    /// The address itself is known when the context tells it, as ``DivakRequestContext`` does.
    public var trustedProxies: TrustedProxies
    /// Further facts to tag spans with.
    public var tags: DivakHTTPTags
    /// What else spans are to say.
    public var parser: DivakHTTPParser

    /// A middleware for a tracer.
    public init(
        _ tracer: DivakTracer,
        requestIDs: RequestIdPropagation? = nil,
        accessLog: AccessLog? = nil,
        trustedProxies: TrustedProxies = .none,
        tags: DivakHTTPTags = [],
        parser: DivakHTTPParser = DivakHTTPParser()
    ) {
        self.tracer = tracer
        self.requestIDs = requestIDs
        self.accessLog = accessLog
        self.trustedProxies = trustedProxies
        self.tags = tags
        self.parser = parser
    }

    /// A middleware for an application with mix-ins, which it starts.
    ///
    /// - Throws: As `DivakApplication.start()`.
    public init(
        _ application: DivakApplication,
        accessLog: AccessLog? = nil,
        trustedProxies: TrustedProxies = .none,
        tags: DivakHTTPTags = [],
        parser: DivakHTTPParser = DivakHTTPParser()
    ) throws(DivakError) {
        self.init(
            try application.start(),
            requestIDs: application.requestIDs,
            accessLog: accessLog,
            trustedProxies: trustedProxies,
            tags: tags,
            parser: parser
        )
    }

    /// Answers a request under a span.
    public func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let head = DivakHTTPRequest(request)
        let traced = DivakRequest(
            head,
            tracer: tracer,
            requestIDs: requestIDs,
            remoteAddress: remoteAddress(head, context),
            logger: context.logger,
            tags: tags
        )
        if traced.span.isRecording { parser.request(head, traced.span.customizer) }
        var inner = context
        inner.logger = context.logger.withDivakIDs()

        var thrown: (any Error)?
        var response: Response
        do {
            response = try await traced.run { () async throws in try await next(request, inner) }
        } catch let error as HTTPParserError {
            // The connection is no longer one of HTTP: Hummingbird answers that by itself.
            finish(traced, inner, DivakHTTPResponse(status: 400), error)
            throw error
        } catch {
            thrown = error
            response = traced.run { makeResponse(to: request, inner, error) }
        }
        // Routes begin with a slash; where none matched, Hummingbird has a word of its own here.
        if let route = inner.endpointPath, route.hasPrefix("/") { traced.setRoute(route) }
        response.addHeaders(of: traced)
        response.body = body(of: response, traced, inner, thrown)
        return response
    }
}

// MARK: - The parts

extension DivakMiddleware {
    /// The client's address, with its port if nobody stands between.
    private func remoteAddress(_ head: DivakHTTPRequest, _ context: Context) -> String? {
        guard let peer = (context as? any RemoteAddressRequestContext)?.remoteAddress, let address = peer.ipAddress
        else { return nil }
        let connection = peer.port.map { address.contains(":") ? "[\(address)]:\($0)" : "\(address):\($0)" } ?? address
        let client = trustedProxies.clientAddress(of: connection, headers: head.headers)
        return client == address ? connection : client
    }

    /// The response that Hummingbird would make of an error; what has no response of its own is logged.
    private func makeResponse(to request: Request, _ context: Context, _ error: any Error) -> Response {
        if let error = error as? any HTTPResponseError,
            let response = try? error.response(from: request, context: context)
        {
            return response
        }
        HTTPFailure(
            method: request.method.rawValue,
            target: request.uri.string,
            status: 500,
            logMessage: String(describing: error),
            error: error
        ).write(to: context.logger)
        return Response(status: .internalServerError)
    }

    /// The body of the response, at whose end the span ends: written, broken off, or never asked for.
    private func body(
        of response: Response,
        _ traced: DivakRequest,
        _ context: Context,
        _ thrown: (any Error)?
    ) -> ResponseBody {
        let head = DivakHTTPResponse(response)
        let written = ByteCount(response.body.contentLength)
        let end = Ending(whenForgotten: nil) { failure in
            var head = head
            head.bodyBytes = written.value
            // A body that breaks off is a failure whatever the status said.
            if let failure { traced.span.recordError(failure) }
            finish(traced, context, head, thrown ?? failure)
        }
        var body = response.body
        let length = body.contentLength
        if length == nil {
            body = body.map { bytes in
                written.add(bytes.readableBytes)
                return bytes
            }
        }
        return ResponseBody(contentLength: length) { [body] writer in
            do {
                let writer = writer
                try await traced.run { () async throws in try await body.write(writer) }
                end.come()
            } catch {
                end.come(error)
                throw error
            }
        }
    }

    /// Ends the span and writes the line.
    private func finish(
        _ traced: DivakRequest,
        _ context: Context,
        _ head: DivakHTTPResponse,
        _ error: (any Error)?
    ) {
        if traced.span.isRecording { parser.response(head, traced.span.customizer) }
        traced.finish(head, error: error)
        accessLog?.write(traced.accessLogRecord, to: context.logger)
    }
}
#endif
