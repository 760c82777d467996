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
            // A file may hold more than one trace.
            var order: [String] = []
            let traces = Dictionary(grouping: spans) { span in
                if !order.contains(span.traceId) { order.append(span.traceId) }
                return span.traceId
            }
            let drawing = Waterfall(on: output.screen)
            let drawn = order.compactMap { traces[$0] }.map { drawing.lines(TraceTree($0), withDetails: details) }
            try Output.lines(Array(drawn.joined(separator: [""])))
        }
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
    if path == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
    guard let file = fopen(path, "r") else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
    defer { fclose(file) }
    var data = Data()
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&piece, 1, piece.count, file)
        data.append(contentsOf: piece[..<count])
        if count < piece.count { break }
    }
    if ferror(file) != 0 { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
    return data
}
