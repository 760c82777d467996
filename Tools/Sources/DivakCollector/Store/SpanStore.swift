// SPDX-License-Identifier: Apache-2.0
// SpanStore.swift - the spans of this collector, in memory or in a database, for many threads at once.

import Foundation
import Synchronization

/// Counts since the store was opened, and what it holds now.
public struct StoreStats: Sendable {
    /// Taken in.
    public var added = 0
    /// Held now; `restored + added = live + evicted`.
    public var live = 0
    /// Dropped because there were too many, or they were too old.
    public var evicted = 0
    /// Found in the database when it was opened.
    public var restored = 0
    /// Held now.
    public var traces = 0
    /// Estimate of what the spans take, in bytes.
    public var bytes = 0
    /// In memory, not yet in the database.
    public var unpersistedBytes = 0
    /// Transactions that failed and were tried again.
    public var writeFailures = 0
}

/// The spans of a collector, in memory or in an SQLite file.
public final class SpanStore: Sendable {
    private let index: Mutex<SpanIndex>
    let database: Database?
    private let stats = Mutex<StoreStats>(StoreStats())
    private let followers = Followers()
    private let suggestions: Suggestions
    private let persisting = Mutex<Void>(())
    private let onTrouble: @Sendable (String) -> Void

    /// How much of what the database has stays in memory too.
    static let cacheBytes = 96 << 20
    /// With so many bytes waiting for the database, no more are taken.
    static let backlogBytes = 96 << 20

    /// - Parameters:
    ///   - path: an SQLite file; nil keeps spans in memory alone.
    ///   - isStrict: false treats 64- and 128-bit trace ids with the same low half as one.
    ///   - autocompleteKeys: keys of tags whose values are offered when searching.
    ///   - onTrouble: is told, in a sentence, when the database can't be read or written.
    public init(
        limits: StoreLimits = StoreLimits(),
        path: String? = nil,
        isStrict: Bool = true,
        autocompleteKeys: [String] = [],
        onTrouble: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StoreError) {
        self.onTrouble = onTrouble
        index = Mutex(SpanIndex(limits: limits, isStrict: isStrict))
        suggestions = Suggestions(keys: autocompleteKeys)
        database = try path.map { (path) throws(StoreError) in try Database(path: path) }
        if let database { try restore(from: database) }
    }

    private func restore(from database: Database) throws(StoreError) {
        let now = millisNow()
        do {
            try index.withLock { index in
                try database.forEach { number, received, record in
                    let entry = SpanBatch.Entry(of: record)
                    index.restore(entry, of: record, number: number, received: received)
                    if !suggestions.keys.isEmpty { suggestions.note(RecordView(record)) }
                }
                let restored = index.liveSpans
                stats.withLock { $0.restored = restored }
                index.finishRestoring(now: now)
            }
        } catch {
            throw StoreError(description: "can't read the stored spans: \(error)")
        }
    }

    // ---- adding ----

    /// False while so much waits for the database that more would not fit in memory.
    public var hasRoom: Bool {
        database == nil || index.withLock { $0.unpersistedBytes } < SpanStore.backlogBytes
    }

    /// Adds spans; those that are too many or too old then go, oldest first, and are counted.
    public func append(_ batch: SpanBatch) {
        if batch.count == 0 { return }
        index.withLock { $0.append(batch, now: millisNow()) }
        stats.withLock { $0.added += batch.count }
        if !suggestions.keys.isEmpty { suggestions.note(batch) }
        followers.send(batch)
    }

    /// Evicts what has become too old, and writes to the database what it doesn't have.
    ///
    /// Call it a few times a second.
    public func maintain() {
        let now = millisNow()
        index.withLock { $0.evict(now: now) }
        persist()
    }

    /// Writes everything that the database doesn't have.
    ///
    /// True when it has everything afterwards.
    @discardableResult
    public func persist() -> Bool {
        guard let database else { return true }
        return persisting.withLock { _ in
            while true {
                let rows = index.withLock { $0.unpersisted(atMost: 8 << 20) }
                if rows.upTo == 0 && rows.deletes.isEmpty && rows.deleteBefore == 0 { return true }
                do {
                    try database.write(rows)
                } catch {
                    let failures = stats.withLock { stats in
                        stats.writeFailures += 1
                        return stats.writeFailures
                    }
                    if failures == 1 || failures.isMultiple(of: 240) {
                        onTrouble("can't write spans, will try again: \(error)")
                    }
                    return false
                }
                index.withLock { $0.markPersisted(rows, cacheBytes: SpanStore.cacheBytes) }
                if rows.bytes.count < 4 << 20 { return true }
            }
        }
    }

    // ---- following ----

    /// Spans as they arrive, in batches.
    public func follow() -> Follower { followers.add() }

    // ---- asking ----

    /// What there is, and what there has been.
    public func currentStats() -> StoreStats {
        var now = stats.withLock { $0 }
        index.withLock { index in
            now.live = index.liveSpans
            now.evicted = index.evictedSpans
            now.traces = index.traces.count
            now.bytes = index.cost
            now.unpersistedBytes = database == nil ? 0 : index.unpersistedBytes
        }
        return now
    }

    /// Names of all services that have a span of their own, sorted.
    public func serviceNames() -> [String] { index.withLock { $0.labels.names { $0.service } } }

    /// Names of the spans of a service, sorted.
    public func spanNames(of service: String) -> [String] {
        let service = lowercased(Array(service.utf8))
        return index.withLock { $0.labels.names { $0.service == service ? $0.name : nil } }
    }

    /// Names of the services at the other side of the spans of a service, sorted.
    public func remoteServiceNames(of service: String) -> [String] {
        let service = lowercased(Array(service.utf8))
        return index.withLock { $0.labels.names { $0.service == service ? $0.remote : nil } }
    }

    /// Keys of tags whose values are offered when searching, sorted.
    public var autocompleteKeys: [String] { suggestions.keys }

    /// Values of such a tag that were seen, sorted.
    public func autocompleteValues(of key: String) -> [String] { suggestions.values(of: key) }

    /// The spans of a trace; nil when there are none.
    public func trace(_ id: TraceID) -> TraceRecords? {
        let gathered = index.withLock { index -> Gathered? in
            let trace = index.traces.find(id)
            return trace == TraceTable.none ? nil : index.gather(trace)
        }
        guard let gathered else { return nil }
        let records = resolve(gathered)
        return records.count == 0 ? nil : records
    }

    /// Traces that match, latest first.
    public func search(_ query: TraceQuery) -> [TraceRecords] {
        var candidates = index.withLock { $0.candidates(begin: query.begin, end: query.end) }
        candidates.makeHeap()
        var found: [TraceRecords] = []
        while found.count < query.limit && !candidates.isEmpty {
            var group: [Candidate] = []
            while group.count < 64, let next = candidates.popLatest() { group.append(next) }
            let promising = index.withLock { $0.filter(group, query) }
            for (gathered, isCertain) in promising where found.count < query.limit {
                let records = resolve(gathered)
                if records.count > 0 && (isCertain || query.matches(records)) { found.append(records) }
            }
        }
        return found
    }

    /// Visits the traces that have a span between two moments, in microseconds.
    ///
    /// Traces that share the low half of their id come as one.
    func forEachTrace(begin: Int64, end: Int64, _ body: (TraceRecords) -> Void) {
        var lows = index.withLock { $0.candidates(begin: begin, end: end) }.map(\.id.low)
        lows.sort()
        var last: UInt64?
        for low in lows where low != last {
            last = low
            let gathered = index.withLock { index in index.traces.findAll(low: low).map { index.gather($0) } }
            var whole = TraceRecords()
            for one in gathered {
                let records = resolve(one)
                if gathered.count == 1 {
                    whole = records
                } else {
                    records.bytes.withUnsafeBufferPointer { bytes in
                        for stretch in records.stretches { whole.append(bytes.slice(stretch)) }
                    }
                }
            }
            if whole.count > 0 { body(whole) }
        }
    }

    /// Fetches from the database what isn't in memory.
    private func resolve(_ gathered: Gathered) -> TraceRecords {
        guard let database, !gathered.missing.isEmpty else { return gathered.records }
        var fetched = TraceRecords()
        var places: [Int: SpanBatch.Stretch] = [:]
        do {
            try database.read(gathered.missing.map(\.number)) { position, record in
                fetched.append(record)
                places[gathered.missing[position].position] = fetched.stretches[fetched.stretches.count - 1]
            }
        } catch {
            onTrouble("can't read spans: \(error)")
        }
        var result = TraceRecords()
        var resident = gathered.records.stretches.makeIterator()
        let missing = Set(gathered.missing.map(\.position))
        gathered.records.bytes.withUnsafeBufferPointer { kept in
            fetched.bytes.withUnsafeBufferPointer { read in
                for position in 0..<gathered.count {
                    if missing.contains(position) {
                        if let place = places[position] { result.append(read.slice(place)) }
                    } else if let stretch = resident.next() {
                        result.append(kept.slice(stretch))
                    }
                }
            }
        }
        return result
    }
}

/// Milliseconds since 1970.
func millisNow() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
