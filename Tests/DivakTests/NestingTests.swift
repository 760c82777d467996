// NestingTests.swift - one current span, whatever scopes are nested in whatever order.
// SPDX-License-Identifier: Apache-2.0

import CDivak
import Divak
import DivakTesting
import Testing
import Tracing

/// A way to make something current.
private enum Layer: CaseIterable, Sendable {
    /// The native `withSpan`.
    case native
    /// The native `withSpan` for asynchronous closures.
    case nativeAsync
    /// `withSpan` of the interface `Tracing`.
    case tracing
    /// A context with an entry that came in headers.
    case extracted
    /// A context with nothing of Divak's in it: it hides an entry, and no scope.
    case bare
    /// A C span in a C scope.
    case c
}

/// The ids that count for whoever comes next: trace and span; nil: nothing is current.
private struct Current: Equatable, CustomStringConvertible {
    var trace, span: String

    var description: String { "\(trace)-\(span)" }

    static var now: Current? { DivakSpan.current.map { Current(trace: $0.traceID, span: $0.spanID) } }

    /// What C finds.
    static var inC: Current? {
        var found = divak_span()
        guard divak_current(&found) == DIVAK_OK else { return nil }
        return Current(found)
    }

    init(trace: String, span: String) {
        self.trace = trace
        self.span = span
    }

    init(_ handle: divak_span) {
        var (trace, span) = ([CChar](repeating: 0, count: 33), [CChar](repeating: 0, count: 17))
        withUnsafePointer(to: handle) {
            divak_span_trace_id_text($0, &trace)
            divak_span_id_text($0, &span)
        }
        self.init(
            trace: String(decoding: trace.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self),
            span: String(decoding: span.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
        )
    }
}

private struct Dictionary64: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

private struct Harness {
    let tracer: DivakTracer
    let path: [Layer]

    /// Goes through the layers from `depth` on, checking at each what is current before, inside, and after.
    ///
    /// `scope` is what the innermost native or C scope has.
    func descend(_ depth: Int, _ expected: Current?, _ scope: Current?) async {
        check(expected, depth, "on entering")
        guard depth < path.count else { return }
        if path[depth...].allSatisfy({ $0 != .nativeAsync }) {
            descendWithoutSuspending(depth, expected, scope)
        } else {
            await descendSuspending(depth, expected, scope)
        }
        check(expected, depth, "on leaving")
    }

    private func descendSuspending(_ depth: Int, _ expected: Current?, _ scope: Current?) async {
        switch path[depth] {
        case .native, .nativeAsync:
            await tracer.withSpan("native") { span in
                await Task.yield()
                let started = started(span, under: expected, depth)
                await descend(depth + 1, started, started)
            }
        case .tracing:
            await tracer.withSpan("tracing", ofKind: .internal) { span in
                await Task.yield()
                await descend(depth + 1, started(span, under: expected, depth), scope)
            }
        case .extracted:
            let (context, entry) = extracted(depth)
            await ServiceContext.$current.withValue(context) {
                await Task.yield()
                await descend(depth + 1, entry, scope)
            }
        case .bare:
            await ServiceContext.$current.withValue(.topLevel) { await descend(depth + 1, scope, scope) }
        case .c:
            // A C scope closes before anything waits: what is inside gets its span as C would hand it on.
            var (span, cScope) = startInC(under: expected, depth)
            #expect(divak_scope_close(&cScope) == DIVAK_OK)
            divak_span_finish(&span)
            await descend(depth + 1, expected, scope)
        }
    }

    private func descendWithoutSuspending(_ depth: Int, _ expected: Current?, _ scope: Current?) {
        check(expected, depth, "on entering")
        guard depth < path.count else { return }
        switch path[depth] {
        case .native, .nativeAsync:
            tracer.withSpan("native") { span in
                let started = started(span, under: expected, depth)
                descendWithoutSuspending(depth + 1, started, started)
            }
        case .tracing:
            tracer.withSpan("tracing", ofKind: .internal) { span in
                descendWithoutSuspending(depth + 1, started(span, under: expected, depth), scope)
            }
        case .extracted:
            let (context, entry) = extracted(depth)
            ServiceContext.$current.withValue(context) { descendWithoutSuspending(depth + 1, entry, scope) }
        case .bare:
            ServiceContext.$current.withValue(.topLevel) { descendWithoutSuspending(depth + 1, scope, scope) }
        case .c:
            var (span, cScope) = startInC(under: expected, depth)
            descendWithoutSuspending(depth + 1, Current(span), Current(span))
            #expect(divak_scope_close(&cScope) == DIVAK_OK)
            divak_span_finish(&span)
        }
        check(expected, depth, "on leaving")
    }

    private func check(_ expected: Current?, _ depth: Int, _ when: String) {
        #expect(Current.now == expected, "\(path), \(depth), \(when), in Swift")
        #expect(Current.inC == expected, "\(path), \(depth), \(when), in C")
        let child = tracer.startSpan("probe")
        #expect(child.parentID == expected?.span, "\(path), \(depth), \(when), native child")
        child.abandon()
        let other = tracer.startSpan("probe", ofKind: .internal)
        #expect(other.parentID == expected?.span, "\(path), \(depth), \(when), child by Tracing")
        other.abandon()
        var headers: [String: String] = [:]
        tracer.inject(ServiceContext.current ?? .topLevel, into: &headers, using: DictionaryInjector())
        #expect(headers["X-B3-SpanId"] == expected?.span, "\(path), \(depth), \(when), injected")
    }

    private func started(_ span: DivakSpan, under parent: Current?, _ depth: Int) -> Current {
        #expect(span.parentID == parent?.span, "\(path), \(depth)")
        if let parent { #expect(span.traceID == parent.trace, "\(path), \(depth)") }
        return Current(trace: span.traceID, span: span.spanID)
    }

    private func extracted(_ depth: Int) -> (ServiceContext, Current) {
        let digit = "\(depth + 1)"
        let (trace, span) = (String(repeating: digit, count: 32), String(repeating: digit, count: 16))
        var context = ServiceContext.topLevel
        tracer.extract(["b3": "\(trace)-\(span)-1"], into: &context, using: Dictionary64())
        return (context, Current(trace: trace, span: span))
    }

    private func startInC(under parent: Current?, _ depth: Int) -> (divak_span, divak_scope) {
        var (span, scope) = (divak_span(), divak_scope())
        divak_span_start(divak_tracer_current(), "c", 1, divak_kind(DIVAK_KIND_LOCAL), nil, &span)
        #expect(span.parent_id == parent.flatMap { UInt64($0.span, radix: 16) } ?? 0, "\(path), \(depth)")
        divak_scope_open(&span, &scope)
        return (span, scope)
    }
}

struct DictionaryInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}

extension Everything {
    @Suite struct NestingTests {
        @Test func every_nesting_three_deep_keeps_the_chain_of_parents() async throws {
            try await withTracer { tracer, _ in
                for first in Layer.allCases {
                    for second in Layer.allCases {
                        for third in Layer.allCases {
                            await Harness(tracer: tracer, path: [first, second, third]).descend(0, nil, nil)
                        }
                    }
                }
                #expect(tracer.statistics.scopeMisuses == 0)
                #expect(tracer.statistics.live == 0)
                #expect(tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test func an_entry_that_names_no_caller_begins_a_new_trace_inside_of_any_scope() async throws {
            try await withTracer { tracer, _ in
                var context = ServiceContext.topLevel
                tracer.extract([:], into: &context, using: Dictionary64())
                tracer.withSpan("around") { around in
                    ServiceContext.$current.withValue(context) {
                        #expect(DivakSpan.current == nil)
                        tracer.withSpan("native") { span in
                            #expect(span.parentID == nil)
                            #expect(span.traceID != around.traceID)
                            tracer.withSpan("inner") { #expect($0.parentID == span.spanID) }
                        }
                        tracer.withSpan("tracing", ofKind: .server) { #expect($0.parentID == nil) }
                    }
                    #expect(DivakSpan.current == around)
                }
            }
        }

        @Test func a_context_given_by_hand_counts_on_a_thread_that_has_none() async throws {
            try await withTracer { tracer, collector in
                // As an event loop's callback gets it: no task, no task-locals, the context in a closure.
                let context = tracer.withSpan("request", ofKind: .server) { $0.context }
                await onThread {
                    #expect(DivakSpan.current == nil)
                    let span = tracer.startSpan("callback", context: context)
                    ServiceContext.withValue(span.context) {
                        tracer.withSpan("below") { #expect($0.parentID == span.spanID) }
                    }
                    span.end()
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("callback").parentID == spans.only("request").id)
                #expect(try spans.only("below").parentID == spans.only("callback").id)
            }
        }

        @Test func a_continuation_resumed_by_another_thread_keeps_the_span() async throws {
            try await withTracer { tracer, _ in
                await tracer.withSpan("waiting") { span in
                    await withCheckedContinuation { continuation in
                        startThread {
                            #expect(DivakSpan.current == nil)
                            continuation.resume()
                        }
                    }
                    #expect(DivakSpan.current == span)
                }
            }
        }

        @Test func contexts_and_scopes_reach_child_tasks_and_not_detached_ones() async throws {
            try await withTracer { tracer, _ in
                await tracer.withSpan("context", ofKind: .internal) { outer in
                    await tracer.withSpan("native") { native in
                        await tracer.withSpan("inner context", ofKind: .internal) { inner in
                            async let one = DivakSpan.current
                            #expect(await one == inner)
                            let task = Task { DivakSpan.current }
                            #expect(await task.value == inner)
                            #expect(await Task.detached { DivakSpan.current }.value == nil)
                            let parents = await withTaskGroup(of: String?.self) { group in
                                for _ in 0..<10 {
                                    group.addTask { tracer.withSpan("in group") { span in span.parentID } }
                                }
                                return await group.reduce(into: Set<String?>()) { $0.insert($1) }
                            }
                            #expect(parents == [inner.spanID])
                        }
                        #expect(DivakSpan.current == native)
                        #expect(native.parentID == outer.spanID)
                    }
                    #expect(DivakSpan.current == outer)
                }
            }
        }

        @Test func an_actor_called_from_a_span_sees_it_and_keeps_none_of_it() async throws {
            actor Kitchen {
                func parent(_ tracer: DivakTracer) async -> String? {
                    await tracer.withSpan("cook") { span in
                        await Task.yield()
                        return span.parentID
                    }
                }
            }
            try await withTracer { tracer, _ in
                let kitchen = Kitchen()
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            await tracer.withSpan("order") { order in
                                #expect(await kitchen.parent(tracer) == order.spanID)
                                #expect(DivakSpan.current == order)
                            }
                        }
                    }
                }
                #expect(await kitchen.parent(tracer) == nil)
            }
        }

        @Test func nothing_is_current_in_a_scope_that_asks_for_that() async throws {
            try await withTracer { tracer, _ in
                tracer.withSpan("outer") { outer in
                    var scope = divak_scope()
                    divak_scope_open(nil, &scope)
                    #expect(DivakSpan.current == nil)
                    tracer.withSpan("new") { #expect($0.parentID == nil) }
                    #expect(divak_scope_close(&scope) == DIVAK_OK)
                    #expect(DivakSpan.current == outer)
                }
            }
        }
    }
}
