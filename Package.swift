// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "divak",
    platforms: [.macOS(.v13)],
    products: [
        .library(name: "Divak", targets: ["Divak"]),
        .library(name: "DivakTesting", targets: ["DivakTesting"]),
    ],
    // The three interfaces that every Swift service has already; none of them depends on anything.
    dependencies: [
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
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

// Only scripts/docs.sh asks for the plugin that builds the documentation.
if Context.environment["DIVAK_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.5.0"))
}
