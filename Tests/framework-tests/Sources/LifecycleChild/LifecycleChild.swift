// LifecycleChild.swift - a program that makes spans in a group of services until it is told to stop.
// SPDX-License-Identifier: Apache-2.0
//
//     lifecycle-child ENDPOINT SPANS enabled|disabled
//
// Prints "ready" when its first spans are made; as many more are open then, and end while the group shuts down. What
// arrives was delivered by the service: nothing is sent after the group has ended.

import Divak
import DivakServiceLifecycle
import Foundation
import Logging
import ServiceLifecycle

/// Makes spans; the last of them end in the shutdown.
struct Worker: Service {
    let tracer: DivakTracer
    let count: Int

    func run() async throws {
        let open = (0..<count).map { number in
            tracer.withSpan("early") { $0.tag("number", number) }
            return tracer.startSpan("late")
        }
        FileHandle.standardOutput.write(Data("ready\n".utf8))
        try? await gracefulShutdown()
        for span in open { span.finish() }
    }
}

@main
enum LifecycleChild {
    static func main() async throws {
        let arguments = CommandLine.arguments
        var configuration = DivakConfiguration(serviceName: "child", endpoint: arguments[1])
        configuration.readsEnvironment = false
        configuration.isEnabled = arguments[3] == "enabled"
        configuration.flushInterval = .seconds(600)
        let tracer = try DivakTracer(configuration)
        guard let count = Int(arguments[2]) else { fatalError("no number: \(arguments[2])") }
        let services: [any Service] = [
            DivakService(tracer, timeout: .seconds(2)),
            Worker(tracer: tracer, count: count),
        ]
        let group = ServiceGroup(
            services: services,
            gracefulShutdownSignals: [.sigterm],
            logger: Logger(label: "child")
        )
        try await group.run()
        // Past the hooks of the exit, of which the tracer's would send what the service had left.
        _exit(0)
    }
}
