// SPDX-License-Identifier: Apache-2.0
// Demo.swift - the Swift programs of `make demo` in one executable: a shop, its stock, and customers.

import ArgumentParser

@main
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "divak-demo",
        abstract: "Services that are traced by Divak; scripts/demo.sh runs them together.",
        subcommands: [ShopCommand.self, StockCommand.self, CustomersCommand.self]
    )
}

struct ShopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shop",
        abstract: "Takes orders, keeps them in SQLite."
    )

    @Option(help: "The address of the stock.") var stock: String
    @Option(help: "The address of the program that computes checksums.") var hash: String
    @Option(help: "Where the database and the folder of invoices are.") var folder: String

    func run() async throws {
        let tracer = try DemoApplication(service: "shop").divak.start()
        let database = try ShopDatabase(path: "\(folder)/shop.sqlite")
        let handler = ShopHandler(database: database, stock: stock, hash: hash, invoices: "\(folder)/invoices")
        try await serve(handler.router(tracer), tracer, as: "shop")
    }
}

struct StockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stock",
        abstract: "Knows what is there, until it is not."
    )

    func run() async throws {
        let tracer = try DemoApplication(service: "stock").divak.start()
        try await serve(StockHandler(warehouse: Warehouse()).router(tracer), tracer, as: "stock")
    }
}

struct CustomersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "customers",
        abstract: "Order things, some of them at once."
    )

    @Option(help: "The address of the shop.") var shop: String
    @Option(help: "For how long.") var seconds = 4.0
    @Option(help: "How many order at once.") var count = 4

    func validate() throws {
        guard (0.1...3600).contains(seconds) else { throw ValidationError("--seconds \(seconds): give 0.1 to 3600") }
        guard (1...64).contains(count) else { throw ValidationError("--count \(count): give 1 to 64") }
    }

    func run() async throws {
        let tracer = try DemoApplication(service: "customers").divak.start()
        let tally = try await Customers(shop: shop, tracer: tracer).order(for: .seconds(seconds), customers: count)
        print("customers: \(tally.delivered) orders delivered, \(tally.refused) refused because something was sold out")
        try await finish(tracer, as: "customers")
    }
}
