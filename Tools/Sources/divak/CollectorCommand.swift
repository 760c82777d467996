// SPDX-License-Identifier: Apache-2.0
// CollectorCommand.swift - `divak collector`: runs the collector until it is told to stop.

import ArgumentParser
import DivakCollector
import DivakServer
import DivakTerminal
import DivakWeb

struct CollectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collector",
        abstract: "Takes spans as a Zipkin server does, keeps them, and answers questions about them.",
        discussion: """
            Spans are kept in memory, or with --db in an SQLite file, within bounds of number, size and age; the oldest \
            go first, and are counted. Sizes are like 64MiB, ages like 90s, 30m, 12h or 7d.
            """
    )

    @Option(help: "The address to listen on. Others than loopback let the network in.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one and prints it.")
    var port = 9411

    @Option(help: ArgumentHelp("The SQLite file that keeps spans.", valueName: "file"))
    var db: String?

    @Option(help: "How many spans are kept. (default: 1000000, with --db 5000000)")
    var maxSpans: Int?

    @Option(help: "How much they may take, records and index together, like 64MiB. (default: 320MiB, with --db 4GiB)")
    var maxBytes: Size?

    @Option(help: "How long they are kept, like 90s, 30m, 12h or 7d. (default: as long as there is room)")
    var maxAge: Age?

    @Option(help: "The largest body of a request, like 64MiB.")
    var maxBody = Size(bytes: 10 << 20)

    @Option(help: "The largest body of a request when decompressed, like 64MiB.")
    var maxInflated = Size(bytes: 64 << 20)

    @Option(help: "How long a request may take to arrive, and a connection may do nothing, like 90s.")
    var patience = Age(milliseconds: 60_000)

    @Option(help: "How far a search looks back when it doesn't say, like 12h or 7d.")
    var lookback = Age(milliseconds: 86_400_000)

    @Option(help: "The share of traces that is kept, 0 to 1, by their ids; spans with the flag debug are kept anyhow.")
    var sampleRate = 1.0

    @Option(
        name: .customLong("autocomplete-key"),
        help: ArgumentHelp("A tag whose values are offered when searching. May be repeated.", valueName: "key")
    )
    var autocompleteKeys: [String] = []

    @Flag(inversion: .prefixedNo, help: "Whether 64- and 128-bit ids of one trace are different traces.")
    var strictTraceId = true

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port \(port): a port is 0 to 65535") }
        if let db, db.isEmpty { throw ValidationError("--db \"\": give the path of a file") }
        if let maxSpans, !(1...1_000_000_000).contains(maxSpans) {
            throw ValidationError("--max-spans \(maxSpans): give 1 to 1000000000")
        }
        guard (0...1).contains(sampleRate) else { throw ValidationError("--sample-rate \(sampleRate): give 0 to 1") }
        for (name, size) in [("--max-bytes", maxBytes), ("--max-body", maxBody), ("--max-inflated", maxInflated)] {
            if let size, size.bytes < 1024 { throw ValidationError("\(name) \(size.bytes): give 1KiB or more") }
        }
        if maxBody.bytes > 1 << 30 || maxInflated.bytes > 1 << 30 {
            throw ValidationError("--max-body, --max-inflated: give 1GiB or less")
        }
    }

    func run() async throws {
        let limits = StoreLimits(
            maxSpans: maxSpans ?? (db == nil ? 1_000_000 : 5_000_000),
            maxBytes: maxBytes?.bytes ?? (db == nil ? 320 << 20 : 4 << 30),
            maxAge: maxAge?.milliseconds
        )
        let store: SpanStore
        do {
            store = try SpanStore(
                limits: limits,
                path: db,
                isStrict: strictTraceId,
                autocompleteKeys: autocompleteKeys,
                onTrouble: { StandardFiles.say("divak collector: \($0)") }
            )
        } catch {
            throw ValidationError(error.description)
        }
        var settings = Collector.Settings()
        settings.maxBodyBytes = maxInflated.bytes
        settings.lookback = lookback.milliseconds
        settings.sampleRate = sampleRate
        settings.isStrict = strictTraceId
        let collector = Collector(store: store, settings: settings, page: CollectorCommand.page)
        let server = CollectorServer(
            host: host,
            port: port,
            maxBodyBytes: maxBody.bytes,
            patience: .milliseconds(patience.milliseconds)
        )
        let shown = host.contains(":") ? "[\(host)]" : host
        do {
            try await server.run(collector) { port in
                // Where it can't be written nobody waits for it: that is no reason not to serve.
                try? StandardFiles.write("divak collector: listening on http://\(shown):\(port)\n".utf8)
            }
        } catch {
            throw ValidationError("--host \(host) --port \(port): \(error)")
        }
    }

    /// The trace view, at every path that is not the API's.
    @Sendable private static func page(_ request: Request) -> Answer? {
        guard let file = DivakWeb.file(path: request.path) else { return nil }
        var headers = DivakWeb.headers + [("content-type", file.contentType)]
        if let tag = DivakWeb.entityTag(path: request.path) {
            headers.append(("etag", tag))
            if request.headers["if-none-match"]?.contains(tag) == true { return Answer(status: 304, headers: headers) }
        }
        return Answer(status: 200, headers: headers, body: file.bytes)
    }
}
