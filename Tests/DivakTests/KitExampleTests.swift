// KitExampleTests.swift - the examples of the test kit's documentation, which are tests and run here.
// SPDX-License-Identifier: Apache-2.0

import Divak
import DivakTesting
import Testing

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Everything {
    @Suite struct KitExampleTests {
        struct Shop {
            let tracer: DivakTracer

            func checkout(_ items: [String]) throws -> Int {
                try tracer.withSpan("checkout") { span in
                    span.tag("items", items.count)
                    return try tracer.withSpan("pay", kind: .client) { _ in
                        guard !items.isEmpty else { throw CancellationError() }
                        return 10 * items.count
                    }
                }
            }
        }

        @Test func a_checkout_is_one_trace_with_the_payment_in_it() async throws {
            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer()
            let total = try Shop(tracer: tracer).checkout(["apple", "pear"])
            #expect(total == 20)

            let spans = try await collector.spans(of: tracer)
            #expect(spans.tree == "checkout\n  pay CLIENT")
            #expect(spans.named("checkout").first?.tags == ["items": "2"])
            try await tracer.shutdown()
        }

        @Test func a_slow_payment_is_seen() async throws {
            let clock = FakeClock()
            let ids = FakeIDs()
            var configuration = DivakConfiguration(serviceName: "shop")
            configuration.clock = { clock.now }
            configuration.idGenerator = { ids.next() }

            let collector = InMemoryCollector()
            let tracer = try collector.makeTracer(configuration)
            tracer.withSpan("pay") { _ in clock.advance(by: .seconds(3)) }

            let pay = try #require(try await collector.spans(of: tracer).first)
            #expect(pay.duration == 3_000_000)
            #expect(pay.traceID == "00000000000000020000000000000001")
            try await tracer.shutdown()
        }

        @Test func an_upload_ends_its_span_also_when_it_fails() async throws {
            let tracer = try InMemoryCollector().makeTracer()
            try await withStrictScopes {
                let span = tracer.startSpan("upload")
                defer { span.finish() }
                await span.withCurrent { await Task.yield() }
            }
            try await tracer.shutdown()
        }

        @Test func every_example_in_the_documentation_of_the_kit_is_in_this_file() throws {
            func lines(_ text: String) -> [String] {
                text.utf8.split(separator: UInt8(ascii: "\n"))
                    .map { line in String(decoding: line.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self) }
                    .filter { !$0.isEmpty && !$0.hasPrefix("import ") }
            }
            let file = URL(filePath: #filePath)
            let package = file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let path = package.appending(path: "Sources/DivakTesting/DivakTesting.docc/DivakTesting.md")
            let article = try String(contentsOf: path, encoding: .utf8)
            let here = lines(try String(contentsOf: file, encoding: .utf8))
            let blocks = article.split(separator: "```swift\n" as String).dropFirst()
            #expect(blocks.count == 3)
            for block in blocks {
                let example = lines(String(block.prefix { $0 != "`" }))
                #expect(here.contains(example), "\(example.first ?? "")")
            }
        }
    }
}
