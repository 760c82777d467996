// SPDX-License-Identifier: Apache-2.0
// JSONSpanDecoder.swift - spans from a list in JSON v2, by Zipkin's rules; one that breaks them refuses the whole list.

extension SpanBatch {
    /// Reads a list of spans.
    ///
    /// What follows the list is ignored.
    init(json body: Text) throws(DecodeError) {
        self.init()
        do {
            var decoder = JSONSpanDecoder(body)
            try decoder.list(into: &self)
        } catch {
            throw DecodeError("\(error.message) reading List<Span> from json")
        }
    }
}

private struct JSONSpanDecoder: ~Copyable {
    private var reader: JSONReader
    private var span = SpanDraft()
    private var index = 0

    init(_ body: Text) { reader = JSONReader(body) }

    mutating func list(into batch: inout SpanBatch) throws(DecodeError) {
        try reader.open(UInt8(ascii: "["), "$")
        var isFirst = true
        while try reader.more(until: UInt8(ascii: "]"), &isFirst) {
            span.reset()
            reader.scratch.reset()
            try object()
            try span.finish()
            batch.append(span)
            index += 1
        }
    }

    private mutating func object() throws(DecodeError) {
        try reader.open(UInt8(ascii: "{"), "$[\(index)]")
        var isFirst = true
        while try reader.more(until: UInt8(ascii: "}"), &isFirst) {
            let key = try reader.name()
            if key.equals("traceId") {
                span.trace = try TraceID(reader.string("$[\(index)].traceId"))
            } else if key.equals("id") {
                span.id = try parseSpanID(reader.string("$[\(index)].id"))
            } else if try reader.takeNull() {
                continue
            } else {
                try optional(key)
            }
        }
    }

    @inline(__always) private mutating func optional(_ key: Text) throws(DecodeError) {
        switch key.count {
        case 4 where key.equals("name"):
            span.name = reader.scratch.lowercased(try reader.string("$[\(index)].name"))
        case 4 where key.equals("kind"):
            let text = try reader.string("$[\(index)].kind")
            guard let kind = Kind(text) else {
                throw DecodeError("No enum constant zipkin2.Span.Kind.\(text.string)")
            }
            span.kind = kind
        case 4 where key.equals("tags"):
            try tags()
        case 5 where key.equals("debug"):
            if try reader.boolean("$[\(index)].debug") { span.debug = true }
        case 6 where key.equals("shared"):
            if try reader.boolean("$[\(index)].shared") { span.shared = true }
        case 8 where key.equals("parentId"):
            span.parent = try parseParentID(reader.string("$[\(index)].parentId"))
        case 8 where key.equals("duration"):
            span.duration = try reader.integer("a long", "$[\(index)].duration")
        case 9 where key.equals("timestamp"):
            span.timestamp = try reader.integer("a long", "$[\(index)].timestamp")
        case 11 where key.equals("annotations"):
            try annotations()
        case 13 where key.equals("localEndpoint"):
            span.local = try endpoint("localEndpoint")
        case 14 where key.equals("remoteEndpoint"):
            span.remote = try endpoint("remoteEndpoint")
        default:
            try reader.skip()
        }
    }

    private mutating func endpoint(_ field: StaticString) throws(DecodeError) -> EndpointDraft {
        var endpoint = EndpointDraft()
        try reader.open(UInt8(ascii: "{"), "$[\(index)].\(field)")
        var isFirst = true
        while try reader.more(until: UInt8(ascii: "}"), &isFirst) {
            let key = try reader.name()
            if try reader.takeNull() { continue }
            if key.equals("serviceName") {
                let name = try reader.string("$[\(index)].\(field).serviceName")
                endpoint.service = reader.scratch.lowercased(name)
            } else if key.equals("ipv4") {
                endpoint.set(IPAddress(try reader.string("$[\(index)].\(field).ipv4")))
            } else if key.equals("ipv6") {
                endpoint.set(IPAddress(try reader.string("$[\(index)].\(field).ipv6")))
            } else if key.equals("port") {
                let port = try reader.integer(
                    "an int",
                    "$[\(index)].\(field).port",
                    in: Int64(Int32.min)...Int64(Int32.max)
                )
                guard port <= 0xFFFF else { throw DecodeError("invalid port \(port)") }
                endpoint.port = UInt16(max(0, port))
            } else {
                try reader.skip()
            }
        }
        return endpoint
    }

    private mutating func annotations() throws(DecodeError) {
        try reader.open(UInt8(ascii: "["), "$[\(index)].annotations")
        var isFirst = true
        var count = 0
        while try reader.more(until: UInt8(ascii: "]"), &isFirst) {
            try reader.open(UInt8(ascii: "{"), "$[\(index)].annotations[\(count)]")
            var timestamp: Int64?
            var value = Text.absent
            var isFirstMember = true
            while try reader.more(until: UInt8(ascii: "}"), &isFirstMember) {
                let key = try reader.name()
                if key.equals("timestamp") {
                    timestamp = try reader.integer("a long", "$[\(index)].annotations[\(count)].timestamp")
                } else if key.equals("value") {
                    value = try reader.string("$[\(index)].annotations[\(count)].value")
                } else {
                    try reader.skip()
                }
            }
            guard let timestamp, !value.isAbsent else {
                throw DecodeError("Incomplete annotation at $[\(index)].annotations[\(count)]")
            }
            span.annotations.append(AnnotationDraft(timestamp: timestamp, value: value))
            count += 1
        }
    }

    private mutating func tags() throws(DecodeError) {
        try reader.open(UInt8(ascii: "{"), "$[\(index)].tags")
        var isFirst = true
        while try reader.more(until: UInt8(ascii: "}"), &isFirst) {
            let key = try reader.name()
            if try reader.takeNull() { throw DecodeError("No value at $[\(index)].tags.\(key.string)") }
            let value = try reader.string("$[\(index)].tags.\(key.string)")
            span.tags.append(TagDraft(key: key, value: value))
        }
    }
}
