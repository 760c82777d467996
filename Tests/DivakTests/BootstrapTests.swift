// BootstrapTests.swift - a process whose tracer, instruments and logging are those of the API packages, set up once.
// SPDX-License-Identifier: Apache-2.0
//
// Each test is a process of its own: what it sets up can't be taken back.

import Divak
import DivakTesting
import InMemoryLogging
import Logging
import Testing
import Tracing

/// Headers as a framework has them: a list, in whatever case.
private struct Headers: Sendable {
    var lines: [(String, String)] = []

    func value(_ name: String) -> String? { lines.first { $0.0.lowercased() == name.lowercased() }?.1 }
}

private struct HeaderReader: Extractor {
    func extract(key: String, from carrier: Headers) -> String? { carrier.value(key) }
}

private struct HeaderWriter: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout Headers) { carrier.lines.append((key, value)) }
}

/// Somebody else's instrument: it carries a tenant.
private struct TenantInstrument: Instrument {
    enum Key: ServiceContextKey {
        typealias Value = String
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        context[Key.self] = extractor.extract(key: "tenant", from: carrier)
    }

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        if let tenant = context[Key.self] { injector.inject(tenant, forKey: "tenant", into: &carrier) }
    }
}

private let caller = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1"

extension Everything {
    @Suite struct BootstrapTests {
        @Test func the_free_functions_of_tracing_record_with_the_tracer_that_was_set_up() async {
            await #expect(processExitsWith: .success) {
                // Before, they do nothing, and that is no parent of what comes.
                #expect(Tracing.withSpan("too early") { span in !span.isRecording })
                let collector = InMemoryCollector()
                let tracer = try collector.makeTracer()
                InstrumentationSystem.bootstrap(tracer)
                #expect(InstrumentationSystem.tracer is DivakTracer)
                #expect(InstrumentationSystem.instrument is DivakTracer)

                let answer = await Tracing.withSpan("outer", ofKind: .server) { span in
                    span.attributes["number"] = 5
                    await Task.yield()
                    // All three interfaces are in one trace.
                    tracer.withSpan("native") { _ in
                        Tracing.withSpan("inner", ofKind: .client) { span in span.updateAttributes { $0["deep"] = true }
                        }
                    }
                    let byHand = Tracing.startSpan("by hand")
                    byHand.addEvent("waiting")
                    byHand.end()
                    return 7
                }
                #expect(answer == 7)
                #expect(throws: Spilled(liters: 2)) {
                    try Tracing.withSpan("failing") { _ in throw Spilled(liters: 2) }
                }
                InstrumentationSystem.tracer.startAnySpan("any").end()

                let spans = try await collector.spans(of: tracer)
                #expect(spans.count == 6)
                let outer = try spans.only("outer")
                #expect(outer.kind == "SERVER" && outer.parentID == nil && outer.tags["number"] == "5")
                #expect(try spans.only("native").parentID == outer.id)
                #expect(try spans.only("inner").parentID == spans.only("native").id)
                #expect(try spans.only("inner").tags["deep"] == "true")
                #expect(try spans.only("by hand").parentID == outer.id)
                #expect(try spans.only("by hand").annotations.map(\.value) == ["waiting"])
                #expect(try spans.only("failing").error == "spilled 2 l")
                #expect(try spans.only("any").parentID == nil)
                #expect(tracer.statistics.isBalanced && tracer.statistics.live == 0)
            }
        }

        @Test func headers_go_in_and_out_by_the_instrument_that_was_set_up() async {
            await #expect(processExitsWith: .success) {
                let collector = InMemoryCollector()
                let tracer = try collector.makeTracer()
                InstrumentationSystem.bootstrap(tracer)

                var context = ServiceContext.topLevel
                let request = Headers(lines: [("B3", caller)])
                InstrumentationSystem.instrument.extract(request, into: &context, using: HeaderReader())
                let headers = Tracing.withSpan("serve", context: context, ofKind: .server) { _ in
                    Tracing.withSpan("call", ofKind: .client) { span in
                        var headers = Headers()
                        InstrumentationSystem.instrument.inject(span.context, into: &headers, using: HeaderWriter())
                        return headers
                    }
                }
                let spans = try await collector.spans(of: tracer)
                let call = try spans.only("call")
                #expect(call.traceID == caller.prefix(32))
                #expect(headers.value("X-B3-TraceId") == call.traceID && headers.value("x-b3-sampled") == "1")
                #expect(headers.value("x-b3-spanid") == call.id && headers.value("X-B3-ParentSpanId") == call.parentID)
                #expect(headers.value("traceparent") == "00-\(call.traceID)-\(call.id)-01")
                // A server's span has the id of the client's, whose half it is.
                let server = try spans.only("serve")
                #expect(server.id == "e457b5a2e4d86bd1" && server.isShared && call.parentID == server.id)
            }
        }

        @Test func it_works_beside_other_instruments_as_one_of_several() async {
            await #expect(processExitsWith: .success) {
                let collector = InMemoryCollector()
                let tracer = try collector.makeTracer()
                InstrumentationSystem.bootstrap(MultiplexInstrument([TenantInstrument(), tracer]))
                #expect(InstrumentationSystem.tracer is DivakTracer)

                var context = ServiceContext.topLevel
                let request = Headers(lines: [("b3", caller), ("Tenant", "acme")])
                InstrumentationSystem.instrument.extract(request, into: &context, using: HeaderReader())
                var headers = Headers()
                try await Tracing.withSpan("consume", context: context, ofKind: .consumer) { span in
                    await Task.yield()
                    let current = try #require(ServiceContext.current)
                    #expect(current[TenantInstrument.Key.self] == "acme")
                    tracer.withSpan("native") { _ in
                        InstrumentationSystem.instrument.inject(current, into: &headers, using: HeaderWriter())
                    }
                }
                let spans = try await collector.spans(of: tracer)
                let (consumer, native) = (try spans.only("consume"), try spans.only("native"))
                #expect(consumer.traceID == caller.prefix(32) && consumer.parentID == "e457b5a2e4d86bd1")
                #expect(headers.value("tenant") == "acme")
                // The context is older than the native span inside of it, which is current, and so goes out.
                #expect(headers.value("x-b3-traceid") == consumer.traceID && headers.value("x-b3-spanid") == native.id)
            }
        }

        @Test func loggers_set_up_with_the_metadata_provider_carry_the_ids_of_any_interface() async {
            await #expect(processExitsWith: .success) {
                let memory = InMemoryLogHandler()
                let tracer = try InMemoryCollector().makeTracer()
                InstrumentationSystem.bootstrap(tracer)
                LoggingSystem.bootstrap(
                    { _, provider in
                        var handler = memory
                        handler.metadataProvider = provider
                        return handler
                    },
                    metadataProvider: .divak()
                )
                let logger = Logger(label: "shop")
                logger.info("outside")
                #expect(memory.entries.last?.metadata == [:])
                try await Tracing.withSpan("outer") { span in
                    let outer = try #require(DivakSpan.current)
                    await Task.yield()
                    logger.info("in a context")
                    #expect(
                        memory.entries.last?.metadata == ["traceId": "\(outer.traceID)", "spanId": "\(outer.spanID)"]
                    )
                    tracer.withSpan("native") { native in
                        logger.info("in a native span", metadata: ["own": "1"])
                        #expect(memory.entries.last?.metadata["traceId"] == "\(outer.traceID)")
                        #expect(memory.entries.last?.metadata["spanId"] == "\(native.spanID)")
                        #expect(memory.entries.last?.metadata["own"] == "1")
                    }
                }
                // Together with other providers.
                let tenant = Logger.MetadataProvider { ["tenant": "acme"] }
                let both = try #require(Logger.MetadataProvider.multiplex([tenant, .divak()]))
                var several = Logger(label: "several", metadataProvider: both)
                several[metadataKey: "unit"] = "a"
                tracer.withSpan("last") { span in
                    several.info("both")
                    #expect(
                        memory.entries.last?.metadata == [
                            "tenant": "acme", "unit": "a", "traceId": "\(span.traceID)", "spanId": "\(span.spanID)",
                        ]
                    )
                }
            }
        }

        @Test func loggers_set_up_with_the_handler_carry_the_ids_of_any_interface() async {
            await #expect(processExitsWith: .success) {
                let memory = InMemoryLogHandler()
                let tracer = try InMemoryCollector().makeTracer()
                InstrumentationSystem.bootstrap(tracer)
                LoggingSystem.bootstrap { _ in DivakLogHandler(memory) }
                // Somebody's second set-up is told so, and changes nothing.
                #expect(DivakLogHandler.bootstrap { _ in SwiftLogNoOpLogHandler() } == false)
                try Tracing.withSpan("outer", ofKind: .client) { _ in
                    Logger(label: "any").info("line")
                    let span = try #require(DivakSpan.current)
                    #expect(
                        memory.entries.last?.metadata == ["traceId": "\(span.traceID)", "spanId": "\(span.spanID)"]
                    )
                }
            }
        }
    }
}
