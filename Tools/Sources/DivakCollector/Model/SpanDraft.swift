// SPDX-License-Identifier: Apache-2.0
// SpanDraft.swift - one span while it is read: what a decoder found, made regular, then written as a record.
//
// A record is the span as the proto3 message `Span` of zipkin.proto, the way Zipkin's own encoder writes it. It is what
// the stores keep, in memory and on disk: compact, in one piece, and readable by any Zipkin decoder. Reading a record
// back (RecordView) takes it as it is; what senders may do wrong has been dealt with here.

/// Which side of a call or message a span is.
public enum Kind: UInt8, Sendable {
    case client = 1
    case server, producer, consumer

    /// In upper case, as on the wire.
    public var name: String {
        switch self {
        case .client: "CLIENT"
        case .server: "SERVER"
        case .producer: "PRODUCER"
        case .consumer: "CONSUMER"
        }
    }

    init?(_ text: Text) {
        if text.equals("CLIENT") {
            self = .client
        } else if text.equals("SERVER") {
            self = .server
        } else if text.equals("PRODUCER") {
            self = .producer
        } else if text.equals("CONSUMER") {
            self = .consumer
        } else {
            return nil
        }
    }
}

struct EndpointDraft {
    var service = Text.absent
    var v4: UInt32?
    var v6: (high: UInt64, low: UInt64)?
    var port: UInt16 = 0

    var isEmpty: Bool { service.isEmpty && v4 == nil && v6 == nil && port == 0 }

    mutating func set(_ address: IPAddress?) {
        switch address {
        case .v4(let value): v4 = value
        case .v6(let high, let low): v6 = (high, low)
        case nil: break
        }
    }
}

struct AnnotationDraft {
    var timestamp: Int64
    var value: Text

    func precedes(_ other: AnnotationDraft) -> Bool {
        timestamp != other.timestamp ? timestamp < other.timestamp : value.precedes(other.value)
    }
}

struct TagDraft {
    var key: Text
    var value: Text
}

struct SpanDraft {
    var trace: TraceID?
    var id: UInt64?
    /// 0: none.
    var parent: UInt64 = 0
    var kind: Kind?
    /// In lower case; absent or empty when unknown.
    var name = Text.absent
    /// Microseconds since 1970; 0 when unknown.
    var timestamp: Int64 = 0
    /// Microseconds; 0 when unknown.
    var duration: Int64 = 0
    var local = EndpointDraft()
    var remote = EndpointDraft()
    var annotations: [AnnotationDraft] = []
    var tags: [TagDraft] = []
    var debug = false
    var shared = false

    /// Empties it for the next span, keeping its room.
    mutating func reset() {
        trace = nil
        id = nil
        parent = 0
        kind = nil
        name = .absent
        timestamp = 0
        duration = 0
        local = EndpointDraft()
        remote = EndpointDraft()
        annotations.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
        debug = false
        shared = false
    }

    /// Brings everything into the one form that is stored; throws when an id is missing.
    mutating func finish() throws(DecodeError) {
        guard trace != nil, let id else {
            throw DecodeError("Missing :" + (trace == nil ? " traceId" : "") + (id == nil ? " id" : ""))
        }
        if parent == id { parent = 0 }
        if timestamp < 0 { timestamp = 0 }
        if duration < 0 { duration = 0 }
        if kind == .client { shared = false }
        if annotations.count > 1 { sortAnnotations() }
        if tags.count > 1 { sortTags() }
    }

    /// By time, then text; the same event twice is one.
    private mutating func sortAnnotations() {
        annotations.sort { $0.precedes($1) }
        var kept = 0
        for i in 1..<annotations.count {
            let last = annotations[kept]
            if annotations[i].timestamp == last.timestamp && annotations[i].value.equals(last.value) { continue }
            kept += 1
            annotations[kept] = annotations[i]
        }
        annotations.removeLast(annotations.count - kept - 1)
    }

    /// By key; of two with the same key the later stays.
    private mutating func sortTags() {
        // Few, and often in order already: insertion is stable and cheapest. Many could make it quadratic.
        if tags.count <= 32 {
            for i in 1..<tags.count {
                let tag = tags[i]
                var at = i
                while at > 0 && tag.key.precedes(tags[at - 1].key) {
                    tags[at] = tags[at - 1]
                    at -= 1
                }
                tags[at] = tag
            }
        } else {
            let ordered = tags.enumerated().sorted { left, right in
                if left.element.key.equals(right.element.key) { return left.offset < right.offset }
                return left.element.key.precedes(right.element.key)
            }
            tags = ordered.map(\.element)
        }
        dropEarlierTags()
    }

    private mutating func dropEarlierTags() {
        var kept = 0
        for i in 1..<tags.count {
            if !tags[i].key.equals(tags[kept].key) { kept += 1 }
            tags[kept] = tags[i]
        }
        tags.removeLast(tags.count - kept - 1)
    }
}
