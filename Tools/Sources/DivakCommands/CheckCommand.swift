// SPDX-License-Identifier: Apache-2.0
// CheckCommand.swift - `divak check`: whether spans would arrive, and if not, why.

import ArgumentParser
import Divak
import DivakTerminal
import Foundation

/// Tries the endpoint, step by step.
public struct CheckCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tries the collector of DIVAK_ENDPOINT: its name, its port, TLS, an empty message.",
        discussion: "Every setting counts as it would in a traced program. Exit status 1 when spans would not arrive."
    )

    @OptionGroup var output: ScreenOptions
    @Option(help: "The endpoint to try instead.") var endpoint: String?

    /// Made by the parser.
    public init() {}

    /// Tries and prints.
    public func run() async throws {
        try await reporting {
            var configuration = DivakConfiguration(endpoint: endpoint)
            configuration.settings["log"] = "off"
            let settings: [DivakSetting]
            do {
                settings = try configuration.effectiveSettings
            } catch {
                throw CommandFailure("\(error)")
            }
            let report = Report(screen: output.screen)
            let shown = settings.first { $0.name == "endpoint" }
            let isSet = shown?.source != .default
            try report.step("endpoint", shown?.value ?? "", isSet ? nil : "by default: DIVAK_ENDPOINT is not set")
            // Shown without what is secret in it; host and port are not.
            guard let url = Address(shown?.value ?? "") else {
                throw CommandFailure("the endpoint has no host: \(shown?.value ?? "")")
            }
            let addresses = Probe.resolve(url.host, url.port)
            guard case .success(let found) = addresses else {
                if case .failure(let failure) = addresses {
                    try report.fail("name", failure.description, hint(name: url))
                }
                throw ExitCode(1)
            }
            try report.step("name", "\(url.host) is \(found.map(\.text).joined(separator: ", "))")
            switch Probe.connect(found) {
            case .success(let address): try report.step("port", "\(address) accepts connections")
            case .failure(let failure):
                try report.fail("port", failure.description, hint(port: url))
                throw ExitCode(1)
            }
            try await post(configuration, url, report)
        }
    }

    /// What a traced program does, by the library itself: its TLS, headers and time limits count.
    private func post(_ configuration: DivakConfiguration, _ url: Address, _ report: Report) async throws {
        guard let words = await refusal(configuration) else {
            if url.isTLS { try report.step("TLS", "the certificate is trusted, TLS 1.2 or later") }
            return try report.step("message", "an empty list of spans was accepted")
        }
        let isTLS = url.isTLS && ["SSL", "TLS", "certificate"].contains { words.contains($0) }
        try report.fail(isTLS ? "TLS" : "message", words, isTLS ? Self.hintTLS : Self.hintMessage)
        throw ExitCode(1)
    }

    /// Why an empty message is not taken; nil when it is.
    private func refusal(_ configuration: DivakConfiguration) async -> String? {
        do {
            let tracer = try DivakTracer(configuration)
            do {
                try await tracer.check(timeout: .seconds(10))
                return nil
            } catch {
                return tracer.failure() ?? error.message
            }
        } catch {
            return "\(error)"
        }
    }

    private func hint(name: Address) -> String {
        "is \"\(name.host)\" spelled as in the DNS or in /etc/hosts of this machine?"
    }

    private func hint(port: Address) -> String {
        port.isLoopback
            ? "nothing listens there; `divak collector` would"
            : "does the collector run, and does a firewall let this machine through?"
    }

    private static let hintTLS = "DIVAK_CA_FILE names the certificates to trust; nothing turns the check off"
    private static let hintMessage =
        "the path should lead to a Zipkin's /api/v2/spans; DIVAK_HEADERS sets what a gateway asks for"
}

/// Lines with a mark each.
private struct Report {
    let screen: Screen

    func step(_ name: String, _ words: String, _ note: String? = nil) throws {
        try line(screen.styled(screen.hasUnicode ? "✓" : "ok", .service(2)), name, words, note)
    }

    func fail(_ name: String, _ words: String, _ hint: String) throws {
        try line(screen.styled(screen.hasUnicode ? "✗" : "no", .failure), name, words, hint)
    }

    private func line(_ mark: String, _ name: String, _ words: String, _ note: String?) throws {
        var lines = ["\(mark) \(screen.fitted(name, 8))  \(screen.shown(words))"]
        if let note {
            let indent = String(repeating: " ", count: 12 - (screen.hasUnicode ? 0 : -1))
            lines.append(indent + screen.styled(note, .faint))
        }
        try Output.lines(lines)
    }
}
