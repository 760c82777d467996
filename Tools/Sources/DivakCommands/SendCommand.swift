// SPDX-License-Identifier: Apache-2.0
// SendCommand.swift - `divak send`: posts saved spans.

import ArgumentParser
import DivakTerminal
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Posts spans from files.
public struct SendCommand: AsyncParsableCommand {
    /// How it is called.
    public static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Posts saved spans, in JSON or proto3, in messages of 500,000 bytes or less.",
        discussion: "divak trace --json ID | divak send --url other:9411 -"
    )

    @OptionGroup var server: ServerOptions
    @Argument(help: "Files of spans; - is standard input.") var files: [String]

    /// Made by the parser.
    public init() {}

    /// Posts; a file that is no list of spans is named, and nothing of it is sent.
    public func run() async throws {
        try await reporting {
            let client = try server.client()
            var count = 0
            for file in files {
                let data = try readFile(file)
                let saved: SavedSpans
                do {
                    saved = try SavedSpans(data)
                } catch {
                    throw CommandFailure("\(file): \(error)")
                }
                for message in saved.messages(limit: 500_000) {
                    var request = URLRequest(url: client.url("api/v2/spans"))
                    request.httpMethod = "POST"
                    request.httpBody = message
                    request.setValue(saved.contentType, forHTTPHeaderField: "content-type")
                    request.setValue("0", forHTTPHeaderField: "b3")
                    _ = try await client.send(request)
                }
                count += saved.count
            }
            try Output.lines(["\(count) span\(count == 1 ? "" : "s") sent to \(client.place)"])
        }
    }
}
