// SPDX-License-Identifier: Apache-2.0
// Exchange.swift - a request and its answer, free of any HTTP library.

/// What a client asked.
public struct Request: Sendable {
    /// In upper case, such as `GET`.
    public var method: String
    /// Percent-encoded, as it came, without the query.
    public var path: String
    /// Decoded, in the order in which they came.
    public var query: [(name: String, value: String)]
    /// Names in lower case.
    public var headers: [String: String]
    /// Empty when there is none.
    public var body: [UInt8]

    /// Makes it of its parts.
    public init(
        method: String = "GET",
        path: String,
        query: [(name: String, value: String)] = [],
        headers: [String: String] = [:],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The first value of a parameter; nil when it is absent.
    public func parameter(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// What it is answered.
public struct Answer: Sendable {
    /// Such as 200.
    public var status: Int
    /// Names in lower case.
    public var headers: [(name: String, value: String)]
    /// Empty when there is none.
    public var body: [UInt8]
    /// More body, piece by piece, for as long as the client listens.
    public var stream: AsyncStream<[UInt8]>?

    /// Makes it of its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer in plain text.
    public static func text(_ status: Int, _ message: String) -> Answer {
        Answer(status: status, headers: [("content-type", "text/plain; charset=utf-8")], body: Array(message.utf8))
    }

    /// An answer in JSON.
    public static func json(_ body: [UInt8], status: Int = 200) -> Answer {
        Answer(status: status, headers: [("content-type", "application/json; charset=utf-8")], body: body)
    }

    /// An answer in JSON.
    public static func json(_ body: String, status: Int = 200) -> Answer {
        json(Array(body.utf8), status: status)
    }
}

/// Splits and decodes the query of an address: `a=1&b=x%20y`.
///
/// Wrong UTF-8 becomes U+FFFD.
public func parseQuery(_ text: some StringProtocol) -> [(name: String, value: String)] {
    text.split(separator: "&").map { pair in
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (percentDecoded(parts[0]), parts.count > 1 ? percentDecoded(parts[1]) : "")
    }
}

/// Decodes `%20`, and `+` as a space; what is no valid escape stays.
public func percentDecoded(_ text: some StringProtocol) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    func digit(_ at: Int) -> UInt8? {
        guard at < bytes.count else { return nil }
        return Character(Unicode.Scalar(bytes[at])).hexDigitValue.map(UInt8.init)
    }
    var i = 0
    while i < bytes.count {
        if bytes[i] == UInt8(ascii: "%"), let high = digit(i + 1), let low = digit(i + 2) {
            out.append(high << 4 | low)
            i += 3
        } else {
            out.append(bytes[i] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[i])
            i += 1
        }
    }
    return String(decoding: out, as: UTF8.self)
}
