// SPDX-License-Identifier: Apache-2.0
// Stock.swift - what is there: a book of comings and goings, deliveries now and then, and in between a shelf runs empty.

import Divak
import DivakHummingbird
import Hummingbird

/// The shelves. What lies there is the sum of the movements that were written down.
actor Warehouse {
    static let shelf = 28
    static let deliveryInterval = Duration.milliseconds(500)

    private var movements: [(item: String, count: Int)] = Catalogue.prices.keys.map { ($0, Warehouse.shelf) }

    /// How many there are.
    func count(of item: String) -> Int {
        movements.reduce(0) { $1.item == item ? $0 + $1.count : $0 }
    }

    /// Takes items off the shelf, or none when there are not enough; how many are left, or nil.
    func take(_ count: Int, of item: String) -> Int? {
        let there = self.count(of: item)
        guard there >= count else { return nil }
        movements.append((item, -count))
        return there - count
    }

    func putBack(_ count: Int, of item: String) {
        movements.append((item, count))
    }

    /// Fills all shelves again and again, until its task is cancelled.
    func takeDeliveries() async throws {
        while true {
            try await Task.sleep(for: Self.deliveryInterval)
            for item in Catalogue.prices.keys { putBack(Self.shelf - count(of: item), of: item) }
        }
    }
}

struct StockHandler: RequestTracker {
    let warehouse: Warehouse

    func router(_ tracer: DivakTracer) -> Router<DivakRequestContext> {
        let router = Router(context: DivakRequestContext.self)
        router.add(middleware: DivakMiddleware(tracer))
        router.post("/items/{item}/reservations") { request, context in
            let (item, count) = try wanted(request, context)
            let left = await recordOperation("take off the shelf") {
                let left = await warehouse.take(count, of: item)
                if let left { addDivakTag("left", left) }
                return left
            }
            guard let left else { throw HTTPError(.conflict, message: "\(item) is sold out") }
            return "\(left)\n"
        }
        router.delete("/items/{item}/reservations") { request, context in
            let (item, count) = try wanted(request, context)
            await recordOperation("put back") { await warehouse.putBack(count, of: item) }
            return HTTPResponse.Status.noContent
        }
        return router
    }

    private func wanted(_ request: Request, _ context: DivakRequestContext) throws -> (String, Int) {
        let item = try context.parameters.require("item")
        let text = request.uri.queryParameters["count"].map(String.init) ?? "1"
        guard Catalogue.prices[item] != nil, let count = Int(text), (1...100).contains(count) else {
            throw HTTPError(.badRequest, message: "\(text) \(item): 1 to 100 of what the shop sells")
        }
        addDivakTag("item", item)
        addDivakTag("count", count)
        return (item, count)
    }
}
