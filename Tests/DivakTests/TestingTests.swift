// TestingTests.swift - the test kit: fake clock and ids, strict scopes, captured spans as a tree.
// SPDX-License-Identifier: Apache-2.0

import CDivak
import Dispatch
import Divak
import DivakTesting
import InMemoryLogging
import Logging
import Testing

extension Everything {
    @Suite struct TestingTests {
        @Test func with_a_fake_clock_and_ids_every_byte_is_known() async throws {
            let clock = FakeClock()
            let ids = FakeIDs()
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.clock = { clock.now }
            configuration.idGenerator = { ids.next() }
            try await withTracer(configuration) { tracer, collector in
                tracer.withSpan("root") { span in
                    clock.advance(by: .milliseconds(2))
                    tracer.withSpan("child") { _ in clock.advance(by: .microseconds(7)) }
                }
                let spans = try await collector.spans(of: tracer)
                let (root, child) = (try spans.only("root"), try spans.only("child"))
                #expect(root.traceID == "00000000000000020000000000000001")
                #expect(root.id == "0000000000000003" && child.id == "0000000000000004")
                #expect(root.timestamp == 1_700_000_000_000_000 && root.duration == 2007)
                #expect(child.timestamp == 1_700_000_000_002_000 && child.duration == 7)
            }
        }

        @Test func a_fake_clock_moves_both_ways_and_stays_in_range() {
            let clock = FakeClock(DivakTimestamp(microsecondsSinceEpoch: 10))
            clock.advance(by: .microseconds(-3))
            #expect(clock.now.microsecondsSinceEpoch == 7)
            clock.advance(by: .seconds(-1))
            #expect(clock.now.microsecondsSinceEpoch == 0)
            clock.now = DivakTimestamp(microsecondsSinceEpoch: 5)
            #expect(clock.now.microsecondsSinceEpoch == 5)
        }

        @Test func the_tree_shows_parents_kinds_errors_and_both_halves_of_a_call() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("client", kind: .client) { client in
                    var headers: [String: String] = [:]
                    tracer.inject(client, into: &headers)
                    tracer.withSpan("server", kind: .server, parent: tracer.extract(from: headers)) { _ in
                        tracer.withSpan("query") { $0.recordError(message: "no table") }
                        tracer.withSpan("render") { _ in }
                    }
                }
                tracer.withSpan("alone") { _ in }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.tree == "client CLIENT\n  server SERVER\n    query ! no table\n    render\nalone")
            }
        }

        @Test func the_tree_cuts_a_circle_and_shows_every_span() throws {
            func span(_ id: Int, _ parent: Int?) -> String {
                let parent = parent.map { #""parentId":"000000000000000\#($0)","# } ?? ""
                return #"{"traceId":"0000000000000001","id":"000000000000000\#(id)",\#(parent)"name":"\#(id)"}"#
            }
            func tree(_ spans: String...) throws -> String {
                try CapturedSpan.list(json: "[\(spans.joined(separator: ","))]").tree
            }
            #expect(try tree(span(1, 1)) == "1")
            #expect(try tree(span(1, 2), span(2, 1), span(3, nil)) == "3\n1\n  2")
            #expect(try tree(span(1, nil), span(1, 1)) == "1\n  1")
        }

        @Test func strict_scopes_pass_what_is_in_order() async throws {
            try await withTracer { tracer, _ in
                let number = try withStrictScopes {
                    let span = tracer.startSpan("by hand")
                    span.withCurrent { tracer.withSpan("inner") { _ in } }
                    span.finish()
                    return 42
                }
                #expect(number == 42)
                let text = try await withStrictScopes {
                    let span = tracer.startSpan("by hand")
                    async let inner: Void = tracer.withSpan("inner") { _ in await Task.yield() }
                    await inner
                    span.abandon()
                    return "done"
                }
                #expect(text == "done")
            }
        }

        @Test func strict_scopes_name_a_span_that_was_not_ended_and_who_started_it() async throws {
            try await withTracer { tracer, _ in
                var leaked: DivakSpan?
                // Outside of the macro, which gives what is in it other lines.
                let line = #line + 2
                func leak() {
                    leaked = tracer.startSpan("left open")
                    tracer.startSpan("ended").finish()
                }
                let error = #expect(throws: StrictScopesError.self) { try withStrictScopes { leak() } }
                let problem = try #require(error?.problems.first)
                #expect(error?.problems.count == 1)
                #expect(problem.contains("span \"left open\" \(leaked?.traceID ?? "?")"))
                #expect(problem.contains("started by leak() at "))
                #expect(problem.contains("TestingTests.swift:\(line)"))
                #expect(problem.hasSuffix("was not ended"))
                #expect("\(try #require(error))" == problem)
                leaked?.finish()
            }
        }

        @Test func strict_scopes_find_orphans_and_spans_of_child_tasks() async throws {
            try await withTracer { tracer, _ in
                let error = await #expect(throws: StrictScopesError.self) {
                    try await withStrictScopes {
                        await withTaskGroup(of: Void.self) { group in
                            group.addTask { tracer.startSpan("orphan").tag("used", "yes") }
                            group.addTask { _ = tracer.startSpan("unused") }
                        }
                        for _ in 0..<500 { tracer.startSpan("ended").finish() }
                    }
                }
                let problems = try #require(error?.problems)
                #expect(problems.count == 2)
                #expect(problems.contains { $0.contains("\"orphan\"") && $0.contains("was neither finished") })
                #expect(problems.contains { $0.contains("\"unused\"") && $0.contains("never used") })
            }
        }

        @Test func strict_scopes_let_the_closures_own_error_through() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("outside")
                #expect(throws: Spilled(liters: 1)) { try withStrictScopes { throw Spilled(liters: 1) } }
                #expect(throws: Never.self) { try withStrictScopes { span.tag("older", "spans are not watched") } }
                span.finish()
            }
        }

        @Test func strict_scopes_name_a_scope_of_c_that_was_left_open() async throws {
            try await withTracer { tracer, _ in
                var scope = divak_scope()
                let error = #expect(throws: StrictScopesError.self) {
                    try withStrictScopes {
                        var span = divak_span()
                        divak_span_start(rawTracer(), "of c", 4, 0, nil, &span)
                        divak_scope_open(&span, &scope)
                    }
                }
                var span = divak_span()
                #expect(divak_current(&span) == DIVAK_OK)
                divak_scope_close(&scope)
                divak_span_finish(&span)
                #expect(error?.problems.count == 1)
                #expect(error?.description.contains("a scope of span \"of c\"") == true)
                #expect(error?.description.hasSuffix("was left open on this thread") == true)
            }
        }

        @Test(arguments: [false, true])
        func strict_scopes_name_a_scope_that_was_closed_wrongly_and_who_started_its_span(
            onOtherThread: Bool
        ) async throws {
            try await withTracer { tracer, _ in
                let error = #expect(throws: StrictScopesError.self) {
                    try withStrictScopes {
                        let span = tracer.startSpan("scoped")
                        span.withCurrent {
                            var handle = divak_span()
                            divak_current(&handle)
                            var outer = divak_scope()
                            var inner = divak_scope()
                            divak_scope_open(&handle, &outer)
                            divak_scope_open(nil, &inner)
                            if onOtherThread {
                                withUnsafeMutablePointer(to: &inner) { inner in
                                    nonisolated(unsafe) let inner = inner
                                    onThread { divak_scope_close(inner) }
                                }
                            } else {
                                divak_scope_close(&outer)
                            }
                            divak_scope_close(&inner)
                            divak_scope_close(&outer)
                        }
                        span.finish()
                    }
                }
                let problem = try #require(error?.problems.first)
                #expect(error?.problems.count == 1)
                if onOtherThread {
                    #expect(problem == "the scope of no span was closed on another thread than the one that opened it")
                } else {
                    #expect(problem.contains("started by strict_scopes_name_a_scope_that_was_closed_wrongly"))
                    #expect(problem.hasSuffix("was closed out of order, or twice"))
                }
                #expect(tracer.statistics.scopeMisuses == 1)
            }
        }

        @Test func an_orphan_is_logged_with_its_creator_once_for_each_place() async throws {
            try await withTracer { tracer, _ in
                let handler = InMemoryLogHandler()
                let logger = Logger(label: "test") { _ in handler }
                withLogger(logger) { _ in
                    for _ in 0..<3 { tracer.startSpan("dropped").tag("used", "yes") }
                    _ = tracer.startSpan("unused")
                }
                let warnings = handler.entries.filter { $0.level == .warning }
                #expect(warnings.count == 2)
                let first = try #require(warnings.first)
                #expect("\(first.message)".contains("span \"dropped\""))
                #expect("\(first.message)".hasSuffix("was neither finished, flushed nor abandoned"))
                #expect("\(first.metadata["creator"] ?? "")".contains("TestingTests.swift:"))
                #expect(first.metadata["traceId"] != nil && first.metadata["spanId"] != nil)
                #expect("\(warnings[1].message)".hasSuffix("was started and never used"))
            }
        }
    }
}

/// The tracer as C has it: the one that tests make is the only one.
private func rawTracer() -> OpaquePointer? { divak_tracer_current() }

/// Runs a closure on a thread of its own, and waits for it.
private func onThread(_ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    DispatchQueue(label: "test.thread").async {
        body()
        done.signal()
    }
    done.wait()
}
