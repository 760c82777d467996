// SPDX-License-Identifier: Apache-2.0
// Span.swift - a span as a Swift value, for what looks at few of them: merging, trees, drawing.

/// The network context of a span's own side, or of the other.
public struct Endpoint: Sendable, Hashable {
    /// An address of 128 bits.
    public struct IPv6: Sendable, Hashable {
        /// The upper half.
        public var high: UInt64
        /// The lower half.
        public var low: UInt64
    }

    /// In lower case.
    public var serviceName: String?
    /// An IPv4 address.
    public var v4: UInt32?
    /// An IPv6 address.
    public var v6: IPv6?
    /// 0: unknown.
    public var port: UInt16 = 0

    /// Makes one of which nothing more is known.
    public init(serviceName: String? = nil) { self.serviceName = serviceName }

    init?(_ view: EndpointView) {
        if view.isEmpty { return nil }
        if view.service.isPresent { serviceName = view.service.string }
        if view.v4.count == 4 { v4 = view.v4.reduce(0) { $0 << 8 | UInt32($1) } }
        if view.v6.count == 16 { v6 = IPv6(high: bigEndian(view.v6, 0), low: bigEndian(view.v6, 8)) }
        port = view.port
    }

    /// Such as `192.168.99.100`.
    public var ipv4: String? {
        v4.map {
            var text: [UInt8] = []
            appendIPv4($0, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// Such as `2001:db8::c001`.
    public var ipv6: String? {
        v6.map {
            var text: [UInt8] = []
            appendIPv6($0.high, $0.low, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
    }
}

/// Something that happened at a moment within a span.
public struct Annotation: Sendable, Hashable {
    /// Microseconds since 1970.
    public var timestamp: Int64
    /// What it says.
    public var value: String
}

/// A key and its value.
public struct Tag: Sendable, Hashable {
    /// What it is about.
    public var key: String
    /// What it says.
    public var value: String
}

/// One operation in one process.
public struct Span: Sendable, Equatable {
    /// Shared by all spans of the trace.
    public var trace: TraceID
    /// Of this span; both halves of a call may share it.
    public var id: UInt64
    /// 0: none.
    public var parent: UInt64 = 0
    /// nil: local, or unknown.
    public var kind: Kind?
    /// In lower case; nil: unknown.
    public var name: String?
    /// Microseconds since 1970; 0: unknown.
    public var timestamp: Int64 = 0
    /// Microseconds; 0: unknown.
    public var duration: Int64 = 0
    /// Where the span was recorded.
    public var local: Endpoint?
    /// The other side of the call or message.
    public var remote: Endpoint?
    /// Sorted by time.
    public var annotations: [Annotation] = []
    /// Sorted by key.
    public var tags: [Tag] = []
    /// Asked to be kept whatever a sampler says.
    public var debug = false
    /// The server half of a span that a client began.
    public var shared = false

    /// Makes one of which nothing more is known.
    public init(trace: TraceID, id: UInt64) {
        self.trace = trace
        self.id = id
    }

    /// The value of a tag.
    public subscript(tag key: String) -> String? { tags.first { $0.key == key }?.value }

    /// Failed, which the presence of the tag `error` says, whatever its value.
    public var isError: Bool { self[tag: "error"] != nil }

    /// - Parameter errorOnly: leaves annotations out, and all tags but `error`.
    init(_ view: RecordView, errorOnly: Bool = false) {
        trace = view.trace
        id = view.id
        parent = view.parent
        kind = view.kind
        name = view.name.isPresent ? view.name.string : nil
        timestamp = view.timestamp
        duration = view.duration
        local = Endpoint(view.local)
        remote = Endpoint(view.remote)
        debug = view.debug
        shared = view.shared
        var tags: [Tag] = []
        var annotations: [Annotation] = []
        view.forEachTag { key, value in
            if !errorOnly || key.equals("error") { tags.append(Tag(key: key.string, value: value.string)) }
        }
        if !errorOnly {
            view.forEachAnnotation { annotations.append(Annotation(timestamp: $0, value: $1.string)) }
        }
        self.tags = tags
        self.annotations = annotations
    }

    /// Reads a list of spans in JSON v2, such as a Zipkin server answers.
    public static func list(json: [UInt8]) throws(DecodeError) -> [Span] {
        let result = json.withUnsafeBufferPointer { body in
            Result { () throws(DecodeError) in try SpanBatch(json: body) }
        }
        return try result.get().spans
    }

    /// Writes a list of spans in JSON v2.
    public static func json(_ spans: [Span]) -> [UInt8] {
        var batch = SpanBatch()
        for span in spans { batch.append(span) }
        return batch.json
    }
}

extension SpanBatch {
    /// As Swift values, in the order of the batch.
    public var spans: [Span] {
        records.withUnsafeBufferPointer { records in
            entries.map { Span(RecordView(records.slice($0.record))) }
        }
    }

    /// As a list in JSON v2.
    public var json: [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "[")]
        records.withUnsafeBufferPointer { records in
            for (i, entry) in entries.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                appendJSON(RecordView(records.slice(entry.record)), to: &out)
            }
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    /// Appends a span that was made or changed as a value.
    mutating func append(_ span: Span) {
        // All text into one buffer first, which then stays where it is.
        var pool: [UInt8] = []
        func add(_ text: String?) -> Range<Int>? {
            guard let text else { return nil }
            let start = pool.count
            pool.append(contentsOf: text.utf8)
            return start..<pool.count
        }
        let name = add(span.name)
        let local = add(span.local?.serviceName)
        let remote = add(span.remote?.serviceName)
        let annotations = span.annotations.map { ($0.timestamp, add($0.value)) }
        let tags = span.tags.map { (add($0.key), add($0.value)) }
        pool.append(0)
        pool.withUnsafeBufferPointer { pool in
            func text(_ range: Range<Int>?) -> Text { range.map { Text(rebasing: pool[$0]) } ?? .absent }
            func endpoint(_ endpoint: Endpoint?, _ service: Range<Int>?) -> EndpointDraft {
                EndpointDraft(
                    service: text(service),
                    v4: endpoint?.v4,
                    v6: endpoint?.v6.map { ($0.high, $0.low) },
                    port: endpoint?.port ?? 0
                )
            }
            append(
                SpanDraft(
                    trace: span.trace,
                    id: span.id,
                    parent: span.parent,
                    kind: span.kind,
                    name: text(name),
                    timestamp: span.timestamp,
                    duration: span.duration,
                    local: endpoint(span.local, local),
                    remote: endpoint(span.remote, remote),
                    annotations: annotations.map { AnnotationDraft(timestamp: $0.0, value: text($0.1)) },
                    tags: tags.map { TagDraft(key: text($0.0), value: text($0.1)) },
                    debug: span.debug,
                    shared: span.shared
                )
            )
        }
    }
}
