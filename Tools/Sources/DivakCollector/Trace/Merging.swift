// SPDX-License-Identifier: Apache-2.0
// Merging.swift - one span of what was sent in pieces or twice, and the corrections that Zipkin makes on reading.
//
//     client  id 7                     both halves of a call may have one id; then the server's is marked as shared
//     server  id 7, no mark    ->      server  id 7, shared, with the parent of the client's half
//     server  id 7, late tags  ->      (merged into the one above: same id, same side, same endpoint)

extension TraceRecords {
    /// The spans in order of arrival, pieces merged.
    public var spans: [Span] {
        var spans: [Span] = []
        spans.reserveCapacity(count)
        forEach { spans.append(Span($0)) }
        return merge(spans)
    }

    /// Those pieces, as they came.
    public var rawSpans: [Span] {
        var spans: [Span] = []
        forEach { spans.append(Span($0)) }
        return spans
    }

    /// As a list in JSON v2.
    /// - Parameter isRaw: leaves spans that were sent in pieces as they came.
    func appendJSON(to out: inout [UInt8], isRaw: Bool = false) {
        if !isRaw && needsMerging {
            out.append(contentsOf: Span.json(spans))
            return
        }
        out.append(UInt8(ascii: "["))
        var isFirst = true
        forEach { span in
            if !isFirst { out.append(UInt8(ascii: ",")) }
            isFirst = false
            DivakCollector.appendJSON(span, to: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    /// Two spans have one id, or trace ids are of different lengths: otherwise merging changes nothing.
    private var needsMerging: Bool {
        var ids: Set<UInt64> = []
        ids.reserveCapacity(count)
        var highs: Set<UInt64> = []
        forEach { span in
            ids.insert(span.id)
            highs.insert(span.trace.high)
        }
        return ids.count < count || highs.count > 1
    }
}

/// Merges the pieces of spans of one trace.
///
/// The result keeps the order of the first pieces.
public func merge(_ spans: [Span]) -> [Span] {
    if spans.count < 2 { return spans }
    let trace = spans.first { $0.trace.high != 0 }?.trace ?? spans[0].trace
    // By id; of those, the side that calls first; of those, without endpoint first, so that its data joins the next.
    let order = spans.indices.sorted { left, right in
        let a = spans[left]
        let b = spans[right]
        if a.id != b.id { return a.id < b.id }
        if a.side != b.side { return a.side < b.side }
        let byEndpoint = compare(a.local, b.local)
        return byEndpoint != 0 ? byEndpoint < 0 : left < right
    }
    var merged: [(place: Int, span: Span)] = []
    var at = 0
    while at < order.count {
        var place = order[at]
        var span = spans[place]
        if (span.trace.high == 0) != (trace.high == 0) { span.trace = trace }
        var host = HostIdentity()
        _ = host.joins(span.local)
        let first = at
        while at + 1 < order.count {
            let next = spans[order[at + 1]]
            guard next.id == span.id, next.shared == span.shared, host.joins(next.local) else { break }
            span.absorb(next)
            place = min(place, order[at + 1])
            at += 1
        }
        if at > first { span.regularize() }
        if let last = merged.last?.span, last.id == span.id {
            if last.kind == .client && span.kind == .server { span.shared = true }
            if span.shared && span.parent == 0 { span.parent = last.parent }
        }
        merged.append((place, span))
        at += 1
    }
    return merged.sorted { $0.place < $1.place }.map(\.span)
}

extension Span {
    /// 0 for the client's half, 2 for a shared one, 1 for others.
    fileprivate var side: Int { shared ? 2 : kind == .client ? 0 : 1 }

    /// Takes over what this one lacks, and all events and tags, which `regularize` then puts in order: once for all
    /// pieces, however many there are.
    fileprivate mutating func absorb(_ other: Span) {
        if parent == 0 { parent = other.parent }
        kind = kind ?? other.kind
        name = name ?? other.name
        if timestamp == 0 { timestamp = other.timestamp }
        if duration == 0 { duration = other.duration }
        local = Endpoint.joined(local, other.local)
        remote = Endpoint.joined(remote, other.remote)
        annotations += other.annotations
        tags += other.tags
        debug = debug || other.debug
        shared = (shared || other.shared) && kind != .client
        if parent == id { parent = 0 }
    }

    /// Brings events and tags into order; of an event one stays, of a tag the latest value.
    fileprivate mutating func regularize() {
        annotations = Set(annotations).sorted { left, right in
            left.timestamp != right.timestamp ? left.timestamp < right.timestamp : left.value < right.value
        }
        tags = Dictionary(tags.map { ($0.key, $0) }) { _, later in later }.values.sorted { left, right in
            left.key.utf16.lexicographicallyPrecedes(right.key.utf16)
        }
    }
}

extension Endpoint {
    fileprivate static func joined(_ left: Endpoint?, _ right: Endpoint?) -> Endpoint? {
        guard var result = left, let right else { return left ?? right }
        result.serviceName = result.serviceName ?? right.serviceName
        result.v4 = result.v4 ?? right.v4
        result.v6 = result.v6 ?? right.v6
        if result.port == 0 { result.port = right.port }
        return result
    }
}

/// What is known of the host that pieces come from, while they agree.
private struct HostIdentity {
    private var known = Endpoint()

    /// False when the endpoint is another host; otherwise takes over what it says.
    mutating func joins(_ endpoint: Endpoint?) -> Bool {
        guard let endpoint else { return true }
        func differ<T: Equatable>(_ left: T?, _ right: T?) -> Bool { left != nil && right != nil && left != right }
        if differ(known.serviceName, endpoint.serviceName) || differ(known.v4, endpoint.v4)
            || differ(known.v6, endpoint.v6)
            || (known.port != 0 && endpoint.port != 0 && known.port != endpoint.port)
        {
            return false
        }
        known = Endpoint.joined(known, endpoint) ?? known
        return true
    }
}

/// Negative when the first comes first: none at all, then by service, then by address, what is unknown last.
private func compare(_ left: Endpoint?, _ right: Endpoint?) -> Int {
    guard let left else { return right == nil ? 0 : -1 }
    guard let right else { return 1 }
    func order<T: Comparable>(_ a: T?, _ b: T?) -> Int {
        guard let a else { return b == nil ? 0 : 1 }
        guard let b else { return -1 }
        return a < b ? -1 : a == b ? 0 : 1
    }
    let byService = order(left.serviceName, right.serviceName)
    if byService != 0 { return byService }
    let byV4 = order(left.v4, right.v4)
    return byV4 != 0 ? byV4 : order(left.ipv6, right.ipv6)
}
