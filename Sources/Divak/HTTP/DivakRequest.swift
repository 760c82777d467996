// DivakRequest.swift - one request that this process answers: its span, its id, its logger.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
public import Logging

/// A request that is being answered, for frameworks and for handlers under them.
///
/// A framework wraps each request in one:
///
/// ```swift
/// let request = DivakRequest(head, tracer: tracer, requestIDs: RequestIdPropagation(), remoteAddress: peer)
/// do {
///     var response = try await request.run { try await handle(head) }
///     request.addHeaders(to: &response.headers)
///     request.finish(DivakHTTPResponse(status: response.status))
///     accessLog.write(request.accessLogRecord, to: logger)
/// } catch {
///     request.finish(DivakHTTPResponse(status: 500), error: error)
///     throw error
/// }
/// ```
///
/// Whatever runs inside finds it as ``current``: the mix-ins ``RequestTracker``, ``RequestLogger`` and
/// ``HTTPClientMixin`` act on it. The span follows Zipkin's rules for servers: it joins the caller's, is named after
/// method and route, and has the tags `http.method`, `http.path`, `http.status_code` when that is not 2xx, and `error`.
///
/// The members may be called from any thread or task.
public final class DivakRequest: Sendable {
    /// The request that the current task answers, or nil.
    public static var current: DivakRequest? { bound }

    @TaskLocal static var bound: DivakRequest?

    /// Under what name the id of a request travels beside the ids of a span.
    static let baggageName = "request-id"

    /// What traces the request.
    public let tracer: DivakTracer
    /// The head that came in.
    public let head: DivakHTTPRequest
    /// How the id of the request is read, made and sent back; nil: it is passed on at the most.
    public let requestIDs: RequestIdPropagation?
    /// The client's address, `192.0.2.1`, where it is known.
    public let remoteAddress: String?

    let tags: DivakHTTPTags
    let startTime = DivakTimestamp.now
    let startTicks = Monotonic.nanoseconds()
    let state: Locked<State>

    struct State {
        var span: DivakSpan
        var requestID: String?
        /// Whether the id is another than the spans began with.
        var isNewID = false
        var logger: Logger?
        var loggers: [ObjectIdentifier: Logger] = [:]
        var route: String?
        var isNamed = false
        var outcome: Outcome?
    }

    /// How it ended.
    struct Outcome {
        var response: DivakHTTPResponse
        var nanoseconds: Int64
        var error: String?
    }

    /// Reads the caller's headers and starts the server's span.
    ///
    /// - Parameters:
    ///   - head: The request; ``DivakHTTPRequest/url`` may be the target alone.
    ///   - tracer: What traces it; one that does nothing is fine.
    ///   - requestIDs: How the id of the request is read, made and sent back.
    ///   - remoteAddress: The client's address, with or without its port. Behind proxies that is
    ///     ``TrustedProxies/clientAddress(of:headers:)``.
    ///   - logger: What handlers' loggers are made from; nil: from the logging system, by the handler's type.
    ///   - tags: Further facts to tag the span with.
    ///   - function: Where the request is made, for the orphan that it becomes if nobody calls ``finish(_:error:)``.
    ///   - file: As `function`.
    ///   - line: As `function`.
    public init(
        _ head: DivakHTTPRequest,
        tracer: DivakTracer,
        requestIDs: RequestIdPropagation? = nil,
        remoteAddress: String? = nil,
        logger: Logger? = nil,
        tags: DivakHTTPTags = [],
        function: String = #function,
        file: String = #fileID,
        line: UInt = #line
    ) {
        self.tracer = tracer
        self.head = head
        self.requestIDs = requestIDs
        self.tags = tags
        let remote = remoteAddress.map { DivakEndpoint(address: $0) }
        self.remoteAddress = remoteAddress.map { IPAddress($0)?.description ?? $0 }

        let parent = tracer.extract(from: head.headers)
        var span = tracer.startSpan(
            head.method,
            kind: .server,
            parent: parent,
            method: head.method,
            path: head.path
        ).watched(head.method, .server, by: SpanCreator(function: function, file: file, line: line))
        span.tag(head, tags)
        if let remote, remote.hasAddress { span.setRemote(remote) }
        let requestID = requestIDs.map { $0.id(of: head, parent: parent) } ?? parent.baggage(Self.baggageName)
        if let requestID, span.baggage(Self.baggageName) != requestID {
            try? span.setBaggage(Self.baggageName, requestID)
        }
        state = Locked(State(span: span, requestID: requestID, logger: logger))
    }

    deinit {
        // Of a span that records its companion notices that nobody ended it; another one may hold baggage all the same.
        let state = state.withLock { $0 }
        if state.outcome == nil, !state.span.isRecording { state.span.finish() }
    }
}

// MARK: - What handlers ask and say

extension DivakRequest {
    /// The server's span.
    public var span: DivakSpan { state.withLock { $0.span } }

    /// The id of the request, or nil when none came and none was made.
    public var requestID: String? { state.withLock { $0.requestID } }

    /// Gives the request another id: on the response, in every log line and in what is sent from now on.
    ///
    /// ```swift
    /// try DivakRequest.current?.setRequestID(order.correlationID)
    /// ```
    ///
    /// - Throws: `.invalid` for what may not be an id; the request keeps the one it has.
    public func setRequestID(_ id: String) throws(DivakError) {
        guard RequestIdPropagation.isValid(id) else {
            throw DivakError(
                code: .invalid,
                message: "request id \(LogText.quoted(id)): expected 1 to 128 printable ASCII characters "
                    + "without blanks, quotes, \\, <, > and commas"
            )
        }
        state.withLock { state in
            state.requestID = id
            state.isNewID = true
            // A span that has ended, or has no tracer, carries nothing on; the id counts all the same.
            try? state.span.setBaggage(Self.baggageName, id)
        }
    }

    /// Names the request's span; the name that ``setRoute(_:)`` or the status would give it no longer counts.
    public func setName(_ name: String) {
        let span = state.withLock { state in
            state.isNamed = true
            return state.span
        }
        span.rename(name)
    }

    /// Says which pattern the path matched, `/users/{id}`: the span's name is the method and that, unless
    /// ``setName(_:)`` gave it another.
    public func setRoute(_ route: String) {
        state.withLock { $0.route = route }
    }

    /// A logger for a type of handler, whose every line carries the ids.
    ///
    /// It is kept for the request: made from the request's logger if it has one, else from the logging system under the
    /// type's name.
    public func logger(for type: Any.Type) -> Logger {
        let key = ObjectIdentifier(type)
        let (known, base) = state.withLock { ($0.loggers[key], $0.logger) }
        if let known { return known }
        // Made outside of the lock: the program's own factory of log handlers may ask this request for its id.
        let logger = (base ?? Logger(label: loggerLabel(type))).withDivakIDs()
        state.withLock { $0.loggers[key] = logger }
        return logger
    }
}

extension DivakRequest {
    /// The id that the current task's request was given after its spans began, with its header.
    ///
    /// Copies of a span keep the baggage they have, and so do the spans that start under them: what they write into
    /// headers is put right with this. Nil for spans of other traces.
    static func newID(for span: DivakSpan) -> (header: String, id: String)? {
        guard let request = bound, let header = request.requestIDs?.header else { return nil }
        return request.state.withLock { state in
            guard state.isNewID, let id = state.requestID else { return nil }
            let (own, other) = (state.span.handle, span.handle)
            guard own.trace_id_low == other.trace_id_low, own.trace_id_high == other.trace_id_high else { return nil }
            return (header, id)
        }
    }
}
