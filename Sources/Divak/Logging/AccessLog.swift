// AccessLog.swift - one line for each request, in one of four formats.
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Writes one line for each request.
///
/// ```swift
/// let accessLog = AccessLog(.combined, failuresOnly: true)
/// accessLog.write(record, to: Logger(label: "divak.access"))
/// ```
///
/// The level is by the status: information below 400, a warning below 500, else an error. What a client sent can neither
/// end a line nor a field: control characters, quotes and the like are written as `\x0a`, `\"`.
public struct AccessLog: Sendable {
    /// A format of lines.
    public struct Format: Sendable, Hashable {
        enum Storage: Sendable {
            case brief, combined, correlation, json
        }

        let storage: Storage

        /// `192.0.2.1 "GET /items" 200 "curl/8.0" 0.003142`: address, request, status, agent, seconds.
        public static let brief = Format(storage: .brief)

        /// As web servers write it:
        /// `192.0.2.1 - ada [25/Nov/2026:16:04:05 +0000] "GET /items HTTP/1.1" 200 "OK" 12 "-" "curl/8.0" (secs:0.003)`.
        public static let combined = Format(storage: .combined)

        /// `200 GET /items (192.0.2.1) 3.14ms {CID 4f0c…}`: status, request, address, time, id of the request.
        public static let correlation = Format(storage: .correlation)

        /// One object of JSON, of what is known.
        public static let json = Format(storage: .json)
    }

    /// How a line looks.
    public var format: Format
    /// Whether what went well is logged at the level `debug`.
    public var failuresOnly: Bool
    /// The keys of the ids that go with each line as metadata.
    public var keys: DivakLogKeys

    /// An access log of a format.
    public init(_ format: Format = .combined, failuresOnly: Bool = false, keys: DivakLogKeys = DivakLogKeys()) {
        self.format = format
        self.failuresOnly = failuresOnly
        self.keys = keys
    }

    /// The line of a request.
    public func line(_ record: AccessLogRecord) -> String {
        switch format.storage {
        case .brief: record.brief
        case .combined: record.combined
        case .correlation: record.correlation
        case .json: record.json
        }
    }

    /// The level of a status.
    public func level(_ status: Int) -> Logger.Level {
        switch status {
        case ..<400: failuresOnly ? .debug : .info
        case ..<500: .warning
        default: .error
        }
    }

    /// Writes the line of a request to a logger, with its ids as metadata.
    ///
    /// The ids are the record's own, so it does not matter whether the span has ended.
    public func write(_ record: AccessLogRecord, to logger: Logger) {
        logger.log(level: level(record.status), "\(line(record))", metadata: metadata(record))
    }

    private func metadata(_ record: AccessLogRecord) -> Logger.Metadata? {
        var metadata: Logger.Metadata = [:]
        func add(_ key: String?, _ value: String?) {
            if let key, let value = value ?? keys.absent { metadata[key] = .string(value) }
        }
        add(keys.traceID, record.traceID)
        add(keys.spanID, record.spanID)
        add(keys.requestID, record.requestID)
        return metadata
    }
}

// MARK: - The formats

extension AccessLogRecord {
    fileprivate var brief: String {
        #"\#(bare(remoteAddress)) "\#(bare(method)) \#(bare(target))" \#(status) "# + quoted(userAgent)
            + " \(seconds(places: 6))"
    }

    fileprivate var combined: String {
        let request = "\(bare(method)) \(bare(target)) \(bare(version))"
        let words = quoted(reason ?? HTTPReason.usual(status))
        let bytes = responseBytes.map { "\($0)" } ?? "-"
        return #"\#(bare(remoteAddress)) - \#(bare(user)) [\#(clfTime ?? "-")] "\#(request)" \#(status) \#(words) "#
            + "\(bytes) \(quoted(referer)) \(quoted(userAgent)) (secs:\(seconds(places: 3)))"
    }

    fileprivate var correlation: String {
        "\(status) \(bare(method)) \(bare(target)) (\(bare(remoteAddress))) \(milliseconds(places: 2))ms "
            + "{CID \(bare(requestID))}"
    }

    fileprivate var json: String {
        var members: [String] = []
        func add(_ key: String, _ value: String?) {
            if let value { members.append("\"\(key)\":\(value)") }
        }
        add("time", isoTime.map(LogText.json))
        add("method", LogText.json(method))
        add("target", LogText.json(target))
        add("version", version.map(LogText.json))
        add("route", route.map(LogText.json))
        add("status", "\(status)")
        add("reason", reason.map(LogText.json))
        add("remoteAddress", remoteAddress.map(LogText.json))
        add("user", user.map(LogText.json))
        add("responseBytes", responseBytes.map { "\($0)" })
        add("referer", referer.map(LogText.json))
        add("userAgent", userAgent.map(LogText.json))
        add("seconds", seconds(places: 6))
        add("requestId", requestID.map(LogText.json))
        add("traceId", traceID.map(LogText.json))
        add("spanId", spanID.map(LogText.json))
        add("error", error.map(LogText.json))
        return "{" + members.joined(separator: ",") + "}"
    }

    private func bare(_ text: String?) -> String { text.map { LogText.escape($0, for: .bare) } ?? "-" }

    private func quoted(_ text: String?) -> String { text.map { LogText.quoted($0) } ?? "\"-\"" }
}
