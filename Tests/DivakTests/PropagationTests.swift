// PropagationTests.swift - traces that go out in headers and come back.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing
import Tracing

extension Everything {
    @Suite struct PropagationTests {
        @Test func a_list_of_headers_carries_a_span_to_a_server_that_joins_it() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("call", kind: .client) { client in
                    var headers = [("Host", "example.org")]
                    tracer.inject(into: &headers)
                    #expect(headers.first?.1 == "example.org")
                    #expect(headers.count > 1)
                    let parent = tracer.extract(from: headers)
                    #expect(parent.span?.isRemote == true)
                    #expect(parent.span?.spanID == client.spanID)
                    tracer.withSpan("answer", kind: .server, parent: parent) { server in
                        #expect(server.traceID == client.traceID)
                        #expect(server.spanID == client.spanID)
                        #expect(server.isShared)
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("answer").isShared)
                #expect(try !spans.only("call").isShared)
            }
        }

        @Test func a_server_that_does_not_join_is_a_child() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.joinsClientSpans = false
            try await withTracer(configuration) { tracer, _ in
                let client = tracer.startSpan("call", kind: .client)
                var headers: [String: String] = [:]
                tracer.inject(client, into: &headers)
                tracer.withSpan("answer", kind: .server, parent: tracer.extract(from: headers)) { server in
                    #expect(server.parentID == client.spanID)
                    #expect(server.spanID != client.spanID)
                }
                client.finish()
            }
        }

        @Test func closures_carry_the_same_as_lists_and_are_asked_for_each_name() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("call")
                var carrier: [String: [String]] = [:]
                tracer.inject(span) { name, value in carrier[name.lowercased(), default: []].append(value) }
                #expect(carrier["x-b3-traceid"] == [span.traceID])
                #expect(carrier["x-b3-sampled"] == ["1"])
                #expect(carrier["traceparent"]?.first?.hasPrefix("00-\(span.traceID)-\(span.spanID)-") == true)
                let parent = tracer.extract { name in carrier[name] ?? [] }
                #expect(parent.span?.traceID == span.traceID)
                #expect(parent.span?.spanID == span.spanID)
                span.finish()
            }
        }

        @Test func injecting_replaces_what_was_there_in_any_case_of_letters() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3]
            try await withTracer(configuration) { tracer, _ in
                let span = tracer.startSpan("call")
                var list = [("B3", "0"), ("accept", "*/*"), ("b3", "1")]
                tracer.inject(span, into: &list)
                #expect(list.filter { $0.0.lowercased() == "b3" }.map(\.1) == ["\(span)"])
                var dictionary = ["B3": "0", "accept": "*/*"]
                tracer.inject(span, into: &dictionary)
                #expect(dictionary == ["b3": "\(span)", "accept": "*/*"])
                span.finish()
            }
        }

        @Test func injecting_into_a_dictionary_replaces_all_spellings_of_a_name() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3multi]
            try await withTracer(configuration) { tracer, _ in
                tracer.withSpan("call") { span in
                    var headers = ["X-B3-TRACEID": "0", "x-b3-traceid": "1", "X-b3-TraceId": "2"]
                    tracer.inject(into: &headers)
                    #expect(
                        headers == ["X-B3-TraceId": span.traceID, "X-B3-SpanId": span.spanID, "X-B3-Sampled": "1"]
                    )
                }
            }
        }

        @Test func an_unsampled_span_still_carries_its_ids_and_its_decision() async throws {
            try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: 0)) { tracer, _ in
                tracer.withSpan("call") { span in
                    var headers: [String: String] = [:]
                    tracer.inject(into: &headers)
                    let parent = tracer.extract(from: headers)
                    #expect(parent.span?.traceID == span.traceID)
                    #expect(parent.span?.isSampled == false)
                }
            }
        }

        @Test func without_headers_a_server_begins_a_new_trace_whatever_is_current() async throws {
            try await withTracer { tracer, _ in
                tracer.withSpan("unrelated") { unrelated in
                    let parent = tracer.extract(from: [("accept", "*/*")])
                    #expect(parent.span == nil)
                    tracer.withSpan("answer", kind: .server, parent: parent) { server in
                        #expect(server.traceID != unrelated.traceID)
                        #expect(server.parentID == nil)
                    }
                }
            }
        }

        @Test(arguments: [
            "x", "", "80f198ee56343ba864fe8b2a57d3eff7", "80F198EE56343BA8-E457B5A2E4D86BD1-1", "-", "0-0-1",
        ])
        func a_malformed_header_is_as_if_it_were_absent_and_is_counted(value: String) async throws {
            try await withTracer { tracer, _ in
                #expect(tracer.extract(from: ["b3": value]).span == nil)
                #expect(tracer.statistics.badHeaders == 1)
            }
        }

        @Test func with_nothing_current_nothing_is_written() async throws {
            try await withTracer { tracer, _ in
                var headers: [String: String] = [:]
                tracer.inject(into: &headers)
                #expect(headers.isEmpty)
            }
        }

        @Test func baggage_travels_to_children_and_over_the_wire() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.baggageFields = ["country-code"]
            try await withTracer(configuration) { tracer, _ in
                try tracer.withSpan("call") { span in
                    var span = span
                    #expect(span.baggage("country-code") == nil)
                    let long = String(repeating: "is", count: 100)
                    try span.setBaggage("country-code", long)
                    #expect(span.baggage("country-code") == long)
                    span.withCurrent {
                        tracer.withSpan("child") { #expect($0.baggage("country-code") == long) }
                        var headers: [(String, String)] = []
                        tracer.inject(into: &headers)
                        let parent = tracer.extract(from: headers)
                        #expect(parent.baggage("country-code") == long)
                        tracer.withSpan("answer", kind: .server, parent: parent) {
                            #expect($0.baggage("country-code") == long)
                        }
                    }
                }
            }
        }

        @Test func what_a_span_was_made_current_with_is_current_and_goes_out() async throws {
            var configuration = DivakConfiguration(serviceName: "test", sampleRate: 0)
            configuration.baggageFields = ["country-code"]
            configuration.allowsLateDecisions = true
            configuration.propagation = [.b3]
            try await withTracer(configuration) { tracer, collector in
                // Started by hand, so that all its copies share an object, which knows the span as it began.
                var span = tracer.startSpan("call")
                try span.setBaggage("country-code", "is")
                let isSampled = span.setSampled(true)
                #expect(isSampled)
                func expectWhole(_ place: Comment) {
                    #expect(DivakSpan.current?.baggage("country-code") == "is", place)
                    #expect(DivakSpan.current?.isSampled == true, place)
                    #expect(DivakSpan.current == span, place)
                    var headers: [String: String] = [:]
                    tracer.inject(into: &headers)
                    #expect(headers == ["b3": "\(span)", "country-code": "is"], place)
                    DivakSpan.current?.attributes["in"] = "\(place)"
                    #expect(span.attributes["in"]?.toSpanAttribute() == .string("\(place)"), place)
                }
                span.withCurrent { expectWhole("scope") }
                await span.withCurrent {
                    await Task.yield()
                    expectWhole("task")
                }
                ServiceContext.$current.withValue(span.context) {
                    expectWhole("context")
                    let inner = DivakSpan.current?.context
                    ServiceContext.$current.withValue(inner) { expectWhole("context of a context") }
                    tracer.withSpan("child") { #expect($0.baggage("country-code") == "is" && $0.isSampled) }
                }
                span.finish()
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("call").tags == ["in": "context of a context"])
                #expect(try spans.only("child").parentID == span.spanID)
            }
        }

        @Test func the_span_of_a_callers_headers_keeps_its_baggage_without_them() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.baggageFields = ["country-code"]
            configuration.propagation = [.b3]
            try await withTracer(configuration) { tracer, _ in
                let headers = ["b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1", "country-code": "nl"]
                let caller = try #require(tracer.extract(from: headers).span)
                #expect(caller.baggage("country-code") == "nl")
                let parent = try DivakParent.span(#require(tracer.extract(from: headers).span))
                #expect(parent.baggage("country-code") == "nl")
                tracer.withSpan("answer", parent: parent) { #expect($0.baggage("country-code") == "nl") }
                caller.withCurrent {
                    #expect(DivakSpan.current?.baggage("country-code") == "nl")
                    var written: [String: String] = [:]
                    tracer.inject(into: &written)
                    #expect(written == headers)
                }
                // What holds it lets go of it: there is room for 4,096.
                for _ in 0..<5000 { _ = tracer.extract(from: headers).span?.baggage("country-code") }
                #expect(tracer.statistics.droppedBaggage == 0)
            }
        }

        @Test func undeclared_baggage_is_refused_by_name() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3]
            try await withTracer(configuration) { tracer, _ in
                var span = tracer.startSpan("call")
                let error = #expect(throws: DivakError.self) { try span.setBaggage("undeclared", "value") }
                #expect(error?.code == .invalid)
                #expect(error?.message.contains("undeclared") == true)
                span.finish()
            }
        }
    }
}
