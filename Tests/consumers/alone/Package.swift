// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// What a program that uses Divak and nothing else writes.
let package = Package(
    name: "alone",
    dependencies: [.package(name: "divak", path: "../../..")],
    targets: [
        .executableTarget(name: "alone", dependencies: [.product(name: "Divak", package: "divak")])
    ],
    swiftLanguageModes: [.v6]
)
