// SPDX-License-Identifier: Apache-2.0
// TraceTable.swift - which spans belong to a trace: from its id to the ends of a list of spans.
//
// Open addressing over slots of fixed size, so that a million traces are two flat arrays. The hash is of the low half of
// the id alone: traces that differ only in the high half lie in one run of the table, where a lenient look-up finds them.

struct TraceSlot {
    var id: TraceID
    /// The first and last span, as low halves of their numbers in order of arrival.
    var head: UInt32
    var tail: UInt32
    /// 0: the slot is free.
    var count: UInt32
    /// Bounds of the spans' timestamps in microseconds.
    ///
    /// Empty (max, min) while no span has one; after part of a trace was evicted the bounds may be wider than what is
    /// left.
    var earliest: Int64
    var latest: Int64
}

struct TraceTable {
    static let none = UInt32.max

    /// False: 64- and 128-bit ids with the same low half are one trace.
    let isStrict: Bool
    private(set) var slots: [TraceSlot] = []
    private var free: [UInt32] = []
    /// Places in `slots` plus one; 0 is empty.
    ///
    /// At most half full.
    private var table: [UInt32]
    private var mask: Int

    init(isStrict: Bool) {
        self.isStrict = isStrict
        table = [UInt32](repeating: 0, count: 1024)
        mask = 1023
    }

    var count: Int { slots.count - free.count }

    subscript(_ index: UInt32) -> TraceSlot {
        @inline(__always) get { slots[Int(index)] }
        @inline(__always) _modify { yield &slots[Int(index)] }
    }

    @inline(__always) private func home(_ low: UInt64) -> Int {
        Int(truncatingIfNeeded: (low &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
    }

    @inline(__always) private func isSame(_ left: TraceID, _ right: TraceID) -> Bool {
        left.low == right.low && (left.high == right.high || !isStrict)
    }

    /// The slot of a trace; `none` when it isn't known.
    func find(_ id: TraceID) -> UInt32 {
        var at = home(id.low)
        while table[at] != 0 {
            let index = table[at] - 1
            if isSame(slots[Int(index)].id, id) { return index }
            at = (at + 1) & mask
        }
        return TraceTable.none
    }

    /// Every trace with this low half.
    func findAll(low: UInt64) -> [UInt32] {
        var found: [UInt32] = []
        var at = home(low)
        while table[at] != 0 {
            if slots[Int(table[at] - 1)].id.low == low { found.append(table[at] - 1) }
            at = (at + 1) & mask
        }
        return found
    }

    /// The slot of a trace, made when it isn't known; then its count is 0.
    mutating func findOrMake(_ id: TraceID) -> UInt32 {
        var at = home(id.low)
        while table[at] != 0 {
            let index = table[at] - 1
            if isSame(slots[Int(index)].id, id) { return index }
            at = (at + 1) & mask
        }
        let slot = TraceSlot(id: id, head: 0, tail: 0, count: 0, earliest: .max, latest: .min)
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
            slots[Int(index)] = slot
        } else {
            index = UInt32(slots.count)
            slots.append(slot)
        }
        table[at] = index + 1
        if count * 2 > table.count { grow() }
        return index
    }

    /// Forgets a trace.
    mutating func remove(_ index: UInt32) {
        var at = home(slots[Int(index)].id.low)
        while table[at] != index + 1 {
            if table[at] == 0 { return }
            at = (at + 1) & mask
        }
        // Closes the gap: what lies behind and belongs at or before it moves up.
        var gap = at
        var next = (at + 1) & mask
        while table[next] != 0 {
            let wanted = home(slots[Int(table[next] - 1)].id.low)
            if (next - wanted) & mask >= (next - gap) & mask {
                table[gap] = table[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        table[gap] = 0
        slots[Int(index)].count = 0
        free.append(index)
    }

    private mutating func grow() {
        let old = table
        table = [UInt32](repeating: 0, count: old.count * 2)
        mask = table.count - 1
        for entry in old where entry != 0 {
            var at = home(slots[Int(entry - 1)].id.low)
            while table[at] != 0 { at = (at + 1) & mask }
            table[at] = entry
        }
    }
}
