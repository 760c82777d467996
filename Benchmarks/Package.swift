// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "DivakBenchmarks",
    platforms: [.macOS(.v14)],
    dependencies: [
        // Named, because its identity would otherwise be that of the folder it was cloned into.
        .package(name: "divak", path: ".."),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    ],
    targets: [
        .target(name: "CMeasure"),
        .executableTarget(
            name: "DivakBenchmarks",
            dependencies: [
                "CMeasure",
                .product(name: "Divak", package: "divak"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ]
        ),
        .executableTarget(
            name: "DivakTasks",
            dependencies: [
                .product(name: "Divak", package: "divak"),
                .product(name: "DivakTesting", package: "divak"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
