// SPDX-License-Identifier: Apache-2.0
// RecordWriter.swift - a draft as a record: the proto3 message `Span`, fields in the order of their numbers.

/// Spans that were decoded together: their records in one buffer, and what the index wants to know of each.
public struct SpanBatch: Sendable {
    /// A stretch of `records`.
    struct Stretch: Sendable {
        var start: UInt32 = 0
        var count: UInt32 = 0
    }

    struct Entry: Sendable {
        var record: Stretch
        var trace: TraceID
        var timestamp: Int64
        var duration: Int64
        var service: Stretch
        var name: Stretch
        var remote: Stretch
        /// Of service, name and remote service together.
        var labelHash: UInt64
    }

    var records: [UInt8] = []
    var entries: [Entry] = []

    /// How many spans there are.
    public var count: Int { entries.count }

    init() {}

    /// Leaves out what the body doesn't want.
    mutating func keep(_ isWanted: (RecordView) -> Bool) {
        records.withUnsafeBufferPointer { records in
            entries.removeAll { !isWanted(RecordView(records.slice($0.record))) }
        }
    }

    /// Appends a finished draft.
    mutating func append(_ draft: borrowing SpanDraft) {
        guard let trace = draft.trace, let id = draft.id else { return }
        let start = records.count
        if trace.high != 0 {
            key(1, .bytes, 16)
            bigEndian(trace.high)
        } else {
            key(1, .bytes, 8)
        }
        bigEndian(trace.low)
        if draft.parent != 0 {
            key(2, .bytes, 8)
            bigEndian(draft.parent)
        }
        key(3, .bytes, 8)
        bigEndian(id)
        if let kind = draft.kind { key(4, .varint, UInt64(kind.rawValue)) }
        let name = text(5, draft.name)
        if draft.timestamp != 0 {
            records.append(6 << 3 | Wire.fixed64.rawValue)
            littleEndian(draft.timestamp)
        }
        if draft.duration != 0 { key(7, .varint, UInt64(bitPattern: draft.duration)) }
        let service = endpoint(8, draft.local)
        let remote = endpoint(9, draft.remote)
        for annotation in draft.annotations {
            let value = annotation.value
            let length = (annotation.timestamp != 0 ? 9 : 0) + 1 + varintSize(value.count) + value.count
            key(10, .bytes, UInt64(length))
            if annotation.timestamp != 0 {
                records.append(1 << 3 | Wire.fixed64.rawValue)
                littleEndian(annotation.timestamp)
            }
            key(2, .bytes, UInt64(value.count))
            records.append(contentsOf: value)
        }
        for tag in draft.tags {
            let length =
                2 + varintSize(tag.key.count) + tag.key.count + varintSize(tag.value.count) + tag.value.count
            key(11, .bytes, UInt64(length))
            key(1, .bytes, UInt64(tag.key.count))
            records.append(contentsOf: tag.key)
            key(2, .bytes, UInt64(tag.value.count))
            records.append(contentsOf: tag.value)
        }
        if draft.debug { key(12, .varint, 1) }
        if draft.shared { key(13, .varint, 1) }
        let hash = draft.remote.service.hash(draft.name.hash(draft.local.service.hash(labelSeed)))
        entries.append(
            Entry(
                record: Stretch(start: UInt32(start), count: UInt32(records.count - start)),
                trace: trace,
                timestamp: draft.timestamp,
                duration: draft.duration,
                service: service,
                name: name,
                remote: remote,
                labelHash: hash
            )
        )
    }

    private mutating func text(_ field: UInt8, _ text: Text) -> Stretch {
        if text.isEmpty { return Stretch() }
        key(field, .bytes, UInt64(text.count))
        let start = records.count
        records.append(contentsOf: text)
        return Stretch(start: UInt32(start), count: UInt32(text.count))
    }

    private mutating func endpoint(_ field: UInt8, _ endpoint: EndpointDraft) -> Stretch {
        if endpoint.isEmpty { return Stretch() }
        var length = 0
        let service = endpoint.service.count
        if service != 0 { length += 1 + varintSize(service) + service }
        if endpoint.v4 != nil { length += 6 }
        if endpoint.v6 != nil { length += 18 }
        if endpoint.port != 0 { length += 1 + varintSize(Int(endpoint.port)) }
        key(field, .bytes, UInt64(length))
        let name = text(1, endpoint.service)
        if let v4 = endpoint.v4 {
            key(2, .bytes, 4)
            withUnsafeBytes(of: v4.bigEndian) { records.append(contentsOf: $0) }
        }
        if let v6 = endpoint.v6 {
            key(3, .bytes, 16)
            bigEndian(v6.high)
            bigEndian(v6.low)
        }
        if endpoint.port != 0 { key(4, .varint, UInt64(endpoint.port)) }
        return name
    }

    @inline(__always) private mutating func key(_ field: UInt8, _ wire: Wire, _ value: UInt64) {
        records.append(field << 3 | wire.rawValue)
        var rest = value
        while rest >= 0x80 {
            records.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        records.append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always) private mutating func bigEndian(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { records.append(contentsOf: $0) }
    }

    @inline(__always) private mutating func littleEndian(_ value: Int64) {
        withUnsafeBytes(of: value.littleEndian) { records.append(contentsOf: $0) }
    }
}

/// Where the hash of a span's labels begins.
let labelSeed: UInt64 = 0xCBF2_9CE4_8422_2325

/// How a field's value is laid out.
enum Wire: UInt8 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
}

/// How many bytes a number takes.
@inline(__always)
func varintSize(_ value: Int) -> Int {
    value < 0x80 ? 1 : (70 - UInt64(value).leadingZeroBitCount) / 7
}

extension SpanBatch.Entry {
    /// Of a record by itself, such as a database returns.
    init(of record: Text) {
        func stretch(_ text: Text) -> SpanBatch.Stretch {
            guard let from = text.baseAddress, let start = record.baseAddress else { return .init() }
            return .init(start: UInt32(from - start), count: UInt32(text.count))
        }
        let span = RecordView(record)
        self.init(
            record: .init(start: 0, count: UInt32(record.count)),
            trace: span.trace,
            timestamp: span.timestamp,
            duration: span.duration,
            service: stretch(span.local.service),
            name: stretch(span.name),
            remote: stretch(span.remote.service),
            labelHash: span.remote.service.hash(span.name.hash(span.local.service.hash(labelSeed)))
        )
    }
}
