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
        case .console(let descriptor): divak_config_add_console_reporter(configuration, descriptor)
        case .none: divak_config_add_null_reporter(configuration)
        case .memory(let reporter): reporter.add(to: configuration)
        }
    }
}
