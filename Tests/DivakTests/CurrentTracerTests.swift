// CurrentTracerTests.swift - the tracer of the process, calls of a program to itself, and traces sampled again.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

extension Everything {
    @Suite struct CurrentTracerTests {
        @Test func the_current_tracer_is_the_live_one_and_none_after_its_shutdown() async throws {
            #expect(DivakTracer.current == nil)
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer(DivakConfiguration(serviceName: "test"))
            try #require(DivakTracer.current).withSpan("by the current one") { _ in }
            let spans = try await collector.spans(of: tracer)
            #expect(spans.map(\.name) == ["by the current one"])
            try await tracer.shutdown()
            #expect(DivakTracer.current == nil)
        }

        @Test func the_two_halves_of_a_call_to_oneself_are_kept_apart_and_one_is_shared() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("get", kind: .client) { client in
                    client.tag("half", "client")
                    var headers: [String: String] = [:]
                    tracer.inject(into: &headers)
                    tracer.withSpan("get /", kind: .server, parent: tracer.extract(from: headers)) { server in
                        #expect(server.spanID == client.spanID && server.isShared && !client.isShared)
                        server.tag("half", "server")
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == 2 && Set(spans.map(\.id)).count == 1)
                let server = try spans.only("get /"), client = try spans.only("get")
                #expect(server.tags == ["half": "server"] && server.isShared)
                #expect(client.tags == ["half": "client"] && !client.isShared)
            }
        }

        @Test(arguments: [nil, "false", "true"])
        func what_upstream_did_not_sample_is_sampled_again_only_when_asked_for(resample: String?) async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.settings["resample"] = resample
            try await withTracer(configuration) { tracer, collector in
                let trace = "80f198ee56343ba864fe8b2a57d3eff7"
                let parent = tracer.extract(from: ["b3": "\(trace)-e457b5a2e4d86bd1-0"])
                tracer.withSpan("get", kind: .server, parent: parent) { span in
                    #expect(span.traceID == trace && span.isSampled == (resample == "true"))
                }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == (resample == "true" ? 1 : 0))
            }
        }
    }
}
