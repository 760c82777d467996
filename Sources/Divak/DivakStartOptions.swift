// DivakStartOptions.swift - what is rarely said when a span starts.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// What a sampler may want to know of a span, and what is rarely said when one starts.
///
/// ```swift
/// let options = DivakStartOptions(method: "GET", path: "/users/42", route: "/users/{id}")
/// try await tracer.withSpan("get /users/{id}", kind: .server, parent: incoming, options: options) { span in ... }
/// ```
///
/// Method, path and route are for samplers and their rules; tag what is to be seen in Zipkin.
public struct DivakStartOptions: Sendable {
    /// The method, `GET` or that of a remote call.
    public var method: String?
    /// The path, without the query.
    public var path: String?
    /// The route, `/users/{id}`.
    public var route: String?
    /// When the span began, or nil for now.
    public var time: DivakTimestamp?
    /// Spans that this one follows from beside its parent.
    ///
    /// Zipkin knows one parent only; these become tags, see ``DivakSpan/link(to:)``.
    public var links: [DivakSpan]
    /// Whether the end only notes the time, and ``DivakSpan/flush()`` reports the span.
    public var defersReport: Bool
    /// Whether a new trace is to be kept whatever any sampler says.
    public var isDebug: Bool

    /// Options of what is named here.
    public init(
        method: String? = nil,
        path: String? = nil,
        route: String? = nil,
        at time: DivakTimestamp? = nil,
        links: [DivakSpan] = [],
        defersReport: Bool = false,
        isDebug: Bool = false
    ) {
        self.method = method
        self.path = path
        self.route = route
        self.time = time
        self.links = links
        self.defersReport = defersReport
        self.isDebug = isDebug
    }
}

extension DivakTracer {
    /// Starts a span that you finish yourself, with options; it does not become current.
    ///
    /// ```swift
    /// let merge = tracer.startSpan("merge", parent: .span(left), options: DivakStartOptions(links: [right]))
    /// ```
    public func startSpan(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        options: DivakStartOptions,
        function: String = #function,
        file: String = #fileID,
        line: UInt = #line
    ) -> DivakSpan {
        let creator = SpanCreator(function: function, file: file, line: line)
        return begin(name, kind, parent, options).span.watched(name, kind, by: creator)
    }

    /// Runs a closure under a span with options, which is current meanwhile and ends with the closure.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        options: DivakStartOptions,
        _ body: (DivakSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try begin(name, kind, parent, options).run(body)
    }

    /// Runs an asynchronous closure under a span with options, which is current meanwhile and ends with the closure.
    @inlinable
    public func withSpan<Result, Failure: Error>(
        _ name: String,
        kind: DivakKind = .local,
        parent: DivakParent = .current,
        options: DivakStartOptions,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (DivakSpan) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await begin(name, kind, parent, options).run(isolation: isolation, body)
    }

    /// Starts a span that somebody here will end: nothing watches for that.
    @usableFromInline
    func begin(
        _ name: String,
        _ kind: DivakKind,
        _ parent: DivakParent,
        _ given: DivakStartOptions
    ) -> StartedSpan {
        var options = divak_start_options()
        options.kind = kind.rawValue
        options.timestamp = given.time?.microsecondsSinceEpoch ?? 0
        options.defer_report = given.defersReport
        options.debug = given.isDebug
        let started = name.withBytes { name, nameCount in
            withOptionalBytes(given.method) { method, methodCount in
                withOptionalBytes(given.path) { path, pathCount in
                    withOptionalBytes(given.route) { route, routeCount in
                        (options.name, options.name_length) = (name, nameCount)
                        (options.method, options.method_length) = (method, methodCount)
                        (options.path, options.path_length) = (path, pathCount)
                        (options.route, options.route_length) = (route, routeCount)
                        return begin(parent) { parent, handle in
                            options.parent = parent
                            return divak_span_start_with(pointer, &options, handle)
                        }
                    }
                }
            }
        }
        for link in given.links { started.span.link(to: link) }
        return started
    }
}
