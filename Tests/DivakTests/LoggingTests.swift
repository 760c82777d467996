// LoggingTests.swift - the ids are in every line, under the names that were asked for.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import InMemoryLogging
import Logging
import Testing

extension Everything {
    @Suite struct LoggingTests {
        /// A logger into memory.
        private func memoryLogger(_ keys: DivakLogKeys = DivakLogKeys()) -> (Logger, InMemoryLogHandler) {
            let memory = InMemoryLogHandler()
            return (Logger(label: "test") { _ in DivakLogHandler(memory, keys: keys) }, memory)
        }

        @Test func a_logger_made_before_the_tracer_carries_the_ids_of_the_innermost_span() async throws {
            let (logger, memory) = memoryLogger()
            try await withTracer { tracer, _ in
                await tracer.withSpan("outer") { outer in
                    logger.info("outer")
                    await tracer.withSpan("inner") { inner in
                        await Task.yield()
                        logger.info("inner")
                        #expect(memory.entries.last?.metadata["spanId"] == "\(inner.spanID)")
                    }
                    logger.info("outer again")
                    #expect(memory.entries.allSatisfy { $0.metadata["traceId"] == "\(outer.traceID)" })
                    #expect(memory.entries.last?.metadata["spanId"] == "\(outer.spanID)")
                }
                logger.info("none")
                #expect(memory.entries.last?.metadata == [:])
            }
        }

        @Test func keys_can_be_renamed_and_parent_sampled_and_baggage_added() async throws {
            var keys = DivakLogKeys()
            keys.traceID = "trace-id"
            keys.spanID = nil
            keys.parentID = "parent"
            keys.sampled = "sampled"
            keys.requestID = "cid"
            keys.baggage = ["country-code": "country"]
            let (logger, memory) = memoryLogger(keys)
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.baggageFields = ["country-code"]
            try await withTracer(configuration) { tracer, _ in
                let parent = tracer.extract(from: [("country-code", "is"), ("x-request-id", "r-1")])
                tracer.withSpan("outer", parent: parent) { outer in
                    logger.info("outer")
                    #expect(
                        memory.entries.last?.metadata
                            == ["trace-id": "\(outer.traceID)", "sampled": "true", "cid": "r-1", "country": "is"]
                    )
                    tracer.withSpan("inner") { _ in logger.info("inner") }
                    #expect(memory.entries.last?.metadata["parent"] == "\(outer.spanID)")
                    #expect(memory.entries.last?.metadata["country"] == "is")
                }
            }
        }

        @Test func an_unsampled_span_is_in_the_lines_too() async throws {
            var keys = DivakLogKeys()
            keys.sampled = "sampled"
            let (logger, memory) = memoryLogger(keys)
            try await withTracer(DivakConfiguration(serviceName: "test", sampleRate: 0)) { tracer, _ in
                tracer.withSpan("quiet") { span in
                    logger.info("here")
                    #expect(memory.entries.last?.metadata["traceId"] == "\(span.traceID)")
                    #expect(memory.entries.last?.metadata["spanId"] == "\(span.spanID)")
                    #expect(memory.entries.last?.metadata["sampled"] == "false")
                }
            }
        }

        @Test func absent_has_one_spelling_for_all_keys_inside_and_outside_of_spans() async throws {
            var keys = DivakLogKeys()
            keys.parentID = "parentId"
            keys.sampled = "sampled"
            keys.baggage = ["country": "country"]
            keys.absent = "-"
            let (logger, memory) = memoryLogger(keys)
            logger.info("outside")
            #expect(
                memory.entries.last?.metadata == [
                    "traceId": "-", "spanId": "-", "parentId": "-", "sampled": "-", "requestId": "-", "country": "-",
                ]
            )
            try await withTracer { tracer, _ in
                tracer.withSpan("root") { _ in logger.info("inside") }
                #expect(memory.entries.last?.metadata["parentId"] == "-")
                #expect(memory.entries.last?.metadata["requestId"] == "-")
            }
        }

        @Test func a_span_without_ids_is_absent() async throws {
            let (logger, memory) = memoryLogger()
            DivakTracer.disabled.withSpan("nothing") { _ in logger.info("line") }
            #expect(memory.entries.last?.metadata == [:])
            try await withTracer { tracer, _ in
                tracer.isEnabled = false
                tracer.withSpan("off") { _ in logger.info("line") }
                #expect(memory.entries.last?.metadata == [:])
                let ids = RequestIdPropagation(generate: .by { "r-1" })
                let request = DivakRequest(DivakHTTPRequest(method: "GET", url: "/"), tracer: tracer, requestIDs: ids)
                request.run { logger.info("line") }
                #expect(memory.entries.last?.metadata == ["requestId": "r-1"])
                #expect(request.accessLogRecord.traceID == nil)
                request.finish(DivakHTTPResponse(status: 200))
            }
        }

        @Test func metadata_of_the_line_or_its_logger_is_not_overwritten() async throws {
            var (logger, memory) = memoryLogger()
            try await withTracer { tracer, _ in
                tracer.withSpan("root") { _ in
                    logger.info("line", metadata: ["traceId": "mine", "other": "kept"])
                    #expect(memory.entries.last?.metadata["traceId"] == "mine")
                    #expect(memory.entries.last?.metadata["other"] == "kept")
                    logger[metadataKey: "spanId"] = "logger's"
                    logger.info("logger")
                    #expect(memory.entries.last?.metadata["spanId"] == "logger's")
                }
            }
        }

        @Test func a_wrapped_handler_keeps_its_level_metadata_provider_and_error() {
            var handler = DivakLogHandler(InMemoryLogHandler())
            handler.logLevel = .error
            handler.metadata = ["a": "1"]
            handler[metadataKey: "b"] = "2"
            handler.metadataProvider = Logger.MetadataProvider { ["c": "3"] }
            #expect(handler.logLevel == .error && handler.metadata == ["a": "1", "b": "2"])
            #expect(handler.metadataProvider?.get() == ["c": "3"])
            let memory = InMemoryLogHandler()
            Logger(label: "test") { _ in DivakLogHandler(memory) }.error("failed", error: Spilled(liters: 1))
            #expect(memory.entries.last?.error as? Spilled == Spilled(liters: 1))
        }

        @Test func wrapping_twice_wraps_once() async throws {
            var keys = DivakLogKeys()
            keys.traceID = "t"
            let memory = InMemoryLogHandler()
            let twice = Logger(label: "test") { _ in DivakLogHandler(DivakLogHandler(memory), keys: keys) }
            try await withTracer { tracer, _ in
                tracer.withSpan("root") { span in
                    twice.info("line")
                    #expect(memory.entries.last?.metadata == ["t": "\(span.traceID)", "spanId": "\(span.spanID)"])
                    twice.withDivakIDs().info("still by those keys")
                    #expect(memory.entries.last?.metadata["t"] == "\(span.traceID)")
                    twice.withDivakIDs(DivakLogKeys()).info("by others")
                    #expect(memory.entries.last?.metadata["traceId"] == "\(span.traceID)")
                    #expect(memory.entries.last?.metadata["t"] == nil)
                }
            }
        }

        @Test func a_metadata_provider_gives_the_same_ids() async throws {
            let provider = Logger.MetadataProvider.divak()
            #expect(provider.get() == [:])
            let memory = InMemoryLogHandler()
            var logger = Logger(label: "test") { _ in memory }
            logger.handler.metadataProvider = provider
            try await withTracer { tracer, _ in
                tracer.withSpan("root") { span in
                    #expect(provider.get() == ["traceId": "\(span.traceID)", "spanId": "\(span.spanID)"])
                    logger.info("line")
                    #expect(memory.entries.last?.metadata == provider.get())
                }
            }
        }

        @Test func a_second_set_up_is_a_no_op_that_says_so() async {
            await #expect(processExitsWith: .success) {
                let memory = InMemoryLogHandler()
                let other = InMemoryLogHandler()
                #expect(DivakLogHandler.bootstrap { _ in memory })
                #expect(!DivakLogHandler.bootstrap { _ in other })
                #expect(memory.entries.count == 1 && "\(memory.entries[0].message)".contains("changed nothing"))
                let tracer = try DivakTracer(DivakConfiguration(serviceName: "test", sampleRate: 0))
                tracer.withSpan("root") { span in
                    Logger(label: "any").info("line")
                    #expect(memory.entries.last?.metadata["traceId"] == "\(span.traceID)")
                }
                #expect(other.entries.isEmpty)
            }
        }

        @Test func a_set_up_by_the_program_itself_is_left_alone() async {
            await #expect(processExitsWith: .success) {
                let memory = InMemoryLogHandler()
                LoggingSystem.bootstrap { _ in memory }
                #expect(!DivakLogHandler.bootstrap { _ in InMemoryLogHandler() })
                Logger(label: "any").info("line")
                #expect(memory.entries.map { "\($0.message)" }.last == "line")
            }
        }
    }
}
