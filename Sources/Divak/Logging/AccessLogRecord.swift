// AccessLogRecord.swift - what an access log says about one request.
// SPDX-License-Identifier: Apache-2.0

/// One request that was answered, as plain values that no framework owns.
///
/// ```swift
/// var record = AccessLogRecord(method: "GET", target: "/items?page=2", status: 200)
/// record.remoteAddress = "192.0.2.1"
/// record.duration = .milliseconds(3)
/// ```
///
/// What is nil is not known, and is written as `-`, or left out of JSON.
public struct AccessLogRecord: Sendable, Hashable {
    /// The method: `GET`.
    public var method: String
    /// The request's target with its query: `/items?page=2`.
    public var target: String
    /// The status of the response, or 0 where there was none.
    public var status: Int
    /// The version of the protocol: `HTTP/1.1`.
    public var version: String?
    /// The words behind the status, where they are not the usual ones.
    public var reason: String?
    /// The client's address: behind proxies ``TrustedProxies`` finds it.
    public var remoteAddress: String?
    /// Who the client is, where it has logged in.
    public var user: String?
    /// The bytes of the response's body.
    public var responseBytes: Int?
    /// The header `Referer`.
    public var referer: String?
    /// The header `User-Agent`.
    public var userAgent: String?
    /// When the request came.
    public var start: DivakTimestamp?
    /// How long it took.
    public var duration: Duration = .zero
    /// The id of the request.
    public var requestID: String?
    /// The trace's id.
    public var traceID: String?
    /// The id of the server's span.
    public var spanID: String?
    /// The pattern that the path matched: `/items/{id}`.
    public var route: String?
    /// What the handler threw.
    public var error: String?

    /// A record of what is always known.
    public init(method: String, target: String, status: Int) {
        self.method = method
        self.target = target
        self.status = status
    }
}

extension AccessLogRecord {
    /// Seconds with their fractions, rounded to a number of places: `0.003`.
    func seconds(places: Int) -> String { Self.decimal(nanoseconds, scale: 9, places: places) }

    /// Milliseconds with their fractions, rounded to a number of places: `3.14`.
    func milliseconds(places: Int) -> String { Self.decimal(nanoseconds, scale: 6, places: places) }

    /// The duration in whole nanoseconds, never negative.
    private var nanoseconds: UInt64 {
        let (seconds, attoseconds) = duration.boundedComponents
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(min(seconds, 9_000_000_000)) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }

    /// A number divided by 10 to the power of `scale`, with `places` digits behind the point, half rounded up.
    private static func decimal(_ number: UInt64, scale: Int, places: Int) -> String {
        func power(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
        let dropped = power(scale - places)
        let rounded = number / dropped + (number % dropped >= (dropped + 1) / 2 && dropped > 1 ? 1 : 0)
        let fraction = String(rounded % power(places))
        return "\(rounded / power(places))." + String(repeating: "0", count: places - fraction.utf8.count) + fraction
    }

    /// The start as `25/Nov/2026:16:04:05 +0000`, or nil.
    var clfTime: String? { start.map { CivilTime($0).clf } }

    /// The start as `2026-11-25T16:04:05.123Z`, or nil.
    var isoTime: String? { start.map { CivilTime($0).iso8601 } }
}
