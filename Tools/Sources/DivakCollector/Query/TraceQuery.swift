// SPDX-License-Identifier: Apache-2.0
// TraceQuery.swift - what to search for, and whether a trace is it. The rules are those of Zipkin's query.

/// A search for traces; each condition narrows it.
public struct TraceQuery: Sendable {
    /// Conditions on spans hold for spans of this service.
    var service: [UInt8]?
    var remoteService: [UInt8]?
    var spanName: [UInt8]?
    /// Tags by key.
    ///
    /// An empty value asks for the key, or for an annotation of that text.
    var annotations: [(key: [UInt8], value: [UInt8])] = []
    var minDuration: Int64?
    var maxDuration: Int64?
    /// Microseconds since 1970; a trace lies between them by its root's timestamp, or else by its earliest.
    var begin: Int64 = 0
    var end: Int64 = .max
    var limit = 10

    /// The latest ten traces.
    public init() {}

    /// Reads the parameters of a request to `/api/v2/traces`.
    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - lookback: in milliseconds, when the request doesn't say.
    init(_ request: Request, now: Int64, lookback: Int64) throws(DecodeError) {
        func text(_ name: String) -> [UInt8]? {
            guard let value = request.parameter(name), !value.isEmpty else { return nil }
            return Array(value.utf8)
        }
        service = text("serviceName").map(lowercased)
        remoteService = text("remoteServiceName").map(lowercased)
        spanName = text("spanName").map(lowercased)
        if spanName == Array("all".utf8) { spanName = nil }
        annotations = TraceQuery.parse(request.parameter("annotationQuery") ?? "")
        minDuration = try request.number("minDuration")
        maxDuration = try request.number("maxDuration")
        let endTs = try request.number("endTs") ?? now
        let lookback = try request.number("lookback") ?? lookback
        let limit = try request.number("limit") ?? 10
        if endTs <= 0 { throw DecodeError("endTs <= 0") }
        if limit <= 0 { throw DecodeError("limit <= 0") }
        if limit > Int32.max { throw DecodeError("limit should be a whole number of 32 bits, not \(limit)") }
        if lookback <= 0 { throw DecodeError("lookback <= 0") }
        if let minDuration {
            if minDuration <= 0 { throw DecodeError("minDuration <= 0") }
            if let maxDuration, maxDuration < minDuration { throw DecodeError("maxDuration < minDuration") }
        } else if maxDuration != nil {
            throw DecodeError("maxDuration is only valid with minDuration")
        }
        self.limit = Int(limit)
        (begin, end) = TraceQuery.window(endTs: endTs, lookback: lookback)
    }

    /// From milliseconds to microseconds, held within what fits.
    static func window(endTs: Int64, lookback: Int64) -> (begin: Int64, end: Int64) {
        func micros(_ millis: Int64) -> Int64 {
            let (value, overflow) = millis.multipliedReportingOverflow(by: 1000)
            return overflow ? (millis < 0 ? .min : .max) : value
        }
        let (begin, overflow) = endTs.subtractingReportingOverflow(lookback)
        // Anything within the last millisecond counts.
        let end = micros(endTs)
        return (overflow ? .min : micros(begin), end > .max - 999 ? .max : end)
    }

    /// `http.method=GET and error`: each part a tag's key and value, or a tag's key or an annotation.
    ///
    /// Of two values for a key the later counts, and any value rather than none; white space around them does not.
    static func parse(_ text: String) -> [(key: [UInt8], value: [UInt8])] {
        var conditions: [(key: [UInt8], value: [UInt8])] = []
        for part in text.components(separator: " and ") {
            let parts = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
            let key = parts[0]
            if key.isEmpty { continue }
            if parts.count == 1 && conditions.contains(where: { $0.key == key }) { continue }
            conditions.removeAll { $0.key == key }
            conditions.append((key, parts.count > 1 ? parts[1] : []))
        }
        return conditions
    }

    /// Without control characters and blanks at either end.
    private static func trimmed(_ text: Substring) -> [UInt8] {
        var bytes = text.utf8
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        return Array(bytes)
    }

    // ---- matching ----

    /// Whether the spans of one trace are what is searched for.
    func matches(_ trace: TraceRecords) -> Bool {
        var timestamp: Int64 = 0
        var hasRoot = false
        var hasService = service == nil
        var hasName = spanName == nil
        var hasRemote = remoteService == nil
        var hasDuration = minDuration == nil
        var missing = annotations
        trace.forEach { span in
            if span.timestamp != 0 && !hasRoot {
                if span.parent == 0 {
                    timestamp = span.timestamp
                    hasRoot = true
                } else if timestamp == 0 || timestamp > span.timestamp {
                    timestamp = span.timestamp
                }
            }
            guard service.isNilOrEqual(span.local.service) else { return }
            hasService = true
            if !hasName && spanName.isNilOrEqual(span.name) { hasName = true }
            if !hasRemote && remoteService.isNilOrEqual(span.remote.service) { hasRemote = true }
            if let minDuration, span.duration >= minDuration, span.duration <= maxDuration ?? .max {
                hasDuration = true
            }
            if !missing.isEmpty { TraceQuery.strike(&missing, span) }
        }
        return hasService && hasName && hasRemote && hasDuration && missing.isEmpty
            && timestamp != 0 && timestamp >= begin && timestamp <= end
    }

    /// Strikes out the conditions that this span fulfils.
    private static func strike(_ missing: inout [(key: [UInt8], value: [UInt8])], _ span: RecordView) {
        span.forEachAnnotation { _, text in
            missing.removeAll { $0.value.isEmpty && $0.key.equals(text) }
        }
        span.forEachTag { key, value in
            missing.removeAll { $0.key.equals(key) && ($0.value.isEmpty || $0.value.equals(value)) }
        }
    }
}

extension [UInt8] {
    func equals(_ text: Text) -> Bool { withUnsafeBufferPointer { $0.equals(text) } }
}

extension [UInt8]? {
    @inline(__always) func isNilOrEqual(_ text: Text) -> Bool {
        guard let self else { return true }
        return self.equals(text)
    }
}

func lowercased(_ bytes: [UInt8]) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).lowercased().utf8)
}

extension String {
    /// The parts between separators; one part when there is none.
    func components(separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        parts.append(rest)
        return parts
    }
}

extension Request {
    /// A parameter that has to be a whole number; nil when it is absent.
    func number(_ name: String) throws(DecodeError) -> Int64? {
        guard let value = parameter(name) else { return nil }
        guard let number = Int64(value) else {
            throw DecodeError("\(name) should be a whole number of 64 bits, not \"\(value)\"")
        }
        return number
    }
}
