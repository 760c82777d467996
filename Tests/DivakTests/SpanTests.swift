// SpanTests.swift - spans in synchronous code: nesting, errors, tags, times.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

extension Everything {
    @Suite struct SpanTests {
        @Test func three_nested_spans_are_one_trace_and_a_chain_of_parents() async throws {
            try await withTracer { tracer, collector in
                let result = tracer.withSpan("root") { _ in
                    tracer.withSpan("child") { _ in tracer.withSpan("grandchild") { _ in 42 } }
                }
                #expect(result == 42)
                let spans = try await collector.spans(of: tracer)
                let (root, child) = (try spans.only("root"), try spans.only("child"))
                let grandchild = try spans.only("grandchild")
                #expect(spans.count == 3)
                #expect(Set(spans.map(\.traceID)).count == 1)
                #expect(root.parentID == nil)
                #expect(child.parentID == root.id)
                #expect(grandchild.parentID == child.id)
                #expect(root.localEndpoint?.serviceName == "test")
                #expect(try #require(root.duration) >= #require(grandchild.duration))
            }
        }

        @Test func the_current_span_is_that_of_the_innermost_scope_and_nil_outside() async throws {
            try await withTracer { tracer, _ in
                #expect(DivakSpan.current == nil)
                tracer.withSpan("outer") { outer in
                    #expect(DivakSpan.current == outer)
                    tracer.withSpan("inner") { inner in
                        #expect(DivakSpan.current == inner)
                        #expect(inner != outer)
                        #expect(inner.parentID == outer.spanID)
                    }
                    #expect(DivakSpan.current == outer)
                }
                #expect(DivakSpan.current == nil)
            }
        }

        @Test func an_error_is_tagged_and_thrown_on_unchanged() async throws {
            try await withTracer { tracer, collector in
                #expect(throws: Spilled(liters: 3)) {
                    try tracer.withSpan("pour") { _ in throw Spilled(liters: 3) }
                }
                #expect(DivakSpan.current == nil)
                let span = try await collector.spans(of: tracer).only("pour")
                #expect(span.error == "spilled 3 l")
                #expect(span.duration != nil)
            }
        }

        @Test func the_type_of_a_thrown_error_is_kept() async throws {
            try await withTracer { tracer, _ in
                func pour() throws(Spilled) {
                    try tracer.withSpan("pour") { _ throws(Spilled) in throw Spilled(liters: 1) }
                }
                do throws(Spilled) {
                    try pour()
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.liters == 1)
                }
            }
        }

        @Test func the_first_error_stays() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("twice") { span in
                    span.recordError(message: "first")
                    span.recordError(Spilled(liters: 2))
                }
                let span = try await collector.spans(of: tracer).only("twice")
                #expect(span.error == "first")
            }
        }

        @Test func every_type_of_value_becomes_text_and_the_last_one_wins() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("tags") { span in
                    let fixed: StaticString = "static"
                    span.tag("text", "first")
                    span.tag("text", "last ü")
                    span.tag("static", fixed)
                    span.tag("int", -5)
                    span.tag("int64", Int64.min)
                    span.tag("uint64", UInt64.max)
                    span.tag("uint8", UInt8(7))
                    span.tag("double", 0.5)
                    span.tag("bool", true)
                    span.tag("described", Spilled(liters: 4))
                    span.tag("duration", Duration.seconds(2))
                    span.tag("empty", "")
                }
                let tags = try await collector.spans(of: tracer).only("tags").tags
                #expect(
                    tags == [
                        "text": "last ü", "static": "static", "int": "-5", "int64": "-9223372036854775808",
                        "uint64": "18446744073709551615", "uint8": "7", "double": "0.5", "bool": "true",
                        "described": "spilled 4 l", "duration": Duration.seconds(2).description, "empty": "",
                    ]
                )
            }
        }

        @Test func registered_keys_report_the_same_as_text() async throws {
            let key = DivakKey("swift.registered")
            #expect(key == DivakKey("swift.registered"))
            #expect(key.isRegistered)
            #expect(!DivakKey("").isRegistered)
            try await withTracer { tracer, collector in
                tracer.withSpan(DivakKey("swift.registered.name")) { span in
                    span.tag(key, "text")
                    span.tag(DivakKey("swift.registered.int"), 7)
                    span.tag(DivakKey("swift.registered.bool"), false)
                    span.tag(DivakKey("swift.registered.double"), 1.5)
                    span.tag(DivakKey("swift.registered.u64"), UInt64.max)
                    span.tag(DivakKey("swift.registered.other"), Spilled(liters: 9))
                }
                let span = try await collector.spans(of: tracer).only("swift.registered.name")
                #expect(
                    span.tags == [
                        "swift.registered": "text", "swift.registered.int": "7", "swift.registered.bool": "false",
                        "swift.registered.double": "1.5", "swift.registered.u64": "18446744073709551615",
                        "swift.registered.other": "spilled 9 l",
                    ]
                )
            }
        }

        @Test func an_unsampled_span_computes_no_value_and_its_children_keep_its_trace() async throws {
            try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: 0)) { tracer, collector in
                var computed = 0
                func count() -> String {
                    computed += 1
                    return "expensive"
                }
                tracer.withSpan("outer") { outer in
                    #expect(!outer.isRecording && !outer.isSampled)
                    outer.tag("key", count())
                    outer.tag(DivakKey("swift.lazy"), count())
                    outer.annotate(count())
                    outer.rename(count())
                    outer.recordError(message: count())
                    tracer.withSpan("inner") { inner in #expect(inner.traceID == outer.traceID) }
                }
                #expect(computed == 0)
                let reported = try await collector.spans(of: tracer)
                #expect(reported.isEmpty)
                #expect(tracer.statistics.started == 0)
            }
        }

        @Test func the_kill_switch_stops_recording_and_lets_it_resume() async throws {
            try await withTracer { tracer, collector in
                #expect(tracer.isEnabled)
                tracer.isEnabled = false
                tracer.withSpan("off") { #expect(!$0.isRecording) }
                tracer.isEnabled = true
                tracer.withSpan("on") { #expect($0.isRecording) }
                let reported = try await collector.spans(of: tracer)
                #expect(reported.map(\.name) == ["on"])
            }
        }

        @Test(arguments: [
            (DivakKind.local, String?.none), (.client, "CLIENT"), (.server, "SERVER"), (.producer, "PRODUCER"),
            (.consumer, "CONSUMER"),
        ])
        func a_kind_is_reported_as_zipkin_names_it(kind: DivakKind, text: String?) async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("start", kind: kind) { _ in }
                tracer.withSpan("later") { $0.setKind(kind) }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("start").kind == text)
                #expect(try spans.only("later").kind == text)
            }
        }

        @Test func a_span_by_hand_has_the_times_endpoints_events_and_name_that_it_was_given() async throws {
            try await withTracer { tracer, collector in
                let start = DivakTimestamp(microsecondsSinceEpoch: 1_700_000_000_000_005)
                let end = DivakTimestamp(microsecondsSinceEpoch: 1_700_000_000_000_009)
                let span = tracer.startSpan("draft", kind: .client, at: start)
                #expect(DivakSpan.current == nil)
                span.rename("final")
                span.annotate("sent", at: DivakTimestamp(microsecondsSinceEpoch: 1_700_000_000_000_007))
                span.setRemote(DivakEndpoint(service: "db", address: "192.0.2.7:5432"))
                span.finish(at: end)

                let captured = try await collector.spans(of: tracer).only("final")
                #expect(captured.timestamp == start.microsecondsSinceEpoch)
                #expect(captured.duration == 4)
                #expect(captured.annotations.map(\.value) == ["sent"])
                #expect(captured.annotations.first?.timestamp == 1_700_000_000_000_007)
                #expect(captured.remoteEndpoint?.serviceName == "db")
                #expect(captured.remoteEndpoint?.ipv4 == "192.0.2.7")
                #expect(captured.remoteEndpoint?.port == 5432)
            }
        }

        @Test func a_given_duration_is_rounded_up_to_a_microsecond() async throws {
            try await withTracer { tracer, collector in
                tracer.startSpan("long").finish(after: .milliseconds(1500))
                tracer.startSpan("short").finish(after: .nanoseconds(1))
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("long").duration == 1_500_000)
                #expect(try spans.only("short").duration == 1)
            }
        }

        @Test func an_end_before_the_start_is_a_microsecond_and_counted() async throws {
            try await withTracer { tracer, collector in
                let start = DivakTimestamp(microsecondsSinceEpoch: 1_700_000_000_000_000)
                tracer.startSpan("back", at: start).finish(at: DivakTimestamp(microsecondsSinceEpoch: 7))
                let span = try await collector.spans(of: tracer).only("back")
                #expect(span.duration == 1)
                #expect(tracer.statistics.negativeDurations == 1)
                #expect(tracer.statistics.lossReports == 0 && tracer.statistics.reentrantCalls == 0)
                #expect(tracer.statistics.inheritedByFork == 0 && tracer.statistics.flusherRestarts == 0)
            }
        }

        @Test func a_second_end_and_uses_after_the_end_are_counted_and_report_nothing() async throws {
            try await withTracer { tracer, collector in
                let span = tracer.startSpan("once")
                span.finish()
                span.finish()
                span.tag("late", "tag")
                let captured = try await collector.spans(of: tracer)
                #expect(try captured.only("once").tags.isEmpty)
                #expect(tracer.statistics.usesAfterEnd >= 1)
                #expect(tracer.statistics.delivered == 1)
            }
        }

        @Test func an_abandoned_span_is_counted_and_a_flushed_one_has_no_duration() async throws {
            try await withTracer { tracer, collector in
                tracer.startSpan("gone").abandon()
                tracer.startSpan("half").flush()
                // The abandoned span makes the flush say that something was lost: by request, but lost.
                try? await tracer.flush()
                let spans = try collector.spans()
                #expect(spans.count == 1)
                #expect(try spans.only("half").duration == nil)
                #expect(tracer.statistics.dropped.contains { "\($0.key)" == "abandoned" && $0.value == 1 })
            }
        }

        @Test func a_parent_can_be_named_or_refused() async throws {
            try await withTracer { tracer, _ in
                let other = tracer.startSpan("other")
                tracer.withSpan("outer") { outer in
                    tracer.withSpan("elsewhere", parent: .span(other)) { span in
                        #expect(span.parentID == other.spanID)
                        #expect(span.traceID == other.traceID)
                    }
                    tracer.withSpan("new", parent: .newTrace) { span in
                        #expect(span.parentID == nil)
                        #expect(span.traceID != outer.traceID)
                    }
                }
                other.finish()
            }
        }

        @Test func a_disabled_tracer_does_nothing_and_runs_the_closure() async throws {
            let tracer = DivakTracer.disabled
            let result = tracer.withSpan("nothing") { span in
                span.tag("key", "value")
                return span.isRecording
            }
            #expect(!result)
            #expect(!tracer.isEnabled)
            #expect(tracer.statistics.started == 0)
        }

        @Test func the_text_of_ids_is_lower_case_hexadecimal() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("ids")
                #expect(span.traceID.utf8.count == 32)
                #expect(span.spanID.utf8.count == 16)
                #expect((span.traceID + span.spanID).allSatisfy { "0123456789abcdef".contains($0) })
                #expect("\(span)" == "\(span.traceID)-\(span.spanID)-1")
                span.finish()
            }
        }
    }
}
