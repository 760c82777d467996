// SPDX-License-Identifier: Apache-2.0
// DependenciesCommand.swift - `divak dependencies`: which service calls which.

import ArgumentParser
import DivakTerminal
import Foundation

/// Shows who calls whom.
public struct DependenciesCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "dependencies",
        abstract: "Shows which service calls which, how often, and how often in vain."
    )

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ScreenOptions
    @Option(help: "Of calls within this time. \(Span.help)") var since = Span.day

    /// Made by the parser.
    public init() {}

    /// Asks and prints.
    public func run() async throws {
        try await reporting {
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            let body = try await server.client().get(
                "api/v2/dependencies",
                [("endTs", "\(now)"), ("lookback", "\(since.lookback)")]
            )
            if output.json { return try Output.bytes(body + Data("\n".utf8)) }
            let links = try decodeAnswer([DependencyLink].self, body)
            try Output.lines(DependencyTree(on: output.screen).lines(links))
        }
    }
}
