// HummingbirdRequestTests.swift - request ids, mix-ins, logs and the end of a body, in a real server over loopback.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Divak
import DivakAsyncHTTPClient
import DivakHummingbird
import DivakTesting
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Testing

/// A handler with the mix-ins.
private struct Handler: RequestTracker, RequestLogger, HTTPClientMixin {
    typealias Transport = AsyncHTTPClientTransport

    let downstream: String

    func get() async throws -> String {
        setDivakName("rows")
        let rows = recordOperation("query-db") {
            addDivakTag("rowcount", 2)
            logger.info("queried")
            return ["a", "b"]
        }
        for row in rows { _ = try await sendRequest("\(downstream)/\(row)") }
        return "\(rows.count)"
    }
}

private func serve(
    _ middleware: DivakMiddleware<DivakRequestContext>,
    lines: LogLines? = nil,
    _ addRoutes: (Router<DivakRequestContext>) -> Void,
    _ body: @Sendable @escaping (_ url: String) async throws -> Void
) async throws {
    let router = Router(context: DivakRequestContext.self)
    router.add(middleware: middleware)
    addRoutes(router)
    let logger = lines.map { lines in Logger(label: "test") { _ in lines.handler } }
    try await withServer(router, logger: logger) { port in try await body("http://127.0.0.1:\(port)") }
}

extension Everything {
    @Suite struct HummingbirdRequestTests {
        @Test func the_request_id_comes_back_on_every_response() async throws {
            try await withTracer { tracer, _ async throws in
                let ids = RequestIdPropagation(header: "Request-Id")
                try await serve(DivakMiddleware(tracer, requestIDs: ids)) { router in
                    router.get("/fine") { _, _ in "fine" }
                    router.get("/refuse") { _, _ -> String in throw HTTPError(.conflict) }
                    router.get("/crash") { _, _ -> String in throw CancellationError() }
                    router.get("/own") { _, _ in
                        Response(status: .ok, headers: [HTTPField.Name("request-id")!: "mine"])
                    }
                } _: { url async throws in
                    for (path, status) in [("fine", 200), ("nobody", 404), ("refuse", 409), ("crash", 500)] {
                        let answer = try await fetch("\(url)/\(path)", headers: [("request-id", "r-1")])
                        #expect(answer.status == status)
                        #expect(answer.headers["request-id"] == ["r-1"], "\(path)")
                    }
                    let first = try await fetch("\(url)/fine").headers["request-id"]
                    let second = try await fetch("\(url)/fine").headers["request-id"]
                    #expect(first.count == 1 && first[0].count == 36 && first != second)
                    #expect(try await fetch("\(url)/own").headers["request-id"] == ["mine"])
                }
            }
        }

        @Test func without_request_ids_none_is_made() async throws {
            try await withTracer { tracer, _ async throws in
                try await serve(DivakMiddleware(tracer)) { router in
                    router.get("/fine") { _, _ in "fine" }
                } _: { url async throws in
                    #expect(try await fetch("\(url)/fine").headers["x-request-id"].isEmpty)
                }
            }
        }

        @Test func the_mix_ins_act_on_the_request() async throws {
            let lines = LogLines()
            try await withTracer { tracer, collector async throws in
                try await HeadServer.run { downstream, downstreamURL async throws in
                    try await serve(DivakMiddleware(tracer, requestIDs: RequestIdPropagation()), lines: lines) {
                        router in
                        router.get("/") { _, context in
                            context.logger.info("begin")
                            return try await Handler(downstream: downstreamURL).get()
                        }
                    } _: { url async throws in
                        #expect(try await fetch(url, headers: [("x-request-id", "r-1")]).body == "2")
                    }
                    let spans = try await collector.waitForSpans(4)
                    #expect(spans.count == 4)
                    let root = try spans.only("rows")
                    let query = try spans.only("query-db")
                    #expect(root.kind == "SERVER" && query.parentID == root.id && query.tags == ["rowcount": "2"])
                    let clients = spans.filter { $0.kind == "CLIENT" }
                    #expect(clients.count == 2 && clients.allSatisfy { $0.parentID == root.id })
                    // The later one by its time: spans of several threads arrive in any order.
                    let last = try #require(clients.max { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) })
                    #expect(await downstream.values(of: "x-b3-spanid") == [last.id])
                    let begin = try #require(lines.all.first { $0.contains("begin") })
                    #expect(begin.contains("spanId=\(root.id)") && begin.contains("requestId=r-1"))
                    let queried = try #require(lines.all.first { $0.contains("queried") })
                    #expect(queried.contains("spanId=\(query.id)") && queried.contains("traceId=\(root.traceID)"))
                    #expect(queried.contains("requestId=r-1") && queried.contains("hb.request.id="))
                }
            }
        }

        @Test func an_application_with_mix_ins_hands_over_itself() async throws {
            struct Shop: Divak.Recorder, ProbabilisticSampler {
                let divak = DivakApplication()
            }
            let shop = Shop()
            try shop.divak.configure { $0.readsEnvironment = false }
            try shop.setDivakService("shop")
            try shop.addDivakReporter(DivakReporter.none)
            try shop.addDivakPropagator(RequestIdPropagation(header: "Correlation-ID"))
            try await serve(DivakMiddleware(shop.divak)) { router in
                router.get("/fine") { _, _ in "fine" }
            } _: { url async throws in
                #expect(try await fetch("\(url)/fine").headers["correlation-id"].count == 1)
            }
            #expect(shop.divak.tracer?.statistics.started == 1)
            try await shop.divak.tracer?.shutdown()
        }

        @Test func the_access_log_has_a_line_for_each_request_with_its_ids() async throws {
            let lines = LogLines()
            try await withTracer { tracer, collector async throws in
                let ids = RequestIdPropagation()
                let middleware = DivakMiddleware<DivakRequestContext>(
                    tracer,
                    requestIDs: ids,
                    accessLog: AccessLog(.brief)
                )
                try await serve(middleware, lines: lines) { router in
                    router.get("/fine") { _, _ in "fine" }
                    router.get("/crash") { _, _ -> String in throw CancellationError() }
                } _: { url async throws in
                    let headers = [("user-agent", "test/1"), ("x-request-id", "r-1")]
                    for path in ["fine?q=1", "nobody", "crash"] {
                        _ = try await fetch("\(url)/\(path)", headers: headers)
                    }
                }
                let spans = try await collector.waitForSpans(3)
                let written = lines.all.filter { $0.contains("127.0.0.1 \"") }
                try #require(written.count == 3)
                let expected = [
                    "/fine": #"info 127.0.0.1 "GET /fine?q=1" 200 "test/1" 0."#,
                    "/nobody": #"warning 127.0.0.1 "GET /nobody" 404 "test/1" 0."#,
                    "/crash": #"error 127.0.0.1 "GET /crash" 500 "test/1" 0."#,
                ]
                // By path: spans of several threads arrive in any order.
                for (path, start) in expected {
                    let line = try #require(written.first { $0.hasPrefix(start) }, "\(written)")
                    let span = try #require(spans.first { $0.tags["http.path"] == path })
                    #expect(line.contains("spanId=\(span.id)") && line.contains("traceId=\(span.traceID)"))
                    #expect(line.contains("requestId=r-1"))
                }
                // What the handler threw without a status of its own is not lost.
                #expect(lines.all.contains { $0.hasPrefix("error GET /crash failed with 500: CancellationError") })
            }
        }

        @Test func the_span_ends_when_the_last_of_the_body_is_written() async throws {
            let (go, next) = AsyncStream<Void>.makeStream()
            try await withTracer { tracer, collector async throws in
                let middleware = DivakMiddleware<DivakRequestContext>(tracer, tags: .responseSize)
                try await serve(middleware) { router in
                    router.get("/stream") { _, _ in
                        Response(
                            status: .ok,
                            body: ResponseBody { writer in
                                try await writer.write(ByteBuffer(string: "first"))
                                for await _ in go.prefix(1) {}
                                #expect(DivakSpan.current != nil)
                                try await writer.write(ByteBuffer(string: "second"))
                                try await writer.finish(nil)
                            }
                        )
                    }
                } _: { url async throws in
                    try await withClient { client async throws in
                        let response = try await client.execute(
                            HTTPClientRequest(url: "\(url)/stream"),
                            timeout: .seconds(20)
                        )
                        var parts: [String] = []
                        for try await part in response.body {
                            parts.append(String(buffer: part))
                            if parts == ["first"] {
                                #expect(try await collector.spans(of: tracer).isEmpty)
                                #expect(tracer.statistics.live == 1)
                                next.yield()
                            }
                        }
                        #expect(parts == ["first", "second"])
                    }
                    let span = try await collector.waitForSpans(1).only("get /stream")
                    #expect(span.error == nil && span.tags["http.response.size"] == "11")
                }
            }
        }

        @Test func a_body_that_breaks_off_is_an_error_of_the_span() async throws {
            struct Broken: Error {}
            try await withTracer { tracer, collector async throws in
                try await serve(DivakMiddleware(tracer)) { router in
                    router.get("/broken") { _, _ in
                        Response(
                            status: .ok,
                            body: ResponseBody { writer in
                                try await writer.write(ByteBuffer(string: "first"))
                                throw Broken()
                            }
                        )
                    }
                } _: { url async throws in
                    _ = try? await fetch("\(url)/broken")
                    let span = try await collector.waitForSpans(1).only("get /broken")
                    #expect(span.error?.contains("Broken") == true)
                    #expect(tracer.statistics.live == 0 && tracer.statistics.usesAfterEnd == 0)
                }
            }
        }

        @Test func a_response_that_nobody_writes_ends_its_span_all_the_same() async throws {
            // Middleware around it that sends something else.
            struct Replacer: RouterMiddleware {
                func handle(
                    _ request: Request,
                    context: DivakRequestContext,
                    next: (Request, DivakRequestContext) async throws -> Response
                ) async throws -> Response {
                    _ = try await next(request, context)
                    return Response(status: .init(code: 418))
                }
            }
            try await withTracer { tracer, collector async throws in
                let router = Router(context: DivakRequestContext.self)
                router.add(middleware: Replacer())
                router.add(middleware: DivakMiddleware(tracer))
                router.get("/fine") { _, _ in "fine" }
                try await withServer(router) { port async throws in
                    #expect(try await fetch("http://127.0.0.1:\(port)/fine").status == 418)
                    #expect(try await collector.waitForSpans(1).first?.name == "get /fine")
                    #expect(tracer.statistics.live == 0 && tracer.statistics.usesAfterEnd == 0)
                }
            }
        }
    }
}
