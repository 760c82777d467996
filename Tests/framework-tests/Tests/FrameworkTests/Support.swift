// Support.swift - what the tests of all frameworks share: tracers, servers on loopback, and a collector behind one.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Testing

/// All tests, one after the other: a process has room for 15 tracers, and nearly every test makes one.
@Suite(.serialized) enum Everything {}

/// A tracer with its collector, which is shut down when the test is through.
func withTracer(
    _ configuration: DivakConfiguration = DivakConfiguration(serviceName: "test"),
    _ body: (DivakTracer, InMemoryCollector) async throws -> Void
) async throws {
    let collector = InMemoryCollector()
    var configuration = configuration
    configuration.flushInterval = configuration.flushInterval ?? .milliseconds(20)
    let tracer = try collector.makeTracer(configuration)
    do {
        try await body(tracer, collector)
    } catch {
        try? await tracer.shutdown()
        throw error
    }
    try? await tracer.shutdown()
}

extension [CapturedSpan] {
    /// The one span of a name.
    func only(_ name: String, _ location: SourceLocation = #_sourceLocation) throws -> CapturedSpan {
        let found = filter { $0.name == name }
        #expect(found.count == 1, "spans named \(name) among \(map { $0.name ?? "" })", sourceLocation: location)
        return try #require(found.first, sourceLocation: location)
    }

    /// The one span of a kind.
    func only(kind: String, _ location: SourceLocation = #_sourceLocation) throws -> CapturedSpan {
        let found = filter { $0.kind == kind }
        #expect(found.count == 1, "spans of kind \(kind)", sourceLocation: location)
        return try #require(found.first, sourceLocation: location)
    }
}

/// Runs an application on a free port of loopback while a closure runs.
func withServer<Context: InitializableFromSource<ApplicationRequestContextSource> & RequestContext, Result: Sendable>(
    _ router: Router<Context>,
    logger given: Logger? = nil,
    _ body: @Sendable @escaping (_ port: Int) async throws -> Result
) async throws -> Result {
    let (ports, port) = AsyncStream<Int>.makeStream()
    var logger = given ?? Logger(label: "test-server")
    if given == nil { logger.logLevel = .critical }
    let application = Application(
        router: router,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in
            port.yield(channel.localAddress?.port ?? 0)
            port.finish()
        },
        logger: logger
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { port.finish() }
            try await application.run()
        }
        var found: Int?
        for await number in ports { found = number }
        let number = try #require(found, "the server did not start")
        let result: Result
        do {
            result = try await body(number)
        } catch {
            group.cancelAll()
            throw error
        }
        group.cancelAll()
        // A server that is cancelled may say so.
        while let _ = await group.nextResult() {}
        return result
    }
}

/// A collector as Zipkin is one: takes spans by HTTP.
actor ZipkinServer {
    private(set) var spans: [CapturedSpan] = []
    private(set) var messages = 0

    private func take(_ json: String) throws {
        spans += try CapturedSpan.list(json: json)
        messages += 1
    }

    /// The spans, when there are so many of them or the time is up.
    func waitForSpans(_ count: Int, timeout: Duration = .seconds(10)) async throws -> [CapturedSpan] {
        let deadline = ContinuousClock.now + timeout
        while spans.count < count, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
        return spans
    }

    /// Runs a collector while a closure runs.
    static func run<Result: Sendable>(
        _ body: @Sendable @escaping (_ zipkin: ZipkinServer, _ endpoint: String) async throws -> Result
    ) async throws -> Result {
        let zipkin = ZipkinServer()
        let router = Router()
        router.post("api/v2/spans") { request, _ in
            let bytes = try await request.body.collect(upTo: 1 << 22)
            try await zipkin.take(String(buffer: bytes))
            return HTTPResponse.Status.accepted
        }
        return try await withServer(router) { port in
            try await body(zipkin, "http://127.0.0.1:\(port)/api/v2/spans")
        }
    }
}

/// A collector that takes connections and never answers: the kernel completes them, and nobody accepts.
struct StalledServer: ~Copyable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        port = isListening ? Int(UInt16(bigEndian: address.sin_port)) : 0
        try #require(isListening, "no port to listen on")
    }

    deinit { close(descriptor) }
}
