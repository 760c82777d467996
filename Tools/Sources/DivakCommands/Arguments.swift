// SPDX-License-Identifier: Apache-2.0
// Arguments.swift - options that several commands share.

import ArgumentParser
import DivakTerminal
import Foundation

/// A time on the command line, more than none: `250ms`, `10s`, `5m`, `2h`, `7d`.
struct Span: ExpressibleByArgument {
    /// Microseconds.
    let microseconds: Int64

    static let day = Span(microseconds: 86_400_000_000)

    private init(microseconds: Int64) { self.microseconds = microseconds }

    var defaultValueDescription: String { "\(microseconds / 3_600_000_000)h" }

    init?(argument: String) {
        let digits = argument.prefix { $0.isNumber || $0 == "." }
        let units: [String: Double] = [
            "us": 1, "µs": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000,
        ]
        guard let number = Double(digits), let unit = units[String(argument.dropFirst(digits.count))],
            (1..<9e18).contains(number * unit)
        else { return nil }
        microseconds = Int64(number * unit)
    }

    /// Milliseconds, as the API takes it; the least is one.
    var lookback: Int64 { max(microseconds / 1000, 1) }

    /// Said with every such option, since that is what a mistake is answered with.
    static let help = "Like 250ms, 10s, 5m, 2h, 7d."
}

extension Screen.ColourWish: ExpressibleByArgument {}

/// Where to ask.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The Zipkin, or divak collector, to ask.",
            discussion: "If none is given, that of DIVAK_ENDPOINT, or http://127.0.0.1:9411.",
            valueName: "url"
        )
    )
    var url: String?

    /// Where traced programs send to, as they read it.
    private static let variables = ["DIVAK_ENDPOINT", "OTEL_EXPORTER_ZIPKIN_ENDPOINT"]

    func client() throws -> ZipkinClient {
        let environment = ProcessInfo.processInfo.environment
        let variable = Self.variables.first { environment[$0]?.isEmpty == false }
        do {
            let given = url ?? variable.flatMap { environment[$0] } ?? "http://127.0.0.1:9411"
            return try ZipkinClient(given, isOnScreen: url != nil)
        } catch {
            throw ValidationError("\(url == nil ? variable ?? "" : "--url"): \(error)")
        }
    }
}

/// How to show it.
struct ScreenOptions: ParsableArguments {
    @Option(name: [.customLong("color"), .customLong("colour")], help: "auto, always or never.")
    var colour: Screen.ColourWish = .auto

    @Flag(help: "Print the answer's JSON instead.")
    var json = false

    var screen: Screen { Screen.standardOutput(colour: colour) }
}

/// Writes lines, or bytes as they are.
enum Output {
    static func lines(_ lines: [String]) throws {
        if lines.isEmpty { return }
        try bytes(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    static func bytes(_ data: Data) throws {
        do throws(StandardFiles.Failure) {
            try StandardFiles.write(data)
        } catch {
            // Whoever read has had enough, as `head` has.
            if error.number == EPIPE { throw ExitCode(0) }
            throw CommandFailure("standard output: \(error)")
        }
    }

    static func problem(_ text: String) { StandardFiles.say("divak: \(text)") }
}

/// Runs a command's body; failures become one line on standard error and exit status 1.
func reporting(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let failure as CommandFailure {
        Output.problem(failure.description)
        throw ExitCode(1)
    }
}
