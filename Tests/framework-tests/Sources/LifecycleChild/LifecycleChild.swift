// LifecycleChild.swift - a program that makes spans in a group of services until it is told to stop.
// SPDX-License-Identifier: Apache-2.0
//
//     lifecycle-child ENDPOINT SPANS enabled|disabled
//
// Prints "ready" when its first spans are made; as many more are open then, and
// end while the group shuts down. The exit hook waits for nothing, so what arrives was delivered by the service.

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
        configuration.closeTimeout = .zero
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
    }
}
