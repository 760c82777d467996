// SPDX-License-Identifier: Apache-2.0
// Queries.swift - the questions of Zipkin's API v2, each answered as a Zipkin server does.

struct Queries: Sendable {
    let store: SpanStore
    /// Milliseconds that a search looks back when it doesn't say.
    let lookback: Int64
    let isStrict: Bool

    // ---- names ----

    func services() -> Answer {
        let names = store.serviceNames()
        return list(names, isCached: names.count > 3)
    }

    func spanNames(_ request: Request) throws(DecodeError) -> Answer {
        list(store.spanNames(of: try request.required("serviceName")), isCached: store.serviceNames().count > 3)
    }

    func remoteServices(_ request: Request) throws(DecodeError) -> Answer {
        list(
            store.remoteServiceNames(of: try request.required("serviceName")),
            isCached: store.serviceNames().count > 3
        )
    }

    func autocompleteKeys() -> Answer { list(store.autocompleteKeys, isCached: true) }

    func autocompleteValues(_ request: Request) throws(DecodeError) -> Answer {
        let values = store.autocompleteValues(of: try request.required("key"))
        return list(values, isCached: values.count > 3)
    }

    /// Lists of names may be kept by a browser for a while, once there are enough that it matters.
    private func list(_ names: [String], isCached: Bool) -> Answer {
        var body: [UInt8] = [UInt8(ascii: "[")]
        for (i, name) in names.enumerated() {
            if i > 0 { body.append(UInt8(ascii: ",")) }
            appendJSONString(name, to: &body)
        }
        body.append(UInt8(ascii: "]"))
        var answer = Answer.json(body)
        if isCached { answer.headers.append(("cache-control", "max-age=300, must-revalidate")) }
        return answer
    }

    // ---- traces ----

    func trace(_ text: String, isRaw: Bool) throws(DecodeError) -> Answer {
        let id = try TraceID(text)
        guard let trace = store.trace(id) else { return .text(404, "\(id.hex) not found") }
        var body: [UInt8] = []
        trace.appendJSON(to: &body, isRaw: isRaw)
        return .json(body)
    }

    /// The same trace for people: pieces merged, clocks adjusted, each span before what hangs below it.
    func adjustedTrace(_ text: String) throws(DecodeError) -> Answer {
        let id = try TraceID(text)
        guard let trace = store.trace(id) else { return .text(404, "\(id.hex) not found") }
        let tree = TraceTree(trace.rawSpans).adjustedForClockSkew()
        var spans: [Span] = []
        tree.depthFirst { node, _ in spans.append(tree.spans[node]) }
        return .json(Span.json(spans))
    }

    func traceMany(_ request: Request) throws(DecodeError) -> Answer {
        let text = try request.required("traceIds")
        if text.isEmpty { throw DecodeError("traceIds parameter is empty") }
        var ids: [TraceID] = []
        var seen: Set<TraceID> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let id = try TraceID(String(part))
            guard seen.insert(id).inserted else { throw DecodeError("redundant traceId: \(part)") }
            ids.append(id)
        }
        if ids.count == 1 {
            throw DecodeError("Use /api/v2/trace/{traceId} endpoint to retrieve a single trace")
        }
        if !isStrict {
            // Ids with the same low half are one trace, which is answered once.
            var lows: Set<UInt64> = []
            ids.removeAll { !lows.insert($0.low).inserted }
        }
        var found: [TraceRecords] = []
        for id in ids {
            if let trace = store.trace(id) { found.append(trace) }
        }
        return list(found)
    }

    func traces(_ request: Request) throws(DecodeError) -> Answer {
        list(store.search(try TraceQuery(request, now: millisNow(), lookback: lookback)))
    }

    private func list(_ traces: [TraceRecords]) -> Answer {
        var body: [UInt8] = [UInt8(ascii: "[")]
        for (i, trace) in traces.enumerated() {
            if i > 0 { body.append(UInt8(ascii: ",")) }
            trace.appendJSON(to: &body)
        }
        body.append(UInt8(ascii: "]"))
        return .json(body)
    }

    func dependencies(_ request: Request) throws(DecodeError) -> Answer {
        guard let endTs = try request.number("endTs") else { throw DecodeError.missing("endTs") }
        let lookback = try request.number("lookback") ?? self.lookback
        if endTs <= 0 { throw DecodeError("endTs <= 0") }
        if lookback <= 0 { throw DecodeError("lookback <= 0") }
        let (begin, end) = TraceQuery.window(endTs: endTs, lookback: lookback)
        var linker = DependencyLinker()
        store.forEachTrace(begin: begin, end: end) { trace in
            var spans: [Span] = []
            spans.reserveCapacity(trace.count)
            trace.forEach { spans.append(Span($0, errorOnly: true)) }
            linker.add(TraceTree(spans))
        }
        return .json(linker.json)
    }
}

extension DecodeError {
    static func missing(_ parameter: String) -> DecodeError {
        DecodeError("Required parameter '\(parameter)' is missing")
    }
}

extension Request {
    /// A parameter that has to be there, if only empty.
    func required(_ name: String) throws(DecodeError) -> String {
        guard let value = parameter(name) else { throw .missing(name) }
        return value
    }
}
