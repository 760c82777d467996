// MixInTests.swift - an application and its handler, written as the mix-ins want them, over real sockets.
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Divak
import DivakTesting
import Foundation
import InMemoryLogging
import Logging
import MetricsTestKit
import Testing

/// The handler that the mix-ins were made for.
private struct RowsHandler: RequestTracker, RequestLogger, HTTPClientMixin {
    let httpTransport = SessionTransport()
    let url: String

    func get() async throws -> Int {
        setDivakName("rows")
        let rows = recordOperation("query-db") {
            let rows = ["a", "b", "c"]
            addDivakTag("query-db.rowcount", rows.count)
            logger.info("queried")
            return rows
        }
        for row in rows {
            logger.info("processing", metadata: ["row": "\(row)"])
            let target = "\(url)/rows/\(row)?full=1"
            _ = try await sendRequest(target, method: "PUT", body: Data("x".utf8), remoteName: "rows")
        }
        return rows.count
    }
}

/// The application that the mix-ins were made for.
private final class Shop: Divak.Recorder, ProbabilisticSampler, Sendable {
    let divak = DivakApplication()
    let collector = InMemoryCollector()

    init(probability: Double = 1) throws {
        try setDivakService("shop")
        try setDivakSampleProbability(probability)
        try addDivakReporter(collector)
        try addDivakPropagator(RequestIdPropagation(header: "Request-Id"))
        try addDivakPropagator(ZipkinPropagation())
    }
}

/// By their start: spans that ended on different threads arrive in no order.
private func inOrder(_ spans: [CapturedSpan]) -> [CapturedSpan] {
    spans.sorted { ($0.timestamp ?? 0) < ($1.timestamp ?? 0) }
}

/// An application with nothing but the mix-ins.
private struct Bare: Divak.Recorder, ProbabilisticSampler, Sendable {
    let divak = DivakApplication()
}

extension Everything {
    @Suite struct MixInTests {
        private func answer(
            _ shop: Shop,
            _ server: LoopbackServer,
            _ headers: [(String, String)] = [],
            logger: Logger? = nil
        ) async throws -> DivakRequest {
            let request = DivakRequest(
                DivakHTTPRequest(method: "GET", url: "/rows", headers: headers),
                tracer: try shop.divak.start(),
                requestIDs: shop.divak.requestIDs,
                logger: logger
            )
            let count = try await request.run { () async throws in try await RowsHandler(url: server.url).get() }
            #expect(count == 3)
            request.finish(DivakHTTPResponse(status: 200))
            return request
        }

        @Test func a_handler_yields_a_server_span_one_for_its_query_and_a_client_span_a_request() async throws {
            let server = try LoopbackServer()
            defer { server.stop() }
            let shop = try Shop()
            let memory = InMemoryLogHandler()
            let metrics = TestMetrics()
            let request = try await withMetricsFactory(metrics) { () async throws in
                try await answer(shop, server, [("request-id", "r-1")], logger: Logger(label: "shop") { _ in memory })
            }
            let tracer = try shop.divak.start()
            let spans = try await shop.collector.spans(of: tracer)
            #expect(spans.count == 5)
            let root = try spans.only("rows")
            #expect(root.kind == "SERVER" && root.id == request.span.spanID)
            #expect(root.localEndpoint?.serviceName == "shop")
            let query = try spans.only("query-db")
            #expect(query.parentID == root.id && query.tags == ["query-db.rowcount": "3"])
            let clients = inOrder(spans.filter { $0.kind == "CLIENT" })
            #expect(clients.count == 3 && clients.allSatisfy { $0.name == "put" && $0.parentID == root.id })
            #expect(clients.map { $0.tags["http.path"] } == ["/rows/a", "/rows/b", "/rows/c"])
            #expect(clients.allSatisfy { $0.tags["http.status_code"] == nil && $0.error == nil })
            #expect(clients.allSatisfy { $0.remoteEndpoint?.serviceName == "rows" })
            #expect(clients.allSatisfy { $0.remoteEndpoint?.port == Int(server.port) })
            #expect(try metrics.expectTimer("query-db").values.count == 1)

            // What arrived at the other side names those spans, once each, and the request.
            let arrived = server.requests
            #expect(arrived.map(\.method) == ["PUT", "PUT", "PUT"])
            #expect(arrived.map { $0.values(of: "x-b3-spanid") } == clients.map { [$0.id] })
            #expect(arrived.allSatisfy { $0.values(of: "x-b3-traceid") == [root.traceID] })
            #expect(arrived.allSatisfy { $0.values(of: "b3").count == 1 })
            #expect(arrived.allSatisfy { $0.values(of: "traceparent").isEmpty })
            #expect(arrived.allSatisfy { $0.values(of: "Request-Id") == ["r-1"] })

            #expect(memory.entries.count == 4)
            #expect(memory.entries.allSatisfy { $0.metadata["requestId"] == "r-1" })
            #expect(memory.entries.allSatisfy { $0.metadata["traceId"] == "\(root.traceID)" })
            #expect(memory.entries.first?.metadata["spanId"] == "\(query.id)")
            #expect(memory.entries.last?.metadata["spanId"] == "\(root.id)")
            #expect(memory.entries.last?.metadata["row"] == "c")
            try await tracer.shutdown()
        }

        @Test func what_is_not_sampled_is_carried_on_as_such() async throws {
            let server = try LoopbackServer()
            defer { server.stop() }
            let shop = try Shop(probability: 0)
            let request = try await answer(shop, server)
            let tracer = try shop.divak.start()
            #expect(try await shop.collector.spans(of: tracer).isEmpty == true)
            #expect(server.requests.allSatisfy { $0.values(of: "x-b3-sampled") == ["0"] })
            #expect(server.requests.allSatisfy { $0.values(of: "x-b3-traceid") == [request.span.traceID] })
            #expect(server.requests.allSatisfy { $0.values(of: "request-id") == [request.requestID] })
            try await tracer.shutdown()
        }

        @Test func an_id_set_in_the_middle_goes_out_with_send_request_sampled_or_not() async throws {
            for probability in [1.0, 0.0] {
                let server = try LoopbackServer()
                defer { server.stop() }
                let shop = try Shop(probability: probability)
                let tracer = try shop.divak.start()
                let head = DivakHTTPRequest(method: "GET", url: "/", headers: [("request-id", "old")])
                let request = DivakRequest(head, tracer: tracer, requestIDs: shop.divak.requestIDs)
                try await request.run { () async throws in
                    try DivakRequest.current?.setRequestID("new")
                    _ = try await RowsHandler(url: "").sendRequest(server.url)
                }
                request.finish(DivakHTTPResponse(status: 200))
                #expect(server.requests.map { $0.values(of: "request-id") } == [["new"]])
                #expect(tracer.statistics.live == 0)
                try await tracer.shutdown()
            }
        }

        @Test func a_client_span_says_what_went_wrong() async throws {
            let server = try LoopbackServer { _ in "410 Gone" }
            let shop = try Shop()
            let tracer = try shop.divak.start()
            let handler = RowsHandler(url: server.url)
            let request = DivakRequest(DivakHTTPRequest(method: "GET", url: "/"), tracer: tracer)
            await request.run {
                let response = try? await handler.sendRequest("\(server.url)/gone", headers: [("B3", "0")])
                #expect(response?.statusCode == 410)
                server.stop()
                await #expect(throws: URLError.self) { _ = try await handler.sendRequest("http://127.0.0.1:1/nobody") }
            }
            request.finish(DivakHTTPResponse(status: 200))
            let clients = inOrder(try await shop.collector.spans(of: tracer).filter { $0.kind == "CLIENT" })
            #expect(clients.first?.tags["http.status_code"] == "410" && clients.first?.error == "410")
            #expect(clients.last?.error?.isEmpty == false && clients.last?.tags["http.status_code"] == nil)
            let b3 = server.requests.first?.values(of: "b3")
            #expect(b3?.count == 1 && b3 != ["0"])
            try await tracer.shutdown()
        }

        @Test func handlers_without_a_request_act_on_the_current_span() async throws {
            struct Handler: RequestTracker, RequestLogger {}
            try await withTracer { tracer, collector in
                tracer.withSpan("draft") { _ in
                    let handler = Handler()
                    handler.setDivakName("final")
                    handler.addDivakTag("int", 42)
                    handler.addDivakTag("double", 0.5)
                    handler.addDivakTag("bool", true)
                    handler.addDivakTag("text", "x")
                    handler.addDivakTag("other", ["a"].description)
                    handler.addDivakTag("float", Float(0.25))
                    handler.countEvent("event")
                    #expect(handler.logger.label == "DivakTests.Handler")
                    #expect(handler.logger.handler is DivakLogHandler)
                }
                let span = try await collector.spans(of: tracer).only("final")
                #expect(
                    span.tags == [
                        "int": "42", "double": "0.5", "bool": "true", "text": "x", "other": "[\"a\"]", "float": "0.25",
                    ]
                )
                #expect(span.annotations.map(\.value) == ["event"])
                Handler().addDivakTag("nobody", "listens")
                Handler().setDivakName("nobody")
            }
        }
    }

    @Suite struct ApplicationTests {
        @Test func bad_values_are_refused_at_once_by_name_and_change_nothing() throws {
            let bare = Bare()
            func message(_ change: () throws -> Void) -> String {
                let error = #expect(throws: DivakError.self) { try change() }
                #expect(error?.code == .invalid)
                return error?.message ?? ""
            }
            for bad in [-0.1, 1.1, .nan, .infinity] {
                let text = message { try bare.setDivakSampleProbability(bad) }
                #expect(text.contains("\(bad)") && text.contains("0 to 1"))
            }
            #expect(message { try bare.setDivakService("") }.contains("service_name"))
            #expect(message { try bare.setDivakService("a\nb") }.contains("service_name"))
            #expect(message { try bare.addDivakReporter(ZipkinReporter("gopher://zipkin")) }.contains("gopher"))
            #expect(message { try bare.addDivakPropagator(.init(rawValue: "jaeger")) }.contains("jaeger"))
            let header = message { try bare.addDivakPropagator(RequestIdPropagation(header: "no good")) }
            #expect(header.contains("no good"))
            try bare.addDivakPropagator(RequestIdPropagation(header: "Request-Id"))
            let second = message { try bare.addDivakPropagator(RequestIdPropagation(header: "Correlation-ID")) }
            #expect(second.contains("Request-Id") && second.contains("Correlation-ID"))
            let left = bare.divak.configuration
            #expect(left.sampleRate == nil && left.serviceName == nil && left.reporters.isEmpty)
            #expect(bare.divak.requestIDs?.header == "Request-Id")
        }

        @Test func any_change_after_the_start_is_refused() async throws {
            let bare = Bare()
            try bare.addDivakReporter(DivakReporter.none)
            try bare.divak.configure { $0.readsEnvironment = false }
            let tracer = try bare.divak.start()
            #expect(bare.divak.tracer != nil)
            for change in [
                { try bare.setDivakService("late") }, { try bare.setDivakSampleProbability(0.5) },
                { try bare.addDivakReporter(DivakReporter.none) }, { try bare.addDivakPropagator(ZipkinPropagation()) },
                { try bare.addDivakPropagator(RequestIdPropagation()) }, { try bare.divak.configure { _ in } },
            ] as [() throws -> Void] {
                let error = #expect(throws: DivakError.self) { try change() }
                #expect(error?.code == .invalid && error?.message.contains("has started") == true)
            }
            try await tracer.shutdown()
        }

        @Test func an_application_has_one_tracer_whoever_starts_it() async throws {
            let bare = Bare()
            try bare.addDivakReporter(DivakReporter.none)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try? bare.divak.start() } }
            }
            let tracer = try bare.divak.start()
            tracer.withSpan("one") { _ in }
            try await bare.divak.start().flush()
            #expect(bare.divak.tracer?.statistics.delivered == 1)
            try await tracer.shutdown()
        }

        @Test func a_start_that_failed_can_be_tried_again() async throws {
            let bare = Bare()
            try bare.divak.configure { $0.settings["ca_file"] = "/nowhere/at/all" }
            if let tracer = try? bare.divak.start() {
                try await tracer.shutdown()
                return
            }
            #expect(bare.divak.tracer == nil)
            try bare.divak.configure { $0.settings["ca_file"] = nil }
            try await bare.divak.start().shutdown()
        }

        @Test func propagators_mean_the_same_in_whatever_order_they_are_added() throws {
            let (first, second) = (Bare(), Bare())
            try first.addDivakPropagator(ZipkinPropagation())
            try first.addDivakPropagator(RequestIdPropagation())
            try second.addDivakPropagator(RequestIdPropagation())
            try second.addDivakPropagator(ZipkinPropagation())
            #expect(first.divak.configuration.propagation == [.b3, .b3multi, .requestID])
            #expect(second.divak.configuration.propagation == [.b3, .b3multi, .requestID])
            let alone = Bare()
            try alone.addDivakPropagator(RequestIdPropagation())
            #expect(alone.divak.configuration.propagation?.contains(.tracecontext) == true)
        }

        @Test(arguments: ["", "/api/v2", "/api/v2/", "/api/v2/spans"])
        func a_zipkin_reporter_takes_a_base_url_with_or_without_its_end(path: String) async throws {
            let server = try LoopbackServer { _ in "202 Accepted" }
            defer { server.stop() }
            let bare = Bare()
            try bare.setDivakService("shop")
            try bare.addDivakReporter(ZipkinReporter(server.url + path))
            let tracer = try bare.divak.start()
            tracer.withSpan("one") { _ in }
            try await tracer.flush(timeout: .seconds(5))
            try await tracer.shutdown()
            #expect(server.requests.map(\.url) == ["/api/v2/spans"])
        }
    }
}
