// SPDX-License-Identifier: Apache-2.0
// Stock.swift - what is there: a book of comings and goings, in which a shelf runs empty until more is delivered.

import Divak
import DivakHummingbird
import Hummingbird

/// The shelves. What lies there is the sum of the movements that were written down.
actor Warehouse {
    static let shelf = 24
    static let deliveryTime = Duration.milliseconds(30)

    private var movements: [(item: String, count: Int)] = Catalogue.prices.keys.map { ($0, Warehouse.shelf) }
    private var expected: Set<String> = []

    /// How many there are.
    func count(of item: String) -> Int {
        movements.reduce(0) { $1.item == item ? $0 + $1.count : $0 }
    }

    /// Takes items off the shelf, or none when there are not enough; how many are left, or nil.
    ///
    /// More is ordered only then, and comes a little later: however slow the customers are, some find too little.
    func take(_ count: Int, of item: String) -> Int? {
        let there = self.count(of: item)
        guard there >= count else {
            order(item)
            return nil
        }
        movements.append((item, -count))
        return there - count
    }

    func putBack(_ count: Int, of item: String) {
        movements.append((item, count))
    }

    /// Orders a shelf of an item, unless one is on its way.
    private func order(_ item: String) {
        guard expected.insert(item).inserted else { return }
        Task {
            try await Task.sleep(for: Self.deliveryTime)
            putBack(Self.shelf, of: item)
            expected.remove(item)
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
