// Places.swift - what a task does, and where: in the pool, on an actor, on the main thread, on a queue of its own.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Divak

/// Every other one.
func isCancelled(_ number: Int) -> Bool { number % 2 == 1 }
/// Every thousandth ends a span twice, and leaves another one unused.
func isCareless(_ number: Int) -> Bool { number % 1000 == 0 }

/// An actor of the pool that all tasks share.
actor Tally {
    private(set) var wrongCurrent = 0

    func visit(_ tracer: DivakTracer, _ number: Int) {
        tracer.withSpan("actor \(number)") { span in
            if DivakSpan.current != span { wrongCurrent += 1 }
        }
    }

    func note(isRight: Bool) {
        if !isRight { wrongCurrent += 1 }
    }
}

/// The main thread.
@MainActor enum Main {
    static func visit(_ tracer: DivakTracer, _ number: Int) async {
        await tracer.withSpan("main \(number)") { _ in await Task.yield() }
    }

    /// A span that ends elsewhere: ``Apart/finish(_:)``.
    static func start(_ tracer: DivakTracer, _ number: Int) -> DivakSpan {
        let span = tracer.startSpan("handed \(number)")
        span.tag("from", "main")
        return span
    }
}

/// An actor with threads of its own.
actor Apart {
    private let executor = QueueExecutor()

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func visit(_ tracer: DivakTracer, _ number: Int) async {
        await tracer.withSpan("apart \(number)") { _ in await Task.yield() }
    }

    func finish(_ span: DivakSpan) {
        span.tag("to", "queue")
        span.finish()
    }
}

final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "apart")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        queue.async { job.runSynchronously(on: executor) }
    }
}

struct Places: Sendable {
    /// The spans of a task by name, each with the name of its parent.
    static let parents = [
        "outer": nil, "inner": "outer", "actor": "inner", "main": "inner", "apart": "inner", "handed": "inner",
    ]

    let tracer: DivakTracer
    let tally = Tally()
    let apart = Apart()

    init(_ tracer: DivakTracer) {
        self.tracer = tracer
    }

    /// Six spans; a cancelled task waits until it is, and throws through the outer two.
    @Sendable func work(_ number: Int) async throws {
        try await tracer.withSpan("outer \(number)") { outer in
            await Task.yield()
            try await tracer.withSpan("inner \(number)") { inner in
                await tally.visit(tracer, number)
                await Main.visit(tracer, number)
                await apart.visit(tracer, number)
                await apart.finish(Main.start(tracer, number))
                await tally.note(isRight: DivakSpan.current == inner)
                if isCancelled(number) { try await Task.sleep(for: .seconds(600)) }
            }
            await tally.note(isRight: DivakSpan.current == outer)
            if isCareless(number) {
                outer.finish()
                _ = tracer.startSpan("unused")
            }
        }
    }
}
