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
        .library(name: "DivakGRPC", targets: ["DivakGRPC"]),
    ],
    // None by default: a package that is used only under a trait which is off is neither fetched nor built.
    traits: [
        .trait(name: "ServiceLifecycle", description: "DivakServiceLifecycle: flush when a ServiceGroup stops."),
        .trait(name: "GRPC", description: "DivakGRPC: interceptors for grpc-swift-2."),
    ],
    // The first three are the interfaces that every Swift service has already; none of them depends on anything.
    dependencies: [
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
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
            name: "DivakGRPC",
            dependencies: [
                "Divak",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: .when(traits: ["GRPC"])),
            ]
        ),
        .testTarget(
            name: "DivakTests",
            dependencies: [
                "CDivak",
                "Divak",
                "DivakTesting",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
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
