// SPDX-License-Identifier: Apache-2.0
// TailTests.swift - who listens gets what a connection can carry, and is told of the rest.

import Testing

@testable import DivakCollector

@Suite struct TailTests {
    @Test func of_a_batch_of_large_spans_some_are_sent_and_the_rest_is_counted() async throws {
        let collector = try Collector.inMemory()
        let stream = try #require(await collector.answer(Request(path: "/api/divak/tail")).stream)
        let large = String(repeating: "x", count: 1 << 20)
        collector.store.append(batch((1...20).map { span(1, $0, tags: ["a": large]) }))
        for await piece in stream {
            let text = String(decoding: piece, as: UTF8.self)
            guard text.contains("event: spans") else { continue }
            let sent = text.components(separator: "\"traceId\"").count - 1
            #expect((1..<20).contains(sent) && piece.count < 8 << 20, "\(sent) spans, \(piece.count) bytes")
            #expect(text.hasSuffix("event: lost\ndata: {\"spans\":\(20 - sent)}\n\n"))
            break
        }
    }
}
