// SPDX-License-Identifier: Apache-2.0
// Order.swift - what customers send and what the shop answers.

import Hummingbird

/// What a customer wants.
struct Order: Codable, Sendable {
    struct Line: Codable, Sendable {
        let item: String
        let count: Int
    }

    let customer: String
    let lines: [Line]
}

/// What a customer gets, when all of it was there.
struct Receipt: ResponseCodable, Sendable {
    let number: Int64
    let cents: Int
    /// Of the invoice's text.
    let checksum: String
}

/// What sells, the best first.
struct Bestseller: ResponseCodable, Sendable {
    let item: String
    let count: Int
}

enum Catalogue {
    /// Everything that there is to buy, with its price in cents.
    static let prices = ["tea": 450, "coffee": 690, "cocoa": 525, "honey": 899, "oats": 249, "rusks": 310]
}
