// SPDX-License-Identifier: Apache-2.0
// Customers.swift - a little load: customers who look, order, wait a moment, and order again.

import Divak
import DivakURLSession
import Foundation

struct Customers: HTTPClientMixin, RequestTracker {
    /// How it went.
    struct Tally: Sendable {
        var delivered = 0
        var refused = 0
    }

    let shop: String
    let tracer: DivakTracer

    static let names = ["ada", "edsger", "grace", "niklaus", "barbara", "donald"]

    /// Lets so many customers order at once for so long.
    func order(for time: Duration, customers: Int) async throws -> Tally {
        let end = ContinuousClock.now + time
        return try await withThrowingTaskGroup(of: Tally.self) { group in
            for number in 0..<customers {
                group.addTask { try await shopUntil(end, as: Self.names[number % Self.names.count]) }
            }
            return try await group.reduce(into: Tally()) { sum, one in
                sum.delivered += one.delivered
                sum.refused += one.refused
            }
        }
    }

    private func shopUntil(_ end: ContinuousClock.Instant, as customer: String) async throws -> Tally {
        var tally = Tally()
        while ContinuousClock.now < end {
            let isDelivered = try await tracer.withSpan("buy", parent: .newTrace) { span in
                span.tag("customer", customer)
                if Int.random(in: 0..<4) == 0 {
                    _ = try await sendRequest("\(shop)/bestsellers", remoteName: "shop")
                }
                return try await placeOrder(as: customer)
            }
            if isDelivered { tally.delivered += 1 } else { tally.refused += 1 }
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...80)))
        }
        return tally
    }

    /// Orders one to four things; whether all of them were there.
    private func placeOrder(as customer: String) async throws -> Bool {
        let items = Catalogue.prices.keys.shuffled().prefix(Int.random(in: 1...4))
        let order = Order(
            customer: customer,
            lines: items.map { Order.Line(item: $0, count: Int.random(in: 1...3)) }
        )
        let answer = try await sendRequest(
            "\(shop)/orders",
            method: "POST",
            headers: [("content-type", "application/json")],
            body: JSONEncoder().encode(order),
            remoteName: "shop"
        )
        switch answer.status {
        case 200: return true
        case 409: return false
        default: throw URLError(.badServerResponse)
        }
    }
}
