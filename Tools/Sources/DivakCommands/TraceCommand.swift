// SPDX-License-Identifier: Apache-2.0
// TraceCommand.swift - `divak trace`: one trace as a waterfall.

import ArgumentParser
import DivakTerminal
import Foundation

/// Shows one trace.
public struct TraceCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Shows one trace, a line a span, with the time of each.",
        discussion: """
            divak trace 80f198ee56343ba864fe8b2a57d3eff7
            divak trace --details --file saved.json
            """
    )

    @OptionGroup var server: ServerOptions
    @OptionGroup var output: ScreenOptions

    @Argument(help: "The trace's id, or a link to it.") var id: String?
    @Option(help: ArgumentHelp("Read it from a file of spans in JSON instead; - is standard input.", valueName: "path"))
    var file: String?
    @Flag(name: [.short, .long], help: "Show tags, annotations and ids too.") var details = false

    /// Made by the parser.
    public init() {}

    /// Wants one source.
    public func validate() throws {
        if (id == nil) == (file == nil) { throw ValidationError("say the id of a trace, or --file") }
        if let id, Self.traceID(id) == nil {
            throw ValidationError("\"\(id)\" is not accepted: 1 to 32 hexadecimal digits, or a link that ends in them")
        }
    }

    /// The id in what people paste.
    static func traceID(_ text: String) -> String? {
        let last = text.split(whereSeparator: { "/?#=".contains($0) }).last.map(String.init) ?? text
        let id = last.lowercased()
        let isID = (1...32).contains(id.count) && id.allSatisfy { $0.isASCII && $0.isHexDigit }
        return isID ? id : nil
    }

    /// Asks and prints.
    public func run() async throws {
        try await reporting {
            let body: Data
            if let file {
                body = try readFile(file)
            } else {
                body = try await server.client().trace(Self.traceID(id ?? "") ?? "")
            }
            if output.json { return try Output.bytes(body + Data("\n".utf8)) }
            let spans = try file.map { try savedSpans(body, $0) } ?? decodeAnswer([ZipkinSpan].self, body)
            if spans.isEmpty { return try Output.lines(["no spans"]) }
            let drawing = Waterfall(on: output.screen)
            let drawn = Self.traces(spans).map { drawing.lines(TraceTree($0), withDetails: details) }
            try Output.lines(Array(drawn.joined(separator: [""])))
        }
    }

    /// A file may hold more than one trace; the one that it mentions first comes first.
    static func traces(_ spans: [ZipkinSpan]) -> [[ZipkinSpan]] {
        var places: [String: Int] = [:]
        var traces: [[ZipkinSpan]] = []
        for span in spans {
            let place = places[span.traceId] ?? traces.count
            if place == traces.count {
                places[span.traceId] = place
                traces.append([])
            }
            traces[place].append(span)
        }
        return traces
    }
}

/// The spans of a file in JSON: a list of them, or of traces, as a search answers.
func savedSpans(_ data: Data, _ path: String) throws(CommandFailure) -> [ZipkinSpan] {
    let decoder = JSONDecoder()
    if let spans = try? decoder.decode([ZipkinSpan].self, from: data) { return spans }
    if let traces = try? decoder.decode([[ZipkinSpan]].self, from: data) { return Array(traces.joined()) }
    throw CommandFailure("\(path): not a list of spans in JSON")
}

/// The bytes of a file, or of standard input.
func readFile(_ path: String) throws(CommandFailure) -> Data {
    let isStandard = path == "-"
    func failure() -> CommandFailure {
        CommandFailure("\(isStandard ? "standard input" : path): \(String(cString: strerror(errno)))")
    }
    let file = isStandard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure() }
    defer { if !isStandard { close(file) } }
    var data = Data()
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(file, &piece, piece.count)
        if count == 0 { return data }
        if count > 0 { data.append(contentsOf: piece[..<count]) } else if errno != EINTR { throw failure() }
    }
}
