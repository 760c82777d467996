// SPDX-License-Identifier: Apache-2.0
// SpanIndex+Queries.swift - what queries and the database take out of the index while they hold its lock.

/// The records of a trace as far as they are in memory.
struct Gathered: Sendable {
    /// How many spans the trace has.
    var count = 0
    var records = TraceRecords()
    /// Spans that only the database has, by their place among all.
    var missing: [(position: Int, number: UInt64)] = []
}

/// A trace that may lie within a search's time.
struct Candidate: Sendable {
    /// Its latest time, for the order of answers.
    var time: Int64
    var id: TraceID

    /// Later first; at the same millisecond the greater id first.
    @inline(__always) func precedes(_ other: Candidate) -> Bool {
        let left = time / 1000
        let right = other.time / 1000
        return left != right ? left > right : id.low > other.id.low
    }
}

extension SpanIndex {
    func gather(_ trace: UInt32) -> Gathered {
        var gathered = Gathered()
        forEachSpan(of: trace) { number, slot, segment in
            if let bytes = segment.bytes {
                bytes.withUnsafeBufferPointer {
                    gathered.records.append($0.slice(.init(start: slot.start, count: slot.count)))
                }
            } else {
                gathered.missing.append((gathered.count, number))
            }
            gathered.count += 1
            return true
        }
        return gathered
    }

    /// Traces with a span between the two times, in no order.
    func candidates(begin: Int64, end: Int64) -> CandidateHeap {
        var found: [Candidate] = []
        for slot in traces.slots where slot.count > 0 && slot.earliest <= end && slot.latest >= begin {
            found.append(Candidate(time: min(slot.latest, end), id: slot.id))
        }
        return CandidateHeap(found)
    }

    /// Those of the candidates that the index can't rule out, and whether it is certain of them.
    func filter(_ group: [Candidate], _ query: TraceQuery) -> [(Gathered, isCertain: Bool)] {
        var found: [(Gathered, isCertain: Bool)] = []
        let test = LabelTest(labels, query)
        for candidate in group {
            let trace = traces.find(candidate.id)
            guard trace != TraceTable.none else { continue }
            var hasService = query.service == nil
            var hasName = query.spanName == nil
            var hasRemote = query.remoteService == nil
            var hasDuration = query.minDuration == nil
            var isCertain = query.annotations.isEmpty
            forEachSpan(of: trace) { _, slot, _ in
                let flags = test.flags[Int(slot.label)]
                if flags & LabelTest.service != 0 {
                    hasService = true
                    if flags & LabelTest.name != 0 { hasName = true }
                    if flags & LabelTest.remote != 0 { hasRemote = true }
                    if let least = query.minDuration, !hasDuration {
                        if slot.duration == SpanSlot.long {
                            hasDuration = true
                            isCertain = false
                        } else if Int64(slot.duration) >= least && Int64(slot.duration) <= query.maxDuration ?? .max {
                            hasDuration = true
                        }
                    }
                }
                return !(hasService && hasName && hasRemote && hasDuration)
            }
            guard hasService && hasName && hasRemote && hasDuration else { continue }
            let slot = traces[trace]
            if slot.earliest < query.begin || slot.latest > query.end { isCertain = false }
            found.append((gather(trace), isCertain))
        }
        return found
    }

    /// What the database lacks, oldest first, and what it may drop.
    func unpersisted(atMost limit: Int) -> Database.Rows {
        var rows = Database.Rows()
        rows.deletes = orphans
        rows.deleteBefore = firstNumber > lastDeleted ? firstNumber : 0
        for segment in segments where segment.persisted < segment.slots.count {
            guard let bytes = segment.bytes else { continue }
            if rows.bytes.count >= limit { break }
            for i in segment.persisted..<segment.slots.count {
                let slot = segment.slots[i]
                if slot.trace == TraceTable.none { continue }
                rows.rows.append(
                    .init(
                        number: segment.base + UInt64(i),
                        received: segment.latest,
                        start: rows.bytes.count,
                        count: Int(slot.count)
                    )
                )
                let start = Int(slot.start)
                rows.bytes.append(contentsOf: bytes[start..<start + Int(slot.count)])
            }
            rows.upTo = segment.base + UInt64(segment.slots.count)
        }
        return rows
    }

    /// Takes note of a transaction that succeeded, and lets go of records that the database now has when more than
    /// `cacheBytes` are in memory.
    func markPersisted(_ rows: Database.Rows, cacheBytes: Int) {
        orphans.removeFirst(rows.deletes.count)
        lastDeleted = max(lastDeleted, rows.deleteBefore)
        var resident = 0
        for segment in segments.reversed() {
            if segment.base < rows.upTo {
                let upTo = min(segment.slots.count, Int(rows.upTo - segment.base))
                for i in segment.persisted..<max(upTo, segment.persisted) {
                    if segment.slots[i].trace != TraceTable.none {
                        unpersistedBytes -= Int(segment.slots[i].count)
                    } else {
                        // Evicted while it was being written.
                        orphans.append(segment.base + UInt64(i))
                    }
                }
                segment.persisted = max(segment.persisted, upTo)
            }
            guard segment.bytes != nil else { continue }
            resident += segment.size
            if resident > cacheBytes && segment.isSealed && segment.persisted == segment.slots.count {
                segment.bytes = nil
            }
        }
    }
}

/// Which labels a query's conditions on names allow, worked out once.
private struct LabelTest {
    static let service: UInt8 = 1
    static let name: UInt8 = 2
    static let remote: UInt8 = 4
    private(set) var flags: [UInt8] = []

    init(_ table: LabelTable, _ query: TraceQuery) {
        flags = table.labels.map { label in
            (query.service == nil || query.service == label.service ? LabelTest.service : 0)
                | (query.spanName == nil || query.spanName == label.name ? LabelTest.name : 0)
                | (query.remoteService == nil || query.remoteService == label.remote ? LabelTest.remote : 0)
        }
    }
}

/// Candidates, of which the latest come out first: most searches want few of very many.
struct CandidateHeap: Sendable {
    private var items: [Candidate]

    init(_ items: [Candidate]) { self.items = items }

    var isEmpty: Bool { items.isEmpty }

    func map<T>(_ transform: (Candidate) -> T) -> [T] { items.map(transform) }

    mutating func makeHeap() {
        var at = items.count / 2
        while at > 0 {
            at -= 1
            sink(at)
        }
    }

    mutating func popLatest() -> Candidate? {
        guard let first = items.first, let last = items.popLast() else { return nil }
        if !items.isEmpty {
            items[0] = last
            sink(0)
        }
        return first
    }

    private mutating func sink(_ start: Int) {
        var at = start
        while true {
            var best = at
            for child in [2 * at + 1, 2 * at + 2] where child < items.count && items[child].precedes(items[best]) {
                best = child
            }
            if best == at { return }
            items.swapAt(at, best)
            at = best
        }
    }
}
