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
        .target(name: "Divak", dependencies: ["CDivak"]),
        .target(name: "DivakTesting", dependencies: ["Divak"]),
        .testTarget(name: "DivakTests", dependencies: ["CDivak", "Divak", "DivakTesting"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
