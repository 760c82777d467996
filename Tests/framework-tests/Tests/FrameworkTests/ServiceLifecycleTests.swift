// ServiceLifecycleTests.swift - the service in real groups: what it delivers, and when it returns.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakServiceLifecycle
import DivakTesting
import Foundation
import Logging
import ServiceLifecycle
import Testing

/// A configuration that sends to a collector and hides what it complains about.
private func reporting(to endpoint: String) -> DivakConfiguration {
    var configuration = DivakConfiguration(serviceName: "test", endpoint: endpoint)
    configuration.readsEnvironment = false
    configuration.flushInterval = .seconds(600)
    configuration.settings["log"] = "off"
    return configuration
}

private let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }

private func group(_ services: [any Service]) -> ServiceGroup {
    ServiceGroup(services: services, logger: silent)
}

/// A service that ends an open span when the group shuts down, and one that says when it runs.
private struct Finisher: Service {
    let span: DivakSpan
    let isRunning: AsyncStream<Void>.Continuation

    func run() async throws {
        isRunning.yield()
        try? await gracefulShutdown()
        span.finish()
    }
}

private struct Failing: Service {
    let isRunning: AsyncStream<Void>

    func run() async throws {
        for await _ in isRunning { throw Fallen() }
    }
}

private struct Fallen: Error {}

extension Everything {
    @Suite struct ServiceLifecycleTests {
        @Test func a_graceful_shutdown_delivers_what_other_services_end_last() async throws {
            try await ZipkinServer.run { zipkin, endpoint in
                let tracer = try DivakTracer(reporting(to: endpoint))
                let (running, isRunning) = AsyncStream<Void>.makeStream()
                let group = group([
                    DivakService(tracer), Finisher(span: tracer.startSpan("last words"), isRunning: isRunning),
                ])
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await group.run() }
                    for await _ in running.prefix(1) {}
                    await group.triggerGracefulShutdown()
                    try await tasks.waitForAll()
                }
                #expect(await zipkin.spans.map(\.name) == ["last words"])
                #expect(tracer.statistics.pending == 0)
                try? await tracer.shutdown()
            }
        }

        @Test func a_group_that_is_cancelled_delivers_what_has_ended() async throws {
            try await ZipkinServer.run { zipkin, endpoint in
                let tracer = try DivakTracer(reporting(to: endpoint))
                tracer.withSpan("done") { _ in }
                let (running, isRunning) = AsyncStream<Void>.makeStream()
                let group = group([
                    DivakService(tracer), Finisher(span: tracer.startSpan("open"), isRunning: isRunning),
                ])
                let task = Task { try await group.run() }
                for await _ in running.prefix(1) {}
                task.cancel()
                _ = await task.result
                #expect(await zipkin.spans.contains { $0.name == "done" })
                try? await tracer.shutdown()
            }
        }

        @Test func a_group_that_fails_delivers_what_has_ended() async throws {
            try await ZipkinServer.run { zipkin, endpoint in
                let tracer = try DivakTracer(reporting(to: endpoint))
                tracer.withSpan("before the fall") { _ in }
                let (running, isRunning) = AsyncStream<Void>.makeStream()
                isRunning.yield()
                await #expect(throws: Fallen.self) {
                    try await group([DivakService(tracer), Failing(isRunning: running)]).run()
                }
                #expect(await zipkin.spans.map(\.name) == ["before the fall"])
                try? await tracer.shutdown()
            }
        }

        @Test(arguments: ["disabled", "switched off", "shut down"])
        func it_does_not_return_before_the_group_stops(tracing: String) async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.readsEnvironment = false
            configuration.reporters = [.none]
            configuration.isEnabled = tracing != "switched off"
            let tracer = tracing == "disabled" ? DivakTracer.disabled : try DivakTracer(configuration)
            if tracing == "shut down" { try await tracer.shutdown() }
            let group = group([DivakService(tracer)])
            let hasReturned = Flag()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try await group.run()
                    await hasReturned.set()
                }
                try await Task.sleep(for: .milliseconds(200))
                #expect(await !hasReturned.isSet)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(await hasReturned.isSet)
            try? await tracer.shutdown()
        }

        @Test func without_a_group_it_waits_for_its_task_to_be_cancelled() async throws {
            try await withTracer { tracer, collector in
                tracer.withSpan("done") { _ in }
                let task = Task { await DivakService(tracer).run() }
                try await Task.sleep(for: .milliseconds(50))
                task.cancel()
                await task.value
                #expect(try collector.spans().map(\.name) == ["done"])
            }
        }

        @Test func a_stalled_collector_delays_the_shutdown_by_the_timeout_and_no_more() async throws {
            let server = try StalledServer()
            let tracer = try DivakTracer(reporting(to: "http://127.0.0.1:\(server.port)"))
            tracer.withSpan("unheard") { _ in }
            let lines = LogLines()
            let logger = Logger(label: "test") { _ in lines.handler }
            let service = DivakService(tracer, timeout: .milliseconds(300), logger: logger)
            let group = group([service])
            let start = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await group.run()
            let took = ContinuousClock.now - start
            #expect(took >= .milliseconds(290) && took < .seconds(2), "\(took)")
            #expect(lines.all.count == 1 && lines.all[0].contains("pending 1"), "\(lines.all)")
            try? await tracer.shutdown(timeout: .milliseconds(50))
            withExtendedLifetime(server.port) {}
        }

        @Test func calls_that_wait_for_a_stalled_collector_hold_no_thread_of_the_pool() async throws {
            let server = try StalledServer()
            let endpoint = "http://127.0.0.1:\(server.port)"
            let tracers = try (0..<2).map { _ in try DivakTracer(reporting(to: endpoint)) }
            for tracer in tracers { tracer.withSpan("unheard") { _ in } }
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let start = ContinuousClock.now
            // As many calls that wait as there are threads, of each kind; were one thread held by each, no round of the
            // other task would come to its end before the first of them gave up.
            let rounds = await withTaskGroup(of: Duration?.self) { group in
                for _ in 0..<cores {
                    group.addTask {
                        try? await tracers[0].flush(timeout: .seconds(2))
                        return nil
                    }
                    group.addTask {
                        let task = Task { await DivakService(tracers[0], timeout: .seconds(2), logger: silent).run() }
                        task.cancel()
                        await task.value
                        return nil
                    }
                    group.addTask {
                        try? await tracers[1].shutdown(timeout: .seconds(2))
                        return nil
                    }
                }
                group.addTask {
                    for _ in 0..<50 { try? await Task.sleep(for: .milliseconds(1)) }
                    return ContinuousClock.now - start
                }
                var rounds: Duration?
                for await time in group { rounds = rounds ?? time }
                return rounds
            }
            let all = ContinuousClock.now - start
            #expect(try #require(rounds) < .milliseconds(1500))
            #expect(all >= .milliseconds(1900) && all < .seconds(4), "\(all)")
            try? await tracers[0].shutdown(timeout: .milliseconds(50))
            withExtendedLifetime(server.port) {}
        }

        @Test func on_sigterm_a_process_delivers_everything_and_exits_with_0() async throws {
            try await ZipkinServer.run { zipkin, endpoint in
                let child = try await run(child: [endpoint, "50", "enabled"])
                #expect(child.status == 0)
                let spans = await zipkin.spans
                #expect(spans.filter { $0.name == "early" }.count == 50)
                #expect(spans.filter { $0.name == "late" }.count == 50)
            }
        }

        @Test func on_sigterm_a_process_whose_tracing_is_disabled_exits_with_0_and_not_before() async throws {
            try await ZipkinServer.run { zipkin, endpoint in
                let child = try await run(child: [endpoint, "5", "disabled"])
                #expect(child.status == 0)
                #expect(child.aliveAfter >= .milliseconds(300))
                #expect(await zipkin.messages == 0)
            }
        }

        @Test func on_sigterm_a_process_whose_collector_stalls_exits_with_0_in_time() async throws {
            let server = try StalledServer()
            let child = try await run(child: ["http://127.0.0.1:\(server.port)", "5", "enabled"])
            #expect(child.status == 0)
            #expect(child.exitedIn < .seconds(4), "\(child.exitedIn)")
            withExtendedLifetime(server.port) {}
        }
    }
}

/// Runs the child until it is ready, and a little longer, then sends it SIGTERM.
private func run(
    child arguments: [String]
) async throws -> (status: Int32, aliveAfter: Duration, exitedIn: Duration) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("LifecycleChild")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    let (exits, exit) = AsyncStream<Int32>.makeStream()
    process.terminationHandler = { process in
        exit.yield(process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus)
        exit.finish()
    }
    try process.run()
    let ready = await Task.detached { output.fileHandleForReading.availableData }.value
    #expect(String(decoding: ready, as: UTF8.self) == "ready\n")
    let start = ContinuousClock.now
    try await Task.sleep(for: .milliseconds(300))
    let aliveAfter = process.isRunning ? ContinuousClock.now - start : .zero
    let signalled = ContinuousClock.now
    kill(process.processIdentifier, SIGTERM)
    var status: Int32 = -1
    for await code in exits { status = code }
    return (status, aliveAfter, ContinuousClock.now - signalled)
}

private actor Flag {
    private(set) var isSet = false
    func set() { isSet = true }
}
