// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let package = Package(
    name: "divak-demo",
    dependencies: [.package(name: "divak", path: "../..")],
    targets: [
        .executableTarget(
            name: "demo-walk",
            dependencies: [.product(name: "Divak", package: "divak")],
            path: "Sources/DemoWalk"
        )
    ],
    swiftLanguageModes: [.v6]
)
