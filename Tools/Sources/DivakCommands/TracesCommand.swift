// SPDX-License-Identifier: Apache-2.0
// TracesCommand.swift - `divak traces`: finds traces and lists them.

import ArgumentParser
import DivakTerminal
import Foundation

/// Lists traces.
public struct TracesCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "traces",
        abstract: "Finds traces and lists them, the newest first.",
        discussion: """
            divak traces --service checkout --min-duration 200ms
            divak traces --failed --since 1h --sort longest
            divak traces --tag http.method=POST --tag retry
            """
    )

    enum Order: String, CaseIterable, ExpressibleByArgument { case newest, longest }

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ScreenOptions

    @Option(help: "Of this service.") var service: String?
    @Option(help: "That call this service.") var remoteService: String?
    @Option(name: [.long, .customLong("span")], help: "With a span of this name.") var name: String?
    @Option(help: ArgumentHelp("With this tag, or annotation; may be said again.", valueName: "key[=value]"))
    var tag: [String] = []
    @Flag(help: "With an error.") var failed = false
    @Option(help: "With a span at least this long. \(Span.help)") var minDuration: Span?
    @Option(help: "With a span at most this long. \(Span.help)") var maxDuration: Span?
    @Option(help: "That began within this time. \(Span.help)") var since = Span.day
    @Option(help: ArgumentHelp("At most so many, 1 or more.", valueName: "n")) var limit = 20
    @Option(help: "newest or longest.") var sort: Order = .newest

    /// Made by the parser.
    public init() {}

    /// Refuses what no server would take.
    public func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit \(limit) is not accepted: 1 or more") }
        if maxDuration != nil, minDuration == nil { throw ValidationError("--max-duration wants --min-duration too") }
        for tag in tag where tag.isEmpty || tag.hasPrefix("=") || tag.contains(" and ") {
            // The API joins its conditions by that word, and passes over what has no key.
            throw ValidationError("--tag \"\(tag)\" is not accepted: key or key=value, without \" and \" in it")
        }
    }

    /// Asks and prints.
    public func run() async throws {
        try await reporting {
            let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
            var terms = tag
            if failed { terms.append("error") }
            let body = try await server.client().get(
                "api/v2/traces",
                [
                    ("serviceName", service), ("remoteServiceName", remoteService), ("spanName", name),
                    ("annotationQuery", terms.isEmpty ? nil : terms.joined(separator: " and ")),
                    ("minDuration", minDuration.map { "\($0.microseconds)" }),
                    ("maxDuration", maxDuration.map { "\($0.microseconds)" }),
                    ("endTs", "\(now / 1000)"), ("lookback", "\(since.lookback)"),
                    ("limit", "\(limit)"),
                ]
            )
            if output.json { return try Output.bytes(body + Data("\n".utf8)) }
            var traces = try decodeAnswer([[ZipkinSpan]].self, body).map { TraceTree($0) }
            traces.sort { sort == .newest ? ($0.start ?? 0) > ($1.start ?? 0) : $0.duration > $1.duration }
            try Output.lines(TraceTable(on: output.screen).lines(traces, now: now))
        }
    }
}

/// Decodes an answer, or says that it is none of Zipkin's.
func decodeAnswer<Answer: Decodable>(_ type: Answer.Type, _ body: Data) throws(CommandFailure) -> Answer {
    do {
        return try JSONDecoder().decode(type, from: body)
    } catch {
        let beginning = String(decoding: body.prefix(80), as: UTF8.self)
        throw CommandFailure("the answer is not what a Zipkin says: \(beginning)")
    }
}
