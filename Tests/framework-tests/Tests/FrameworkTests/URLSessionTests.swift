// URLSessionTests.swift - one span and one set of headers a request, with the real session over loopback.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import DivakURLSession
import Foundation
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A handler that has the session from the import; a module that imports two kinds of client says which.
private struct Handler: HTTPClientMixin {
    typealias Transport = URLSessionTransport
}

private func writing(_ formats: DivakConfiguration.Propagation...) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    configuration.propagation = formats
    return configuration
}

extension Everything {
    @Suite struct URLSessionTests {
        @Test func data_and_upload_are_one_client_span_each() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3)) { tracer, collector async throws in
                    var request = URLRequest(url: try #require(URL(string: "\(url)/items?page=2")))
                    let caller = try await tracer.withSpan("caller") { span async throws in
                        let (_, response) = try await URLSession.shared.data(for: request, tracer: tracer)
                        #expect(response.statusCode == 200)
                        return span
                    }
                    var span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                    #expect(span.name == "get" && span.parentID == caller.spanID)
                    #expect(span.tags == ["http.method": "GET", "http.path": "/items"])
                    #expect(span.remoteEndpoint?.ipv4 == "127.0.0.1")
                    #expect(await server.traceHeaders == ["b3: \(span.traceID)-\(span.id)-1-\(caller.spanID)"])

                    try collector.removeAll()
                    request.httpMethod = "PUT"
                    let (data, _) = try await URLSession.shared.upload(
                        for: request,
                        from: Data("hello".utf8),
                        tracer: tracer,
                        remoteName: "other"
                    )
                    #expect(String(decoding: data, as: UTF8.self) == "hello")
                    span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                    #expect(span.name == "put" && span.remoteEndpoint?.serviceName == "other")
                    #expect(await server.traceHeaders == ["b3: \(span.traceID)-\(span.id)-1"])
                }
            }
        }

        @Test func the_mix_in_has_its_session_from_the_import() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer { tracer, collector async throws in
                    let request = DivakRequest(DivakHTTPRequest(method: "GET", url: "/"), tracer: tracer)
                    try await request.run { () async throws in
                        let response = try await Handler().sendRequest(
                            "\(url)/echo",
                            method: "POST",
                            headers: [("x-a", "b")],
                            body: Data("hello".utf8),
                            tags: .responseSize
                        )
                        #expect(response.status == 200 && response.data == Data("hello".utf8))
                    }
                    request.finish(DivakHTTPResponse(status: 200))
                    let span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                    #expect(span.name == "post" && span.parentID == request.span.spanID)
                    #expect(span.tags["http.response.size"] == "5")
                    #expect(await server.values(of: "x-a") == ["b"])
                }
            }
        }

        @Test func headers_that_are_there_are_replaced() async throws {
            try await HeadServer.run { server, url async throws in
                try await withTracer(writing(.b3multi, .tracecontext)) { tracer, collector async throws in
                    var request = URLRequest(url: try #require(URL(string: url)))
                    request.setValue("old", forHTTPHeaderField: "Traceparent")
                    request.setValue("1", forHTTPHeaderField: "X-B3-TRACEID")
                    request.setValue("a/b", forHTTPHeaderField: "Accept")
                    _ = try await URLSession.shared.data(for: request, tracer: tracer)
                    let span = try await collector.spans(of: tracer).only(kind: "CLIENT")
                    #expect(await server.values(of: "x-b3-traceid") == [span.traceID])
                    #expect(await server.values(of: "traceparent") == ["00-\(span.traceID)-\(span.id)-03"])
                    #expect(await server.values(of: "accept") == ["a/b"])
                }
            }
        }

        @Test func an_unsampled_trace_is_carried_on() async throws {
            var configuration = writing(.b3)
            configuration.sampleRate = 0
            try await HeadServer.run { [configuration] server, url async throws in
                try await withTracer(configuration) { tracer, collector async throws in
                    _ = try await URLSession.shared.data(
                        for: URLRequest(url: try #require(URL(string: url))),
                        tracer: tracer
                    )
                    let sent = await server.traceHeaders
                    #expect(sent.count == 1 && sent.first?.hasSuffix("-0") == true, "\(sent)")
                    #expect(try await collector.spans(of: tracer).isEmpty)
                }
            }
        }

        @Test func what_goes_wrong_is_an_error_of_the_span() async throws {
            try await HeadServer.run { _, url async throws in
                try await withTracer { tracer, collector async throws in
                    for text in ["\(url)/status/404", "http://127.0.0.1:1/"] {
                        let request = URLRequest(url: try #require(URL(string: text)))
                        _ = try? await URLSession.shared.data(for: request, tracer: tracer)
                    }
                    await #expect(throws: URLError.self) {
                        try await tracer.sendRequest(
                            DivakHTTPRequest(method: "GET", url: ""),
                            over: URLSessionTransport()
                        )
                    }
                    let spans = try await collector.spans(of: tracer)
                    #expect(spans.count == 3)
                    let answered = spans.filter { $0.tags["http.status_code"] == "404" }
                    #expect(answered.count == 1 && answered[0].error == "404")
                    #expect(spans.allSatisfy { $0.error?.isEmpty == false })
                }
            }
        }
    }
}
