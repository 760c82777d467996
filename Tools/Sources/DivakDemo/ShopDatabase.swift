// SPDX-License-Identifier: Apache-2.0
// ShopDatabase.swift - the shop's prices and orders, in SQLite.

import Foundation
import GRDB

struct ShopDatabase: Sendable {
    private let pool: DatabasePool

    /// Opens the file, or makes it, with the catalogue in it.
    init(path: String) throws {
        pool = try DatabasePool(path: path)
        try pool.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS items (name TEXT PRIMARY KEY, cents INTEGER NOT NULL);
                    CREATE TABLE IF NOT EXISTS orders (
                        number INTEGER PRIMARY KEY, customer TEXT NOT NULL, cents INTEGER NOT NULL, checksum TEXT);
                    CREATE TABLE IF NOT EXISTS lines (
                        number INTEGER NOT NULL REFERENCES orders, item TEXT NOT NULL REFERENCES items,
                        count INTEGER NOT NULL);
                    """
            )
            for (name, cents) in Catalogue.prices {
                try database.execute(sql: "INSERT OR REPLACE INTO items VALUES (?, ?)", arguments: [name, cents])
            }
        }
    }

    /// The prices of items in cents; those that the shop doesn't sell are missing.
    func prices(of items: [String]) async throws -> [String: Int] {
        try await pool.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT name, cents FROM items WHERE name IN (\(databaseQuestionMarks(count: items.count)))",
                arguments: StatementArguments(items)
            )
            var prices: [String: Int] = [:]
            for row in rows { prices[row["name"]] = row["cents"] }
            return prices
        }
    }

    /// Writes an order down, and gives its number.
    func insert(_ order: Order, cents: Int) async throws -> Int64 {
        try await pool.write { database in
            try database.execute(
                sql: "INSERT INTO orders (customer, cents) VALUES (?, ?)",
                arguments: [order.customer, cents]
            )
            let number = database.lastInsertedRowID
            for line in order.lines {
                try database.execute(
                    sql: "INSERT INTO lines VALUES (?, ?, ?)",
                    arguments: [number, line.item, line.count]
                )
            }
            return number
        }
    }

    /// Notes the checksum of an order's invoice.
    func setChecksum(_ checksum: String, of number: Int64) async throws {
        try await pool.write { database in
            try database.execute(sql: "UPDATE orders SET checksum = ? WHERE number = ?", arguments: [checksum, number])
        }
    }

    /// What sold best so far.
    func bestsellers() async throws -> [Bestseller] {
        try await pool.read { database in
            let sql = "SELECT item, SUM(count) AS sold FROM lines GROUP BY item ORDER BY sold DESC, item"
            return try Row.fetchAll(database, sql: sql).map { Bestseller(item: $0["item"], count: $0["sold"]) }
        }
    }
}
