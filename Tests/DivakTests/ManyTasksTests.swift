// ManyTasksTests.swift - ten thousand tasks, half of them cancelled, hopping about: every span is where it belongs.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

/// Somewhere else to hop to and back from.
private actor Elsewhere {
    var visits = 0

    func visit(_ tracer: DivakTracer, _ name: String) async {
        visits += 1
        await tracer.withSpan(name) { _ in await Task.yield() }
    }
}

extension Everything {
    @Suite struct ManyTasksTests {
        private static let tasks = 10_000
        private static let groups = 100

        @Test func ten_thousand_tasks_half_of_them_cancelled_keep_their_parents() async throws {
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer()
            let elsewhere = Elsewhere()
            for group in 0..<Self.groups {
                await tracer.withSpan("group \(group)") { _ in
                    await withTaskGroup(of: Void.self) { tasks in
                        for number in 0..<(Self.tasks / Self.groups) {
                            tasks.addTask { await Self.work(tracer, elsewhere, "\(group)-\(number)") }
                            // Every other one is cancelled at once, wherever it is by then.
                            if number % 2 == 1 {
                                tasks.addTask { await Self.cancelled(tracer, elsewhere, "\(group)-\(number)") }
                            }
                        }
                    }
                }
                try await tracer.flush()
            }
            let spans = try await collector.spans(of: tracer)
            let statistics = tracer.statistics
            #expect(statistics.isBalanced && statistics.droppedInAll == 0 && statistics.live == 0, "\(statistics)")
            // A group's span, and three for each task: those that are cancelled work in a task of their own.
            #expect(spans.count == Self.groups + 3 * (Self.tasks + Self.tasks / 2))

            let byID = Dictionary(uniqueKeysWithValues: spans.map { ($0.id, $0) })
            var wrong = 0
            for span in spans {
                guard let name = span.name, !name.hasPrefix("group") else { continue }
                let words = name.split(separator: " ")
                let parent = span.parentID.flatMap { byID[$0] }
                let expected: String
                switch words[0] {
                case "task", "cancelled":
                    expected = "group " + (words[1].split(separator: "-").first.map(String.init) ?? "")
                case "hop": expected = words[1] + " " + words[2]
                default: expected = "hop " + words[1] + " " + words[2]
                }
                if parent?.name != expected || parent?.traceID != span.traceID { wrong += 1 }
            }
            #expect(wrong == 0)
            try await tracer.shutdown(timeout: .seconds(10))
        }

        private static func work(
            _ tracer: DivakTracer,
            _ elsewhere: Elsewhere,
            _ id: String,
            _ word: String = "task"
        ) async {
            await tracer.withSpan("\(word) \(id)") { _ in
                await Task.yield()
                await tracer.withSpan("hop \(word) \(id)") { _ in
                    // Ends early where it is cancelled; the span does not care.
                    try? await Task.sleep(for: .microseconds(10))
                    await elsewhere.visit(tracer, "deep \(word) \(id)")
                }
            }
        }

        private static func cancelled(_ tracer: DivakTracer, _ elsewhere: Elsewhere, _ id: String) async {
            let task = Task { await work(tracer, elsewhere, id, "cancelled") }
            task.cancel()
            await task.value
        }
    }
}
