// DivakHandler.swift - code that looks at every span as it begins and as it ends, and may change or drop it.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// Looks at every span as it begins and as it ends.
///
/// ```swift
/// configuration.handlers = [
///     DivakHandler(end: { span in
///         span["password"] = nil                              // redact
///         return span.name == "health" ? .drop : .keep        // drop by name
///     })
/// ]
/// ```
///
/// Handlers run in their order. None can fail: the closures don't throw, and whatever an end handler does to a span, the
/// program that made it goes on undisturbed. A trap inside of one ends the process, as everywhere in Swift.
///
/// None may block, start spans, or call flush, shutdown or check.
public struct DivakHandler: Sendable {
    /// What becomes of an ended span.
    public enum Outcome: Sendable, Hashable {
        /// It goes on to the next handler, and to the reporters.
        case keep
        /// It is dropped for the handlers after this one and for all reporters, and counted as `filtered`.
        case drop
    }

    /// Called for each recorded span when it starts, inside of start, by several threads at once.
    ///
    /// Tag it, if you like; the parent is nil for the first span of a trace.
    public typealias Begin = @Sendable (_ span: DivakSpan, _ parent: DivakSpan?) -> Void

    /// Called once for each recorded span after its end, one after the other on Divak's own thread; not for abandoned
    /// ones.
    public typealias End = @Sendable (_ span: inout DivakEndedSpan) -> Outcome

    let functions: Functions
    /// Whether the handler sees the spans that are not sampled too.
    ///
    /// While such a handler is attached, unsampled spans are recorded, at the price of sampled ones.
    public let wantsUnsampled: Bool

    /// A handler; one that has neither closure is refused when the tracer is made.
    public init(wantsUnsampled: Bool = false, begin: Begin? = nil, end: End? = nil) {
        self.wantsUnsampled = wantsUnsampled
        functions = Functions(begin: begin, end: end)
    }
}

extension DivakHandler {
    /// Turns the tags that describe the other side into the remote endpoint.
    ///
    /// ```swift
    /// configuration.handlers.append(.remoteEndpointFromTags)
    /// span.tag("peer.service", "postgres")
    /// span.tag("peer.address", "192.0.2.7:5432")
    /// ```
    ///
    /// These are `peer.service`, `peer.address` (with or without a port), `peer.ipv4`, `peer.ipv6`, `peer.port`, and
    /// the same that begin with `broker.`, which count where there is no `peer.`. What is understood disappears from the
    /// tags; `peer.hostname` stands in for a missing service. Names of hosts are not looked up.
    public static let remoteEndpointFromTags = DivakHandler(end: { span in
        for prefix in ["peer.", "broker."] {
            guard let endpoint = takeEndpoint(prefix, from: &span) else { continue }
            span.setRemote(endpoint)
            break
        }
        return .keep
    })

    /// The endpoint that the tags of this prefix describe, which are taken away; nil when there are none.
    private static func takeEndpoint(_ prefix: String, from span: inout DivakEndedSpan) -> DivakEndpoint? {
        var endpoint = DivakEndpoint()
        var taken: [String] = []
        for key in ["address", "ipv4", "ipv6"] {
            if let text = span[prefix + key], endpoint.setAddress(text) { taken.append(key) }
        }
        if let port = span[prefix + "port"].flatMap({ UInt16($0) }), port != 0 {
            endpoint.port = port
            taken.append("port")
        }
        for key in ["service", "hostname"] where endpoint.service == nil {
            guard let text = span[prefix + key], !text.isEmpty else { continue }
            endpoint.service = text
            taken.append(key)
        }
        for key in taken { span[prefix + key] = nil }
        return taken.isEmpty ? nil : endpoint
    }
}

extension DivakHandler {
    /// The closures, in a form that a pointer can carry.
    final class Functions: Sendable {
        let begin: Begin?
        let end: End?

        init(begin: Begin?, end: End?) {
            self.begin = begin
            self.end = end
        }
    }

    /// Attaches the handler to a configuration of C; the caller keeps `functions` for as long as the tracer may call.
    func add(to configuration: OpaquePointer) -> Int32 {
        var handler = divak_handler()
        handler.context = Unmanaged.passUnretained(functions).toOpaque()
        handler.wants_unsampled = wantsUnsampled
        if functions.begin != nil {
            handler.begin = { context, span, parent in
                guard let context, let span else { return }
                let functions = Unmanaged<Functions>.fromOpaque(context).takeUnretainedValue()
                functions.begin?(DivakSpan(handle: span.pointee), parent.map { DivakSpan(handle: $0.pointee) })
            }
        }
        if functions.end != nil {
            handler.end = { context, span in
                guard let context, let span else { return true }
                let functions = Unmanaged<Functions>.fromOpaque(context).takeUnretainedValue()
                var ended = DivakEndedSpan(pointer: span)
                return functions.end?(&ended) != .drop
            }
        }
        return divak_config_add_handler(configuration, &handler)
    }
}
