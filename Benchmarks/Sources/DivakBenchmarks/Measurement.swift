// Measurement.swift - bursts of one thing beside bursts of its limit, their minima and medians, and rows of a table.
// SPDX-License-Identifier: Apache-2.0

import CMeasure
import Divak

/// Keeps the compiler from leaving out what computed the value.
@inline(__always)
func use(_ number: Int) {
    measure_use(UInt64(truncatingIfNeeded: number))
}

/// Nanoseconds of one operation, burst by burst.
struct Samples: Sendable {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    var minimum: Double { values.min() ?? 0 }
    var median: Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
}

/// What one case came to.
struct Outcome: Sendable {
    var samples = Samples()
    var limit = Samples()
    /// What one operation took from the heap, by the burst that took least.
    var allocations = Double.infinity
}

/// A thing to measure: a burst does it so many times.
struct Case: Sendable {
    let name: String
    let goal: String
    /// In how many tasks a burst runs at once.
    let tasks: Int
    let burst: @Sendable (Int) async -> Void
    let limit: @Sendable (Int) async -> Void

    init(
        _ name: String,
        goal: String = "",
        limit: @escaping @Sendable (Int) async -> Void,
        _ burst: @escaping @Sendable (Int) async -> Void,
        tasks: Int = 1
    ) {
        self.name = name
        self.goal = goal
        self.burst = burst
        self.limit = limit
        self.tasks = tasks
    }

    static let operations = 1000

    /// One burst of the limit, one of the case, in turn: both see the same machine, busy or throttled as it may be.
    ///
    /// Between bursts the lanes are emptied: a span that finds no room costs less than one that is kept. Rounds whose tasks did not run at once are left out.
    func measure(_ tracer: DivakTracer, rounds: Int) async -> Outcome {
        var outcome = Outcome()
        // Of tasks that have to run at once, so many tries more.
        for round in 0..<rounds * (tasks * 4 - 3) where outcome.limit.values.count < rounds {
            let limit = await Self.burst(limit)
            let cases = tasks == 1 ? [await Self.burst(burst)] : await Self.bursts(burst, tasks: tasks)
            // Fails when spans were dropped, which is told at the end.
            try? await tracer.flush()
            guard round > 1, Burst.ranTogether(cases) else { continue }
            outcome.limit.add(limit.time)
            for one in cases {
                outcome.samples.add(one.time)
                outcome.allocations = min(outcome.allocations, one.allocations)
            }
        }
        return outcome
    }

    private static func burst(_ burst: @Sendable (Int) async -> Void) async -> Burst {
        let allocationsBefore = measure_allocations()
        let begin = measure_now()
        await burst(operations)
        let end = measure_now()
        return Burst(begin: begin, end: end, taken: measure_allocations() &- allocationsBefore)
    }

    /// A burst in each of some tasks, none of which begins before all are there.
    private static func bursts(_ burst: @escaping @Sendable (Int) async -> Void, tasks: Int) async -> [Burst] {
        let start = measure_now() + 200_000
        return await withTaskGroup(of: Burst.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    while measure_now() < start {}
                    return await Self.burst(burst)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// One burst: when it ran, and what it took from the heap.
private struct Burst: Sendable {
    let begin: UInt64
    let end: UInt64
    let taken: UInt64

    /// Nanoseconds of an operation.
    var time: Double { Double(end - begin) / Double(Case.operations) }
    /// Allocations of an operation.
    var allocations: Double { Double(taken) / Double(Case.operations) }

    /// Whether nine tenths of the longest lie within all: what ran one after the other says nothing of the other.
    static func ranTogether(_ bursts: [Burst]) -> Bool {
        let together = Int64(bursts.map(\.end).min() ?? 0) - Int64(bursts.map(\.begin).max() ?? 0)
        let longest = Int64(bursts.map { $0.end - $0.begin }.max() ?? 0)
        return together * 10 >= longest * 9
    }
}

extension Double {
    func text(_ digits: Int) -> String {
        let scale = digits == 1 ? 10.0 : 100.0
        let scaled = (self * scale).rounded() / scale
        let text = "\(scaled)"
        return digits == 2 && text.split(separator: ".").last?.count == 1 ? text + "0" : text
    }
}

/// One table, row by row, in the format of the C benchmarks and with one more column.
enum Table {
    static func begin(limit: String) {
        print(
            "| what | min ns | median ns | \(limit) min | \(limit) median | ratio of min | ratio of median "
                + "| allocations | goal |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
    }

    static func row(_ name: String, _ outcome: Outcome, goal: String) {
        let (samples, limit) = (outcome.samples, outcome.limit)
        guard !samples.values.isEmpty else {
            return print("| \(name) | not measured: the tasks never ran at once | | | | | | | \(goal) |")
        }
        let allocations = measure_counts_allocations() ? outcome.allocations.text(1) : "not counted here"
        print(
            "| \(name) | \(samples.minimum.text(1)) | \(samples.median.text(1)) | \(limit.minimum.text(1)) "
                + "| \(limit.median.text(1)) | \((samples.minimum / limit.minimum).text(2)) "
                + "| \((samples.median / limit.median).text(2)) | \(allocations) | \(goal) |"
        )
    }
}
