// AsyncHTTPClientTests.swift - one span and one set of headers a request, with the real client over loopback.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Divak
import DivakAsyncHTTPClient
import DivakTesting
import NIOCore
import NIOHTTP1
import Testing

/// The ways to send a request.
enum Path: String, CaseIterable, Sendable {
    case mixIn, async, future

    func get(
        _ url: String,
        _ client: HTTPClient,
        _ tracer: DivakTracer,
        headers: [(String, String)] = []
    ) async throws -> Int {
        switch self {
        case .mixIn:
            let transport = AsyncHTTPClientTransport(client)
            let request = DivakHTTPRequest(method: "GET", url: url, headers: headers)
            let response = try await tracer.sendRequest(request, over: transport, remoteName: "other")
            _ = try await response.body.collect(upTo: 1 << 20)
            return Int(response.status.code)
        case .async:
            var request = HTTPClientRequest(url: url)
            request.headers = HTTPHeaders(headers)
            let response = try await client.sendRequest(request, tracer: tracer, remoteName: "other")
            _ = try await response.body.collect(upTo: 1 << 20)
            return Int(response.status.code)
        case .future:
            let request = try HTTPClient.Request(url: url, headers: HTTPHeaders(headers))
            return Int(try await client.sendRequest(request, tracer: tracer, remoteName: "other").get().status.code)
        }
    }
}

/// A handler that has the client from the import; a module that imports two kinds of client says which.
private struct Handler: HTTPClientMixin {
    typealias Transport = AsyncHTTPClientTransport
}

private func writing(_ formats: DivakConfiguration.Propagation...) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    configuration.propagation = formats
    return configuration
}

extension Everything {
    @Suite struct AsyncHTTPClientTests {
        @Test(arguments: Path.allCases)
        func a_request_is_one_client_span_under_the_current_one(path: Path) async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3)) { tracer, collector async throws in
                    try await withClient { client async throws in
                        let caller = try await tracer.withSpan("caller") { span async throws in
                            #expect(try await path.get("\(url)/items?page=2", client, tracer) == 200)
                            return span
                        }
                        let spans = try await collector.spans(of: tracer)
                        #expect(spans.count == 2)
                        let span = try spans.only(kind: "CLIENT")
                        #expect(span.name == "get" && span.parentID == caller.spanID)
                        #expect(span.tags == ["http.method": "GET", "http.path": "/items"])
                        #expect(span.remoteEndpoint?.serviceName == "other")
                        #expect(span.remoteEndpoint?.ipv4 == "127.0.0.1")
                        #expect(await server.traceHeaders == ["b3: \(span.traceID)-\(span.id)-1-\(caller.spanID)"])
                    }
                }
            }
        }

        @Test(arguments: Path.allCases)
        func headers_that_are_there_are_replaced_whatever_their_case(path: Path) async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3multi, .tracecontext)) { tracer, collector async throws in
                    try await withClient { client async throws in
                        let old = [
                            ("TraceParent", "old"), ("x-b3-traceid", "1"), ("X-B3-TRACEID", "2"), ("accept", "a/b"),
                        ]
                        _ = try await path.get(url, client, tracer, headers: old)
                        let span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                        #expect(await server.values(of: "x-b3-traceid") == [span.traceID])
                        #expect(await server.values(of: "x-b3-spanid") == [span.id])
                        #expect(await server.values(of: "traceparent") == ["00-\(span.traceID)-\(span.id)-03"])
                        #expect(await server.values(of: "accept") == ["a/b"])
                    }
                }
            }
        }

        @Test(arguments: Path.allCases)
        func an_unsampled_trace_is_carried_on(path: Path) async throws {
            var configuration = writing(.b3)
            configuration.sampleRate = 0
            try await HeadServer.run { [configuration] server, url async throws in
                try await withTracer(configuration) { tracer, collector async throws in
                    try await withClient { client async throws in
                        try await tracer.withSpan("caller") { span async throws in
                            _ = try await path.get(url, client, tracer)
                            let sent = await server.traceHeaders
                            #expect(sent.count == 1)
                            #expect(sent.first?.hasPrefix("b3: \(span.traceID)-") == true, "\(sent)")
                            #expect(sent.first?.split(separator: "-").dropFirst(2).first == "0", "\(sent)")
                        }
                        #expect(try await collector.spans(of: tracer).isEmpty)
                    }
                }
            }
        }

        @Test(arguments: Path.allCases)
        func what_goes_wrong_is_an_error_of_the_span(path: Path) async throws {
            try await HeadServer.run { _, url async throws in
                try await withTracer { tracer, collector async throws in
                    try await withClient { client async throws in
                        #expect(try await path.get("\(url)/status/503", client, tracer) == 503)
                        await #expect(throws: (any Error).self) {
                            try await path.get("http://127.0.0.1:1/", client, tracer)
                        }
                        let spans = try await collector.spans(of: tracer)
                        #expect(spans.count == 2)
                        let answered = try #require(spans.first { $0.tags["http.status_code"] != nil })
                        #expect(answered.tags["http.status_code"] == "503" && answered.error == "503")
                        let refused = try #require(spans.first { $0.tags["http.status_code"] == nil })
                        #expect(refused.error?.isEmpty == false && refused.remoteEndpoint?.port == 1)
                    }
                }
            }
        }

        @Test(arguments: Path.allCases)
        func a_redirect_is_followed_within_one_span(path: Path) async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3)) { tracer, collector async throws in
                    try await withClient { client async throws in
                        #expect(try await path.get("\(url)/redirect", client, tracer) == 200)
                        let span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                        #expect(await server.heads.map(\.path) == ["/redirect", "/target"])
                        #expect(await server.traceHeaders == ["b3: \(span.traceID)-\(span.id)-1"])
                    }
                }
            }
        }

        @Test func the_mix_in_has_its_client_from_the_import() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer { tracer, collector async throws in
                    let request = DivakRequest(DivakHTTPRequest(method: "GET", url: "/"), tracer: tracer)
                    try await request.run { () async throws in
                        let response = try await Handler().sendRequest(
                            "\(url)/echo",
                            method: "PUT",
                            headers: [("x-a", "b")],
                            body: .bytes(ByteBuffer(string: "hello")),
                            tags: [.responseSize, .reason]
                        )
                        #expect(String(buffer: try await response.body.collect(upTo: 100)) == "hello")
                    }
                    request.finish(DivakHTTPResponse(status: 200))
                    let spans = try await collector.spans(of: tracer)
                    let span = try spans.only(kind: "CLIENT")
                    #expect(span.name == "put" && span.parentID == request.span.spanID)
                    #expect(span.tags["http.response.size"] == "5" && span.tags["http.reason"] == "OK")
                    #expect(await server.values(of: "x-a") == ["b"])
                }
            }
        }

        @Test func a_callback_names_its_parent() async throws {
            try await HeadServer.run { _, url async throws in
                try await withTracer { tracer, collector async throws in
                    try await withClient { client async throws in
                        let root = tracer.startSpan("root")
                        let request = try HTTPClient.Request(url: url)
                        let second = client.sendRequest(request, tracer: tracer, parent: .span(root)).flatMap { _ in
                            client.sendRequest(request, tracer: tracer, parent: .span(root))
                        }
                        _ = try await second.get()
                        root.finish()
                        let spans = try await collector.spans(of: tracer).filter { $0.kind == "CLIENT" }
                        #expect(spans.count == 2 && spans.allSatisfy { $0.parentID == root.spanID })
                    }
                }
            }
        }

        @Test func phases_are_noted_when_asked_for() async throws {
            try await HeadServer.run { _, url async throws in
                try await withTracer { tracer, collector async throws in
                    try await withClient { client async throws in
                        let request = try HTTPClient.Request(url: url, method: .PUT, body: .string("hello"))
                        let response = try await client.sendRequest(request, tracer: tracer, phases: true).get()
                        #expect(response.body.map { String(buffer: $0) } == "hello")
                        let span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                        let phases = ["request head sent", "request sent", "response head received"]
                        #expect(span.annotations.map(\.value) == phases)
                        let times = span.annotations.map(\.timestamp)
                        #expect(times == times.sorted() && (times.first ?? 0) >= (span.timestamp ?? .max))
                    }
                }
            }
        }
    }
}
