// DivakConfiguration.swift - the settings of a tracer.
// SPDX-License-Identifier: Apache-2.0

/// Settings of a tracer: from here, else from the environment, else their defaults.
///
/// ```swift
/// var configuration = DivakConfiguration(serviceName: "checkout")
/// configuration.sampleRate = 0.1
/// configuration.settings["compression"] = "gzip"
/// let tracer = try DivakTracer(configuration)
/// ```
///
/// What is nil is left to the environment (`DIVAK_SAMPLE_RATE`, and so on) and the default.
public struct DivakConfiguration: Sendable {
    /// Whether anything is recorded (setting `enabled`, default true).
    public var isEnabled: Bool?
    /// The name of this service (`service_name`, default the program's name).
    public var serviceName: String?
    /// The address of this service (`service_ip`, default the first site-local one, or else the first that is not
    /// loopback; "none" leaves it out).
    public var serviceAddress: String?
    /// The port of this service (`service_port`, default 0: left out).
    public var servicePort: UInt16?
    /// Where Zipkin listens (`endpoint`, default `http://127.0.0.1:9411/api/v2/spans`).
    public var endpoint: String?
    /// The share of new traces that is sampled, 0 to 1 (`sample_rate`, default 1).
    public var sampleRate: Double?
    /// How many new traces a second are sampled at most (`sample_per_second`, default no limit).
    public var samplesPerSecond: Int?
    /// Which new traces are sampled, in place of the two above (default nil: by them).
    public var sampler: DivakSampler?
    /// Whether spans that are not sampled are recorded, at the price of sampled ones, so that
    /// ``DivakSpan/setSampled(_:)`` can still send them (`late_decision`, default false).
    public var allowsLateDecisions: Bool?
    /// The formats of headers that are written, and read (`propagation`, default `b3multi` and `tracecontext` written,
    /// all read).
    public var propagation: [Propagation]?
    /// Formats of headers of your own, to be named there (default none).
    public var propagators: [DivakPropagator] = []
    /// Fields that are carried along with a trace (`baggage_fields`, default none).
    public var baggageFields: [DivakBaggageField]?
    /// The header that holds the request id (`request_id_header`, default `x-request-id`).
    public var requestIDHeader: String?
    /// Whether a request that comes without an id gets one, a UUID (`request_id`, default false).
    public var makesRequestIDs: Bool?
    /// Who makes the id of a request that comes without one, whatever ``makesRequestIDs`` says (default nil: as it says).
    ///
    /// ```swift
    /// configuration.requestIDGenerator = { "\(region)-\(counter.next())" }
    /// ```
    ///
    /// Called for each request whose headers are read, by several threads at once; it must not block. A UUID takes the
    /// place of what may not be an id (``RequestIdPropagation/isValid(_:)``); with nil the request has none.
    public var requestIDGenerator: (@Sendable () -> String?)?
    /// Whether a server's span takes the id of the client's (`join`, default true) or is its child.
    public var joinsClientSpans: Bool?
    /// How often spans are sent (`flush_interval`, default 1 s).
    public var flushInterval: Duration?
    /// How long a request may take (`timeout`, default 10 s).
    public var timeout: Duration?
    /// How long the program's exit waits for the last spans (`close_timeout`, default 1 s).
    public var closeTimeout: Duration?
    /// How often a reporter's closure is asked for its endpoint at most (`endpoint_interval`, default 30 s).
    public var endpointInterval: Duration?
    /// How much memory there is for spans altogether (`buffer_bytes`, default 32 MiB).
    public var bufferBytes: Int?

    /// Tags of every span that has not got the tag itself (`tags`, default none); values hold no commas.
    public var tags: [String: String]?
    /// Code that looks at every span as it begins and as it ends, at most 16 (default none).
    public var handlers: [DivakHandler] = []

    /// Another source of ids (default nil: Divak's own).
    ///
    /// Called for each new span and each half of a trace's id, by several threads at once; it must not block. 0 is asked
    /// again up to 8 times, then Divak makes the id.
    public var idGenerator: (@Sendable () -> UInt64)?
    /// Another clock, for starts, ends and annotations (default nil: the system's); called as the source of ids.
    public var clock: (@Sendable () -> DivakTimestamp)?

    /// Any setting by its name, as in divak/config.h; applied after the properties above.
    public var settings: [String: String] = [:]

    /// Where spans go; when empty, to Zipkin at the ``endpoint``.
    public var reporters: [DivakReporter] = []

    /// Whether the environment is read.
    ///
    /// Tests may want to turn it off.
    public var readsEnvironment = true

    /// Settings that leave everything to the environment and the defaults but what is named here.
    public init(serviceName: String? = nil, endpoint: String? = nil, sampleRate: Double? = nil) {
        self.serviceName = serviceName
        self.endpoint = endpoint
        self.sampleRate = sampleRate
    }
}

extension DivakConfiguration {
    /// A format of headers that carry a trace from process to process.
    ///
    /// ```swift
    /// configuration.propagation = [.tracecontext, "x-trace"]          // "x-trace": a DivakPropagator of that name
    /// ```
    public struct Propagation: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral {
        /// The name in the setting `propagation`.
        public let rawValue: String

        /// A format by its name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// A format by its name.
        public init(stringLiteral: String) {
            rawValue = stringLiteral
        }

        /// One header, `b3`.
        public static let b3 = Propagation(rawValue: "b3")
        /// Several headers, `X-B3-TraceId` and so on.
        public static let b3multi = Propagation(rawValue: "b3multi")
        /// W3C `traceparent` and `tracestate`.
        public static let tracecontext = Propagation(rawValue: "tracecontext")
        /// W3C `baggage`.
        public static let baggage = Propagation(rawValue: "baggage")
        /// The request id.
        public static let requestID = Propagation(rawValue: "request-id")
        /// Nothing at all.
        public static let none = Propagation(rawValue: "none")
    }
}
