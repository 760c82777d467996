// RowsServiceTests.swift - the example's two services over loopback, with a collector and a database that are real.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Foundation
import Logging
import RowsService
import ServiceLifecycle
import Testing

/// Runs services until the closure is through, then shuts them down gracefully; the closure gets the server's port.
private func run(
    _ make: (_ started: @escaping @Sendable (Int) -> Void) throws -> [any Service],
    _ body: @Sendable @escaping (_ port: Int) async throws -> Void
) async throws {
    let (ports, port) = AsyncStream<Int>.makeStream()
    let logger = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
    let group = ServiceGroup(services: try make { port.yield($0) }, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { port.finish() }
            try await group.run()
        }
        let started = try #require(await ports.first { _ in true }, "the server did not start")
        do {
            try await body(started)
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

extension Everything {
    @Suite struct RowsServiceTests {
        private func trace(probability: Double?, headers: [(String, String)]) async throws -> ([CapturedSpan], [String])
        {
            let file = NSTemporaryDirectory() + "divak-rows-\(UUID().uuidString).sqlite"
            defer { try? FileManager.default.removeItem(atPath: file) }
            let lines = LogLines()
            let logger = Logger(label: "test") { _ in lines.handler }
            let spans = try await ZipkinServer.run { zipkin, endpoint async throws in
                let base = endpoint.replacingOccurrences(of: "/spans", with: "")
                let rows = try RowsApplication(zipkin: base)
                if let probability { try rows.setDivakSampleProbability(probability) }
                let items = try ItemsApplication(zipkin: base)
                for divak in [rows.divak, items.divak] { try divak.configure { $0.readsEnvironment = false } }
                try await run {
                    try items.services(address: .hostname("127.0.0.1", port: 0), logger: logger, started: $0)
                } _: { itemsPort async throws in
                    try await run {
                        try rows.services(
                            address: .hostname("127.0.0.1", port: 0),
                            database: file,
                            itemsURL: "http://127.0.0.1:\(itemsPort)",
                            logger: logger,
                            started: $0
                        )
                    } _: { port async throws in
                        let answer = try await fetch("http://127.0.0.1:\(port)/", headers: headers)
                        #expect(answer.body == "anchor: in stock\nbuoy: in stock\ncompass: in stock\n")
                    }
                }
                // Both groups have stopped, so their services have flushed: nothing is waited for here.
                for divak in [rows.divak, items.divak] { try? await divak.tracer?.shutdown() }
                return await zipkin.spans
            }
            return (spans, lines.all)
        }

        @Test func a_request_is_the_trace_that_its_handler_describes() async throws {
            let (spans, lines) = try await trace(probability: 1, headers: [])
            #expect(spans.count == 8 && Set(spans.map(\.traceID)).count == 1)
            let root = try spans.only("rows")
            #expect(root.kind == "SERVER" && root.parentID == nil && root.localEndpoint?.serviceName == "rows")
            #expect(root.tags == ["http.method": "GET", "http.path": "/"])
            let query = try spans.only("query-db")
            #expect(query.parentID == root.id && query.kind == nil && query.tags == ["query-db.rowcount": "3"])
            let clients = spans.filter { $0.kind == "CLIENT" }.sorted { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) }
            #expect(clients.map { $0.tags["http.path"] } == ["/items/anchor", "/items/buoy", "/items/compass"])
            #expect(clients.allSatisfy { $0.parentID == root.id && $0.localEndpoint?.serviceName == "rows" })
            #expect(clients.allSatisfy { $0.remoteEndpoint?.serviceName == "items" })
            let servers = spans.filter { $0.localEndpoint?.serviceName == "items" }
            #expect(servers.count == 3)
            #expect(servers.allSatisfy { $0.kind == "SERVER" && $0.isShared && $0.name == "get /items/{name}" })
            #expect(Set(servers.map(\.id)) == Set(clients.map(\.id)))
            for server in servers {
                #expect(clients.first { $0.id == server.id }?.tags["http.path"] == server.tags["http.path"])
            }
            let rows = lines.filter { $0.contains("processing") }
            #expect(rows.count == 3 && rows.allSatisfy { $0.contains("traceId=\(root.traceID)") })
            #expect(rows[0].contains("row=anchor") && rows[0].contains("spanId=\(root.id)"))
        }

        @Test func a_caller_decides_for_both_services_whatever_their_probability() async throws {
            let b3 = "00000000000000aa-00000000000000bb-1"
            let (spans, _) = try await trace(probability: nil, headers: [("b3", b3)])
            #expect(spans.count == 8 && spans.allSatisfy { $0.traceID.hasSuffix("00000000000000aa") })
            let (none, lines) = try await trace(probability: 1, headers: [("b3", "0")])
            #expect(none.isEmpty)
            #expect(lines.filter { $0.contains("processing") }.allSatisfy { $0.contains("traceId=") })
        }
    }
}
