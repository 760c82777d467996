// SPDX-License-Identifier: Apache-2.0
// URLSessionTransport.swift - Foundation's HTTP client, as Divak's mix-in for clients wants it.

import Divak
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// An answer: its status, and its whole body.
struct DemoResponse: Sendable {
    let status: Int
    let body: Data
}

struct URLSessionTransport: DivakHTTPTransport {
    func send(_ request: DivakHTTPRequest, body: Data?) async throws -> DemoResponse {
        guard let url = URL(string: request.url) else { throw URLError(.badURL) }
        var outgoing = URLRequest(url: url)
        outgoing.httpMethod = request.method
        outgoing.httpBody = body
        for (name, value) in request.headers { outgoing.addValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: outgoing)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        return DemoResponse(status: response.statusCode, body: data)
    }

    func head(of response: DemoResponse) -> DivakHTTPResponse {
        DivakHTTPResponse(status: response.status, bodyBytes: response.body.count)
    }
}
