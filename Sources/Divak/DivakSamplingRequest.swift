// DivakSamplingRequest.swift - what a sampler knows when it is asked, and what it answers.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// What a sampler answers.
public enum DivakDecision: Sendable, Hashable {
    /// The trace is not recorded.
    case drop
    /// The trace is recorded.
    case sample
    /// No opinion: the next rule decides, or the sampler behind.
    case `defer`

    init(rawValue: Int32) {
        self =
            switch rawValue {
            case Int32(DIVAK_SAMPLE): .sample
            case Int32(DIVAK_DEFER): .defer
            default: .drop
            }
    }

    var rawValue: Int32 {
        switch self {
        case .drop: Int32(DIVAK_DROP)
        case .sample: Int32(DIVAK_SAMPLE)
        case .defer: Int32(DIVAK_DEFER)
        }
    }
}

/// What is known of a span when a sampler is asked about it.
///
/// ```swift
/// let sampler = DivakSampler.custom { request in request.path == "/health" ? .drop : .sample }
/// #expect(sampler.decide(DivakSamplingRequest(path: "/health")) == .drop)
/// ```
public struct DivakSamplingRequest: Sendable {
    /// The upper half of the trace's id, 0 when the id has 64 bits.
    public var traceIDHigh: UInt64
    /// The lower half of the trace's id.
    public var traceIDLow: UInt64
    /// The role of the span.
    public var kind: DivakKind
    /// The name that the span starts with.
    public var name: String?
    /// The method, `GET` or that of a remote call, or nil where nobody said it.
    public var method: String?
    /// The path without its query, or nil where nobody said it.
    public var path: String?
    /// The route, `/users/{id}`, or nil where nobody said it.
    public var route: String?
    /// The parent, or nil for a new trace.
    public var parent: DivakSpan?

    /// A request: for tests of a sampler.
    public init(
        name: String? = nil,
        kind: DivakKind = .local,
        method: String? = nil,
        path: String? = nil,
        route: String? = nil,
        traceIDHigh: UInt64 = 0,
        traceIDLow: UInt64 = 0,
        parent: DivakSpan? = nil
    ) {
        self.name = name
        self.kind = kind
        self.method = method
        self.path = path
        self.route = route
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.parent = parent
    }

    init(_ request: divak_sampling_request) {
        func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String? {
            bytes == nil ? nil : String(bytes: bytes, count: count)
        }
        self.init(
            name: text(request.name, request.name_length),
            kind: DivakKind(rawValue: request.kind),
            method: text(request.method, request.method_length),
            path: text(request.path, request.path_length),
            route: text(request.route, request.route_length),
            traceIDHigh: request.trace_id_high,
            traceIDLow: request.trace_id_low,
            parent: request.parent.map { DivakSpan(handle: $0.pointee) }
        )
    }

    /// Lends C the request.
    func withRequest<Result>(_ body: (UnsafePointer<divak_sampling_request>) -> Result) -> Result {
        var request = divak_sampling_request()
        request.trace_id_high = traceIDHigh
        request.trace_id_low = traceIDLow
        request.kind = kind.rawValue
        return withOptionalBytes(name) { name, nameCount in
            withOptionalBytes(method) { method, methodCount in
                withOptionalBytes(path) { path, pathCount in
                    withOptionalBytes(route) { route, routeCount in
                        (request.name, request.name_length) = (name, nameCount)
                        (request.method, request.method_length) = (method, methodCount)
                        (request.path, request.path_length) = (path, pathCount)
                        (request.route, request.route_length) = (route, routeCount)
                        guard let parent else { return body(&request) }
                        return withUnsafePointer(to: parent.handle) {
                            request.parent = $0
                            return body(&request)
                        }
                    }
                }
            }
        }
    }
}

/// Lends the bytes of a text, or nil and 0 where there is none.
func withOptionalBytes<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?, Int) -> Result) -> Result {
    guard let text else { return body(nil, 0) }
    return text.withBytes(body)
}
