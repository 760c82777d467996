// SPDX-License-Identifier: Apache-2.0
// Support.swift - what the tests share: golden payloads, a collector to ask, spans to send.

import Foundation

@testable import DivakCollector

/// Payloads, and what Zipkin's own codecs write for them: NAME.in.json, NAME.json, NAME.pb.
enum Golden {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Tests/golden").standardizedFileURL

    static let names = ["big", "both-ips", "client", "minimal", "producer-consumer", "server-shared-debug", "strings"]

    static func bytes(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: file))) }

    /// One of the files has a few zero bytes behind its text.
    static func text(_ file: String) throws -> String {
        let bytes = try bytes(file)
        return String(decoding: bytes[..<(bytes.firstIndex(of: 0) ?? bytes.count)], as: UTF8.self)
    }
}

extension Collector {
    /// A collector with a store in memory.
    static func inMemory(
        _ limits: StoreLimits = StoreLimits(),
        isStrict: Bool = true,
        autocompleteKeys: [String] = [],
        sampleRate: Double = 1
    ) throws -> Collector {
        var settings = Settings()
        settings.sampleRate = sampleRate
        settings.isStrict = isStrict
        settings.maxBodyBytes = 1 << 20
        return Collector(
            store: try SpanStore(limits: limits, isStrict: isStrict, autocompleteKeys: autocompleteKeys),
            settings: settings
        )
    }

    @discardableResult
    func post(_ body: String, _ headers: [String: String] = [:]) async -> Answer {
        await post(Array(body.utf8), headers)
    }

    @discardableResult
    func post(_ body: [UInt8], _ headers: [String: String] = [:]) async -> Answer {
        await answer(Request(method: "POST", path: "/api/v2/spans", headers: headers, body: body))
    }

    /// Asks for an address such as `/api/v2/traces?limit=1`.
    func get(_ address: String) async -> Answer {
        let parts = address.split(separator: "?", maxSplits: 1)
        return await answer(Request(path: String(parts[0]), query: parts.count > 1 ? parseQuery(parts[1]) : []))
    }

    func text(_ address: String) async -> String { await get(address).text }
}

extension Answer {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A file that doesn't exist yet, in a folder of its own that goes with the value.
final class TemporaryFile {
    let folder: URL
    let path: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "divak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appending(path: "spans.db").path
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}

/// Numbers that look random and are the same in every run with the same seed.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Dice {
    /// One of the values.
    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &self)] }
}

/// A batch of spans made as values.
func batch(_ spans: [Span]) -> SpanBatch {
    var batch = SpanBatch()
    for span in spans { batch.append(span) }
    return batch
}

func span(
    _ trace: UInt64,
    _ id: UInt64,
    parent: UInt64 = 0,
    kind: Kind? = nil,
    service: String? = nil,
    name: String? = nil,
    at timestamp: Int64 = 1_000_000,
    for duration: Int64 = 0,
    remote: String? = nil,
    tags: [String: String] = [:]
) -> Span {
    var span = Span(trace: TraceID(low: trace), id: id)
    span.parent = parent
    span.kind = kind
    span.name = name
    span.timestamp = timestamp
    span.duration = duration
    span.local = service.map { Endpoint(serviceName: $0) }
    span.remote = remote.map { Endpoint(serviceName: $0) }
    span.tags = tags.map { Tag(key: $0.key, value: $0.value) }.sorted { $0.key < $1.key }
    return span
}
