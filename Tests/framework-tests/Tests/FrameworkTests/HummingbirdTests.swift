// HummingbirdTests.swift - the middleware in a real server over loopback: spans and their facts.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Divak
import DivakHummingbird
import DivakTesting
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

/// A router with the routes of these tests, behind the middleware.
private func router(_ middleware: DivakMiddleware<DivakRequestContext>) -> Router<DivakRequestContext> {
    let router = Router(context: DivakRequestContext.self)
    router.add(middleware: middleware)
    router.get("/users/{id}") { _, context in context.parameters.get("id") ?? "" }
    router.post("/users") { request, _ in
        let bytes = try await request.body.collect(upTo: 1 << 20)
        return Response(status: .created, body: ResponseBody(byteBuffer: bytes))
    }
    router.get("/old") { _, _ in Response.redirect(to: "/users/1") }
    router.get("/status/{code}") { _, context in
        Response(status: .init(code: try context.parameters.require("code", as: Int.self)))
    }
    router.get("/refuse") { _, _ -> String in throw HTTPError(.conflict, message: "taken") }
    router.get("/unavailable") { _, _ -> String in throw HTTPError(.serviceUnavailable, message: "resting") }
    router.get("/crash") { _, _ -> String in throw Crash() }
    return router
}

private struct Crash: Error, CustomStringConvertible {
    let description = "fell over"
}

/// Serves the routes while a closure runs.
private func serve(
    _ configuration: DivakConfiguration = DivakConfiguration(serviceName: "test"),
    _ change: (inout DivakMiddleware<DivakRequestContext>) -> Void = { _ in },
    _ body: @Sendable @escaping (_ url: String, DivakTracer, InMemoryCollector) async throws -> Void
) async throws {
    try await withTracer(configuration) { tracer, collector async throws in
        var middleware = DivakMiddleware<DivakRequestContext>(tracer)
        change(&middleware)
        try await withServer(router(middleware)) { port async throws in
            try await body("http://127.0.0.1:\(port)", tracer, collector)
        }
    }
}

extension Everything {
    @Suite struct HummingbirdTests {
        @Test func a_request_is_one_server_span_with_zipkins_tags() async throws {
            try await serve { url, _, collector async throws in
                #expect(try await fetch("\(url)/users/7?secret=1").body == "7")
                let spans = try await collector.waitForSpans(1)
                #expect(spans.count == 1)
                let span = try spans.only("get /users/{id}")
                #expect(span.kind == "SERVER" && span.parentID == nil && !span.isShared)
                #expect(span.tags == ["http.method": "GET", "http.path": "/users/7"])
                #expect(span.remoteEndpoint?.ipv4 == "127.0.0.1" && (span.remoteEndpoint?.port ?? 0) > 0)
                #expect(span.localEndpoint?.serviceName == "test")
            }
        }

        @Test(arguments: [
            ("b3", "00000000000000aa-00000000000000bb-1-00000000000000cc"),
            ("traceparent", "00-000000000000000000000000000000aa-00000000000000bb-01"),
        ])
        func the_callers_trace_goes_on(name: String, value: String) async throws {
            try await serve { url, _, collector async throws in
                _ = try await fetch("\(url)/users/7", headers: [(name, value)])
                let span = try await collector.waitForSpans(1).only(kind: "SERVER")
                #expect(span.traceID.hasSuffix("00000000000000aa"))
                #expect(span.id == "00000000000000bb" && span.isShared)
            }
        }

        @Test func without_joining_the_span_is_a_child_of_the_callers() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.joinsClientSpans = false
            try await serve(configuration) { url, _, collector async throws in
                _ = try await fetch("\(url)/users/7", headers: [("b3", "00000000000000aa-00000000000000bb-1")])
                let span = try await collector.waitForSpans(1).only(kind: "SERVER")
                #expect(span.parentID == "00000000000000bb" && !span.isShared)
            }
        }

        @Test func what_the_caller_does_not_sample_is_not_recorded() async throws {
            try await serve { url, tracer, collector async throws in
                _ = try await fetch("\(url)/users/7", headers: [("b3", "0")])
                _ = try await fetch("\(url)/users/8", headers: [("x-b3-sampled", "0")])
                #expect(try await collector.spans(of: tracer).isEmpty)
                #expect(tracer.statistics.started == 0)
            }
        }

        @Test(arguments: [
            ("/users/7", "get /users/{id}", nil, nil),
            ("/old", "get /old", "303", nil),
            ("/nobody", "get not_found", "404", "404"),
            ("/status/204", "get /status/{code}", nil, nil),
            ("/status/304", "get /status/{code}", "304", nil),
            ("/status/404", "get /status/{code}", "404", "404"),
            ("/status/500", "get /status/{code}", "500", "500"),
            ("/refuse", "get /refuse", "409", "409"),
            ("/unavailable", "get /unavailable", "503", "HTTPError: Service Unavailable, resting"),
            ("/crash", "get /crash", "500", "fell over"),
        ])
        func name_status_and_error_follow_zipkins_rules(
            path: String,
            name: String,
            status: String?,
            error: String?
        ) async throws {
            try await serve { url, _, collector async throws in
                let answer = try await fetch(url + path)
                let span = try await collector.waitForSpans(1).only(kind: "SERVER")
                #expect(span.name == name)
                #expect(span.tags["http.status_code"] == status)
                #expect(span.error == error)
                #expect(status == nil || "\(answer.status)" == status)
            }
        }

        @Test func a_redirect_that_no_route_matched_is_named_so() async throws {
            // Middleware that answers by itself, before any route is looked up.
            struct Mover: RouterMiddleware {
                func handle(
                    _ request: Request,
                    context: DivakRequestContext,
                    next: (Request, DivakRequestContext) async throws -> Response
                ) async throws -> Response { Response.redirect(to: "/elsewhere") }
            }
            try await withTracer { tracer, collector async throws in
                let router = Router(context: DivakRequestContext.self)
                router.add(middleware: DivakMiddleware(tracer))
                router.add(middleware: Mover())
                try await withServer(router) { port async throws in
                    _ = try await fetch("http://127.0.0.1:\(port)/x")
                    #expect(try await collector.waitForSpans(1).first?.name == "get redirected")
                }
            }
        }

        @Test func further_tags_are_there_when_asked_for() async throws {
            try await serve(DivakConfiguration(serviceName: "test")) { middleware in
                middleware.tags = [.url, .userAgent, .requestSize, .responseSize, .reason, .route]
            } _: { url, _, collector async throws in
                let agent = [("user-agent", "test/1")]
                #expect(
                    try await fetch("\(url)/users?a=b", method: "POST", headers: agent, body: "hello").status == 201
                )
                let span = try await collector.waitForSpans(1).only("post /users")
                #expect(span.tags["http.url"] == "/users?a=b")
                #expect(span.tags["http.user_agent"] == "test/1")
                #expect(span.tags["http.request.size"] == "5" && span.tags["http.response.size"] == "5")
                #expect(span.tags["http.reason"] == "Created" && span.tags["http.route"] == "/users")
                #expect(span.tags["http.status_code"] == nil)
            }
        }

        @Test func a_parser_of_ones_own_sees_request_and_response_and_has_the_last_word() async throws {
            try await serve(DivakConfiguration(serviceName: "test")) { middleware in
                middleware.parser.request = { request, span in
                    span.tag("tenant", request.values(of: "x-tenant").first ?? "none")
                    span.tag("http.path", "hidden")
                }
                middleware.parser.response = { response, span in
                    span.tag("answer", response.status)
                    span.annotate("\(response.values(of: "content-type").first ?? "")")
                }
            } _: { url, _, collector async throws in
                _ = try await fetch("\(url)/users/7", headers: [("X-Tenant", "acme")])
                let span = try await collector.waitForSpans(1).only("get /users/{id}")
                #expect(span.tags["tenant"] == "acme" && span.tags["answer"] == "200")
                #expect(span.tags["http.path"] == "hidden")
                #expect(span.annotations.map(\.value) == ["text/plain; charset=utf-8"])
            }
        }

        @Test(arguments: [
            ([], "203.0.113.9", "127.0.0.1"),
            (["127.0.0.0/8"], "203.0.113.9", "203.0.113.9"),
            (["127.0.0.0/8", "10.0.0.0/8"], "1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ])
        func the_clients_address_is_believed_from_trusted_proxies_only(
            trusted: [String],
            forwarded: String,
            client: String
        ) async throws {
            let proxies = try TrustedProxies(trusted)
            try await serve(DivakConfiguration(serviceName: "test")) { middleware in
                middleware.trustedProxies = proxies
            } _: { url, _, collector async throws in
                _ = try await fetch("\(url)/users/7", headers: [("X-Forwarded-For", forwarded)])
                let span = try await collector.waitForSpans(1).only("get /users/{id}")
                #expect(span.remoteEndpoint?.ipv4 == client)
            }
        }

        @Test func requests_at_once_do_not_mix() async throws {
            try await serve { url, tracer, collector async throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<8 {
                        group.addTask {
                            for number in 0..<10 {
                                let id = "\(task)\(number)"
                                let b3 = String(repeating: "0", count: 14) + "\(1)\(task)-00000000000000\(number)f-1"
                                _ = try await fetch("\(url)/users/\(id)", headers: [("b3", b3)])
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let spans = try await collector.waitForSpans(80)
                #expect(spans.count == 80)
                for span in spans {
                    let id = "\(span.traceID.suffix(1))\(span.id.dropLast().suffix(1))"
                    #expect(span.tags["http.path"] == "/users/\(id)")
                }
                #expect(tracer.statistics.live == 0 && tracer.statistics.usesAfterEnd == 0)
            }
        }
    }
}
