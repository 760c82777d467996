// SPDX-License-Identifier: Apache-2.0
// CollectorCommand.swift - `divak collector`: runs the collector until it is told to stop.

import ArgumentParser
import DivakCollector
import DivakServer
import Foundation

struct CollectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collector",
        abstract: "Takes spans as a Zipkin server does, keeps them, and answers questions about them."
    )

    @Option(help: "The address to listen on. Others than loopback let the network in.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one and prints it.")
    var port = 9411

    func run() async throws {
        let host = host
        try await CollectorServer(host: host, port: port).run(Collector()) { port in
            // Not print: whoever waits for this line through a pipe must not wait for a full buffer.
            FileHandle.standardOutput.write(Data("divak collector: listening on http://\(host):\(port)\n".utf8))
        }
    }
}
