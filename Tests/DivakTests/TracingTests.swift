// TracingTests.swift - the tracer behind the interface of swift-distributed-tracing.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Divak
import DivakTesting
import Foundation
import Testing
import Tracing

private struct Named: CustomStringConvertible, Sendable {
    let description: String
}

private struct Plain: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

private enum RequestKey: ServiceContextKey {
    typealias Value = String
}

private enum UserKey: ServiceContextKey {
    typealias Value = Int
}

private enum TenantKey: ServiceContextKey {
    typealias Value = Named
}

extension Everything {
    @Suite struct TracingTests {
        // MARK: - Call sites

        @Test func both_interfaces_are_called_without_ambiguity_and_the_short_one_is_native() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("native") { span in span.tag("key", "value") }
                let number = tracer.withSpan("native value") { _ in 7 }
                #expect(number == 7)
                #expect(throws: Spilled(liters: 1)) {
                    try tracer.withSpan("native throws") { _ in throw Spilled(liters: 1) }
                }
                do throws(Spilled) {
                    try tracer.withSpan("native typed") { _ throws(Spilled) in throw Spilled(liters: 2) }
                } catch {
                    #expect(error.liters == 2)
                }
                await tracer.withSpan("native async") { span in
                    await Task.yield()
                    span.tag("key", 1)
                }
                do throws(Spilled) {
                    try await tracer.withSpan("native async typed") { _ async throws(Spilled) in
                        await Task.yield()
                        throw Spilled(liters: 3)
                    }
                } catch {
                    #expect(error.liters == 3)
                }
                let span = tracer.startSpan("native by hand")
                span.finish()
                // Neither made a context: the native path alone was taken.
                tracer.withSpan("native path") { _ in #expect(ServiceContext.current == nil) }
                tracer.withSpan("by the interface", ofKind: .client) { _ in #expect(ServiceContext.current != nil) }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == 9)
            }
        }

        @Test func generic_and_existential_callers_work_as_do_the_global_functions() async throws {
            func request(_ tracer: any Tracer) async {
                await tracer.withAnySpan("existential", ofKind: .client) { span in
                    span.attributes["number"] = 5
                    await Task.yield()
                }
            }
            func generic<T: Tracer>(_ tracer: T) {
                tracer.withSpan("generic") { span in span.attributes["number"] = 6 }
            }
            try await withTracer { tracer, collector in
                await request(tracer)
                generic(tracer)
                Tracing.withTracer(tracer) {
                    Tracing.withSpan("global") { span in
                        span.attributes["number"] = 7
                        Tracing.withSpan("global child") { _ in }
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("existential").tags["number"] == "5")
                #expect(try spans.only("existential").kind == "CLIENT")
                #expect(try spans.only("generic").tags["number"] == "6")
                #expect(try spans.only("global").tags["number"] == "7")
                #expect(try spans.only("global child").parentID == spans.only("global").id)
            }
        }

        // MARK: - Spans

        @Test(arguments: [
            (SpanKind.internal, String?.none), (.client, "CLIENT"), (.server, "SERVER"), (.producer, "PRODUCER"),
            (.consumer, "CONSUMER"),
        ])
        func kinds_are_zipkins(kind: SpanKind, text: String?) async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("op", ofKind: kind) { _ in }
                let kind = try await collector.spans(of: tracer).only("op").kind
                #expect(kind == text)
            }
        }

        @Test func attributes_of_every_type_become_tags_and_are_read_back() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("op", ofKind: .internal) { span in
                    span.attributes["text"] = "a"
                    span.attributes["int"] = -5
                    span.attributes["int32"] = Int32(7)
                    span.attributes["double"] = 0.5
                    span.attributes["bool"] = true
                    span.attributes["texts"] = ["a", "b"]
                    span.attributes["numbers"] = [1, 2]
                    span.attributes["bools"] = [true, false]
                    span.attributes["named"] = SpanAttribute.stringConvertible(Named(description: "n"))
                    span.attributes["nameds"] = SpanAttribute.stringConvertibleArray([Named(description: "n"), 1])
                    span.attributes["gone"] = "x"
                    span.attributes["gone"] = String?.none
                    span.attributes["twice"] = 1
                    span.attributes["twice"] = 2
                    span.updateAttributes { $0["updated"] = $0["twice"] }
                    #expect(span.attributes.get("int") == .int64(-5))
                    #expect(span.attributes.count == 12)
                }
                let tags = try await collector.spans(of: tracer).only("op").tags
                #expect(
                    tags == [
                        "text": "a", "int": "-5", "int32": "7", "double": "0.5", "bool": "true", "texts": "a,b",
                        "numbers": "1,2", "bools": "true,false", "named": "n", "nameds": "n,1", "twice": "2",
                        "updated": "2",
                    ]
                )
            }
        }

        @Test func tasks_that_set_different_attributes_at_once_lose_none() async throws {
            try await withTracer { tracer, collector in
                await tracer.withSpan("op", ofKind: .internal) { span in
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<30 {
                            group.addTask {
                                for _ in 0..<20 { span.attributes["key\(number)"] = number }
                            }
                        }
                    }
                }
                let tags = try await collector.spans(of: tracer).only("op").tags
                #expect(tags == Dictionary(uniqueKeysWithValues: (0..<30).map { ("key\($0)", "\($0)") }))
            }
        }

        @Test func whoever_looks_from_another_thread_sees_a_change_of_attributes_whole() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("op", ofKind: .internal)
                let (isInside, hasLooked) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
                startThread {
                    span.updateAttributes { attributes in
                        attributes["one"] = 1
                        isInside.signal()
                        Thread.sleep(forTimeInterval: 0.05)
                        attributes["two"] = 2
                    }
                    hasLooked.signal()
                }
                await onThread {
                    isInside.wait()
                    #expect(span.attributes.count == 2)
                    hasLooked.wait()
                }
                span.end()
            }
        }

        @Test func changing_attributes_waits_for_nobody_who_changes_those_of_other_spans() async throws {
            try await withTracer { tracer, _ in
                // So many that whatever is shared between spans is shared between these two lists.
                let lists = (0..<2).map { _ in (0..<600).map { _ in tracer.startSpan("op", ofKind: .internal) } }
                let (isInside, isThrough) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
                let mayGoOn = DispatchSemaphore(value: 0)
                for list in lists {
                    startThread {
                        list[0].updateAttributes { _ in
                            isInside.signal()
                            mayGoOn.wait()
                            for span in list.dropFirst() { span.attributes["key"] = 1 }
                        }
                        isThrough.signal()
                    }
                }
                let areThrough = await withCheckedContinuation { done in
                    startThread {
                        for _ in lists where isInside.wait(timeout: .now() + 20) == .timedOut {
                            return done.resume(returning: false)
                        }
                        for _ in lists { mayGoOn.signal() }
                        for _ in lists where isThrough.wait(timeout: .now() + 20) == .timedOut {
                            return done.resume(returning: false)
                        }
                        done.resume(returning: true)
                    }
                }
                #expect(areThrough)
                for span in lists.joined() where areThrough { span.end() }
            }
        }

        @Test func attributes_on_a_native_span_are_tags_too() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("native") { span in
                    span.attributes["http.request.method"] = "GET"
                    span.attributes = ["other": 1]
                }
                let tags = try await collector.spans(of: tracer).only("native").tags
                #expect(tags == ["http.request.method": "GET", "http.method": "GET", "other": "1"])
            }
        }

        @Test func attributes_of_a_native_span_that_is_current_by_its_context_are_kept() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("native") { span in
                    ServiceContext.$current.withValue(span.context) {
                        DivakSpan.current?.attributes["one"] = 1
                        DivakSpan.current?.updateAttributes { $0["two"] = 2 }
                    }
                }
                let tags = try await collector.spans(of: tracer).only("native").tags
                #expect(tags == ["one": "1", "two": "2"])
            }
        }

        @Test func attributes_changed_from_inside_of_a_change_are_whole() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("op", ofKind: .internal) { span in
                    span.attributes["first"] = 1
                    span.updateAttributes { attributes in
                        #expect(span.attributes.isEmpty)
                        attributes["second"] = span.isRecording
                    }
                    #expect(span.attributes.count == 2)
                }
                let tags = try await collector.spans(of: tracer).only("op").tags
                #expect(tags == ["first": "1", "second": "true"])
            }
        }

        @Test(arguments: 0...3)
        func the_parent_is_found_in_a_context_among_any_number_of_other_values(others: Int) async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("outer", ofKind: .internal) { outer in
                    var context = outer.context
                    if others > 0 { context[RequestKey.self] = "r" }
                    if others > 1 { context[UserKey.self] = 7 }
                    if others > 2 { context[TenantKey.self] = Named(description: "t") }
                    tracer.startSpan("given", context: context, ofKind: .internal).end()
                    ServiceContext.$current.withValue(context) { tracer.withSpan("bound") { _ in } }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("given").parentID == spans.only("outer").id)
                #expect(try spans.only("bound").parentID == spans.only("outer").id)
            }
        }

        @Test func the_names_of_opentelemetry_also_give_zipkins() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("ok", ofKind: .server) { span in
                    span.attributes["http.request.method"] = "GET"
                    span.attributes["url.path"] = "/users/42"
                    span.attributes["http.response.status_code"] = 200
                    span.attributes["net.sock.peer.addr"] = "192.0.2.9"
                    span.attributes["net.sock.peer.port"] = 4711
                }
                tracer.withSpan("missing", ofKind: .server) { span in
                    span.attributes["http.target"] = "/users/43?debug=1"
                    span.attributes["http.response.status_code"] = 404
                    span.attributes["client.address"] = "2001:db8::7"
                    span.attributes["network.peer.address"] = "192.0.2.1"
                    span.attributes["network.peer.port"] = 80
                }
                tracer.withSpan("moved", ofKind: .client) { span in
                    span.attributes["http.status_code"] = 302
                    span.attributes["server.address"] = "users.example.org"
                    span.attributes["server.port"] = 8080
                }
                tracer.withSpan("refused", ofKind: .client) { span in
                    span.attributes["error.type"] = "ECONNREFUSED"
                    span.attributes["peer.service"] = "users"
                    span.attributes["server.address"] = "192.0.2.5"
                    span.attributes["server.port"] = 8080
                    span.setStatus(SpanStatus(code: .error))
                }
                let spans = try await collector.spans(of: tracer)
                let ok = try spans.only("ok")
                #expect(ok.tags["http.method"] == "GET")
                #expect(ok.tags["http.path"] == "/users/42")
                #expect(ok.tags["http.status_code"] == nil)
                #expect(ok.error == nil)
                #expect(ok.remoteEndpoint?.ipv4 == "192.0.2.9")
                #expect(ok.remoteEndpoint?.port == 4711)
                let missing = try spans.only("missing")
                #expect(missing.tags["http.path"] == "/users/43")
                #expect(missing.tags["http.status_code"] == "404")
                #expect(missing.error == "404")
                #expect(missing.remoteEndpoint?.ipv6 == "2001:db8::7")
                #expect(missing.remoteEndpoint?.ipv4 == nil)
                let moved = try spans.only("moved")
                #expect(moved.tags["http.status_code"] == "302")
                #expect(moved.error == nil)
                #expect(moved.remoteEndpoint?.serviceName == "users.example.org")
                #expect(moved.remoteEndpoint?.port == 8080)
                let refused = try spans.only("refused")
                #expect(refused.error == "ECONNREFUSED")
                #expect(refused.remoteEndpoint?.serviceName == "users")
                #expect(refused.remoteEndpoint?.ipv4 == "192.0.2.5")
                #expect(refused.remoteEndpoint?.port == 8080)
            }
        }

        @Test func errors_and_status_mark_the_span_and_the_first_words_stay() async throws {
            try await withTracer { tracer, collector in
                #expect(throws: Spilled(liters: 1)) {
                    try tracer.withSpan("thrown", ofKind: .internal) { _ in throw Spilled(liters: 1) }
                }
                tracer.withSpan("status", ofKind: .internal) { $0.setStatus(SpanStatus(code: .error, message: "bad")) }
                tracer.withSpan("wordless", ofKind: .internal) { $0.setStatus(SpanStatus(code: .error)) }
                tracer.withSpan("fine", ofKind: .internal) { $0.setStatus(SpanStatus(code: .ok)) }
                tracer.withSpan("described", ofKind: .internal) { span in
                    span.recordError(Spilled(liters: 2), attributes: ["floor": "wet", "bucket": 1])
                    span.recordError(Spilled(liters: 3))
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("thrown").error == "spilled 1 l")
                #expect(try spans.only("status").error == "bad")
                #expect(try spans.only("wordless").error == "")
                #expect(try spans.only("fine").error == nil)
                let described = try spans.only("described")
                #expect(described.error == "spilled 2 l")
                #expect(described.annotations.map(\.value) == ["error: spilled 2 l {bucket=1, floor=wet}"])
            }
        }

        @Test func instants_that_are_given_are_kept_and_now_is_the_librarys_own() async throws {
            try await withTracer { tracer, collector in
                func instant(_ microseconds: UInt64) -> DefaultTracerClock.Timestamp {
                    DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000 + microseconds * 1000)
                }
                let span = tracer.startSpan("given", at: instant(5))
                span.addEvent(SpanEvent(name: "early", at: instant(7), attributes: ["size": 3, "by": "me"]))
                span.end(at: instant(45))
                let began = DefaultTracerClock.now.nanosecondsSinceEpoch / 1000
                tracer.withSpan("now", ofKind: .internal) { span in
                    span.addEvent("event")
                    usleep(2000)
                }
                let spans = try await collector.spans(of: tracer)
                let given = try spans.only("given")
                #expect(given.timestamp == 1_700_000_000_000_005)
                #expect(given.duration == 40)
                #expect(given.annotations.map(\.value) == ["early {by=me, size=3}"])
                #expect(given.annotations.first?.timestamp == 1_700_000_000_000_007)
                let now = try spans.only("now")
                let start = try #require(now.timestamp)
                #expect(start + 1000 >= began && start < began + 1_000_000)
                #expect(try #require(now.duration) >= 2000)
                #expect(now.annotations.map(\.value) == ["event"])
            }
        }

        @Test func a_span_can_be_renamed_linked_and_asked_what_it_is() async throws {
            try await withTracer { tracer, collector in
                let other = tracer.startSpan("other", ofKind: .producer)
                let third = tracer.startSpan("third", ofKind: .producer)
                tracer.withSpan("draft", ofKind: .consumer) { span in
                    #expect(span.operationName == "draft")
                    #expect(span.isRecording)
                    span.operationName = "final"
                    #expect(span.operationName == "final")
                    span.addLink(other)
                    span.addLink(SpanLink(context: third.context, attributes: ["why": "batch"]))
                    span.addLink(SpanLink(context: .topLevel, attributes: [:]))
                }
                tracer.withSpan("native") { span in
                    span.addLink(other)
                    span.addLink(third)
                }
                other.end()
                third.end()
                let spans = try await collector.spans(of: tracer)
                func ids(_ span: DivakSpan) -> String { "\(span.traceID)-\(span.spanID)" }
                #expect(
                    try spans.only("final").tags == [
                        "link.\(other.spanID)": ids(other), "link.\(third.spanID)": "\(ids(third)) {why=batch}",
                    ]
                )
                #expect(
                    try spans.only("native").tags == [
                        "link.\(other.spanID)": ids(other), "link.\(third.spanID)": ids(third),
                    ]
                )
            }
        }

        @Test func a_second_end_is_counted_and_reports_nothing() async throws {
            try await withTracer { tracer, collector in
                let span = tracer.startSpan("once", ofKind: .internal)
                span.attributes["key"] = 1
                span.end()
                span.attributes["late"] = 1
                span.end()
                let captured = try await collector.spans(of: tracer).only("once")
                #expect(captured.tags == ["key": "1"])
                #expect(tracer.statistics.usesAfterEnd == 1)
            }
        }

        @Test func a_span_of_the_interface_that_nobody_ends_is_an_orphan_with_its_attributes() async throws {
            try await withTracer { tracer, collector in
                do {
                    let span = tracer.startSpan("lost", ofKind: .client)
                    span.attributes["http.request.method"] = "GET"
                }
                let span = try await collector.spans(of: tracer).only("lost")
                #expect(span.tags["http.method"] == "GET")
                #expect(span.annotations.map(\.value) == ["divak.orphan"])
                #expect(try #require(span.tags["divak.orphan.creator"]).contains("TracingTests.swift"))
            }
        }

        // MARK: - Contexts

        @Test func what_others_put_into_a_context_goes_on_sampled_or_not() async throws {
            for rate in [0.0, 1.0] {
                try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: rate)) { tracer, _ in
                    var context = ServiceContext.topLevel
                    context[RequestKey.self] = "r1"
                    tracer.withSpan("outer", context: context) { outer in
                        #expect(ServiceContext.current?[RequestKey.self] == "r1")
                        #expect(outer.context[RequestKey.self] == "r1")
                        tracer.withSpan("native") { native in
                            tracer.withSpan("inner", ofKind: .internal) { inner in
                                #expect(ServiceContext.current?[RequestKey.self] == "r1")
                                #expect(inner.traceID == outer.traceID)
                                if rate == 1 { #expect(inner.parentID == native.spanID) }
                            }
                        }
                    }
                }
            }
        }

        @Test func an_unsampled_trace_stays_unsampled_and_travels_on_with_its_baggage() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3, .baggage]
            try await withTracer(configuration) { tracer, _ in
                let ids = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0"
                var context = ServiceContext.topLevel
                tracer.extract(["b3": ids, "baggage": "country=is"], into: &context, using: Plain())
                tracer.withSpan("served", context: context, ofKind: .server) { span in
                    #expect(!span.isRecording)
                    span.attributes["ignored"] = 1
                    #expect(span.attributes.isEmpty)
                    var headers: [String: String] = [:]
                    tracer.inject(ServiceContext.current ?? .topLevel, into: &headers, using: DictionaryInjector())
                    #expect(headers["b3"]?.hasPrefix("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0") == true)
                    #expect(headers["baggage"] == "country=is")
                }
                #expect(tracer.statistics.started == 0)
            }
        }

        @Test func headers_go_through_a_context_in_every_format_and_in_any_case() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3multi, .tracecontext, .baggage, .requestID]
            try await withTracer(configuration) { tracer, _ in
                var first: [String: String] = [:]
                let trace = "80f198ee56343ba864fe8b2a57d3eff7"
                var incoming = ServiceContext.topLevel
                tracer.extract(
                    [
                        "traceparent": "00-\(trace)-e457b5a2e4d86bd1-01", "tracestate": "vendor=1",
                        "baggage": "a=b", "x-request-id": "r-7",
                    ],
                    into: &incoming,
                    using: Plain()
                )
                tracer.withSpan("served", context: incoming, ofKind: .client) { span in
                    #expect(span.traceID == trace)
                    #expect(span.parentID == "e457b5a2e4d86bd1")
                    tracer.inject(span.context, into: &first, using: DictionaryInjector())
                    #expect(first["X-B3-TraceId"] == trace)
                    #expect(first["X-B3-SpanId"] == span.spanID)
                    #expect(first["tracestate"] == "vendor=1")
                    #expect(first["baggage"] == "a=b")
                    #expect(first["x-request-id"] == "r-7")
                }
                // Only B3's several headers, in the case in which they were written, from a carrier that minds it.
                var second = ServiceContext.topLevel
                tracer.extract(first.filter { $0.key.hasPrefix("X-B3") }, into: &second, using: Plain())
                tracer.withSpan("next", context: second) { #expect($0.parentID == first["X-B3-SpanId"]) }
            }
        }

        @Test func a_context_names_its_active_span_until_that_has_ended() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("op", ofKind: .internal)
                let context = span.context
                #expect(tracer.activeSpan(identifiedBy: context) == span)
                #expect(tracer.activeSpan(identifiedBy: .topLevel) == nil)
                span.end()
                #expect(tracer.activeSpan(identifiedBy: context) == nil)
            }
        }

        @Test func force_flush_sends_without_waiting() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.flushInterval = .seconds(600)
            try await withTracer(configuration) { tracer, collector in
                tracer.withSpan("op", ofKind: .internal) { _ in }
                tracer.forceFlush()
                let spans = try await collector.waitForSpans(1)
                #expect(spans.count == 1)
            }
        }

        @Test func a_forced_flush_leaves_what_was_lost_for_a_flush_to_tell() async throws {
            let server = try LoopbackServer { _ in "403 Forbidden" }
            defer { server.stop() }
            var configuration = DivakConfiguration(serviceName: "test", endpoint: server.url)
            configuration.readsEnvironment = false
            configuration.settings["log"] = "off"
            let tracer = try DivakTracer(configuration)
            tracer.withSpan("op", ofKind: .internal) { _ in }
            tracer.forceFlush()
            while tracer.statistics.droppedInAll == 0 { try await Task.sleep(for: .milliseconds(5)) }
            // As long as a flush that waits would take to hear of it.
            try await Task.sleep(for: .milliseconds(50))
            let error = await #expect(throws: DivakError.self) { try await tracer.flush() }
            #expect(error?.code == .lost)
            try? await tracer.shutdown()
        }
    }
}
