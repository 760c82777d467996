// RequestTests.swift - a request that is answered: its span, its id in and out, its name.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Foundation
import InMemoryLogging
import Logging
import Testing

private struct Shop: Recorder {
    let divak: DivakApplication
}

private func get(_ target: String = "/items/7?page=2", _ headers: [(String, String)] = []) -> DivakHTTPRequest {
    DivakHTTPRequest(method: "GET", url: target, headers: headers, version: "HTTP/1.1")
}

/// The id of a request as its response has it.
private func echoed(_ request: DivakRequest, _ headers: [(String, String)] = []) -> [String] {
    var response = DivakHTTPResponse(status: 200, headers: headers)
    request.addHeaders(to: &response.headers)
    return response.values(of: request.requestIDs?.header ?? "x-request-id")
}

extension Everything {
    @Suite struct RequestTests {
        @Test func a_request_is_a_server_span_that_joins_the_callers_and_has_zipkins_tags() async throws {
            try await withTracer { tracer, collector in
                let head = get("/items/7?page=2", [("B3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")])
                let request = DivakRequest(head, tracer: tracer, remoteAddress: "192.0.2.9:51324")
                await request.run {
                    #expect(DivakRequest.current === request)
                    await Task.yield()
                    tracer.withSpan("inside") { _ in }
                }
                #expect(DivakRequest.current == nil)
                request.setRoute("/items/{id}")
                request.finish(DivakHTTPResponse(status: 200))
                request.finish(DivakHTTPResponse(status: 500))
                let spans = try await collector.spans(of: tracer)
                let span = try spans.only("get /items/{id}")
                #expect(span.traceID == "80f198ee56343ba864fe8b2a57d3eff7" && span.id == "e457b5a2e4d86bd1")
                #expect(span.isShared && span.kind == "SERVER")
                #expect(span.tags == ["http.method": "GET", "http.path": "/items/7"])
                #expect(span.remoteEndpoint?.ipv4 == "192.0.2.9" && span.remoteEndpoint?.port == 51324)
                #expect(try spans.only("inside").parentID == span.id)
                #expect(tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test(arguments: [
            (204, String?.none, String?.none, "get"), (302, "302", nil, "get redirected"),
            (404, "404", "404", "get not_found"), (503, "503", "503", "get"), (0, nil, nil, "get"),
        ])
        func the_status_decides_about_tags_and_name(
            status: Int,
            tag: String?,
            error: String?,
            name: String
        ) async throws {
            try await withTracer { tracer, collector in
                DivakRequest(get(), tracer: tracer).finish(DivakHTTPResponse(status: status))
                let span = try await collector.spans(of: tracer).only(name)
                #expect(span.tags["http.status_code"] == tag && span.error == error)
            }
        }

        @Test func an_error_that_was_thrown_goes_before_the_bare_status_unless_the_client_is_to_blame() async throws {
            try await withTracer { tracer, collector in
                DivakRequest(get(), tracer: tracer).finish(DivakHTTPResponse(status: 500), error: Spilled(liters: 1))
                DivakRequest(get(), tracer: tracer).finish(DivakHTTPResponse(status: 422), error: Spilled(liters: 1))
                let errors = try await collector.spans(of: tracer).map(\.error)
                #expect(Set(errors) == ["spilled 1 l", "422"])
            }
        }

        @Test func a_name_that_was_given_stays() async throws {
            try await withTracer { tracer, collector in
                let request = DivakRequest(get(), tracer: tracer)
                request.setName("first")
                request.setName("rows")
                request.setRoute("/items/{id}")
                request.finish(DivakHTTPResponse(status: 404))
                _ = try await collector.spans(of: tracer).only("rows")
            }
        }

        @Test func a_request_may_be_used_by_many_tasks_while_it_ends() async throws {
            try await withTracer { tracer, collector in
                let memory = InMemoryLogHandler()
                let logger = Logger(label: "any") { _ in memory }
                let request = DivakRequest(get(), tracer: tracer, requestIDs: RequestIdPropagation(), logger: logger)
                await request.run {
                    await withTaskGroup(of: Void.self) { group in
                        for number in 0..<64 {
                            group.addTask {
                                try? DivakRequest.current?.setRequestID("r-\(number)")
                                request.setName("name-\(number)")
                                request.logger(for: Int.self).info("line")
                                tracer.recordOperation("step") { _ in tracer.inject { _, _ in } }
                                if number == 40 { request.finish(DivakHTTPResponse(status: 200)) }
                                _ = request.accessLogRecord
                            }
                        }
                    }
                }
                request.finish(DivakHTTPResponse(status: 500))
                let spans = try await collector.spans(of: tracer)
                let server = try #require(spans.first { $0.kind == "SERVER" })
                #expect(spans.count == 65 && server.tags["http.status_code"] == nil)
                #expect(server.name?.hasPrefix("name-") == true)
                #expect(spans.filter { $0.parentID == server.id }.count == 64)
                #expect(memory.entries.count == 64)
                #expect(memory.entries.allSatisfy { "\($0.metadata["requestId"] ?? "")".hasPrefix("r-") })
                #expect(tracer.statistics.live == 0)
            }
        }

        @Test func a_request_that_nobody_finished_is_an_orphan_and_holds_nothing() async throws {
            try await withTracer { tracer, collector in
                let line = #line + 1
                DivakRequest(get("/lost"), tracer: tracer).setRoute("/{word}")
                let span = try await collector.spans(of: tracer).only("get")
                #expect(span.duration == nil && span.tags["http.path"] == "/lost")
                #expect(span.tags["divak.orphan.creator"]?.hasSuffix("DivakTests/RequestTests.swift:\(line)") == true)
                #expect(tracer.statistics.live == 0)
            }
            let unsampled = DivakConfiguration(serviceName: "test", sampleRate: 0)
            try await withTracer(unsampled) { tracer, _ in
                for _ in 0..<5000 { _ = DivakRequest(get(), tracer: tracer, requestIDs: RequestIdPropagation()) }
                let last = DivakRequest(get(), tracer: tracer, requestIDs: RequestIdPropagation())
                #expect(last.span.requestID == last.requestID)
                last.finish(DivakHTTPResponse(status: 200))
                last.finish(DivakHTTPResponse(status: 200))
                #expect(tracer.statistics.droppedBaggage == 0 && tracer.statistics.usesAfterEnd == 0)
            }
        }

        @Test func a_log_handler_that_is_made_for_a_request_may_ask_it_for_its_id() async {
            await #expect(processExitsWith: .success) {
                let memory = InMemoryLogHandler()
                LoggingSystem.bootstrap { _ in
                    var handler = memory
                    handler.metadata["made-for"] = DivakRequest.current?.requestID.map { "\($0)" }
                    return handler
                }
                let (head, ids) = (get("/", [("x-request-id", "r-1")]), RequestIdPropagation())
                let request = DivakRequest(head, tracer: .disabled, requestIDs: ids)
                // A thread that waits for itself would do so for ever.
                startThread {
                    Thread.sleep(forTimeInterval: 20)
                    exit(1)
                }
                request.run { request.logger(for: Shop.self).info("made") }
                #expect(memory.entries.last?.metadata["made-for"] == "r-1")
            }
        }

        @Test func the_parts_of_a_url_end_at_bytes_whatever_stands_behind_them() {
            func head(_ url: String) -> DivakHTTPRequest { DivakHTTPRequest(method: "GET", url: url) }
            #expect(head("/items?\u{301}token=1").path == "/items")
            #expect(head("/items#\u{301}top").path == "/items")
            #expect(head("https://ada:secret@\u{301}h/").urlWithoutUser == "https://\u{301}h/")
            #expect(head("https://h:\u{301}/a").host == "h" && head("https://h/\u{301}a").path == "/\u{301}a")
        }

        @Test func further_tags_are_asked_for() async throws {
            try await withTracer { tracer, collector in
                var head = DivakHTTPRequest(method: "POST", url: "http://ada:secret@example.org/a?b=c")
                head.headers = [("User-Agent", "curl"), ("Content-Length", "12")]
                head.version = "HTTP/1.1"
                let all: DivakHTTPTags = [.url, .userAgent, .version, .reason, .requestSize, .responseSize, .route]
                let request = DivakRequest(head, tracer: tracer, tags: all)
                request.setRoute("/{letter}")
                request.finish(DivakHTTPResponse(status: 201, bodyBytes: 3))
                let tags = try await collector.spans(of: tracer).only("post /{letter}").tags
                #expect(
                    tags == [
                        "http.method": "POST", "http.path": "/a", "http.url": "http://example.org/a?b=c",
                        "http.user_agent": "curl", "http.version": "HTTP/1.1", "http.reason": "Created",
                        "http.request.size": "12", "http.response.size": "3", "http.route": "/{letter}",
                    ]
                )
            }
        }

    }

    @Suite struct RequestIDTests {
        @Test func an_id_is_copied_from_a_header_in_whatever_case() async throws {
            try await withTracer { tracer, _ in
                let ids = RequestIdPropagation(header: "Correlation-ID")
                let request = DivakRequest(get("/", [("CORRELATION-id", "abc-1")]), tracer: tracer, requestIDs: ids)
                #expect(request.requestID == "abc-1" && request.span.baggage("request-id") == "abc-1")
                #expect(echoed(request) == ["abc-1"])
                request.finish(DivakHTTPResponse(status: 200))
            }
        }

        @Test(arguments: [
            [], [("x-request-id", "")], [("x-request-id", "a b")], [("x-request-id", "\"")], [("x-request-id", "é")],
            [("x-request-id", String(repeating: "a", count: 129))], [("x-request-id", "a"), ("X-Request-Id", "b")],
        ])
        func an_id_is_generated_where_none_came_that_may_be_one(headers: [(String, String)]) async throws {
            try await withTracer { tracer, _ in
                let request = DivakRequest(get("/", headers), tracer: tracer, requestIDs: RequestIdPropagation())
                let id = try #require(request.requestID)
                #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
                #expect(echoed(request) == [id])
                request.finish(DivakHTTPResponse(status: 500))
            }
        }

        @Test func generated_ids_are_all_different() {
            let ids = (0..<10_000).map { _ in
                DivakRequest(get(), tracer: .disabled, requestIDs: RequestIdPropagation()).requestID ?? ""
            }
            #expect(Set(ids).count == 10_000)
        }

        @Test func generation_can_be_turned_off_or_be_the_programs_own() async throws {
            let never = RequestIdPropagation(generate: .never)
            let silent = DivakRequest(get(), tracer: .disabled, requestIDs: never)
            #expect(silent.requestID == nil && echoed(silent) == [])
            let custom = RequestIdPropagation(generate: .by { "mine-1" })
            #expect(DivakRequest(get(), tracer: .disabled, requestIDs: custom).requestID == "mine-1")
            let bad = RequestIdPropagation(generate: .by { "no good" })
            #expect(DivakRequest(get(), tracer: .disabled, requestIDs: bad).requestID?.utf8.count == 36)
        }

        private static let made: [(String?, String?)] = [
            ("mine-1", "mine-1"), (nil, nil), ("no good", "a UUID"), ("", "a UUID"),
            (String(repeating: "a", count: 129), "a UUID"),
        ]

        @Test(arguments: made)
        func a_tracers_generator_makes_the_id_of_whatever_reads_its_headers(made: String?, seen: String?) async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.requestIDGenerator = { made }
            try await withTracer(configuration) { tracer, _ in
                func id(_ headers: [String: String]) -> String? {
                    tracer.withSpan("op", parent: tracer.extract(from: headers)) { $0.requestID }
                }
                let new = id([:])
                #expect(seen == "a UUID" ? new?.utf8.count == 36 : new == seen)
                #expect(id(["x-request-id": "theirs"]) == "theirs")
                let silent = RequestIdPropagation(generate: .never)
                let request = DivakRequest(get(), tracer: tracer, requestIDs: silent)
                #expect((request.requestID == nil) == (seen == nil))
                request.finish(DivakHTTPResponse(status: 200))
            }
        }

        @Test func an_applications_own_ids_are_those_of_its_tracer_too_and_made_once_a_request() async throws {
            let numbers = FakeIDs()
            let collector = InMemoryCollector()
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.readsEnvironment = false
            configuration.reporters = [collector.asReporter]
            let shop = Shop(divak: DivakApplication(configuration))
            let ids = RequestIdPropagation(header: "correlation-id", generate: .by { "r-\(numbers.next())" })
            try shop.addDivakPropagator(ids)
            let tracer = try shop.divak.start()
            let request = DivakRequest(get(), tracer: tracer, requestIDs: shop.divak.requestIDs)
            #expect(request.requestID == "r-1" && request.span.requestID == "r-1")
            request.finish(DivakHTTPResponse(status: 200))
            // One that came without the help of a request, as messages and calls do.
            #expect(tracer.withSpan("op", parent: tracer.extract(from: [String: String]())) { $0.requestID } == "r-2")
            try await tracer.shutdown()
        }

        @Test func a_header_that_the_handler_set_wins() {
            let request = DivakRequest(get(), tracer: .disabled, requestIDs: RequestIdPropagation())
            #expect(echoed(request, [("X-REQUEST-ID", "handler's")]) == ["handler's"])
        }

        @Test func without_propagation_an_id_is_known_and_not_sent_back() async throws {
            try await withTracer { tracer, _ in
                let request = DivakRequest(get("/", [("x-request-id", "r-1")]), tracer: tracer)
                #expect(request.requestID == "r-1")
                #expect(echoed(request) == [])
                request.finish(DivakHTTPResponse(status: 200))
            }
        }

        @Test func an_id_set_in_the_middle_is_in_the_lines_and_on_the_response() async throws {
            try await withTracer { tracer, _ in
                let memory = InMemoryLogHandler()
                let logger = Logger(label: "any") { _ in DivakLogHandler(memory) }
                let head = get("/", [("x-request-id", "before")])
                let request = DivakRequest(head, tracer: tracer, requestIDs: RequestIdPropagation())
                try request.run { () throws in
                    logger.info("one")
                    try DivakRequest.current?.setRequestID("after")
                    logger.info("two")
                    tracer.withSpan("inner") { _ in logger.info("three") }
                }
                #expect(memory.entries.map { $0.metadata["requestId"] } == ["before", "after", "after"])
                #expect(echoed(request) == ["after"] && request.span.baggage("request-id") == "after")
                request.finish(DivakHTTPResponse(status: 200))
                #expect(request.accessLogRecord.requestID == "after")
            }
        }

        @Test func an_id_set_in_the_middle_is_in_whatever_headers_are_written_for_its_trace() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3, .requestID]
            try await withTracer(configuration) { tracer, _ in
                let other = tracer.startSpan("other", parent: tracer.extract(from: [("x-request-id", "others")]))
                let head = get("/", [("x-request-id", "before")])
                let request = DivakRequest(head, tracer: tracer, requestIDs: RequestIdPropagation())
                func written(_ span: DivakSpan?) -> String? {
                    var headers: [String: String] = [:]
                    tracer.inject(span, into: &headers)
                    return headers["x-request-id"]
                }
                try request.run { () throws in
                    let open = tracer.startSpan("open")
                    #expect(written(nil) == "before")
                    try request.setRequestID("after")
                    #expect(written(nil) == "after" && written(open) == "after" && written(other) == "others")
                    tracer.withSpan("late") { #expect(written($0) == "after") }
                    open.finish()
                }
                request.finish(DivakHTTPResponse(status: 200))
                other.finish()
            }
        }

        @Test func an_id_that_may_not_be_one_is_refused_by_name_and_changes_nothing() throws {
            let ids = RequestIdPropagation(generate: .by { "id" })
            let request = DivakRequest(get(), tracer: .disabled, requestIDs: ids)
            let error = #expect(throws: DivakError.self) { try request.setRequestID("a\nb") }
            #expect(error?.code == .invalid && error?.message.contains(#""a\x0ab""#) == true)
            #expect(request.requestID == "id")
        }

        @Test func the_ids_that_are_accepted_are_those_that_the_core_accepts() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.propagation = [.b3, .requestID]
            try await withTracer(configuration) { tracer, _ in
                let span = tracer.startSpan("check")
                for byte in UInt8(1)...127 {
                    let text = "a\(Character(Unicode.Scalar(byte)))"
                    var copy = span
                    let isAccepted = (try? copy.setBaggage("request-id", text)) != nil
                    #expect(RequestIdPropagation.isValid(text) == isAccepted, "byte \(byte)")
                }
                for count in [0, 1, 128, 129] {
                    let text = String(repeating: "x", count: count)
                    var copy = span
                    let isAccepted = (try? copy.setBaggage("request-id", text)) != nil
                    #expect(RequestIdPropagation.isValid(text) == isAccepted, "length \(count)")
                }
                span.finish()
            }
        }

        @Test func requests_of_a_tracer_that_does_nothing_take_no_room_from_others() async throws {
            try await withTracer { tracer, _ in
                for _ in 0..<5000 {
                    let request = DivakRequest(get(), tracer: .disabled, requestIDs: RequestIdPropagation())
                    try request.setRequestID("mine")
                    #expect(request.requestID == "mine")
                }
                var span = DivakTracer.disabled.startSpan("nothing")
                #expect(throws: DivakError.self) { try span.setBaggage("request-id", "a") }
                let request = DivakRequest(get("/", [("x-request-id", "r-1")]), tracer: tracer)
                #expect(request.requestID == "r-1" && tracer.statistics.droppedBaggage == 0)
                request.finish(DivakHTTPResponse(status: 200))
            }
        }

        @Test func an_id_is_kept_while_the_kill_switch_is_on() async throws {
            try await withTracer { tracer, _ in
                tracer.isEnabled = false
                for number in 0..<5000 {
                    let request = DivakRequest(get(), tracer: tracer, requestIDs: RequestIdPropagation())
                    try request.setRequestID("r-\(number)")
                    #expect(request.span.baggage("request-id") == "r-\(number)")
                    request.finish(DivakHTTPResponse(status: 200))
                }
                #expect(tracer.statistics.droppedBaggage == 0)
            }
        }

        @Test(arguments: [0.0, 1.0])
        func ten_thousand_requests_leave_no_baggage_behind(rate: Double) async throws {
            var configuration = DivakConfiguration(serviceName: "test", sampleRate: rate)
            configuration.bufferBytes = 64 << 20
            try await withTracer(configuration) { tracer, _ in
                for number in 0..<10_000 {
                    let head = get("/", [("x-request-id", "r-\(number)")])
                    let request = DivakRequest(head, tracer: tracer, requestIDs: RequestIdPropagation())
                    if number.isMultiple(of: 2) { try request.setRequestID("s-\(number)") }
                    #expect(request.span.baggage("request-id")?.hasSuffix("-\(number)") == true)
                    request.finish(DivakHTTPResponse(status: 200))
                }
                #expect(tracer.statistics.droppedBaggage == 0)
                #expect(tracer.statistics.live == 0)
            }
        }
    }
}
