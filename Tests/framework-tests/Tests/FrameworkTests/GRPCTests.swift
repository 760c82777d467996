// GRPCTests.swift - the interceptors with a real client and server over loopback.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import GRPCCore
import Testing

/// A configuration that writes these formats.
private func writing(_ formats: DivakConfiguration.Propagation...) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    configuration.propagation = formats
    return configuration
}

extension Everything {
    @Suite struct GRPCTests {
        @Test(arguments: ["unary", "client streaming", "server streaming", "bidirectional"])
        func a_call_is_one_client_and_one_server_span(kind: String) async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    try await tracer.withSpan("caller") { _ async throws in
                        switch kind {
                        case "unary": #expect(try await echo.unary("a") == "a")
                        case "client streaming": #expect(try await echo.clientStreaming(["a"]) == "a")
                        case "server streaming": #expect(try await echo.serverStreaming("a") == ["a"])
                        default: #expect(try await echo.bidirectional(["a", "b", "c"]) == ["a", "b", "c"])
                        }
                    }
                    let works = kind == "bidirectional" ? 3 : 1
                    let spans = try await collector.waitForSpans(3 + works)
                    #expect(spans.count == 3 + works)
                    let caller = try spans.only("caller")
                    let client = try spans.only(kind: "CLIENT")
                    let server = try spans.only(kind: "SERVER")
                    #expect(Set(spans.map(\.traceID)).count == 1)
                    #expect(client.parentID == caller.id)
                    #expect(server.id == client.id && server.isShared)
                    for span in spans where span.name == "work" { #expect(span.parentID == server.id) }
                    for span in [client, server] {
                        #expect(span.name == "test.echo/echo")
                        #expect(span.tags == ["rpc.service": "test.Echo", "rpc.method": "Echo"])
                        #expect(span.remoteEndpoint?.ipv4 == "127.0.0.1")
                    }
                    #expect(client.remoteEndpoint?.serviceName == "echo" && client.remoteEndpoint?.port == echo.port)
                }
            }
        }

        @Test func a_span_ends_with_the_stream_and_not_before() async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    let (go, next) = AsyncStream<Void>.makeStream()
                    let texts = try await echo.client.bidirectionalStreaming(
                        request: StreamingClientRequest { (writer: RPCWriter<String>) in
                            try await writer.write("first")
                            for await _ in go.prefix(1) {}
                            try await writer.write("second")
                        },
                        descriptor: MethodDescriptor(service: EchoService.name, method: "Echo"),
                        serializer: TextCoder(),
                        deserializer: TextCoder(),
                        options: .defaults
                    ) { response in
                        var texts: [String] = []
                        for try await text in response.messages {
                            texts.append(text)
                            // Only the span of the server's work on the first text has ended by now.
                            if text == "first" {
                                #expect(try await collector.spans(of: tracer).allSatisfy { $0.name == "work" })
                                #expect(tracer.statistics.live == 2)
                                next.yield()
                            }
                        }
                        return texts
                    }
                    #expect(texts == ["first", "second"])
                    #expect(try await collector.waitForSpans(4).count == 4)
                }
            }
        }

        @Test(arguments: [
            ("unavailable", "Echo", "UNAVAILABLE", "closed for today"),
            ("x", "Refuse", "PERMISSION_DENIED", "PERMISSION_DENIED"),
        ])
        func a_status_that_is_not_ok_is_an_error_on_both_sides(
            text: String,
            method: String,
            code: String,
            error: String
        ) async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    await #expect(throws: RPCError.self) { try await echo.unary(text, method: method) }
                    let spans = try await collector.waitForSpans(2)
                    for span in [try spans.only(kind: "CLIENT"), try spans.only(kind: "SERVER")] {
                        #expect(span.tags["rpc.error_code"] == code)
                        #expect(span.error == error)
                    }
                }
            }
        }

        @Test func an_error_without_a_status_is_unknown_and_the_server_knows_its_words() async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    await #expect(throws: RPCError.self) { try await echo.unary("crash") }
                    let spans = try await collector.waitForSpans(2)
                    #expect(try spans.only(kind: "SERVER").error == "crashed")
                    #expect(try spans.only(kind: "SERVER").tags["rpc.error_code"] == "UNKNOWN")
                    #expect(try spans.only(kind: "CLIENT").tags["rpc.error_code"] == "UNKNOWN")
                }
            }
        }

        @Test func a_method_that_nobody_serves_is_unimplemented() async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    await #expect(throws: RPCError.self) { try await echo.unary("x", method: "Nothing") }
                    let span = try await collector.waitForSpans(1).only(kind: "CLIENT")
                    #expect(span.name == "test.echo/nothing" && span.tags["rpc.error_code"] == "UNIMPLEMENTED")
                }
            }
        }

        @Test(arguments: [0, 1])
        func a_reader_that_stops_early_ends_the_span_as_cancelled(limit: Int) async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    #expect(try await echo.bidirectional(["a", "b", "c"], limit: limit).count == limit)
                    let spans = try await collector.waitForSpans(2)
                    #expect(spans.contains { $0.kind == "CLIENT" && $0.tags["rpc.error_code"] == "CANCELLED" })
                }
                // The server's end comes with the reset of the stream, at the latest with the connection's.
                let spans = try await collector.waitForSpans(3)
                #expect(spans.filter { $0.kind == "SERVER" }.count == 1)
                #expect(tracer.statistics.live == 0 && tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test func b3_goes_out_as_one_header_in_lower_case() async throws {
            try await withTracer(writing(.b3)) { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    let span = try await tracer.withSpan("caller") { span in
                        _ = try await echo.unary("a")
                        return span
                    }
                    let metadata = await echo.service.seen.metadata
                    let client = try await collector.waitForSpans(4).only(kind: "CLIENT")
                    #expect(Array(metadata[stringValues: "b3"]) == ["\(span.traceID)-\(client.id)-1-\(span.spanID)"])
                    let names = metadata.map(\.key).filter { $0.lowercased().contains("b3") || $0 == "traceparent" }
                    #expect(names == ["b3"])
                }
            }
        }

        @Test func other_formats_go_out_as_configured_and_replace_what_was_there() async throws {
            try await withTracer(writing(.b3multi, .tracecontext)) { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    _ = try await echo.unary("a", metadata: ["X-B3-TraceId": "1", "traceparent": "old"])
                    let client = try await collector.waitForSpans(3).only(kind: "CLIENT")
                    let metadata = await echo.service.seen.metadata
                    #expect(Array(metadata[stringValues: "x-b3-traceid"]) == [client.traceID])
                    #expect(Array(metadata[stringValues: "traceparent"]) == ["00-\(client.traceID)-\(client.id)-03"])
                    #expect(metadata.allSatisfy { $0.key == $0.key.lowercased() })
                }
            }
        }

        @Test func an_unsampled_trace_goes_on_unsampled() async throws {
            var configuration = writing(.b3)
            configuration.sampleRate = 0
            try await withTracer(configuration) { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    #expect(try await echo.unary("a") == "a")
                    let sent = await echo.service.seen.metadata[stringValues: "b3"].first { _ in true }
                    #expect(sent?.contains("-0") == true)
                    #expect(try await collector.spans(of: tracer).isEmpty)
                }
            }
        }

        @Test func a_server_without_a_callers_ids_begins_a_trace() async throws {
            try await withTracer { tracer, collector in
                try await Echo.run(tracer) { echo async throws in
                    // A client of its own, that nobody traces.
                    try await Echo.untraced(port: echo.port) { unary async throws in
                        #expect(try await unary("a") == "a")
                    }
                    let server = try await collector.waitForSpans(2).only(kind: "SERVER")
                    #expect(server.parentID == nil && !server.isShared)
                }
            }
        }
    }
}
