// SPDX-License-Identifier: Apache-2.0
// Divak.swift - the command `divak`; each subcommand has a file of its own.

import ArgumentParser
import DivakCollector
import DivakCommands
import DivakTerminal

@main
struct DivakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "divak",
        abstract: "Looks at traces, and helps to make them.",
        discussion: """
            divak exec --name build -- make all runs a command as a span; scripts nest. See divak exec --help.
            """,
        version: Collector.version,
        subcommands: [
            CollectorCommand.self, TracesCommand.self, TraceCommand.self, TailCommand.self, DependenciesCommand.self,
            SendCommand.self, CheckCommand.self, ConfigCommand.self, BenchCommand.self,
        ]
    )

    static func main() async {
        StandardFiles.claim()
        await main(nil)
    }
}
