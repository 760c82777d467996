// DistributedTracingTests.swift - frameworks that trace by themselves, with Divak as their tracer.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Divak
import DivakAsyncHTTPClient
import DivakTesting
import Hummingbird
import Testing
import Tracing

private func writing(_ formats: DivakConfiguration.Propagation...) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    configuration.propagation = formats
    return configuration
}

extension Everything {
    @Suite struct DistributedTracingTests {
        @Test func hummingbirds_own_middleware_works_as_it_is() async throws {
            try await withTracer { tracer, collector async throws in
                try await Tracing.withTracer(tracer) { () async throws in
                    let router = Router()
                    router.add(middleware: TracingMiddleware())
                    router.get("/users/{id}") { _, context in
                        // The native interface finds the span that the framework made.
                        tracer.withSpan("work") { _ in }
                        #expect(DivakSpan.current != nil)
                        return context.parameters.get("id") ?? ""
                    }
                    try await withServer(router) { port async throws in
                        let url = "http://127.0.0.1:\(port)"
                        let b3 = ("b3", "00000000000000aa-00000000000000bb-1")
                        #expect(try await fetch("\(url)/users/7", headers: [b3]).body == "7")
                        #expect(try await fetch("\(url)/nobody").status == 404)
                    }
                }
                let spans = try await collector.waitForSpans(3)
                #expect(spans.count == 3)
                let found = try spans.only("/users/{id}")
                #expect(found.kind == "SERVER" && found.traceID.hasSuffix("00000000000000aa"))
                #expect(found.id == "00000000000000bb" && found.isShared)
                #expect(found.tags["http.method"] == "GET" && found.tags["http.path"] == "/users/7")
                #expect(try spans.only("work").parentID == found.id)
                let lost = try #require(spans.first { $0.kind == "SERVER" && $0.id != found.id })
                #expect(lost.tags["http.status_code"] == "404")
                #expect(tracer.statistics.live == 0 && tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test(arguments: [Path.mixIn, .async])
        func a_client_that_traces_itself_makes_no_second_span_and_no_second_header(path: Path) async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3multi, .tracecontext)) { tracer, collector async throws in
                    let configure: (inout HTTPClient.Configuration) -> Void = { $0.tracing.tracer = tracer }
                    try await withClient(configure) { client async throws in
                        let old = [("TraceParent", "old"), ("X-B3-TRACEID", "1"), ("accept", "a/b")]
                        let caller = try await tracer.withSpan("caller") { span async throws in
                            #expect(try await path.get("\(url)/items", client, tracer, headers: old) == 200)
                            return span
                        }
                        let spans = try await collector.spans(of: tracer)
                        #expect(spans.count == 2)
                        let span = try spans.only(kind: "CLIENT")
                        #expect(span.parentID == caller.spanID && span.traceID == caller.traceID)
                        #expect(await server.values(of: "x-b3-traceid") == [span.traceID])
                        #expect(await server.values(of: "x-b3-spanid") == [span.id])
                        #expect(await server.values(of: "traceparent") == ["00-\(span.traceID)-\(span.id)-03"])
                        #expect(await server.values(of: "accept") == ["a/b"])
                    }
                }
            }
        }

        @Test func on_its_future_path_such_a_client_carries_nothing_on_by_itself() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3)) { tracer, collector async throws in
                    let configure: (inout HTTPClient.Configuration) -> Void = { $0.tracing.tracer = tracer }
                    try await withClient(configure) { client async throws in
                        let request = try HTTPClient.Request(url: "\(url)/items")
                        _ = try await client.execute(request: request).get()
                        #expect(try await collector.spans(of: tracer).map(\.kind) == ["CLIENT"])
                        #expect(await server.traceHeaders.isEmpty)
                    }
                }
            }
        }

        @Test func there_the_other_side_continues_the_span_of_send_request() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3)) { tracer, collector async throws in
                    let configure: (inout HTTPClient.Configuration) -> Void = { $0.tracing.tracer = tracer }
                    try await withClient(configure) { client async throws in
                        let request = try HTTPClient.Request(url: "\(url)/items")
                        _ = try await client.sendRequest(request, tracer: tracer, remoteName: "other").get()
                        let spans = try await collector.spans(of: tracer)
                        #expect(spans.count == 2 && spans.allSatisfy { $0.kind == "CLIENT" })
                        let own = try #require(spans.first { $0.remoteEndpoint?.serviceName == "other" })
                        #expect(await server.traceHeaders == ["b3: \(own.traceID)-\(own.id)-1"])
                    }
                }
            }
        }
    }
}
