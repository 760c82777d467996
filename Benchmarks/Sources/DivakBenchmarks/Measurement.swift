// Measurement.swift - bursts of one thing beside bursts of its limit, their minima and medians, and rows of a table.
// SPDX-License-Identifier: Apache-2.0

import CMeasure

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
    let burst: @Sendable (Int) async -> Void
    let limit: @Sendable (Int) async -> Void

    init(
        _ name: String,
        goal: String = "",
        limit: @escaping @Sendable (Int) async -> Void,
        _ burst: @escaping @Sendable (Int) async -> Void
    ) {
        self.name = name
        self.goal = goal
        self.burst = burst
        self.limit = limit
    }

    static let operations = 1000

    /// One burst of the limit, one of the case, in turn: both see the same machine, busy or throttled as it may be.
    ///
    /// Between bursts the drainer gets the time to empty the lanes.
    func measure(rounds: Int) async -> Outcome {
        var outcome = Outcome()
        for round in 0..<rounds {
            let (limit, _) = await Self.time(limit)
            let (time, allocations) = await Self.time(burst)
            try? await Task.sleep(for: .milliseconds(2))
            guard round > 1 else { continue }
            outcome.limit.add(limit)
            outcome.samples.add(time)
            outcome.allocations = min(outcome.allocations, allocations)
        }
        return outcome
    }

    private static func time(_ burst: @Sendable (Int) async -> Void) async -> (time: Double, allocations: Double) {
        let allocationsBefore = measure_allocations()
        let begin = measure_now()
        await burst(operations)
        let end = measure_now()
        let allocations = measure_allocations() &- allocationsBefore
        return (Double(end - begin) / Double(operations), Double(allocations) / Double(operations))
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
        let allocations = measure_counts_allocations() ? outcome.allocations.text(1) : "not counted here"
        print(
            "| \(name) | \(samples.minimum.text(1)) | \(samples.median.text(1)) | \(limit.minimum.text(1)) "
                + "| \(limit.median.text(1)) | \((samples.minimum / limit.minimum).text(2)) "
                + "| \((samples.median / limit.median).text(2)) | \(allocations) | \(goal) |"
        )
    }
}
