// SPDX-License-Identifier: Apache-2.0
// Divak.swift - the command `divak`; each subcommand has a file of its own.

import ArgumentParser

@main
struct DivakCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "divak",
        abstract: "Looks at traces, and helps to make them.",
        subcommands: [CollectorCommand.self]
    )
}
