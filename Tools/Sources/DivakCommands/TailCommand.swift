// SPDX-License-Identifier: Apache-2.0
// TailCommand.swift - `divak tail`: spans as they arrive.

import ArgumentParser
import DivakTerminal
import Foundation

/// Follows spans.
public struct TailCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Prints spans as they arrive, until interrupted.",
        discussion: "From divak collector at once; from another Zipkin by asking for new traces every second."
    )

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ScreenOptions
    @Option(help: "Only of this service.") var service: String?
    @Flag(help: "Only those with an error.") var failed = false
    @Option(help: ArgumentHelp("End after so many spans, 1 or more.", valueName: "n")) var count: Int?

    /// Made by the parser.
    public init() {}

    /// Refuses to show nothing.
    public func validate() throws {
        if let count, count < 1 { throw ValidationError("--count \(count) is not accepted: 1 or more") }
    }

    /// Follows.
    public func run() async throws {
        try await reporting {
            let client = try server.client()
            var printer = SpanPrinter(screen: output.screen, isJSON: output.json, left: count ?? .max)
            for try await news in SpanFeed(client: client).news() {
                guard case .spans(let spans) = news else {
                    Output.problem("\(news.count) spans came faster than they can be shown, and are left out")
                    continue
                }
                let wanted = spans.filter { span in
                    (service == nil || span.service == service?.lowercased()) && (!failed || span.isError)
                }
                try printer.show(wanted)
                if printer.left == 0 { break }
            }
        }
    }
}

/// A line a span.
private struct SpanPrinter {
    let screen: Screen
    let isJSON: Bool
    var left: Int
    var colours: [String: Int] = [:]

    mutating func show(_ spans: [ZipkinSpan]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for span in spans.prefix(left) {
            left -= 1
            if isJSON {
                try Output.bytes(encoder.encode(span) + Data("\n".utf8))
                continue
            }
            let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
            let time = span.timestamp.map { Quantity.time($0, now: now) } ?? "unknown"
            let duration = span.duration.map { Quantity.duration($0, unicode: screen.hasUnicode) } ?? "unfinished"
            let colour = colours[span.service] ?? colours.count
            colours[span.service] = colour
            // Of another day it is longer.
            var line =
                "\(screen.fitted(time, max(time.count, 12)))  \(String(repeating: " ", count: max(10 - Screen.columns(duration), 0)))\(duration)  "
            line += screen.styled(screen.shown(span.service), .service(colour)) + "  "
            line += screen.styled(screen.shown(span.name ?? "unknown"), span.isError ? .failure : .plain)
            if let error = span.tags?["error"] { line += screen.styled("  " + screen.shown(error), .failure) }
            line += "  " + screen.styled(screen.shown(span.traceId), .faint)
            try Output.lines([line])
        }
    }
}
