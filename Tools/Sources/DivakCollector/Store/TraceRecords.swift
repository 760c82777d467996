// SPDX-License-Identifier: Apache-2.0
// TraceRecords.swift - the stored spans of one trace, taken out of the store, in order of arrival.

/// The spans of one trace, as the store keeps them.
public struct TraceRecords: Sendable {
    var bytes: [UInt8] = []
    var stretches: [SpanBatch.Stretch] = []

    /// How many spans there are.
    public var count: Int { stretches.count }

    /// Beyond 4 GiB a trace is cut off: nobody could read it, and 32 bits can't say where a record lies.
    mutating func append(_ record: Text) {
        guard bytes.count + record.count <= Int(UInt32.max) else { return }
        stretches.append(SpanBatch.Stretch(start: UInt32(bytes.count), count: UInt32(record.count)))
        bytes.append(contentsOf: record)
    }

    @inline(__always) func forEach(_ body: (RecordView) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            for stretch in stretches { body(RecordView(bytes.slice(stretch))) }
        }
    }
}
