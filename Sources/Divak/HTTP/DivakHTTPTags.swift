// DivakHTTPTags.swift - which facts of a request and its response become tags, and under what keys.
// SPDX-License-Identifier: Apache-2.0
//
// What every HTTP span says, in Zipkin's words: http.method, http.path, http.status_code when it is not 2xx, and error
// when it is over 399. The rest is asked for.

/// Further facts of HTTP that become tags.
///
/// ```swift
/// let request = DivakRequest(head, tracer: tracer, tags: [.userAgent, .responseSize])
/// ```
public struct DivakHTTPTags: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int

    /// A set of bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// `http.url`: the whole URL, query included, user and password left out.
    public static let url = DivakHTTPTags(rawValue: 1)
    /// `http.user_agent`.
    public static let userAgent = DivakHTTPTags(rawValue: 2)
    /// `http.version`.
    public static let version = DivakHTTPTags(rawValue: 4)
    /// `http.reason`: the words behind the status.
    public static let reason = DivakHTTPTags(rawValue: 8)
    /// `http.request.size`: the bytes of the body, as `content-length` has them.
    public static let requestSize = DivakHTTPTags(rawValue: 16)
    /// `http.response.size`: the bytes of the body.
    public static let responseSize = DivakHTTPTags(rawValue: 32)
    /// `http.route`: the pattern that the path matched.
    public static let route = DivakHTTPTags(rawValue: 64)
}

extension DivakKey {
    static let httpMethod = DivakKey("http.method")
    static let httpPath = DivakKey("http.path")
    static let httpStatusCode = DivakKey("http.status_code")
}

extension DivakSpan {
    /// Tags the span with the method and the path of a request, and with what else is asked for.
    ///
    /// For instrumentation of your own; ``DivakRequest`` and `sendRequest` do it themselves.
    public func tag(_ request: DivakHTTPRequest, _ tags: DivakHTTPTags = []) {
        guard isRecording else { return }
        tag(.httpMethod, request.method)
        tag(.httpPath, request.path)
        guard !tags.isEmpty else { return }
        if tags.contains(.url) { tag("http.url", request.urlWithoutUser) }
        if tags.contains(.version), let version = request.version { tag("http.version", version) }
        if tags.contains(.userAgent), let agent = request.values(of: "user-agent").first {
            tag("http.user_agent", agent)
        }
        if tags.contains(.requestSize), let bytes = request.values(of: "content-length").first.flatMap({ Int($0) }) {
            tag("http.request.size", bytes)
        }
    }

    /// Tags the span with the status of a response unless that is 2xx, with an error if it is one, and with what else
    /// is asked for.
    public func tag(_ response: DivakHTTPResponse, _ tags: DivakHTTPTags = []) {
        guard isRecording else { return }
        let status = response.status
        if status != 0, !(200..<300).contains(status) { tag(.httpStatusCode, status) }
        if status != 0, !(100..<400).contains(status) { recordError(message: "\(status)") }
        guard !tags.isEmpty else { return }
        if tags.contains(.reason), let reason = response.reason ?? HTTPReason.usual(status) {
            tag("http.reason", reason)
        }
        if tags.contains(.responseSize) {
            let bytes = response.bodyBytes ?? response.values(of: "content-length").first.flatMap { Int($0) }
            if let bytes { tag("http.response.size", bytes) }
        }
    }
}
