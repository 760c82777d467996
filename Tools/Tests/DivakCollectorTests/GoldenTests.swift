// SPDX-License-Identifier: Apache-2.0
// GoldenTests.swift - every golden payload goes in, and what Zipkin writes for it comes out.

import Foundation
import Testing

@testable import DivakCollector

@Suite struct GoldenTests {
    @Test(arguments: Golden.names)
    func a_payload_is_answered_byte_for_byte_as_Zipkin_writes_it(_ name: String) async throws {
        let collector = try Collector.inMemory()
        let posted = await collector.post(try Golden.bytes("\(name).in.json"))
        #expect(posted.status == 202)
        #expect(posted.body.isEmpty)
        let expected = try Golden.text("\(name).json")
        let id = try Span.list(json: Array(expected.utf8))[0].trace.hex
        let answer = await collector.get("/api/v2/trace/\(id)")
        #expect(answer.status == 200)
        #expect(answer.text == expected)
    }

    @Test(arguments: Golden.names)
    func a_record_is_the_proto3_message_that_Zipkin_writes(_ name: String) throws {
        let batch = try Intake.decode(try Golden.bytes("\(name).in.json"), isProto: false)
        #expect(batch.proto3 == (try Golden.bytes("\(name).pb")))
    }

    @Test(arguments: Golden.names)
    func a_payload_in_proto3_is_the_same_as_in_JSON(_ name: String) async throws {
        let collector = try Collector.inMemory()
        let posted = await collector.post(
            try Golden.bytes("\(name).pb"),
            ["content-type": "application/x-protobuf"]
        )
        #expect(posted.status == 202)
        var expected = try Golden.text("\(name).json")
        let id = try Span.list(json: Array(expected.utf8))[0].trace.hex
        // Proto3 can't tell an empty key from none, and Zipkin's decoder leaves such a tag out.
        expected = expected.replacing("\"\":\"\",", with: "")
        #expect(await collector.text("/api/v2/trace/\(id)") == expected)
    }

    @Test func the_reference_bytes_of_proto3_are_read() throws {
        let hex =
            "0a8f010a085af7183fb1d4cf5f12086b221d5bc9e6496c1a08352bff9a74ca9ad220022a08676574202f6170693199c8bf26b98705"
            + "0038970b42120a076261636b656e641204c0a8630120ea194a0a1204ac1300022098ca03520c09d8c8bf26b98705001201785a12"
            + "0a0b687474702e6d6574686f6412034745545a110a09687474702e7061746812042f61706960016801"
        let bytes = stride(from: 0, to: hex.count, by: 2).map { i in
            UInt8(hex.dropFirst(i).prefix(2), radix: 16)!
        }
        let batch = try Intake.decode(bytes, isProto: true)
        #expect(batch.proto3 == bytes)
        let span = batch.spans[0]
        #expect(span.trace.hex == "5af7183fb1d4cf5f")
        #expect(span.kind == .server)
        #expect(span.local?.ipv4 == "192.168.99.1")
        #expect(span.remote?.port == 58648)
        #expect(span.tags == [Tag(key: "http.method", value: "GET"), Tag(key: "http.path", value: "/api")])
        #expect(span.debug && span.shared)
    }

    @Test func a_gzip_body_is_inflated() async throws {
        let collector = try Collector.inMemory()
        let zipped = try gzip(Array(#"[{"traceId":"1","id":"1"}]"#.utf8))
        #expect(await collector.post(zipped, ["content-encoding": "gzip"]).status == 202)
        #expect(await collector.get("/api/v2/trace/1").status == 200)
        let damaged = await collector.post(Array(zipped.dropLast(9)), ["content-encoding": "gzip"])
        #expect(damaged.status == 400)
        #expect(damaged.text == "Cannot gunzip spans")
        #expect(await collector.post("hello", ["content-encoding": "gzip"]).text == "Cannot gunzip spans")
    }

    @Test func a_gzip_body_that_inflates_beyond_the_limit_is_refused_with_413() async throws {
        let collector = try Collector.inMemory()
        let bomb = try gzip([UInt8](repeating: 0x20, count: 2 << 20))
        #expect(bomb.count < 10_000)
        let answer = await collector.post(bomb, ["content-encoding": "gzip"])
        #expect(answer.status == 413)
        #expect(answer.text.contains("1048576"))
    }

    /// Deflates with the program that everyone has, so that the reader isn't tested by its own writer.
    private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-c"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let writing = Thread {
            input.fileHandleForWriting.write(Data(bytes))
            try? input.fileHandleForWriting.close()
        }
        writing.start()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Array(data)
    }
}

extension SpanBatch {
    /// As a `ListOfSpans`.
    var proto3: [UInt8] {
        var out: [UInt8] = []
        for entry in entries {
            out.append(0x0A)
            var rest = entry.record.count
            while rest >= 0x80 {
                out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            out.append(UInt8(rest))
            out += records[Int(entry.record.start)..<Int(entry.record.start + entry.record.count)]
        }
        return out
    }
}
