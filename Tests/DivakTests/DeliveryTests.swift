// DeliveryTests.swift - configuration errors, and whether flush, shutdown and statistics tell the truth.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

/// A configuration that sends to a port of this machine where nobody listens: 9 is reserved for discarding.
private func nobodyListens() -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test", endpoint: "http://127.0.0.1:9")
    configuration.readsEnvironment = false
    configuration.settings["log"] = "off"
    return configuration
}

extension Everything {
    @Suite struct DeliveryTests {
        @Test func flush_means_delivered() async throws {
            try await withTracer { tracer, collector in
                for number in 0..<100 { tracer.withSpan("span") { $0.tag("number", number) } }
                try await tracer.flush()
                let statistics = tracer.statistics
                #expect(statistics.delivered == 100)
                #expect(statistics.pending == 0)
                #expect(try collector.spans().count == 100)
            }
        }

        @Test func flush_says_timeout_when_nobody_listens_and_returns_in_time() async throws {
            let tracer = try DivakTracer(nobodyListens())
            tracer.withSpan("unheard") { _ in }
            let start = ContinuousClock.now
            let error = await #expect(throws: DivakError.self) { try await tracer.flush(timeout: .milliseconds(200)) }
            #expect(error?.code == .timeout)
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(tracer.statistics.delivered == 0)
            try? await tracer.shutdown(timeout: .milliseconds(100))
            #expect(tracer.statistics.droppedInAll == 1)
            #expect(tracer.statistics.isBalanced)
        }

        @Test func spans_go_where_the_closure_says_and_a_bad_answer_is_counted_and_told() async throws {
            struct Unknown: Error {}
            let server = try LoopbackServer { _ in "202 Accepted" }
            defer { server.stop() }
            let url = server.url
            let answers: [@Sendable () throws -> String?] = [
                { nil }, { "gate" }, { throw Unknown() }, { "127.0.0.1:1\0" }, { String(repeating: "x", count: 5000) },
                { url },
            ]
            let asked = Tally()
            var configuration = nobodyListens()
            configuration.endpointInterval = .milliseconds(1)
            configuration.flushInterval = .milliseconds(1)
            configuration.reporters = [
                .zipkin {
                    asked.add()
                    return try answers[min(asked.count, answers.count) - 1]()
                }
            ]
            let tracer = try DivakTracer(configuration)
            tracer.withSpan("heard") { _ in }
            try await tracer.flush(timeout: .seconds(20))
            #expect(tracer.statistics.delivered == 1 && tracer.statistics.badEndpoints == 4)
            #expect(server.requests.map(\.path).last == "/api/v2/spans")
            try await tracer.shutdown()
        }

        @Test func waiting_for_a_flush_holds_no_thread_of_the_pool() async throws {
            let tracer = try DivakTracer(nobodyListens())
            tracer.withSpan("unheard") { _ in }
            // More waiters than the pool has threads: if they held one each, the other task could not run meanwhile.
            let start = ContinuousClock.now
            let ran = await withTaskGroup(of: Duration?.self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        try? await tracer.flush(timeout: .seconds(2))
                        return nil
                    }
                }
                group.addTask {
                    for _ in 0..<10 { await Task.yield() }
                    return ContinuousClock.now - start
                }
                var ran: Duration?
                for await time in group { ran = ran ?? time }
                return ran
            }
            #expect(try #require(ran) < .seconds(1))
            try? await tracer.shutdown(timeout: .milliseconds(100))
        }

        @Test func the_balance_holds_after_every_way_to_end_a_span() async throws {
            try await withTracer { tracer, _ in
                for _ in 0..<10 { tracer.withSpan("done") { _ in } }
                tracer.startSpan("gone").abandon()
                let open = tracer.startSpan("open")
                try? await tracer.flush()
                let statistics = tracer.statistics
                #expect(statistics.started == 12)
                #expect(statistics.delivered == 10)
                #expect(statistics.live == 1)
                #expect(statistics.droppedInAll == 1)
                #expect(statistics.isBalanced, "\(statistics)")
                open.finish()
            }
        }

        @Test func after_shutdown_nothing_is_recorded_and_everything_is_safe() async throws {
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer()
            tracer.withSpan("before") { _ in }
            try await tracer.shutdown()
            #expect(try collector.spans().map(\.name) == ["before"])
            tracer.withSpan("after") { span in
                span.tag("key", "value")
                #expect(!span.isRecording)
            }
            let error = await #expect(throws: DivakError.self) { try await tracer.shutdown() }
            #expect(error?.code == .ended)
            #expect(try collector.spans().count == 1)
        }

        @Test(arguments: [
            ("sample_rate", "2"), ("endpoint", "ftp://example.org"), ("service_port", "70000"),
            ("no_such_setting", "1"),
            ("flush_interval", "soon"),
        ])
        func a_bad_setting_is_an_error_that_names_it_and_its_value(name: String, value: String) {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.settings[name] = value
            let error = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(configuration) }
            #expect(error?.code == .invalid)
            #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
        }

        @Test func a_setting_with_a_zero_byte_is_refused_rather_than_cut() {
            let configuration = DivakConfiguration(serviceName: "check\0out")
            let error = #expect(throws: DivakError.self) { try InMemoryCollector().makeTracer(configuration) }
            #expect(error?.code == .invalid)
        }

        @Test func an_address_of_a_reporter_with_a_zero_byte_is_refused_rather_than_cut() {
            var configuration = nobodyListens()
            configuration.reporters = [.zipkin("http://127.0.0.1:9\0411")]
            let error = #expect(throws: DivakError.self) { _ = try DivakTracer(configuration) }
            #expect(error?.code == .invalid && error?.message.contains("127.0.0.1:9") == true)
            #expect(throws: DivakError.self) { try DivakApplication(configuration).configure { _ in } }
        }

        @Test(arguments: [Duration.seconds(-1), .nanoseconds(-1), .seconds(3601), .seconds(Int64.max) * 4])
        func a_time_out_of_range_is_refused_by_name(time: Duration) {
            var configuration = nobodyListens()
            configuration.flushInterval = time
            let error = #expect(throws: DivakError.self) { _ = try DivakTracer(configuration) }
            #expect(error?.code == .invalid && error?.message.contains("flush_interval") == true)
            #expect(throws: DivakError.self) { try DivakApplication(configuration).configure { _ in } }
        }

        @Test func no_time_that_there_is_ends_the_process() async {
            await #expect(processExitsWith: .success) {
                let endless = Duration.seconds(Int64.max) * 4
                let tracer = try InMemoryCollector().makeTracer()
                for time in [endless, .zero - endless, .seconds(Int64.max), .seconds(Int64.min)] {
                    try? await tracer.flush(timeout: time)
                    tracer.startSpan("op").finish(after: time)
                    let metrics = Task { await DivakMetrics(tracer).run(every: time) }
                    try await Task.sleep(for: .milliseconds(10))
                    metrics.cancel()
                    await metrics.value
                    var record = AccessLogRecord(method: "GET", target: "/", status: 200)
                    record.duration = time
                    _ = AccessLog(.json).line(record)
                    FakeClock().advance(by: time)
                }
                #expect(tracer.statistics.live == 0)
            }
        }

        @Test func waiting_for_spans_ends_when_they_are_there_or_the_time_is_up() async throws {
            try await withTracer { tracer, collector in
                Task.detached { tracer.withSpan("later") { _ in } }
                #expect(try await collector.waitForSpans(1).count == 1)
                #expect(try await collector.waitForSpans(2, timeout: .milliseconds(20)).count == 1)
                try collector.removeAll()
                #expect(try collector.spans().isEmpty)
            }
        }

        @Test func texts_that_are_too_long_are_cut_and_counted() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("long") { $0.tag("text", String(repeating: "ü", count: 5000)) }
                let text = try #require(try await collector.spans(of: tracer).only("long").tags["text"])
                #expect(text == String(repeating: "ü", count: text.count))
                #expect(text.utf8.count <= 1024)
                #expect(tracer.statistics.truncated == 1)
            }
        }
    }
}
