// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// Every companion product with the real framework, over loopback. One package for all of them, and for the example
// service, since building the frameworks takes minutes.
let package = Package(
    name: "divak-framework-tests",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(
            name: "divak",
            path: "../..",
            traits: ["ServiceLifecycle", "Hummingbird", "AsyncHTTPClient", "GRPC", "URLSession"]
        ),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", from: "2.9.2"),
        .package(path: "../../examples/service"),
    ],
    targets: [
        .executableTarget(
            name: "LifecycleChild",
            dependencies: [
                .product(name: "Divak", package: "divak"),
                .product(name: "DivakServiceLifecycle", package: "divak"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(
            name: "FrameworkTests",
            dependencies: [
                "LifecycleChild",
                .product(name: "Divak", package: "divak"),
                .product(name: "DivakTesting", package: "divak"),
                .product(name: "DivakServiceLifecycle", package: "divak"),
                .product(name: "DivakHummingbird", package: "divak"),
                .product(name: "DivakAsyncHTTPClient", package: "divak"),
                .product(name: "DivakGRPC", package: "divak"),
                .product(name: "DivakURLSession", package: "divak"),
                .product(name: "RowsService", package: "service"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
