// MessagingTests.swift - producer and consumer spans over a queue that carries headers.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

private struct Message: Sendable {
    var body: String
    var headers: [(String, String)]
}

private let orders = DivakChannel("orders", broker: DivakEndpoint(service: "kafka", address: "192.0.2.7:9092"))

extension Everything {
    @Suite struct MessagingTests {
        @Test func a_consumer_is_the_child_of_the_producer_with_an_id_of_its_own() async throws {
            try await withTracer { tracer, collector async throws in
                let (queue, sender) = AsyncStream<Message>.makeStream()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await message in queue {
                            let parent = tracer.extract(from: message.headers)
                            await tracer.withConsumerSpan("ship", of: orders, parent: parent) { span in
                                await Task.yield()
                                span.tag("order", message.body)
                                #expect(DivakSpan.current == span)
                            }
                        }
                    }
                    tracer.withSpan("checkout", kind: .server) { _ in
                        for number in 1...3 {
                            tracer.withProducerSpan(to: orders) { _, headers in
                                _ = sender.yield(Message(body: "\(number)", headers: headers))
                            }
                        }
                    }
                    sender.finish()
                    try await group.waitForAll()
                }
                let spans = try await collector.spans(of: tracer)
                let producers = spans.filter { $0.name == "send" }
                let consumers = spans.filter { $0.name == "ship" }
                #expect(producers.count == 3 && consumers.count == 3)
                #expect(producers.allSatisfy { $0.kind == "PRODUCER" })
                #expect(consumers.allSatisfy { $0.kind == "CONSUMER" && !$0.isShared })
                #expect(Set(consumers.map(\.parentID)) == Set(producers.map(\.id)))
                #expect(Set(spans.map(\.id)).count == 7)
                #expect(Set(spans.map(\.traceID)).count == 1)
                for span in producers + consumers {
                    #expect(span.remoteEndpoint?.serviceName == "kafka" && span.remoteEndpoint?.port == 9092)
                    #expect(span.remoteEndpoint?.ipv4 == "192.0.2.7")
                    #expect(span.tags["messaging.destination.name"] == "orders")
                }
            }
        }

        @Test func one_message_to_two_consumers_gives_two_children() async throws {
            try await withTracer { tracer, collector async throws in
                let headers = tracer.withProducerSpan(to: orders) { _, headers in headers }
                for _ in 1...2 {
                    tracer.withConsumerSpan(of: orders, parent: tracer.extract(from: headers)) { _ in }
                }
                let spans = try await collector.spans(of: tracer)
                let producer = try spans.only("send")
                let consumers = spans.filter { $0.kind == "CONSUMER" }
                #expect(consumers.count == 2 && consumers[0].id != consumers[1].id)
                #expect(consumers.allSatisfy { $0.parentID == producer.id })
            }
        }

        @Test func a_message_carries_b3_alone_and_no_several_headers() async throws {
            try await withTracer { tracer, _ in
                tracer.withProducerSpan(to: orders) { span, headers in
                    let b3 = headers.filter { $0.0.lowercased().contains("b3") }
                    #expect(b3.map(\.0) == ["b3"])
                    #expect(b3.first?.1 == "\(span.traceID)-\(span.spanID)-1")
                }
            }
        }

        @Test func an_unsampled_producer_makes_an_unsampled_consumer() async throws {
            var configuration = DivakConfiguration(serviceName: "test")
            configuration.sampleRate = 0
            try await withTracer(configuration) { tracer, collector async throws in
                let headers = tracer.withProducerSpan(to: orders) { _, headers in headers }
                #expect(!headers.isEmpty)
                tracer.withConsumerSpan(of: orders, parent: tracer.extract(from: headers)) { span in
                    #expect(!span.isSampled)
                }
                #expect(try await collector.spans(of: tracer).isEmpty)
            }
        }

        @Test func an_error_on_either_side_is_recorded_and_thrown_on() async throws {
            try await withTracer { tracer, collector async throws in
                #expect(throws: Spilled(liters: 1)) {
                    try tracer.withProducerSpan(to: orders) { _, _ in throw Spilled(liters: 1) }
                }
                await #expect(throws: Spilled(liters: 2)) {
                    try await tracer.withConsumerSpan(of: orders, parent: .newTrace) { _ async throws in
                        throw Spilled(liters: 2)
                    }
                }
                let spans = try await collector.spans(of: tracer)
                #expect(try spans.only("send").error == "spilled 1 l")
                #expect(try spans.only("receive").error == "spilled 2 l")
            }
        }
    }
}
