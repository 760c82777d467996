// DivakLogKeys.swift - which ids a log line carries, and under what names.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak
internal import Logging

/// Which ids go into log lines, and under what names.
///
/// ```swift
/// var keys = DivakLogKeys()
/// keys.traceID = "trace-id"
/// keys.parentID = "parentId"                  // nil, and so left out, by default
/// keys.baggage = ["country-code": "country"]
/// keys.absent = "-"
/// ```
///
/// A key that is nil is left out. The ids are there also when the trace is not sampled.
public struct DivakLogKeys: Sendable, Hashable {
    /// The key of the trace's id.
    public var traceID: String? = "traceId"
    /// The key of the span's id.
    public var spanID: String? = "spanId"
    /// The key of the parent's id.
    public var parentID: String?
    /// The key of `true` or `false`: whether the span goes to Zipkin.
    public var sampled: String?
    /// The key of the request's id.
    public var requestID: String? = "requestId"
    /// Values that travel with the trace, each with its key.
    public var baggage: [String: String] = [:]
    /// What stands for a value that is absent: one text for all.
    ///
    /// With nil, the default, the key is left out of the line then.
    public var absent: String?

    /// The trace's id, the span's and the request's.
    public init() {}
}

extension DivakLogKeys {
    /// The ids of here and now.
    ///
    /// Without span and request that is a look at two task-locals.
    func metadata() -> Logger.Metadata {
        let span = DivakSpan.current
        let request = DivakRequest.current
        if span == nil, request == nil, absent == nil { return [:] }

        var metadata = Logger.Metadata(minimumCapacity: 3)
        func add(_ key: String?, _ value: @autoclosure () -> String?) {
            guard let key else { return }
            if let value = value() ?? absent { metadata[key] = .string(value) }
        }
        // A tracer that does nothing, or is switched off, gives its spans no ids.
        let named = span.flatMap { $0.handle.span_id == 0 ? nil : $0 }
        add(traceID, named?.traceID)
        add(spanID, named?.spanID)
        add(parentID, named?.parentID)
        add(sampled, named.map { $0.isSampled ? "true" : "false" })
        add(requestID, request?.requestID ?? span?.baggage(DivakRequest.baggageName))
        for (field, key) in baggage { add(key, span?.baggage(field)) }
        return metadata
    }
}
