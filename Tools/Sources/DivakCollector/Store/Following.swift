// SPDX-License-Identifier: Apache-2.0
// Following.swift - what goes with every batch that arrives: who follows, and values offered when searching.

import Synchronization

/// Spans as they arrive, for one who asked.
public final class Follower: Sendable {
    /// Ends when the follower is stopped.
    public let batches: AsyncStream<SpanBatch>
    fileprivate let continuation: AsyncStream<SpanBatch>.Continuation
    private let missed = Mutex(0)

    /// More batches than this don't wait for one who can't keep up.
    static let batchesMax = 64

    init() {
        (batches, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Follower.batchesMax))
    }

    /// How many spans were left out since the last time this was asked.
    public func takeMissed() -> Int {
        missed.withLock { missed in
            defer { missed = 0 }
            return missed
        }
    }

    fileprivate func send(_ batch: SpanBatch) {
        if case .dropped(let lost) = continuation.yield(batch) { missed.withLock { $0 += lost.count } }
    }

    /// Ends `batches`.
    public func stop() { continuation.finish() }
}

/// All who follow.
final class Followers: Sendable {
    private let list = Mutex<[ObjectIdentifier: Follower]>([:])

    func add() -> Follower {
        let follower = Follower()
        let id = ObjectIdentifier(follower)
        list.withLock { $0[id] = follower }
        follower.continuation.onTermination = { [weak self] _ in
            _ = self?.list.withLock { $0.removeValue(forKey: id) }
        }
        return follower
    }

    func send(_ batch: SpanBatch) {
        for follower in list.withLock({ Array($0.values) }) { follower.send(batch) }
    }
}

/// Values of the tags that were named for completion, as they were seen.
final class Suggestions: Sendable {
    let keys: [String]
    private let wanted: [[UInt8]]
    private let found: Mutex<[[UInt8]: Set<[UInt8]>]>

    /// More values than this of one key help nobody choose.
    static let valuesMax = 1000
    /// Nor do longer ones.
    static let bytesMax = 256

    init(keys: [String]) {
        self.keys = Array(Set(keys)).sorted()
        wanted = self.keys.map { Array($0.utf8) }
        found = Mutex([:])
    }

    func note(_ batch: SpanBatch) {
        batch.records.withUnsafeBufferPointer { records in
            for entry in batch.entries { note(RecordView(records.slice(entry.record))) }
        }
    }

    func note(_ span: RecordView) {
        span.forEachTag { key, value in
            guard value.count <= Suggestions.bytesMax, let key = wanted.first(where: { $0.equals(key) }) else { return }
            found.withLock { found in
                if found[key, default: []].count < Suggestions.valuesMax {
                    _ = found[key, default: []].insert(Array(value))
                }
            }
        }
    }

    func values(of key: String) -> [String] {
        let values = found.withLock { $0[Array(key.utf8)] ?? [] }
        return values.sorted { left, right in
            left.withUnsafeBufferPointer { left in right.withUnsafeBufferPointer { left.precedes($0) } }
        }.map { String(decoding: $0, as: UTF8.self) }
    }
}
