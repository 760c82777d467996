// SPDX-License-Identifier: Apache-2.0
// Segment.swift - spans that arrived one after another, kept and dropped together.

/// What the index knows of one span.
struct SpanSlot {
    /// The next span of the trace, as the low half of its number; meaningless in the last one.
    var next: UInt32
    /// Its place in the trace table; `TraceTable.none` when the span is gone.
    var trace: UInt32
    var label: UInt32
    /// Where its record lies in the segment's bytes.
    var start: UInt32
    var count: UInt32
    /// Microseconds; `SpanSlot.long` when it doesn't fit, then the record tells.
    var duration: UInt32

    static let long = UInt32.max
}

final class Segment {
    /// The number of its first span; numbers count spans in order of arrival.
    let base: UInt64
    /// When the first span arrived, in milliseconds since 1970.
    let opened: Int64
    /// When the latest span arrived.
    var latest: Int64
    var slots: [SpanSlot] = []
    /// The records; nil when only the database has them.
    var bytes: [UInt8]? = []
    /// How many bytes the records have, wherever they are.
    var size = 0
    /// How many of the slots the database has.
    var persisted = 0
    /// No more spans are added.
    var isSealed = false

    init(base: UInt64, now: Int64) {
        self.base = base
        opened = now
        latest = now
    }

    /// What keeping the spans costs, records and index together, as an estimate.
    var cost: Int { size + slots.count * Segment.indexCost }

    /// Slot, and share of the trace table.
    static let indexCost = 80
    /// Beyond this no more spans are added, so that 32 bits can say where a record lies.
    static let costMax = 1 << 30
}
