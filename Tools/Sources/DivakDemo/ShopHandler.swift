// SPDX-License-Identifier: Apache-2.0
// ShopHandler.swift - the shop: prices an order, reserves what it wants, writes an invoice and has its checksum computed.

import Divak
import DivakHummingbird
import DivakURLSession
import Foundation
import Hummingbird

struct ShopHandler: RequestTracker, HTTPClientMixin {
    let database: ShopDatabase
    let stock: String
    let hash: String
    let invoices: String

    func router(_ tracer: DivakTracer) -> Router<DivakRequestContext> {
        let router = Router(context: DivakRequestContext.self)
        router.add(middleware: DivakMiddleware(tracer))
        router.post("/orders") { request, context in
            try await take(request.decode(as: Order.self, context: context))
        }
        router.get("/bestsellers") { _, _ in
            try await recordOperation("select bestsellers") { try await database.bestsellers() }
        }
        return router
    }

    /// Sells all of an order or nothing of it.
    func take(_ order: Order) async throws -> Receipt {
        addDivakTag("customer", order.customer)
        addDivakTag("lines", order.lines.count)
        let cents = try await price(order)
        try await reserve(order)
        let number = try await recordOperation("insert order") {
            let number = try await database.insert(order, cents: cents)
            addDivakTag("order", Int(number))
            return number
        }
        let checksum = try await invoice(order, number, cents)
        try await recordOperation("update order") { try await database.setChecksum(checksum, of: number) }
        return Receipt(number: number, cents: cents, checksum: checksum)
    }

    private func price(_ order: Order) async throws -> Int {
        try await recordOperation("select prices") {
            let prices = try await database.prices(of: order.lines.map(\.item))
            return try order.lines.reduce(0) { sum, line in
                guard let price = prices[line.item], (1...100).contains(line.count) else {
                    throw HTTPError(.badRequest, message: "\(line.count) \(line.item): 1 to 100 of what the shop sells")
                }
                return sum + price * line.count
            }
        }
    }

    /// Takes each line's items out of the stock; when one is sold out, the earlier ones go back.
    private func reserve(_ order: Order) async throws {
        for (index, line) in order.lines.enumerated() {
            let address = "\(stock)/items/\(line.item)/reservations?count=\(line.count)"
            let answer = try await sendRequest(address, method: "POST", remoteName: "stock")
            if answer.status == 200 { continue }
            countEvent("sold out: \(line.item)")
            try await recordOperation("give back") {
                for earlier in order.lines[..<index] {
                    let address = "\(stock)/items/\(earlier.item)/reservations?count=\(earlier.count)"
                    _ = try await sendRequest(address, method: "DELETE", remoteName: "stock")
                }
            }
            throw HTTPError(.init(code: answer.status), message: "\(line.item) is sold out")
        }
    }

    /// Writes the invoice, and gives its checksum.
    private func invoice(_ order: Order, _ number: Int64, _ cents: Int) async throws -> String {
        let name = "\(number).txt"
        try recordOperation("write invoice") {
            var text = "Invoice \(number) for \(order.customer)\n"
            for line in order.lines { text += "\(line.count) x \(line.item)\n" }
            text += "\(cents) cents\n"
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(invoices)/\(name)"))
            addDivakTag("bytes", text.utf8.count)
        }
        let answer = try await sendRequest("\(hash)/checksum/invoices/\(name)", remoteName: "hash")
        let words = String(decoding: answer.data, as: UTF8.self).split(separator: " ")
        guard answer.status == 200, let checksum = words.first else {
            throw HTTPError(.badGateway, message: "no checksum of \(name): status \(answer.status)")
        }
        return String(checksum)
    }
}
