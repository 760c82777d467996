// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// The command `divak` and its collector, in a package of their own: nothing here weighs on a user of the library.
let package = Package(
    name: "DivakTools",
    platforms: [.macOS(.v14)],
    products: [
        .executable(name: "divak", targets: ["divak"]),
        .executable(name: "divak-demo", targets: ["DivakDemo"]),
    ],
    dependencies: [
        .package(name: "divak", path: "..", traits: ["Hummingbird", "URLSession"]),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // Everything about spans: bytes in, answers out. Knows nothing of HTTP.
        .target(
            name: "DivakCollector",
            dependencies: [
                "CZlib",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]
        ),
        // The collector as an HTTP server.
        .target(
            name: "DivakServer",
            dependencies: [
                "DivakCollector",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // The trace view: pages, compiled in. The files are embedded by C, which costs the compiler nothing.
        .target(name: "CDivakWeb", exclude: ["www"]),
        .target(name: "DivakWeb", dependencies: ["CDivakWeb"]),
        // Traces drawn with characters.
        .target(name: "DivakTerminal"),
        // The subcommands that ask a collector, or look at this machine.
        .target(
            name: "DivakCommands",
            dependencies: [
                "DivakTerminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Divak", package: "divak"),
            ]
        ),
        .executableTarget(
            name: "divak",
            dependencies: [
                "DivakCommands",
                "DivakServer",
                "DivakTerminal",
                "DivakWeb",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        // The Swift programs of `make demo`: what a service of one's own looks like with Divak.
        .executableTarget(
            name: "DivakDemo",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Divak", package: "divak"),
                .product(name: "DivakHummingbird", package: "divak"),
                .product(name: "DivakURLSession", package: "divak"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(name: "DivakCollectorTests", dependencies: ["DivakCollector"]),
        .testTarget(name: "DivakTerminalTests", dependencies: ["DivakTerminal"]),
        .testTarget(name: "DivakCommandsTests", dependencies: ["DivakCommands", "DivakTerminal"]),
    ],
    swiftLanguageModes: [.v6]
)
