// Hummingbird+Divak.swift - heads of requests and responses, from Hummingbird's types to Divak's.
// SPDX-License-Identifier: Apache-2.0

#if Hummingbird
import Divak
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers

extension DivakHTTPRequest {
    /// The head of a request.
    init(_ request: Request) {
        self.init(
            method: request.method.rawValue,
            url: request.uri.string,
            headers: request.headers.map { ($0.name.rawName, $0.value) }
        )
    }
}

extension DivakHTTPResponse {
    /// The head of a response.
    init(_ response: Response) {
        self.init(
            status: Int(response.status.code),
            headers: response.headers.map { ($0.name.rawName, $0.value) },
            reason: response.status.reasonPhrase
        )
    }
}

extension Response {
    /// Puts the request's id there, and whatever else goes back to the caller.
    mutating func addHeaders(of traced: DivakRequest) {
        let old = headers.map { ($0.name.rawName, $0.value) }
        var all = old
        traced.addHeaders(to: &all)
        for (name, value) in all.dropFirst(old.count) {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
    }
}

/// How many bytes a body has: known from the start, or counted as they pass.
final class ByteCount: Sendable {
    private let count: NIOLockedValueBox<Int>

    init(_ known: Int?) {
        count = NIOLockedValueBox(known ?? 0)
    }

    var value: Int { count.withLockedValue { $0 } }

    func add(_ bytes: Int) {
        count.withLockedValue { $0 += bytes }
    }
}
#endif
