// SPDX-License-Identifier: Apache-2.0
// ConfigCommand.swift - `divak config`: what a traced program would go by here, and why.

import ArgumentParser
import Divak
import DivakTerminal
import Foundation

/// Prints every setting.
public struct ConfigCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints every setting of a traced program, its value and where that came from.",
        discussion: """
            Exit status 1, and the reason, when a variable of the environment is not accepted. Variables that begin \
            with DIVAK_ and are no setting's are named on standard error.
            """
    )

    @OptionGroup var output: ScreenOptions
    @Flag(help: "Only what is not as by default.") var changed = false

    /// Made by the parser.
    public init() {}

    /// Prints.
    public func run() async throws {
        try await reporting {
            let all = try effectiveSettings()
            unknownVariables(ProcessInfo.processInfo.environment, all).forEach(Output.problem)
            let settings = all.filter { !changed || $0.source != .default }
            if output.json {
                let objects = settings.map { setting in
                    [
                        "name": setting.name, "value": setting.value, "source": "\(setting.source)",
                        "variable": setting.variable ?? "",
                    ]
                }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
                return try Output.bytes(encoder.encode(objects) + Data("\n".utf8))
            }
            let screen = output.screen
            let name = settings.map(\.name.count).max() ?? 0
            let value = min(settings.map { Screen.columns($0.value) }.max() ?? 0, max(screen.width - name - 30, 20))
            try Output.lines(
                settings.map { setting in
                    let isDefault = setting.source == .default
                    let source =
                        setting.source == .environment ? setting.variable ?? "environment" : "\(setting.source)"
                    return screen.fitted(setting.name, name) + "  "
                        + screen.styled(screen.fitted(screen.shown(setting.value), value), isDefault ? .plain : .strong)
                        + "  " + screen.styled(source, isDefault ? .faint : .plain)
                }
            )
        }
    }
}

/// The settings of a program started here; its name stands for the program's own.
func effectiveSettings() throws(CommandFailure) -> [DivakSetting] {
    do {
        return try DivakConfiguration().effectiveSettings
    } catch {
        throw CommandFailure("\(error)")
    }
}
