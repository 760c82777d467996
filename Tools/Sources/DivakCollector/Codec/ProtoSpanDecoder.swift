// SPDX-License-Identifier: Apache-2.0
// ProtoSpanDecoder.swift - spans from the proto3 message `ListOfSpans`, by Zipkin's rules.
//
// A field that is unknown, or known but of another wire type, is skipped. Anything cut off refuses the whole list.

extension SpanBatch {
    /// Reads a `ListOfSpans`.
    ///
    /// An empty span ends the list, as it does for Zipkin.
    init(proto3 body: Text) throws(DecodeError) {
        self.init()
        do {
            var decoder = ProtoSpanDecoder(body)
            try decoder.list(into: &self)
        } catch {
            let cause = error.message.hasPrefix("Malformed") ? "Malformed" : error.message
            throw DecodeError("\(cause) reading List<Span> from proto3")
        }
    }
}

private struct ProtoSpanDecoder: ~Copyable {
    private let body: Text
    private var at = 0
    private var scratch: Scratch
    private var span = SpanDraft()

    init(_ body: Text) {
        self.body = body
        scratch = Scratch(forBodyOf: body.count)
    }

    mutating func list(into batch: inout SpanBatch) throws(DecodeError) {
        while at < body.count {
            let key = try varint()
            guard key == 0x0A else { throw DecodeError("Malformed: not a list of spans at byte \(at)") }
            let end = try length()
            if end == at { return }
            span.reset()
            scratch.reset()
            while at < end { try field() }
            try span.finish()
            batch.append(span)
        }
    }

    private mutating func field() throws(DecodeError) {
        let key = try varint()
        switch key {
        case 0x0A: span.trace = try traceID()
        case 0x12: span.parent = try identifier(max: 8, "parentId") ?? 0
        case 0x1A:
            let start = at
            guard let id = try identifier(max: 8, "id") else { throw DecodeError("id == null") }
            // Sixteen zeros are refused, fewer pass; the length byte precedes them.
            if id == 0 && at - start == 9 { throw DecodeError("id is all zeros") }
            span.id = id
        case 0x20:
            let kind = try varint()
            if let known = Kind(rawValue: UInt8(clamping: kind)) { span.kind = known }
        case 0x2A: span.name = scratch.lowercased(try text())
        case 0x31: span.timestamp = try fixed64()
        case 0x38: span.duration = Int64(bitPattern: try varint())
        case 0x42: span.local = try endpoint()
        case 0x4A: span.remote = try endpoint()
        case 0x52: try annotation()
        case 0x5A: try tag()
        case 0x60: if try boolean() { span.debug = true }
        case 0x68: if try boolean() { span.shared = true }
        default: try skip(key)
        }
    }

    private mutating func endpoint() throws(DecodeError) -> EndpointDraft {
        var endpoint = EndpointDraft()
        let end = try length()
        while at < end {
            let key = try varint()
            switch key {
            case 0x0A: endpoint.service = scratch.lowercased(try text())
            case 0x12, 0x1A: endpoint.set(IPAddress(bytes: try bytes()))
            case 0x20:
                let port = Int32(truncatingIfNeeded: try varint())
                guard port <= 0xFFFF else { throw DecodeError("invalid port \(port)") }
                endpoint.port = UInt16(max(0, port))
            default: try skip(key)
            }
        }
        return endpoint
    }

    /// One without a time, or without text, is left out.
    private mutating func annotation() throws(DecodeError) {
        var annotation = AnnotationDraft(timestamp: 0, value: .absent)
        let end = try length()
        while at < end {
            let key = try varint()
            switch key {
            case 0x09: annotation.timestamp = try fixed64()
            case 0x12: annotation.value = try text()
            default: try skip(key)
            }
        }
        if annotation.timestamp != 0 && annotation.value.isPresent { span.annotations.append(annotation) }
    }

    /// One without a key is left out; one without a value has an empty one.
    private mutating func tag() throws(DecodeError) {
        var tag = TagDraft(key: .absent, value: .absent)
        let end = try length()
        while at < end {
            let key = try varint()
            switch key {
            case 0x0A: tag.key = try text()
            case 0x12: tag.value = try text()
            default: try skip(key)
            }
        }
        if tag.key.isPresent { span.tags.append(tag) }
    }

    // ---- values ----

    private mutating func traceID() throws(DecodeError) -> TraceID {
        let bytes = try hexBytes(max: 16)
        if bytes.isEmpty { throw DecodeError("traceId == null") }
        let split = max(0, bytes.count - 8)
        let trace = TraceID(high: number(bytes, 0..<split), low: number(bytes, split..<bytes.count))
        if trace.high == 0 && trace.low == 0 { throw DecodeError("traceId is all zeros") }
        return trace
    }

    /// Big-endian; nil when it is empty.
    private mutating func identifier(max: Int, _ name: StaticString) throws(DecodeError) -> UInt64? {
        let bytes = try hexBytes(max: 16)
        if bytes.count > max { throw DecodeError("\(name).length > \(2 * max)") }
        return bytes.isEmpty ? nil : number(bytes, 0..<bytes.count)
    }

    private mutating func hexBytes(max: Int) throws(DecodeError) -> Text {
        let bytes = try bytes()
        if bytes.count > max { throw DecodeError("hex field greater than 32 chars long: \(2 * bytes.count)") }
        return bytes
    }

    private func number(_ bytes: Text, _ range: Range<Int>) -> UInt64 {
        range.reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }

    private mutating func text() throws(DecodeError) -> Text {
        let text = try bytes()
        return isWellFormed(text) ? text : scratch.repaired(text)
    }

    private mutating func bytes() throws(DecodeError) -> Text {
        let end = try length()
        let bytes = Text(rebasing: body[at..<end])
        at = end
        return bytes
    }

    private mutating func boolean() throws(DecodeError) -> Bool {
        try require(1)
        let byte = body[at]
        at += 1
        guard byte <= 1 else { throw DecodeError("Malformed: invalid boolean value at byte \(at)") }
        return byte == 1
    }

    private mutating func fixed64() throws(DecodeError) -> Int64 {
        try require(8)
        let value = UnsafeRawBufferPointer(body).loadUnaligned(fromByteOffset: at, as: Int64.self)
        at += 8
        return Int64(littleEndian: value)
    }

    /// Reads a length and says where what it measures will end.
    private mutating func length() throws(DecodeError) -> Int {
        let count = try varint()
        guard count <= UInt64(Int32.max) else { throw DecodeError("Malformed: length \(count)") }
        try require(Int(count))
        return at + Int(count)
    }

    private mutating func varint() throws(DecodeError) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<10 {
            try require(1)
            let byte = body[at]
            at += 1
            if i == 9 && byte & 0xFE != 0 { break }
            value |= UInt64(byte & 0x7F) << UInt64(7 * i)
            if byte < 0x80 { return value }
        }
        throw DecodeError("Greater than 64-bit varint at position \(at - 1)")
    }

    private mutating func skip(_ key: UInt64) throws(DecodeError) {
        guard key >> 3 != 0 else { throw DecodeError("Malformed: fieldNumber was zero at byte \(at)") }
        switch key & 7 {
        case 0: _ = try varint()
        case 1:
            try require(8)
            at += 8
        case 2: at = try length()
        case 5:
            try require(4)
            at += 4
        default: throw DecodeError("Malformed: invalid wireType \(key & 7) at byte \(at)")
        }
    }

    private func require(_ count: Int) throws(DecodeError) {
        if body.count - at < count {
            throw DecodeError("Truncated: length \(count) > bytes available \(body.count - at)")
        }
    }
}
