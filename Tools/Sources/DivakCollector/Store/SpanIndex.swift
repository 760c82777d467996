// SPDX-License-Identifier: Apache-2.0
// SpanIndex.swift - all stored spans: added at the end, found by trace, evicted from the front.
//
//      segment 7            segment 8            segment 9 (open)
//     +--+--+--+--+        +--+--+--+--+        +--+--+--+
//     |a |b |a |a |        |c |b |d |c |        |d |e |d |            a..e: traces; each span links to the next
//     +--+--+--+--+        +--+--+--+--+        +--+--+--+            of its trace
//
// Segments are evicted whole, oldest first. With a span goes the rest of its trace, so that no halves stay behind,
// except for a trace that goes on long after: that one loses its oldest spans alone.
//
// Not for two threads at once: SpanStore guards it.

/// What may be kept.
public struct StoreLimits: Sendable {
    /// How many spans.
    public var maxSpans: Int
    /// Of records and index together.
    public var maxBytes: Int
    /// Milliseconds after arrival; nil: for ever.
    public var maxAge: Int64?

    /// Bounds that suit a store in memory.
    public init(maxSpans: Int = 1_000_000, maxBytes: Int = 320 << 20, maxAge: Int64? = nil) {
        self.maxSpans = maxSpans
        self.maxBytes = maxBytes
        self.maxAge = maxAge
    }
}

final class SpanIndex {
    let limits: StoreLimits
    /// A segment has room for 2 to the power of this.
    private let shift: UInt64
    private var segmentSize: Int { 1 << Int(shift) }
    private(set) var segments: [Segment] = []
    var traces: TraceTable
    private(set) var labels = LabelTable()

    private(set) var liveSpans = 0
    private(set) var evictedSpans = 0
    /// Of all segments.
    private var segmentsCost = 0
    /// Of segments and labels.
    var cost: Int { segmentsCost + labels.cost }
    /// Of records that the database does not have yet.
    var unpersistedBytes = 0
    /// Spans that were evicted in the middle of a segment that stays; the database still has them.
    var orphans: [UInt64] = []
    private var nextNumber: UInt64 = 0
    /// The database has nothing before this number.
    var lastDeleted: UInt64 = 0

    init(limits: StoreLimits, isStrict: Bool) {
        self.limits = limits
        traces = TraceTable(isStrict: isStrict)
        // About a sixteenth of what may be kept, so that an eviction is a small step.
        let size = max(1, min(1024, limits.maxSpans / 16))
        shift = UInt64(size.bitWidth - 1 - size.leadingZeroBitCount)
    }

    /// The number of the oldest span that may still be there.
    var firstNumber: UInt64 { segments.first?.base ?? nextNumber }

    // ---- adding ----

    /// Adds the spans of a batch, then evicts what has become too much.
    func append(_ batch: SpanBatch, now: Int64) {
        batch.records.withUnsafeBufferPointer { records in
            for entry in batch.entries {
                let segment = open(now: now)
                add(entry, of: records, to: segment, bytes: true)
                segment.latest = now
                unpersistedBytes += Int(entry.record.count)
            }
        }
        evict(now: now)
    }

    /// Adds a span that the database has, under the number that it has there.
    ///
    /// Numbers must rise.
    func restore(_ entry: SpanBatch.Entry, of records: Text, number: UInt64, received: Int64) {
        if segments.isEmpty || number >> shift != segments[segments.count - 1].base >> shift {
            segments.last?.isSealed = true
            let wanted = number >> shift
            if let last = segments.last, wanted > last.base >> shift + 1 {
                for missing in (last.base >> shift + 1)..<wanted {
                    segments.append(Segment(base: missing << shift, now: last.latest))
                    segments[segments.count - 1].isSealed = true
                }
            }
            segments.append(Segment(base: wanted << shift, now: received))
        }
        let segment = segments[segments.count - 1]
        segment.bytes = nil
        while segment.base + UInt64(segment.slots.count) < number {
            segment.slots.append(
                SpanSlot(next: 0, trace: TraceTable.none, label: 0, start: 0, count: 0, duration: 0)
            )
            segmentsCost += Segment.indexCost
        }
        add(entry, of: records, to: segment, bytes: false)
        segment.latest = received
        segment.persisted = segment.slots.count
        nextNumber = number + 1
    }

    /// Seals what was restored: new spans go to a segment of their own.
    func finishRestoring(now: Int64) {
        segments.last?.isSealed = true
        evict(now: now)
    }

    private func open(now: Int64) -> Segment {
        if let last = segments.last {
            let costMax = min(limits.maxBytes / 16, Segment.costMax)
            if last.slots.count == segmentSize || last.cost > costMax { last.isSealed = true }
            if let maxAge = limits.maxAge, now - last.opened > maxAge / 16 { last.isSealed = true }
            if !last.isSealed { return last }
            nextNumber = (last.base >> shift + 1) << shift
        }
        let segment = Segment(base: (nextNumber >> shift) << shift, now: now)
        segment.bytes?.reserveCapacity(min(segmentSize, 64) * 256)
        segments.append(segment)
        return segment
    }

    @inline(__always)
    private func add(_ entry: SpanBatch.Entry, of records: Text, to segment: Segment, bytes: Bool) {
        let number = segment.base + UInt64(segment.slots.count)
        let label = labels.acquire(
            records.slice(entry.service),
            records.slice(entry.name),
            records.slice(entry.remote),
            hash: entry.labelHash
        )
        let trace = traces.findOrMake(entry.trace)
        let low = UInt32(truncatingIfNeeded: number)
        if traces[trace].count == 0 {
            traces[trace].head = low
        } else {
            modify(traces[trace].tail) { $0.next = low }
        }
        traces[trace].tail = low
        traces[trace].count += 1
        if entry.timestamp != 0 {
            traces[trace].earliest = min(traces[trace].earliest, entry.timestamp)
            traces[trace].latest = max(traces[trace].latest, entry.timestamp)
        }
        let duration = entry.duration >= Int64(SpanSlot.long) ? SpanSlot.long : UInt32(max(0, entry.duration))
        segment.slots.append(
            SpanSlot(
                next: 0,
                trace: trace,
                label: label,
                // Of a segment without bytes it says nothing, and several that were small may have become one.
                start: UInt32(truncatingIfNeeded: segment.size),
                count: entry.record.count,
                duration: duration
            )
        )
        if bytes { segment.bytes?.append(contentsOf: records.slice(entry.record)) }
        segment.size += Int(entry.record.count)
        segmentsCost += Int(entry.record.count) + Segment.indexCost
        liveSpans += 1
    }

    // ---- finding ----

    /// The whole number of a span of which the low half is known.
    @inline(__always) func number(_ low: UInt32) -> UInt64 {
        let first = firstNumber
        return first + UInt64(low &- UInt32(truncatingIfNeeded: first))
    }

    @inline(__always) func segment(of number: UInt64) -> Segment {
        segments[Int(number >> shift - segments[0].base >> shift)]
    }

    @inline(__always) private func modify(_ low: UInt32, _ body: (inout SpanSlot) -> Void) {
        let number = number(low)
        let segment = segment(of: number)
        body(&segment.slots[Int(number - segment.base)])
    }

    /// Visits the spans of a trace in order of arrival until told to stop.
    @inline(__always)
    func forEachSpan(of trace: UInt32, _ body: (_ number: UInt64, SpanSlot, Segment) -> Bool) {
        var low = traces[trace].head
        for _ in 0..<traces[trace].count {
            let number = number(low)
            let segment = segment(of: number)
            let slot = segment.slots[Int(number - segment.base)]
            if !body(number, slot, segment) { return }
            low = slot.next
        }
    }

    // ---- evicting ----

    /// Drops the oldest until everything is within its limits.
    func evict(now: Int64) {
        while let oldest = segments.first {
            let isTooOld = limits.maxAge.map { now - oldest.latest > $0 } ?? false
            guard liveSpans > limits.maxSpans || cost > limits.maxBytes || isTooOld else { return }
            if segments.count == 1 && !isTooOld && liveSpans <= limits.maxSpans && oldest.slots.count <= 1 { return }
            evictOldest()
        }
    }

    private func evictOldest() {
        let oldest = segments[0]
        let end = oldest.base + UInt64(segmentSize)
        // A trace whose last span came this much later goes on without its beginning.
        let reach = end + UInt64(max(1, segments.count / 8) * segmentSize)
        for i in 0..<oldest.slots.count where oldest.slots[i].trace != TraceTable.none {
            let trace = oldest.slots[i].trace
            let wholeTrace = number(traces[trace].tail) < reach
            var low = traces[trace].head
            var left = traces[trace].count
            while left > 0 {
                let number = number(low)
                guard wholeTrace || number < end else { break }
                let segment = segment(of: number)
                let slot = segment.slots[Int(number - segment.base)]
                segment.slots[Int(number - segment.base)].trace = TraceTable.none
                labels.release(slot.label)
                if segment !== oldest {
                    if Int(number - segment.base) < segment.persisted {
                        orphans.append(number)
                    } else {
                        unpersistedBytes -= Int(slot.count)
                    }
                } else if Int(number - segment.base) >= segment.persisted {
                    unpersistedBytes -= Int(slot.count)
                }
                liveSpans -= 1
                evictedSpans += 1
                low = slot.next
                left -= 1
            }
            if left == 0 {
                traces.remove(trace)
            } else {
                traces[trace].head = low
                traces[trace].count = left
            }
        }
        segmentsCost -= oldest.cost
        if segments.count == 1 { nextNumber = end }
        segments.removeFirst()
    }
}

extension UnsafeBufferPointer<UInt8> {
    @inline(__always) func slice(_ stretch: SpanBatch.Stretch) -> Text {
        guard let baseAddress else { return .absent }
        return Text(start: baseAddress + Int(stretch.start), count: Int(stretch.count))
    }
}
