// ZipkinSpan.swift - a span as Zipkin's API gives it.
// SPDX-License-Identifier: Apache-2.0

/// A span of Zipkin's v2 JSON; what is missing there is nil or empty here.
public struct ZipkinSpan: Sendable, Hashable, Codable {
    /// A service and its address.
    public struct Endpoint: Sendable, Hashable, Codable {
        /// The service's name.
        public var serviceName: String?
        /// Its IPv4 address as text.
        public var ipv4: String?
        /// Its IPv6 address as text.
        public var ipv6: String?
        /// Its port.
        public var port: Int?

        /// An endpoint of what is known.
        public init(serviceName: String? = nil, ipv4: String? = nil, ipv6: String? = nil, port: Int? = nil) {
            self.serviceName = serviceName
            self.ipv4 = ipv4
            self.ipv6 = ipv6
            self.port = port
        }
    }

    /// An event within a span.
    public struct Annotation: Sendable, Hashable, Codable {
        /// Microseconds since 1970.
        public var timestamp: Int64
        /// What happened.
        public var value: String
    }

    /// The trace's id.
    public var traceId: String
    /// The parent's id, nil for a root.
    public var parentId: String?
    /// The span's id.
    public var id: String
    /// `CLIENT`, `SERVER`, `PRODUCER`, `CONSUMER`, or nil for local work.
    public var kind: String?
    /// What was done.
    public var name: String?
    /// The start in microseconds since 1970.
    public var timestamp: Int64?
    /// Microseconds.
    public var duration: Int64?
    /// Who recorded it.
    public var localEndpoint: Endpoint?
    /// Who was on the other side.
    public var remoteEndpoint: Endpoint?
    /// Events.
    public var annotations: [Annotation]?
    /// Tags.
    public var tags: [String: String]?
    /// Whether the trace is to be kept whatever samplers say.
    public var debug: Bool?
    /// Whether the id is the client's.
    public var shared: Bool?

    /// A span of what is known.
    public init(
        traceId: String,
        parentId: String? = nil,
        id: String,
        kind: String? = nil,
        name: String? = nil,
        timestamp: Int64? = nil,
        duration: Int64? = nil,
        localEndpoint: Endpoint? = nil,
        remoteEndpoint: Endpoint? = nil,
        annotations: [Annotation]? = nil,
        tags: [String: String]? = nil,
        debug: Bool? = nil,
        shared: Bool? = nil
    ) {
        self.traceId = traceId
        self.parentId = parentId
        self.id = id
        self.kind = kind
        self.name = name
        self.timestamp = timestamp
        self.duration = duration
        self.localEndpoint = localEndpoint
        self.remoteEndpoint = remoteEndpoint
        self.annotations = annotations
        self.tags = tags
        self.debug = debug
        self.shared = shared
    }

    /// The service that recorded it, or "unknown".
    public var service: String { localEndpoint?.serviceName ?? "unknown" }

    /// Whether it failed: Zipkin goes by the tag alone, whatever it says.
    public var isError: Bool { tags?["error"] != nil }

    /// The end in microseconds since 1970, where a start is known.
    ///
    /// Never later than 64 bits can say.
    public var end: Int64? { timestamp.map { Quantity.difference($0, -max(duration ?? 0, 0)) } }
}
