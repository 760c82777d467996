// TaskTests.swift - spans in asynchronous code: tasks inherit, detached ones don't, actors keep their isolation.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

/// Something that can't be sent to another task.
final class Basket {
    var fruits = 0
}

extension Everything {
    @Suite struct TaskTests {
        @Test func three_nested_async_spans_are_a_chain_across_suspensions() async throws {
            try await withTracer { tracer, collector in
                let result = await tracer.withSpan("root") { _ in
                    await Task.yield()
                    return await tracer.withSpan("child") { _ in
                        await Task.yield()
                        return tracer.withSpan("grandchild") { _ in "leaf" }
                    }
                }
                #expect(result == "leaf")
                let spans = try await collector.spans(of: tracer)
                let (root, child) = (try spans.only("root"), try spans.only("child"))
                #expect(root.parentID == nil)
                #expect(child.parentID == root.id)
                #expect(try spans.only("grandchild").parentID == child.id)
            }
        }

        @Test func an_error_of_an_async_closure_is_tagged_and_thrown_on_unchanged() async throws {
            try await withTracer { tracer, collector in
                await #expect(throws: Spilled(liters: 5)) {
                    try await tracer.withSpan("pour") { _ in
                        await Task.yield()
                        throw Spilled(liters: 5)
                    }
                }
                let span = try await collector.spans(of: tracer).only("pour")
                #expect(span.error == "spilled 5 l")
            }
        }

        @Test func child_tasks_of_every_kind_inherit_the_span_and_a_detached_one_does_not() async throws {
            try await withTracer { tracer, collector in
                await tracer.withSpan("root") { _ in
                    await withTaskGroup(of: Void.self) { group in
                        for _ in 0..<20 {
                            group.addTask { await tracer.withSpan("group") { _ in await Task.yield() } }
                        }
                    }
                    async let left: Void = tracer.withSpan("let") { _ in await Task.yield() }
                    async let right: Void = tracer.withSpan("let") { _ in await Task.yield() }
                    _ = await (left, right)
                    await Task { tracer.withSpan("task") { _ in } }.value
                    await Task.detached { tracer.withSpan("detached") { _ in } }.value
                }
                let spans = try await collector.spans(of: tracer)
                let root = try spans.only("root")
                #expect(spans.count == 25)
                #expect(spans.filter { $0.name == "group" && $0.parentID == root.id }.count == 20)
                #expect(spans.filter { $0.name == "let" && $0.parentID == root.id }.count == 2)
                #expect(try spans.only("task").parentID == root.id)
                let detached = try spans.only("detached")
                #expect(detached.parentID == nil)
                #expect(detached.traceID != root.traceID)
            }
        }

        @Test func many_tasks_may_tag_one_span_at_once() async throws {
            try await withTracer { tracer, collector in
                await tracer.withSpan("shared") { span in
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<32 { group.addTask { span.tag("key\(number)", number) } }
                    }
                }
                let tags = try await collector.spans(of: tracer).only("shared").tags
                #expect(tags == Dictionary(uniqueKeysWithValues: (0..<32).map { ("key\($0)", "\($0)") }))
            }
        }

        @Test func a_cancelled_task_still_ends_its_span() async throws {
            try await withTracer { tracer, collector in
                let task = Task {
                    try await tracer.withSpan("sleep") { _ in try await Task.sleep(for: .seconds(600)) }
                }
                task.cancel()
                _ = await task.result
                let span = try await collector.spans(of: tracer).only("sleep")
                #expect(span.duration != nil)
                #expect(span.error != nil)
            }
        }

        @MainActor @Test func the_closure_stays_on_the_actor_with_what_is_not_sendable() async throws {
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer()
            let basket = Basket()
            let same = await tracer.withSpan("pick") { _ in
                MainActor.assertIsolated()
                basket.fruits += 1
                await Task.yield()
                MainActor.assertIsolated()
                return basket
            }
            #expect(same === basket)
            #expect(basket.fruits == 1)
            try await tracer.shutdown()
        }

        @Test func a_span_by_hand_can_be_made_current_in_async_code() async throws {
            try await withTracer { tracer, _ in
                let span = tracer.startSpan("request")
                await span.withCurrent {
                    await Task.yield()
                    #expect(DivakSpan.current == span)
                }
                #expect(DivakSpan.current == nil)
                span.finish()
            }
        }

        @Test func a_thousand_tasks_hopping_threads_keep_their_parents() async throws {
            // Room for 2,000 open spans: an eighth of the memory is theirs.
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.bufferBytes = 128 << 20
            try await withTracer(configuration) { tracer, collector in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<1000 {
                        group.addTask {
                            await tracer.withSpan("outer \(number)") { _ in
                                await Task.yield()
                                await tracer.withSpan("inner \(number)") { _ in await Task.yield() }
                            }
                        }
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == 2000)
                let ids = Dictionary(uniqueKeysWithValues: spans.map { ($0.name ?? "", $0.id) })
                for span in spans where span.name?.hasPrefix("inner") == true {
                    let outer = span.name?.replacing("inner", with: "outer") ?? ""
                    #expect(span.parentID == ids[outer])
                }
            }
        }
    }
}
