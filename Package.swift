// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "divak",
    platforms: [.macOS(.v13)],
    products: [
        .library(name: "Divak", targets: ["Divak"]),
        .library(name: "DivakTesting", targets: ["DivakTesting"]),
        // Each of these is empty unless the trait of the same name (without Divak) is switched on.
        .library(name: "DivakServiceLifecycle", targets: ["DivakServiceLifecycle"]),
        .library(name: "DivakHummingbird", targets: ["DivakHummingbird"]),
        .library(name: "DivakAsyncHTTPClient", targets: ["DivakAsyncHTTPClient"]),
        .library(name: "DivakGRPC", targets: ["DivakGRPC"]),
        .library(name: "DivakURLSession", targets: ["DivakURLSession"]),
    ],
    // None by default: a package that is used only under a trait which is off is neither fetched nor built.
    traits: [
        .trait(name: "ServiceLifecycle", description: "DivakServiceLifecycle: flush when a ServiceGroup stops."),
        .trait(name: "Hummingbird", description: "DivakHummingbird: a middleware for servers."),
        .trait(name: "AsyncHTTPClient", description: "DivakAsyncHTTPClient: client spans and headers."),
        .trait(name: "GRPC", description: "DivakGRPC: interceptors for grpc-swift-2."),
        .trait(name: "URLSession", description: "DivakURLSession: client spans and headers with Foundation alone."),
    ],
    // The first three are the interfaces that every Swift service has already; none of them depends on anything.
    dependencies: [
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
    ],
    targets: [
        // The C core, compiled from the very files that CMake compiles. SwiftPM takes every .c below csrc, so that
        // folder must hold nothing but C. No unsafeFlags: they would forbid the package as a dependency.
        .target(
            name: "CDivak",
            path: ".",
            sources: ["csrc"],
            publicHeadersPath: "include",
            cSettings: [
                .headerSearchPath("csrc"),
                .define("_GNU_SOURCE"),
                .define("DIVAK_STATIC"),
            ],
            linkerSettings: [
                .linkedLibrary("curl"),
                .linkedLibrary("pthread"),
                .linkedLibrary("m"),
            ]
        ),
        .target(
            name: "Divak",
            dependencies: [
                "CDivak",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ]
        ),
        .target(name: "DivakTesting", dependencies: ["Divak"]),
        .target(
            name: "DivakServiceLifecycle",
            dependencies: [
                "Divak",
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])
                ),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "DivakHummingbird",
            dependencies: [
                "Divak",
                .product(name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Hummingbird"])),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["Hummingbird"])),
                .product(
                    name: "NIOConcurrencyHelpers",
                    package: "swift-nio",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "DivakAsyncHTTPClient",
            dependencies: [
                "Divak",
                .product(
                    name: "AsyncHTTPClient",
                    package: "async-http-client",
                    condition: .when(traits: ["AsyncHTTPClient"])
                ),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["AsyncHTTPClient"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["AsyncHTTPClient"])),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "DivakGRPC",
            dependencies: [
                "Divak",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: .when(traits: ["GRPC"])),
            ]
        ),
        .target(name: "DivakURLSession", dependencies: ["Divak"]),
        .testTarget(
            name: "DivakTests",
            dependencies: [
                "CDivak",
                "Divak",
                "DivakTesting",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)

// The Swift Package Index says this when it builds documentation, and has no other way to switch traits on: without, the
// modules behind them are empty.
if Context.environment["SPI_GENERATE_DOCS"] != nil {
    package.traits.insert(.default(enabledTraits: Set(package.traits.map(\.name))))
}

// Only scripts/docs.sh asks for the plugin that builds the documentation.
if Context.environment["DIVAK_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.5.0"))
}
