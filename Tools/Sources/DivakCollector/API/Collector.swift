// SPDX-License-Identifier: Apache-2.0
// Collector.swift - routes a request to what answers it.

import Synchronization

/// A Zipkin-compatible collector: give it requests, it gives answers.
public final class Collector: Sendable {
    private let bodies = Mutex<[[UInt8]]>([])

    public init() {}

    public func answer(_ request: Request) async -> Answer {
        switch (request.method, request.path) {
        case ("GET", "/health"):
            return .json(#"{"status":"UP"}"#)
        case ("POST", "/api/v2/spans"):
            bodies.withLock { $0.append(request.body) }
            return Answer(status: 202)
        default:
            return .text(404, "\(request.path) not found\n")
        }
    }
}
