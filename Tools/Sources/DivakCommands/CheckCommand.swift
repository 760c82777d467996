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
            let all: [DivakSetting]
            let tracer: DivakTracer
            do {
                all = try configuration.effectiveSettings
                tracer = try DivakTracer(configuration)
            } catch {
                throw CommandFailure("\(error)")
            }
            unknownVariables(ProcessInfo.processInfo.environment, all).forEach(Output.problem)
            let settings = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
            var report = CheckReport(screen: output.screen, isJSON: output.json)
            try report.recording(tracer, settings)
            try await Self.deliver(tracer, settings["endpoint"], &report)
            try report.end()
            if report.hasFailed { throw ExitCode(1) }
        }
    }

    /// From the endpoint's name to a message that it took; ends at the first step that fails.
    private static func deliver(
        _ tracer: DivakTracer,
        _ endpoint: DivakSetting?,
        _ report: inout CheckReport
    ) async throws {
        // Shown without what is secret in it; host and port are not.
        let shown = endpoint?.value ?? ""
        let isSet = endpoint?.source != .default
        try report.step("endpoint", shown, isSet ? nil : "by default: DIVAK_ENDPOINT is not set")
        guard let url = Address(shown) else { throw CommandFailure("the endpoint has no host: \(shown)") }
        var reached: [Probe.Found] = []
        if let proxy = url.proxyVariable(ProcessInfo.processInfo.environment) {
            // What this machine can't look up, or reach, the proxy may.
            try report.step("proxy", "\(proxy) names one, so that name and port are for the proxy to find")
        } else {
            switch Probe.resolve(url.host, url.port) {
            case .success(let found):
                reached = found
                try report.step("name", "\(url.host) is \(found.map(\.text).joined(separator: ", "))")
            case .failure(let failure): return try report.fail("name", failure.description, url.hintForName)
            }
            switch Probe.connect(reached) {
            case .success(let address): try report.step("port", "\(address) accepts connections")
            case .failure(let failure): return try report.fail("port", failure.description, url.hintForPort)
            }
        }
        guard let words = await refusal(of: tracer) else {
            if url.isTLS { try report.step("TLS", trusted) }
            return try report.step("message", "an empty list of spans was accepted")
        }
        let refusal = CheckRefusal(words, from: url) { Probe.greeting(reached) }
        if url.isTLS, !refusal.isTLS, refusal.status != nil { try report.step("TLS", trusted) }
        try report.fail(refusal.isTLS ? "TLS" : "message", words, refusal.hint)
    }

    private static let trusted = "the certificate is trusted, TLS 1.2 or later"

    /// Why an empty message is not taken; nil when it is.
    ///
    /// What a traced program does, by the library itself: its TLS, headers and time limits count.
    private static func refusal(of tracer: DivakTracer) async -> String? {
        do {
            try await tracer.check(timeout: .seconds(10))
            return nil
        } catch {
            return tracer.failure() ?? error.message
        }
    }
}
