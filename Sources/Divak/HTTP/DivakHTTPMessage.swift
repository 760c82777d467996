// DivakHTTPMessage.swift - the heads of requests and responses, as plain values that no framework owns.
// SPDX-License-Identifier: Apache-2.0

/// The head of an HTTP request: what a span, a propagator and an access log want to know of it.
///
/// ```swift
/// var request = DivakHTTPRequest(method: "POST", url: "http://127.0.0.1:8080/items?page=2")
/// request.headers.append(("accept", "application/json"))
/// ```
///
/// A client has a whole URL in ``url``; a server may have the target alone, `/items?page=2`.
public struct DivakHTTPRequest: Sendable {
    /// The method as it is sent: `GET`.
    public var method: String
    /// A URL, or a server's request target.
    public var url: String
    /// The header fields in their order; names count in any case.
    public var headers: [(String, String)]
    /// The version of the protocol, `HTTP/1.1`, or nil where it is not known.
    public var version: String?

    /// A request of what is known.
    public init(method: String, url: String, headers: [(String, String)] = [], version: String? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.version = version
    }

    /// The values of a header, in their order.
    public func values(of name: String) -> [String] { headers.values(of: name) }
}

/// The head of an HTTP response.
public struct DivakHTTPResponse: Sendable {
    /// The status code: 200, or 0 where it is not known.
    public var status: Int
    /// The header fields in their order; names count in any case.
    public var headers: [(String, String)]
    /// The words behind the status, where they are not the usual ones.
    public var reason: String?
    /// How many bytes the body has, where it is known.
    public var bodyBytes: Int?

    /// A response of what is known.
    public init(status: Int, headers: [(String, String)] = [], reason: String? = nil, bodyBytes: Int? = nil) {
        self.status = status
        self.headers = headers
        self.reason = reason
        self.bodyBytes = bodyBytes
    }

    /// The values of a header, in their order.
    public func values(of name: String) -> [String] { headers.values(of: name) }
}

extension [(String, String)] {
    /// The values of a header in whatever case, in their order.
    func values(of name: String) -> [String] { filter { isSameHeader($0.0, name) }.map(\.1) }

    /// The only value of a header; nil when it is absent, and when several values differ.
    func onlyValue(of name: String) -> String? {
        let values = values(of: name)
        guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
        return first
    }
}

/// Whether two header names are the same but for the case of their ASCII letters.
func isSameHeader(_ left: String, _ right: String) -> Bool {
    func lower(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
    return left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lower($0) == lower($1) }
}
