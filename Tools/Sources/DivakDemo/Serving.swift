// SPDX-License-Identifier: Apache-2.0
// Serving.swift - runs a traced service: its name, its server, and its last spans.

import Divak
import DivakHummingbird
import Foundation
import Hummingbird
import Logging

/// One of the demo's programs, as Divak sees it: a name.
///
/// Where its spans go is in DIVAK_ENDPOINT.
final class DemoApplication: Divak.Recorder {
    let divak = DivakApplication()

    init(service: String) throws {
        try setDivakService(service)
        try divak.configure { $0.flushInterval = .milliseconds(200) }
    }
}

/// Serves on a free port of loopback, which it prints, until SIGTERM; then sends the last spans.
func serve(_ router: Router<DivakRequestContext>, _ tracer: DivakTracer, as name: String) async throws {
    let application = Application(
        router: router,
        configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in say("port \(channel.localAddress?.port ?? 0)") },
        logger: Logger(label: name, factory: { _ in SwiftLogNoOpLogHandler() })
    )
    try await application.runService()
    try await finish(tracer, as: name)
}

/// Sends the last spans, and says how many there were in all; an error unless all of them arrived.
func finish(_ tracer: DivakTracer, as name: String) async throws {
    try await tracer.shutdown(timeout: .seconds(5))
    say("\(name): \(tracer.statistics.delivered) of \(tracer.statistics.started) spans delivered")
}

/// Prints a line at once: whoever waits for it through a pipe or a file must not wait for a full buffer.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
