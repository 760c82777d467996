// main.swift - many tasks, half of them cancelled, that hop between threads: no span lost, each parent the right one.
// SPDX-License-Identifier: Apache-2.0
//
//     swift run -c release --package-path Benchmarks DivakTasks [TASKS]
//
// Prints `figure NAME VALUE` lines. Tasks run 500 at a time; then what was reported of them is looked at, parent by
// parent, so that memory stays small and no task finds it full.

import Divak
import DivakTesting

let tasks = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
let together = 500

let collector = InMemoryCollector()
var configuration = DivakConfiguration(serviceName: "tasks")
configuration.bufferBytes = 128 << 20
let tracer = try collector.makeTracer(configuration)
let places = Places(tracer)
var audit = Audit()

for first in stride(from: 0, to: tasks, by: together) {
    let numbers = first..<min(first + together, tasks)
    let batch = numbers.map { number in Task.detached { try await places.work(number) } }
    for (number, task) in zip(numbers, batch) where isCancelled(number) { task.cancel() }
    for (number, task) in zip(numbers, batch) {
        if case .failure = await task.result { audit.failed(number) }
    }
    audit.look(at: try await collector.spans(of: tracer, timeout: .seconds(60)), of: numbers)
    try collector.removeAll()
}

let statistics = tracer.statistics
let isExact = statistics.isBalanced && statistics.pending == 0 && statistics.live == 0
let abandoned = statistics.dropped.first { $0.key.description == "abandoned" }?.value ?? 0
print("figure tasks \(tasks)")
print("figure cancelled \(audit.cancelled)")
print("figure reported \(audit.reported)")
print("figure missing \(audit.missing)")
print("figure wrong_parents \(audit.wrongParents)")
print("figure wrong_errors \(audit.wrongErrors)")
print("figure wrong_current \(await places.tally.wrongCurrent)")
print("figure started \(statistics.started)")
print("figure delivered \(statistics.delivered)")
print("figure abandoned \(abandoned)")
print("figure dropped \(statistics.droppedInAll - abandoned)")
print("figure unexplained \(isExact ? 0 : 1)")
print("figure used_after_end \(statistics.usesAfterEnd)")
try await tracer.shutdown()
