// ValueTests.swift - values of tags, links, late decisions, wrapped functions, and what third parties may do.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The time as the system's library formats it.
private func systemText(_ seconds: Int) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S+00:00", &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension Everything {
    @Suite struct ValueTests {
        @Test func numbers_of_every_width_and_values_that_may_be_absent_become_text() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("tags") { span in
                    span.tag("int8", Int8.min)
                    span.tag("int16", Int16.min)
                    span.tag("int32", Int32.min)
                    span.tag("uint", UInt.max)
                    span.tag("uint16", UInt16.max)
                    span.tag("uint32", UInt32.max)
                    span.tag("float", Float(0.1))
                    span.tag("time", DivakTimestamp(microsecondsSinceEpoch: 1_000_000))
                    span.tag("some", String?("text"))
                    span.tag("someInt", Int?(5))
                    span.tag("someDouble", Double?(2.5))
                    span.tag("someBool", Bool?(true))
                    span.tag("someOther", Spilled?(Spilled(liters: 1)))
                    span.tag(DivakKey("values.some"), String?("keyed"))
                    span.tag(DivakKey("values.double"), Double?(1e21))
                    span.tag(DivakKey("values.other"), UInt8?(9))
                    span.tag("none", String?.none)
                    span.tag("noInt", Int?.none)
                    span.tag("noDouble", Double?.none)
                    span.tag("noOther", Spilled?.none)
                    span.tag(DivakKey("values.none"), String?.none)
                    span.tag(DivakKey("values.noDouble"), Double?.none)
                    span.tag(DivakKey("values.noOther"), UInt8?.none)
                    span.tag("double", 1e21)
                }
                var tags = try await collector.spans(of: tracer).only("tags").tags
                #expect(tags["values.double"] == tags.removeValue(forKey: "double"))
                tags["values.double"] = nil
                #expect(
                    tags == [
                        "int8": "-128", "int16": "-32768", "int32": "-2147483648", "uint": "18446744073709551615",
                        "uint16": "65535", "uint32": "4294967295", "float": "0.1",
                        "time": "1970-01-01T00:00:01+00:00", "some": "text", "someInt": "5", "someDouble": "2.5",
                        "someBool": "true", "someOther": "spilled 1 l", "values.some": "keyed", "values.other": "9",
                    ]
                )
            }
        }

        @Test func a_value_that_may_be_absent_is_not_computed_when_nothing_is_recorded() async throws {
            try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: 0)) { tracer, _ in
                var computed = 0
                func value<Value>(_ value: Value) -> Value? {
                    computed += 1
                    return value
                }
                tracer.withSpan("unsampled") { span in
                    span.tag("text", value("x"))
                    span.tag(DivakKey("values.lazy"), value("x"))
                    span.tag("int", value(1))
                    span.tag(DivakKey("values.lazy"), value(1))
                    span.tag("double", value(1.5))
                    span.tag(DivakKey("values.lazy"), value(1.5))
                    span.customizer.tag("customizer", "\(value(1) ?? 0)")
                    span.customizer.tag("customizer", value(1) ?? 0)
                    span.customizer.annotate("\(value(1) ?? 0)")
                    span.customizer.rename("\(value(1) ?? 0)")
                }
                #expect(computed == 0)
            }
        }

        @Test func a_time_is_the_text_that_the_system_has_for_it() {
            for seconds in [1, 951_782_399, 951_782_400, 951_868_800, 4_107_542_400, 253_402_300_800, 1_772_284_309] {
                let time = DivakTimestamp(microsecondsSinceEpoch: UInt64(seconds) * 1_000_000)
                #expect(time.description == systemText(seconds))
            }
            for _ in 0..<2000 {
                let seconds = Int.random(in: 0...1_000_000_000_000)
                let time = DivakTimestamp(microsecondsSinceEpoch: UInt64(seconds) * 1_000_000)
                #expect(time.description == systemText(seconds), "\(seconds)")
            }
        }

        @Test func a_time_has_its_fraction_and_its_zone() {
            let time = DivakTimestamp(microsecondsSinceEpoch: 1_772_284_309_000_250)
            #expect(time.description == "2026-02-28T13:11:49.000250+00:00")
            #expect(time.iso8601(secondsFromUTC: 5400) == "2026-02-28T14:41:49.000250+01:30")
            #expect(time.iso8601(secondsFromUTC: -18_000) == "2026-02-28T08:11:49.000250-05:00")
            let early = DivakTimestamp(microsecondsSinceEpoch: 60_000_000)
            #expect(early.iso8601(secondsFromUTC: -3600) == "1969-12-31T23:01:00-01:00")
            #expect(DivakTimestamp(microsecondsSinceEpoch: .max).description.hasPrefix("586524-01-19T08:01:49"))
        }

        @Test func links_are_tags_beside_the_one_parent() async throws {
            try await withTracer { tracer, collector in
                let first = tracer.startSpan("first")
                let second = tracer.startSpan("second")
                let third = tracer.startSpan("third")
                let options = DivakStartOptions(links: [second])
                tracer.withSpan("merge", parent: .span(first), options: options) { $0.link(to: third) }
                for span in [first, second, third] { span.finish() }
                let merge = try await collector.spans(of: tracer).only("merge")
                #expect(merge.parentID == first.spanID)
                let links = [second, third].map { ("link.\($0.spanID)", "\($0.traceID)-\($0.spanID)") }
                #expect(merge.tags == Dictionary(uniqueKeysWithValues: links))
            }
        }

        @Test func a_span_knows_the_first_of_its_trace_in_this_process() async throws {
            try await withTracer { tracer, _ in
                let parent = tracer.extract(from: ["b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"])
                #expect(parent.span?.localRootID == nil)
                tracer.withSpan("root", parent: parent) { root in
                    #expect(root.localRootID == root.spanID)
                    tracer.withSpan("child") { child in
                        #expect(child.localRootID == root.spanID)
                        tracer.withSpan("leaf") { #expect($0.localRootID == root.spanID) }
                    }
                }
            }
        }

        @Test func a_customizer_tags_annotates_and_renames() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("draft") { span in
                    let customizer = span.customizer
                    #expect(customizer.isRecording)
                    customizer.tag("text", "a")
                    customizer.tag("int", 5)
                    customizer.tag("double", 0.5)
                    customizer.tag("other", Spilled(liters: 2))
                    customizer.tag(DivakKey("values.customizer"), true)
                    customizer.annotate("seen")
                    customizer.rename("final")
                }
                let span = try await collector.spans(of: tracer).only("final")
                #expect(
                    span.tags == [
                        "text": "a", "int": "5", "double": "0.5", "other": "spilled 2 l", "values.customizer": "true",
                    ]
                )
                #expect(span.annotations.map(\.value) == ["seen"])
            }
        }

        @Test func a_wrapped_function_is_a_span_a_call_and_keeps_result_errors_and_arguments() async throws {
            try await withTracer { tracer, collector in
                func pour(_ liters: Int, from name: String) throws(Spilled) -> String {
                    DivakSpan.current?.tag("liters", liters)
                    if liters > 2 { throw Spilled(liters: liters) }
                    return "\(name) \(liters)"
                }
                let traced = tracer.traced("pour", kind: .client, pour)
                #expect(try traced(1, "jug") == "jug 1")
                #expect(try traced(2, "can") == "can 2")
                do throws(Spilled) {
                    _ = try traced(3, "jug")
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error == Spilled(liters: 3))
                }
                let plain = tracer.traced("plain") { 42 }
                #expect(plain() == 42)
                let spans = try await collector.spans(of: tracer)
                #expect(spans.named("pour").map { $0.tags["liters"] } == ["1", "2", "3"])
                #expect(spans.named("pour").map(\.error) == [nil, nil, "spilled 3 l"])
                #expect(spans.named("pour").allSatisfy { $0.kind == "CLIENT" })
                #expect(spans.named("plain").count == 1)
            }
        }

        @Test func a_wrapped_asynchronous_function_is_a_span_a_call() async throws {
            try await withTracer { tracer, collector in
                let traced = tracer.traced("load") { (id: Int) async throws in
                    await Task.yield()
                    DivakSpan.current?.tag("id", id)
                    if id == 0 { throw Spilled(liters: 0) }
                    return "user \(id)"
                }
                #expect(try await traced(7) == "user 7")
                await #expect(throws: Spilled(liters: 0)) { try await traced(0) }
                let both = try await withThrowingTaskGroup(of: String.self) { group in
                    for id in 1...2 { group.addTask { try await traced(id) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(both.sorted() == ["user 1", "user 2"])
                let spans = try await collector.spans(of: tracer)
                #expect(spans.named("load").compactMap { $0.tags["id"] }.sorted() == ["0", "1", "2", "7"])
            }
        }

        @Test func a_decision_can_change_during_a_request() async throws {
            var configuration = DivakConfiguration(serviceName: "test", sampleRate: 0)
            configuration.allowsLateDecisions = true
            try await withTracer(configuration) { tracer, collector in
                tracer.withSpan("request") { span in
                    #expect(span.isRecording && !span.isSampled)
                    span.tag("early", "yes")
                    tracer.withSpan("before") { _ in }
                    var span = span
                    let holds = span.setSampled(true)
                    #expect(holds)
                    span.withCurrent {
                        tracer.withSpan("after") { #expect($0.isSampled) }
                        var headers: [String: String] = [:]
                        tracer.inject(into: &headers)
                        #expect(headers["X-B3-Sampled"] == "1")
                    }
                }
                tracer.withSpan("other") { _ in }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.tree == "request\n  after")
                #expect(try spans.only("request").tags == ["early": "yes"])
            }
        }

        @Test func a_decision_that_can_not_hold_is_refused() async throws {
            try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: 0)) { tracer, collector in
                tracer.withSpan("unrecorded") { span in
                    var span = span
                    let holds = span.setSampled(true)
                    #expect(!holds)
                    #expect(!span.isSampled)
                    let staysUnsampled = span.setSampled(false)
                    #expect(staysUnsampled)
                }
                let debug = DivakStartOptions(isDebug: true)
                tracer.withSpan("debug", options: debug) { span in
                    var span = span
                    let holds = span.setSampled(false)
                    #expect(!holds)
                    #expect(span.isSampled)
                }
                tracer.withSpan("dropped", parent: .newTrace(isSampled: true)) { span in
                    var span = span
                    let holds = span.setSampled(false)
                    #expect(holds)
                }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.map(\.name) == ["debug"])
            }
        }

        @Test func a_deferred_span_is_reported_by_its_flush_with_the_duration_of_its_end() async throws {
            let clock = FakeClock()
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.clock = { clock.now }
            try await withTracer(configuration) { tracer, collector in
                let began = DivakTimestamp(microsecondsSinceEpoch: clock.now.microsecondsSinceEpoch - 500)
                let span = tracer.startSpan("deferred", options: DivakStartOptions(at: began, defersReport: true))
                span.finish()
                clock.advance(by: .seconds(1))
                let reported = try await collector.spans(of: tracer)
                #expect(reported.isEmpty)
                span.flush()
                let captured = try await collector.spans(of: tracer).only("deferred")
                #expect(captured.timestamp == began.microsecondsSinceEpoch)
                #expect(captured.duration == 500)
            }
        }

        @Test func a_default_tag_never_becomes_two() {
            var configuration = DivakConfiguration(serviceName: "test")
            for (key, value) in [("a", "x,b=c"), ("a", "x,\u{301}b=c"), ("a,b", "x"), ("a=\u{301}b", "x"), ("", "x")] {
                configuration.tags = [key: value]
                let error = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(configuration) }
                #expect(error?.code == .invalid)
                #expect(throws: DivakError.self) { try DivakApplication(configuration).configure { _ in } }
            }
        }

        @Test func default_tags_are_on_every_span_that_has_not_got_them() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.tags = ["zone": "north", "version": "1=2"]
            try await withTracer(configuration) { tracer, collector in
                tracer.withSpan("default") { _ in }
                tracer.withSpan("own") { $0.tag("zone", "south") }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("default").tags == ["zone": "north", "version": "1=2"])
                #expect(try spans.only("own").tags == ["zone": "south", "version": "1=2"])
            }
            for tags in [["a,b": "c"], ["a": "b,c"], ["a=b": "c"], ["": "c"]] {
                configuration.tags = tags
                let error = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(configuration) }
                #expect(error?.code == .invalid)
            }
        }
    }
}
