// SPDX-License-Identifier: Apache-2.0
// Collector.swift - routes a request to what answers it.

import Foundation

/// A Zipkin-compatible collector: give it requests, it gives answers.
///
/// Where they come from is not its business.
public final class Collector: Sendable {
    /// How to answer.
    public struct Settings: Sendable {
        /// After decompression; larger ones are answered with 413.
        public var maxBodyBytes = 32 << 20
        /// The share of traces that is kept, 0 to 1; what is asked for by the flag `debug` is kept whatever it says.
        public var sampleRate = 1.0
        /// Milliseconds that a search looks back when it doesn't say.
        public var lookback: Int64 = 86_400_000
        /// As the store was told.
        public var isStrict = true

        /// What suits one machine.
        public init() {}
    }

    /// The version of the tools.
    public static let version = "0.1.0"

    /// Where the spans are.
    public let store: SpanStore
    private let intake: Intake
    private let queries: Queries
    private let status: Status
    private let tail: Tail
    private let page: @Sendable (Request) -> Answer?
    /// Questions may take a second or two: threads of their own, and another class of service than that of Swift's tasks,
    /// keep them out of the way of spans that come in. (Within one class all would share as many threads as processors.)
    private let asking = OperationQueue()

    /// - Parameter page: answers a GET that is not the API's, such as for the trace view; nil: nothing is there.
    public init(
        store: SpanStore,
        settings: Settings = Settings(),
        page: @escaping @Sendable (Request) -> Answer? = { _ in nil }
    ) {
        self.store = store
        self.page = page
        asking.maxConcurrentOperationCount = 4
        asking.qualityOfService = .utility
        intake = Intake(store: store, maxBodyBytes: settings.maxBodyBytes, sampleRate: settings.sampleRate)
        queries = Queries(store: store, lookback: settings.lookback, isStrict: settings.isStrict)
        status = Status(store: store, intake: intake, lookback: settings.lookback)
        tail = Tail(store: store)
    }

    /// What came in.
    public var intakeStats: IntakeStats { intake.stats }

    /// Answers a request.
    public func answer(_ request: Request) async -> Answer {
        var answer = await route(request)
        // Pages from elsewhere may read and send, as with Zipkin; there is nothing here that a cookie protects.
        if request.headers["origin"] != nil { answer.headers.append(("access-control-allow-origin", "*")) }
        return answer
    }

    /// Runs what has to be done a few times a second, until cancelled; then writes what is left.
    public func maintain() async {
        while !Task.isCancelled {
            store.maintain()
            try? await Task.sleep(for: .milliseconds(250))
        }
        store.persist()
    }

    private func route(_ request: Request) async -> Answer {
        // Zipkin's view, behind /zipkin, asks for its API there too.
        var path = request.path[...]
        if path.hasPrefix("/zipkin/api/") || path == "/zipkin/config.json" { path = path.dropFirst("/zipkin".count) }
        switch (request.method, path) {
        case ("OPTIONS", _): return preflight(request)
        case ("POST", "/api/v2/spans"): return await intake.answer(request)
        case ("POST", "/api/v1/spans"):
            return .text(
                400,
                "Spans in Zipkin's format v1 are not read here: send format v2 to /api/v2/spans instead.\n"
            )
        case ("GET", _), ("HEAD", _):
            return await withCheckedContinuation { [path] continuation in
                asking.addOperation { [self] in continuation.resume(returning: get(path, request)) }
            }
        default:
            let isPost = path == "/api/v2/spans" || path == "/api/v1/spans"
            var answer = Answer.text(405, "\(request.method) is not allowed here.\n")
            answer.headers.append(("allow", isPost ? "GET, HEAD, OPTIONS, POST" : "GET, HEAD, OPTIONS"))
            return answer
        }
    }

    private func get(_ path: Substring, _ request: Request) -> Answer {
        do {
            return try find(path, request) ?? .text(404, "\(request.path) not found\n")
        } catch {
            return .text(400, error.message)
        }
    }

    private func find(_ path: Substring, _ request: Request) throws(DecodeError) -> Answer? {
        switch path {
        case "/api/v2/services": return queries.services()
        case "/api/v2/spans": return try queries.spanNames(request)
        case "/api/v2/remoteServices": return try queries.remoteServices(request)
        case "/api/v2/traces": return try queries.traces(request)
        case "/api/v2/traceMany": return try queries.traceMany(request)
        case "/api/v2/dependencies": return try queries.dependencies(request)
        case "/api/v2/autocompleteKeys": return queries.autocompleteKeys()
        case "/api/v2/autocompleteValues": return try queries.autocompleteValues(request)
        case "/api/divak/tail": return tail.answer(request)
        case "/health": return status.health()
        case "/info": return status.info()
        case "/config.json": return status.config()
        case "/metrics": return status.metrics()
        case "/prometheus": return status.prometheus()
        default: break
        }
        if let id = argument(of: path, after: "/api/v2/trace/") {
            return try queries.trace(id, isRaw: request.parameter("raw") == "true")
        }
        if let id = argument(of: path, after: "/api/divak/trace/") { return try queries.adjustedTrace(id) }
        if path.hasPrefix("/api/") { return nil }
        return page(request)
    }

    /// The one part of a path that follows, decoded, without white space around it.
    private func argument(of path: Substring, after prefix: String) -> String? {
        guard path.hasPrefix(prefix) else { return nil }
        let rest = path.dropFirst(prefix.count)
        if rest.isEmpty || rest.contains("/") { return nil }
        let decoded = percentDecoded(rest)
        return String(decoded.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    private func preflight(_ request: Request) -> Answer {
        Answer(
            status: 200,
            headers: [
                ("access-control-allow-methods", "GET,POST"),
                ("access-control-allow-headers", "content-type"),
            ]
        )
    }
}
