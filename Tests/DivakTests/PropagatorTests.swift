// PropagatorTests.swift - formats of headers that a program writes itself, request ids, fields, and responses.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Foundation
import Testing

private struct Malformed: Error {}

// x-trace: <trace>:<span>:<0 or 1>
private let xTrace = DivakPropagator(
    name: "x-trace",
    headers: ["X-Trace"],
    inject: { span, isMessage, set in
        set("x-trace", "\(span.traceID):\(span.spanID):\(span.isSampled ? 1 : 0)")
        if isMessage { set("x-message", "yes") }
        set("x bad name", "left out")
        set("x-bad-value", "left\r\nout")
    },
    extract: { values in
        guard let text = values("x-trace").first else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3,
            let parent = DivakParent.remote(traceID: parts[0], spanID: parts[1], isSampled: parts[2] == "1")
        else { throw Malformed() }
        return parent
    }
)

private let trace = "80f198ee56343ba864fe8b2a57d3eff7"
private let id = "e457b5a2e4d86bd1"

private func configured(_ change: (inout DivakConfiguration) -> Void) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test")
    change(&configuration)
    return configuration
}

extension Everything {
    @Suite struct PropagatorTests {
        @Test func a_format_of_ones_own_is_read_and_written_beside_the_others() async throws {
            let configuration = configured {
                $0.propagators = [xTrace]
                $0.propagation = ["x-trace", .b3]
            }
            try await withTracer(configuration) { tracer, _ in
                let parent = tracer.extract(from: ["X-Trace": "\(trace):\(id):0"])
                #expect(parent.span?.traceID == trace && parent.span?.spanID == id)
                #expect(parent.span?.isSampled == false)
                tracer.withSpan("get", parent: tracer.extract(from: [("x-trace", "\(trace):\(id):1")])) { span in
                    #expect(span.parentID == id && span.isSampled)
                    var headers = ["X-TRACE": "old"]
                    tracer.inject(into: &headers)
                    #expect(headers["x-trace"] == "\(trace):\(span.spanID):1")
                    #expect(headers.keys.sorted() == ["b3", "x-trace"])
                    tracer.inject(isMessage: true, into: &headers)
                    #expect(headers["x-message"] == "yes")
                }
                #expect(tracer.propagationHeaders.contains("x-trace"))
                #expect(tracer.statistics.truncated == 4)
            }
        }

        @Test func what_divak_reads_itself_comes_first_and_what_is_malformed_is_counted() async throws {
            try await withTracer(configured { $0.propagators = [xTrace] }) { tracer, _ in
                let both = tracer.extract(from: ["b3": "\(trace)-\(id)-1", "x-trace": "\(trace):00000000000000aa:0"])
                #expect(both.span?.spanID == id)
                #expect(tracer.extract(from: ["x-trace": "what"]).span == nil)
                #expect(tracer.statistics.badHeaders == 1)
                let second = tracer.extract(from: ["b3": "bad", "x-trace": "\(trace):\(id):1"])
                #expect(second.span?.spanID == id)
                #expect(tracer.statistics.badHeaders == 2)
            }
        }

        @Test func a_format_alone_replaces_all_others() async throws {
            let configuration = configured {
                $0.propagators = [xTrace]
                $0.propagation = ["x-trace"]
            }
            try await withTracer(configuration) { tracer, _ in
                #expect(tracer.extract(from: ["b3": "\(trace)-\(id)-1"]).span == nil)
                tracer.withSpan("get") { span in
                    var headers: [(String, String)] = []
                    tracer.inject(into: &headers)
                    #expect(headers.map(\.0) == ["x-trace"])
                }
            }
        }

        @Test func formats_that_are_none_are_refused() {
            for propagator in [
                DivakPropagator(name: "none-of-both"),
                DivakPropagator(name: "a", headers: ["two words"], inject: { _, _, _ in }),
                DivakPropagator(name: "a", headers: ["nul\0l"], inject: { _, _, _ in }),
                DivakPropagator(name: "nul\0l", inject: { _, _, _ in }),
                DivakPropagator(name: "", inject: { _, _, _ in }),
                DivakPropagator(name: "B3", inject: { _, _, _ in }),
                DivakPropagator(name: "b3", inject: { _, _, _ in }),
                DivakPropagator(name: "a", headers: (0..<9).map { "x-\($0)" }, inject: { _, _, _ in }),
            ] {
                let registered = #expect(throws: DivakError.self) { try propagator.register() }
                #expect(registered?.code == .invalid)
                let error = #expect(throws: DivakError.self) {
                    try InMemoryCollector().makeTracer(configured { $0.propagators = [propagator] })
                }
                #expect(error?.code == .invalid)
            }
            let full = #expect(throws: DivakError.self) {
                try InMemoryCollector().makeTracer(
                    configured {
                        $0.propagators = (0..<5).map { DivakPropagator(name: "n\($0)", inject: { _, _, _ in }) }
                    }
                )
            }
            #expect(full?.code == .full)
            let twice = #expect(throws: DivakError.self) {
                try InMemoryCollector().makeTracer(configured { $0.propagators = [xTrace, xTrace] })
            }
            #expect(twice?.code == .invalid && twice?.message.contains("x-trace") == true)
        }

        @Test func a_format_that_nobody_knows_is_named_together_with_those_that_are_accepted() {
            let error = #expect(throws: DivakError.self) {
                try InMemoryCollector().makeTracer(
                    configured {
                        $0.propagators = [xTrace]
                        $0.propagation = [.b3, "x-tarce"]
                    }
                )
            }
            #expect(error?.message.contains("\"x-tarce\" is unknown: a list of b3, b3multi") == true)
            #expect(error?.message.contains("request-id, x-trace; or none") == true)
        }

        @Test func the_environment_chooses_a_format_by_name_also_a_registered_one() async throws {
            let registered = DivakPropagator(name: "from-a-library", inject: { _, _, set in set("x-library", "1") })
            try registered.register()
            let again = #expect(throws: DivakError.self) { try registered.register() }
            #expect(again?.code == .invalid)
            for (variable, expected) in [
                ("x-trace,b3", ["b3", "x-trace"]), ("b3", ["b3"]), ("from-a-library", ["x-library"]),
            ] {
                setenv("DIVAK_PROPAGATION", variable, 1)
                defer { unsetenv("DIVAK_PROPAGATION") }
                let tracer = try DivakTracer(
                    configured {
                        $0.propagators = [xTrace]
                        $0.reporters = [.none]
                    }
                )
                tracer.withSpan("get") { _ in
                    var headers: [String: String] = [:]
                    tracer.inject(into: &headers)
                    #expect(headers.keys.sorted() == expected)
                }
                try await tracer.shutdown()
            }
        }

        @Test func an_application_adds_a_format_of_its_own_to_those_that_it_has() async throws {
            final class Shop: Recorder {
                let divak = DivakApplication(configured { $0.reporters = [.none] })
            }
            let shop = Shop()
            try shop.addDivakPropagator(xTrace)
            try shop.addDivakPropagator(.b3)
            let tracer = try shop.divak.start()
            tracer.withSpan("get") { _ in
                var headers: [String: String] = [:]
                tracer.inject(into: &headers)
                #expect(headers.keys.sorted() == ["b3", "x-trace"])
            }
            try await tracer.shutdown()
        }

        @Test func a_remote_parent_by_hand_is_a_parent_and_bad_ids_are_none() async throws {
            try await withTracer { tracer, _ in
                let parent = try #require(DivakParent.remote(traceID: trace, spanID: id, isSampled: true))
                tracer.withSpan("child", parent: parent) { #expect($0.traceID == trace && $0.parentID == id) }
                let debug = try #require(
                    DivakParent.remote(traceID: id, spanID: id, parentID: "64fe8b2a57d3eff7", isDebug: true)
                )
                tracer.withSpan("server", kind: .server, parent: debug) { span in
                    #expect(span.isDebug && span.isShared && span.spanID == id && span.traceID == id)
                    #expect(span.parentID == "64fe8b2a57d3eff7")
                }
            }
            let zeros = "0000000000000000"
            for (traceID, spanID, parentID) in [
                ("", id, nil), (trace, "", nil), (trace + "0", id, nil), (zeros, id, nil), (trace, zeros, nil),
                (zeros + zeros, id, nil), (trace, id, zeros), (trace, id, "x"), (trace, "g457b5a2e4d86bd1", nil),
                (trace, "é57b5a2e4d86bd1", nil),
            ] as [(String, String, String?)] {
                #expect(DivakParent.remote(traceID: traceID, spanID: spanID, parentID: parentID) == nil)
            }
        }

        @Test func a_new_trace_can_bring_its_decision() async throws {
            try await withTracer(configured { $0.sampler = .never }) { tracer, collector in
                tracer.withSpan("kept", parent: .newTrace(isSampled: true)) { span in
                    #expect(span.isSampled && span.parentID == nil)
                }
                tracer.withSpan("not", parent: .newTrace(isSampled: false)) { #expect(!$0.isSampled) }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.map(\.name) == ["kept"])
            }
        }

        @Test func declared_fields_cross_two_hops_by_any_of_their_headers_and_local_ones_stay() async throws {
            let configuration = configured {
                $0.baggageFields = [
                    "country-code", DivakBaggageField("user", headers: ["x-user-id", "x-uid"]), .local("tenant"),
                    "x-amzn-trace-id",
                ]
            }
            try await withTracer(configuration) { tracer, _ in
                let amazon = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
                let sent = [
                    "Country-Code": "is", "x-uid": "42", "tenant": "from outside", "undeclared": "no",
                    "X-Amzn-Trace-Id": amazon,
                ]
                try tracer.withSpan("first", kind: .server, parent: tracer.extract(from: sent)) { span in
                    #expect(span.baggage("country-code") == "is" && span.baggage("user") == "42")
                    #expect(span.baggage("tenant") == nil && span.baggage("undeclared") == nil)
                    var changed = span
                    try changed.setBaggage("tenant", "local")
                    try changed.setBaggage("user", "43")
                    var headers: [String: String] = [:]
                    tracer.inject(changed, into: &headers)
                    #expect(headers["country-code"] == "is" && headers["x-user-id"] == "43")
                    #expect(headers["x-amzn-trace-id"] == amazon)
                    #expect(headers["tenant"] == nil && headers["x-uid"] == nil && headers["undeclared"] == nil)
                    tracer.withSpan("child", parent: .span(changed)) { child in
                        #expect(child.baggage("tenant") == "local")
                        var child = child
                        try? child.setBaggage("country-code", "no")
                        #expect(changed.baggage("country-code") == "is")
                    }
                    let second = tracer.extract(from: headers)
                    #expect(second.baggage("country-code") == "is" && second.baggage("user") == "43")
                }
            }
        }

        @Test func a_field_that_would_be_read_as_another_is_refused() {
            for field in [
                "", "a,b", "-local", "a=b", "a b", DivakBaggageField("a", headers: ["b|c"]),
                DivakBaggageField("a", headers: ["b", "b"]),
            ] as [DivakBaggageField] {
                let error = #expect(throws: DivakError.self) {
                    try InMemoryCollector().makeTracer(configured { $0.baggageFields = [field] })
                }
                #expect(error?.code == .invalid)
            }
        }

        @Test func a_request_id_is_copied_or_made_and_can_be_changed_for_the_response() async throws {
            let configuration = configured {
                $0.requestIDHeader = "correlation-id"
                $0.makesRequestIDs = true
            }
            try await withTracer(configuration) { tracer, _ in
                #expect(tracer.extract(from: ["Correlation-ID": "mine"]).requestID == "mine")
                let made = tracer.extract(from: [:])
                #expect(made.requestID?.utf8.count == 36)
                try tracer.withSpan("get", kind: .server, parent: made) { span in
                    func response(_ span: DivakSpan?, _ headers: DivakResponseHeaders) -> [String: String] {
                        var written: [String: String] = [:]
                        tracer.injectResponse(span, headers: headers) { written[$0] = $1 }
                        return written
                    }
                    #expect(span.requestID == made.requestID)
                    #expect(response(nil, .requestID) == ["correlation-id": made.requestID ?? ""])
                    var span = span
                    try span.setRequestID("other")
                    #expect(response(span, [.requestID, .b3]) == ["correlation-id": "other", "b3": "\(span)"])
                    #expect(response(span, .b3multi)["X-B3-SpanId"] == span.spanID)
                    do {
                        try span.setRequestID("two words")
                        Issue.record("nothing was thrown")
                    } catch {
                        #expect((error as? DivakError)?.code == .invalid)
                    }
                    try span.setRequestID(nil)
                    #expect(response(span, .requestID).isEmpty)
                }
            }
        }
    }
}
