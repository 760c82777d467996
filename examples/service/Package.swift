// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "divak-service-example",
    platforms: [.macOS(.v15)],
    products: [.library(name: "RowsService", targets: ["RowsService"])],
    dependencies: [
        .package(name: "divak", path: "../..", traits: ["ServiceLifecycle", "Hummingbird", "AsyncHTTPClient"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
    ],
    targets: [
        .target(
            name: "RowsService",
            dependencies: [
                .product(name: "Divak", package: "divak"),
                .product(name: "DivakAsyncHTTPClient", package: "divak"),
                .product(name: "DivakHummingbird", package: "divak"),
                .product(name: "DivakServiceLifecycle", package: "divak"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]
        ),
        .executableTarget(name: "rows-service", dependencies: ["RowsService"]),
    ],
    swiftLanguageModes: [.v6]
)
