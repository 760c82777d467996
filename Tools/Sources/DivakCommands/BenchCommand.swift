// SPDX-License-Identifier: Apache-2.0
// BenchCommand.swift - `divak bench`: what tracing costs on this machine.

import ArgumentParser
import Divak
import DivakTerminal
import Foundation

/// Measures.
public struct BenchCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures what a span costs on this machine, in some seconds.",
        discussion: """
            A span has a name, a kind, two text tags and a number. Times are minima of many bursts, for the thread that
            makes the span; two readings of the clock stand beside them, since no span can do without.
            """
    )

    @OptionGroup var output: ScreenOptions
    @Option(help: ArgumentHelp("Bursts of 2,000 spans each, 1 or more.", valueName: "n")) var bursts = 200

    /// Made by the parser.
    public init() {}

    /// Refuses no bursts.
    public func validate() throws {
        guard bursts > 0 else { throw ValidationError("--bursts \(bursts) is not accepted: 1 or more") }
    }

    /// Measures and prints.
    public func run() async throws {
        try await reporting {
            var configuration = DivakConfiguration(serviceName: "bench")
            configuration.readsEnvironment = false
            configuration.reporters = [.none]
            do {
                let sampled = try DivakTracer(configuration)
                configuration.sampleRate = 0
                let unsampled = try DivakTracer(configuration)
                var rows: [(String, Double)] = []
                rows.append(("two readings of the clock", clocks()))
                rows.append(("a sampled span, withSpan and 3 tags", try await spans(sampled)))
                rows.append(("an unsampled span, withSpan and 3 tags", try await spans(unsampled)))
                let statistics = sampled.statistics
                try await sampled.shutdown(timeout: .seconds(10))
                try await unsampled.shutdown(timeout: .seconds(10))
                try show(rows, statistics)
            } catch {
                throw CommandFailure("\(error)")
            }
        }
    }

    private func show(_ rows: [(String, Double)], _ statistics: DivakStatistics) throws {
        if output.json {
            let object = Dictionary(uniqueKeysWithValues: rows)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return try Output.bytes(encoder.encode(object) + Data("\n".utf8))
        }
        let screen = output.screen
        var lines = rows.map { what, nanoseconds in
            screen.fitted(what, 42) + String(format: "%8.1f ns", nanoseconds)
        }
        lines.append("\(statistics.started) spans recorded, \(statistics.droppedInAll) dropped")
        try Output.lines(lines)
    }

    /// Nanoseconds of one of 2,000, the least of all bursts.
    private func least(_ burst: () -> Void) -> Double {
        var least = Double.infinity
        for _ in 0..<bursts {
            let begin = ContinuousClock.now
            burst()
            let (seconds, attoseconds) = (ContinuousClock.now - begin).components
            least = min(least, (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / 2000)
        }
        return least
    }

    private func clocks() -> Double {
        least {
            for _ in 0..<2000 {
                _ = ContinuousClock.now
                _ = ContinuousClock.now
            }
        }
    }

    private func spans(_ tracer: DivakTracer) async throws(DivakError) -> Double {
        var shortest = Double.infinity
        // In portions, with the lane emptied between: a burst must find room.
        for _ in 0..<max(bursts / 2, 1) {
            shortest = min(
                shortest,
                tracer.withSpan("bench", kind: .server, parent: .newTrace) { _ in
                    Self.burst(tracer)
                }
            )
            try await tracer.flush()
        }
        return shortest
    }

    private static func burst(_ tracer: DivakTracer) -> Double {
        let begin = ContinuousClock.now
        for number in 0..<2000 {
            tracer.withSpan("get /users/{id}", kind: .client) { span in
                span.tag("http.method", "GET")
                span.tag("http.path", "/users/42/profile")
                span.tag("http.status_code", number)
            }
        }
        let (seconds, attoseconds) = (ContinuousClock.now - begin).components
        return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / 2000
    }
}
