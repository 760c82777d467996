// DivakReporter.swift - where spans go.
// SPDX-License-Identifier: Apache-2.0

internal import CDivak

/// A place that spans are reported to.
///
/// With several, each gets every sampled span at its own pace.
///
/// ```swift
/// configuration.reporters = [.zipkin(), .console()]
/// ```
public struct DivakReporter: Sendable {
    package enum Storage: Sendable {
        case zipkin(String?)
        case supplied(EndpointSupply)
        case console(Int32)
        case none
        case memory(MemoryReporter)
    }

    let storage: Storage

    package init(_ storage: Storage) {
        self.storage = storage
    }

    /// Zipkin by HTTP, at an endpoint of its own or at the configured one.
    public static func zipkin(_ endpoint: String? = nil) -> DivakReporter {
        DivakReporter(.zipkin(endpoint))
    }

    /// Zipkin by HTTP, where the closure says by now: for collectors that move while the program runs.
    ///
    /// ```swift
    /// configuration.reporters = [.zipkin { registry.address(of: "zipkin") }]      // "10.0.0.7:9411"
    /// ```
    ///
    /// It is asked on the thread that sends, before it sends and at most once an ``DivakConfiguration/endpointInterval``,
    /// and must not block for long. Until its first answer the configured endpoint holds. Nil says that nothing is new;
    /// when it throws, or its answer is no endpoint, the last good one stays: ``DivakStatistics/badEndpoints`` counts it,
    /// and ``DivakTracer/failure(ofReporter:)`` says what was wrong.
    public static func zipkin(_ endpoint: @escaping @Sendable () throws -> String?) -> DivakReporter {
        DivakReporter(.supplied(EndpointSupply(endpoint)))
    }

    /// One line of text for each span, written to a file descriptor: standard error if none is given.
    public static func console(fileDescriptor: Int32 = 2) -> DivakReporter {
        DivakReporter(.console(fileDescriptor))
    }

    /// Nowhere: spans count as delivered.
    public static let none = DivakReporter(.none)

    /// Attaches the reporter to a configuration of C.
    func add(to configuration: OpaquePointer) -> Int32 {
        switch storage {
        case .zipkin(let endpoint): divak_config_add_zipkin_reporter(configuration, endpoint)
        case .supplied(let supply): supply.add(to: configuration)
        case .console(let descriptor): divak_config_add_console_reporter(configuration, descriptor)
        case .none: divak_config_add_null_reporter(configuration)
        case .memory(let reporter): reporter.add(to: configuration)
        }
    }
}
