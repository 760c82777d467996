// SPDX-License-Identifier: Apache-2.0
// RecordView.swift - a record in place: where each field of a stored span is, without copying any.
//
// Only for bytes that RecordWriter wrote. It never reads past the end, whatever they hold, but takes them as they are.

struct EndpointView {
    var service = Text.absent
    var v4 = Text.absent
    var v6 = Text.absent
    var port: UInt16 = 0

    var isEmpty: Bool { service.isEmpty && v4.isEmpty && v6.isEmpty && port == 0 }
}

struct RecordView {
    private(set) var trace = TraceID(low: 0)
    private(set) var parent: UInt64 = 0
    private(set) var id: UInt64 = 0
    private(set) var kind: Kind?
    private(set) var name = Text.absent
    private(set) var timestamp: Int64 = 0
    private(set) var duration: Int64 = 0
    private(set) var local = EndpointView()
    private(set) var remote = EndpointView()
    private(set) var debug = false
    private(set) var shared = false
    /// From the first annotation to the last.
    private var annotations = Text.absent
    /// From the first tag to the last.
    private var tags = Text.absent

    init(_ record: Text) {
        var reader = FieldReader(record)
        while let field = reader.next() {
            switch field.number {
            case 1:
                if field.bytes.count == 16 { trace.high = bigEndian(field.bytes, 0) }
                trace.low = bigEndian(field.bytes, field.bytes.count - 8)
            case 2: parent = bigEndian(field.bytes, 0)
            case 3: id = bigEndian(field.bytes, 0)
            case 4: kind = Kind(rawValue: UInt8(truncatingIfNeeded: field.value))
            case 5: name = field.bytes
            case 6: timestamp = Int64(bitPattern: field.value)
            case 7: duration = Int64(bitPattern: field.value)
            case 8: local = RecordView.endpoint(field.bytes)
            case 9: remote = RecordView.endpoint(field.bytes)
            case 10: annotations = RecordView.extend(annotations, field.whole)
            case 11: tags = RecordView.extend(tags, field.whole)
            case 12: debug = field.value == 1
            case 13: shared = field.value == 1
            default: break
            }
        }
    }

    @inline(__always) func forEachAnnotation(_ body: (_ timestamp: Int64, _ value: Text) -> Void) {
        var reader = FieldReader(annotations)
        while let field = reader.next() {
            var inner = FieldReader(field.bytes)
            var timestamp: Int64 = 0
            var value = Text.absent
            while let part = inner.next() {
                if part.number == 1 { timestamp = Int64(bitPattern: part.value) }
                if part.number == 2 { value = part.bytes }
            }
            body(timestamp, value)
        }
    }

    @inline(__always) func forEachTag(_ body: (_ key: Text, _ value: Text) -> Void) {
        var reader = FieldReader(tags)
        while let field = reader.next() {
            var inner = FieldReader(field.bytes)
            var key = Text.absent
            var value = Text.absent
            while let part = inner.next() {
                if part.number == 1 { key = part.bytes }
                if part.number == 2 { value = part.bytes }
            }
            body(key, value)
        }
    }

    var hasAnnotations: Bool { !annotations.isEmpty }
    var hasTags: Bool { !tags.isEmpty }

    private static func endpoint(_ bytes: Text) -> EndpointView {
        var endpoint = EndpointView()
        var reader = FieldReader(bytes)
        while let field = reader.next() {
            switch field.number {
            case 1: endpoint.service = field.bytes
            case 2: endpoint.v4 = field.bytes
            case 3: endpoint.v6 = field.bytes
            case 4: endpoint.port = UInt16(truncatingIfNeeded: field.value)
            default: break
            }
        }
        return endpoint
    }

    private static func extend(_ run: Text, _ field: Text) -> Text {
        guard let start = run.baseAddress, let from = field.baseAddress else { return field }
        return Text(start: start, count: from + field.count - start)
    }
}

/// Eight bytes as a number; zero when they are not there.
@inline(__always)
func bigEndian(_ bytes: Text, _ offset: Int) -> UInt64 {
    guard offset >= 0, offset + 8 <= bytes.count else { return 0 }
    return UInt64(bigEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: offset, as: UInt64.self))
}

/// Steps through the fields of a message; ends at the first that is cut off.
struct FieldReader {
    struct Field {
        var number: UInt64
        /// Of a varint or a fixed-size field.
        var value: UInt64
        /// Of a length-delimited field.
        var bytes: Text
        /// Key, length and value.
        var whole: Text
    }

    private let bytes: Text
    private var at = 0

    @inline(__always) init(_ bytes: Text) { self.bytes = bytes }

    @inline(__always) mutating func next() -> Field? {
        let start = at
        guard let key = varint() else { return nil }
        var field = Field(number: key >> 3, value: 0, bytes: .absent, whole: .absent)
        switch key & 7 {
        case 0:
            guard let value = varint() else { return nil }
            field.value = value
        case 1:
            guard at + 8 <= bytes.count else { return nil }
            field.value = UInt64(
                littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: at, as: UInt64.self)
            )
            at += 8
        case 2:
            guard let length = varint(), length <= UInt64(bytes.count - at) else { return nil }
            field.bytes = Text(rebasing: bytes[at..<at + Int(length)])
            at += Int(length)
        default:
            return nil
        }
        field.whole = Text(rebasing: bytes[start..<at])
        return field
    }

    @inline(__always) private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.count && shift < 64 {
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
