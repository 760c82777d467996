// CapturedSpan.swift - a reported span as a test sees it.
// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
internal import FoundationEssentials
#else
internal import Foundation
#endif

/// A span as it was reported: what Zipkin would have got.
///
/// ```swift
/// let span = try #require(spans.first { $0.name == "get /users" })
/// #expect(span.kind == "SERVER" && span.tags["error"] == nil)
/// ```
public struct CapturedSpan: Sendable, Hashable, Codable {
    /// A service and its address.
    public struct Endpoint: Sendable, Hashable, Codable {
        /// The service's name.
        public var serviceName: String?
        /// The address as text, `192.0.2.1`.
        public var ipv4: String?
        /// The address as text, `2001:db8::1`.
        public var ipv6: String?
        /// The port.
        public var port: Int?
    }

    /// An event within a span.
    public struct Annotation: Sendable, Hashable, Codable {
        /// Microseconds since 1970.
        public var timestamp: UInt64
        /// What happened.
        public var value: String
    }

    /// The trace's id: 16 or 32 lower-case hexadecimal digits.
    public var traceID: String
    /// The span's id: 16 lower-case hexadecimal digits.
    public var id: String
    /// The parent's id, or nil for the first span of a trace.
    public var parentID: String?
    /// The name, in lower case.
    public var name: String?
    /// `CLIENT`, `SERVER`, `PRODUCER`, `CONSUMER`, or nil for local work.
    public var kind: String?
    /// The start in microseconds since 1970.
    public var timestamp: UInt64?
    /// The duration in microseconds.
    public var duration: UInt64?
    /// Who recorded the span.
    public var localEndpoint: Endpoint?
    /// Who was on the other side.
    public var remoteEndpoint: Endpoint?
    /// The events, in the order of the report.
    public var annotations: [Annotation]
    /// The tags.
    public var tags: [String: String]
    /// Whether the trace was to be kept whatever any sampler said.
    public var isDebug: Bool
    /// Whether the span has the id of the client's span, of which it is the server's half.
    public var isShared: Bool

    /// The text of the tag `error`, or nil when the span did not fail.
    public var error: String? { tags["error"] }

    private enum CodingKeys: String, CodingKey {
        case id, name, kind, timestamp, duration, localEndpoint, remoteEndpoint, annotations, tags
        case traceID = "traceId"
        case parentID = "parentId"
        case isDebug = "debug"
        case isShared = "shared"
    }

    /// Reads a span from Zipkin's v2 form.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        traceID = try values.decode(String.self, forKey: .traceID)
        id = try values.decode(String.self, forKey: .id)
        parentID = try values.decodeIfPresent(String.self, forKey: .parentID)
        name = try values.decodeIfPresent(String.self, forKey: .name)
        kind = try values.decodeIfPresent(String.self, forKey: .kind)
        timestamp = try values.decodeIfPresent(UInt64.self, forKey: .timestamp)
        duration = try values.decodeIfPresent(UInt64.self, forKey: .duration)
        localEndpoint = try values.decodeIfPresent(Endpoint.self, forKey: .localEndpoint)
        remoteEndpoint = try values.decodeIfPresent(Endpoint.self, forKey: .remoteEndpoint)
        annotations = try values.decodeIfPresent([Annotation].self, forKey: .annotations) ?? []
        tags = try values.decodeIfPresent([String: String].self, forKey: .tags) ?? [:]
        isDebug = try values.decodeIfPresent(Bool.self, forKey: .isDebug) ?? false
        isShared = try values.decodeIfPresent(Bool.self, forKey: .isShared) ?? false
    }

    /// Reads a list of spans in Zipkin's v2 JSON.
    ///
    /// - Throws: `DecodingError` for anything else.
    public static func list(json: String) throws -> [CapturedSpan] {
        try JSONDecoder().decode([CapturedSpan].self, from: Data(json.utf8))
    }
}
